#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A network card: a driver with a queue of its own, and nobody on this host who is told the stamps
# of packets. For a virtual machine that has two (scripts/vm --nics).
. "$(dirname "$0")/lib.sh"

RATE=50000000
CLI4=10.1.0.1 SRV4=10.1.0.2
modprobe virtio_net 2>/dev/null
# A card keeps its name: it comes back from a namespace that is deleted.
nic() { # NAMESPACE CARD ADDRESS
	ip link set "$2" netns "$1" || bail "this machine has no $2"
	ip -n "$1" link set "$2" up
	addr_add "$1" "$2" "$3"
}
ns_add "$NS_CLI"
ns_add "$NS_SRV"
nic "$NS_CLI" eth0 $CLI4/24
nic "$NS_SRV" eth1 $SRV4/24
check "the cards reach each other" cli ping -c 1 -W 5 "$SRV4"

before=$(cli tc qdisc show dev eth0)
cat >"$T/eth0.yaml" <<-END
	interface: eth0
	link: { rate: ${RATE}bit }
	default: rest
	classes:
	  udp: { rate: 10mbit }
	  rest: { rate: 30mbit }
	rules:
	  - { class: udp, match: { proto: udp } }
END
check "apply" cli qosctl apply "$T/eth0.yaml"
# The helper that says a stamp's kind is not in the program, as it is in one for other devices.
id=$(cli tc -j filter show dev eth0 egress | jq '[.. | .prog?.id? | numbers][0]')
bpftool prog dump xlated id "$id" >"$T/program"
check "the program is read" grep -q bpf_ktime_get_ns "$T/program"
is "its packets' stamps are of no kind" "$(grep -c bpf_skb_set_tstamp "$T/program")" 0

count_start up srv eth1 --key udp:5001 --key tcp:5001
bg server srv tcpsend server 5001 --ready "$T/tcp"
await "$T/tcp"
flood=''
bg flood cli udpsend "$SRV4" 5001 --rate 80mbit --time 4 >"$T/flood"
cli tcpsend client "$SRV4" 5001 --time 4 >"$T/bulk"
wait "$flood"
count_stop up
near "a flood has its share, 1 to 3" "$(key_rate up udp:5001 1)" $((RATE / 4)) 2
near "and TCP the rest" "$(key_rate up tcp:5001 1)" $((RATE * 3 / 4)) 2
check "remove" cli qosctl remove eth0
is "the card has its qdisc back" "$(cli tc qdisc show dev eth0)" "$before"
finish
