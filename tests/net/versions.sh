#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Another version of qosctl was there before, or comes after: what it left is taken over, or replaced,
# and never misread. Under load: no packet is lost or unshaped on the way.
. "$(dirname "$0")/faultlib.sh"

# shellcheck disable=SC2119
topo2
policy A 20 4 2

# The same program under another version, and one whose maps are of another ABI: their documents have
# it under another name, so that each finds none in the other's.
version=$(qosctl --version | grep -o '[0-9][0-9.]*[0-9]')
other=${version//[0-9]/7}
LC_ALL=C sed "s/\\x00${version//./\\.}\\x00/\\x00$other\\x00/g" "$(type -P qosctl)" >"$T/qosctl-version"
LC_ALL=C sed 's/\x00abi\x00/\x00xyz\x00/g' "$(type -P qosctl)" >"$T/qosctl-abi"
chmod 755 "$T"/qosctl-*
is "one of another version" "$("$T/qosctl-version" --version | grep -o '[0-9][0-9.]*[0-9]')" "$other"
check "one of another ABI" test "$(cmp -l "$T/qosctl-abi" "$(type -P qosctl)" | wc -l)" -ge 3

program() { attached; }
stats() { cli qosctl stats c0 --json | jq ".[0].classes[] | select(.name == \"a\") | $1"; }
sender=''
load_start() {
	count_start load srv s0 --interval 100ms --key udp:5001
	bg sender cli udpsend "$SRV4" 5001 --rate 6mbit --size 1000 --time 100000 >"$T/sent.json"
	sleep 1
}
# At most 4 Mbit/s arrive in any tenth of a second, but for what was late, so none is unshaped. QUEUES: one
# more for what may still be in that of another program, whose stamps this one does not know: qosctl(8) has
# it as the one case in which order is lost. It holds whole packets: the last begins at the end of the 100
# ms, or before.
load_stop() { # WHAT [QUEUES]
	local more=${2-0}
	sleep 1
	stop "$sender"
	sleep 0.5
	count_stop load
	at_most "$1: reordered" "$(json load '.keys["udp:5001"].reordered')" $(((more * 50000 + 1041) / 1042))
	if [[ $MODE == fq ]]; then
		at_most "$1: bytes in the fullest tenth of a second" \
			"$(json load '.keys["udp:5001"].intervals | max')" \
			$(((1 + more) * 50000 + $(late load) + 3028 + 2 * 1042))
		[[ $more == 0 ]] && near "$1: the rate, throughout" "$(key_rate load udp:5001 1)" 4000000 1
	fi
}

takes_over() { # WHAT OLD NEW: the same maps, so the same accounts
	local was before
	cli "$2" apply "$T/A.yaml" >/dev/null || not_ok "$1: the first applies"
	was=$(program) before=$(stats '.packets + (.drops | add)')
	load_start
	cli "$3" apply "$T/A.yaml" >"$T/out" 2>&1 || not_ok "$1: $(<"$T/out")"
	load_stop "$1"
	check "$1: the program is another" test "$(program)" != "$was"
	is "$1: each packet has been seen since" $(($(stats '.packets + (.drops | add)') - before)) \
		"$(json sent '.packets + .enobufs')"
	is "$1: arrived, or dropped by its class" \
		$(($(json load '.keys["udp:5001"].packets') + $(stats '.drops | add') - drops)) \
		"$(json sent '.packets + .enobufs')"
	is "$1: it is in force" "$(cli "$3" show c0 --json | jq '.[0].in_force')" true
	is "$1: and nothing is left over" "$(settled "$ours")" "$ours"
}
# An apply takes away what was left for an interface that is gone, as of the test before this one; the
# kernel frees it when it comes to that.
apply A >/dev/null && cli qosctl remove c0 >/dev/null
is "nothing of others is in the kernel" "$(settled "$(none_in_kernel)")" "$(none_in_kernel)"
apply A >/dev/null
ours=$(in_kernel) drops=0
note "another version of the same ABI"
takes_over "new after old" "$T/qosctl-version" qosctl
drops=$(stats '.drops | add')
takes_over "old after new" qosctl "$T/qosctl-version"

note "another ABI"
cli qosctl remove c0 >/dev/null
cli "$T/qosctl-abi" apply "$T/A.yaml" >/dev/null
ours=$(in_kernel)
cli qosctl show c0 >"$T/out" 2>&1
is "show fails" $? 1
check "and says why" grep -q 'another version of qosctl' "$T/out"
cli qosctl stats c0 >"$T/out" 2>&1
is "stats fails" $? 1
check "plan has all to do" grep -q '^+ class a' <(changes A)
was=$(program)
load_start
check "apply replaces it" apply A
load_stop "another ABI" 1
check "the program is another" test "$(program)" != "$was"
is "it is in force" "$(cli qosctl show c0 --json | jq '.[0].in_force')" true
is "and nothing is left over" "$(settled "$ours")" "$ours"
cli "$T/qosctl-abi" remove c0 >"$T/out" 2>&1
is "the other one removes it" $? 0
is "all of it" "$(settled "$(none_in_kernel)")" "$(none_in_kernel)"
finish
