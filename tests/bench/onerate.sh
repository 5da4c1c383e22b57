#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# One class of 100 Mbit/s, by several shapers: rate on the wire, CPU of the whole guest, and the
# delay of a probe beside the load, in the same run. Lines of tab-separated figures:
# SHAPER LOAD RATE-ERROR-% CPU-% PROBE-MEAN-MS PROBE-MAX-MS
. "$(dirname "$0")/../net/lib.sh"

RATE=100000000 SECS=5

# shellcheck disable=SC2119
topo2
modprobe -a sch_htb sch_fq_codel sch_cake sch_tbf sch_fq 2>/dev/null
bg pid srv tcpsend server 5002 --ready "$T/tcp"
await "$T/tcp"
bg pid srv rtt server 5003 --ready "$T/rtt"
await "$T/rtt"

# Ticks that all CPUs spent on something.
busy() { awk '/^cpu / { print $2 + $3 + $4 + $6 + $7 + $8 }' /proc/stat; }

qdisc() { tc -n "$NS_CLI" qdisc "$@"; }
htb() { # LEAF...
	qdisc add dev c0 root handle 1: htb default 1
	tc -n "$NS_CLI" class add dev c0 parent 1: classid 1:1 htb rate 100mbit quantum 3028
	qdisc add dev c0 parent 1:1 "$@"
}

setup() { # SHAPER
	case $1 in
	qosctl)
		printf '%s\n' "interface: c0" "default: all" "classes: { all: { rate: 100mbit } }" \
			>"$T/c0.yaml"
		cli qosctl apply "$T/c0.yaml"
		;;
	htb+fq_codel) htb fq_codel ;;
	htb+fq) htb fq ;;
	cake) qdisc add dev c0 root cake bandwidth 100mbit ;;
	tbf) qdisc add dev c0 root tbf rate 100mbit burst 128k latency 50ms ;;
	esac >/dev/null || bail "cannot set up $1"
}

teardown() {
	cli qosctl remove c0 >/dev/null 2>&1
	qdisc del dev c0 root 2>/dev/null
	qdisc del dev c0 clsact 2>/dev/null
}

load() { # LOAD
	case $1 in
	udp) bg pid cli udpsend "$SRV4" 5001 --rate 120mbit --size 1472 --time $SECS ;;
	tcp) bg pid cli tcpsend client "$SRV4" 5002 --time $SECS ;;
	esac >/dev/null
	loader=$pid
}

loader='' pid=''
for shaper in qosctl htb+fq_codel htb+fq cake tbf; do
	for kind in udp tcp; do
		setup $shaper
		count_start load srv s0 --key udp:5001 --key tcp:5002 --key ip
		ticks=$(busy)
		load $kind
		sleep 1
		cli rtt client "$SRV4" 5003 --time $((SECS - 2)) --interval 20ms >"$T/rtt.json"
		wait "$loader"
		ticks=$(($(busy) - ticks))
		count_stop load
		printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$shaper" $kind \
			"$(key_rate load ip 1 | awk -v r=$RATE '{ printf "%+.2f", ($1 - r) * 100 / r }')" \
			"$(awk -v t=$ticks -v s=$SECS 'BEGIN { printf "%.1f", t / s }')" \
			"$(json rtt '.rtt_ns.mean / 1e4 | round / 100')" \
			"$(json rtt '.rtt_ns.max / 1e4 | round / 100')"
		teardown
	done
done
