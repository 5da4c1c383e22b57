/* SPDX-License-Identifier: GPL-2.0-only */
/* What those below a class could borrow of it, told upwards. */
#ifndef QOS_NEEDS_H
#define QOS_NEEDS_H

#include "pace.h"

/*
 * What those below could borrow is summed up anew each epoch of 2^n periods, by whoever has a queue
 * in it: what is told is of this epoch or of the one before, and of who is gone, forgotten then.
 */
#define EPOCH_SHIFT 4
/* No class has as much, and a sum of many fits. */
#define UNBOUNDED (BYTES_PER_S_MAX << FAST_SHIFT)

static __always_inline __u32 epoch_of(__u64 now, __u32 shift)
{
	return now >> ((shift & 31) + EPOCH_SHIFT);
}

/* Who comes first in an epoch begins it; not one whose time is a little behind another CPU's. */
static __always_inline void begin_epoch(struct qos_needs *needs, __u32 epoch)
{
	__u32 seen = *(volatile __u32 *)&needs->epoch;
	__u64 last;

	if (seen - epoch <= 1 || __sync_val_compare_and_swap(&needs->epoch, seen, epoch) != seen)
		return;
	last = __sync_lock_test_and_set(&needs->now, 0);
	needs->before = epoch - seen == 1 ? last : 0;
}

/* mine: of who tells. The most that it was in this epoch counts. */
static __always_inline void tell_need(struct qos_needs *above, struct qos_needs *mine, __u32 epoch,
				      __u64 need)
{
	__u64 told = mine->told_epoch == epoch ? mine->told : 0;

	begin_epoch(above, epoch);
	if (need <= told)
		return;
	__sync_fetch_and_add(&above->now, need - told);
	mine->told = need;
	mine->told_epoch = epoch;
}

#endif
