/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What somebody else put where our qdiscs go. */
#ifndef QOS_KERNEL_REPLACED_H
#define QOS_KERNEL_REPLACED_H

#include "kernel/device.h"

/*
 * A line "- qdisc KIND HANDLE" for each root that is neither ours nor the kernel's default, in
 * the caller's *ret_text; and a warning of what remove could not put back of it.
 */
int qos_replaced_find(const struct qos_device *device, struct qos_diags *diags, char **ret_text);

#endif
