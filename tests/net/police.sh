#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# mode: police, which needs no fq: on any kernel, the machine's own too. What passes is bounded by
# the rate and the time that it took, however slow the machine is.
. "$(dirname "$0")/lib.sh"

RATE=8000000 BURST=50000 SIZE=1000
FRAME=$((SIZE + 42))

# shellcheck disable=SC2119
topo2
cat >"$T/c0.yaml" <<-END
	interface: c0
	link: { mode: police }
	default: rest
	classes:
	  rest: {}
	  one: { rate: $((RATE / 1000))kbit, burst: ${BURST}b, dscp: af11 }
	rules:
	  - { class: one, match: { proto: udp, dport: 5001 } }
END
check "a path is there" cli ping -c 1 -W 2 "$SRV4"
before=$(tc -n "$NS_CLI" qdisc show dev c0)
check "the policy is applied" cli qosctl apply "$T/c0.yaml"
is "the root qdisc is left alone" "$(tc -n "$NS_CLI" qdisc show dev c0 | grep -v clsact)" "$before"
is "applied again it changes nothing" "$(cli qosctl apply "$T/c0.yaml")" "c0: nothing to change"
is "it is in force" "$(cli qosctl show c0 --json | jq '.[0].in_force')" true
check "doctor finds nothing wrong with the interface" \
	sh -c "nsenter --net=/run/netns/$NS_CLI qosctl doctor c0 --json |
		jq -e '.interface.checks | all(.state != \"fail\")'"

stat() { # KEY
	cli qosctl stats c0 --json | jq ".[0].classes[] | select(.name == \"one\").$1"
}

flood() { # NAME ECN
	local passed dropped sent due
	passed=$(stat packets) dropped=$(stat drops.police)
	count_start "$1" srv s0 --key udp:5001
	cli udpsend "$SRV4" 5001 --rate $((RATE * 3))bit --size $SIZE --time 3 --ecn "$2" >"$T/send.json"
	count_stop "$1"
	passed=$(($(stat packets) - passed)) dropped=$(($(stat drops.police) - dropped))
	sent=$(json send '.packets + .enobufs')
	due=$(json send ".elapsed_ns * $RATE / 8e9 | floor")
	is "$1: all that is sent is counted" $((passed + dropped)) "$sent"
	is "$1: what passes arrives" "$(json "$1" '.keys["udp:5001"].packets')" $passed
	at_most "$1: no more passes than the rate and twice the burst" $((passed * FRAME)) \
		$((due + 2 * BURST + FRAME))
	# a machine that stops for longer than the burst may send less
	[[ $(hostname) == qosctl-vm ]] &&
		at_most "$1: and no less than the rate" $((due * 98 / 100)) $((passed * FRAME))
	check "$1: the rest is dropped" test $dropped -gt 0
}

flood plain 0
is "nothing is marked that cannot be" "$(json plain '.keys["udp:5001"].ecn | @csv')" \
	"$(json plain '.keys["udp:5001"].packets'),0,0,0"
is "DSCP is written" "$(json plain '.keys["udp:5001"].dscp | keys | @csv')" '"10"'
flood ect 2
check "what can be is marked" test "$(json ect '.keys["udp:5001"].ecn[3]')" -gt 0
is "and counted" "$(stat marks)" "$(json ect '.keys["udp:5001"].ecn[3]')"

note "fq is asked for only where it is needed"
if has_qdisc fq; then
	skip "a kernel without fq" "this one has it"
else
	sed 's/mode: police/mode: fq/' "$T/c0.yaml" >"$T/fq.yaml"
	cli qosctl apply "$T/fq.yaml" >"$T/out" 2>&1
	is "without fq the status is" $? 3
	check "what is missing is said" grep -q "CONFIG_NET_SCH_FQ" "$T/out"
	check "and what to do" grep -q "modprobe sch_fq" "$T/out"
	is "the policy in force is in force" "$(cli qosctl show c0 --json | jq -r '.[0].mode')" police
fi
check "it is removed" cli qosctl remove c0
is "what was there is there" "$(tc -n "$NS_CLI" qdisc show dev c0)" "$before"
finish
