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

static __always_inline int match_rule(const struct qos_rule *rule, const struct facts *f)
{
	__u32 flags = rule->flags;

	if ((f->key ^ rule->key_value) & rule->key_mask)
		return 0;
	if (!(rule->dscp_set >> (f->dscp & 63) & 1))
		return 0;
	if ((flags & QOS_RULE_SPORT) && (__u16)(f->sport - rule->sport_min) > rule->sport_span)
		return 0;
	if ((flags & QOS_RULE_DPORT) && (__u16)(f->dport - rule->dport_min) > rule->dport_span)
		return 0;
	if ((flags & QOS_RULE_SRC) && !match_addr(&rule->src, f->src))
		return 0;
	return !(flags & QOS_RULE_DST) || match_addr(&rule->dst, f->dst);
}

struct scan {
	struct facts facts;
	__u32 slot;
};

/* A block of rules; 1 ends the loop. */
static long scan_block(__u32 index, struct scan *scan)
{
	const struct qos_rule_block *block = bpf_map_lookup_elem(&qos_rules, &index);

	if (!block)
		return 1;
	for (int i = 0; i < QOS_RULE_BLOCK; i++) {
		const struct qos_rule *rule = &block->rule[i];

		if (match_rule(rule, &scan->facts)) {
			scan->slot = rule->flags & QOS_RULE_DROP ? SLOT_DROP : rule->slot;
			return 1;
		}
	}
	return 0;
}

static __always_inline __u32 first_match(struct scan *scan)
{
	__u32 blocks = (qos_link.rules + QOS_RULE_BLOCK - 1) / QOS_RULE_BLOCK;

	scan->slot = SLOT_NONE;
	if (blocks)
		bpf_loop(blocks, scan_block, scan, 0);
	return scan->slot == SLOT_NONE ? qos_link.default_slot : scan->slot;
}

/*
 * Ports are in the first fragment only. Later ones follow it; one whose first
 * fragment went another way, or is forgotten, is matched by rules without
 * ports (its facts have none, so no rule with ports can take it).
 */
static __always_inline __u32 classify(struct scan *scan)
{
	struct facts *f = &scan->facts;
	struct qos_frag_key key;
	__u32 *known, slot;

	if (f->exempt || !(f->key & QOS_KEY_FAMILY(0xff)))
		return qos_link.default_slot;
	if (f->fragment == FRAG_NONE)
		return first_match(scan);
	key.src[0] = f->src[0];
	key.src[1] = f->src[1];
	key.dst[0] = f->dst[0];
	key.dst[1] = f->dst[1];
	key.id = f->frag_id;
	/* RFC 791 tells datagrams apart by protocol too; RFC 8200 does not, and
	 * the fragments of one may name different next headers */
	key.key = f->key & QOS_KEY_FAMILY(0xff);
	if (key.key == QOS_KEY_FAMILY(QOS_FAMILY_IPV4))
		key.key |= f->key & QOS_KEY_PROTO(0xff);
	if (f->fragment == FRAG_LATER) {
		known = bpf_map_lookup_elem(&qos_frags, &key);
		if (known)
			return *known;
		return first_match(scan);
	}
	slot = first_match(scan);
	bpf_map_update_elem(&qos_frags, &key, &slot, BPF_ANY);
	return slot;
}

#endif
