#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Matches that need more than a packet made by hand: processes in cgroups, of users, with marks;
# VLAN and tunnel interfaces. What is counted is what the classes count, each packet of it.
#
#   classify.sh [local|frames|tunnels|many]...    # all but many
#
# shellcheck disable=SC2317 # functions are called by name
[[ ${CLASSIFY_ALONE-} ]] || CLASSIFY_ALONE=1 exec unshare -m --propagation private bash "$0" "$@"
. "$(dirname "$0")/lib.sh"
# pins that only this test has, and takes away
mount -t bpf -o mode=700 bpf /sys/fs/bpf || bail "cannot mount a bpf file system"

N=20 # packets a question
mode='' rate=100mbit
has_qdisc fq || mode=', mode: police'

# shellcheck disable=SC2119
topo2
mkdir "$T/etc"

# Who is not root sees the programs too.
chmod 755 "$T"
mkdir "$T/bin"
cp "$(type -P udpsend)" "$T/bin/"

policy() { # LINK-KEYS CLASS... ; the rules on stdin
	local keys=$1 class
	shift
	{
		echo "interface: c0"
		echo "link: { rate: $rate$mode$keys }"
		echo "default: rest"
		echo "classes:"
		for class in rest "$@"; do echo "  $class: {}"; done
		echo "rules:"
		cat
	} >"$T/etc/c0.yaml"
}

apply() { # DESCRIPTION
	check "$1" cli qosctl apply "$T/etc/c0.yaml"
}

counts() { cli qosctl stats c0 --json | jq -c '.[0].classes | map({(.name): .packets}) | add'; }

packets() { counts | jq ".$1"; } # CLASS

# Which classes a command's packets went to, and how many; the rest, where others send too, not.
classes_of() { # COMMAND ARG...
	local before
	before=$(counts)
	"$@" >"$T/classes_of.out" 2>&1 || note "status $? of: $*: $(<"$T/classes_of.out")"
	jq -rn --argjson a "$before" --argjson b "$(counts)" \
		'[$b | to_entries[] | select(.key != "rest" and .value != $a[.key]) |
			"\(.key) \(.value - $a[.key])"] | join(", ")'
}

classed() { # DESCRIPTION EXPECTED COMMAND ARG...
	is "$1" "$(classes_of "${@:3}")" "$2"
}

send() { cli udpsend "$SRV4" 5001 --rate 1000pps --count "$N" "$@"; }

# --- who sends ---------------------------------------------------------------------------------

tree=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
own=qc$$ # of this test, below the root

drop_cgroups() {
	local status=$?
	[[ ! $tree || ! -d $tree/$own ]] || find "$tree/$own" -depth -type d -exec rmdir {} + 2>/dev/null
	return "$status"
}
trap 'drop_cgroups; _cleanup; exit' EXIT

group() { mkdir "$tree/$own/$1" || bail "cannot make a cgroup"; }

in_group() { # CGROUP COMMAND ARG...
	# shellcheck disable=SC2016 # that shell's
	cli bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$tree/$own/$1" "${@:2}"
}

send_in() { # CGROUP UDPSEND-OPTION...
	in_group "$1" udpsend "$SRV4" 5001 --rate 1000pps --count "$N" "${@:2}"
}

doctor() { # what it says of cgroups
	cli qosctl doctor c0 --json | jq -r '.interface.checks[] | select(.name == "cgroups") | .state + ": " + .text'
}

explained() { # FACTS: the class that the loaded program gives a packet with them
	cli qosctl explain c0 "udp $CLI4:4000 > $SRV4:5001 $1" --json | jq -r '.class // .[0].class'
}

links() { find /sys/fs/bpf/qosctl -name 'link_cgroup_*' 2>/dev/null | wc -l; }

cgroups() {
	local pid
	mkdir "$tree/$own" || bail "cannot make a cgroup"
	group a
	group other
	policy '' nested a later both <<-END
		  - { class: nested, match: { cgroup: $own/a/n } }
		  - { class: both,   match: { cgroup: $own/a, dport: 5002 } }
		  - { class: a,      match: { cgroup: /$own/a/ } }
		  - { class: later,  match: { cgroup: [ $own/later, $own/never ] } }
	END
	apply "rules for cgroups are applied"
	is "doctor says which do not exist" "$(doctor)" \
		"warn: no such cgroup: /$own/a/n and 2 more"
	classed "of no cgroup" "" send
	classed "of another cgroup" "" send_in other
	classed "of a cgroup" "a $N" send_in a
	classed "of a cgroup, with another key" "both $N" \
		in_group a udpsend "$SRV4" 5002 --rate 1000pps --count "$N"
	classed "of a cgroup, TCP" "a 3" in_group a bash -c "for i in 1 2 3; do
		(exec 3<>/dev/tcp/$SRV4/5999) 2>/dev/null; done; true"
	is "the program says so itself" "$(explained "cgroup $own/a")" a
	is "and of what is below, made or not" "$(explained "cgroup $own/a/none/such")" a
	is "and of another" "$(explained "cgroup $own/other")" rest
	group a/x
	group a/x/y
	classed "of one made later, two below" "a $N" send_in a/x/y
	group a/n
	group a/n/x
	classed "of one made later that has a rule" "nested $N" send_in a/n
	classed "and below of it" "nested $N" send_in a/n/x
	group later
	classed "of another one made later" "later $N" send_in later
	rmdir "$tree/$own/later"
	group later
	classed "made anew" "later $N" send_in later

	# a socket is of the cgroup that it was made in
	bg pid cli bash -c "echo \$\$ >$tree/$own/later/cgroup.procs && exec udpsend $SRV4 5001 --rate 20pps \
		--count 60 >$T/moved.json"
	until (($(packets later) > 2 * N)); do sleep 0.01; done
	echo "$pid" >"$tree/$own/other/cgroup.procs"
	check "a cgroup is removed that a socket still has" rmdir "$tree/$own/later"
	group later
	wait "$pid"
	is "all its packets are of that cgroup still" "$(packets later)" $((2 * N + 60))

	is "applied again nothing changes" "$(cli qosctl apply "$T/etc/c0.yaml")" "c0: nothing to change"
	is "two links are pinned" "$(links)" 2
	rmdir "$tree/$own/later"
	find /sys/fs/bpf/qosctl -name 'link_cgroup_*' -delete
	sleep 1 # until the kernel has let go of them
	group later
	is "somebody took the links away: doctor" "$(doctor | head -n 1)" \
		"warn: /$own/later: made after apply, and not matched"
	classed "and it is not matched" "" send_in later
	apply "applied again"
	is "two links are pinned again" "$(links)" 2
	classed "it is matched again" "later $N" send_in later
	rmdir "$tree/$own/later"
	group later
	classed "and made anew" "later $N" send_in later

	policy '' nested a later both <<-END
		  - { class: a, match: { dport: 5001 } }
	END
	apply "a policy without cgroups"
	is "nothing is told of cgroups any more" "$(links)" 0
	is "nor does doctor tell of any" "$(doctor)" ""
}

# What NS_RTR sends by e0 leaves by c0, over a bridge, which keeps its socket.
bridge_up() {
	ip -n "$NS_CLI" link add br0 type bridge 2>/dev/null || return
	ip -n "$NS_CLI" link set v0 master br0
	ip -n "$NS_CLI" link set c0 master br0
	ip -n "$NS_CLI" link set br0 up
	cli sh -c 'echo 0 >/proc/sys/net/bridge/bridge-nf-call-iptables' 2>/dev/null
	addr_add "$NS_RTR" e0 10.1.0.3/24
}

bridge_down() {
	ip -n "$NS_CLI" link del br0
	ip -n "$NS_RTR" addr flush dev e0
}

# A network namespace of its own, a cgroup here: its packets keep their socket over a bridge, and
# lose it where this host routes them.
container() {
	policy '' a routed <<-END
		  - { class: a,      match: { cgroup: $own/a } }
		  - { class: routed, match: { src: 10.5.0.0/24 } }
	END
	apply "a rule for a container's cgroup is applied"
	ns_add "$NS_RTR"
	link_add "$NS_RTR" e0 "$NS_CLI" v0
	inside() { rtr bash -c "echo \$\$ >$tree/$own/a/cgroup.procs && exec udpsend $SRV4 5001 --rate 1000pps --count $N"; }
	if bridge_up; then
		check "a container is bridged" rtr ping -c 1 -W 5 -q "$SRV4"
		classed "a bridged container is of its cgroup" "a $N" inside
		bridge_down
	else
		skip "a bridged container" "this kernel has no bridge"
	fi
	addr_add "$NS_RTR" e0 10.5.0.2/24
	addr_add "$NS_CLI" v0 10.5.0.1/24
	cli sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
	ip -n "$NS_RTR" route add default via 10.5.0.1
	ip -n "$NS_SRV" route add 10.5.0.0/24 via "$CLI4"
	check "a container is routed" rtr ping -c 1 -W 5 -q "$SRV4"
	classed "a routed container is of none" "routed $N" inside
	ip netns del "$NS_RTR"
}

users() {
	policy '' one some not_53 <<-END
		  - { class: one,    match: { uid: 1500 } }
		  - { class: not_53, match: { uid: 1600-1699, not: { dport: 5002 } } }
		  - { class: some,   match: { uid: 1600-1699 } }
	END
	apply "rules for users are applied"
	as() { cli setpriv --reuid "$1" --regid 1500 --clear-groups "$T/bin/udpsend" "$SRV4" "$2" --rate 1000pps --count "$N"; }
	classed "root is none of them" "" send
	classed "a user" "one $N" as 1500 5001
	classed "the next one" "" as 1501 5001
	classed "the first of a range" "not_53 $N" as 1600 5001
	classed "the last of a range" "not_53 $N" as 1699 5001
	classed "what \`not\` excludes, by the next rule" "some $N" as 1650 5002
	classed "beyond the range" "" as 1700 5001
	classed "no socket of ours: ICMP of the kernel's" "" srv ping -c 3 -i 0.01 -q "$CLI4"
	classed "of one flow before and after its socket is another user's" "one $N" \
		bash -c "$(declare -f send cli); NS_CLI=$NS_CLI SRV4=$SRV4 N=$N; send --sport 4000; send --sport 4000 --owner 1500"
	as_1500() { cli setpriv --reuid 1500 --regid 1500 --clear-groups "$@"; }
	classed "a connection that is refused" "one 1" as_1500 bash -c "(exec 3<>/dev/tcp/$SRV4/5999) 2>/dev/null; true"
	accepted
}

# The answer to a request has no socket of its own yet.
accepted() {
	local pid=''
	policy '' one <<-END
		  - { class: one, match: { uid: 1500, tcp-flags: syn+ack/syn+ack } }
	END
	apply "a rule for who is asked for a connection is applied"
	bg pid cli setpriv --reuid 1500 --regid 1500 --clear-groups iperf3 -s -p 5300
	await_tcp cli 5300
	classed "it is the listener's" "one 1" srv bash -c "exec 3<>/dev/tcp/$CLI4/5300"
	stop "$pid"
}

# Who is root in a user namespace has the number 0 in its networks, whoever he is here.
user_namespace() {
	local pid=''
	policy '' zero one <<-END
		  - { class: zero, match: { uid: 0, src: 10.1.0.3 } }
		  - { class: one,  match: { uid: 1500, src: 10.1.0.3 } }
	END
	apply "rules for a user of a user namespace are applied"
	bg pid setpriv --reuid 1500 --regid 1500 --clear-groups unshare --user --map-root-user --net sleep 1000
	until [[ $(readlink "/proc/$pid/ns/net") != "$(readlink /proc/self/ns/net)" ]]; do
		[[ -e /proc/$pid ]] || { skip "users of user namespaces" "this kernel does not make them"; return; }
		sleep 0.01
	done
	ip netns attach "$NS_RTR" "$pid"
	spaces+=("$NS_RTR")
	link_add "$NS_RTR" e0 "$NS_CLI" v0
	if bridge_up; then
		check "it is bridged" rtr ping -c 1 -W 5 -q "$SRV4"
		classed "by its number there" "zero $N" \
			nsenter -t "$pid" --user --net "$T/bin/udpsend" "$SRV4" 5001 --rate 1000pps --count "$N"
		bridge_down
	else
		skip "users of user namespaces" "this kernel has no bridge"
	fi
	ip netns del "$NS_RTR"
	stop "$pid"
}

marks() {
	policy '' exact masked <<-END
		  - { class: exact,  match: { mark: 0x12345678 } }
		  - { class: masked, match: { mark: 0x2a/0xff } }
	END
	apply "rules for marks are applied"
	classed "no mark" "" send
	classed "a mark" "exact $N" send --mark $((0x12345678))
	classed "all of it" "" send --mark $((0x12345679))
	classed "through a mask" "masked $N" send --mark $((0x2a))
	classed "the rest of it does not count" "masked $N" send --mark $((0xff00002a))
	classed "but what the mask has" "" send --mark $((0x2b))
	# SO_PRIORITY, cgroup and so on do not make a flow another one: a mark does
	classed "of one flow with and without" "masked $N" \
		bash -c "$(declare -f send cli); NS_CLI=$NS_CLI SRV4=$SRV4 N=$N; send --sport 4000; send --sport 4000 --mark 42"
}

local_() {
	if [[ $tree ]]; then
		cgroups
		container
	else
		skip "cgroups" "no cgroup v2 is mounted"
	fi
	users
	user_namespace
	marks
}

# --- what is sent ------------------------------------------------------------------------------

frames() {
	policy '' long short <<-END
		  - { class: long,  match: { length: 1028-1500 } }
		  - { class: short, match: { length: 100, proto: udp } }
	END
	apply "rules for lengths are applied"
	classed "long" "long $N" send --size 1000
	classed "one byte less" "" send --size 999
	classed "the largest" "long $N" send --size 1472
	classed "an exact length" "short $N" send --size 72
	classed "one more" "" send --size 73

	policy '' syn reset echo answer <<-END
		  - { class: syn,    match: { tcp-flags: syn/syn+ack } }
		  - { class: reset,  match: { tcp-flags: rst } }
		  - { class: echo,   match: { icmp-type: echo-request } }
		  - { class: answer, match: { icmp-type: echo-reply } }
	END
	apply "rules for TCP's flags and types of ICMP are applied"
	classed "who opens a connection" "syn 1" cli bash -c "(exec 3<>/dev/tcp/$SRV4/5999) 2>/dev/null; true"
	classed "who refuses one" "reset 1" srv bash -c "(exec 3<>/dev/tcp/$CLI4/5999) 2>/dev/null; true"
	classed "who asks" "echo 3" cli ping -c 3 -i 0.01 -q "$SRV4"
	classed "who is asked" "answer 3" srv ping -c 3 -i 0.01 -q "$CLI4"
	classed "who asks by IPv6" "echo 3" cli ping -c 3 -i 0.01 -q "$SRV6"
	classed "who is asked by IPv6" "answer 3" srv ping -c 3 -i 0.01 -q "$CLI6"
	vlans
}

vlans() {
	local ns dev
	if ! ip -n "$NS_CLI" link add link c0 name c0.7 type vlan id 7 2>/dev/null; then
		skip "VLAN" "this kernel has no 8021q"
		return
	fi
	ip -n "$NS_CLI" link add link c0 name c0.8 type vlan id 8
	ip -n "$NS_SRV" link add link s0 name s0.7 type vlan id 7
	ip -n "$NS_SRV" link add link s0 name s0.8 type vlan id 8
	# 802.1ad outside of 802.1Q
	ip -n "$NS_CLI" link add link c0 name c0.9 type vlan id 9 protocol 802.1ad
	ip -n "$NS_SRV" link add link s0 name s0.9 type vlan id 9 protocol 802.1ad
	ip -n "$NS_CLI" link add link c0.9 name c0.9.7 type vlan id 7
	ip -n "$NS_SRV" link add link s0.9 name s0.9.7 type vlan id 7
	for ns in "$NS_CLI" "$NS_SRV"; do
		for dev in 7 8 9 9.7; do
			if [[ $ns == "$NS_CLI" ]]; then dev=c0.$dev; else dev=s0.$dev; fi
			ip -n "$ns" link set "$dev" addrgenmode none up
		done
	done
	addr_add "$NS_CLI" c0.7 10.7.0.1/24
	addr_add "$NS_SRV" s0.7 10.7.0.2/24
	addr_add "$NS_CLI" c0.8 10.8.0.1/24
	addr_add "$NS_SRV" s0.8 10.8.0.2/24
	addr_add "$NS_CLI" c0.9.7 10.9.0.1/24
	addr_add "$NS_SRV" s0.9.7 10.9.0.2/24
	policy '' seven nine none <<-END
		  - { class: seven, match: { vlan: 7, proto: udp, dst: 10.0.0.0/8, dport: 5001 } }
		  - { class: nine,  match: { vlan: 9, dport: 5001 } }
		  - { class: none,  match: { vlan: none, dport: 5001 } }
	END
	apply "rules for VLANs are applied"
	classed "no tag" "none $N" send
	classed "a tag" "seven $N" cli udpsend 10.7.0.2 5001 --rate 1000pps --count "$N"
	classed "another one" "" cli udpsend 10.8.0.2 5001 --rate 1000pps --count "$N"
	classed "two tags: the outer one" "nine $N" cli udpsend 10.9.0.2 5001 --rate 1000pps --count "$N"
}

# --- tunnels -----------------------------------------------------------------------------------

tunnel_policy() { # outer|inner
	policy ", tunnel: $1" inner outer <<-END
		  - { class: inner, match: { proto: udp, dport: 5001 } }
		  - { class: outer, match: { proto: [ gre, 4, 41 ] } }
		  - { class: outer, match: { proto: udp, dport: [ 4789, 8472, 51820 ] } }
	END
	apply "tunnel: $1 is applied"
}

# Both ends, with L and R for their addresses outside; 4 or 6 is what is inside.
tunnel_add() { # NAME 4|6 TYPE-AND-OPTIONS...
	local name=$1 inside=$2 c s ns
	shift 2
	c=("${@//%L4/$CLI4}") && c=("${c[@]//%R4/$SRV4}") && c=("${c[@]//%L6/$CLI6}") && c=("${c[@]//%R6/$SRV6}")
	s=("${@//%L4/$SRV4}") && s=("${s[@]//%R4/$CLI4}") && s=("${s[@]//%L6/$SRV6}") && s=("${s[@]//%R6/$CLI6}")
	ip -n "$NS_CLI" link add t0 type "${c[@]}" 2>"$T/tunnel.err" || {
		skip "$name" "$(head -n 1 "$T/tunnel.err")"
		return 1
	}
	ip -n "$NS_SRV" link add t0 type "${s[@]}" || bail "$name: no other end"
	for ns in "$NS_CLI" "$NS_SRV"; do
		ip -n "$ns" link set t0 addrgenmode none 2>/dev/null
		ip -n "$ns" link set t0 mtu 1280 up
	done
	if [[ $inside == 4 ]]; then
		addr_add "$NS_CLI" t0 192.168.9.1/24
		addr_add "$NS_SRV" t0 192.168.9.2/24
		far=192.168.9.2
	else
		addr_add "$NS_CLI" t0 fd09::1/64
		addr_add "$NS_SRV" t0 fd09::2/64
		far=fd09::2
		sleep 3 # until both have reported their groups (RFC 3810, 9.11), which is traffic too
	fi
}

tunnel_del() {
	ip -n "$NS_CLI" link del t0
	ip -n "$NS_SRV" link del t0
}

# Nobody listens there.
refused() { srv nstat -asz UdpNoPorts Udp6NoPorts | awk '/NoPorts/ { n += $2 } END { print n }'; }

# Its packets go where they are told to, and arrive.
# The first packet of a new tunnel may be lost, while its ends find each other.
reach() {
	local i
	for i in 1 2 3; do
		cli ping -c 1 -W 2 -q "$far" >/dev/null && return
	done
	return 1
}

through() { # NAME CLASS
	local name=$1 class=$2 before
	reach || not_ok "$name: a path is there"
	before=$(refused)
	classed "$name" "$class $N" cli udpsend "$far" 5001 --rate 1000pps --count "$N" --size 200
	is "$name: they arrive" $(($(refused) - before)) "$N"
}

each_tunnel() { # inner|outer
	local kinds=(
		"VXLAN|4|vxlan id 5 local %L4 remote %R4 dstport 4789"
		"VXLAN at 8472|4|vxlan id 5 local %L4 remote %R4 dstport 8472"
		"VXLAN over IPv6|6|vxlan id 5 local %L6 remote %R6 dstport 4789 udp6zerocsumtx udp6zerocsumrx"
		"GRE|4|gre local %L4 remote %R4"
		"GRE with key, sum, number|4|gre local %L4 remote %R4 key 7 csum seq"
		"IPv6 in GRE|6|gre local %L4 remote %R4"
		"Ethernet in GRE|4|gretap local %L4 remote %R4"
		"GRE over IPv6|4|ip6gre local %L6 remote %R6 encaplimit none"
		"IPIP|4|ipip local %L4 remote %R4"
		"6in4|6|sit local %L4 remote %R4"
		"4in6|4|ip6tnl mode ipip6 local %L6 remote %R6 encaplimit none"
		"4in6 with a limit|4|ip6tnl mode ipip6 local %L6 remote %R6"
		"6in6|6|ip6tnl mode ip6ip6 local %L6 remote %R6 encaplimit none"
	) kind name inside options
	for kind in "${kinds[@]}"; do
		IFS='|' read -r name inside options <<<"$kind"
		# shellcheck disable=SC2086 # options are words
		tunnel_add "$name, tunnel: $1" "$inside" $options || continue
		through "$name, tunnel: $1" "$1"
		tunnel_del
	done
}

wireguard_add() {
	local ns peer
	type -P wg >/dev/null || { skip "WireGuard" "there is no wg(8)"; return 1; }
	tunnel_add WireGuard 4 wireguard || return
	for ns in c s; do
		(umask 077 && wg genkey >"$T/$ns.key")
		wg pubkey <"$T/$ns.key" >"$T/$ns.pub"
	done
	for ns in c s; do
		peer=s ns_name=cli there=$SRV4
		[[ $ns == c ]] || peer=c ns_name=srv there=$CLI4
		$ns_name wg set t0 listen-port 51820 private-key "$T/$ns.key" \
			peer "$(<"$T/$peer.pub")" allowed-ips 192.168.9.0/24 endpoint "$there:51820" ||
			bail "WireGuard cannot be set up"
	done
}

tunnels() {
	local far mode_
	for mode_ in outer inner; do
		tunnel_policy "$mode_"
		each_tunnel "$mode_"
		# it is encrypted: nothing inside is to be seen
		wireguard_add || continue
		through "WireGuard, tunnel: $mode_" outer
		tunnel_del
	done
}

# --- ten thousand ------------------------------------------------------------------------------

many() {
	local i
	[[ $tree ]] || { skip "10,000 cgroups" "no cgroup v2 is mounted"; return; }
	[[ -d $tree/$own ]] || mkdir "$tree/$own" || bail "cannot make a cgroup"
	group c0
	group c7777
	policy '' k0 k1 k2 k3 k4 k5 k6 k7 < <(
		for ((i = 0; i < 10000; i++)); do
			echo "  - { class: k$((i % 8)), match: { cgroup: $own/c$i } }"
		done
	)
	apply "10,000 rules, each of a cgroup"
	classed "the first" "k0 $N" send_in c0
	classed "one of the middle" "k1 $N" send_in c7777
	group c9999
	classed "the last, made later" "k7 $N" send_in c9999
	group c5000
	group c5000/x
	classed "below of one, made later" "k0 $N" send_in c5000/x
	classed "of none" "" send
	is "doctor counts those that are not there" "$(doctor)" \
		"warn: no such cgroup: /$own/c1 and 9995 more"
}

check "a path is there" cli ping -c 1 -W 2 "$SRV4"
(($#)) || set -- local frames tunnels
for part; do
	case $part in
	local) local_ ;;
	frames | tunnels | many) "$part" ;;
	*) bail "unknown part $part" ;;
	esac
done
check "it is removed" cli qosctl remove c0
finish
