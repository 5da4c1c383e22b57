#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Two CPUs send into one class as fast as they can: it has its rate and no more. A clock that is
# read and then written (naive.bpf.o, whose directory is the argument) fails the same test.
. "$(dirname "$0")/lib.sh"

RATE=20000000 SIZE=200
objects=${1-$top/build/tests/bpf}

(($(nproc) >= 2)) || bail "this takes two CPUs"
modprobe pktgen 2>/dev/null
[[ -d /proc/net/pktgen ]] || bail "this takes pktgen"
topo2 1500 2
mac=$(ip -n "$NS_SRV" -j link show s0 | jq -r '.[0].address')

pg() { # FILE COMMAND...: to pktgen, in the sender's namespace
	local file=/proc/net/pktgen/$1
	shift
	cli sh -c "echo '$*' >$file" || bail "pktgen refuses: $*"
}

# One thread on each CPU, through the whole of dev_queue_xmit().
threads() {
	local cpu command
	for cpu in 0 1; do
		pg kpktgend_$cpu rem_device_all
		pg kpktgend_$cpu "add_device c0@$cpu"
		for command in "count 0" "delay 0" "pkt_size $SIZE" "xmit_mode queue_xmit" \
			"dst $SRV4" "dst_mac $mac" "src_min $CLI4" "src_max $CLI4" \
			"udp_src_min $((6000 + cpu))" "udp_src_max $((6000 + cpu))" \
			"udp_dst_min 5001" "udp_dst_max 5001"; do
			pg "c0@$cpu" "$command"
		done
	done
}

# Of RATE, what both together got through, in thousandths; from the first packet to the last.
share() { # NAME
	local starter
	count_start "$1" srv s0 --key udp:5001
	threads
	bg starter cli sh -c 'echo start >/proc/net/pktgen/pgctrl'
	sleep 5
	pg pgctrl stop
	wait "$starter"
	sleep 0.5
	count_stop "$1"
	is "$1: packets of one size" "$(json "$1" '.keys["udp:5001"] | .bytes / .packets')" $SIZE
	jq -r --argjson rate $RATE '.keys["udp:5001"] |
		.bytes * 8e9 / (.last_ns - .first_ns) / $rate * 1000 | . * 100 | round / 100' \
		"$T/$1.json" >"$T/$1.share"
}

cat >"$T/c0.yaml" <<-END
	interface: c0
	default: all
	classes: { all: { rate: $((RATE / 1000))kbit } }
END
check "the policy is applied" cli qosctl apply "$T/c0.yaml"
share qosctl
at_most "two CPUs together get, in thousandths of the rate" "$(<"$T/qosctl.share")" 1005
check "most of what they offered was dropped" \
	cli sh -c "qosctl stats c0 --json | jq -e '.[0].classes[0] | (.drops | add) > .packets / 2'"
note "the same with another program in place of ours"
cli tc filter replace dev c0 egress pref 100 handle 0x7105 protocol all bpf direct-action \
	object-file "$objects/naive.bpf.o" section tc || bail "cannot attach the naive clock"
# A race may not happen while the machine is busy otherwise; when it never does, the test above
# shows nothing.
for attempt in 1 2 3 4; do
	share naive
	awk -v s="$(<"$T/naive.share")" 'BEGIN { exit !(s > 1005) }' && break
	note "attempt $attempt: $(<"$T/naive.share")"
done
at_most "a clock without atomics exceeds it: 1005 is at most" 1005 "$(<"$T/naive.share")"
check "removed" cli qosctl remove c0
finish
