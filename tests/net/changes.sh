#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Policies are changed hundreds of times while three flows send: one below its rate, one above, and
# one that changes class. No packet is lost but by its class, none overtakes another, none is unshaped.
. "$(dirname "$0")/faultlib.sh"

rates=${1-$(often 1000 40)} others=${2-$(often 200 3)}
PORTS=(5001 5002 5003)

# shellcheck disable=SC2119
topo2
# shellcheck disable=SC2317 # round calls it
tree() { # N: the same leaves, one level deeper or not, in another order, with another beside them
	if ((${1} % 2)); then
		policy tree 20 4 2
	else
		cat >"$T/tree.yaml" <<-END
			interface: c0
			link: { rate: 20mbit, mode: $MODE }
			default: rest
			classes:
			  extra$1: { ceil: 1mbit }
			  inner: { rate: 10mbit, ceil: 12mbit, classes: { b: { ceil: 2mbit }, a: { ceil: 4mbit } } }
			  rest: {}
			rules:
			  - { class: extra$1, match: { proto: tcp, dport: $((1 + $1)) } }
			  - { class: a, match: { proto: udp, dport: 5001 } }
			  - { class: b, match: { proto: udp, dport: 5002 } }
		END
	fi
}
# shellcheck disable=SC2317
rules() { # N: other rules beside those of the flows; 5003 is a's or b's
	policy rules 20 4 2
	printf '  - { class: %s, match: { proto: udp, dport: 5003 } }\n' "$( (($1 % 2)) && echo a || echo b)" >>"$T/rules.yaml"
	printf '  - { class: b, match: { proto: tcp, dport: %d } }\n' $((1 + $1)) >>"$T/rules.yaml"
}
# shellcheck disable=SC2317
fairness() { # N: two flows of a class that are told apart, or by another host, or not at all
	local kinds=(flow src-host none dst-host)
	policy fairness 20 4 2
	sed -i "s/a: {/a: { fairness: ${kinds[$1 % 4]},/" "$T/fairness.yaml"
	echo '  - { class: a, match: { proto: udp, dport: 5003 } }' >>"$T/fairness.yaml"
}
# shellcheck disable=SC2317
numbers() { # N
	policy numbers 20 "$((4000 - $1 % 2 * 500))k" 2
	sed -i 's/kmbit/kbit/' "$T/numbers.yaml"
}

# Of all classes: what passed and what was dropped.
stats() { cli qosctl stats c0 --json | jq ".[0].classes | map(select(.name | IN(\"a\", \"b\", \"rest\")) | $1) | add"; }

round() { # KIND COUNT
	local pids_=() pid port i before dropped all=0 arrived seen
	"$1" 0
	apply "$1" >/dev/null || not_ok "$1: apply"
	before=$(stats '.packets + (.drops | add)') dropped=$(stats '.drops | add')
	# neighbours are looked for in their own time
	cli ping -q -c 1 "$SRV4" >/dev/null
	count_start "$1" srv s0 --interval 100ms --key udp --key udp:5001 --key udp:5002 --key udp:5003
	for port in "${PORTS[@]}"; do
		bg pid cli udpsend "$SRV4" "$port" --size 1000 --time 100000 \
			--rate "$(case $port in 5001) echo 6mbit ;; *) echo 600kbit ;; esac)" >"$T/$port.json"
		pids_+=("$pid")
	done
	for ((i = 1; i <= $2; i++)); do
		"$1" $i
		apply "$1" >"$T/said" 2>&1 || { not_ok "$1 $i: $(<"$T/said")"; break; }
		grep -q '^+' "$T/said" || { not_ok "$1 $i: nothing was changed"; break; }
	done
	for pid in "${pids_[@]}"; do stop "$pid"; done
	sleep 0.5
	count_stop "$1"
	for port in "${PORTS[@]}"; do all=$((all + $(json "$port" '.packets + .enobufs'))); done
	arrived=$(json "$1" '.keys.udp.packets')
	note "$1: $2 changes, $all packets, $(json "$1" '.keys["udp:5001"].packets') of the flow above its rate"
	dropped=$(($(stats '.drops | add') - dropped))
	is "$1: each packet arrived or was dropped by its class" $((arrived + dropped)) "$all"
	seen=$(($(stats '.packets + (.drops | add)') - before))
	# ARP, and the ping
	at_most "$1: each was seen by the program, and so shaped" "$all" "$seen"
	is "$1: none is reordered within its flow" \
		"$(json "$1" '[.keys["udp:5001", "udp:5002", "udp:5003"].reordered] | add')" 0
	is "$1: fq dropped nothing of its own" "$(cli qosctl stats c0 --json | jq '.[0].fq.drops // 0')" 0
	[[ $MODE == fq ]] || return
	is "$1: a flow below its rate lost nothing" "$(json "$1" '.keys["udp:5002"].packets')" "$(json 5002 .packets)"
	[[ $1 == fairness ]] || is "$1: nor another that changes class" \
		"$(json "$1" '.keys["udp:5003"].packets')" "$(json 5003 .packets)"
	# a's 4 Mbit/s for a tenth of a second, its burst and two frames; before Linux 6.5, and the
	# longest gap: see late()
	at_most "$1: bytes of the flow above its rate, in the fullest tenth of a second" \
		"$(json "$1" '.keys["udp:5001"].intervals | max')" $((50000 + $(late "$1") + 3028 + 2 * 1042))
}

round numbers "$rates"
round rules "$others"
round tree "$others"
round fairness "$others"
check "remove" cli qosctl remove c0
is "nothing is left" "$(settled "$(none_in_kernel)")" "$(none_in_kernel)"
finish
