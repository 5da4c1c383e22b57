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
	link: { rate: 10mbit }
	default: all
	classes: { all: { fairness: none, limit: 80ms } }
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
bg flood srv udpsend "$CLI4" 5001 --rate 11mbit --time 4 >"$T/flood"
sleep 1
cli ping -c 20 -i 0.1 "$SRV4" >"$T/ping" 2>&1
wait "$flood"
answers=$(grep -c 'time=' "$T/ping")
check "of 20 answers there come $answers" test "$answers" -ge 5
waited=$(sed -n 's/.*min\/avg\/max[^=]*= [^/]*\/\([0-9.]*\)\/.*/\1/p' "$T/ping")
check "after a queue: $waited ms" awk -v ms="$waited" 'BEGIN { exit !(ms > 10 && ms < 85) }'
# ping(8) goes by when the kernel says that they came
check "at a time of the wall clock" test -z "$(grep -i warning "$T/ping")"
near "as much passes as there is room for" \
	"$(cli qosctl stats --json ifb0 | jq '[.[0].classes[].bytes] | add * 8')" 40000000 5
check "remove" cli qosctl remove --all
check "what comes in is redirected as before" \
	grep -q ifb0 <(tc -n "$NS_CLI" filter show dev c0 ingress)
finish
