#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Several qosctl at once, again and again: one after the other, the last one wins, nothing is left over.
. "$(dirname "$0")/faultlib.sh"

rounds=${1-$(often 100 5)}
# shellcheck disable=SC2119
topo2
policy A 20 4 2
policy B 20 4 2 a
policy C 9 3 1 a
declare -A all=()
for name in A B C; do
	apply $name >/dev/null || bail "cannot apply"
	look
	all[$name]=$everything
done
ours=$(in_kernel)

# What runs at once in a round: each "STATUS-ALLOWED COMMAND", by a regular expression. The rest of
# the ways to change an interface belong here too.
jobs_of() { # N
	printf '%s\n' "0 qosctl apply $T/A.yaml" "0 qosctl apply $T/B.yaml" "0 qosctl apply $T/C.yaml" \
		"[01] qosctl show c0 --json" "[01] qosctl stats c0 --json"
	# not shaped any more, or not again yet
	(($1 % 4)) || printf '%s\n' "[01] qosctl remove c0"
}

pid='' job='' bad=0
count_start load srv s0 --key udp:5001
bg pid cli udpsend "$SRV4" 5001 --rate 2mbit --size 1000 --time 100000 >"$T/sent.json"
# An apply waits up to 5 s for the others.
for ((i = 1; i <= rounds; i++)); do
	running=() allowed=()
	while read -r status command; do
		# shellcheck disable=SC2086 # words
		bg job cli $command >"$T/out.${#running[@]}" 2>&1
		running+=("$job") allowed+=("$status")
	done < <(jobs_of $i)
	for j in "${!running[@]}"; do
		wait "${running[j]}"
		[[ $? =~ ^${allowed[j]}$ ]] || { not_ok "round $i, command $j: $(<"$T/out.$j")"; bad=$((bad + 1)); }
	done
	# whoever was last
	look
	[[ $everything == "${all[A]}" || $everything == "${all[B]}" || $everything == "${all[C]}" ||
		$effective == none ]] || { not_ok "round $i: what is in force is none of them"; bad=$((bad + 1)); }
	if ((i % 5 == 0)); then
		# the last one wins
		apply A >/dev/null || not_ok "round $i: apply"
		look
		[[ $everything == "${all[A]}" && $(settled "$ours") == "$ours" && ! $(changes A) ]] ||
			{ not_ok "round $i: $(in_kernel)"; bad=$((bad + 1)); }
	fi
	((bad < 10)) || break
done
is "$rounds rounds: what went wrong" $bad 0
stop "$pid"
sleep 0.5
count_stop load
is "none is reordered" "$(json load '.keys["udp:5001"].reordered')" 0
check "remove" cli qosctl remove c0
look
is "nothing is in force" "$effective" none
is "nothing is left" "$(settled "$(none_in_kernel)")" "$(none_in_kernel)"
finish
