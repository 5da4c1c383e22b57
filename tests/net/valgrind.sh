#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each verb under valgrind, natively, so with mode police: nothing is read that was not written, and
# what was taken is given back, also when the end is an error.
. "$(dirname "$0")/lib.sh"

[[ $(type -P valgrind) ]] || bail "valgrind is not installed: scripts/setup installs it"
# Its own status for what is wrong; qosctl has 0 to 3.
MEMCHECK=(valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=all
	--show-leak-kinds=all --suppressions="${BASH_SOURCE[0]%.sh}.supp")

verb() { # STATUS VERB ARG...
	local expected=$1 status
	shift
	cli "${MEMCHECK[@]}" qosctl "$@" >"$T/out" 2>"$T/err"
	status=$?
	is "qosctl $*: its status" $status "$expected"
	# of commands that valgrind has no name for it says so in a line, which is no error
	((status == expected)) || sed 's/^/# /' "$T/err"
}

policy() { # FILE RATE RULES
	cat >"$T/$1" <<-END
		interface: c0
		link: { rate: 10mbit, mode: police }
		default: rest
		classes:
		  calls: { priority: high, rate: $2, dscp: ef }
		  tenants:
		    rate: 4mbit
		    classes: { a: { rate: 1mbit, weight: 1 }, b: { weight: 3 } }
		  rest: { ceil: 50% }
		rules:
		  - { class: calls, match: { proto: udp, dport: [53, 5000-5010] } }
		$3
	END
}

# shellcheck disable=SC2119
topo2
policy one.yaml 1mbit "  - { class: a, match: { dst: [10.1.0.0/24, \"fd00:1::/64\"] } }"
policy rate.yaml 2mbit "  - { class: a, match: { dst: [10.1.0.0/24, \"fd00:1::/64\"] } }"
policy rules.yaml 2mbit "  - { class: b, match: { dst: 10.1.0.0/24 } }"
policy wrong.yaml 2mbit "  - { class: nobody, match: { dport: 99999 } }"

verb 0 check "$T/one.yaml"
verb 2 check "$T/wrong.yaml" "$T/none.yaml"
verb 0 plan "$T/one.yaml"
verb 0 plan --offline "$T/one.yaml"
verb 1 show c0
verb 0 apply "$T/one.yaml"
check "it is in force" cli sh -c "qosctl show c0 --json | jq -e '.[0].in_force'"
cli ping -c 3 -i 0.2 -W 2 "$SRV4" >/dev/null
verb 0 apply "$T/one.yaml"
verb 2 apply "$T/wrong.yaml"
verb 0 plan "$T/rate.yaml"
verb 0 apply "$T/rate.yaml"
verb 0 apply "$T/rules.yaml"
verb 0 apply --json "$T/one.yaml"
verb 0 show c0
verb 0 explain c0 'udp 10.0.0.1:1 > 10.0.0.2:54 uid 1'
verb 0 explain "$T/one.yaml" 'udp 10.0.0.1:1 > 10.0.0.2:54'
verb 2 explain "$T/one.yaml" 'udp 10.0.0.1:1 > 10.0.0.2'
verb 2 explain "$T/one.yaml" --pcap "$T/one.yaml"
verb 0 show --json
verb 0 stats c0
verb 0 stats --json
verb 1 flows c0
# what it finds is not of interest here
qosctl doctor >/dev/null 2>&1
verb $? doctor --json
cli qosctl doctor c0 >/dev/null 2>&1
verb $? doctor c0
verb 0 remove c0
verb 1 remove c0
verb 2 nothing
verb 0 --help
finish
