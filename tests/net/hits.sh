#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# stats --rules: each packet is counted once, of the rule that took it, whatever is remembered of its
# flow. mode: police, on any kernel.
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2119
topo2
# which would send on its own
cli sh -c 'echo 1 >/proc/sys/net/ipv6/conf/c0/disable_ipv6'
policy() { # [RULE]: another one, before the others
	cat >"$T/c0.yaml" <<-END
		interface: c0
		link: { mode: police }
		default: rest
		classes: { rest: {}, a: {}, slow: { rate: 8kbit, burst: 3028b } }
		rules:
		${1-}
		  - { class: a, match: { proto: udp, dport: 7001 } }
		  - { action: drop, match: { proto: udp, dport: 7002 } }
		  - { class: slow, match: { dport: 7003 } }
		  - { class: a, match: { dport: [7001, 7009], proto: tcp } }
		  - { class: rest, match: { proto: icmp } }
	END
}
policy
check "the policy is applied" cli qosctl apply "$T/c0.yaml"

FIRST=7000 PORTS=5 SIZE=100 # 7000 and 7004 are the default's
rules() { cli qosctl stats --rules c0 --json >"$T/rules.json"; }
# packets and bytes of the default and of each rule
counts() { rules && json rules '.[0] | [.default, .rules[]] | map(.packets, .bytes) | @csv'; }

expected=(0 0 0 0 0 0)
sent() { # NAME: adds what flood says it sent
	local n
	mapfile -t n < <(json "$1" '.by_port[]')
	((expected[0] += n[0] + n[4], expected[1] += n[1], expected[2] += n[2], expected[3] += n[3]))
}
as_counts() {
	local n all=()
	for n in "${expected[@]}"; do all+=("$n" "$((n * SIZE))"); done
	(IFS=,; echo "${all[*]}")
}
flood() { # NAME OPTION...
	local name=$1
	shift
	cli flood c0 --to $FIRST --ports $PORTS --size $SIZE "$@" >"$T/$name.json"
	sent "$name"
}

is "before any packet" "$(counts)" "$(as_counts)"
is "the rules are where the policy has them" "$(json rules '.[0].rules | map(.line) | @csv')" \
	"$(grep -n '^  - ' "$T/c0.yaml" | cut -d : -f 1 | paste -sd ,)"
is "their classes" "$(json rules '.[0] | [.default, .rules[]] | map(.class) | @csv')" '"rest","a",,"slow","a","rest"'
is "and the policy" "$(json rules '.[0].policy')" "$T/c0.yaml"

flood few --flows 50 --count 5000
is "flows that are remembered" "$(counts)" "$(as_counts)"
flood many --flows 5000 --count 40000
is "more flows than can be remembered" "$(counts)" "$(as_counts)"
flood once --flows 20000 --first 100000
is "each packet of a new flow" "$(counts)" "$(as_counts)"

# what the class drops was the rule's too
slow=$(cli qosctl stats c0 --json | jq '.[0].classes[] | select(.name == "slow") | .packets + .drops.police')
is "packets of a class that drops most of them" "$(json rules '.[0].rules[2].packets')" "$slow"
is "packets that a rule drops" "$(cli qosctl stats c0 --json | jq '.[0].link.drops.rule')" "$(json rules '.[0].rules[1].packets')"

# Fragments are not remembered as flows are: the first has the ports, the second none of its own.
fragment() { # FLAGS-AND-OFFSET PAYLOAD
	echo "020000000002 020000000001 0800 4500 001c 0001 $1 40 11 0000 64400001 ac100001 $2"
}
before=$(json rules '.[0].rules[0].packets')
cli rawsend c0 --count 10 "$(fragment 2000 ffff1b5900080000)" "$(fragment 0001 0000000000000000)" >/dev/null
rules
is "fragments are the rule's that took the first" "$(json rules '.[0].rules[0].packets')" $((before + 20))
((expected[1] += 20))

# While it looks, flows are forgotten all the time: no count is ever too high, and in the end all are right.
pid=""
bg pid cli flood c0 --to $FIRST --ports $PORTS --size $SIZE --flows 1000000 --time 20 >"$T/busy.json"
last=0 backwards=0
for ((i = 0; i < 20; i++)); do
	rules
	now=$(json rules '.[0] | [.default, .rules[]] | map(.packets) | add')
	((now >= last)) || backwards=$((backwards + 1))
	last=$now
done
stop "$pid"
is "sums that fall below the one before, of 20 in a flood" $backwards 0
sent busy
at_most "what was seen of the flood is no more than there was" "$last" \
	"$(json busy ".packets + .enobufs + $((expected[0] + expected[1] + expected[2] + expected[3]))")"
rules
is "the flood, packet by packet" "$(json rules '.[0] | [.default, .rules[]] | map(.packets) | @csv')" \
	"$(IFS=,; echo "${expected[*]}")"

check "what people read" sh -c "nsenter --net=/run/netns/$NS_CLI qosctl stats -r c0 | grep -qE '^  default +rest +${expected[0]} '"
check "a number is changed" cli qosctl set c0 a ceil=5mbit
is "and nothing begins anew" "$(counts | cut -d , -f 1)" "${expected[0]}"
policy "  - { class: a, match: { dport: 9 } }"
check "another rule is there" cli qosctl apply "$T/c0.yaml"
expected=(0 0 0 0 0 0 0)
is "all of them begin anew" "$(counts)" "$(as_counts)"

printf 'interface: c0\nlink: { mode: police }\ndefault: rest\nclasses: { rest: {} }\n' >"$T/c0.yaml"
check "a policy without rules" cli qosctl apply "$T/c0.yaml"
rules
is "counts for classes only" "$(json rules '.[0] | [.default.packets, .rules] | tostring')" '[null,[]]'
check "remove" cli qosctl remove c0
is "nothing is shaped, so nothing is counted" "$(cli qosctl stats --rules c0 2>&1 | head -n 1)" "error: c0 is not shaped by qosctl"
finish
