/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the classes of a plan are in the per-class maps. */
#ifndef QOS_KERNEL_SLOTS_H
#define QOS_KERNEL_SLOTS_H

#include "kernel/bpf.h"

#define QOS_SLOTS_MIN 64 /* that the maps have, at least */

struct qos_slots {
	uint32_t *of; /* by the plan's index */
	bool *fresh;  /* not the old program's: to be cleared */
	size_t count;
	uint32_t capacity;
};

/*
 * Classes that old (may be null) has keep their slots, and others get none of its: so does one
 * that is divided now, or is no longer, as its clocks mean something else. -ENOMEM, or -errno.
 */
int qos_slots_assign(const struct qos_plan *plan, const struct qos_bpf *old,
		     struct qos_slots *slots);
void qos_slots_done(struct qos_slots *slots);

#endif
