# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Helpers for network tests: namespaces, traffic, TAP output. Source it; it sets its own EXIT trap.
#
#   . "$(dirname "$0")/lib.sh"
#   topo2                              # cli c0 <-> s0 srv
#   count_start up srv s0 --key udp:5001
#   cli udpsend "$SRV4" 5001 --rate 8mbit --time 2 >"$T/send.json"
#   count_stop up
#   is "nothing is lost" "$(json up '.keys["udp:5001"].packets')" "$(json send .packets)"
#   finish
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PATH=${QOSCTL_BUILD:-$top/build}/tests/net:${QOSCTL_BUILD:-$top/build}/user:${QOSCTL_BUILD:-$top/build}:$PATH
# A test's own files: NAME.json is read by `json NAME`. Not in /tmp, in whose folders root trusts no policy.
T=$(mktemp -d -p /run)

# Other tests may run on the same machine.
NS_CLI=qc$$ NS_RTR=qr$$ NS_SRV=qs$$

# The addresses of cli and srv, and of the router towards each, set by topo2 and topo3.
CLI4='' CLI6='' SRV4='' SRV6='' RTR4C='' RTR6C='' RTR4S='' RTR6S=''

tests=0 failed=0 skipped=0
spaces=() pids=()

# --- results -----------------------------------------------------------------------------------

note() { printf '# %s\n' "$*"; }

ok() { # DESCRIPTION
	tests=$((tests + 1))
	printf 'ok %d - %s\n' $tests "$*"
}

not_ok() { # DESCRIPTION
	tests=$((tests + 1)) failed=$((failed + 1))
	printf 'not ok %d - %s\n' $tests "$*"
}

skip() { # DESCRIPTION REASON
	tests=$((tests + 1)) skipped=$((skipped + 1))
	printf 'ok %d - %s # SKIP %s\n' $tests "$1" "$2"
}

# Is a command's status 0? Its output is shown when not.
check() { # DESCRIPTION COMMAND ARG...
	local what=$1
	shift
	if "$@" >"$T/check.out" 2>&1; then
		ok "$what"
	else
		not_ok "$what"
		note "status $? of: $*"
		sed 's/^/# /' "$T/check.out"
	fi
}

is() { # DESCRIPTION VALUE EXPECTED
	if [[ $2 == "$3" ]]; then
		ok "$1: $2"
	else
		not_ok "$1: $2, expected $3"
	fi
}

# Is VALUE within PCT percent, or ABS, of EXPECTED? The greater of the two counts.
within() { # VALUE EXPECTED PCT [ABS]
	awk -v v="$1" -v e="$2" -v p="$3" -v a="${4-0}" 'BEGIN {
		d = v - e; if (d < 0) d = -d
		m = (e < 0 ? -e : e) * p / 100; if (a > m) m = a
		exit !(v ~ /^-?[0-9.]+(e[-+]?[0-9]+)?$/ && d <= m)
	}'
}

near() { # DESCRIPTION VALUE EXPECTED PCT [ABS]
	if within "$2" "$3" "$4" "${5-0}"; then
		ok "$1: $2 (expected $3 ± $4 % or ${5-0})"
	else
		not_ok "$1: $2, expected $3 ± $4 % or ${5-0}"
	fi
}

at_most() { # DESCRIPTION VALUE LIMIT
	if awk -v v="$2" -v l="$3" 'BEGIN { exit !(v ~ /^-?[0-9.]+$/ && v <= l) }'; then
		ok "$1: $2 (at most $3)"
	else
		not_ok "$1: $2, expected at most $3"
	fi
}

# Prints the plan and a summary, and exits: the last line of a test.
finish() {
	printf '1..%d\n' $tests
	note "$((tests - failed - skipped)) passed, $failed failed, $skipped skipped"
	((failed == 0 && tests > 0))
	exit
}

bail() { # REASON: the test cannot go on
	printf 'Bail out! %s\n' "$*"
	exit 1
}

# --- processes ---------------------------------------------------------------------------------

# Starts a command in the background, its pid in the variable NAME: of the program itself, not of
# a shell around it, so that a signal reaches it.
bg() { # NAME [cli|rtr|srv] COMMAND ARG...
	local -n _pid=$1
	shift
	case $1 in
	cli | rtr | srv) set -- nsenter --net="/run/netns/$(space "$1")" "${@:2}" ;;
	esac
	exec "$@" &
	_pid=$!
	pids+=("$_pid")
}

# Ends one with SIGTERM; its status is the program's own.
stop() { # PID
	kill -TERM "$1" 2>/dev/null
	wait "$1"
}

# The time now, for programs that take --at; to 10 ms.
uptime_ns() {
	local up
	read -r up _ </proc/uptime
	echo "$((10#${up/./}))0000000"
}

# Waits until a file is there, for a program with --ready.
await() { # FILE [SECONDS]
	local i
	for ((i = 0; i < ${2-10} * 100; i++)); do
		[[ -e $1 ]] && return
		sleep 0.01
	done
	bail "$1 did not appear"
}

await_tcp() { # cli|rtr|srv PORT: until somebody listens
	local i
	for ((i = 0; i < 1000; i++)); do
		[[ $("$1" ss -Hltn "sport = :$2") ]] && return
		sleep 0.01
	done
	bail "nobody listens at TCP port $2"
}

_cleanup() {
	local status=$? pid ns
	for pid in "${pids[@]}"; do
		kill -KILL "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	for ns in "${spaces[@]}"; do
		ip netns del "$ns" 2>/dev/null
	done
	rm -rf "$T"
	return "$status"
}
# The status that the test ends with is kept: exit in a trap takes what it is given.
trap '_cleanup; exit' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# --- namespaces --------------------------------------------------------------------------------

space() { # cli|rtr|srv: its namespace
	case $1 in
	cli) echo "$NS_CLI" ;;
	rtr) echo "$NS_RTR" ;;
	srv) echo "$NS_SRV" ;;
	*) bail "no namespace $1" ;;
	esac
}

# Not `ip netns exec`, which hides /sys/fs/bpf and the cgroups behind a /sys of its own. So what is
# pinned stays, and /sys/class/net is the outer one.
cli() { nsenter --net="/run/netns/$NS_CLI" "$@"; }
rtr() { nsenter --net="/run/netns/$NS_RTR" "$@"; }
srv() { nsenter --net="/run/netns/$NS_SRV" "$@"; }

ns_add() { # NAMESPACE
	ip netns add "$1" || bail "cannot make a network namespace"
	spaces+=("$1")
	nsenter --net="/run/netns/$1" sh -c 'cd /proc/sys/net/ipv6/conf
		echo 0 >default/accept_dad; echo 0 >all/accept_dad
		echo 0 >default/router_solicitations' 2>/dev/null
	ip -n "$1" link set lo up
}

# A veth pair between two namespaces, with the options of topo2.
link_add() { # NS1 IF1 NS2 IF2 [MTU] [QUEUES]
	local q=${6-1}
	ip link add "$2" netns "$1" mtu "${5-1500}" numtxqueues "$q" numrxqueues "$q" type veth \
		peer name "$4" netns "$3" mtu "${5-1500}" numtxqueues "$q" numrxqueues "$q" ||
		bail "cannot make a veth pair"
	ip -n "$1" link set "$2" up
	ip -n "$3" link set "$4" up
}

addr_add() { # NAMESPACE IF ADDRESS...
	local ns=$1 if=$2 a
	shift 2
	for a in "$@"; do
		if [[ $a == *:* ]]; then
			ip -n "$ns" addr add "$a" dev "$if" nodad
		else
			ip -n "$ns" addr add "$a" dev "$if"
		fi || bail "cannot set $a"
	done
}

# cli c0 --- s0 srv
topo2() { # [MTU] [QUEUES]
	CLI4=10.1.0.1 SRV4=10.1.0.2 CLI6=fd00:1::1 SRV6=fd00:1::2
	ns_add "$NS_CLI"
	ns_add "$NS_SRV"
	link_add "$NS_CLI" c0 "$NS_SRV" s0 "${1-1500}" "${2-1}"
	addr_add "$NS_CLI" c0 $CLI4/24 $CLI6/64
	addr_add "$NS_SRV" s0 $SRV4/24 $SRV6/64
}

# cli c0 --- r0 rtr r1 --- s0 srv: qosctl shapes r1 (to the server) or r0 (to the client).
# shellcheck disable=SC2034 # the addresses are for the tests
topo3() { # [MTU] [QUEUES]
	CLI4=10.1.0.1 RTR4C=10.1.0.254 RTR4S=10.2.0.254 SRV4=10.2.0.1
	CLI6=fd00:1::1 RTR6C=fd00:1::fe RTR6S=fd00:2::fe SRV6=fd00:2::1
	ns_add "$NS_CLI"
	ns_add "$NS_RTR"
	ns_add "$NS_SRV"
	rtr sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward
		echo 1 >/proc/sys/net/ipv6/conf/all/forwarding' || bail "cannot forward"
	link_add "$NS_CLI" c0 "$NS_RTR" r0 "${1-1500}" "${2-1}"
	link_add "$NS_RTR" r1 "$NS_SRV" s0 "${1-1500}" "${2-1}"
	addr_add "$NS_CLI" c0 $CLI4/24 $CLI6/64
	addr_add "$NS_RTR" r0 $RTR4C/24 $RTR6C/64
	addr_add "$NS_RTR" r1 $RTR4S/24 $RTR6S/64
	addr_add "$NS_SRV" s0 $SRV4/24 $SRV6/64
	ip -n "$NS_CLI" route add default via $RTR4C
	ip -n "$NS_CLI" route add default via $RTR6C
	ip -n "$NS_SRV" route add default via $RTR4S
	ip -n "$NS_SRV" route add default via $RTR6S
}

# Does the kernel have this qdisc? It does not on some machines that build.
has_qdisc() { # KIND
	local probe=qp$$ r
	ip netns add $probe || return
	ip -n $probe link set lo up
	tc -n $probe qdisc add dev lo root "$1" 2>/dev/null
	r=$?
	ip netns del $probe
	return $r
}

# --- traffic -----------------------------------------------------------------------------------

json() { # NAME FILTER: from $T/NAME.json
	jq -r "$2" "$T/$1.json"
}

# Counts in the background at the receiver; the figures are in $T/NAME.json after count_stop.
declare -A _counters=()
count_start() { # NAME cli|rtr|srv IFACE WIRECOUNT-OPTION...
	local name=$1 where=$2 pid
	shift 2
	rm -f "$T/$name.ready"
	bg pid "$where" wirecount "$@" --hold --ready "$T/$name.ready" >"$T/$name.json"
	_counters[$name]=$pid
	await "$T/$name.ready"
}

count_stop() { # NAME
	stop "${_counters[$1]}" || not_ok "wirecount $1 saw everything"
}

# Average bit/s of a key over its whole intervals but the first SKIP, and the last, partial one.
key_rate() { # NAME KEY [SKIP]
	jq -r --arg k "$2" --argjson s "${3-0}" '
		(.interval_ns / 1e9) as $t | .keys[$k].intervals[$s:-1] |
		if length > 0 then (add * 8 / (length * $t) | floor) else 0 end' "$T/$1.json"
}

# Average bit/s of a key from its first packet to its last: where the CPU is busy for long at a time,
# and what is due then leaves late, an interval has what belongs to its neighbour.
key_rate_whole() { # NAME KEY
	jq -r --arg k "$2" '.keys[$k] | .bytes * 8e9 / (.last_ns - .first_ns) | floor' "$T/$1.json"
}

# An iperf3 server for one test, listening when this returns.
iperf_server() { # cli|srv|rtr PORT
	local pid
	bg pid "$1" iperf3 -s -p "$2" >/dev/null
	await_tcp "$1" "$2"
}
