#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# systemd and udev themselves, with qosctl@.service: an interface that appears is shaped, also the
# second time. In the virtual machine, which has of them what tests/package/boot gives it.
# shellcheck disable=SC2317 # check calls what seems to be never called

# What systemd finds as a file system it does not cover with another.
[[ $(hostname) != qosctl-vm ]] || mount -t tmpfs run /run
. "$(dirname "$0")/lib.sh"

if [[ $(hostname) != qosctl-vm ]]; then
	skip "systemd shapes an interface that appears" "this is not the virtual machine"
	finish
fi
policy() { # IFACE RATE
	cat >"/etc/qosctl/$1.yaml" <<-END
		link: { rate: $2 }
		default: all
		classes: { all: {} }
	END
}
# In systemd's own namespaces: it answers nobody whom it cannot see.
booted() { nsenter --target "$(pgrep -P "$systemd")" --pid --mount "$@"; }
fails() { ! "$@"; }
unit() { systemd-escape --template qosctl@.service "$1"; }
is_shaped() { [[ $(qosctl show "$1" --json 2>/dev/null | jq '.[0].in_force') == "$2" ]]; }
has_state() { [[ $(booted systemctl is-active "$(unit "$1")") == "$2" ]]; }
# Within five seconds, of virtual time.
soon() { # COMMAND ARG...
	local i
	for ((i = 0; i < 10; i++)); do
		"$@" && return
		sleep 0.5
	done
	booted systemctl status --no-pager "qosctl@*" '*.device'
	return 1
}
rate() { qosctl show "$1" --json | jq '.[0].link.rate'; }

mkdir -p /etc/qosctl /etc/systemd/system
# What is to be there when an interface appears, and nothing else of a machine.
cat >/etc/systemd/system/test.target <<-END
	[Unit]
	Wants=systemd-udevd.service systemd-udev-trigger.service
END
mkdir -p /etc/udev/rules.d
# As 99-systemd.rules of systemd has it.
# shellcheck disable=SC2016 # the name is udev's
echo 'SUBSYSTEM=="net", KERNEL!="lo", TAG+="systemd", ENV{SYSTEMD_ALIAS}+="/sys/subsystem/net/devices/$name"' \
	>/etc/udev/rules.d/99-systemd.rules
policy w0 10mbit
policy br-lan 20mbit
ip link add w0 type veth peer name w1
for name in w0 br-lan; do
	check "the unit of $name is enabled" systemctl enable "$(unit $name)"
done
systemd=
bg systemd unshare --pid --mount --fork --kill-child --mount-proc \
	/usr/lib/systemd/systemd --system --unit=test.target --log-target=console
check "systemd starts" soon booted systemctl is-active --quiet test.target

check "an interface that was there at boot is shaped" soon has_state w0 active
check "by the kernel" is_shaped w0 true
is "to the rate of its policy" "$(rate w0)" 10000000
check "one that was not has no unit" has_state br-lan inactive
ip link add br-lan type bridge
check "when it appears it is shaped" soon has_state br-lan active
check "by the kernel" is_shaped br-lan true

ip link del w0
check "an interface goes and its unit stops" soon has_state w0 inactive
policy w0 11mbit
ip link add w0 type veth peer name w1
check "it comes back and is shaped again" soon has_state w0 active
check "by the kernel" is_shaped w0 true
is "to the rate of its policy now" "$(rate w0)" 11000000
is "with one set of pins each" "$(echo /sys/fs/bpf/qosctl/*)" \
	"/sys/fs/bpf/qosctl/br-lan /sys/fs/bpf/qosctl/w0"

policy w0 12mbit
check "it is reloaded" booted systemctl reload "$(unit w0)"
is "and has the new rate" "$(rate w0)" 12000000
echo "link: {" >/etc/qosctl/w0.yaml
check "a broken policy is an error of reload" fails booted systemctl reload "$(unit w0)"
is "and what was in force is in force" "$(rate w0)" 12000000
check "it is stopped" booted systemctl stop "$(unit w0)"
check "and not shaped" is_shaped w0 ''
check "a broken policy fails the unit" fails booted systemctl start "$(unit w0)"
check "which says so" has_state w0 failed
policy w0 13mbit
check "it is started" booted systemctl start "$(unit w0)"
check "and shaped" is_shaped w0 true
finish
