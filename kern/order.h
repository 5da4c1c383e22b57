/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * New rules may move a flow to another class while packets of it wait in the queue of the one
 * before: the next ones do not overtake them. Asked once for each flow, and only as long as
 * packets may wait that the program before this one has stamped. Where rules send packets of one
 * flow to several classes on purpose none waits for the other: it was in each of them before.
 */
#ifndef QOS_ORDER_H
#define QOS_ORDER_H

#include "flow.h"

struct order {
	const struct facts *facts;
	const struct qos_class_cfg *cls; /* of the flow's class now */
	__u64 hash, last;
	__u32 slot;
};

/* The flow was in the class already. */
static __always_inline int is_known(const struct qos_flow *flow, __u32 tag)
{
	return flow && flow->tag == tag && (__u16)(qos_link.generation - flow->generation) <= 1;
}

static __always_inline void heed(const struct qos_flow *flow, __u32 tag, struct order *o)
{
	if (flow && flow->tag == tag && flow->generation != (__u16)qos_link.generation)
		o->last = later(o->last, flow->last);
}

/* What a class that is gone was like nobody knows: as this one, let us say. */
static long look_in_class(__u32 slot, struct order *o)
{
	struct path p = { .slot = slot };
	__u32 index, second;
	__u64 hash;

	p.cls = bpf_map_lookup_elem(&qos_classes, &slot);
	if (!p.cls || slot == o->slot)
		return 0;
	if (!p.cls->limit_ns)
		p.cls = o->cls;
	hash = flow_hash(o->facts, o->hash, &p);
	index = flow_index(hash);
	second = index ^ 1;
	heed(bpf_map_lookup_elem(&qos_flows, &index), flow_tag(hash), o);
	heed(bpf_map_lookup_elem(&qos_flows, &second), flow_tag(hash), o);
	return 0;
}

/* A flow that comes from another class begins with a record that knows of what it has there. */
__noinline int qos_order(const struct facts *f, __u32 slot, __u64 packet_hash, __u64 now)
{
	struct order o = { .facts = f, .slot = slot, .hash = packet_hash };
	struct path p = { .slot = slot };
	struct flow_ref ref;
	__u32 index, second;
	__u64 hash;

	o.cls = p.cls = bpf_map_lookup_elem(&qos_classes, &slot);
	if (!f || !p.cls)
		return 0;
	hash = flow_hash(f, packet_hash, &p);
	index = flow_index(hash);
	second = index ^ 1;
	if (is_known(bpf_map_lookup_elem(&qos_flows, &index), flow_tag(hash)) ||
	    is_known(bpf_map_lookup_elem(&qos_flows, &second), flow_tag(hash)))
		return 0;
	bpf_loop(qos_link.slots, look_in_class, &o, 0);
	if (o.last <= now)
		return 0;
	find_flow(f, packet_hash, &p, now, &ref);
	if (ref.flow && ref.own)
		ref.flow->last = later(ref.flow->last, o.last);
	return 0;
}

#endif
