#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What show, stats and flows say is what is on the wire; and other numbers for classes that send.
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2119
topo2
SIZE=1000
policy() { # LINK T A: rates
	cat >"$T/c0.yaml" <<-END
		interface: c0
		link: { rate: $1 }
		default: rest
		classes:
		  rest: {}
		  t:
		    rate: $2
		    classes:
		      a: { rate: $3 }
		      b: { fairness: src-host, latency: 20ms }
		      c: { rate: 2mbit, ceil: 2mbit, limit: 50ms, latency: 25ms, fairness: none }
		rules:
		  - { class: a, match: { proto: udp, dport: 5001 } }
		  - { class: b, match: { proto: udp, dport: 5002 } }
		  - { class: c, match: { proto: udp, dport: 5003 } }
	END
}
policy 20mbit 12mbit 6mbit
check "the policy is applied" cli qosctl apply "$T/c0.yaml"

look() { # show, stats and flows to $T
	cli qosctl show c0 --json >"$T/show.json"
	cli qosctl flows c0 --json >"$T/flows.json"
	cli qosctl stats c0 --json >"$T/stats.json"
}
shown() { json show ".[0].classes[] | select(.name == \"$1\").$2"; }
stat() { json stats ".[0].classes[] | select(.name == \"$1\").$2"; }
flood() { # DST PORT RATE: for 6 seconds, in the background
	local pid
	bg pid cli udpsend "$1" "$2" --size $SIZE --time 6 --rate "$3" >/dev/null
	senders+=("$pid")
}
# Average bit/s of the keys over whole intervals FROM to TO.
wire() { # FROM TO KEY...
	jq -r --argjson f "$1" --argjson t "$2" '[.keys[$ARGS.positional[]].intervals[$f:$t]] |
		transpose | (map(add) | add / length) as $b | $b * 8e9 / '"$(json wire .interval_ns)" \
		"$T/wire.json" --args "${@:3}"
}

senders=()
count_start wire srv s0 --interval 100ms --key udp:5001 --key 4:udp:5002 \
	--key 6:udp:5002 --key udp:5003
flood "$SRV4" 5001 30mbit
flood "$SRV4" 5002 20mbit
flood "$SRV6" 5002 20mbit
flood "$SRV4" 5003 4mbit
sleep 2
look
before=$(tc -n "$NS_CLI" -j -s qdisc show dev c0 | jq '.[] | select(.kind == "fq").packets')
cp "$T/show.json" "$T/before.json"
policy 10mbit 8mbit 4mbit
cli qosctl apply "$T/c0.yaml" >"$T/changes"
after=$(tc -n "$NS_CLI" -j -s qdisc show dev c0 | jq '.[] | select(.kind == "fq").packets')
sleep 2
cli qosctl show c0 --json >"$T/now.json"
wait "${senders[@]}"
count_stop wire

note "the rates of show"
for class in a b c; do
	case $class in
	a) keys=(udp:5001) ;;
	b) keys=(4:udp:5002 6:udp:5002) ;;
	c) keys=(udp:5003) ;;
	esac
	near "$class sends" "$(shown $class rate_now)" "$(wire 12 20 "${keys[@]}")" 5
done
near "a borrows what is above its rate" "$(shown a borrowed_now)" \
	$(($(shown a rate_now) - 6000000)) 5
is "b, with no rate, borrows all" "$(shown b borrowed_now)" "$(shown b rate_now)"
is "c borrows nothing" "$(shown c borrowed_now)" 0
is "t is the sum of them" "$(shown t rate_now)" \
	$(($(shown a rate_now) + $(shown b rate_now) + $(shown c rate_now)))
is "and borrows what is above its rate" "$(shown t borrowed_now)" $(($(shown t rate_now) - 12000000))
is "lenders" "$(json show '.[0].classes | map(.lender) | tojson')" '["link","link","t","t",null]'
is "the link is the sum of all" "$(json show '.[0].link.rate_now')" \
	$(($(shown t rate_now) + $(shown rest rate_now)))

note "flows"
flow() { json flows ".flows[] | select(.class == \"$1\") | $2"; }
is "one of a" "$(flow a '[.proto, .src, .dst, .dport] | tojson')" \
	"[\"udp\",\"$CLI4\",\"$SRV4\",5001]"
is "hosts of b" "$(json flows '.flows | map(select(.class == "b") | .src) | sort | tojson')" \
	"[\"$CLI4\",\"fd00:1::/64\"]"
is "all of c is one" "$(json flows '.flows | map(select(.class == "c") | [.src, .dst]) | tojson')" \
	'[[null,null]]'
near "the rate of a's" "$(flow a .rate_now)" "$(wire 12 20 udp:5001)" 10
# c, of 2 mbit, has a packet every half of the time that it takes, and takes none that would wait
# longer than 50 ms. So what the last one still waits is at most that; at least, right before the next
# is taken, less by the gap by which it was not more, the time that one takes, and another gap where
# CoDel has dropped one. The clock and the sender are right to a tenth of a ms.
c_takes=$(((SIZE + 42) * 8 * 500)) c_limit=50000000
c_least=$((c_limit - 2 * c_takes))
near "the delay of c's is its limit" "$(flow c .delay_ns)" $(((c_least + c_limit) / 2)) 0 \
	$(((c_limit - c_least) / 2 + 100000))
is "the fastest comes first" "$(json flows '.flows | map(.rate_now) | . == (sort | reverse)')" true

note "stats"
is "every packet is in one bucket" "$(stat a 'delay.histogram | add')" \
	$(($(stat a packets) - $(stat a exempt)))
is "p99 of c is the upper end of the bucket of its limit" "$(stat c delay.p99_ns)" 67108864
check "c drops at its limit" test "$(stat c drops.limit)" -gt 100
near "the backlog of c" "$(stat c backlog_ns)" $(((c_least + c_limit) / 2)) 0 \
	$(((c_limit - c_least) / 2 + 100000))
is "t is the sum of them" "$(stat t packets)" \
	$(($(stat a packets) + $(stat b packets) + $(stat c packets)))
is "b borrowed all" "$(stat b borrowed_bytes)" "$(stat b bytes)"
is "c nothing" "$(stat c borrowed_bytes)" 0

note "other numbers"
check "the change is told" grep -q '^+ link mode fq rate 10mbit' "$T/changes"
is "the program is the same" "$(json now '.[0].filter.prog_id')" \
	"$(json before '.[0].filter.prog_id')"
check "and so is fq: $before packets then, $after now" test "$after" -ge "$before"
is "the rate in force" "$(json now '.[0].link.rate')" 10000000
near "what is sent" "$(json now '.[0].link.rate_now')" 10000000 5
near "and on the wire" "$(wire 30 50 udp:5001 4:udp:5002 6:udp:5002 udp:5003)" 10000000 2
is "nothing is reordered" "$(json wire '[.keys[].reordered] | add')" 0
check "it is removed" cli qosctl remove c0
finish
