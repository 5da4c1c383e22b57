/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes by the time at which they leave: what still waits here, and what of the rest stands in the
 * network's next queue, whatever the clocks say.
 */
#ifndef QOS_LEAVING_H
#define QOS_LEAVING_H

#include "clock.h"

#define LEAVING_SHIFT 21 /* 2 ms */
#define LEAVING_SLOTS 256
#define LEAVING_MAX   ((LEAVING_SLOTS - 8ULL) << LEAVING_SHIFT) /* what is later is as late */

__u64 qos_leaving[LEAVING_SLOTS];
__u64 qos_leaving_slot; /* the first that is not over, */
__u64 qos_standing;	/* and bytes in the next queue when it began */

/* Plain: what a race loses is taken for bytes that never were, and the clock is left alone. */
static __always_inline void note_leaving(__u64 now, __u64 at, __u64 bytes)
{
	__u64 slot = (now + sooner(at - now, LEAVING_MAX)) >> LEAVING_SHIFT;

	*(volatile __u64 *)&qos_leaving[slot & (LEAVING_SLOTS - 1)] += bytes;
}

struct turn {
	__u64 first, over; /* slots */
	__u64 each;	   /* bytes that the link sends in one */
	__u64 standing, waiting;
};

static long turn_slot(__u32 i, struct turn *t)
{
	__u64 *sum = &qos_leaving[(t->first + i) & (LEAVING_SLOTS - 1)];

	if (i < t->over) {
		t->standing = less(t->standing + *sum, t->each);
		*sum = 0;
	}
	t->waiting += *sum;
	return 0;
}

/* Bytes that leave from the slot of now on; each: what the link sends in a slot. */
static __always_inline __u64 turn_leaving(__u64 now, __u64 each)
{
	__u64 here = now >> LEAVING_SHIFT;
	struct turn t = { .each = each, .standing = qos_standing };

	/* another CPU, which read the time after this one, was here first */
	if (qos_leaving_slot - here - 1 < LEAVING_SLOTS)
		here = qos_leaving_slot;
	t.over = here - qos_leaving_slot;
	if (t.over > LEAVING_SLOTS)
		t.over = LEAVING_SLOTS;
	t.first = here - t.over;
	bpf_loop(LEAVING_SLOTS, turn_slot, &t, 0);
	qos_leaving_slot = here;
	qos_standing = t.standing;
	return t.waiting;
}

#endif
