#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The device below the classes: the size of what the stack hands to it, and its transmit queues.
. "$(dirname "$0")/lib.sh"

topo2 1500 4
gso() { # KEY
	ip -n "$NS_CLI" -d -j link show c0 | jq ".[0].$1"
}
apply() { cli qosctl apply "$T/c0.yaml"; }
policy() { # RATE
	cat >"$T/c0.yaml" <<-END
		interface: c0
		link: { rate: $1 }
		default: all
		classes: { all: {} }
	END
}
# The largest packet, in bytes, that the stack builds of a TCP flow for 2 seconds.
largest() { # NAME
	count_start "$1" srv s0 --key tcp:5001
	cli tcpsend client "$SRV4" 5001 --time 2 >/dev/null
	count_stop "$1"
	json "$1" '.keys["tcp:5001"].largest'
}

note "the size of GSO packets"
server=''
bg server srv tcpsend server 5001 --ready "$T/tcp"
await "$T/tcp"
was=$(gso gso_max_size)
is "the device's own is the kernel's usual" "$was" 65536
policy 100mbit
check "apply at 100 Mbit/s" apply
is "is a ms of the link" "$(gso gso_max_size)" 12500
size=$(largest ms)
at_most "no packet is larger" "$size" 12500
check "and one is of several frames: $size" test "$size" -ge 7570
policy 5mbit
cli qosctl plan "$T/c0.yaml" >"$T/plan"
check "plan has a line for it" grep -qx '+ gso 3028' "$T/plan"
check "apply at 5 Mbit/s" apply
is "is two frames at least" "$(gso gso_max_size)" 3028
size=$(largest frames)
at_most "no packet is larger" "$size" 3028
is "a second apply has nothing to change" "$(apply)" "c0: nothing to change"
ip -n "$NS_CLI" link set c0 gso_max_size 50000
is "raised by somebody: apply lowers it" "$(apply | grep gso)" "+ gso 3028"
is "really" "$(gso gso_max_size)" 3028
check "remove" cli qosctl remove c0
is "puts the old size back" "$(gso gso_max_size)" 50000
ip -n "$NS_CLI" link set c0 gso_max_size 65536

note "what GSO packets cost, by what arrives in segments"
# Bytes that a class is charged for two seconds of TCP, and those that came.
charged() { # DST DESCRIPTION
	local came class
	came=$(received) class=$(class_bytes)
	cli tcpsend client "$1" 5001 --time 2 >/dev/null
	sleep 0.5 # until the last has come
	near "$2" $(($(class_bytes) - class)) $(($(received) - came)) 0.1
}
received() { ip -n "$NS_SRV" -s -j link show s0 | jq '.[0].stats64.rx.bytes'; }
class_bytes() { cli qosctl stats c0 --json | jq '.[0].classes[0].bytes'; }
policy 100mbit
check "apply" apply
# the device takes no packet of many segments, so that the kernel cuts them behind the qdisc
check "segmentation is the kernel's" cli ethtool -K c0 tso off gso off \
	tx-udp_tnl-segmentation off tx-udp_tnl-csum-segmentation off
charged "$SRV4" "TCP"
if ip -n "$NS_CLI" link add t0 type vxlan id 5 local "$CLI4" remote "$SRV4" dstport 4789 2>/dev/null; then
	ip -n "$NS_SRV" link add t0 type vxlan id 5 local "$SRV4" remote "$CLI4" dstport 4789
	addr_add "$NS_CLI" t0 192.168.9.1/24
	addr_add "$NS_SRV" t0 192.168.9.2/24
	for ns in "$NS_CLI" "$NS_SRV"; do ip -n "$ns" link set t0 addrgenmode none up; done
	charged 192.168.9.2 "TCP in a tunnel"
	ip -n "$NS_CLI" link del t0
else
	skip "TCP in a tunnel" "this kernel has no VXLAN"
fi
cli ethtool -K c0 tso on gso on tx-udp_tnl-segmentation on tx-udp_tnl-csum-segmentation on
check "remove" cli qosctl remove c0
stop "$server" 2>/dev/null

note "one rate over four queues, each chosen by somebody else's filter"
policy 20mbit
check "apply" apply
is "the root is mq" "$(tc -n "$NS_CLI" -j qdisc show dev c0 root | jq -r '.[0].kind')" mq
is "with an fq for each queue" \
	"$(tc -n "$NS_CLI" -j qdisc show dev c0 | jq '[.[] | select(.kind == "fq")] | length')" 4
map_queues() { # QUEUE...: of the ports from 5000 on
	local port=5000 q
	for q; do
		tc -n "$NS_CLI" filter add dev c0 egress pref $((port - 4995)) protocol ip flower \
			ip_proto udp dst_port $port action skbedit queue_mapping "$q" continue ||
			bail "cannot choose a queue"
		port=$((port + 1))
	done
}
unmap_queues() {
	for q in 0 1 2 3; do tc -n "$NS_CLI" filter del dev c0 egress pref $((5 + q)); done
}
sent() { # QUEUE: packets that its fq sent
	tc -n "$NS_CLI" -j -s qdisc show dev c0 |
		jq --arg p "7105:$(($1 + 1))" '.[] | select(.parent == $p).packets'
}
# Offers 28 Mbit/s for 5 seconds, from 5000 on at so many ports, all at the same time.
flood() { # NAME [PORTS]
	local keys=() senders=() pid q ports=${2-4}
	for ((q = 0; q < ports; q++)); do keys+=(--key udp:$((5000 + q))); done
	count_start "$1" srv s0 "${keys[@]}" --key ip
	for ((q = 0; q < ports; q++)); do
		bg pid cli udpsend "$SRV4" $((5000 + q)) --size 1200 --rate $((28000 / ports))kbit --time 5 >/dev/null
		senders+=("$pid")
	done
	wait "${senders[@]}"
	sleep 0.5
	count_stop "$1"
}
before=()
map_queues 0 1 2 3
for q in 0 1 2 3; do before[q]=$(sent $q); done
flood mapped
near "the sum is the link's rate" "$(key_rate mapped ip 1)" 20000000 0.5
for q in 0 1 2 3; do
	# ARP goes by the queue that it likes
	near "queue $q sent what was mapped to it" $(($(sent $q) - before[q])) \
		"$(json mapped ".keys[\"udp:500$q\"].packets")" 0 3
	check "and that is not little" test "$(json mapped ".keys[\"udp:500$q\"].packets")" -ge 100
done
is "no packet overtakes another of its flow" \
	"$(json mapped '.keys | del(.ip) | map(.reordered) | add')" 0
is "fq drops nothing of its own" "$(cli qosctl stats c0 --json | jq '.[0].fq.drops')" 0

note "one rate where a single queue has it all"
unmap_queues
map_queues 2 2 2 2
before=("$(sent 2)")
flood one
near "the sum is the link's rate" "$(key_rate one ip 1)" 20000000 0.5
near "queue 2 sent it all" $(($(sent 2) - before[0])) "$(json one '.keys.ip.packets')" 0 3

note "one rate where nobody chooses"
unmap_queues
for q in 0 1 2 3; do before[q]=$(sent $q); done
# the kernel's hash is another at each boot, and has four of them in one queue in one of 64
flood hashed 16
near "the sum is the link's rate" "$(key_rate hashed ip 1)" 20000000 0.5
used=0
for q in 0 1 2 3; do used=$((used + ($(sent $q) - before[q] > 100))); done
check "the kernel spread them: $used queues" test $used -ge 2

note "what doctor says of sizes"
cat >"$T/c0.yaml" <<-END
	interface: c0
	link: { rate: 100mbit }
	default: all
	classes:
	  all: { rate: 90mbit }
	  little: { rate: 1mbit, ceil: 1mbit }
END
check "apply" apply
check "doctor" cli qosctl doctor c0 --json
cli qosctl doctor c0 --json >"$T/doctor.json"
is "a class that is too slow is a hint" \
	"$(json doctor '.interface.checks[] | select(.name == "gso").state')" warn
check "with its name and how long a packet takes" grep -q \
	'class little: a GSO packet of 12500 bytes takes 100ms at 1mbit' "$T/doctor.json"
sed -i 's/100mbit/&, gso: 3028b/' "$T/c0.yaml"
check "apply with the least" apply
cli qosctl doctor c0 --json >"$T/doctor.json"
is "then there is nothing to do about it" \
	"$(json doctor '.interface.checks[] | select(.name == "gso").state')" ok
note "the policies that come with it"
for file in "$top"/policies/*.yaml; do
	{ echo "interface: c0"; grep -v ^interface: "$file"; } >"$T/c0.yaml"
	check "apply ${file##*/}" apply
	cli qosctl doctor c0 --json >"$T/doctor.json"
	is "its packets are not too long" \
		"$(json doctor '.interface.checks[] | select(.name == "gso").state')" ok
done
policy 100mbit
check "apply without it" apply
cli qosctl doctor c0 --json >"$T/doctor.json"
is "none" "$(json doctor '.interface.checks[] | select(.name == "gso").state')" ok
check "the policy is removed" cli qosctl remove c0
is "with all of it" "$(gso gso_max_size)" 65536
finish
