/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers that are the same in each run: Knuth's MMIX generator, by its high bits. */
#ifndef QOS_TESTS_UNIT_RANDOM_H
#define QOS_TESTS_UNIT_RANDOM_H

#include <stdint.h>

static inline uint32_t any(uint64_t *state, uint32_t below)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)((*state >> 33) % below);
}

#endif
