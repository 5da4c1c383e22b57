/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random enough for a program that is measured: Numerical Recipes' generator. */
#ifndef QOS_TESTS_BPF_LCG_H
#define QOS_TESTS_BPF_LCG_H

#include <linux/types.h>

/* 16 bits; the generator's high ones are the better ones. */
static inline __u32 lcg_next(__u32 *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 16;
}

#endif
