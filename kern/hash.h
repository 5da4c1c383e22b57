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
 * NH of UMAC (Black, Halevi, Krawczyk, Krovetz, Rogaway 1999): the halves of a word and its salt,
 * multiplied. Of two inputs, whatever they are, one in 2^31 salts makes the sums the same. Where
 * words meet otherwise, or after a multiplication by what everybody knows, bits of one cancel
 * another's whatever the salt is, and who chooses his ports has another's record and queue.
 */
static __always_inline __u64 salted(__u64 word, __u32 which)
{
	word += qos_link.salt[which];
	return (word & 0xffffffff) * (word >> 32);
}

/* Of a sum of salted words. Ports one after the other are equal steps of it, and may lie in heaps.
 */
static __always_inline __u64 spread(__u64 sum)
{
	sum = (sum ^ sum >> 32) * 0xd6e8feb86659fd93ULL;
	return sum ^ sum >> 32;
}

/*
 * Of what is a flow. A DSCP may decide its class, but does not make it two, which would have two
 * shares and overtake each other.
 */
static __always_inline __u64 hash_facts(const struct facts *f, __u64 rest)
{
	return spread(salted(f->src[0], 0) + salted(f->src[1], 1) + salted(f->dst[0], 2) +
		      salted(f->dst[1], 3) + salted(rest & ~(0x3fULL << REST_DSCP_SHIFT), 4));
}

#endif
