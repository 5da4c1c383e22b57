# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the tests of faults share: policies for c0, what is in the kernel of them, and accounts of
# packets. Source it in place of lib.sh, with the test's own arguments.

# Natively in a bpffs of its own, as others may use qosctl on this machine meanwhile.
if [[ ! ${QOSCTL_IN_VM-} && ! ${FAULTS_OWN_BPFFS-} ]]; then
	exec env FAULTS_OWN_BPFFS=1 unshare --mount bash -c \
		'mount -t bpf bpf /sys/fs/bpf && exec bash "$@"' bash "$0" "$@"
fi
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# How often, where a program is loaded each time: in virtual time that takes seconds of the host.
often() { # NATIVELY IN-THE-VM: QOSCTL_LONG=1 is for those who have the time
	if [[ ${QOSCTL_IN_VM-} && ! ${QOSCTL_LONG-} ]]; then echo "$2"; else echo "$1"; fi
}

# Where there is no fq, mode police stands for it.
MODE=fq
has_qdisc fq || MODE=police

# All that is sent to ports 5001 to 5003 is class a's or b's; each has its own ceiling.
policy() { # NAME LINK A B [CLASS-OF-5002]: rates in mbit, to $T/NAME.yaml
	cat >"$T/$1.yaml" <<-END
		interface: c0
		link: { rate: $2mbit, mode: $MODE }
		default: rest
		classes:
		  rest: {}
		  a: { ceil: $3mbit }
		  b: { ceil: $4mbit }
		rules:
		  - { class: a, match: { proto: udp, dport: 5001 } }
		  - { class: ${5-b}, match: { proto: udp, dport: 5002 } }
	END
}
apply() { cli qosctl apply "$T/$1.yaml"; }
changes() { cli qosctl plan "$T/$1.yaml"; } # NAME: nothing when it is in force

# Bytes that may leave later than their stamps say. The kernel does not give up its CPU for as long as it
# makes a loaded program fit (bpf_patch_insn_data()), and before Linux 6.5 what the network does waits for
# that once ksoftirqd has been woken: by no more than the longest time in which none of this flow, which
# always has a queue, came. So the most of 4 Mbit/s in that time.
late() { # NAME
	if [[ $(printf '%s\n' 6.5 "$(uname -r)" | sort -V | head -n 1) == 6.5 ]]; then
		echo 0
	else
		json "$1" '.keys["udp:5001"].max_gap_ns / 2000 | floor'
	fi
}

# What the kernel drops of what is sent while it puts a qdisc in place or takes it away, clsact too, it
# counts as the interface's; but what comes to noop_enqueue() meanwhile, which a queue that is still at
# work may make a jiffy or two, Linux 6.1 counts nowhere. There the tracepoint of freed packets tells: no
# other qdisc of these tests drops.
freed=/sys/kernel/debug/tracing/instances/qosctl
if [[ ${QOSCTL_IN_VM-} && $(uname -r) == 6.1.* ]] && mkdir -p $freed; then
	echo 1 >$freed/events/skb/kfree_skb/enable
else
	freed=
fi
tx_dropped() {
	local counted told=0
	counted=$(ip -n "$NS_CLI" -j -s link show c0 | jq '.[0].stats64.tx.dropped')
	[[ ! $freed ]] || told=$(grep -c 'reason: QDISC_DROP' $freed/trace)
	echo $((counted + told))
}

# What the qdiscs of c0, whatever its name is now, have, all queues together, also those that are not used now (mq_dump() adds up
# num_tx_queues). Nothing without a queue.
device=c0
qdisc_count() { # FIELD: qlen, packets that were sent, drops
	tc -n "$NS_CLI" -s -j qdisc show dev "$device" | jq "[.[] | select(.root and .kind != \"noqueue\").$1] | add // 0"
}

# Something that resets qdiscs: dev_reset_queue() or qdisc_reset_all_tx_gt() call fq_reset(), which frees
# what waits there, and qdisc_reset() sets qlen to 0: no counter of the kernel has these packets. So what
# waits there just before is the bound. The flow is above its rate: as one leaves, another comes.
waiting=0 resets=0
# shellcheck disable=SC2034 # the tests compare with it
resetting() { # COMMAND ARG...
	waiting=$((waiting + $(qdisc_count qlen))) resets=$((resets + 1))
	"$@"
}

# 4 Mbit/s for 100 ms, the longest queue that a class of policy() may have, in packets of udpsend's
# 1000 bytes. Who removes fq resets it: this is how many may be missing of each time.
LONGEST=$((4000000 / 10 / 8 / 1042 + 1))

# A flow that was above the rate of its class while the class came and went: what it dropped is forgotten
# with it. But each of these its sender was told at once, by ENOBUFS; and packets of others are few, and
# arrive.
in_all() { # SENT COUNT TX-DROPPED REMOVES: names of udpsend's and wirecount's files
	local sent received missing
	sent=$(json "$1" .packets) received=$(json "$2" '.keys["udp:5001"].packets')
	missing=$((sent - received - $3))
	check "its class dropped $(json "$1" .enobufs) packets" test "$(json "$1" .enobufs)" -gt 0
	if [[ $MODE == fq ]]; then
		check "no more came of $sent others than $received and $3 while a qdisc was put or removed" \
			test "$missing" -ge 0
		at_most "and the rest waited when fq was removed, $4 times" "$missing" $(($4 * LONGEST))
	else
		is "each of $sent others arrived, or was one of $3 that came while a qdisc was put or removed" \
			$((received + $3)) "$sent"
	fi
}

# The program of our filter, or nothing.
attached() {
	local filters
	filters=$(tc -n "$NS_CLI" filter show dev c0 egress 2>/dev/null)
	[[ $filters =~ \ qosctl\ .*\ id\ ([0-9]+) ]] && echo "${BASH_REMATCH[1]}"
}

# All that apply may change, without the numbers that the kernel gives, to $everything; and what packets
# meet, the classes and rules of the program that is attached, to $effective.
everything='' effective=''
look() {
	local id link
	id=$(attached)
	effective=none
	# as bytes: a map that the kernel made without BTF, as it may, has no other form
	[[ ! $id ]] || effective=$(bpfdump "$id" qos_classes qos_rules qos_sets)
	link=$(ip -n "$NS_CLI" -d link show c0 2>/dev/null)
	link=${link#*gso_max_size }
	# shellcheck disable=SC2034
	everything="$effective
$(tc -n "$NS_CLI" qdisc show dev c0)
gso ${link%%gso_max_segs*}${link#*gso_ipv4_max_size }
$(printf '%s\n' /sys/fs/bpf/qosctl/*/*)"
}

# Programs and maps of ours in the kernel, and pins. On a machine that others use, only pins.
pins() { find /sys/fs/bpf/qosctl -type f 2>/dev/null | wc -l; }
in_kernel() {
	local of_bpf='some programs, some maps'
	[[ ! ${QOSCTL_IN_VM-} ]] || of_bpf=$(bpfdump --count qos_egress qos_)
	echo "$of_bpf, $(pins) pins"
}
none_in_kernel() {
	if [[ ${QOSCTL_IN_VM-} ]]; then echo "0 programs, 0 maps, 0 pins"; else echo "some programs, some maps, 0 pins"; fi
}

# The same, when the kernel has freed what nobody holds any more, which takes it a moment.
settled() { # EXPECTED
	local wait
	for wait in 0.1 0.2 0.4 0.8 1.5 2; do
		[[ $(in_kernel) == "$1" ]] && break
		sleep $wait
	done
	in_kernel
}
