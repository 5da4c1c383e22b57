// SPDX-License-Identifier: GPL-2.0-only
/*
 * The real program, to which each run of a packet is of another class, at random: what
 * many classes cost. No rule is asked.
 */
#include <linux/types.h>

#include "classify.h"
#include "lcg.h"

__u32 new_class_mask; /* classes, less one; their slots are from 1 on */
__u32 new_class_seed;

static __always_inline __u32 random_class(void)
{
	return 1 + (lcg_next(&new_class_seed) & new_class_mask);
}

#define classify(...) random_class()
#include "egress.bpf.c"
