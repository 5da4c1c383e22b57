#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a class promises beyond its rate: guarantees, ceilings and the link's rate, marks, rules
# that drop, and the ways past a shaper that this one has not.
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2119
topo2
cat >"$T/c0.yaml" <<-END
	interface: c0
	link: { rate: 20mbit }
	default: rest
	classes:
	  calls: { priority: high, rate: 5mbit, ceil: 8mbit, dscp: ef }
	  bulk: { priority: low, rate: 4mbit }
	  rest: { rate: 2mbit, ceil: 2mbit }
	rules:
	  - { class: calls, match: { proto: udp, dport: [5001, 6001-6003] } }
	  - { class: bulk, match: { proto: [tcp, udp], dport: 5002 } }
	  - { action: drop, match: { proto: udp, dport: 5009 } }
END
check "the policy is applied" cli qosctl apply "$T/c0.yaml"

stat() { # CLASS KEY
	cli qosctl stats c0 --json | jq ".[0].classes[] | select(.name == \"$1\").$2"
}
flood() { # DST PORT RATE [OPTION]...: for 5 seconds, in the background
	local pid
	bg pid cli udpsend "$1" "$2" --size 1400 --time 5 --rate "${@:3}" >/dev/null
	senders+=("$pid")
}

note "a guarantee, a ceiling and the link, against floods"
senders=()
count_start flood srv s0 --key udp:5001 --key udp:5002 --key udp:5003 --key ip
flood "$SRV4" 5001 30mbit
flood "$SRV4" 5002 40mbit
flood "$SRV6" 5003 10mbit
wait "${senders[@]}"
count_stop flood
near "the link is full and no more" "$(key_rate flood ip 1)" 20000000 0.5
at_most "a class stays below its ceiling" "$(key_rate flood udp:5001 1)" 8040000
near "a class without borrowing has its rate" "$(key_rate flood udp:5003 1)" 2000000 0.5 12112
check "a guarantee holds against a flood" \
	test "$(key_rate flood udp:5001 1)" -ge 4975000 -a "$(key_rate flood udp:5002 1)" -ge 3980000
at_most "what is over the limit is dropped and counted" 1 "$(stat bulk drops.limit)"

note "a lone class may take what its ceiling allows"
senders=()
count_start lone srv s0 --key udp:5001 --key udp:5002
flood "$SRV4" 5002 40mbit
wait "${senders[@]}"
count_stop lone
near "bulk borrows the whole link" "$(key_rate lone udp:5002 1)" 20000000 0.5
senders=()
count_start ceil srv s0 --key udp:5001
flood "$SRV4" 5001 40mbit
wait "${senders[@]}"
count_stop ceil
near "calls borrows up to its ceiling" "$(key_rate ceil udp:5001 1)" 8000000 0.5

note "200 Mbit/s of UDP into a class of 100 Mbit/s"
cat >"$T/flood.yaml" <<-END
	interface: c0
	default: all
	classes: { all: { rate: 100mbit } }
END
check "the policy is applied" cli qosctl apply "$T/flood.yaml"
count_start udp srv s0 --key udp:5002
cli udpsend "$SRV4" 5002 --size 1472 --time 3 --rate 200mbit >/dev/null
count_stop udp
check "at least 98 Mbit/s arrive: $(key_rate udp udp:5002 1)" \
	test "$(key_rate udp udp:5002 1)" -ge 98000000
is "none reordered" "$(json udp '.keys["udp:5002"].reordered')" 0
is "fq drops nothing of its own" "$(cli qosctl stats c0 --json | jq '.[0].fq.drops')" 0
check "back to the policy" cli qosctl apply "$T/c0.yaml"

note "marks"
count_start mark srv s0 --key udp:6002 --key 6:udp:6003
cli udpsend "$SRV4" 6002 --rate 1mbit --count 50 --dscp 10 --ecn 2 >/dev/null
cli udpsend "$SRV6" 6003 --rate 1mbit --count 50 --dscp 10 --ecn 1 >/dev/null
count_stop mark
is "DSCP is written, IPv4" "$(json mark '.keys["udp:6002"].dscp | @json')" '{"46":50}'
is "ECN is kept, IPv4" "$(json mark '.keys["udp:6002"].ecn | @csv')" 0,0,50,0
is "DSCP is written, IPv6" "$(json mark '.keys["6:udp:6003"].dscp | @json')" '{"46":50}'
is "ECN is kept, IPv6" "$(json mark '.keys["6:udp:6003"].ecn | @csv')" 0,50,0,0

note "rules that drop"
count_start drop srv s0 --key udp:5009
cli udpsend "$SRV4" 5009 --rate 1mbit --count 50 >/dev/null
count_stop drop
is "nothing of it arrives" "$(json drop '.keys["udp:5009"].packets')" 0
is "it is counted" "$(cli qosctl stats c0 --json | jq '.[0].link.drops.rule')" 50

note "a full default class does not cut the host off"
senders=()
flood "$SRV4" 7000 20mbit
sleep 1
count_start arp srv s0 --key arp --key 6:ip
ip -n "$NS_CLI" neigh flush dev c0
cli ping -c 1 -W 1 "$SRV6" >/dev/null
sleep 1
count_stop arp
wait "${senders[@]}"
check "ARP passes" test "$(json arp .keys.arp.packets)" -ge 1
check "ARP and neighbour discovery are counted" test "$(stat rest exempt)" -ge 2

note "stamps of others"
far=''
count_start stamp srv s0 --key udp:6001 --key udp:6002
bg far cli udpsend "$SRV4" 6001 --rate 100pps --size 100 --time 2 \
	--txtime 3600000000000 --txtime-every 10 >/dev/null
cli udpsend "$SRV4" 6002 --rate 100pps --size 100 --time 2 >"$T/send.json"
wait "$far"
count_stop stamp
is "a stamp an hour ahead delays nobody else" "$(json stamp '.keys["udp:6002"].missing')" 0
at_most "by more than a few ms" "$(json stamp '.keys["udp:6002"].max_gap_ns')" 15000000
is "and costs its own packets only" "$(json stamp '.keys["udp:6001"].packets')" 180
is "which are counted" "$(stat calls drops.horizon)" 20

note "fragments follow their first"
count_start frag srv s0 --key udp:5002 --key udp:5009 --key 4:ip
cli udpsend "$SRV4" 5009 --rate 1mbit --size 4000 --count 20 >/dev/null
count_stop frag
is "fragments of a dropped datagram are dropped" "$(json frag '.keys["4:ip"].packets')" 0
before=$(stat bulk packets)
cli udpsend "$SRV4" 5002 --rate 1mbit --size 4000 --count 20 >/dev/null
is "fragments of another are of its class" $(($(stat bulk packets) - before)) 60
cli udpsend "$SRV6" 5002 --rate 1mbit --size 4000 --count 20 >/dev/null
is "IPv6 fragments too" $(($(stat bulk packets) - before)) 120

note "tags and frames of other kinds do not escape"
told='packets - .exempt' # ARP and neighbour discovery come when they like
before=$(stat rest "$told")
cli rawsend c0 --count 10 "ffffffffffff 020000000001 88b5 $(printf '00%.0s' {1..46})" >/dev/null
is "a frame that is not IP is of the default class" $(($(stat rest "$told") - before)) 10
before=$(stat calls packets)
ip="4500 0030 0001 0000 4011 0000 0a010001 0a010002" udp="1389 1389 001c 0000 $(printf '00%.0s' {1..20})"
mac=$(ip -n "$NS_SRV" -j link show s0 | jq -r '.[0].address')
cli rawsend c0 --count 10 "$mac 020000000001 8100 0007 0800 $ip $udp" >/dev/null
cli rawsend c0 --count 10 "$mac 020000000001 88a8 0007 8100 0008 0800 $ip $udp" >/dev/null
is "802.1Q and 802.1ad tags are looked behind" $(($(stat calls packets) - before)) 20

note "TCP's own stamps, in a tunnel"
if ip -n "$NS_CLI" link add t0 type gre local "$CLI4" remote "$SRV4" 2>/dev/null; then
	ip -n "$NS_SRV" link add t0 type gre local "$SRV4" remote "$CLI4"
	addr_add "$NS_CLI" t0 192.168.9.1/24
	addr_add "$NS_SRV" t0 192.168.9.2/24
	for ns in "$NS_CLI" "$NS_SRV"; do ip -n "$ns" link set t0 addrgenmode none up; done
	iperf_server srv 5201
	before=$(stat rest drops.horizon)
	# two segments are paced by 150 ms: more than the class's limit
	cli iperf3 -c 192.168.9.2 --fq-rate 150k -t 3 -J >"$T/gre.json"
	is "none is too far ahead" $(($(stat rest drops.horizon) - before)) 0
	is "none is sent again" "$(json gre .end.sum_sent.retransmits)" 0
	ip -n "$NS_CLI" link del t0
else
	skip "TCP's own stamps in a tunnel" "this kernel has no GRE"
fi

check "the policy is removed" cli qosctl remove c0
finish
