/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The capabilities of the thread: fewer and fewer, and those of rare calls for those only. */
#ifndef QOS_KERNEL_PRIVILEGES_H
#define QOS_KERNEL_PRIVILEGES_H

#include <linux/capability.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/diag.h"

/* One of a set of them. */
#define QOS_CAP(cap) (1ULL << (cap))

/* As qos_privileges_keep(). */
int qos_kernel_keep(enum qos_privileges keep, struct qos_diags *diags);

/*
 * Make those effective that are permitted and not effective yet; the set of
 * these, to be lowered when the call that needs them was made:
 *
 *	_raised_ uint64_t raised = qos_kernel_raise(QOS_CAP(CAP_SYS_ADMIN));
 *
 * A thread begins with what is effective in the one that creates it.
 */
uint64_t qos_kernel_raise(uint64_t caps);
/* For a file, or a folder, that is another user's; none where it can be read without. */
uint64_t qos_kernel_raise_to_read(const char *path);
/* errno may change. */
void qos_kernel_lower(uint64_t raised);
DEFINE_CLEANUP(uint64_t, qos_kernel_lowerp, qos_kernel_lower)
/* clang asks what else a variable is for */
#define _raised_ __attribute__((cleanup(qos_kernel_lowerp), unused))

#endif
