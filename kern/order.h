/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A new program may send a flow to another class, or tell the flows of a class apart by something
 * else, while packets of it wait that the program before this one has stamped: the next ones do
 * not overtake them. Asked only as long as such packets may wait. Where rules send packets of one
 * flow to several classes on purpose none waits for the other: it was in each of them before. Where
 * `tunnel` changes, what a flow is does, and nothing is known of it by its new headers.
 */
#ifndef QOS_ORDER_H
#define QOS_ORDER_H

#include "flow.h"

#define NS_A_MS 1000000ULL

/* A packet that another CPU is stamping by the program before has its stamp by then. */
#define SWAP_NS (10 * NS_A_MS)

/* When this program had its first packet; 0: not yet. Who writes it at once with another is as
 * right as that one. */
__u64 qos_began;

#define SLOTS_A_WORD 64
#define SLOT_WORDS   (QOS_MAX_SLOTS / SLOTS_A_WORD)

/* By slot, a bit: nothing waits there, nor will, that the program before has stamped. */
__u64 qos_left[SLOT_WORDS];

struct order {
	const struct facts *facts;
	const struct qos_class_cfg *cls; /* of the flow's class now */
	__u64 hash, now, last;
	__u64 left; /* of 64 slots from base on */
	__u32 slot, base;
	__u32 swapped; /* only this program stamps */
};

/* What the program before has stamped has left. */
static __always_inline int have_left(struct order *o)
{
	__u64 began = see(&qos_began);

	if (!began)
		qos_began = began = o->now;
	o->swapped = (__s64)(o->now - began) > (__s64)SWAP_NS;
	return (__s64)(o->now - began) > (__s64)(qos_link.longest_ms * NS_A_MS + SWAP_NS);
}

/* The flow was in the class already. */
static __always_inline int is_known(const struct qos_flow *flow, __u32 tag)
{
	return flow && flow->tag == tag && (__u16)(qos_link.generation - flow->generation) <= 1;
}

static __always_inline int is_same_kind(const struct qos_before *was,
					const struct qos_class_cfg *is)
{
	return !((was->flags ^ is->flags) & QOS_CLASS_KIND) && was->host6_len == is->host6_len;
}

/* A flow that found all its places busy has packets without a record: qos_flow_place(). */
static __always_inline void heed_places(__u64 hash, __u32 slot, const struct qos_clocks *clk,
					struct order *o)
{
	__u32 tag = flow_tag(hash), own = 0, mate;

	for (__u32 i = 0; i < FLOW_PLACES; i++) {
		const struct qos_flow *flow = flow_at_place(hash, i);

		if (!flow || flow->tag != tag)
			continue;
		own = 1;
		if (flow->generation != (__u16)qos_link.generation)
			o->last = later(o->last, flow->last);
	}
	if (!own)
		o->last = later(o->last, last_unrecorded(hash, slot, clk, o->now, &mate));
}

/* What a class that is gone for longer was like nobody knows: as this one, let us say. */
static long look_in_class(__u32 bit, struct order *o)
{
	__u32 slot = o->base + bit, flags, len;
	const struct qos_clocks *clk;
	const struct qos_before *was;

	if (o->left >> (bit & (SLOTS_A_WORD - 1)) & 1)
		return 0;
	clk = bpf_map_lookup_elem(&qos_clocks, &slot);
	was = bpf_map_lookup_elem(&qos_before, &slot);
	if (!clk || !was || ((__s64)(see(&clk->busy) - o->now) <= 0 && !was->unsure)) {
		o->left |= (__u64)o->swapped << (bit & (SLOTS_A_WORD - 1));
		return 0;
	}
	if (slot == o->slot && is_same_kind(was, o->cls))
		return 0;
	flags = was->flags & QOS_CLASS_LEAF ? was->flags : o->cls->flags;
	len = was->flags & QOS_CLASS_LEAF ? was->host6_len : o->cls->host6_len;
	heed_places(flow_hash_in(o->facts, o->hash, slot, flags, len), slot, clk, o);
	return 0;
}

/* Each class is looked at until it is found without a queue, so soon there is nothing to look at.
 */
static long look_in_classes(__u32 word, struct order *o)
{
	__u64 *left = &qos_left[word & (SLOT_WORDS - 1)], seen = see(left);

	if (seen == ~0ULL)
		return 0;
	o->base = word * SLOTS_A_WORD;
	o->left = seen;
	bpf_loop(SLOTS_A_WORD, look_in_class, o, 0);
	if (o->left != seen)
		__sync_fetch_and_or(left, o->left);
	return 0;
}

/*
 * Not a flow that the class has a record of already; but of hosts, and of classes that tell none
 * apart, each packet may be the first that comes from elsewhere.
 */
static __always_inline int has_record(const struct qos_class_cfg *cls, __u64 hash)
{
	__u32 tag = flow_tag(hash), known = 0;

	if ((cls->flags & QOS_CLASS_KIND) != QOS_CLASS_FAIR)
		return 0;
	for (__u32 i = 0; i < FLOW_PLACES; i++)
		known |= is_known(flow_at_place(hash, i), tag);
	return known;
}

/* The flow's record, or what it shares, knows from now on of what waits elsewhere. */
__noinline int qos_order(const struct facts *f, __u32 slot, __u64 packet_hash, __u64 now)
{
	struct order o = { .facts = f, .slot = slot, .hash = packet_hash, .now = now };
	struct flow_ref ref;
	struct path p;

	if (have_left(&o))
		return 0;
	if (!f || find_leaf(slot, &p) || has_record(p.cls, flow_hash(f, packet_hash, &p)))
		return 0;
	o.cls = p.cls;
	bpf_loop((qos_link.slots + SLOTS_A_WORD - 1) / SLOTS_A_WORD, look_in_classes, &o, 0);
	if (o.last <= now)
		return 0;
	find_flow(f, packet_hash, &p, now, &ref);
	qos_flow_departs(slot, ref.place, o.last);
	return 0;
}

#endif
