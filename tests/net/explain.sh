#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# qosctl explain: the program in the kernel says what it would do with a packet, and does nothing.
#
#   explain.sh          mode: police, on any kernel, the machine's own too
#   explain.sh fq       where there is fq
. "$(dirname "$0")/lib.sh"

tree=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
own=qc-explain$$ # a cgroup of this test, below the root

# shellcheck disable=SC2317 # the trap calls it
drop_cgroup() {
	local status=$?
	[[ ! $tree || ! -d $tree/$own ]] || rmdir "$tree/$own/sub" "$tree/$own"
	return "$status"
}
trap 'drop_cgroup; _cleanup; exit' EXIT
[[ ! $tree ]] || mkdir "$tree/$own" "$tree/$own/sub" || bail "cannot make a cgroup"

# shellcheck disable=SC2119
topo2
LINK='rate: 8mbit, mode: police'
[[ ${1-} == fq ]] && LINK='rate: 8mbit'
cat >"$T/c0.yaml" <<-END
	interface: c0
	link: { $LINK }
	default: rest
	classes:
	  rest: { rate: 1mbit }
	  dns: { rate: 1mbit, ceil: 2mbit }
	  bulk: {}
	rules:
	  - { class: dns, match: { proto: udp, dport: 53, dst: [$SRV4, "$SRV6"] } }
	  - { action: drop, match: { proto: tcp, dport: 25 } }
	  - { class: bulk, match: { uid: 33, mark: 0x10/0xf0 } }
	  - { class: bulk, match: { vlan: 5, length: 1000-1400 } }
	  - { class: bulk, match: { icmp-type: echo-request } }
	  - { class: bulk, match: { proto: udp, dport: 5001 } }
	  - { class: bulk, match: { length: 65535-65575 } }
	  - { class: bulk, match: { cgroup: $own } }
	  - { class: bulk, match: { cgroup: $own-never } }
END
check "the policy is applied" cli qosctl apply "$T/c0.yaml"

explained() { # PACKET FILTER
	cli qosctl explain c0 "$1" --json | jq -r "$2"
}

# PACKET "CLASS LINE", of the file's lines
takes() {
	is "$1" "$(explained "$1" '"\(.class) \(.rule.line)"' 2>>"$T/warned")" "$2"
	is "and by its words the policy says so" "$(qosctl explain "$T/c0.yaml" "$1" --json |
		jq -r '"\(.class) \(.rule.line)"')" "$2"
}

is "who says so" "$(explained arp .by)" kernel
takes "udp $CLI4:1 > $SRV4:53" 'dns 9'
takes "udp [$CLI6]:1 > [$SRV6]:53" 'dns 9'
takes "udp $CLI4:1 > $CLI4:53" 'rest null'
takes "tcp $CLI4:1 > $SRV4:25" 'null 10'
takes "tcp $CLI4:1 > $SRV4:26 uid 33 mark 0x1f" 'bulk 11'
takes "tcp $CLI4:1 > $SRV4:26 uid 33 mark 0x2f" 'rest null'
takes "tcp $CLI4:1 > $SRV4:26 mark 0x1f" 'rest null'
takes "tcp $CLI4:1 > $SRV4:26 vlan 5 length 1400" 'bulk 12'
takes "tcp $CLI4:1 > $SRV4:26 vlan 5 length 1401" 'rest null'
takes "tcp $CLI4:1 > $SRV4:26 vlan 5 length 60000" 'rest null'
takes "tcp $CLI4:1 > $SRV4:26 length 1400" 'rest null'
takes "tcp $CLI4:1 > $SRV4:26 length 65534" 'rest null'
takes "tcp $CLI4:1 > $SRV4:26 length 65535" 'bulk 15'
takes "tcp [$CLI6]:1 > [$SRV6]:26 length 65534" 'rest null'
takes "tcp [$CLI6]:1 > [$SRV6]:26 length 65575" 'bulk 15'
is "and nothing of this is warned about" "$(cat "$T/warned")" ''
takes "icmp $CLI4 > $SRV4" 'bulk 13'
takes "icmp $CLI4 > $SRV4 type echo-reply" 'rest null'
takes "arp" 'rest null'
if [[ $tree ]]; then
	takes "tcp $CLI4:1 > $SRV4:26 cgroup $own" 'bulk 16'
	takes "tcp $CLI4:1 > $SRV4:26 cgroup $own/sub" 'bulk 16'
	takes "tcp $CLI4:1 > $SRV4:26 cgroup $own/never" 'bulk 16'
	takes "tcp $CLI4:1 > $SRV4:26 cgroup ${own}x" 'rest null'
else
	skip "the kernel knows the cgroup of a path" "no cgroup2 is mounted"
fi
# what does not exist the kernel cannot know
is "a rule's cgroup that is not there" "$(explained "arp cgroup x" .class) $(explained \
	"udp $CLI4:1 > $SRV4:26 cgroup $own-never" .class 2>"$T/warned")" 'rest rest'
check "of which it warns" grep -q "by its words the policy's rule at $T/c0.yaml:17 would take it" "$T/warned"
is "what a neighbour is asked is exempt" \
	"$(explained "icmpv6 fe80::1 > ff02::1 type neighbour-solicitation" .exempt)" true
is "the place, whole" "$(explained "udp $CLI4:1 > $SRV4:53" '"\(.rule.file):\(.rule.line)"')" "$T/c0.yaml:9"
is "the rates in force" "$(explained "udp $CLI4:1 > $SRV4:53" '"\(.rate) \(.ceil)"')" '1000000 2000000'
is "why not another" "$(explained "udp $CLI4:1 > $SRV4:54" '.near[0] | "\(.rule.line) \(.key): \(.why)"')" \
	'9 dport: dport is 54, not 53'

check "rates are changed" cli qosctl set c0 dns ceil=4mbit
is "and it knows them" "$(explained "udp $CLI4:1 > $SRV4:53" .ceil)" 4000000

# Nothing is counted of what is only asked about.
counted() {
	cli qosctl stats c0 --json | jq '[.[0].classes[].packets] + [.[0].link.drops.rule] | @csv'
}
before=$(counted)
for _ in 1 2 3 4 5; do
	explained "udp $CLI4:1 > $SRV4:53" . >"$T/asked"
	explained "tcp $CLI4:1 > $SRV4:25" . >"$T/asked"
done
is "nothing is counted" "$(counted)" "$before"
is "it would not have to wait" "$(explained "udp $CLI4:1 > $SRV4:53" .wait_ns)" \
	"$([[ ${1-} == fq ]] && echo 0 || echo null)"
is "nor be dropped" "$(explained "udp $CLI4:1 > $SRV4:53" .drop)" null

# A queue of 20 ms and more, and what it says of it.
if [[ ${1-} == fq ]]; then
	cli udpsend "$SRV4" 53 --rate 16mbit --size 1000 --time 1 >"$T/send.json" &
	sender=$!
	sleep 0.5
	at_most "with a queue it would" 1000000 "$(explained "udp $CLI4:1 > $SRV4:53" .wait_ns)"
	is "others would not" "$(explained "icmp $CLI4 > $SRV4" .wait_ns)" 0
	wait $sender
fi
# A class that needs more than a second for each packet, once its burst has gone: its queue is full or,
# where nothing waits, its burst is used up, for as long as it takes to ask.
cat >"$T/slow.yaml" <<-END
	interface: c0
	link: { $LINK }
	default: slow
	classes: { slow: { ceil: 8kbit, limit: 1ms } }
END
check "a slow class" cli qosctl apply "$T/slow.yaml"
cli udpsend "$SRV4" 53 --rate 16mbit --size 1400 --count 40 >"$T/send.json"
is "with more than it may have it would be dropped" "$(explained "udp $CLI4:1 > $SRV4:53" .drop)" \
	"$([[ ${1-} == fq ]] && echo limit || echo police)"
check "the policy is applied again" cli qosctl apply "$T/c0.yaml"

# A capture, written without the programs that a guest has not.
le32() { printf %b "\\x$(printf %02x $(($1 & 255)))\\x$(printf %02x $(($1 >> 8)))\\0\\0"; }
be16() { printf %b "\\x$(printf %02x $(($1 >> 8)))\\x$(printf %02x $(($1 & 255)))"; }
# shellcheck disable=SC2046 # four words
addr() { printf %b "$(printf '\\x%02x' $(tr . ' ' <<<"$1"))"; }
udp_frame() { # DPORT SIZE
	le32 0 && le32 0 && le32 $((42 + $2)) && le32 $((42 + $2))
	printf '\2\0\0\0\0\2\2\0\0\0\0\1\x08\0\x45\0'
	be16 $((28 + $2)) && printf '\0\0\0\0\x40\x11\0\0' && addr "$CLI4" && addr "$SRV4"
	be16 1 && be16 "$1" && be16 $((8 + $2)) && be16 0 && head -c "$2" /dev/zero
}
short_frame() { # SIZE
	le32 0 && le32 0 && le32 "$1" && le32 "$1" && head -c "$1" /dev/zero
}
pcap_header() { # [LINK-TYPE]
	printf '\xd4\xc3\xb2\xa1\2\0\4\0' && le32 0 && le32 0 && le32 65535 && le32 "${1-1}"
}
cooked() { # SIZE: 16 bytes for Ethernet's header, and a tag of VLAN 5
	le32 0 && le32 0 && le32 $((20 + 20 + $1)) && le32 $((20 + 20 + $1))
	printf '\0\4\0\1\0\6\2\0\0\0\0\1\0\0\x81\0\0\5\x08\0\x45\0'
	be16 $((20 + $1)) && printf '\0\0\0\0\x40\x2f\0\0' && addr "$CLI4" && addr "$SRV4" && head -c "$1" /dev/zero
}
{
	pcap_header
	for _ in 1 2 3; do udp_frame 53 100; done
	for _ in 1 2; do udp_frame 5001 1000; done
	udp_frame 9 0
} >"$T/x.pcap"
sums='.classes | map("\(.class) \(.packets) \(.bytes)") | sort | join(", ")'
is "the packets of a capture" "$(cli qosctl explain c0 --pcap "$T/x.pcap" --json | tail -n 1 | jq -r "$sums")" \
	'bulk 2 2084, dns 3 426, rest 1 42'
is "and by the policy's words" "$(qosctl explain "$T/c0.yaml" --pcap - --json <"$T/x.pcap" | tail -n 1 | jq -r "$sums")" \
	'bulk 2 2084, dns 3 426, rest 1 42'
is "a line each" "$(cli qosctl explain c0 --pcap "$T/x.pcap" | head -n 6 | cut -d ' ' -f 1 | xargs)" \
	'dns dns dns bulk bulk rest'
# as of any interface, or of PPP
{ pcap_header 113 && cooked 979 && cooked 980; } >"$T/cooked.pcap"
for by in c0 "$T/c0.yaml"; do
	judge=$([[ $by == c0 ]] && echo kernel || echo policy)
	is "cooked packets with a tag, by ${by##*/}" "$(cli qosctl explain "$by" --pcap "$T/cooked.pcap" --json |
		jq -r 'select(.packet) | "\(.by) \(.class) \(.packet)"' | paste -sd,)" \
		"$judge rest gre $CLI4 > $SRV4 length 999 vlan 5,$judge bulk gre $CLI4 > $SRV4 length 1000 vlan 5"
done
# frames that the kernel does not take
{ pcap_header && short_frame 0 && udp_frame 53 100 && short_frame 13 && udp_frame 53 100; } >"$T/short.pcap"
is "those without a whole header are judged by the policy, the others by the kernel" \
	"$(cli qosctl explain c0 --pcap "$T/short.pcap" --json 2>"$T/warned" | jq -r 'select(.packet) | "\(.by) \(.class)"' |
		paste -sd,)" 'policy rest,kernel dns,policy rest,kernel dns'
is "of which it warns once" "$(jq -r '.[] | "\(.severity) \(.message)"' "$T/warned")" "warning the kernel does not take \
a frame of 0 bytes to be asked about: of such packets the policy's words say what becomes"
is "and they are in the sums" "$(cli qosctl explain c0 --pcap "$T/short.pcap" --json 2>/dev/null | tail -n 1 |
	jq -r "$sums")" 'dns 2 284, rest 2 13'
# one that is cut off: what was before that is told all the same, and then the error
head -c -1 "$T/x.pcap" >"$T/cut.pcap"
for by in c0 "$T/c0.yaml"; do
	cli qosctl explain "$by" --pcap "$T/cut.pcap" >"$T/said" 2>&1
	is "cut off, by ${by##*/}: its status" $? 2
	is "a line each of those before, their sums, and what is wrong" "$(sed 's/  .*//; s/:.*//' "$T/said" | paste -sd,)" \
		'dns,dns,dns,bulk,bulk,,class,dns,bulk,error,hint'
	check "and where it ends" grep -q "^error: $T/cut.pcap ends in the middle of a packet: " "$T/said"
done
head -c 40 "$T/x.pcap" >"$T/cut.pcap"
is "with no packet before that there are no sums" "$(qosctl explain "$T/c0.yaml" --pcap "$T/cut.pcap" 2>/dev/null)" ''
# shellcheck disable=SC2016 # of the shell in between
unshare --mount bash -c 'for lib in /usr/lib/*/libpcap.so.*; do mount --bind /dev/null "$lib"; done
	qosctl explain "$0" --pcap "$1"' "$T/c0.yaml" "$T/x.pcap" >"$T/said" 2>&1
is "without libpcap: its status" $? 3
check "and what is missing" grep -q '^error: cannot read captures without libpcap: .*' "$T/said"
check "with what to do" grep -q '^hint: apt install libpcap0.8$' "$T/said"
check "a wrong packet is refused" sh -c "! nsenter --net=/run/netns/$NS_CLI qosctl explain c0 'udp 1 > 2'"
check "it is taken off" cli qosctl remove c0
check "then there is nobody to ask" sh -c "! nsenter --net=/run/netns/$NS_CLI qosctl explain c0 arp"
finish
