#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What comes in, shaped on an ifb that it is redirected to, as qosctl(8) says. It goes on to its
# receiver, who is told when it came, and not the time that it was stamped with.
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2119
topo2
modprobe -a ifb act_mirred cls_matchall 2>/dev/null
ip -n "$NS_CLI" link add ifb0 type ifb || bail "this kernel has no ifb"
ip -n "$NS_CLI" link set ifb0 up
tc -n "$NS_CLI" qdisc add dev c0 clsact
tc -n "$NS_CLI" filter add dev c0 ingress matchall action mirred egress redirect dev ifb0 ||
	bail "this kernel does not redirect"
cat >"$T/ifb0.yaml" <<-END
	interface: ifb0
	link: { rate: 2mbit }
	default: all
	classes: { all: { fairness: none, latency: 1s } }
END
check "apply" cli qosctl apply "$T/ifb0.yaml"
cat >"$T/c0.yaml" <<-END
	interface: c0
	link: { rate: 50mbit }
	default: all
	classes: { all: {} }
END
check "and for what goes out" cli qosctl apply "$T/c0.yaml"

# Answers wait in the queue of a little more than there is room for.
flood=''
bg flood srv udpsend "$CLI4" 5001 --size 1400 --rate 2100kbit --time 2 >"$T/flood"
sleep 0.5
cli ping -c 5 -i 0.2 -W 1 "$SRV4" >"$T/ping" 2>&1
wait "$flood"
is "answers wait in it" "$(grep -cE 'time=[1-9][0-9]+(\.[0-9]+)? ms' "$T/ping")" 5
# ping(8) goes by when the kernel says that they came
is "and came at a time of the wall clock" "$(grep -c 'time of day' "$T/ping")" 0
check "remove" cli qosctl remove --all
check "what comes in is redirected as before" \
	grep -q ifb0 <(tc -n "$NS_CLI" filter show dev c0 ingress)
finish
