#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# With which capabilities qosctl works and which it gives up, when; that names lead nowhere else;
# that what is lost of ours, under traffic, harms nothing. In mode police, so on any kernel.
if [[ ! ${QOSCTL_OWN_MOUNTS-} ]]; then
	QOSCTL_OWN_MOUNTS=1 exec unshare -m bash "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"

# pins and locks of its own: for what others left there is more to do
mount -t bpf -o mode=700 bpf /sys/fs/bpf || bail "no bpffs of its own"
if [[ $(hostname) != qosctl-vm ]]; then
	[[ -d /run/qosctl ]] || mkdir -m 700 /run/qosctl
	mount -t tmpfs -o mode=700 locks /run/qosctl || bail "no locks of its own"
fi

# shellcheck disable=SC2119
topo2
# a name of its own: what is removed here must be no other test's
dev=x$$
ip -n "$NS_CLI" link set c0 down
ip -n "$NS_CLI" link set c0 name "$dev"
ip -n "$NS_CLI" link set "$dev" up
addr_add "$NS_CLI" "$dev" $CLI6/64
chmod 755 "$T"
waiter='' sender=''
cat >"$T/c0.yaml" <<-END
	interface: $dev
	link: { mode: police, rate: 20mbit }
	default: all
	classes: { all: { rate: 1mbit }, low: { ceil: 2mbit } }
END
chmod 644 "$T/c0.yaml"
binary=$(type -P qosctl)
# where any user may run it
cp "$binary" "$T/qosctl" && chmod 755 "$T/qosctl"
apply() { cli qosctl apply "$T/c0.yaml"; }

# As root with these capabilities and no other.
with() { # CAPABILITIES COMMAND...
	cli setpriv --bounding-set="-all$1" -- "${@:2}"
}
SHAPE=,+net_admin,+bpf,+perfmon

note "what is enough"
sed 's/1mbit/3mbit/' "$T/c0.yaml" >"$T/numbers.yaml"
sed 's/low: /high: { ceil: 3mbit }, low: /' "$T/c0.yaml" >"$T/shape.yaml"
for command in "plan $T/c0.yaml" "apply $T/c0.yaml" "apply $T/c0.yaml" "apply $T/numbers.yaml" \
	"apply $T/shape.yaml" "show $dev" "stats $dev" "remove $dev"; do
	# shellcheck disable=SC2086 # words
	check "$command with CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON" with "$SHAPE" qosctl $command
done
check "applied" apply
with ,+bpf,+perfmon qosctl remove "$dev" >"$T/out" 2>&1
is "without CAP_NET_ADMIN nothing is removed" $? 3
pins=$(echo /sys/fs/bpf/qosctl/"$dev":*)
mv "$pins/qos_egress" "$pins/other"
with "$SHAPE" qosctl show "$dev" >"$T/out" 2>&1
is "without its pin and CAP_SYS_ADMIN the program is not found" $? 3
check "and what to do is said" grep -q "needs root" "$T/out"
check "with it it is, by its number" with "$SHAPE,+sys_admin" qosctl show "$dev"
mv "$pins/other" "$pins/qos_egress"
rm "$pins/qos_classes"
with "$SHAPE" qosctl show "$dev" >"$T/out" 2>&1
is "nor a map" $? 3
check "with it it is, by its" with "$SHAPE,+sys_admin" qosctl show "$dev"
is "apply has nothing to change" "$(apply)" "$dev: nothing to change"
check "but pins it again" with "$SHAPE" qosctl show "$dev"
check "check needs none" setpriv --bounding-set=-all --reuid=65534 --clear-groups -- \
	"$T/qosctl" check "$T/c0.yaml"
cli setpriv --reuid=65534 --clear-groups -- "$T/qosctl" apply "$T/c0.yaml" >"$T/out" 2>&1
is "a user without any: the status of apply" $? 3
cli setpriv --reuid=65534 --clear-groups -- "$T/qosctl" doctor "$dev" >"$T/out" 2>&1
is "of doctor" $? 3
check "which says what is missing" grep -q '^FAIL  *privileges  *missing: ' "$T/out"
raised=+net_admin,+bpf,+perfmon,+sys_admin,+dac_override
check "a user with them, as by file capabilities: show" cli setpriv --reuid=65534 --clear-groups \
	--inh-caps=$raised --ambient-caps=$raised -- "$T/qosctl" show "$dev"
check "and apply" cli setpriv --reuid=65534 --clear-groups \
	--inh-caps=$raised --ambient-caps=$raised -- "$T/qosctl" apply "$T/c0.yaml"
if unshare -r true 2>/dev/null; then
	check "root of a user namespace: check" unshare -r qosctl check "$T/c0.yaml"
	cli unshare -r qosctl apply "$T/shape.yaml" >"$T/out" 2>&1
	is "and the status of apply" $? 3
else
	skip "a user namespace" "not allowed here"
fi

note "what is given up, and when"
# The numbers of the sets that a process has: "PERMITTED EFFECTIVE", in hexadecimal.
sets() { awk '/^CapPrm/ { p = $2 } /^CapEff/ { print p, $2 }' "/proc/$1/status"; }
lock=$(echo /run/qosctl/"$dev":*.lock)
exec 9>>"$lock"
flock 9
sed 's/1mbit/2mbit/' "$T/c0.yaml" >"$T/other.yaml"
bg waiter cli qosctl apply "$T/other.yaml" >"$T/out" 2>&1
# it waits for the lock, before it changes anything; the bits are those of linux/capability.h
for ((i = 0; i < 200; i++)); do
	[[ $(sets "$waiter") == "000000c0002c1004 000000c000001000" ]] && break
	sleep 0.02
done
is "apply has NET_ADMIN, PERFMON, BPF; DAC_READ_SEARCH, SYS_CHROOT, SYS_PTRACE, SYS_ADMIN in reserve" \
	"$(sets "$waiter")" "000000c0002c1004 000000c000001000"
is "and no new ones by programs" "$(awk '/^NoNewPrivs/ { print $2 }' "/proc/$waiter/status")" 1
flock -u 9
exec 9>&-
wait "$waiter"
is "it ends well" $? 0
if type -P strace >/dev/null; then
	# Before the policy is opened; and all of them before anything is written.
	traced() { # COMMAND...: what matters, a word each
		cli strace -qq -s 100000 -e trace=capset,openat,write -o "$T/trace" "$@" >/dev/null 2>&1
		awk -v policy="$T/" '
			/^capset.*effective=0, permitted=0/ { print "none"; next }
			/^capset/ { print "less"; next }
			/^openat/ && index($0, policy) && /yaml/ { print "policy"; next }
			/^write\(1/ { print "printed" }' "$T/trace" | uniq | paste -sd' '
	}
	is "apply" "$(traced qosctl apply "$T/c0.yaml")" "less policy none printed"
	is "check" "$(traced qosctl check "$T/c0.yaml")" "less policy printed"
	is "plan --offline" "$(traced qosctl plan --offline "$T/c0.yaml")" "less policy none printed"
	is "show" "$(traced qosctl show "$dev")" "less none printed"
	is "stats --json" "$(traced qosctl stats --json "$dev")" "less none printed"
	is "doctor" "$(traced qosctl doctor "$dev")" "less policy none printed"
	is "remove" "$(traced qosctl remove "$dev")" "less none printed"
	# all effective sets of a run, in their order; "-": no capability
	raised() { # COMMAND...
		cli strace -f -qq -e trace=capset -o "$T/trace" "$@" >/dev/null 2>&1
		sed -n 's/.*effective=\([^,]*\), permitted.*/\1/p' "$T/trace" |
			sed 's/1<<CAP_//g; s/^0$/-/' | uniq | paste -sd' '
	}
	usual="NET_ADMIN|PERFMON|BPF" rare="NET_ADMIN|SYS_ADMIN|PERFMON|BPF"
	for command in "apply $T/c0.yaml" "apply $T/numbers.yaml" "apply $T/shape.yaml" "plan $T/c0.yaml" \
		"show $dev" "stats $dev" "remove $dev" "apply $T/c0.yaml"; do
		# shellcheck disable=SC2086 # words
		is "$command makes no other effective" "$(raised qosctl $command)" "$usual -"
	done
	is "doctor makes a namespace, for that only" "$(raised qosctl doctor "$dev")" "$usual $rare $usual -"
	rm "$pins/qos_egress"
	is "a lost pin, for that only" "$(raised qosctl show "$dev")" "$usual $rare $usual $rare $usual -"
	check "applied" apply
	cp "$T/c0.yaml" "$T/mine.yaml" && chown 65534 "$T/mine.yaml" && chmod 600 "$T/mine.yaml"
	is "check of another user's file" "$(raised qosctl check "$T/mine.yaml")" \
		"$usual - DAC_READ_SEARCH - DAC_READ_SEARCH -"
	cli strace -f -qq -e trace=execve -o "$T/trace" "$binary" apply "$T/c0.yaml" >/dev/null
	is "no program is started but itself" "$(grep -c execve "$T/trace")" 1
else
	skip "in which order" "no strace"
fi
check "applied" apply

note "names that lead elsewhere"
mkdir -p "$T/dir"
cp "$T/c0.yaml" "$T/outside.yaml"
for name in .. . ../outside /etc/passwd 'a b' 'c0:' 0123456789abcdef 'c0/../c0' $'c0\n' ''; do
	for verb in show stats remove doctor; do
		cli qosctl $verb "$name" >"$T/out" 2>&1
		is "$verb '${name//$'\n'/\\n}'" $? 2
	done
done
for name in .. . 'a b' 'c0:' 0123456789abcdef; do
	cp "$T/c0.yaml" "$T/dir/$name.yaml"
	cli qosctl apply --dir "$T/dir" "$name" >"$T/out" 2>&1
	is "apply '$name' looks for no other folder's file and is for no such interface" $? 2
done
sed "s,: $dev,: ../../$dev," "$T/c0.yaml" >"$T/dir/bad.yaml"
cli qosctl apply "$T/dir/bad.yaml" >"$T/out" 2>&1
is "a policy for ../../$dev" $? 2
check "says so with its place" grep -q "bad.yaml:1:12: error: " "$T/out"
is "nothing was made for any of them" \
	"$(find /sys/fs/bpf/qosctl /run/qosctl -mindepth 1 \( -name '.*' -o -name '* *' -o \
		-name '*outside*' -o -name '*passwd*' -o -name '0123456789abcdef*' \))" ""
check "a path that the user gives is his business" cli qosctl apply "$T/dir/../c0.yaml"

note "who else may look"
pins=$(echo /sys/fs/bpf/qosctl/"$dev":*)
is "the pins" "$(stat -c '%a %u' "$pins")" "700 0"
is "the folder of all pins" "$(stat -c '%a %u' /sys/fs/bpf/qosctl)" "700 0"
is "the locks" "$(stat -c '%a %u' /run/qosctl)" "700 0"

note "what is lost under traffic"
show() { cli qosctl show "$dev" --json | jq -c ".[0] | $1"; }
class() { cli qosctl stats "$dev" --json | jq ".[0].classes[0].$1"; }
before=$(show .filter.prog_id) packets=$(class packets)
count_start lost srv s0 --key udp:5001
bg sender cli udpsend "$SRV4" 5001 --rate 4mbit --size 1000 --time 4 >"$T/send.json"
sleep 0.5
rm -r "$pins"
if [[ $(hostname) == qosctl-vm ]]; then # others may hold locks on this machine
	rm -rf /run/qosctl
else
	rm -f "$lock"
fi
is "show works" "$(show .in_force)" true
check "stats works" cli qosctl stats "$dev"
check "doctor works" bash -c "nsenter --net=/run/netns/$NS_CLI qosctl doctor $dev --json |
	jq -e '.interface.checks | all(.state != \"fail\")'"
is "apply has nothing to change" "$(apply)" "$dev: nothing to change"
check "and pins again" test -e "$pins/qos_egress"
is "the locks are back" "$(stat -c '%a %u' /run/qosctl)" "700 0"
is "the program is the same" "$(show .filter.prog_id)" "$before"
rm -r "$pins"
sed 's/1mbit/3mbit/' "$T/c0.yaml" >"$T/other.yaml"
check "numbers change without pins" cli qosctl apply "$T/other.yaml"
is "in the same program" "$(show .filter.prog_id)" "$before"
wait "$sender"
sleep 0.2
count_stop lost
is "no packet was lost" "$(json lost '.keys["udp:5001"].packets')" "$(json send .packets)"
is "nor unshaped" $(($(class packets) - packets >= $(json send .packets))) 1
rm -r "$pins"
check "remove works without pins" cli qosctl remove "$dev"
finish
