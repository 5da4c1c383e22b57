/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HARNESS_WIRE_REPORT_H
#define HARNESS_WIRE_REPORT_H

#include "wire_ring.h"

/* All counts as JSON on stdout. 0, or -errno: -EIO where the kernel had no room for packets. */
int report(const char *interface, const struct keys *keys, const struct capture *c);

#endif
