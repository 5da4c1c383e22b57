#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Several qosctl at once, again and again: apply, set, unset and schedule run of one interface, and who
# looks at it. One after the other, the last one wins, nothing is left over.
#
#   race.sh [ROUNDS [EVERY]]   in every EVERYth round programs are loaded, and in every second of those
#                              the interface may be no longer shaped; in the others only numbers change
. "$(dirname "$0")/faultlib.sh"

rounds=${1-$(often 100 8)} every=${2-$(often 1 4)}
# shellcheck disable=SC2119
topo2
policy A 20 4 2
policy B 20 4 2 a # other rules: another program
policy C 9 3 1 a  # B's program, other numbers
for name in A B C; do
	# whatever the date is, day fired last
	cat >>"$T/$name.yaml" <<-END
		schedules:
		  - { name: night, cron: "0 0 2 7 *", set: { b: { ceil: 500kbit } } }
		  - { name: day, cron: "0 0 2 * *", set: { rest: { ceil: 5mbit } } }
	END
done

# What there is, in the kernel and of what it comes; NAME is "POLICY SCHEDULE SET".
declare -A name_of=()
state=''
look_all() {
	look
	state="$everything
$(cli qosctl show c0 --json 2>/dev/null | jq -c '.[0] | [.schedule.name, .set]')"
}
now() { # to $REPLY
	look_all
	REPLY=${name_of[$state]-another}
	[[ $effective != none ]] || REPLY=none
}
remember() { # NAME
	look_all
	name_of[$state]=$1
}
run() { cli qosctl schedule run c0 "$1"; }
set_a() { cli qosctl set c0 a ceil=2500kbit; }
for name in A B C; do
	apply $name >/dev/null || bail "cannot apply"
	remember "$name day -"
	run night >/dev/null || bail "cannot run a schedule"
	remember "$name night -"
	set_a >/dev/null || bail "cannot set"
	remember "$name night set"
	run day >/dev/null || bail "cannot run a schedule"
	remember "$name day set"
done
is "what there can be after a round" "${#name_of[@]}" 12
ours=$(in_kernel)

# What runs at once in a round, each "STATUS-ALLOWED COMMAND", by a regular expression; another is the
# first each time.
jobs_of() { # N
	local may=0 jobs
	# not shaped any more, or not again yet
	(($1 % (2 * every))) || may='[01]'
	jobs=("0 qosctl apply $T/B.yaml" "0 qosctl apply $T/C.yaml" "$may qosctl schedule run c0 night"
		"$may qosctl set c0 a ceil=2500kbit" "$may qosctl schedule run c0 day"
		"[01] qosctl unset c0 a" "[01] qosctl show c0 --json" "[01] qosctl stats c0 --json")
	(($1 % every)) || jobs+=("0 qosctl apply $T/A.yaml")
	[[ $may == 0 ]] || jobs+=("[01] qosctl remove c0")
	printf '%s\n' "${jobs[@]:$1 % ${#jobs[@]}}" "${jobs[@]:0:$1 % ${#jobs[@]}}"
}

bad=0
wrong() { # WHAT
	not_ok "round $i: $*"
	bad=$((bad + 1))
}

# One after the others: exactly what it is to make of what they left.
last=''
after() { # NAME
	local name=$1 policy schedule what
	read -r policy schedule what <<<"$name"
	[[ $name != none ]] || { apply B >/dev/null; policy=B schedule=day what=-; }
	case $((i % 3)) in
	0) schedule=$([[ $schedule == day ]] && echo night || echo day) last="run $schedule" ;;
	1) what=set last=set_a ;;
	2) policy=$([[ $policy == B ]] && echo C || echo B) schedule=day what=- last="apply $policy" ;;
	esac
	$last >"$T/said" 2>&1 || wrong "$last: $(<"$T/said")"
	now
	[[ $REPLY == "$policy $schedule $what" ]] || wrong "$last: $name became $REPLY"
}

pid='' job='' removes=0 lost=$(tx_dropped)
declare -A ended=()
count_start load srv s0 --key udp:5001
bg pid cli udpsend "$SRV4" 5001 --rate 6mbit --size 1000 --time 100000 >"$T/sent.json"
# Each waits up to 5 s for the others.
for ((i = 1; i <= rounds && bad < 10; i++)); do
	running=() allowed=() command=()
	while read -r status words; do
		# shellcheck disable=SC2086 # words
		bg job cli $words >"$T/out.${#running[@]}" 2>&1
		running+=("$job") allowed+=("$status") command+=("$words")
	done < <(jobs_of $i)
	for j in "${!running[@]}"; do
		wait "${running[j]}"
		status=$?
		[[ $status =~ ^${allowed[j]}$ ]] || wrong "${command[j]}: $(<"$T/out.$j")"
		[[ ${command[j]} != *remove* || $status != 0 ]] || removes=$((removes + 1))
	done
	# whoever was last
	now
	[[ $REPLY != another ]] || wrong "what is in force is none of them: $state"
	ended[$REPLY]=$((${ended[$REPLY]-0} + 1))
	after "$REPLY"
	((i % (2 * every) == 0)) || continue
	apply A >/dev/null || wrong "apply"
	now
	[[ $REPLY == "A day -" && $(settled "$ours") == "$ours" && ! $(changes A) ]] || wrong "$REPLY, $(in_kernel)"
done
is "$rounds rounds: what went wrong" $bad 0
for name in "${!ended[@]}"; do note "left by ${ended[$name]} rounds: $name"; done
stop "$pid"
sleep 0.5
count_stop load
in_all sent load $(($(tx_dropped) - lost)) $removes
is "none is reordered" "$(json load '.keys["udp:5001"].reordered')" 0
check "remove" cli qosctl remove c0
look
is "nothing is in force" "$effective" none
is "nothing is left" "$(settled "$(none_in_kernel)")" "$(none_in_kernel)"
finish
