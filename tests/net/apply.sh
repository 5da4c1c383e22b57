#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Applying under load loses nothing, removing puts back what was there, and what belongs to others
# is left alone.
. "$(dirname "$0")/lib.sh"

a='' b=''
topo2 1500 2
rate=${1-40}

policy() { # MBIT [PORT]
	cat >"$T/c0.yaml" <<-END
		interface: c0
		default: all
		classes:
		  all: { rate: ${1}mbit, latency: 50ms } # half of a flood's queue
		  other: { rate: 1mbit }
		rules:
		  - { class: other, match: { proto: udp, dport: ${2-9} } }
	END
}
qdiscs() { tc -n "$NS_CLI" qdisc show dev c0; }
apply() { cli qosctl apply "$T/c0.yaml"; }
stats() { # FILTER
	cli qosctl stats c0 --json | jq ".[0] | $1"
}

note "an unchanged policy, 200 times under full load"
policy "$rate"
check "the policy is applied" apply
count_start load srv s0 --key udp:5001 --key udp:5002
bg a cli udpsend "$SRV4" 5001 --rate "$((rate * 9 / 20))mbit" --size 1200 --time 8 >"$T/send1.json"
bg b cli udpsend "$SRV6" 5002 --rate "$((rate * 9 / 20))mbit" --size 1200 --time 8 >"$T/send2.json"
sleep 0.2
before=$(cli qosctl show c0 --json | jq '.[0].filter.prog_id')
for ((i = 0; i < 200; i++)); do
	apply >"$T/applied" || not_ok "apply number $i"
done
wait "$a" "$b"
sleep 0.5
count_stop load
is "there was nothing to change" "$(cat "$T/applied")" "c0: nothing to change"
is "the program is the same" "$(cli qosctl show c0 --json | jq '.[0].filter.prog_id')" "$before"
sent=$(($(json send1 .packets) + $(json send2 .packets)))
is "no packet is lost" "$(json load '.keys | map(.packets) | add')" "$sent"
is "none is reordered within its flow" "$(json load '.keys | map(.reordered) | add')" 0
at_most "none is unshaped" "$sent" "$(stats '.classes[0].packets')"

note "another policy each time, 40 times under more than full load"
count_start load srv s0 --key udp:5001
drops=$(stats '.classes[0].drops | add')
bg a cli udpsend "$SRV4" 5001 --rate "$((rate * 3 / 2))mbit" --size 1200 --time 6 >"$T/send.json"
sleep 0.2
for ((i = 1; i <= 40; i++)); do
	policy "$rate" $((10 + i % 2))
	apply >/dev/null || not_ok "apply number $i"
done
wait "$a"
sleep 0.5
count_stop load
drops=$(($(stats '.classes[0].drops | add') - drops))
is "each packet arrived or was dropped by its class" \
	"$(($(json load '.keys["udp:5001"].packets') + drops))" "$(json send '.packets + .enobufs')"
is "none is reordered" "$(json load '.keys["udp:5001"].reordered')" 0
near "the rate held throughout" "$(key_rate_whole load udp:5001)" $((rate * 1000000)) 0.5
is "fq dropped nothing of its own" "$(stats .fq.drops)" 0

note "what is wrong changes nothing"
policy "$rate" 70000
cli qosctl apply "$T/c0.yaml" >"$T/out" 2>&1
is "a policy with an error is refused" $? 2
check "with its place" grep -q "c0.yaml:7:.*error:" "$T/out"
is "the policy in force is in force" "$(cli qosctl show c0 --json | jq '.[0].in_force')" true

note "a second qosctl"
lock=''
for file in /run/qosctl/c0*.lock; do # of other namespaces too: ours is the newest
	[[ ! $lock || $file -nt $lock ]] && lock=$file
done
(
	exec 9>>"$lock"
	flock 9
	exec sleep 7
) &
holder=$!
pids+=("$holder")
sleep 0.5
policy $((rate + 1))
cli qosctl apply "$T/c0.yaml" >"$T/out" 2>&1
is "waits, then gives up" $? 1
check "and says that the interface is being changed" grep -q "c0 is being changed" "$T/out"
wait "$holder"
check "and works when the other one is done" apply

note "fq taken away by somebody"
tc -n "$NS_CLI" qdisc replace dev c0 root pfifo limit 7
is "show tells" "$(cli qosctl show c0 --json | jq '.[0].in_force')" false
cli qosctl doctor c0 >"$T/out"
check "doctor too" grep -q "FAIL *qdisc" "$T/out"
check "apply repairs" apply
is "and it is in force" "$(cli qosctl show c0 --json | jq '.[0].in_force')" true

note "the filter taken away by somebody"
tc -n "$NS_CLI" qdisc del dev c0 clsact
cli qosctl doctor c0 >"$T/out"
check "doctor tells" grep -q "FAIL *filter" "$T/out"
check "apply repairs" apply
check "remove works" cli qosctl remove c0
is "nothing is left" "$(find /sys/fs/bpf/qosctl -mindepth 1 2>/dev/null | wc -l)" 0

# Before and after a remove: the same, with and without our fq in between.
returns() { # DESCRIPTION
	local was
	was=$(qdiscs)
	apply >/dev/null || not_ok "$1: apply"
	[[ $(qdiscs) != "$was" ]] || not_ok "$1: apply changed nothing"
	cli qosctl remove c0 >/dev/null || not_ok "$1: remove"
	is "$1 is put back" "$(qdiscs)" "$was"
}

note "the qdisc from before"
policy "$rate"
returns "the default"
tc -n "$NS_CLI" qdisc replace dev c0 root handle 5: fq_codel limit 321 target 7ms interval 70ms noecn
returns "fq_codel with options"
tc -n "$NS_CLI" qdisc replace dev c0 root handle 6: fq limit 777 flow_limit 55 quantum 4000
returns "an fq of the user's own"
tc -n "$NS_CLI" qdisc replace dev c0 root handle 7: tbf rate 3mbit burst 20k latency 30ms
is "plan says that it goes" "$(cli qosctl plan "$T/c0.yaml" | grep '^- ')" "- qdisc tbf 7:"
returns "tbf"
tc -n "$NS_CLI" qdisc replace dev c0 root handle 8: mqprio num_tc 2 \
	map 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1 queues 1@0 1@1 hw 0
returns "mqprio"
tc -n "$NS_CLI" qdisc del dev c0 root
tc -n "$NS_CLI" qdisc replace dev c0 root handle 9: netem delay 1ms
is "apply says what cannot be put back" "$(apply 2>&1 | grep -c 'remove cannot put back netem 9: of c0')" 1
cli qosctl remove c0 >/dev/null 2>&1
tc -n "$NS_CLI" qdisc del dev c0 root

note "filters of others"
tc -n "$NS_CLI" qdisc add dev c0 clsact
tc -n "$NS_CLI" filter add dev c0 egress pref 5 protocol ip u32 match ip dport 1 0xffff action pass
tc -n "$NS_CLI" filter add dev c0 ingress pref 6 protocol ip u32 match ip dport 2 0xffff action pass
filters() { tc -n "$NS_CLI" filter show dev c0 egress; tc -n "$NS_CLI" filter show dev c0 ingress; }
was=$(filters)
returns "clsact"
is "its filters are still there" "$(filters)" "$was"
tc -n "$NS_CLI" qdisc del dev c0 clsact

note "the same name in another namespace, and names with dots"
rename() { # FROM TO: before Linux 6.2 only while it is down
	ip -n "$NS_SRV" link set "$1" down
	ip -n "$NS_SRV" link set "$1" name "$2" up || bail "cannot rename $1"
}
rename s0 c0
sed -i 's/other/second/' "$T/c0.yaml"
check "both are shaped" srv qosctl apply "$T/c0.yaml"
sed -i 's/second/first/' "$T/c0.yaml"
check "each by itself" apply
is "with its own policy" "$(srv qosctl show c0 --json | jq -r '.[0].classes[1].name')" second
check "one is removed" cli qosctl remove c0
is "the other stays" "$(srv qosctl show c0 --json | jq '.[0].in_force')" true
check "and is removed" srv qosctl remove c0
rename c0 s0
if ip -n "$NS_CLI" link add link c0 name c0.7 type vlan id 7; then
	ip -n "$NS_CLI" link set c0.7 up
	sed 's/c0/c0.7/' "$T/c0.yaml" >"$T/c0.7.yaml"
	check "a VLAN device is shaped" cli qosctl apply "$T/c0.7.yaml"
	is "and in force" "$(cli qosctl show c0.7 --json | jq '.[0].in_force')" true
	check "and removed" cli qosctl remove c0.7
else
	skip "a VLAN device" "no 8021q"
fi

note "under ip netns exec, which hides /sys/fs/bpf"
check "apply" ip netns exec "$NS_CLI" qosctl apply "$T/c0.yaml"
check "show" ip netns exec "$NS_CLI" qosctl show c0
check "remove" ip netns exec "$NS_CLI" qosctl remove c0

note "what is not there"
cli qosctl apply "$T/none.yaml" >"$T/out" 2>&1
is "no file: status" $? 2
sed 's/interface: c0/interface: c9/' "$T/c0.yaml" >"$T/c9.yaml"
cli qosctl apply "$T/c9.yaml" >"$T/out" 2>&1
is "no interface: status" $? 1
check "and the names that exist" grep -q c0 "$T/out"
chmod 755 "$T"
cli setpriv --reuid=65534 --regid=65534 --clear-groups qosctl apply "$T/c0.yaml" >"$T/out" 2>&1
is "no privilege: status" $? 3
check "and what to do" grep -qi "root" "$T/out"
finish
