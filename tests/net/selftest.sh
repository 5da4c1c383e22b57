#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The harness measures what it says: known streams are counted exactly, at the right time.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

echo='' # a pid

topo2 1500
ip -n "$NS_CLI" link add link c0 name c0.7 type vlan id 7 && vlan=1 || vlan=''
if [[ $vlan ]]; then
	ip -n "$NS_SRV" link add link s0 name s0.7 type vlan id 7
	addr_add "$NS_CLI" c0.7 10.7.0.1/24
	addr_add "$NS_SRV" s0.7 10.7.0.2/24
	ip -n "$NS_CLI" link set c0.7 up
	ip -n "$NS_SRV" link set s0.7 up
fi
# Neighbours are known before anything is counted.
check "IPv4 passes" cli ping -c 1 -W 2 "$SRV4"
check "IPv6 passes" cli ping -c 1 -W 2 "$SRV6"
sleep 3 # for the last multicast reports of the new addresses

rx() { # packets|bytes of the receiving interface
	ip -n "$NS_SRV" -j -s link show s0 | jq ".[0].stats64.rx.$1"
}

udp() { # DESCRIPTION KEY BYTES-PER-FRAME DST UDPSEND-OPTION...
	local what=$1 key=$2 frame=$3 sent packets
	shift 3
	packets=$(rx packets)
	count_start wire srv s0 --key "$key" --key all
	cli udpsend "$1" 5001 "${@:2}" >"$T/send.json"
	count_stop wire
	packets=$(($(rx packets) - packets))
	sent=$(json send .packets)
	is "$what: packets" "$(json wire ".keys[\"$key\"].packets")" "$sent"
	is "$what: bytes" "$(json wire ".keys[\"$key\"].bytes")" $((sent * frame))
	is "$what: none missing or reordered" \
		"$(json wire ".keys[\"$key\"] | [.missing, .gaps, .reordered, .probes] | @csv")" \
		"0,0,0,$sent"
	# A neighbour probe may come between the two.
	near "$what: the interface counted the same" "$packets" \
		"$(json wire .keys.all.packets)" 0 2
}

note "streams of a known count"
udp "UDP over IPv4" 4:udp:5001 $((14 + 28 + 1000)) "$SRV4" --rate 4mbit --size 1000 --count 500
udp "UDP over IPv6" 6:udp:5001 $((14 + 48 + 100)) "$SRV6" --rate 400kbit --size 100 --count 300 \
	--burst 10
udp "UDP marked EF" udp:5001,dscp=46 $((14 + 28 + 60)) "$SRV4" --rate 1000pps --size 60 \
	--count 100 --dscp 46 --ecn 1
is "ECN is counted" "$(json wire '.keys["udp:5001,dscp=46"].ecn | @csv')" "0,100,0,0"
if [[ $vlan ]]; then
	cli ping -c 1 -W 2 10.7.0.2 >/dev/null
	udp "UDP in a VLAN" udp:5001,vlan=7 $((14 + 4 + 28 + 500)) 10.7.0.2 --rate 1mbit \
		--size 500 --count 100
else
	skip "UDP in a VLAN" "no 8021q"
fi

note "TCP: super-packets count as their segments"
packets=$(rx packets) bytes=$(rx bytes)
count_start wire srv s0 --key 4:tcp:5002,sport=5003 --key all
iperf_server srv 5002
cli iperf3 -c "$SRV4" -p 5002 --cport 5003 -n 3M -J >"$T/iperf.json"
count_stop wire
packets=$(($(rx packets) - packets)) bytes=$(($(rx bytes) - bytes))
wire() { json wire ".keys[\"$1\"].$2"; }
# Each segment has 14 + 20 + 32 bytes of headers, with timestamps; the SYN's are 8 more. iperf3
# begins with a cookie of 37 bytes.
tcp=$(wire 4:tcp:5002,sport=5003 packets)
# What the receiver did not wait for is not sent: between what one end read and the other wrote.
payload=$(($(wire 4:tcp:5002,sport=5003 bytes) - 66 * tcp - 8))
check "TCP payload: $payload, at least what was received" \
	test $payload -ge "$(json iperf .end.sum_received.bytes)"
at_most "and what was sent" $payload $(($(json iperf .end.sum_sent.bytes) + 37))
segments=$(wire all packets)
if ((packets < segments)); then
	ok "the interface saw $packets super-packets of $segments segments"
else
	skip "the interface saw super-packets" "no GSO here"
fi
is "what GSO saved in headers" $(($(wire all bytes) - bytes)) $((66 * (segments - packets)))

note "time"
count_start wire srv s0 --key udp:5001 --interval 1s
cli udpsend "$SRV4" 5001 --rate 1mbit --size 208 --time 4 >"$T/send.json"
count_stop wire
# 500 frames of 250 bytes in each second.
if [[ ${QOSCTL_IN_VM-} ]]; then
	is "a second is a second" "$(json wire '.keys["udp:5001"].intervals[0:3] | @csv')" \
		125000,125000,125000
else
	near "a second is a second" "$(json wire '.keys["udp:5001"].intervals[1]')" 125000 5
fi
near "the average of the whole seconds" "$(key_rate wire udp:5001)" 1000000 0.5 500
if [[ ${QOSCTL_IN_VM-} ]]; then
	at_most "delay of an idle link, ns (p99)" "$(json wire '.keys["udp:5001"].delay_ns.p99')" 100000
fi

if has_qdisc fq; then
	tc -n "$NS_CLI" qdisc replace dev c0 root fq
	count_start wire srv s0 --key udp:5001
	cli udpsend "$SRV4" 5001 --rate 100pps --count 50 --txtime 20000000 >"$T/send.json"
	sleep 0.1
	count_stop wire
	near "SO_TXTIME holds packets 20 ms" "$(json wire '.keys["udp:5001"].delay_ns.p50')" \
		20000000 5
	tc -n "$NS_CLI" qdisc del dev c0 root
else
	skip "SO_TXTIME holds packets 20 ms" "this kernel has no fq"
fi

note "raw frames and round trips"
count_start wire srv s0 --key arp --key 4:udp --key 4:udp:53 --key other
mac=$(ip -n "$NS_SRV" -j link show s0 | jq -r '.[0].address')
head4="$mac 020000000001 0800 4500 0024 0001"
cli rawsend c0 --count 3 --interval 1ms \
	"ffffffffffff 020000000001 0806 0001080006040001 0200000000010a01004d 0000000000000a010002" \
	"$head4 2000 4011 0000 0a010001 0a010002 0035 0035 0100 0000 0102030405060708" \
	"$head4 0002 4011 0000 0a010001 0a010002 0102030405060708 0102030405060708" \
	"$mac 020000000001 88b5 00112233" >"$T/send.json"
count_stop wire
is "frames sent" "$(json send .packets)" 12
is "ARP, fragments, first fragments, others" \
	"$(json wire '[.keys[].packets] | @csv')" 3,6,3,3
bg echo srv rtt server 7 --ready "$T/echo"
await "$T/echo"
for dst in "$SRV4" "$SRV6"; do
	cli rtt client "$dst" 7 --interval 5ms --time 0.5 --dscp 46 >"$T/rtt.json"
	is "round trips to $dst" "$(json rtt '[.sent, .received] | @csv')" 100,100
done
stop "$echo"
count_start wire cli c0 --key udp,dscp=46
bg echo srv rtt server 7 --ready "$T/echo2"
await "$T/echo2"
cli rtt client "$SRV4" 7 --interval 5ms --time 0.1 --dscp 46 >"$T/rtt.json"
stop "$echo"
count_stop wire
is "responses keep the mark" "$(json wire '.keys["udp,dscp=46"].packets')" 20

finish
