/* SPDX-License-Identifier: GPL-2.0-only */
/* Facts → class: the first rule that matches, else the default class. */
#ifndef QOS_CLASSIFY_H
#define QOS_CLASSIFY_H

#include "packet.h"

#define SLOT_DROP 0xffffffffU /* instead of a slot: a rule said drop */
#define SLOT_NONE 0xfffffffeU

static __always_inline int match_addr(const struct qos_rule_addr *want, const __u64 addr[2])
{
	return !((addr[0] ^ want->value[0]) & want->mask[0]) &&
	       !((addr[1] ^ want->value[1]) & want->mask[1]);
}

/* Pieces that only an address of its family has; the others are never asked for. */
static __always_inline __u64 match_src(const struct qos_rule_index *index, const struct facts *f,
				       int v6)
{
	const __u8 *addr = (const __u8 *)f->src;

	return v6 ? index->src_high[addr[QOS_ADDR6_HIGH]] & index->src_low[addr[QOS_ADDR6_LOW]] :
		    index->src_high[addr[QOS_ADDR4_HIGH]] & index->src_low[addr[QOS_ADDR4_LOW]];
}

static __always_inline __u64 match_dst(const struct qos_rule_index *index, const struct facts *f,
				       int v6)
{
	const __u8 *addr = (const __u8 *)f->dst;

	return v6 ? index->dst_high[addr[QOS_ADDR6_HIGH]] & index->dst_low[addr[QOS_ADDR6_LOW]] :
		    index->dst_high[addr[QOS_ADDR4_HIGH]] & index->dst_low[addr[QOS_ADDR4_LOW]];
}

static __always_inline __u64 match_ports(const struct qos_rule_index *index, const struct facts *f)
{
	__u64 set = ~0ULL;

	if (!(f->key & QOS_KEY_PORTS))
		return index->portless;
	if (qos_link.used & QOS_RULE_SPORT)
		set &= index->sport_high[f->sport >> 8] & index->sport_low[f->sport & 0xff];
	if (qos_link.used & QOS_RULE_DPORT)
		set &= index->dport_high[f->dport >> 8] & index->dport_low[f->dport & 0xff];
	return set;
}

/* The rules of a block that may match. */
static __always_inline __u64 candidates(const struct qos_rule_index *index, const struct facts *f)
{
	int v6 = (f->key & QOS_KEY_FAMILY(0xff)) == QOS_KEY_FAMILY(QOS_FAMILY_IPV6);
	__u64 set = index->family[v6];

	if (qos_link.used & QOS_RULE_PROTO)
		set &= index->proto[f->key & 0xff];
	if (qos_link.used & QOS_RULE_DSCP)
		set &= index->dscp[f->dscp & 63];
	if (qos_link.used & (QOS_RULE_SPORT | QOS_RULE_DPORT))
		set &= match_ports(index, f);
	if (qos_link.used & QOS_RULE_SRC)
		set &= match_src(index, f, v6);
	if (qos_link.used & QOS_RULE_DST)
		set &= match_dst(index, f, v6);
	return set;
}

/* What the index leaves open: ranges of ports, all of the addresses. */
static __always_inline int match_rest(const struct qos_rule *rule, const struct facts *f)
{
	__u32 flags = rule->flags;

	if ((flags & QOS_RULE_SPORT) && (__u16)(f->sport - rule->sport_min) > rule->sport_span)
		return 0;
	if ((flags & QOS_RULE_DPORT) && (__u16)(f->dport - rule->dport_min) > rule->dport_span)
		return 0;
	if ((flags & QOS_RULE_SRC) && !match_addr(&rule->src, f->src))
		return 0;
	return !(flags & QOS_RULE_DST) || match_addr(&rule->dst, f->dst);
}

/* clang-format off */
const __u8 qos_lowest[64] = {
	 0,  1, 48,  2, 57, 49, 28,  3, 61, 58, 50, 42, 38, 29, 17,  4,
	62, 55, 59, 36, 53, 51, 43, 22, 45, 39, 33, 30, 24, 18, 12,  5,
	63, 47, 56, 27, 60, 41, 37, 16, 54, 35, 52, 21, 44, 32, 23, 11,
	46, 26, 40, 15, 34, 20, 31, 10, 25, 14, 19,  9, 13,  8,  7,  6,
};
/* clang-format on */

/*
 * Number of the lowest bit of a set that is not empty, by a de Bruijn sequence
 * (Leiserson, Prokop, Randall 1998): BPF has no instruction for it, and clang 14
 * does not end when it is asked for __builtin_ctzll().
 */
static __always_inline __u32 lowest(__u64 set)
{
	return qos_lowest[(set & -set) * 0x03f79d71b4cb0a89ULL >> 58];
}

struct scan {
	struct facts facts;
	__u32 slot;
	__u32 first; /* rule of the block */
	__u64 set;   /* its candidates */
};

/* The first candidate; 1 when it matches, or there is none: the search is over. */
static __always_inline long try_candidate(struct scan *scan)
{
	__u32 number = scan->first + lowest(scan->set);
	const struct qos_rule *rule;

	if (!scan->set)
		return 1;
	rule = bpf_map_lookup_elem(&qos_rules, &number);
	if (!rule)
		return 1;
	if (match_rest(rule, &scan->facts)) {
		scan->slot = rule->flags & QOS_RULE_DROP ? SLOT_DROP : rule->slot;
		return 1;
	}
	scan->set &= scan->set - 1;
	return 0;
}

static long next_candidate(__u32 i __attribute__((unused)), struct scan *scan)
{
	return try_candidate(scan);
}

/* The index of a block leaves one candidate, as a rule, or none. */
static __always_inline void scan_block(__u32 block, struct scan *scan)
{
	const struct qos_rule_index *index = bpf_map_lookup_elem(&qos_index, &block);

	if (!index)
		return;
	scan->set = candidates(index, &scan->facts);
	if (!scan->set)
		return;
	scan->first = block * QOS_RULE_BLOCK;
	if (!try_candidate(scan) && scan->set)
		bpf_loop(QOS_RULE_BLOCK - 1, next_candidate, scan, 0);
}

/* 1 ends the loop over the blocks. */
static long next_block(__u32 block, struct scan *scan)
{
	scan_block(block, scan);
	return scan->slot != SLOT_NONE;
}

/*
 * The first rule's slot. A function of its own: the verifier looks at it once, for
 * any facts, and not again for each way that a packet was read.
 */
__noinline __u32 qos_first_match(const struct facts *f)
{
	struct scan scan = { .slot = SLOT_NONE };

	if (!f)
		return qos_link.default_slot;
	scan.facts = *f; /* a loop's context has to be on the stack */
	if (qos_link.rules > QOS_RULE_BLOCK)
		bpf_loop((qos_link.rules + QOS_RULE_BLOCK - 1) / QOS_RULE_BLOCK, next_block, &scan,
			 0);
	else if (qos_link.rules)
		scan_block(0, &scan);
	return scan.slot == SLOT_NONE ? qos_link.default_slot : scan.slot;
}

/* The small facts in one word; the key has nothing above bit 16, a DSCP is 6 bits. */
static __always_inline __u64 rest_of_facts(const struct facts *f)
{
	return (__u64)f->sport << 48 | (__u64)f->dport << 32 | (__u32)f->dscp << 24 | f->key;
}

/*
 * Multiplicative hashing (Knuth, vol. 3, 6.4), salted: for decisions, and for flows. Who makes
 * packets collide on purpose gains that the rules are read for each of them.
 */
static __always_inline __u64 hash_facts(const struct facts *f, __u64 rest)
{
	__u64 mix = (f->src[0] ^ f->src[1] ^ rest ^ qos_link.salt) * 0x9e3779b97f4a7c15ULL;

	mix ^= mix >> 32;
	mix = (mix ^ f->dst[0] ^ f->dst[1]) * 0xd6e8feb86659fd93ULL;
	return mix ^ mix >> 32;
}

static __always_inline int is_about(const struct qos_decision *d, const struct facts *f, __u64 rest)
{
	return d->rest == rest && d->src[1] == f->src[1] && d->dst[1] == f->dst[1] &&
	       d->src[0] == f->src[0] && d->dst[0] == f->dst[0];
}

/* The first match, remembered: the rules are not asked twice about the same facts. */
static __always_inline __u32 known_match(const struct facts *f, __u64 rest, __u64 hash)
{
	__u32 index = hash % QOS_DECISIONS;
	struct qos_decision *d;

	if (!qos_link.rules)
		return qos_link.default_slot;
	d = bpf_map_lookup_elem(&qos_decisions, &index);
	if (!d)
		return qos_link.default_slot;
	if (is_about(d, f, rest))
		return d->slot;
	d->slot = qos_first_match(f);
	d->rest = rest;
	d->src[0] = f->src[0];
	d->src[1] = f->src[1];
	d->dst[0] = f->dst[0];
	d->dst[1] = f->dst[1];
	return d->slot;
}

/*
 * Ports are in the first fragment only. Later ones follow it; one whose first
 * fragment went another way, or is forgotten, is matched by rules without
 * ports (its facts have none, so no rule with ports can take it).
 */
static __always_inline void fragment_key(const struct facts *f, struct qos_frag_key *key)
{
	key->src[0] = f->src[0];
	key->src[1] = f->src[1];
	key->dst[0] = f->dst[0];
	key->dst[1] = f->dst[1];
	key->id = f->frag_id;
	/* RFC 791 tells datagrams apart by protocol too; RFC 8200 does not, and
	 * the fragments of one may name different next headers */
	key->key = f->key & QOS_KEY_FAMILY(0xff);
	if (key->key == QOS_KEY_FAMILY(QOS_FAMILY_IPV4))
		key->key |= f->key & QOS_KEY_PROTO(0xff);
}

static __always_inline __u32 classify(const struct facts *f, __u64 rest, __u64 hash)
{
	struct qos_frag_key key;
	__u32 *known, slot;

	if (!(f->key & QOS_KEY_FAMILY(0xff)))
		return qos_link.default_slot;
	if (f->fragment == FRAG_NONE)
		return known_match(f, rest, hash);
	if (f->fragment == FRAG_LATER) {
		fragment_key(f, &key);
		known = bpf_map_lookup_elem(&qos_frags, &key);
		if (known)
			return *known;
	}
	slot = qos_first_match(f);
	if (f->fragment == FRAG_FIRST) {
		fragment_key(f, &key);
		bpf_map_update_elem(&qos_frags, &key, &slot, BPF_ANY);
	}
	return slot;
}

#endif
