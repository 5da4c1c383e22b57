/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/cgroup_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "kernel/privileges.h"

/* Of a handle that is an id (kernfs_encode_fh() in fs/kernfs/mount.c). */
#ifndef FILEID_KERNFS
#define FILEID_KERNFS 0xfe
#endif

/* Of the kernel's own root (kernfs_create_root()); those of cgroup namespaces have others. */
#define ROOT_ID 1

/* Of /proc/self/mounts: two paths and some options. */
#define LINE_LEN 16384

DEFINE_CLEANUP(FILE *, endmntentp, (void)endmntent)

int qos_cgroup_id(const struct qos_cgroup_tree *tree, const char *path, uint64_t *ret_id)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + sizeof(uint64_t)];
	} of = { .handle.handle_bytes = sizeof(uint64_t) };
	int mount;

	if (name_to_handle_at(tree->fd, path, &of.handle, &mount, AT_EMPTY_PATH))
		return errno == ENOTDIR || errno == ENAMETOOLONG ? -ENOENT : -errno;
	if (of.handle.handle_type != FILEID_KERNFS || of.handle.handle_bytes != sizeof(uint64_t))
		return -ENOENT;
	memcpy(ret_id, of.handle.f_handle, sizeof(uint64_t));
	return 0;
}

/* Takes fd over. */
static int know(int fd, struct qos_cgroup_tree *ret_tree)
{
	struct qos_cgroup_tree tree = { .fd = fd };
	uint64_t id = 0;
	int r = qos_cgroup_id(&tree, "", &id);

	if (r < 0) {
		close(fd);
		return r;
	}
	tree.whole = id == ROOT_ID;
	*ret_tree = tree;
	return 0;
}

/* Something else may be mounted over it. */
static int open_mount(const char *path, struct qos_cgroup_tree *ret_tree)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0)
		return -errno;
	if (fstatfs(fd, &fs) < 0 || (unsigned long)fs.f_type != CGROUP2_SUPER_MAGIC) {
		close(fd);
		return -ENOENT;
	}
	return know(fd, ret_tree);
}

/* The first whole one, else the first. */
static int find_mount(struct qos_cgroup_tree *ret_tree)
{
	_cleanup_(endmntentp) FILE *mounts = setmntent("/proc/self/mounts", "re");
	_cleanup_(qos_cgroup_tree_close) struct qos_cgroup_tree best = { .fd = -1 };
	struct mntent entry;
	char line[LINE_LEN];

	while (mounts && !best.whole && getmntent_r(mounts, &entry, line, sizeof(line))) {
		struct qos_cgroup_tree tree = { .fd = -1 };

		if (strcmp(entry.mnt_type, "cgroup2") != 0 || open_mount(entry.mnt_dir, &tree) < 0)
			continue;
		if (best.fd < 0 || tree.whole) {
			qos_cgroup_tree_close(&best);
			best = tree;
		} else {
			qos_cgroup_tree_close(&tree);
		}
	}
	if (best.fd < 0)
		return -ENOENT;
	*ret_tree = best;
	best.fd = -1;
	return 0;
}

/* At no place: it is gone with the descriptor. */
static int mount_own(struct qos_cgroup_tree *ret_tree)
{
	_raised_ uint64_t raised = qos_kernel_raise(QOS_CAP(CAP_SYS_ADMIN));
	_cleanup_(closep) int fs = fsopen("cgroup2", FSOPEN_CLOEXEC);
	int fd;

	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return errno == ENODEV ? -ENOENT : -errno;
	fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
	return fd < 0 ? -errno : know(fd, ret_tree);
}

int qos_cgroup_tree_open(struct qos_cgroup_tree *ret_tree)
{
	int r = find_mount(ret_tree);

	return r == -ENOENT ? mount_own(ret_tree) : r;
}

void qos_cgroup_tree_close(struct qos_cgroup_tree *tree)
{
	closep(&tree->fd);
	tree->fd = -1;
}
