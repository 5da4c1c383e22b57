#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A rule is put before 10,000 others and taken away again while 10,000 flows send all that they can: each
# packet arrives or is dropped by its class, and all that arrive have their class's DSCP.
. "$(dirname "$0")/faultlib.sh"

MODE=police # so that nothing but the rules decides when a packet leaves
RULES=${1-10000} times=$(often 10 2)
FIRST=7000
DSCPS=(10 12 14 18 20 0) # of classes c0 to c4, each a port's, and of the default

# shellcheck disable=SC2119
topo2
# which would send on its own
cli sh -c 'echo 1 >/proc/sys/net/ipv6/conf/c0/disable_ipv6'

# The rules of the flows are the first and the last, and in between; others have their ports or networks,
# never both.
grown() { # RULE: before the others, to $T/c0.yaml
	local i
	{
		printf 'interface: c0\nlink: { mode: police }\ndefault: rest\nclasses:\n  rest: {}\n'
		for i in 0 1 2 3 4; do
			# c4 has less than is sent
			echo "  c$i: { $( ((i == 4)) && echo "rate: 2mbit, burst: 20kb, ")dscp: ${DSCPS[i]} }"
		done
		printf 'rules:\n%s' "$1"
		awk -v n="$RULES" -v first=$FIRST 'BEGIN {
			for (i = 0; i < n; i++)
				if (i % int((n - 1) / 4) == 0 && taken < 5)
					printf "  - { class: c%d, match: { dport: %d } }\n", taken, first + taken++
				else if (i % 2)
					printf "  - { class: c%d, match: { dst: 172.16.%d.0/24, sport: %d, dport: 9 } }\n", i % 5, i % 256, i
				else
					printf "  - { class: c%d, match: { dst: 10.%d.%d.0/24 } }\n", i % 5, i / 256, i % 256
		}'
	} >"$T/c0.yaml"
}

# What arrives, by port and DSCP, as the kernel counts it: it misses nothing, however busy it is. The
# action is one that counts and that every kernel here has.
link_add "$NS_SRV" x0 "$NS_SRV" x1
srv tc qdisc add dev s0 clsact || bail "no clsact"
for i in 0 1 2 3 4 5; do
	srv tc filter add dev s0 ingress protocol ip prio $((i + 1)) u32 match ip dport $((FIRST + i)) 0xffff \
		match ip dsfield $((DSCPS[i] << 2)) 0xfc action mirred egress redirect dev x0 || bail "cannot count what arrives"
done
arrived() { # N: of class N with its DSCP
	srv tc -s -j filter show dev s0 ingress prio $(($1 + 1)) |
		jq '[.. | objects | select(has("stats")) | .stats.packets] | add'
}
received() { srv cat /proc/net/dev | awk '$1 == "s0:" { print $3 }'; }
# Of each class in the order of the ports, what passed and what was dropped.
stats() { # FILTER
	cli qosctl stats c0 --json | jq -c ".[0].classes | map({(.name): ($1)}) | add | [.c0, .c1, .c2, .c3, .c4, .rest]"
}

grown ''
is "as many rules" "$(grep -c '^  - ' "$T/c0.yaml")" "$RULES"
check "the policy is applied" cli qosctl apply "$T/c0.yaml"
before=$(received) pid=""
bg pid cli flood c0 --to $FIRST --ports 6 --flows 10000 --time 100000 >"$T/flood.json"
for ((i = 1; i <= times; i++)); do
	if ((i % 2)); then
		grown "  - { class: c4, match: { dst: 203.0.113.$i } }"$'\n'
	else
		grown ''
	fi
	apply c0 >"$T/said" 2>&1 || { not_ok "change $i: $(<"$T/said")"; break; }
	grep -q '^+ rule' "$T/said" || ((i % 2 == 0)) || not_ok "change $i: no rule was added: $(head -n 3 "$T/said")"
done
stop "$pid"
is "all of it was sent or dropped by a class" "$(json flood .errors)" 0
seen=$(stats '.packets + (.drops | add)') passed=$(stats .packets)
note "$times changes, $(json flood '"\(.packets + .enobufs) packets in \(.elapsed_ns / 1e9 * 10 | floor / 10) s"'), classes $passed"
is "each packet is counted in its class, and in no other" "$seen" "$(jq -c .by_port "$T/flood.json")"
is "each packet that passed has arrived" $(($(received) - before)) "$(jq add <<<"$passed")"
is "each with the DSCP of its class" "$(for i in 0 1 2 3 4 5; do arrived $i; done | paste -sd , | sed 's/.*/[&]/')" "$passed"
is "what was refused is what its class dropped" "$(json flood .enobufs)" "$(stats '.drops | add' | jq add)"
# 2 Mbit/s for as long as it sent, and its burst
at_most "the class with a rate had no more" "$(stats .bytes | jq '.[4]')" \
	"$(json flood '.elapsed_ns * 2e6 / 8e9 + 20480 * 2 | ceil')"
is "the one that dropped is the only one" "$(stats '.drops | add' | jq '.[:4] + .[5:] | add')" 0
check "remove" cli qosctl remove c0
finish
