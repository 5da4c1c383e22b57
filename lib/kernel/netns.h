/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names that do not collide between network namespaces. */
#ifndef QOS_KERNEL_NETNS_H
#define QOS_KERNEL_NETNS_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

/* interface, ':', 64 bits in decimal, NUL */
#define QOS_NETNS_NAME_LEN (IFNAMSIZ + 21)

/*
 * What files and pins of an interface of the caller's network namespace are
 * called: "eth0" in the first one of the machine, elsewhere "eth0:4711" with
 * the namespace's cookie, which is never used twice; ':' cannot be part of an
 * interface's name. buf holds QOS_NETNS_NAME_LEN bytes. -EINVAL for a name no
 * interface can have.
 */
int qos_netns_name(const char *ifname, struct qos_diags *diags, char *buf);

/* Whether the calling thread's namespace is the first one of the machine. */
bool qos_netns_is_first(void);

/* Of the calling thread's namespace. */
int qos_netns_cookie(uint64_t *ret_cookie);

#endif
