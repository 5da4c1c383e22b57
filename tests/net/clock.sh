#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A day without a packet, and clocks that are set: the next packets find their classes as they should.
# Only in virtual time, where a day takes a moment and the machine's date is nobody's.
. "$(dirname "$0")/lib.sh"

if [[ ! ${QOSCTL_IN_VM-} ]]; then
	skip "a day" "not in real time"
	finish
fi
# shellcheck disable=SC2119
topo2
cat >"$T/c0.yaml" <<-END
	interface: c0
	link: { rate: 10mbit }
	default: rest
	classes:
	  rest: {}
	  a: { rate: 2mbit, ceil: 4mbit, latency: 50ms } # half of a flood's queue
	  b: { rate: 6mbit }
	rules:
	  - { class: a, match: { proto: udp, dport: [5001, 5003] } }
	  - { class: b, match: { proto: udp, dport: 5002 } }
	END
check "the policy is applied" cli qosctl apply "$T/c0.yaml"
stats() { cli qosctl stats c0 --json | jq ".[0].classes | map($1) | add"; }

# One flood from its first packet on; then two and one who asks little.
traffic() { # WHAT
	local pids_=() pid port sent=0 dropped
	cli ping -q -c 1 "$SRV4" >/dev/null # the neighbour, who may have been forgotten
	count_start alone srv s0 --interval 100ms --key udp:5001
	cli udpsend "$SRV4" 5001 --size 1000 --rate 6mbit --time 300ms >/dev/null
	sleep 0.5
	count_stop alone
	# 4 Mbit/s, the burst and two frames
	at_most "$1: bytes in the first tenth of a second" \
		"$(json alone '.keys["udp:5001"].intervals[0]')" $((50000 + 3028 + 2 * 1042))
	near "$1: and no less than the rate" "$(json alone '.keys["udp:5001"].intervals[0]')" 52556 0 2556
	near "$1: and in the second" "$(json alone '.keys["udp:5001"].intervals[1]')" 50000 3
	dropped=$(stats '.drops | add')
	count_start load srv s0 --interval 100ms --key udp:5001 --key udp:5002 --key udp:5003
	for port in 5001:6mbit 5002:9mbit 5003:100kbit; do
		bg pid cli udpsend "$SRV4" "${port%:*}" --size 1000 --time 3 --rate "${port#*:}" >"$T/${port%:*}.json"
		pids_+=("$pid")
	done
	wait "${pids_[@]}"
	sleep 0.5
	count_stop load
	for port in 5001 5002 5003; do sent=$((sent + $(json $port '.packets + .enobufs'))); done
	is "$1: each of $sent packets arrived, or was dropped by its class" \
		$(($(json load '.keys | map(.packets) | add') + $(stats '.drops | add') - dropped)) "$sent"
	is "$1: who asks little loses nothing" "$(json load '.keys["udp:5003"].packets')" "$(json 5003 .packets)"
	near "$1: the link's rate" "$(json load '.keys | map(.intervals[2:25] | add) | add | . * 8 / 2.3 | floor')" \
		10000000 1
	near "$1: the class below its ceiling has the rest of it" \
		"$(json load '.keys["udp:5002"].intervals[5:25] | add * 8 / 2 | floor')" 7000000 15
}

note "24 hours"
before=$(cut -d. -f1 /proc/uptime)
sleep 86400
check "a day has passed" test $(($(cut -d. -f1 /proc/uptime) - before)) -ge 86400
is "it is in force" "$(cli qosctl show c0 --json | jq '.[0].in_force')" true
is "nothing is sent, show says" "$(cli qosctl show c0 --json | jq '.[0].link.rate_now')" 0
traffic "after a day"

set_date() { # SECONDS: by so many
	date -s "@$(($(date +%s) + $1))" >/dev/null || not_ok "the date cannot be set"
}
note "the date set on by 8 hours, as after a night in suspend; CLOCK_MONOTONIC does not count that"
set_date 28800
traffic "on by 8 hours"
note "and back by a year"
set_date -31536000
traffic "back by a year"
is "apply has nothing to change" "$(cli qosctl apply "$T/c0.yaml")" "c0: nothing to change"

note "in the middle of a flood"
count_start flood srv s0 --key udp:5001
sender=''
bg sender cli udpsend "$SRV4" 5001 --size 1000 --rate 6mbit --time 3 >/dev/null
for ((i = 0; i < 10; i++)); do
	sleep 0.2
	set_date $(((i % 2 ? -1 : 1) * 86400 * i))
done
wait "$sender"
sleep 0.5
count_stop flood
# by how much came, as the kernel stamps what arrives with the date: 4 Mbit/s for 3 s, and the queue
near "its class has its ceiling throughout" "$(json flood '.keys["udp:5001"].bytes')" 1550000 1
check "it is removed" cli qosctl remove c0
finish
