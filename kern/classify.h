/* SPDX-License-Identifier: GPL-2.0-only */
/* Facts → class: what the rules say of them, or said of the same facts before. */
#ifndef QOS_CLASSIFY_H
#define QOS_CLASSIFY_H

#include "hash.h"
#include "match.h"
#include "more.h"

static __always_inline int is_about(const struct qos_decision *d, const struct facts *f, __u64 rest)
{
	return d->rest == rest && d->src[1] == f->src[1] && d->dst[1] == f->dst[1] &&
	       d->src[0] == f->src[0] && d->dst[0] == f->dst[0] && is_about_more(d, f);
}

/* Counts of a rule: of packets for which nothing is remembered, or not any longer. */
static __always_inline void hit(__u32 decided, __u64 packets, __u64 bytes)
{
	__u32 rule = QOS_DECIDED_RULE(decided);
	struct qos_hits *hits = bpf_map_lookup_elem(&qos_hits, &rule);

	if (!hits)
		return;
	hits->packets += packets;
	hits->bytes += bytes;
}

/* Out of line: it is rare, and its registers are not the common path's. */
__noinline int qos_decide(struct __sk_buff *skb, const struct facts *f, __u64 rest, __u32 index)
{
	struct qos_decision *d = bpf_map_lookup_elem(&qos_decisions, &index);

	if (!d || !f)
		return 0;
	if (d->rest)
		hit(d->decided, d->packets, d->bytes);
	/* at once, before the rules are asked: who reads the counters may see both (hits.c) */
	d->packets = 0;
	d->bytes = 0;
	d->decided = qos_first_match(skb, f, 0);
	d->rest = rest;
	d->src[0] = f->src[0];
	d->src[1] = f->src[1];
	d->dst[0] = f->dst[0];
	d->dst[1] = f->dst[1];
	remember_more(d, f);
	return 0;
}

/* The first match, remembered: the rules are not asked twice about the same facts. */
static __always_inline __u32 known_match(struct __sk_buff *skb, const struct facts *f, __u64 rest,
					 __u64 hash)
{
	/* by the highest bits, which all others have been multiplied into; of a flow by its DSCPs
	 */
	__u32 index = hash >> (64 - QOS_DECISION_BITS) ^ f->dscp;
	struct qos_decision *d = bpf_map_lookup_elem(&qos_decisions, &index);

	if (!d)
		return qos_link.default_slot;
	if (!is_about(d, f, rest))
		qos_decide(skb, f, rest, index);
	d->packets += skb->gso_segs ?: 1;
	d->bytes += skb->wire_len;
	return d->decided;
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

/* A function of its own, which the verifier looks at once. */
__noinline __u32 qos_match_fragment(struct __sk_buff *skb, const struct facts *f)
{
	struct qos_frag_key key;
	__u32 *known, decided;

	if (!f)
		return qos_link.default_slot;
	fragment_key(f, &key);
	known = f->fragment == FRAG_LATER ? bpf_map_lookup_elem(&qos_frags, &key) : 0;
	decided = known ? *known : qos_first_match(skb, f, 0);
	if (f->fragment == FRAG_FIRST)
		bpf_map_update_elem(&qos_frags, &key, &decided, BPF_ANY);
	hit(decided, 1, skb->wire_len);
	return decided;
}

/* QOS_DECIDED. The rest of the facts and their hash are of use to who asks, too. */
static __always_inline __u32 classify(struct __sk_buff *skb, struct facts *f, __u64 rest,
				      __u64 hash)
{
	if (!qos_link.rules)
		return qos_link.default_slot;
	read_more(skb, f);
	if (f->fragment == FRAG_NONE)
		return known_match(skb, f, rest, hash);
	return qos_match_fragment(skb, f);
}

#endif
