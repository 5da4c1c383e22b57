#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the maps take is what qosctl(8) says under MEMORY. Natively: older kernels count otherwise.
. "$(dirname "$0")/lib.sh"

MANUAL=$top/user/qosctl.8.rst

policy() { # CLASSES
	local i
	printf '%s\n' "interface: c0" "link: { rate: 10gbit, mode: police }" "default: c1" "classes:"
	for ((i = 1; i <= $1; i++)); do echo "  c$i: { rate: 500kbit, ceil: 10mbit }"; done
	echo "rules:"
	for ((i = 1; i <= $1; i++)); do
		echo "  - { class: c$i, match: { dst: 10.1.$((i >> 8)).$((i & 255)) } }"
	done
}

# Bytes of all maps of the program, its document too.
memory() {
	local id map
	id=$(cli qosctl show c0 --json | jq '.[0].filter.prog_id')
	for map in $(bpftool prog show id "$id" --json | jq '.map_ids[]'); do
		bpftool map show id "$map" --json
	done | jq -s 'map(.bytes_memlock) | add'
}

# "0-3" or "0": the CPUs that there may be, for which per-CPU maps have a place.
cpus=$(($(sed 's/.*-//' /sys/devices/system/cpu/possible) + 1))
# the rows of the manual's table: classes, MB, MB of each CPU
mapfile -t rows < <(sed -n '/^MEMORY$/,/^ENVIRONMENT$/p' "$MANUAL" | tr -d , | grep -E '^[0-9]+ +[0-9.]+ +[0-9.]+$')
check "the manual has figures" test ${#rows[@]} -ge 4
# shellcheck disable=SC2119
topo2
for row in "${rows[@]}"; do
	read -r classes mb each <<<"$row"
	policy "$classes" >"$T/c0.yaml"
	check "$classes classes are applied" cli qosctl apply "$T/c0.yaml"
	near "$classes classes and rules, bytes" "$(memory)" \
		"$(awk "BEGIN { printf \"%d\", ($mb + $cpus * $each) * 1e6 }")" 2
	check "they are removed" cli qosctl remove c0
done
finish
