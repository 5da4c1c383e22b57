#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# `qosctl apply` is killed before one of its system calls, each in turn: the old policy or the new one
# is in force, whole, and the next apply makes all good. Under load: no packet is lost on the way, and
# none goes past the classes.
#
#   kill.sh [all|some [STEP [FIRST]]]   at every call; or where something has just been changed and at
#                                       every hundredth; only at every STEPth of those
. "$(dirname "$0")/faultlib.sh"

which=${1-$(often all some)} step=${2-$(often 1 3)} first=${3-1}
sender=''

# shellcheck disable=SC2119
topo2
has_qdisc fq && tc -n "$NS_CLI" qdisc replace dev c0 root handle 5: pfifo limit 777
ip -n "$NS_CLI" link set c0 gso_max_size 50000
policy A 20 4 2
policy B 20 4 2 a   # other rules: another program
policy C 9 3 1 a    # other numbers; and other GSO packets

declare -A effect=() all=()
remember() { # NAME: what is now is what there is to be under that policy
	look
	effect[$1]=$effective all[$1]=$everything
}
remember none
apply A >/dev/null || bail "cannot apply"
for name in B C A; do
	apply $name >/dev/null || bail "cannot apply"
	remember $name
done
ours=$(in_kernel)
cli qosctl remove c0 >/dev/null
look
is "remove puts all back" "$everything" "${all[none]}"
is "and frees all" "$(settled "$(none_in_kernel)")" "$(none_in_kernel)"

put() { # NAME: that policy, or none
	if [[ $1 == none ]]; then
		# nothing of ours may be there
		if cli qosctl remove c0 >"$T/put" 2>&1; then
			echo >>"$T/removes" # calls() is in a subshell
		else
			grep -q 'is not shaped' "$T/put"
		fi
	else
		apply "$1" >"$T/put" 2>&1
	fi
}
expected() { if [[ $1 == none ]]; then none_in_kernel; else echo "$ours"; fi; }

# Is NAME in force, with nothing missing and nothing left?
whole() { # NAME
	look
	[[ $everything == "${all[$1]}" ]] || { diff <(echo "$everything") <(echo "${all[$1]}") >&2; return 1; }
	[[ $(settled "$(expected "$1")") == "$(expected "$1")" ]] || { in_kernel >&2; return 1; }
	[[ $1 == none || ! $(changes "$1") ]]
}

# The calls to be killed at.
calls() { # FROM TO
	if [[ $which == all ]]; then
		seq "$first" "$step" 5000
		return
	fi
	cli strace -f -o "$T/trace" qosctl apply "$T/$2.yaml" >/dev/null
	put "$1" || not_ok "back to $1"
	# call n is on line n + 1, after what starts it; of pins those in the middle stand for the rest
	awk -v loads="$(grep -c BPF_PROG_LOAD "$T/trace")" -v step="$step" -v n="-$first" '
		NR > 1 && (changed || NR % 100 == 0) && ++n % step == 0 { print NR - 1 }
		{ changed = /sendto.*RTM_(NEW|SET|DEL)/ && !/RTM_NEWNS/ || /rename(at2)?\(/ ||
			/BPF_OBJ_PIN/ && ++pins == 6 || /unlinkat\(/ && ++unlinks == 6 ||
			loads == 0 && /BPF_MAP_UPDATE/ }
		END { print NR + 1 }' "$T/trace"
}

# With so few of them something was done.
few=$([[ $which == all ]] && echo $((5 / step)) || echo 0)
kills=0 changed=0
try() { # N FROM TO: 1 when it was not killed any more
	local status
	cli killat "$1" qosctl apply "$T/$3.yaml" >/dev/null 2>&1
	status=$?
	if ((status == 0)); then
		whole "$3" || not_ok "$2 to $3: applied"
		put "$2" || not_ok "$3 to $2: $(<"$T/put")"
		return 1
	fi
	((status == 137)) || not_ok "$2 to $3: status $status at call $1"
	kills=$((kills + 1))
	look
	[[ $everything == "${all[$2]}" ]] && return
	changed=$((changed + 1))
	[[ $effective == "${effect[$2]}" || $effective == "${effect[$3]}" ]] ||
		not_ok "$2 to $3, killed at call $1: neither of them in force"
	# on to the new one and then back, or back at once
	if ((changed % 2)); then
		put "$3" || not_ok "$2 to $3, killed at call $1: apply says $(<"$T/put")"
		whole "$3" || not_ok "$2 to $3, killed at call $1: repaired"
	fi
	put "$2" || not_ok "$2 to $3, killed at call $1: going back: $(<"$T/put")"
	whole "$2" || not_ok "$2 to $3, killed at call $1: gone back"
}

transition() { # FROM TO
	local n before=$failed
	kills=0 changed=0
	put "$1" || not_ok "$1"
	for n in $(calls "$1" "$2"); do
		try "$n" "$1" "$2" || break
		((failed - before < 5)) || break
	done
	is "$1 to $2: what went wrong" $((failed - before)) 0
	check "killed at $kills calls, $changed of them with something done" test $changed -gt "$few"
}

# A flow that fills the queue of its class as soon as there is one, for as long as it takes.
load_start() { # NAME
	count_start "$1" srv s0 --interval 100ms --key udp:5001
	bg sender cli udpsend "$SRV4" 5001 --rate 20mbit --size 1000 --time 100000 >"$T/$1-sent.json"
}
load_stop() { # NAME
	stop "$sender"
	sleep 0.5
	count_stop "$1"
	sent=$(json "$1-sent" '.packets + .enobufs')
	is "$1: none is reordered" "$(json "$1" '.keys["udp:5001"].reordered')" 0
}
dropped() { cli qosctl stats c0 --json | jq '.[0].classes[] | select(.name == "a").drops | add'; }
seen() { cli qosctl stats c0 --json | jq '.[0].classes[] | select(.name == "a") | .packets + (.drops | add)'; }

note "nothing, then a policy"
lost=$(tx_dropped)
: >"$T/removes"
load_start first
transition none A
load_stop first
in_all first-sent first $(($(tx_dropped) - lost)) "$(wc -l <"$T/removes")"

note "a policy, then another"
put A || not_ok "apply"
drops=$(dropped) passed=$(seen)
load_start change
transition A B
transition B C
load_stop change
is "each of $sent packets was seen by its class" $(($(seen) - passed)) "$sent"
is "and arrived or was dropped by it" \
	$(($(json change '.keys["udp:5001"].packets') + $(dropped) - drops)) "$sent"
if [[ $MODE == fq ]]; then
	at_most "none was unshaped: bytes in the fullest tenth of a second" \
		"$(json change '.keys["udp:5001"].intervals | max')" $((50000 + 3028 + 2 * 1042))
fi
check "remove" cli qosctl remove c0
look
is "puts all back" "$everything" "${all[none]}"
is "nothing is left" "$(settled "$(expected none)")" "$(expected none)"
finish
