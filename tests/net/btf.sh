#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The types that program and maps carry, and what qosctl(8) says can be done with them.
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2119
topo2
cat >"$T/c0.yaml" <<-END
	interface: c0
	link: { mode: police }
	default: rest
	classes:
	  rest: {}
	  one: { rate: 8mbit, burst: 50000b }
	rules:
	  - { class: one, match: { proto: udp, dport: 5001 } }
END
check "the policy is applied" cli qosctl apply "$T/c0.yaml"
# of a namespace that is not the first one
cookie=$(find /sys/fs/bpf/qosctl -maxdepth 1 -name 'c0:*' -printf '%T@ %f\n' | sort -n | tail -n 1)
pins=${cookie#* }
id=$(cli qosctl show c0 --json | jq '.[0].filter.prog_id')
is "the pins are those of the program" \
	"$(bpftool -j prog show pinned "/sys/fs/bpf/qosctl/$pins/qos_egress" | jq .id)" "$id"
bpftool -j prog show id "$id" >"$T/prog.json"
check "the program has types" test "$(json prog .btf_id)" -gt 0
is "every map but the document and the sets has them" "$(for map in $(json prog '.map_ids[]'); do
	bpftool -j map show id "$map" | jq -r 'select(.btf_id == null) | .name'
done | sort | paste -sd ' ')" "qos_sets qos_state"

# The only line of the manual that begins so, as it stands there, for our pins.
line_of_manual() { # COMMAND
	sed -n "s/^    \($1 .*\)/\1/p" "$top/user/qosctl.8.rst" | sed "s|qosctl/eth0/|qosctl/$pins/|"
}
stat() { # CLASS KEY
	cli qosctl stats c0 --json | jq ".[0].classes[] | select(.name == \"$1\").$2"
}

cli udpsend "$SRV4" 5001 --size 1000 --count 20 --rate 1mbit >/dev/null
check "the manual has one line of bpftool" test "$(line_of_manual 'bpftool -j' | wc -l)" = 1
line_of_manual 'bpftool -j' >"$T/line"
bash "$T/line" >"$T/counts" 2>&1
is "which says what has passed" "$(jq -s -c 'map(select(.[1] == 20)) | length' "$T/counts")" 1
is "as stats does" "$(stat one packets)" 20

check "the manual has one line of bpftrace" test "$(line_of_manual bpftrace | wc -l)" = 1
# Why it cannot be tried here; nothing: it can.
no_bpftrace() {
	if ! command -v bpftrace >/dev/null; then
		echo "bpftrace is not installed"
	elif ! bpftrace -e 'profile:hz:999 { exit(); }' >/dev/null 2>&1; then
		echo "this kernel takes no samples for bpftrace"
	fi
}
why=$(no_bpftrace)
if [[ $why ]]; then
	skip "which finds its functions by name" "$why"
	skip "each of them once" "$why"
else
	bg sender cli udpsend "$SRV4" 5001 --size 200 --rate 200mbit --time 20 >/dev/null
	line_of_manual bpftrace >"$T/line"
	bash "$T/line" >"$T/functions" 2>/dev/null
	stop "${sender:-}"
	check "which finds its functions by name" grep -qE '^ *[0-9]+ bpf_prog_[0-9a-f]+_qos_shape$' "$T/functions"
	is "each of them once" "$(awk '{ print $2 }' "$T/functions" | sort | uniq -d)" ""
fi
check "it is removed" cli qosctl remove c0
finish
