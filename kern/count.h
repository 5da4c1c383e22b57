/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters: per CPU, class and verdict. */
#ifndef QOS_COUNT_H
#define QOS_COUNT_H

#include "maps.h"
#include "size.h"

/* Plain adds: a program at egress is not interrupted by itself on its CPU. */
static __always_inline void count(__u32 slot, enum qos_verdict verdict, const struct size *size)
{
	struct qos_counters *c = bpf_map_lookup_elem(&qos_counters, &slot);

	if (!c)
		return;
	c->packets[verdict] += size->segments;
	c->bytes[verdict] += size->bytes;
}

#endif
