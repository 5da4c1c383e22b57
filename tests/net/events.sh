#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What happens to an interface that is shaped: it goes down and up, has another MTU, other queues,
# another name; it or its namespace is deleted; somebody takes fq or clsact away; another version of
# qosctl was there before. Traffic goes on; what is not shaped is told, and apply puts it right.
. "$(dirname "$0")/faultlib.sh"

topo2 1500 4
policy A 20 4 2
check "the policy is applied" apply A
ours=$(in_kernel)
stats() { cli qosctl stats c0 --json | jq ".[0].classes | map($1) | add"; }
shown() { cli qosctl show c0 --json | jq -r ".[0].$1"; }

sender='' n=0
# A flow above the rate of its class, while something is done.
load_start() {
	n=$((n + 1))
	seen=$(stats '.packets + (.drops | add)') dropped=$(stats '.drops | add')
	count_start "load$n" srv s0 --interval 100ms --key udp:5001
	bg sender cli udpsend "$SRV4" 5001 --rate 6mbit --size 1000 --time 100000 >"$T/sent$n.json"
	sleep 0.5
}
load_stop() { # WHAT [LOST]: how many the kernel may lose by what is done
	local all
	sleep 0.5
	stop "$sender"
	sleep 0.5
	count_stop "load$n"
	all=$(json "sent$n" '.packets + .enobufs')
	dropped=$(($(stats '.drops | add') - dropped)) seen=$(($(stats '.packets + (.drops | add)') - seen))
	near "$1: of $all packets each arrived, or was dropped by its class, or was in the queue" \
		$(($(json "load$n" '.keys["udp:5001"].packets') + dropped)) "$all" 0 "${2-0}"
	at_most "$1: all were seen by the program" "$all" "$seen"
	is "$1: none is reordered" "$(json "load$n" '.keys["udp:5001"].reordered')" 0
	[[ $MODE == fq ]] || return
	at_most "$1: bytes in the fullest tenth of a second" \
		"$(json "load$n" '.keys["udp:5001"].intervals | max')" $((50000 + 3028 + 2 * 1042))
}
in_force() { # WHAT
	is "$1: it is in force" "$(shown in_force)" true
	is "$1: apply has nothing to change" "$(apply A)" "c0: nothing to change"
	is "$1: and nothing is left over" "$(settled "$ours")" "$ours"
}

# 4 Mbit/s for 100 ms, the longest queue; the kernel drops it with the link
queue=60

# The neighbour goes with the link too. Until somebody has found it again packets wait for it outside of
# any qdisc, and too many are dropped there, before the program: up to 1 s, in which s0 still has no
# qdisc to answer with (the kernel looks at links once in a second). So it is told at once.
s0_address=$(ip -n "$NS_SRV" -j link show s0 | jq -r '.[0].address')
up() {
	ip -n "$NS_CLI" -batch - <<-END
		link set c0 up
		neigh replace $SRV4 lladdr $s0_address dev c0 nud permanent
	END
}

note "link down and up"
load_start
for _ in 1 2 3; do
	ip -n "$NS_CLI" link set c0 down
	sleep 0.2
	up
	ip -n "$NS_CLI" addr add $CLI6/64 dev c0 nodad # gone with the link
	sleep 0.3
done
# and what was sent while it was down found no route: udpsend counts it as another error
load_stop "down and up" $((3 * queue))
in_force "down and up"

note "MTU"
load_start
for mtu in 9000 1400 1500; do
	ip -n "$NS_SRV" link set s0 mtu "$mtu"
	ip -n "$NS_CLI" link set c0 mtu "$mtu"
	check "MTU $mtu: apply" apply A
	sleep 0.2
	is "MTU $mtu: it is in force" "$(shown in_force)" true
done
load_stop "MTU" $((3 * queue))
in_force "MTU"

note "queues"
load_start
for queues in 1 4 2; do
	check "$queues queues" ip netns exec "$NS_CLI" ethtool -L c0 tx $queues rx $queues
	is "$queues queues: it is in force" "$(shown in_force)" true
	is "$queues queues: apply has nothing to change" "$(apply A)" "c0: nothing to change"
	sleep 0.3
done
load_stop "queues" $((3 * queue))

note "another name"
rename() { # FROM TO: before Linux 6.2 only while it is down
	ip -n "$NS_CLI" link set "$1" down
	ip -n "$NS_CLI" link set "$1" name "$2" up || bail "cannot rename $1"
}
rename c0 other0
sed 's/interface: c0/interface: other0/' "$T/A.yaml" >"$T/other.yaml"
is "the policy is in force under it" "$(cli qosctl show other0 --json | jq '.[0].in_force')" true
is "apply has nothing to change" "$(apply other)" "other0: nothing to change"
is "the pins have the name" "$(basename -a /sys/fs/bpf/qosctl/* | cut -d: -f1)" other0
is "and nothing is left over" "$(settled "$ours")" "$ours"
rename other0 c0
apply A >/dev/null
in_force "the old name"

note "fq and clsact deleted by somebody"
broken() { # WHAT: told, and repaired
	cli qosctl doctor c0 >"$T/doctor"
	check "$1: doctor tells" grep -q FAIL "$T/doctor"
	cli qosctl show c0 --json >"$T/show.json" 2>"$T/out"
	is "$1: show tells" "$(jq -r '.[0].in_force' "$T/show.json" 2>/dev/null)$(grep -c 'not shaped' "$T/out")" \
		false0
	check "$1: plan tells" grep -q '^+' <(changes A)
	load_start 2>/dev/null
	check "$1: apply repairs" apply A
	stop "$sender"
	in_force "$1"
}
if [[ $MODE == fq ]]; then
	tc -n "$NS_CLI" qdisc del dev c0 root
	broken "no fq"
	tc -n "$NS_CLI" qdisc replace dev c0 root pfifo
	broken "another root"
	tc -n "$NS_CLI" qdisc replace dev c0 parent 7105:2 pfifo
	broken "another qdisc at one queue"
fi
tc -n "$NS_CLI" filter del dev c0 egress
broken "no filter"
tc -n "$NS_CLI" qdisc del dev c0 clsact
broken "no clsact"
check "remove" cli qosctl remove c0
is "nothing is left" "$(settled "$(none_in_kernel)")" "$(none_in_kernel)"

note "deleted and made anew"
check "apply" apply A
for _ in $(seq "$(often 3 1)"); do
	ip -n "$NS_CLI" link del c0
	link_add "$NS_CLI" c0 "$NS_SRV" s0 1500 4
	check "apply" apply A
	is "it is shaped" "$(shown in_force)" true
	is "and nothing is left of the one before" "$(settled "$ours")" "$ours"
done

note "its namespace deleted"
if ! readlink /proc/1/ns/net >/dev/null; then
	skip "its namespace deleted" "which namespaces live is not to be seen here"
	cli qosctl remove c0 >/dev/null
	finish
fi
make_space() { # NAME: with a shaped c0
	ns_add "$1"
	ip link add c0 netns "$1" numtxqueues 4 type veth peer name c1 netns "$1" numtxqueues 4
	ip -n "$1" link set c0 up
	ip -n "$1" link set c1 up
	nsenter --net="/run/netns/$1" qosctl apply "$T/A.yaml" >/dev/null || not_ok "apply in $1"
}
locks() { find /run/qosctl -name '*.lock' | wc -l; }
lock_files=$(locks)
for _ in $(seq "$(often 3 1)"); do
	make_space "qd$$"
	ip netns del "qd$$"
done
make_space "ql$$"
# the kernel deletes namespaces in its own time
for ((i = 0; i < 20; i++)); do
	sleep 0.2
	policy A 20 4 2 "$( ((i % 2)) && echo a || echo b)"
	apply A >/dev/null || not_ok "apply"
	[[ $(find /sys/fs/bpf/qosctl -mindepth 1 -type d | wc -l) == 2 ]] && break
done
is "the next change takes away what is left of them, and not what is alive" \
	"$(find /sys/fs/bpf/qosctl -mindepth 1 -type d | wc -l)" 2
is "locks too" "$(locks)" $((lock_files + 1))
is "the one alive is in force" \
	"$(nsenter --net="/run/netns/ql$$" qosctl show c0 --json | jq '.[0].in_force')" true
nsenter --net="/run/netns/ql$$" qosctl remove c0 >/dev/null
cli qosctl remove c0 >/dev/null
is "nothing is left" "$(settled "$(none_in_kernel)")" "$(none_in_kernel)"
finish
