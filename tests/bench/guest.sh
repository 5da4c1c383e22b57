#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# In the guest: runs the jobs that tests/bench/bench.py wrote. What the programs measured is left
# in /out/SCENARIO/SHAPER/; nothing is computed here.
#
#   guest.sh local|forward JOBS
. "$(dirname "$0")/../net/lib.sh"

OUT=${BENCH_OUT:-/out}
LEAD_MS=300 # from the start of a run's programs to the first packet

export T EDT=/qosctl/build/tests/bpf/minimal_edt.bpf.o
case $1 in
local)
	# shellcheck disable=SC2119
	topo2
	shaped=cli DEV=c0
	addr_add "$NS_CLI" c0 10.1.0.11/24 10.1.0.12/24
	;;
forward)
	# shellcheck disable=SC2119
	topo3
	shaped=rtr DEV=r1
	;;
*) bail "usage: guest.sh local|forward JOBS" ;;
esac
export DEV
mkdir -p "$OUT"
uname -r >"$OUT/kernel"
modprobe -a sch_htb sch_fq_codel sch_cake sch_tbf sch_fq cls_u32 cls_flow tcp_bbr 2>/dev/null

# What TCP learnt of a peer in one run is not carried into the next.
for ns in cli srv; do $ns sh -c 'echo 1 >/proc/sys/net/ipv4/tcp_no_metrics_save'; done
bg pid srv bulk server 5001 5002 5003 5004 5005 5006 5007 5008 --ready "$T/bulk"
await "$T/bulk"
# Ahead of the load's programs: what is measured is the link, not the guest's one CPU.
bg pid srv chrt -f 10 rtt server 6001 --ready "$T/rtt"
await "$T/rtt"
# Nobody asks for an address in the middle of a run.
neighbour() { # SPACE IF SPACE IF ADDRESS: the second's, told to the first
	local mac
	mac=$(ip -n "$3" -j link show "$4" | jq -r '.[0].address')
	ip -n "$1" neigh replace "$5" dev "$2" lladdr "$mac" nud permanent
}
if [[ $shaped == cli ]]; then
	neighbour "$NS_CLI" c0 "$NS_SRV" s0 "$SRV4"
	for a in "$CLI4" 10.1.0.11 10.1.0.12; do neighbour "$NS_SRV" s0 "$NS_CLI" c0 "$a"; done
else
	neighbour "$NS_CLI" c0 "$NS_RTR" r0 "$RTR4C"
	neighbour "$NS_RTR" r1 "$NS_SRV" s0 "$SRV4"
	neighbour "$NS_SRV" s0 "$NS_RTR" r1 "$RTR4S"
	neighbour "$NS_RTR" r0 "$NS_CLI" c0 "$CLI4"
fi
check "the path is up" cli ping -qc 3 -i 0.2 -W 2 "$SRV4"

ecn() { # 0|1
	[[ ${ecn_now-} == "$1" ]] && return
	for ns in cli srv; do $ns sh -c "echo $1 >/proc/sys/net/ipv4/tcp_ecn"; done
	ecn_now=$1
}

# The beginning of a job: what follows are its loads, then go.
job() { # SCENARIO SHAPER BIN ECN; the setup's script on stdin
	shaper=$2 dir=$OUT/$1/$2 bin=$3 loads=() keys=() skipped='' pid=''
	mkdir -p "$dir"
	: >"$dir/errors"
	printf '%s %s\n' "$1" "$2"
	ecn "$4"
	if ! $shaped bash -e 2>"$dir/why" >/dev/null; then
		skipped=1
		teardown
	fi
}

count() { # KEY...: on the wire, at the receiver
	local key
	for key; do keys+=(--key "$key"); done
}

load() { # NAME OFFSET-MS PROGRAM ARG...: SRV stands for the server's address, AT for the time
	loads+=("$*")
}

launch() { # START-NS NAME OFFSET-MS PROGRAM ARG...
	local args=("${@:4}") at=$(($1 + $3 * 1000000))
	args=("${args[@]/#SRV/$SRV4}")
	args=("${args[@]/#AT/$at}")
	bg pid cli "${args[@]}" >"$dir/$2.json" 2>>"$dir/errors"
	senders+=("$pid")
}

go() {
	local start counter='' senders=() one
	[[ -z $skipped ]] || return 0
	start=$(($(uptime_ns) + LEAD_MS * 1000000))
	if ((${#keys[@]})); then
		bg counter srv wirecount s0 --hold --interval "$bin" --from $start "${keys[@]}" \
			--ring 8 --ready "$T/wire" >"$dir/wire.json" 2>>"$dir/errors"
	fi
	for one in "${loads[@]}"; do
		# shellcheck disable=SC2086 # words
		launch $start $one
	done
	[[ -z $counter ]] || await "$T/wire"
	(($(uptime_ns) < start)) || echo "its programs started too late" >>"$dir/errors"
	for pid in "${senders[@]}"; do
		wait "$pid" || note "status $? of a load: $(<"$dir/errors")"
	done
	[[ -z $counter ]] || stop "$counter"
	rm -f "$T/wire"
	$shaped tc -s -j qdisc show dev $DEV >"$dir/qdisc.json"
	# until the last packets and resets are through: an idle guest costs nothing
	sleep 0.5
	teardown
}

teardown() {
	[[ $shaper != qosctl ]] || $shaped qosctl remove $DEV >/dev/null 2>&1
	$shaped tc qdisc del dev $DEV root 2>/dev/null
	$shaped tc qdisc del dev $DEV clsact 2>/dev/null
	ip -n "$(space $shaped)" link set dev $DEV gso_max_size 65536
}

# shellcheck disable=SC1090 # written for this run
. "$2"
((failed == 0))
