#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A bond: one policy and one set of clocks for what leaves by any of its slaves, whose qdiscs hold
# the packets.
. "$(dirname "$0")/lib.sh"

modprobe bonding 2>/dev/null
CLI4=10.1.0.1 SRV4=10.1.0.2 RATE=20000000
senders=()

# cli bond0 (s0, s1 with four queues) --- srv bond0 (p0, p1), which takes what any slave gets.
bond_add() { # NAMESPACE MODE SLAVE...
	local ns=$1 s
	ip -n "$ns" link add bond0 type bond mode "$2" miimon 20 ||
		bail "this kernel has no bonding"
	for s in "${@:3}"; do
		slave_add "$ns" "$s"
	done
	ip -n "$ns" link set bond0 up
}
slave_add() { # NAMESPACE SLAVE
	ip -n "$1" link set "$2" down
	ip -n "$1" link set "$2" master bond0 || bail "cannot enslave $2"
	ip -n "$1" link set "$2" up
}
# A new bond takes a while until it knows of its slaves' links, and a first ARP may be lost.
await_peer() {
	local i
	for ((i = 0; i < 20; i++)); do
		cli ping -c 1 -W 1 $SRV4 >/dev/null && return
	done
	bail "$SRV4 does not answer"
}
ns_add "$NS_CLI"
ns_add "$NS_SRV"
link_add "$NS_CLI" s0 "$NS_SRV" p0
link_add "$NS_CLI" s1 "$NS_SRV" p1 1500 4
bond_add "$NS_SRV" balance-rr p0 p1
bond_add "$NS_CLI" balance-rr s0 s1
addr_add "$NS_SRV" bond0 $SRV4/24
addr_add "$NS_CLI" bond0 $CLI4/24
await_peer
tc -n "$NS_CLI" qdisc replace dev s0 root handle 5: fq_codel limit 321 target 7ms noecn

policy() { # INTERFACE [PORT]
	cat >"$T/$1.yaml" <<-END
		interface: $1
		link: { rate: ${RATE}bit }
		default: rest
		classes:
		  calls: { priority: high, rate: 5mbit, ceil: 8mbit }
		  rest: { rate: 2mbit }
		rules:
		  - { class: calls, match: { proto: udp, dport: ${2-5001} } }
	END
}
apply() { cli qosctl apply "$T/bond0.yaml"; }
qdiscs() { # all, without clsact
	local s
	for s in bond0 s0 s1 s2; do
		tc -n "$NS_CLI" qdisc show dev $s 2>/dev/null | grep -v clsact
	done
}
root() { # SLAVE: kind and handle
	tc -n "$NS_CLI" -j qdisc show dev "$1" root | jq -r '.[0] | "\(.kind) \(.handle)"'
}
flood() { # PORT RATE [SECONDS]
	local pid
	bg pid cli udpsend "$SRV4" "$1" --size 1400 --time "${3-5}" --rate "$2" >/dev/null
	senders+=("$pid")
}
check_of() { # NAME TEXT: state of a check of doctor's
	cli qosctl doctor bond0 --json |
		jq -r --arg n "$1" --arg t "$2" \
			'[.interface.checks[] | select(.name == $n and (.text | contains($t))).state] | first'
}

note "apply"
policy bond0
was=$(qdiscs)
check "the policy is applied" apply
is "the first slave has fq" "$(root s0)" "fq 7105:"
is "the second mq" "$(root s1)" "mq 7105:"
is "with an fq for each queue" \
	"$(tc -n "$NS_CLI" -j qdisc show dev s1 | jq '[.[] | select(.kind == "fq")] | length')" 4
is "the bond no queue" "$(root bond0)" "noqueue 0:"
is "one program, on the bond" \
	"$(for s in bond0 s0 s1; do tc -n "$NS_CLI" filter show dev $s egress; done | grep -c direct-action)" 1
is "its packets are a ms of the rate, or two" \
	"$(ip -n "$NS_CLI" -d -j link show bond0 | jq '.[0].gso_max_size')" 3028
is "a second apply has nothing to change" "$(apply)" "bond0: nothing to change"
is "show finds it in force" "$(cli qosctl show bond0 --json | jq '.[0].in_force')" true
is "doctor the slaves" "$(check_of link 'all that its slaves send: s0, s1')" ok
is "and each one's qdisc" "$(check_of qdisc 's0: fq 7105:')$(check_of qdisc 's1: mq 7105:')" okok

note "balance-rr: more than full load, two classes"
senders=()
count_start rr srv bond0 --key udp:5001 --key udp:5002 --key ip
count_start rr0 srv p0 --key ip
count_start rr1 srv p1 --key ip
flood 5001 15mbit
flood 5002 30mbit
wait "${senders[@]}"
sleep 0.5
for c in rr rr0 rr1; do count_stop $c; done
near "the sum over the slaves is the rate" "$(key_rate rr ip 1)" $RATE 0.5
check "calls has its guarantee" test "$(key_rate rr udp:5001 1)" -ge 4950000
at_most "and not more than its ceiling" "$(key_rate rr udp:5001 1)" 8040000
near "half goes by one slave" "$(key_rate rr0 ip 1)" $((RATE / 2)) 1
near "half by the other" "$(key_rate rr1 ip 1)" $((RATE / 2)) 1
is "packets leave in order, whatever the slave" \
	"$(json rr '.keys | del(.ip) | map(.reordered) | add')" 0
is "fq drops nothing of its own" "$(cli qosctl stats bond0 --json | jq '.[0].fq.drops')" 0
near "and its counters are the sum" "$(cli qosctl stats bond0 --json | jq '.[0].fq.packets')" \
	"$(json rr '.keys.ip.packets')" 0 20

note "a slave that the policy does not know yet"
link_add "$NS_CLI" s2 "$NS_SRV" p2
slave_add "$NS_SRV" p2
tc -n "$NS_CLI" qdisc replace dev s2 root handle 9: pfifo limit 99
slave_add "$NS_CLI" s2
is "doctor tells" "$(check_of qdisc 's2: root is pfifo 9:, not fq 7105:')" fail
is "show too" "$(cli qosctl show bond0 --json | jq '.[0].in_force')" false
check "plan as well" grep -q '^+ qdisc fq' <(cli qosctl plan "$T/bond0.yaml")
check "apply repairs" apply
is "it has fq" "$(root s2)" "fq 7105:"
senders=()
count_start three srv bond0 --key ip
flood 5002 30mbit 3
wait "${senders[@]}"
sleep 0.5
count_stop three
near "the sum over three is the rate" "$(key_rate three ip 1)" $RATE 0.5
ip -n "$NS_CLI" link set s2 nomaster
check "after it left, apply" apply
is "puts back what it had" "$(root s2)" "pfifo 9:"
ip -n "$NS_CLI" link del s2

note "fq of a slave taken away by somebody"
tc -n "$NS_CLI" qdisc del dev s1 root
is "doctor tells" "$(check_of qdisc 's1: root is')" fail
check "apply repairs" apply
is "it is back" "$(root s1)" "mq 7105:"

note "two policies for the same packets"
policy s0
before=$(qdiscs)
cli qosctl apply "$T/s0.yaml" >"$T/out" 2>&1
is "apply to a slave is refused" $? 1
check "with the reason" grep -q "s0 is a slave of bond0, whose policy shapes" "$T/out"
check "and what to do" grep -q "hint: .*qosctl remove bond0" "$T/out"
cli qosctl remove s0 >"$T/out" 2>&1
is "there is nothing to remove from it" $? 1
is "all is as it was" "$(qdiscs)" "$before"
check "remove from the bond" cli qosctl remove bond0
is "gives each slave its qdisc back" "$(qdiscs)" "$was"
is "and the bond its size" "$(ip -n "$NS_CLI" -d -j link show bond0 | jq '.[0].gso_max_size')" 65536
check "now the slave's can be applied" cli qosctl apply "$T/s0.yaml"
before=$(qdiscs)
cli qosctl apply "$T/bond0.yaml" >"$T/out" 2>&1
is "and then the bond's is refused" $? 1
check "with the reason" grep -q "s0 is a slave of bond0 and has a policy of its own" "$T/out"
is "with nothing changed" "$(qdiscs)" "$before"
check "remove from the slave" cli qosctl remove s0
is "puts its qdisc back" "$(qdiscs)" "$was"

note "all or nothing"
check "apply" apply
program=$(cli qosctl show bond0 --json | jq '.[0].filter.prog_id')
before=$(qdiscs)
pins=$(find /sys/fs/bpf/qosctl -maxdepth 1 -name 'bond0*')
mkdir "$pins/other" # is not ours to remove: the last step fails
tc -n "$NS_CLI" qdisc replace dev s1 root handle 6: pfifo limit 66
between=$(qdiscs)
RATE=30000000 policy bond0 5003
check "a change fails" test "$(apply 2>&1 | grep -c 'cannot remove')" = 1
is "and leaves the slaves as they were" "$(qdiscs)" "$between"
is "and the program" "$(cli qosctl show bond0 --json | jq '.[0].filter.prog_id')" "$program"
rmdir "$pins/other"
policy bond0
check "apply works when the reason is gone" apply
is "and gives all slaves fq" "$(qdiscs)" "$before"
check "remove" cli qosctl remove bond0
is "puts back what the slave had last" "$(root s1)" "pfifo 6:"
tc -n "$NS_CLI" qdisc del dev s1 root

note "active-backup, with a failover under load"
ip -n "$NS_CLI" link del bond0
bond_add "$NS_CLI" active-backup s0 s1
addr_add "$NS_CLI" bond0 $CLI4/24
ip -n "$NS_CLI" link set bond0 type bond active_slave s0
await_peer
check "apply" apply
senders=()
count_start ab srv bond0 --key udp:5002 --key ip
count_start ab0 srv p0 --key udp:5002
count_start ab1 srv p1 --key udp:5002
flood 5002 30mbit 6
sleep 3
ip -n "$NS_CLI" link set bond0 type bond active_slave s1
wait "${senders[@]}"
sleep 0.5
for c in ab ab0 ab1; do count_stop $c; done
near "the rate holds throughout" "$(key_rate ab ip 1)" $RATE 0.5
near "first by one slave" "$(json ab0 '.keys["udp:5002"].packets')" \
	$(($(json ab '.keys["udp:5002"].packets') / 2)) 5
near "then by the other" "$(json ab1 '.keys["udp:5002"].packets')" \
	$(($(json ab '.keys["udp:5002"].packets') / 2)) 5
check "the policy is removed" cli qosctl remove bond0
finish
