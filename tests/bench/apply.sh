#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Times `qosctl apply` and `tc -batch`, each from fork to exit, with the files that
# tests/bench/apply.py wrote to DIR. Lines "ROUND CLASSES WHAT MICROSECONDS" go to OUT.
#
#   apply.sh police|fq DIR ROUNDS OUT
. "$(dirname "$0")/../net/lib.sh"

mode=$1 dir=$2 rounds=$3 out=$4 inside=${5-}

measure() { # CLASSES WHAT COMMAND...
	local classes=$1 what=$2 begin end
	shift 2
	begin=$EPOCHREALTIME
	"$@" >"$T/said" 2>&1 || bail "$*: $(tail -n 3 "$T/said")"
	end=$EPOCHREALTIME
	echo "$round $classes $what $((${end/./} - ${begin/./}))" >>"$out"
}

one_round() { # CLASSES
	measure "$1" apply qosctl apply "$dir/$mode-$1.yaml"
	measure "$1" unchanged qosctl apply "$dir/$mode-$1.yaml"
	measure "$1" rate qosctl apply "$dir/$mode-$1-rate.yaml"
	measure "$1" remove qosctl remove c0
	measure "$1" tc tc -batch "$dir/htb-$1.batch"
	measure "$1" tc-rate tc -batch "$dir/htb-$1-rate.batch"
	tc qdisc del dev c0 root
}

# Here already, so that no program that goes there is counted.
if [[ $inside ]]; then
	# the first one loads what the others find loaded
	for ((round = 0; round <= rounds; round++)); do
		for file in "$dir/$mode"-*-rate.yaml; do
			classes=${file##*"$mode"-}
			one_round "${classes%-rate.yaml}"
		done
	done
	exit
fi
modprobe -a sch_htb sch_fq cls_u32 2>/dev/null
# shellcheck disable=SC2119
topo2
uname -r >"$out"
# where nobody else can write, as apply asks
cp -R "$dir" "$T/files"
cli bash "$0" "$mode" "$T/files" "$rounds" "$out" inside
