#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What happens to an interface that is shaped: it goes down and up, has another MTU, other queues,
# another name; it or its namespace is deleted; somebody takes fq or clsact away; another version of
# qosctl was there before. Traffic goes on; what is not shaped is told, and apply puts it right.
. "$(dirname "$0")/faultlib.sh"

topo2 1500 4
# Without IPv6, whose own packets leave as an interface goes down, to no qdisc that counts them.
for space in cli srv; do
	# shellcheck disable=SC2016 # sh's
	$space sh -c 'for interface in /proc/sys/net/ipv6/conf/*; do
		echo 1 >"$interface/disable_ipv6"
	done' 2>/dev/null
done
policy A 20 4 2
check "the policy is applied" apply A
ours=$(in_kernel)
stats() { cli qosctl stats c0 --json | jq ".[0].classes | map($1) | add"; }
shown() { cli qosctl show c0 --json | jq -r ".[0].$1"; }

# Of all packets of c0, the qdisc's too: what the program let pass and nobody counts from there on.
forgotten() { echo $(($(stats .packets) - $(qdisc_count packets) - $(qdisc_count drops) - $(tx_dropped))); }

sender='' n=0
# A flow above the rate of its class, while something is done. Its queue is full when this returns.
load_start() {
	n=$((n + 1)) waiting=0 resets=0
	seen=$(stats '.packets + (.drops | add)') dropped=$(stats '.drops | add') lost=$(tx_dropped)
	uncounted=$(forgotten)
	count_start "load$n" srv s0 --interval 100ms --key udp:5001
	bg sender cli udpsend "$SRV4" 5001 --rate 6mbit --size 1000 --time 100000 >"$T/sent$n.json"
	sleep 0.5
}
load_end() {
	sleep 0.5
	stop "$sender"
	sleep 0.5
	count_stop "load$n"
	all=$(json "sent$n" '.packets + .enobufs') arrived=$(json "load$n" '.keys["udp:5001"].packets')
}
# What came neither here nor there was in queues when they were reset. Their class's was full then, and
# full when it was looked at: one packet more than its limit, where one has just come, or one less, where
# one has just left. So these two numbers differ by two at most.
in_queues() { # WHAT
	near "$1: each of $all packets arrived, or was one of $dropped that its class dropped, of $lost that the interface did, or in a queue that was reset" \
		$((all - arrived - dropped - lost)) "$waiting" 0 "$([[ $MODE == fq ]] && echo $((2 * resets)) || echo 0)"
}
load_account() { # WHAT
	dropped=$(($(stats '.drops | add') - dropped)) lost=$(($(tx_dropped) - lost))
	is "$1: what the class dropped, its sender was told" "$dropped" "$(json "sent$n" .enobufs)"
	in_queues "$1"
}
load_stop() { # WHAT: and it was shaped all the time
	load_end
	load_account "$1"
	at_most "$1: all were seen by the program" "$all" $(($(stats '.packets + (.drops | add)') - seen))
	is "$1: none is reordered" "$(json "load$n" '.keys["udp:5001"].reordered')" 0
	[[ $MODE == fq ]] || return
	is "$1: those in the queues are those that the program let pass and no qdisc sent" \
		$((all - arrived - dropped - lost)) $(($(forgotten) - uncounted))
	at_most "$1: bytes in the fullest tenth of a second" \
		"$(json "load$n" '.keys["udp:5001"].intervals | max')" $((50000 + 3028 + 2 * 1042))
}
in_force() { # WHAT
	is "$1: it is in force" "$(shown in_force)" true
	is "$1: apply has nothing to change" "$(apply A)" "c0: nothing to change"
	is "$1: and nothing is left over" "$(settled "$ours")" "$ours"
}

# The neighbour goes with the link too. Until somebody has found it again packets wait for it outside of
# any qdisc, and too many are dropped there, before the program: up to 1 s, in which s0 still has no
# qdisc to answer with (the kernel looks at links once in a second). What waited there its class may drop
# later, which no sender is told. So it is there before the link is up.
s0_address=$(ip -n "$NS_SRV" -j link show s0 | jq -r '.[0].address')
up() { # [INTERFACE [NAME]]: under another name
	ip -n "$NS_CLI" -batch - <<-END
		link set ${1-c0} name ${2-${1-c0}}
		neigh replace $SRV4 lladdr $s0_address dev ${2-${1-c0}} nud permanent
		link set ${2-${1-c0}} up
	END
}

note "link down and up"
load_start
for _ in 1 2 3; do
	resetting ip -n "$NS_CLI" link set c0 down
	sleep 0.2
	up
	sleep 0.4 # its queue is full again
done
# and what was sent while it was down found no route: udpsend counts it as another error
load_stop "down and up"
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
load_stop "MTU"
in_force "MTU"

note "queues"
queued_above() { # QUEUES: what waits in those after them
	local queue=$1 sum=0
	while ((++queue <= 4)); do
		sum=$((sum + $(tc -n "$NS_CLI" -s -j qdisc show dev c0 |
			jq "[.[] | select((.parent // \"\") | endswith(\":$queue\")).qlen] | add // 0")))
	done
	echo $sum
}
load_start
for queues in 1 4 2; do
	# the others are reset, and no more queues reset none
	waiting=$((waiting + $(queued_above "$queues"))) resets=$((resets + 1))
	check "$queues queues" ip netns exec "$NS_CLI" ethtool -L c0 tx $queues rx $queues
	is "$queues queues: it is in force" "$(shown in_force)" true
	is "$queues queues: apply has nothing to change" "$(apply A)" "c0: nothing to change"
	sleep 0.3
done
load_stop "queues"

note "another name"
# shellcheck disable=SC2317 # resetting calls it
rename() { # FROM TO: before Linux 6.2 only while it is down
	ip -n "$NS_CLI" link set "$1" down
	up "$1" "$2" || bail "cannot rename $1"
	device=$2
}
load_start
resetting rename c0 other0
sed 's/interface: c0/interface: other0/' "$T/A.yaml" >"$T/other.yaml"
is "the policy is in force under it" "$(cli qosctl show other0 --json | jq '.[0].in_force')" true
is "apply takes the policy's text and file, and no more" "$(apply other)" \
	"+ policy text, from which schedules and set begin
+ policy file $T/other.yaml"
is "then it has nothing to change" "$(apply other)" "other0: nothing to change"
is "the pins have the name" "$(basename -a /sys/fs/bpf/qosctl/* | cut -d: -f1)" other0
is "and nothing is left over" "$(settled "$ours")" "$ours"
sleep 0.3
resetting rename other0 c0
apply A >/dev/null
load_stop "other names"
in_force "the old name"

note "fq and clsact deleted by somebody"
broken() { # WHAT COMMAND...: told, and repaired
	load_start
	"${@:2}"
	cli qosctl doctor c0 >"$T/doctor"
	check "$1: doctor tells" grep -q FAIL "$T/doctor"
	cli qosctl show c0 --json >"$T/show.json" 2>"$T/out"
	is "$1: show tells" "$(jq -r '.[0].in_force' "$T/show.json" 2>/dev/null)$(grep -c 'not shaped' "$T/out")" \
		false0
	check "$1: plan tells" grep -q '^+' <(changes A)
	resetting check "$1: apply repairs" apply A
	load_end
	load_account "$1"
	in_force "$1"
}
if [[ $MODE == fq ]]; then
	broken "no fq" resetting tc -n "$NS_CLI" qdisc del dev c0 root
	broken "another root" resetting tc -n "$NS_CLI" qdisc replace dev c0 root pfifo
	broken "another qdisc at one queue" resetting tc -n "$NS_CLI" qdisc replace dev c0 parent 7105:2 pfifo
fi
broken "no filter" tc -n "$NS_CLI" filter del dev c0 egress
broken "no clsact" resetting tc -n "$NS_CLI" qdisc del dev c0 clsact
check "remove" cli qosctl remove c0
is "nothing is left" "$(settled "$(none_in_kernel)")" "$(none_in_kernel)"

note "deleted and made anew"
check "apply" apply A
for _ in $(seq "$(often 3 1)"); do
	load_start
	# counters go with it, and of each that its class drops its sender is told at once
	told=$(($(stats '.drops | add') - dropped)) lost=$(($(tx_dropped) - lost))
	resetting ip -n "$NS_CLI" link del c0
	load_end
	dropped=$(json "sent$n" .enobufs)
	at_most "deleted: what its class had dropped just before, its sender was told" "$told" "$dropped"
	in_queues "deleted"
	link_add "$NS_CLI" c0 "$NS_SRV" s0 1500 4
	addr_add "$NS_CLI" c0 $CLI4/24
	addr_add "$NS_SRV" s0 $SRV4/24
	s0_address=$(ip -n "$NS_SRV" -j link show s0 | jq -r '.[0].address')
	up
	sleep 1 # the kernel looks at links once in a second
	check "apply" apply A
	is "it is shaped" "$(shown in_force)" true
	is "and nothing is left of the one before" "$(settled "$ours")" "$ours"
done

note "deleted, and then removed"
for way in c0 --all; do
	ip -n "$NS_CLI" link del c0
	check "remove $way" cli qosctl remove $way
	is "remove $way: nothing is left" "$(settled "$(none_in_kernel)")" "$(none_in_kernel)"
	cli qosctl remove c0 2>"$T/err" && not_ok "it is removed twice"
	check "remove $way: then there is none" grep -q 'there is no interface c0' "$T/err"
	link_add "$NS_CLI" c0 "$NS_SRV" s0 1500 4
	check "apply" apply A
done

note "its namespace deleted"
if ! readlink /proc/1/ns/net >/dev/null; then
	skip "its namespace deleted" "which namespaces live is not to be seen here"
	cli qosctl remove c0 >/dev/null
	finish
fi
make_space() { # NAME [NAMESPACE-OF-PEER [POLICY]]: with a shaped c0
	ns_add "$1"
	ip link add c0 netns "$1" numtxqueues 4 type veth peer name c1 netns "${2-$1}" numtxqueues 4
	ip -n "$1" link set c0 up
	ip -n "${2-$1}" link set c1 up
	nsenter --net="/run/netns/$1" qosctl apply "$T/${3-A}.yaml" >/dev/null || not_ok "apply in $1"
}
# A process in a namespace keeps it, and so does each packet of a socket of it that waits: a socket is
# freed, and its namespace with it, when they are (__sk_destruct(), put_net()). So the sender has ended,
# and its queue leaves at the class's rate for seconds when the namespace loses its name.
delete_sending_space() {
	local NS_CLI=qt$$ SRV4=10.2.0.2
	policy long 20 4 2
	sed -i 's/^  a: { /&latency: 1s, limit: 5s, /' "$T/long.yaml"
	make_space "$NS_CLI" "$NS_SRV" long
	addr_add "$NS_CLI" c0 10.2.0.1/24
	addr_add "$NS_SRV" c1 $SRV4/24
	sleep 1 # the kernel looks at links once in a second
	cli ping -q -c 1 "$SRV4" >/dev/null
	dropped=$(stats '.drops | add') lost=$(tx_dropped)
	count_start space srv c1 --key udp:5001
	cli udpsend "$SRV4" 5001 --rate 20mbit --size 1000 --count 3500 >"$T/sent-space.json"
	dropped=$(($(stats '.drops | add') - dropped)) lost=$(($(tx_dropped) - lost))
	waiting=$(qdisc_count qlen)
	[[ $MODE != fq ]] || check "its namespace is deleted while $waiting packets wait" test "$waiting" -gt 100
	ip netns del "$NS_CLI"
	sleep 6
	count_stop space
	all=$(json sent-space '.packets + .enobufs')
	is "of $all packets each arrived, but $dropped that its class dropped and $lost that the interface did" \
		$(($(json space '.keys["udp:5001"].packets') + dropped + lost)) "$all"
}
locks() { find /run/qosctl -name '*.lock' | wc -l; }
lock_files=$(locks)
delete_sending_space
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
