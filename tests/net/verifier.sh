#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The program is loaded for the largest policy that there can be, and for the verifier that is as
# much work as kern/COST.md says.
#
# shellcheck disable=SC2317 # functions are called by name
. "$(dirname "$0")/lib.sh"

# instructions the verifier looks at grow with what rules look at, not with their number
RULES=10000 CLASSES=200
release=$(uname -r | cut -d. -f1,2)
row=$(sed -n "s/^| $release | \([0-9,]*\) | \([0-9,]*\) |$/\1 \2/p" "$top/kern/COST.md" | tr -d ,)
read -r small large <<<"$row"

# shellcheck disable=SC2119
topo2
mode=fq
has_qdisc fq || mode=police

begin() { # CLASSES MORE
	printf 'interface: c0\nlink: { mode: %s, rate: 1gbit%s }\ndefault: c0\nclasses:\n' "$mode" "$2"
	awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) printf "  c%d: { rate: 1mbit, dscp: ef }\n", i }'
	echo "rules:"
}
one() {
	begin 2 ""
	echo "  - { class: c1, match: { proto: tcp, dport: 443 } }"
}
largest() {
	begin "$CLASSES" ", tunnel: inner, overhead: pppoe-ptm"
	cat <<-END
		  - { class: c1, match: { family: ipv6, mark: [0x10, 0x100/0xff00], uid: 1000-1999 } }
		  - { class: c1, match: { mark: 0x20000/0xf0000, cgroup: none.slice/such, vlan: [none, 5] } }
		  - { class: c1, match: { mark: 0x1000000/0xf000000, length: 0-100, tcp-flags: syn } }
		  - { class: c1, match: { icmp-type: echo-request, not: { src: 10.0.0.0/8, dscp: ef } } }
		  - { class: c1, match: { src: "fd00::/8", dst: "2001:db8::/32", sport: 1-100, dscp: cs1 } }
	END
	awk -v n=$((RULES - 5)) -v classes="$CLASSES" 'BEGIN {
		for (i = 0; i < n; i++)
			printf "  - { class: c%d, match: { dst: 10.%d.%d.0/24, dport: %d } }\n",
				i % classes, i / 256, i % 256, i
	}'
}

# got: what there is
verified() { # NAME EXPECTED
	local id
	"$1" >"$T/c0.yaml"
	check "$1: is applied" cli qosctl apply "$T/c0.yaml"
	id=$(cli qosctl show c0 --json | jq '.[0].filter.prog_id')
	got=$(bpfdump --verified "$id")
	if [[ ${2-} ]]; then
		near "$1: instructions" "$got" "$2" 5
	else
		skip "$1: $got instructions" "no row for Linux $release in kern/COST.md"
	fi
}
verified one "${small-}"
verified largest "${large-}"
at_most "less than half of what the verifier takes" "${got-0}" 500000
finish
