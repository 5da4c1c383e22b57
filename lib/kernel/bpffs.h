/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the pins of an interface are. */
#ifndef QOS_KERNEL_BPFFS_H
#define QOS_KERNEL_BPFFS_H

#include "base/diag.h"

/* Where a bpf file system is mounted that we can use, the caller's; -ENOENT, and no diagnostic. */
int qos_bpffs_find(char **ret_path);

/*
 * The directory for the interface's pins, BPFFS/qosctl/NAME (qos_netns_name(), "::" for a dot),
 * whether it exists or not: in /sys/fs/bpf, or where a new /sys hides that
 * (ip-netns(8) exec) in that of the processes outside, or in one mounted there now.
 * *ret_dir is the caller's.
 */
int qos_bpffs_path(const char *ifname, struct qos_diags *diags, char **ret_dir);
/* Make that directory, root's only. No error when it exists. */
int qos_bpffs_make(const char *dir, struct qos_diags *diags);
/* Remove it with all its pins. No error when it is not there. */
int qos_bpffs_remove(const char *dir, struct qos_diags *diags);

#endif
