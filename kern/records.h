/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records of flows: a fixed table, four places to choose from for each flow, by a
 * salted hash. A record whose flow is idle is taken by the next one that comes to
 * it; nothing is allocated.
 */
#ifndef QOS_RECORDS_H
#define QOS_RECORDS_H

#include "hash.h"
#include "packet.h"
#include "tree.h"

/* A flow that has sent nothing for so long after its last departure gives its record up. */
#define FLOW_IDLE_NS 100000000ULL

/* An address's network of len bits (IPv6), or all of it (IPv4). */
__noinline __u64 qos_host_hash(const struct facts *f, __u32 source, __u32 len)
{
	__u64 high, low;
	__u32 key;

	if (!f)
		return 0;
	high = source ? f->src[0] : f->dst[0];
	low = source ? f->src[1] : f->dst[1];
	key = f->key;

	if ((key & QOS_KEY_FAMILY(0xff)) == QOS_KEY_FAMILY(QOS_FAMILY_IPV6)) {
		if (len <= 64)
			low = 0;
		if (len < 64)
			high &= bpf_cpu_to_be64(~0ULL << (64 - len));
		else if (len > 64 && len < 128)
			low &= bpf_cpu_to_be64(~0ULL << (128 - len));
	}
	return spread(salted(high, 0) + salted(low, 1));
}

/* hash: of the packet's facts; flags, host6_len: what a flow of the class is. */
static __always_inline __u64 flow_hash_in(const struct facts *f, __u64 hash, __u32 slot,
					  __u32 flags, __u32 host6_len)
{
	if (!(flags & QOS_CLASS_FAIR))
		hash = qos_link.salt[0];
	else if (flags & (QOS_CLASS_SRC_HOST | QOS_CLASS_DST_HOST))
		hash = qos_host_hash(f, flags & QOS_CLASS_SRC_HOST, host6_len);
	return mix64(hash + slot);
}

static __always_inline __u64 flow_hash(const struct facts *f, __u64 hash, const struct path *p)
{
	return flow_hash_in(f, hash, p->slot, p->cls->flags, p->cls->host6_len);
}

#define FLOW_PLACES 4

/* Of the places for a flow's record the i-th: they differ in the lowest bits. */
static __always_inline __u32 flow_place(__u64 hash, __u32 i)
{
	return ((__u32)hash ^ i) & qos_link.flow_mask;
}

static __always_inline struct qos_flow *flow_at_place(__u64 hash, __u32 i)
{
	__u32 place = flow_place(hash, i);

	return bpf_map_lookup_elem(&qos_flows, &place);
}

/* Tells flows of a place apart; 0 is nobody's. */
static __always_inline __u32 flow_tag(__u64 hash)
{
	return hash >> 32 | 1;
}

/* All bits, or none. One that its own rate holds is not idle, though its last packet has left. */
static __always_inline __u64 is_idle(const struct qos_flow *flow, __u64 now)
{
	return all_if_less(FLOW_IDLE_NS - (now - later(flow->last, flow->cap)));
}

struct flow_ref {
	struct qos_flow *flow;
	__u64 last;   /* the next packet does not depart before */
	__u32 place;  /* of its record */
	__u32 own;    /* else it is another's, and at most tells order */
	__u32 waits;  /* is on the class's wheel */
	__u32 alone;  /* none of the others is */
	__u32 sparse; /* below its share, and ahead of others */
	__u64 v;      /* where there are others, the class's virtual time */
	__u64 ahead;  /* of it, the flow's finish */
};

static __always_inline void name_flow(const struct facts *f, __u32 index)
{
	struct qos_flow_name *name = bpf_map_lookup_elem(&qos_flow_names, &index);

	if (!name)
		return;
	name->src[0] = f->src[0];
	name->src[1] = f->src[1];
	name->dst[0] = f->dst[0];
	name->dst[1] = f->dst[1];
	name->key = f->fragment ? f->key & ~QOS_KEY_PORTS : f->key;
	name->sport = f->sport;
	name->dport = f->dport;
}

static __always_inline void take_flow(struct qos_flow *flow, __u32 tag, __u32 slot, __u64 last,
				      __u64 v)
{
	flow->tag = tag;
	flow->slot = slot;
	flow->shared = 0;
	flow->finish = v;
	flow->last = last;
	flow->cap = 0;
	flow->above = 0;
	flow->next = 0;
	flow->count = 0;
	flow->largest = 0;
	flow->bytes = 0;
	flow->until = 0;
	flow->generation = qos_link.generation;
}

/*
 * Of flows of the class that found no record the last packet departs then: of those that share a
 * record at one of these places, or of those that found none to share. mate: a place whose flow is
 * of the class; FLOW_PLACES: none. Without branches, as in sum_up(), but to share no more what all
 * have left.
 */
static __always_inline __u64 last_unrecorded(__u64 hash, __u32 slot, const struct qos_clocks *clk,
					     __u64 now, __u32 *mate)
{
	/* of an inner class it is something else */
	__u64 last = sooner(see(&clk->unrecorded), see(&clk->busy)), of_class, shared;

	*mate = FLOW_PLACES;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < FLOW_PLACES; i++) {
		struct qos_flow *flow = flow_at_place(hash, i);

		if (!flow) /* never: as in judge() */
			break;
		of_class = all_if_less((__s64)(flow->slot ^ slot) - 1);
		shared = of_class & -(__u64)flow->shared;
		*mate = (*mate & ~of_class) | (i & of_class);
		last = later(last, flow->last & shared);
		if (shared & ~all_if_less(now - flow->last))
			flow->shared = 0;
	}
	return last;
}

#define FLOW_SHARED (1ULL << 32)

/*
 * A flow that finds all its places busy shares one of its class: it waits as its order asks, and is
 * paced as its class is. Of another class it heeds none, whose queue is not its own: where all are,
 * its class knows when what has no record departs. Returns the place, with FLOW_SHARED. A function
 * of its own, which the verifier looks at once, as is the next.
 */
__noinline __u64 qos_share_place(__u32 slot, __u64 hash, __u64 now)
{
	const struct qos_clocks *clk = bpf_map_lookup_elem(&qos_clocks, &slot);
	struct qos_flow *flow;
	__u32 mate;
	__u64 last;

	if (!clk)
		return FLOW_SHARED | flow_place(hash, 0);
	last = last_unrecorded(hash, slot, clk, now, &mate);
	flow = flow_at_place(hash, mate);
	if (mate == FLOW_PLACES || !flow)
		return FLOW_SHARED | flow_place(hash, 0);
	flow->shared = 1;
	flow->last = later(flow->last, last);
	return FLOW_SHARED | flow_place(hash, mate);
}

/*
 * A flow that is not at the first of its places. Who comes to have a record may have had packets
 * without one, and does not depart before them. Returns the place, or FLOW_SHARED.
 */
__noinline __u64 qos_flow_place(const struct facts *f, __u32 slot, __u64 hash, __u64 now)
{
	const struct qos_clocks *clk = bpf_map_lookup_elem(&qos_clocks, &slot);
	__u32 tag = flow_tag(hash), vacant = FLOW_PLACES, place, mate;
	struct qos_flow *flow;
	__u64 last, idle;

	if (!clk || !f)
		return FLOW_SHARED;
#pragma clang loop unroll(disable)
	for (__u32 i = FLOW_PLACES; i-- > 0;) {
		place = flow_place(hash, i);
		flow = bpf_map_lookup_elem(&qos_flows, &place);
		if (!flow)
			return FLOW_SHARED;
		if (flow->tag == tag)
			return place;
		idle = is_idle(flow, now);
		vacant = (vacant & ~idle) | (i & idle);
	}
	place = flow_place(hash, vacant);
	flow = bpf_map_lookup_elem(&qos_flows, &place);
	if (vacant == FLOW_PLACES || !flow)
		return FLOW_SHARED;
	last = last_unrecorded(hash, slot, clk, now, &mate);
	take_flow(flow, tag, slot, (__s64)(last - now) > 0 ? last : 0,
		  virtual_now(&clk->pace[0], now));
	name_flow(f, place);
	return place;
}

static __always_inline void find_flow(const struct facts *f, __u64 packet_hash,
				      const struct path *p, __u64 now, struct flow_ref *ref)
{
	__u64 hash = flow_hash(f, packet_hash, p), place;
	__u32 tag = flow_tag(hash), index = flow_place(hash, 0);

	ref->own = 1;
	ref->place = index;
	ref->flow = bpf_map_lookup_elem(&qos_flows, &index);
	if (!ref->flow)
		return;
	ref->last = ref->flow->last;
	if (ref->flow->tag == tag)
		return;
	place = qos_flow_place(f, p->slot, hash, now);
	if (place & FLOW_SHARED)
		place = qos_share_place(p->slot, hash, now);
	index = place;
	ref->place = index;
	ref->own = !(place & FLOW_SHARED);
	ref->flow = bpf_map_lookup_elem(&qos_flows, &index);
	if (ref->flow)
		ref->last = ref->flow->slot == p->slot ? ref->flow->last : see(&p->clk->unrecorded);
}

/*
 * A packet of a flow departs as late as at: what the next one will find as its last. A function of
 * its own, which the verifier looks at once.
 */
__noinline int qos_flow_departs(__u32 slot, __u32 place, __u64 at)
{
	struct qos_flow *flow = bpf_map_lookup_elem(&qos_flows, &place);
	struct qos_clocks *clk = bpf_map_lookup_elem(&qos_clocks, &slot);

	if (!flow || !clk)
		return 0;
	if (flow->slot == slot)
		flow->last = later(flow->last, at);
	else
		clk->unrecorded = later(clk->unrecorded, at);
	return 0;
}

#endif
