/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters: per CPU, class and verdict; and how long what passed waits. */
#ifndef QOS_COUNT_H
#define QOS_COUNT_H

#include "maps.h"
#include "size.h"

/*
 * Plain adds: a program at egress is not interrupted by itself on its CPU. verdict: enum
 * qos_verdict, as a word, which needs no widening.
 */
static __always_inline struct qos_counters *count(__u32 slot, __u64 verdict,
						  const struct size *size)
{
	struct qos_counters *c = bpf_map_lookup_elem(&qos_counters, &slot);

	if (!c)
		return c;
	c->by[verdict].packets += size->segments;
	c->by[verdict].bytes += size->bytes;
	return c;
}

/* clang-format off */
const __u8 qos_highest[32] = {
	 0,  9,  1, 10, 13, 21,  2, 29, 11, 14, 16, 18, 22, 25,  3, 30,
	 8, 12, 20, 28, 15, 17, 24,  7, 19, 27, 23,  6, 26,  5,  4, 31,
};
/* clang-format on */

/*
 * The number of the highest bit, 0 for none: all below it are set, and a de Bruijn
 * sequence tells the 32 words apart. Without a branch, which the verifier would follow.
 */
static __always_inline __u32 log2_of(__u32 value)
{
	value |= value >> 1;
	value |= value >> 2;
	value |= value >> 4;
	value |= value >> 8;
	value |= value >> 16;
	return qos_highest[value * 0x07c4acddU >> 27];
}

/* Packets wait about as long as the one before: its bucket is tried first. */
static __always_inline __u32 find_bucket(struct qos_counters *c, __u64 delay)
{
	__u32 bucket = c->latest;

	if (delay >> ((bucket + QOS_DELAY_SHIFT - 1) & 63) == 1)
		return bucket;
	bucket = log2_of(delay >> (QOS_DELAY_SHIFT - 1));
	c->latest = bucket;
	return bucket;
}

/* What leaves at once is the rest of what passed: it costs nothing here. */
static __always_inline void count_delay(struct qos_counters *c, __u64 delay,
					const struct size *size)
{
	__u32 bucket = find_bucket(c, delay);

	if (!bucket)
		return;
	if (bucket >= QOS_DELAYS)
		bucket = QOS_DELAYS - 1;
	c->delay[bucket] += size->segments;
}

#endif
