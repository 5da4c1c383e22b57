/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The network namespaces of this machine. */
#ifndef QOS_KERNEL_NAMESPACES_H
#define QOS_KERNEL_NAMESPACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qos_namespaces {
	uint64_t *cookies;
	size_t count;
};

/*
 * Those that a process is in or a mount holds, as far as we may look: here and at the first
 * process. There may be others, that only a descriptor or a mount elsewhere holds. -EPERM when
 * we may not look; nothing is known then.
 */
int qos_namespaces_find(struct qos_namespaces *ret);
void qos_namespaces_done(struct qos_namespaces *namespaces);
bool qos_namespaces_have(const struct qos_namespaces *namespaces, uint64_t cookie);

#endif
