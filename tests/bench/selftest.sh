#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Do the bench's own programs measure right? Against delays and rates of netem and tbf.
. "$(dirname "$0")/../net/lib.sh"

# shellcheck disable=SC2119
topo2
modprobe -a sch_netem sch_tbf 2>/dev/null
bg pid srv bulk server 5001 --ready "$T/bulk"
await "$T/bulk"
bg pid srv rtt server 6001 --ready "$T/rtt"
await "$T/rtt"
check "the path is up" cli ping -qc 1 -W 2 "$SRV4"

note "bulk"
cli tc qdisc add dev c0 root tbf rate 8mbit burst 3028 latency 50ms
count_start wire srv s0 --key tcp:5001 --interval 100ms --ring 2
cli bulk client "$SRV4" 5001 --flows 4 --warm 0.5 --time 2 >"$T/bulk.json"
count_stop wire
is "each flow has its figure" "$(json bulk '.bytes | length')" 4
near "their sum is the link's goodput" "$(json bulk '.bytes | add')" $((2000000 * 1448 / 1514)) 1
at_most "it counts as long as it was told" "$(json bulk '.time_ns - 2e9 | fabs')" 1000000
near "what the wire saw while it counted" \
	"$(json wire '.keys["tcp:5001"].intervals[5:25] | add')" 2000000 1
cli bulk client "$SRV4" 5009 --time 200ms 2>/dev/null
is "a refused connection is an error" $? 1
cli bulk client "$SRV4" 5001 --at 1 2>/dev/null
is "a beginning that has passed is an error" $? 1
cli tc qdisc del dev c0 root

note "intervals that begin at a given time"
at=$(($(uptime_ns) + 500000000))
count_start from srv s0 --key udp:7001 --key udp:7002 --hold --interval 100ms --from $at
one='' two=''
bg one cli udpsend "$SRV4" 7001 --count 1 --rate 1mbit --at $((at + 50000000)) >/dev/null
bg two cli udpsend "$SRV4" 7002 --count 1 --rate 1mbit --at $((at + 350000000)) >/dev/null
wait "$one" "$two"
count_stop from
is "one at once" "$(json from '.keys["udp:7001"].intervals | map(. > 0) | @csv')" true
is "one in the fourth" "$(json from '.keys["udp:7002"].intervals | map(. > 0) | @csv')" \
	false,false,false,true

note "sparse"
cli tc qdisc add dev c0 root netem delay 7ms limit 10000
cli sparse "$SRV4" 6001 --flows 100 --rate 10 --time 2 >"$T/sparse.json"
near "a Poisson process of 1000 requests a second" "$(json sparse .sent)" 2000 7
is "all are answered" "$(json sparse .lost)" 0
near "each after netem's delay" "$(json sparse '.rtt_us | sort | .[length / 2 | floor]')" 7050 1
is "in the order of sending" "$(json sparse '.us == (.us | sort)')" true
cli tc qdisc replace dev c0 root netem loss 100%
cli sparse "$SRV4" 6001 --time 200ms --wait 100ms >"$T/none.json"
is "those without an answer are counted" "$(json none '.lost == .sent')" true
is "and marked" "$(json none '.rtt_us | unique | @csv')" -1
cli tc qdisc del dev c0 root

note "busy"
busy --time 1 >"$T/idle.json"
at_most "an idle CPU" "$(json idle '.busy_ns / 1e6')" 20
bg one timeout 0.5 bash -c 'while :; do :; done'
busy --time 1 >"$T/half.json"
near "half of a second" "$(json half '.busy_ns / 1e6')" 500 4
finish
