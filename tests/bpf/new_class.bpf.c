// SPDX-License-Identifier: GPL-2.0-only
/*
 * The real program, to which each run of a packet is of another class, at random: what
 * many classes cost. No rule is asked.
 */
#include <linux/types.h>

#include "classify.h"

__u32 new_class_mask; /* classes, less one; their slots are from 1 on */
__u32 new_class_seed;

/* Numerical Recipes' generator; its high bits are the better ones. */
static __always_inline __u32 random_class(void)
{
	new_class_seed = new_class_seed * 1664525 + 1013904223;
	return 1 + (new_class_seed >> 16 & new_class_mask);
}

#define classify(...) random_class()
#include "egress.bpf.c"
