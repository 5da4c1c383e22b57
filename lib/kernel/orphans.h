/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a network namespace that is gone leaves: pins and locks of its interfaces. */
#ifndef QOS_KERNEL_ORPHANS_H
#define QOS_KERNEL_ORPHANS_H

#include <stddef.h>

/*
 * Take it away, beside the pins in dir: nothing else would, and containers come and go. Of a
 * namespace that only looks gone (see namespaces.h) what a filter uses stays. Returns of how many
 * interfaces there were pins.
 */
size_t qos_orphans_sweep(const char *dir);

#endif
