/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tree of cgroup v2, wherever it is mounted, and the kernel's numbers of what is in it. */
#ifndef QOS_KERNEL_CGROUP_TREE_H
#define QOS_KERNEL_CGROUP_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

struct qos_cgroup_tree {
	int fd;	    /* of its root */
	bool whole; /* it is the kernel's own, and not that of a cgroup namespace */
};

/*
 * The whole tree where a mount of it is found, beside those of cgroup v1 too; else a part. Where
 * none is mounted (ip-netns(8) exec hides them) one that only we see, for which CAP_SYS_ADMIN is
 * needed. -ENOENT: there is none. To be closed.
 */
int qos_cgroup_tree_open(struct qos_cgroup_tree *ret_tree);
void qos_cgroup_tree_close(struct qos_cgroup_tree *tree);

/* The id of a cgroup, as bpf_skb_ancestor_cgroup_id() says it; "" is the root. -ENOENT. */
int qos_cgroup_id(const struct qos_cgroup_tree *tree, const char *path, uint64_t *ret_id);

#endif
