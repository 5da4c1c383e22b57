#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What doctor and show find where fq holds the packets: each fault is made, found and repaired.
# Those that need no fq are in tests/unit/kernel/test_doctor.c.
. "$(dirname "$0")/lib.sh"

topo2 1500 "${1-1}"
cat >"$T/c0.yaml" <<-END
	interface: c0
	link: { rate: 20mbit }
	default: all
	classes:
	  all: { rate: 10mbit }
	  low: { rate: 5mbit, ceil: 6mbit }
	rules:
	  - { class: low, match: { proto: udp, dport: 9 } }
END
touch -d '1 minute ago' "$T/c0.yaml"
# shellcheck disable=SC2317 # check calls it
apply() { cli qosctl apply "$T/c0.yaml"; }

# The names of the checks of the interface that are not well, with their states.
found() {
	cli qosctl doctor c0 --json 2>"$T/err" |
		jq -r '[.interface.checks[] | select(.state != "ok") | .name + " " + .state] | join(",")'
}
said() { # NAME
	cli qosctl doctor c0 --json | jq -r --arg n "$1" '.interface.checks[] | select(.name == $n).text'
}
quiet() { # DESCRIPTION
	is "$1: doctor is quiet" "$(found)" ""
	is "$1: show has no problem" "$(cli qosctl show c0 --json | jq -c '.[0] | [.in_force, .problems]')" "[true,[]]"
	cli qosctl doctor c0 >/dev/null
	is "$1: its status" $? 0
}

check "the policy is applied" apply
quiet "all is well"
check "under load" cli udpsend "$SRV4" 9 --rate 15mbit --size 1000 --time 1
quiet "after a class was asked for more than it may have"

note "a VLAN whose tags have a priority"
if ip -n "$NS_CLI" link add v0 link c0 type vlan id 7 egress-qos-map 6:5 2>/dev/null; then
	ip -n "$NS_CLI" link set v0 up
	link_of() { cli qosctl doctor v0 --json | jq -r '.interface.checks[] | select(.name == "link").text'; }
	is "without a policy" "$(link_of | grep -c egress-qos-map)" 0
	sed 's/c0/v0/' "$T/c0.yaml" >"$T/v0.yaml"
	check "it is shaped" cli qosctl apply "$T/v0.yaml"
	is "that is the class's" "$(link_of | grep -c 'egress-qos-map goes by the class')" 1
	ip -n "$NS_CLI" link del v0
else
	skip "a VLAN" "this kernel has no 8021q"
fi

note "fq"
tc -n "$NS_CLI" qdisc del dev c0 root
is "deleted: doctor" "$(found)" "qdisc fail"
cli qosctl show c0 >"$T/out"
is "deleted: the status of show" $? 1
check "deleted: show says so" grep -q '^problem: the qdiscs of c0 were changed: root .*, not [fm]q* 7105:; apply' "$T/out"
check "apply repairs" apply
quiet "then"
tc -n "$NS_CLI" qdisc replace dev c0 root fq_codel
is "replaced: doctor" "$(found)" "qdisc fail"
check "replaced: with what" grep -q fq_codel <<<"$(said qdisc)"
check "apply repairs" apply
quiet "then"

note "clsact"
tc -n "$NS_CLI" qdisc del dev c0 clsact
is "doctor" "$(found)" "filter fail"
is "show without an interface lists it" "$(cli qosctl show --json | jq -c '.[0] | [.interface, .in_force]')" '["c0",false]'
check "apply repairs" apply
quiet "then"

note "a filter before ours"
tc -n "$NS_CLI" filter add dev c0 egress pref 7 matchall action pass
is "doctor" "$(found)" "others warn"
cli qosctl doctor c0 >/dev/null
is "a warning leaves the status" $? 0
tc -n "$NS_CLI" filter del dev c0 egress pref 7
quiet "then"

note "fq's parameters, and its own drops"
root=$(cli qosctl show c0 --json | jq -r '.[0].qdisc.handle')
for q in $(tc -n "$NS_CLI" qdisc show dev c0 | awk '$2 == "fq" { print $3 }'); do
	parent=root
	[[ $q == "$root" ]] || parent=$(tc -n "$NS_CLI" qdisc show dev c0 | awk -v q="$q" '$3 == q { print "parent " $5 }')
	# shellcheck disable=SC2086 # two words
	tc -n "$NS_CLI" qdisc change dev c0 $parent handle "$q" fq flow_limit 2
done
is "other parameters: doctor" "$(found)" "qdisc warn"
check "other parameters: which qdisc" grep -q '^fq 71.*: at .* has other parameters: ' <<<"$(said qdisc)"
cli udpsend "$SRV4" 9 --rate 15mbit --size 1000 --time 1 >/dev/null
is "doctor" "$(found)" "qdisc warn,fq warn"
note "$(said fq)"
check "how many, and why" grep -qE 'dropped [1-9][0-9]* packets .* [1-9][0-9]* by flow_limit' <<<"$(said fq)"
check "apply sets the limits again" apply
before=$(cli qosctl stats c0 --json | jq '.[0].fq.drops')
cli udpsend "$SRV4" 9 --rate 15mbit --size 1000 --time 1 >/dev/null
is "and it drops no more" "$(cli qosctl stats c0 --json | jq '.[0].fq.drops')" "$before"
check "removed" cli qosctl remove c0
check "applied anew" apply
quiet "with another fq"

note "GSO"
ip -n "$NS_CLI" link set c0 gso_max_size 60000
is "doctor" "$(found)" "gso warn"
check "apply repairs" apply
quiet "then"

check "removed" cli qosctl remove c0
finish
