#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ENOMEM, EBUSY and EPERM at the netlink and bpf calls of `qosctl apply`, each in turn: a clear error and
# the policy of before, or, where qosctl can do without what failed, the new one.
#
#   errors.sh [each|all [STEP [FIRST]]]   one of them at each call, in turn, or all three; only at every
#                                         STEPth call
. "$(dirname "$0")/faultlib.sh"

which=${1-each} step=${2-$(often 1 9)} first=${3-1}
ERRORS=(ENOMEM EBUSY EPERM)
CALLS=(bpf sendto recvmsg)

# shellcheck disable=SC2119
topo2
policy A 20 4 2
policy B 20 4 2 a
policy C 9 3 1 a
declare -A all=()
look
all[none]=$everything
for name in A B C A; do
	apply $name >/dev/null || bail "cannot apply"
	look
	all[$name]=$everything
done
ours=$(in_kernel)

failures=0 survived=0
try() { # CALL N ERROR FROM TO: 1 when it was never made
	local status what="$4 to $5, $3 at $1 $2"
	cli strace -qq -f -o "$T/trace" -e trace="$1" -e inject="$1:error=$3:when=$2" \
		qosctl apply "$T/$5.yaml" >"$T/out" 2>"$T/err"
	status=$?
	grep -q INJECTED "$T/trace" || { put "$4"; return 1; }
	look
	case $status in
	0)
		survived=$((survived + 1))
		[[ $everything == "${all[$5]}" ]] || not_ok "$what: not what it says"
		put "$4"
		;;
	1 | 3)
		failures=$((failures + 1))
		[[ $everything == "${all[$4]}" ]] || {
			not_ok "$what: the policy of before is not in force"
			diff <(echo "$everything") <(echo "${all[$4]}")
			put "$4"
		}
		grep -q '^error: .*' "$T/err" || not_ok "$what: no error: $(<"$T/err")"
		[[ ! -s $T/out ]] || not_ok "$what: changes are told"
		;;
	*)
		not_ok "$what: status $status: $(<"$T/err")"
		put "$4"
		;;
	esac
}
put() {
	if [[ $1 == none ]]; then
		unshape
	else
		apply "$1" >"$T/put" 2>&1 || not_ok "cannot go back to $1: $(<"$T/put")"
	fi
}
# What is ours, also where qosctl does not know it as that any more, which is an error.
unshape() {
	cli qosctl remove c0 >"$T/put" 2>&1
	look
	[[ $everything != "${all[none]}" ]] || return 0
	not_ok "cannot go back to nothing: $(<"$T/put")"
	tc -n "$NS_CLI" qdisc del dev c0 clsact 2>/dev/null
	tc -n "$NS_CLI" qdisc del dev c0 root 2>/dev/null
}

transition() { # FROM TO [CALL...]: of those only
	local call n error errors turn=0 before=$failed calls=("${CALLS[@]}")
	[[ $# == 2 ]] || calls=("${@:3}")
	failures=0 survived=0
	put "$1"
	for call in "${calls[@]}"; do
		for ((n = first; n < 1000; n += step)); do
			errors=("${ERRORS[turn++ % 3]}")
			[[ $which != all ]] || errors=("${ERRORS[@]}")
			for error in "${errors[@]}"; do try "$call" $n "$error" "$1" "$2" || break 2; done
			((failed - before < 10)) || break 2
		done
	done
	is "$1 to $2: what went wrong" $((failed - before)) 0
	check "$failures calls failed, without $survived it could do" test $failures -gt $((20 * ${#calls[@]} / (${#CALLS[@]} * step)))
}

# Where there is nothing of ours: each is made then, not replaced. Lost answers first of all, as what
# they are about is there. A program is loaded as below.
step=1 transition none A recvmsg
[[ ${QOSCTL_IN_VM-} ]] || step=1 transition none A sendto
put A

pid=''
stats() { cli qosctl stats c0 --json | jq ".[0].classes[] | select(.name == \"a\") | $1"; }
passed=$(stats '.packets + (.drops | add)') drops=$(stats '.drops | add')
count_start load srv s0 --key udp:5001
bg pid cli udpsend "$SRV4" 5001 --rate 3500kbit --size 1000 --time 100000 >"$T/sent.json"
transition A B
transition B C
stop "$pid"
sleep 0.5
count_stop load
sent=$(json sent '.packets + .enobufs')
is "each of $sent packets was seen by its class" $(($(stats '.packets + (.drops | add)') - passed)) "$sent"
is "and arrived or was dropped by it" \
	$(($(json load '.keys["udp:5001"].packets') + $(stats '.drops | add') - drops)) "$sent"
is "none is reordered" "$(json load '.keys["udp:5001"].reordered')" 0
is "nothing is left" "$(settled "$ours")" "$ours"
check "remove" cli qosctl remove c0
finish
