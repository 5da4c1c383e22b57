# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A machine to install packages on: this one's files, where all that is written stays in memory
# and is gone afterwards. Source it first; its user runs in a mount namespace of its own.
#
#   . "$(dirname "$0")/machine.sh"     # and tests/net/lib.sh with it
#   machine dpkg -i x.deb              # a command there
#   machine_cli qosctl show            # and in the network namespace cli of topo2
[[ ${QOSCTL_MACHINE-} ]] ||
	QOSCTL_MACHINE=1 exec unshare --mount --propagation private -- bash "$0" "$@"

# shellcheck source-path=SCRIPTDIR source=../net/lib.sh
. "$(dirname "$0")/../net/lib.sh"

package=${QOSCTL_PACKAGE:-$top/build-package}
machine=$(mktemp -d)
root=$machine/root

# Only what is empty is removed by name: below are mounts of the real machine's.
machine_drop() {
	local status=$?
	umount --lazy --recursive "$machine" 2>/dev/null
	rmdir "$machine"
	return $status
}
trap 'machine_drop; _cleanup; exit' EXIT

machine_make() {
	mount -t tmpfs machine "$machine" && mkdir "$machine"/{upper,work,root} &&
		mount -t overlay machine "$root" \
			-o "lowerdir=/,upperdir=$machine/upper,workdir=$machine/work" || return
	mount -t proc proc "$root/proc" && mount --bind /sys "$root/sys" &&
		mount -t bpf bpf "$root/sys/fs/bpf" || return
	mount -t tmpfs run "$root/run" && mount -t tmpfs tmp "$root/tmp" &&
		mount -t tmpfs dev "$root/dev" && mknod -m 666 "$root/dev/null" c 1 3 &&
		ln -s /proc/self/fd "$root/dev/fd" || return
	# Some images throw away manuals.
	rm -f "$root"/etc/dpkg/dpkg.cfg.d/*
}
machine_make || bail "cannot make a machine to install on: this needs overlayfs and bpffs"

enter=(chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
	DEBIAN_FRONTEND=noninteractive)
machine() { "${enter[@]}" "$@"; }
machine_cli() { cli "${enter[@]}" "$@"; }

# What `cpack -G DEB` makes of the build in QOSCTL_PACKAGE, in $T/debs.
debs_make() {
	(cd "$package" && cpack -G DEB -B "$T/debs")
}
