/* SPDX-License-Identifier: GPL-2.0-only */
/* Flows of a class: when the next packet of each departs, and what it is charged for. */
#ifndef QOS_FLOW_H
#define QOS_FLOW_H

#include "records.h"

/*
 * What flows below their share may send ahead of the others: a quarter of what the class has in
 * small packets, and a quarter in others, so that a query need not wait for bulk flows that are
 * short of their shares for a moment, as many of them on a slow link are in turn.
 */
#define SPARSE_SMALL	512
#define SPARSE_BURST_NS 20000000ULL /* of that at once */

static __always_inline __u64 *sparse_clock(struct qos_clocks *clk, __u64 bytes)
{
	return &clk->sparse[bytes > SPARSE_SMALL];
}

/*
 * Of what a class sends that has no queue, each 2^sample_shift bytes, a millisecond of its rate,
 * are told to the flow whose packet makes them full: right for a flow in the mean, and of a fast
 * class most packets cost nothing. sum: of all bytes, these included.
 */
static __always_inline __u64 sample_of(const struct qos_class_cfg *cls, __u64 sum, __u64 bytes)
{
	__u32 shift = cls->sample_shift & 31;

	return ((sum >> shift) - ((sum - bytes) >> shift)) << shift;
}

__noinline int qos_sample(const struct facts *f, __u32 slot, __u64 packet_hash)
{
	struct flow_ref ref;
	struct path p;
	__u64 now;

	if (!f || find_leaf(slot, &p))
		return 0;
	now = f->sampled;
	find_flow(f, packet_hash, &p, now, &ref);
	if (!ref.flow || !ref.own)
		return 0;
	ref.flow->bytes += f->sample;
	if ((__s64)(now - ref.flow->last) > 0)
		ref.flow->last = now;
	return 0;
}

/* A frame: as much as a flow may have sent beyond its share and still be sparse. */
#define SPARSE_BYTES 2048ULL

/*
 * Of a flow that was alone, which is not charged for sharing: its queue is what it is ahead. Not so
 * where others without a record share it, whose queue that is: at the speed of many flows it would
 * be seconds.
 */
#define FINISH_ALONE 0

static __always_inline __u64 flow_ahead(const struct qos_pace *pace, const struct qos_flow *flow,
					__u64 v, __u64 now)
{
	if (flow->finish == FINISH_ALONE)
		return flow->shared ? 0 :
				      virtual_in(sooner(less(flow->last, now), VIRTUAL_DT_MAX),
						 pace->speed);
	return finish_ahead(flow->finish, v);
}

/*
 * Where flows of the class wait: one that is below its share goes ahead of them, one that
 * waits goes when virtual time says.
 */
static __always_inline __u64 fair_at(const struct path *p, struct flow_ref *ref, __u64 now,
				     __u64 class_at, __u64 bytes)
{
	const struct qos_pace *pace = &p->clk->pace[0];
	const struct qos_flow *flow = ref->flow;
	__u64 cost = bytes << QOS_VIRTUAL_SHIFT, zero = unknown_zero(p->cls), wait;

	ref->v = virtual_now(pace, now);
	ref->ahead = flow_ahead(pace, flow, ref->v, now) + zero;
	ref->sparse = !ref->waits && ref->ahead + cost <= SPARSE_BYTES << QOS_VIRTUAL_SHIFT &&
		      (__s64)(now - flow->last) >= 0;
	if (ref->sparse)
		return later(now, sooner(class_at, see(sparse_clock(p->clk, bytes))));
	/* what comes as one long packet waits for as long as it takes to send it */
	if (!ref->ahead && bytes > SPARSE_BYTES) {
		ref->ahead = cost;
		ref->v -= cost;
	}
	wait = wait_for(pace, ref->ahead + zero) + zero;
	/* a class in time is never more ahead than its flows may be */
	return later(less(class_at, p->cls->limit_ns) + zero, now + wait);
}

/*
 * Where nobody waits, what the class is ahead is mostly the packet before this one. Of a flow whose
 * packets all leave at once that may be one of many segments, which takes the class's time as a
 * queue would: a short packet of a flow that did not send it is not alone, and need not wait for
 * it. Not so a flow that sends as much as it may: nothing but the class's clock bounds one that is
 * alone, as its speed, an estimate, may be too fast for ever. Nor where that clock is further ahead
 * than those who share it bring it (borrow_at()), twice the limit, as that of a priority that is
 * left nothing: what passed there would be too much for ever. A function of its own, for
 * qos_shape()'s stack.
 */
__noinline int qos_is_behind_others(__u32 slot, __u32 place, __u64 now, __u64 class_at, __u64 bytes)
{
	const struct qos_flow *flow = bpf_map_lookup_elem(&qos_flows, &place);
	const struct qos_pace *pace;
	struct path p;

	if (!flow || find_leaf(slot, &p))
		return 0;
	pace = &p.clk->pace[0];
	/* twice: the class's speed is of late */
	return flow->last <= now && class_at - now <= 2 * p.cls->limit_ns &&
	       class_at - flow->last >
		       wait_for(pace, (__u64)flow->largest << (4 + 1 + QOS_VIRTUAL_SHIFT)) &&
	       flow_ahead(pace, flow, virtual_now(pace, now), now) + (bytes << QOS_VIRTUAL_SHIFT) <=
		       SPARSE_BYTES << QOS_VIRTUAL_SHIFT;
}

/* When the flow's next packet departs, given when its class's may. */
static __always_inline __u64 flow_at(const struct path *p, struct flow_ref *ref, __u64 now,
				     __u64 class_at, __u64 bytes)
{
	const struct qos_flow *flow = ref->flow;
	__u64 at, zero = unknown_zero(p->cls);
	__u32 flags = ref->own ? p->cls->flags : 0;

	at = class_at += zero;
	ref->v = 0;
	ref->ahead = 0;
	ref->sparse = 0;
	ref->waits = is_waiting(flow->until, now, p->cls->period_shift & 31);
	ref->alone = class_at <= now ||
		     (p->clk->pace[0].waiting <= ref->waits &&
		      (ref->waits || bytes > SPARSE_BYTES ||
		       !qos_is_behind_others(p->slot, ref->place, now, class_at, bytes)));
	if (flags & QOS_CLASS_FAIR && !ref->alone)
		at = fair_at(p, ref, now, class_at, bytes) + zero;
	if (flags & QOS_CLASS_PER_FLOW)
		at = later(at, flow->cap);
	/* never before the one before it, nor at once with it: they may leave by two queues */
	if (ref->last > now && at <= ref->last + qos_link.spread_ns)
		at = later(at, ref->last + clock_cost(bytes, p->cls->ceil_cost));
	ref->own += zero;
	ref->waits += zero;
	ref->alone += zero;
	ref->sparse += zero;
	ref->ahead += zero;
	ref->v += zero;
	return at;
}

/* Once a turn: a function of its own, which the verifier looks at once. */
__noinline int qos_flow_waits(__u32 slot, __u32 place, __u64 now, __u64 until)
{
	struct qos_flow *flow = bpf_map_lookup_elem(&qos_flows, &place);
	struct path p;

	if (flow && !find_leaf(slot, &p))
		wait_until(&p.clk->pace[0], &flow->until, 1, now, until, p.cls->period_shift & 31);
	return 0;
}

/* The clocks that few flows have. A function of its own, which the verifier looks at once. */
__noinline int qos_charge_flow(__u32 slot, __u32 place, __u64 now, __u64 bytes, __u32 sparse)
{
	struct qos_flow *flow = bpf_map_lookup_elem(&qos_flows, &place);
	struct path p;

	if (!flow || find_leaf(slot, &p))
		return 0;
	if (p.cls->flags & QOS_CLASS_PER_FLOW)
		clock_take(&flow->cap, now, clock_cost(bytes, p.cls->flow_cost));
	if (sparse)
		clock_take(sparse_clock(p.clk, bytes), now - SPARSE_BURST_NS,
			   clock_cost(bytes, p.clk->sparse_cost));
	return 0;
}

/* Without atomics: a flow is on one CPU at a time, and what a race loses is its own fairness. */
static __always_inline void charge_fair(const struct path *p, const struct flow_ref *ref, __u64 now,
					__u64 class_at, __u64 at, __u64 bytes)
{
	struct qos_pace *pace = &p->clk->pace[0];
	__u64 cost = bytes << QOS_VIRTUAL_SHIFT, until = at;
	__u32 shift = p->cls->period_shift & 31;

	if (ref->sparse || (!ref->ahead && !ref->waits))
		pace->other += bytes;
	ref->flow->finish = ref->alone ? FINISH_ALONE : ref->v + ref->ahead + cost;
	if (!ref->alone) {
		/* who waits for a clock of its own says nothing of the class's */
		if (!(p->cls->flags & QOS_CLASS_PER_FLOW) || at != ref->flow->cap)
			p->clk->early += (__s64)(class_at - at) * (__s64)bytes;
		if (!ref->ahead || ref->sparse)
			return;
		until = now + sooner(wait_for(pace, ref->ahead + cost), 2 * p->cls->limit_ns);
	}
	if (until <= now)
		return;
	until += 1ULL << shift;
	if (is_later_turn(pace, ref->flow->until, now, until, shift))
		qos_flow_waits(p->slot, ref->place, now, until);
}

static __always_inline void charge_flow(const struct path *p, const struct flow_ref *ref, __u64 now,
					__u64 class_at, __u64 at, __u64 bytes)
{
	struct qos_flow *flow = ref->flow;

	if (!ref->own) {
		qos_flow_departs(p->slot, ref->place, at);
		return;
	}
	if ((__s64)(at - flow->last) > 0)
		flow->last = at;
	flow->bytes += bytes;
	flow->generation = qos_link.generation;
	if (bytes >> 4 > flow->largest)
		flow->largest = bytes >> 4;
	if (p->cls->flags & QOS_CLASS_FAIR)
		charge_fair(p, ref, now, class_at, at, bytes);
	if (ref->sparse || p->cls->flags & QOS_CLASS_PER_FLOW)
		qos_charge_flow(p->slot, ref->place, now, bytes, ref->sparse);
}

#endif
