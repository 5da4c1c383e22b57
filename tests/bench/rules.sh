#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Sends packets of new flows through a veth with the rules of tests/bench/rules.py as qosctl's, u32's and
# flower's, in turn, and takes the CPU time of that; times `qosctl apply` of many of them. Lines for rules.py go to OUT.
#
#   rules.sh chain|all DIR ROUNDS PACKETS OUT
. "$(dirname "$0")/../net/lib.sh"

what=$1 dir=$2 rounds=$3 packets=$4 out=$5 bench=$(realpath "$(dirname "$0")")
build=${QOSCTL_BUILD:-$top/build} sent=0

send() { # WAY
	cli flood c0 --flows "$packets" --first $((sent += packets)) >"$T/flood.json"
	[[ $(json flood '.enobufs + .errors') == 0 ]] || bail "$1: not all was sent: $(<"$T/flood.json")"
	echo "send $round $1 $packets $(json flood .cpu_ns)" >>"$out"
}

ours() { # WAY
	cli qosctl apply "$dir/$1.yaml" >"$T/said" 2>&1 || bail "$1: $(tail -n 3 "$T/said")"
	send "$1"
	# what is measured is what is said: the last rule took them all
	cli qosctl stats --rules c0 --json >"$T/rules.json"
	[[ $(json rules '.[0].rules[-1].packets') -ge $packets ]] || bail "$1: the last rule did not take all"
	cli qosctl remove c0 >/dev/null
}

# What any program costs here that reads a packet and moves a clock.
minimal() {
	cli tc qdisc add dev c0 clsact
	cli tc filter add dev c0 egress bpf direct-action object-file "$build/tests/bpf/minimal_edt.bpf.o" section tc \
		2>"$T/said" || bail "minimal: $(<"$T/said")"
	send minimal
	cli tc qdisc del dev c0 clsact
}

theirs() { # WAY
	cli tc qdisc add dev c0 clsact
	if cli tc -batch "$dir/$1.batch" >"$T/said" 2>&1; then
		send "$1"
	else
		echo "skip $1 not in this kernel" >>"$out"
		note "$1: $(head -n 1 "$T/said")"
	fi
	cli tc qdisc del dev c0 clsact
}

map_bytes() {
	local id
	[[ $(tc -n "$NS_CLI" filter show dev c0 egress) =~ \ id\ ([0-9]+) ]] || bail "nothing is attached"
	id=${BASH_REMATCH[1]}
	bpftool -j map show | jq --argjson ids "$(bpftool -j prog show id "$id" | jq -c .map_ids)" \
		'[.[] | select(.id | IN($ids[])) | .bytes_memlock] | add'
}

apply() { # NAME FILE
	local figures
	figures=$(cli python3 -B "$bench/rules.py" run qosctl apply "$dir/$2.yaml" 2>"$T/said") || bail "$2: $(tail -n 3 "$T/said")"
	echo "apply $1 $figures $(map_bytes)" >>"$out"
}

modprobe -a cls_u32 cls_flower 2>/dev/null
# shellcheck disable=SC2119
topo2
uname -r >"$out"
# where nobody else can write, as apply asks
cp -R "$dir" "$T/files"
dir=$T/files
# the first round loads what the others find loaded
for ((round = 0; round <= rounds; round++)); do
	send nothing
	minimal
	ours one
	ours qosctl
	theirs u32
	theirs flower
done
[[ $what == all ]] || exit 0
for ((round = 0; round < rounds; round++)); do
	apply first many
	apply same many
	apply more more
	cli qosctl remove c0 >/dev/null
done
