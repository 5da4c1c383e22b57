/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who else could have written what root is going to follow. Trusted is what
 * belongs to root and has no write permission for its group or for others, as
 * sudo and sshd ask of their files. A sticky folder of root's as /tmp is good for a
 * file right in it: nobody else can replace that.
 */
#ifndef QOS_KERNEL_TRUST_H
#define QOS_KERNEL_TRUST_H

#include <stdbool.h>

/* Of what is trusted both are null. Texts are the caller's. */
struct qos_trust {
	char *why;  /* "others than root can write the folder /tmp (mode 1777)" */
	char *hint; /* what to do about it */
};

void qos_trust_done(struct qos_trust *trust);

/*
 * Whether it matters: only to root, and only to that of the first user
 * namespace, who alone can change the kernel's. Others may follow what they like.
 */
bool qos_trust_matters(void);

/* Judge an open file or folder, called path, alone. -errno. */
int qos_trust_judge(int fd, const char *path, struct qos_trust *ret_trust);

/*
 * Judge an open file, path as it was opened, and all folders on its way, where
 * symbolic links lead to as well. Each is judged by what was opened and the next
 * looked up in that, and the last has to be what fd is, so nobody can swap one
 * meanwhile. -errno.
 */
int qos_trust_judge_way(int fd, const char *path, struct qos_trust *ret_trust);

#endif
