#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Classes have the rates that their policy says: UDP and TCP, IPv4 and IPv6, by bytes on the wire
# at the receiver; in the first second after creation and after idling too.
. "$(dirname "$0")/lib.sh"

FRAME=1514
families='4 6'
SECONDS_RUN=10
# The time in which the senders of a measurement are started. They begin together after it: one
# that already sends would have to wait for the others' starting, and what it does not offer then
# its class cannot make up for.
LEAD_NS=2000000000

# shellcheck disable=SC2119
topo2
check "the path is up" cli ping -c 1 -W 2 "$SRV4"
check "the IPv6 path is up" cli ping -c 1 -W 2 "$SRV6"

# A policy of one class for each RATE, family and protocol, without a link rate: each class is at
# its own rate whatever the others do.
policy() { # RATE...
	local rate i=0 f p
	echo "interface: c0"
	echo "default: rest"
	echo "classes:"
	echo "  rest: {}"
	for rate; do
		for f in $families; do
			for p in udp tcp; do echo "  $p$f-$rate: { rate: $rate }"; done
		done
	done
	echo "rules:"
	for rate; do
		i=$((i + 1))
		for f in $families; do
			for p in udp tcp; do
				echo "  - { class: $p$f-$rate," \
					"match: { proto: $p, family: ipv$f, dport: $((5000 + i)) } }"
			done
		done
	done
}

bps() { # RATE
	case $1 in
	*kbit) echo $((${1%kbit} * 1000)) ;;
	*mbit) echo $((${1%mbit} * 1000000)) ;;
	esac
}

# The burst that a class has when the policy does not say: qos-policy(5).
burst() { # BIT/S
	local bytes=$(($1 / 8 / 1000))
	echo $((bytes > 2 * FRAME ? bytes : 2 * FRAME))
}

# What a counter file says of its keys, a line each:
# KEY LARGEST FIRST-SECOND TEN-SECONDS WORST WHICH — bytes; LARGEST is the largest packet (with
# GSO, what the stack hands to the device in one piece), WORST the second after the first that is
# furthest from RATE/8, WHICH its number. RATES: {"5001": bit/s}, by port.
figures() { # NAME RATES
	jq -r --argjson rates "$2" '.keys | to_entries[] | .value.intervals as $i |
		($rates[.key | split(":")[2]] / 8) as $want |
		([range(1; 10) | {n: ., off: (($i[.] // 0) - $want | fabs)}] | max_by(.off)) as $w |
		[.key, .value.largest, $i[0], ([$i[0:10][]] | add), $i[$w.n], $w.n + 1] | @tsv' "$T/$1.json"
}

# BYTES is what a rate gives in SECONDS: PERMILLE or a packet less or more, and not more than
# EXTRA bytes above that.
rate_is() { # DESCRIPTION BYTES RATE SECONDS PERMILLE PACKET EXTRA
	local want=$(($3 * $4 / 8)) tolerance off
	tolerance=$((want * $5 / 1000 > $6 ? want * $5 / 1000 : $6))
	off=$(($2 - want))
	if ((off >= -tolerance && off <= tolerance + $7)); then
		ok "$1: $2 of $want bytes (within $tolerance and $7 of burst)"
	else
		not_ok "$1: $2 bytes, expected $want ± $tolerance and up to $7 of burst"
	fi
}

judge() { # NAME RATES DESCRIPTION FULL
	local key largest first ten worst which rate text extra
	while read -r key largest first ten worst which; do
		rate=$(jq ".\"${key##*:}\"" <<<"$2")
		text="$key at $rate bit/s"
		extra=$(burst "$rate")
		rate_is "$text in the first second$3" "$first" "$rate" 1 10 "$largest" "$extra"
		[[ $4 ]] || continue
		rate_is "$text over $SECONDS_RUN s" "$ten" "$rate" $SECONDS_RUN 5 "$largest" "$extra"
		rate_is "$text in second $which, the worst" "$worst" "$rate" 1 10 "$largest" 0
	done < <(figures "$1" "$2")
}

serve() { # RATE...: a TCP server for each
	local i=0 pid
	for _; do
		i=$((i + 1))
		bg pid srv tcpsend server $((5000 + i)) --ready "$T/tcp$i"
		await "$T/tcp$i"
	done
}

# Offers more than its rate to each class of RATE... for SECS; receiver's counts in NAME.json.
offer() { # NAME SECS PROTOS RATE...
	local name=$1 secs=$2 protos=$3 keys=() senders=() rate i=0 f p pid at
	shift 3
	for rate; do
		i=$((i + 1))
		for f in $families; do
			for p in $protos; do keys+=(--key "$f:$p:$((5000 + i))"); done
		done
	done
	count_start "$name" srv s0 "${keys[@]}"
	at=$(($(uptime_ns) + LEAD_NS))
	i=0
	for rate; do
		i=$((i + 1))
		for f in $families; do
			local dst=SRV$f
			for p in $protos; do
				if [[ $p == udp ]]; then
					bg pid cli udpsend "${!dst}" $((5000 + i)) --size $((FRAME - 14 - (f == 4 ? 28 : 48))) \
						--rate $(($(bps "$rate") * 11 / 10 + 100000))bit --at "$at" --time "$secs"
				else
					bg pid cli tcpsend client "${!dst}" $((5000 + i)) --at "$at" --time "$secs"
				fi >/dev/null
				senders+=("$pid")
			done
		done
	done
	for pid in "${senders[@]}"; do
		wait "$pid" || bail "a sender failed"
	done
	count_stop "$name"
}

# All of RATE...: ten seconds from the creation of the classes on, then, after as long a silence,
# another second.
measure() { # PROTOS RATE...
	local protos=$1 rate i=0 rates=''
	shift
	for rate; do
		i=$((i + 1))
		rates+="${rates:+,}\"$((5000 + i))\":$(bps "$rate")"
	done
	policy "$@" >"$T/c0.yaml"
	check "a policy of $# rates is applied" cli qosctl apply "$T/c0.yaml"
	offer run $SECONDS_RUN.5 "$protos" "$@"
	sleep 12
	offer again 1.2 "$protos" "$@"
	judge run "{$rates}" " after creation" full
	judge again "{$rates}" " after idling" ''
	is "fq drops nothing of its own" "$(cli qosctl stats c0 --json | jq '.[0].fq.drops')" 0
	check "the classes are removed" cli qosctl remove c0
}

# The most segments in a packet that the stack hands to the device. Not ethtool's gso, which only
# says who cuts a packet behind the qdisc.
gso_segs() { # N
	ip -n "$NS_CLI" link set c0 gso_max_segs "$1" || bail "cannot set gso_max_segs"
	note "GSO packets of at most $1 segments"
}

slow() {
	gso_segs 1
	measure "udp tcp" 64kbit 1mbit 10mbit
	gso_segs 65535
	measure tcp 64kbit 1mbit 10mbit
}

fast() { # one UDP flow after the other: both are more than the guest can send
	for families in 4 6; do measure udp 500mbit; done
	families='4 6'
	measure tcp 500mbit
}

serve 1 2 3
# shellcheck disable=SC2086 # a list
case ${1-all} in
slow) slow ;;
100mbit) measure "udp tcp" 100mbit ;;
500mbit) fast ;;
all)
	slow
	measure "udp tcp" 100mbit
	fast
	;;
*) bail "usage: rate.sh [slow|100mbit|500mbit]" ;;
esac
finish
