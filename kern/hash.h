/* SPDX-License-Identifier: GPL-2.0-only */
/* Facts → hash: of what is remembered of them, and of flows. */
#ifndef QOS_HASH_H
#define QOS_HASH_H

#include "facts.h"

/* Multiplicative hashing (Knuth, vol. 3, 6.4). */
static __always_inline __u64 mix64(__u64 x)
{
	x *= 0x9e3779b97f4a7c15ULL;
	return x ^ x >> 32;
}

#define REST_DSCP_SHIFT 24

/*
 * The small facts in one word; the key has nothing above bit 23, a DSCP is 6 bits. Nothing of it
 * depends on what rules look at: a flow keeps its record when they change. Of fragments without
 * ports, which the first one alone has: all of a datagram are of one flow.
 */
static __always_inline __u64 rest_of_facts(const struct facts *f)
{
	/* of flags and types it is the sets that are told apart: more.h */
	__u32 key = f->key & ~(QOS_KEY_TCP | QOS_KEY_ICMP);

	if (f->fragment != FRAG_NONE)
		return (__u32)f->dscp << REST_DSCP_SHIFT | (key & ~QOS_KEY_PORTS);
	return (__u64)f->sport << 48 | (__u64)f->dport << 32 | (__u32)f->dscp << REST_DSCP_SHIFT |
	       key;
}

/*
 * Salted: of what is a flow. A DSCP may decide its class, but does not make it two, which would
 * have two shares and overtake each other.
 */
static __always_inline __u64 hash_facts(const struct facts *f, __u64 rest)
{
	__u64 flow = rest & ~(0x3fULL << REST_DSCP_SHIFT);
	__u64 mix = (f->src[0] ^ f->src[1] ^ flow ^ qos_link.salt) * 0x9e3779b97f4a7c15ULL;

	mix ^= mix >> 32;
	mix = (mix ^ f->dst[0] ^ f->dst[1]) * 0xd6e8feb86659fd93ULL;
	return mix ^ mix >> 32;
}

#endif
