/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When a class may send next, and what that costs whom: D = max(now, U, min(A, borrow)).
 * README.md beside this file has the whole of it.
 */
#ifndef QOS_TREE_H
#define QOS_TREE_H

#include "path.h"

struct departure {
	__u64 at;	/* of the class's next packet */
	__u64 v, ahead; /* virtual time that it shares in; of it, its finish */
	/* whole words, which the verifier follows on the stack as it does in registers */
	__u64 own;   /* the class's own guarantee decided */
	__u64 free;  /* what lends is idle */
	__u64 held;  /* its own ceiling makes it wait: it does not want what others may have */
	__u64 alone; /* nobody else waits for what is borrowed */
};

static __always_inline __u64 see(const __u64 *clock)
{
	return *(volatile __u64 *)clock;
}

/*
 * The ceilings on the way, of which the nearest is often the only one: the link's.
 * Those above it are for functions of their own, which the verifier looks at once.
 */
__noinline __u64 qos_lenders_above(__u32 slot, __u32 level)
{
	__u64 at = 0;

	for (int i = 0; i < DEPTH_MAX && slot != QOS_NO_SLOT; i++) {
		const struct qos_class_cfg *cfg = bpf_map_lookup_elem(&qos_classes, &slot);
		const struct qos_clocks *clk = bpf_map_lookup_elem(&qos_clocks, &slot);

		if (!cfg || !clk)
			break;
		at = later(at, see(&clk->ceil[level_index(level)]));
		slot = cfg->hard;
	}
	return at;
}

/* at <= now, without a branch: what follows is one way for the verifier. */
static __always_inline __u64 is_past(__u64 at, __u64 now)
{
	return (now - at) >> 63 ^ 1;
}

/* The time from which on the nearest lets something pass that is borrowed, and then all. */
static __always_inline __u64 lender_at(const struct path *p)
{
	return see(&p->lender_clk->ceil[level_of(p)]);
}

static __always_inline __u64 lenders(const struct path *p, __u64 nearest)
{
	__u32 hard = p->lender->hard;

	return hard == QOS_NO_SLOT ? nearest : later(nearest, qos_lenders_above(hard, level_of(p)));
}

/* Of these levels; costs: of each. */
static __always_inline void charge_levels(const struct qos_class_cfg *cfg, struct qos_clocks *clk,
					  __u64 levels, __u64 now, const __u64 costs[QOS_LEVELS])
{
	__u64 floor = now - cfg->ceil_burst_ns;

	if (levels & 1)
		clock_take(&clk->ceil[0], floor, costs[0]);
	if (levels & 2)
		clock_take(&clk->ceil[1], floor, costs[1]);
	if (levels & 4)
		clock_take(&clk->ceil[2], floor, costs[2]);
}

/* Of all levels that give way to this one. */
static __always_inline void charge_lender(const struct qos_class_cfg *cfg, struct qos_clocks *clk,
					  __u32 level, __u64 now, __u64 bytes)
{
	__u64 cost = clock_cost(bytes, cfg->ceil_cost);

	charge_levels(cfg, clk, cfg->levels >> level << level, now,
		      (__u64[QOS_LEVELS]){ cost, cost, cost });
}

#define COVERED_ALL (1U << QOS_COVERED_BITS)

/* What one guarantee leaves, the next one may cover. */
static __always_inline __u32 covered_with(__u32 covered, __u32 next)
{
	return covered + ((COVERED_ALL - covered) * next >> QOS_COVERED_BITS);
}

/* What a level before, or after, the packet's own is charged: of all, or what is covered. */
static __always_inline __u64 cost_of(__u64 cost, __u64 part, __u32 of, __u32 level)
{
	return cost + ((part - cost) & all_if_less((__s64)of - level));
}

/*
 * Those above the nearest, and of what guarantees on the way cover, in 2^-15, the levels before its
 * own as well, which give way to that. No branch more than charge_lender() has.
 */
__noinline int qos_charge_above(__u32 slot, __u32 level, __u64 now, __u64 bytes, __u32 covered)
{
	level = level_index(level);
	for (int i = 0; i < DEPTH_MAX && slot != QOS_NO_SLOT; i++) {
		const struct qos_class_cfg *cfg = bpf_map_lookup_elem(&qos_classes, &slot);
		struct qos_clocks *clk = bpf_map_lookup_elem(&qos_clocks, &slot);
		__u64 cost, part;

		if (!cfg || !clk)
			break;
		cost = clock_cost(bytes, cfg->ceil_cost);
		part = cost * covered >> QOS_COVERED_BITS;
		charge_levels(cfg, clk, cfg->levels & (all_if_less(-(__s64)covered) | ~0U << level),
			      now,
			      (__u64[QOS_LEVELS]){ cost_of(cost, part, 0, level),
						   cost_of(cost, part, 1, level), cost });
		covered = covered_with(covered, clk->covered[level]);
		slot = cfg->hard;
	}
	return 0;
}

/* Of the nearest alone, where classes without ceilings are before it. */
__noinline int qos_charge_covered(__u32 slot, __u32 level, __u64 now, __u64 bytes, __u32 covered)
{
	const struct qos_class_cfg *cfg = bpf_map_lookup_elem(&qos_classes, &slot);
	struct qos_clocks *clk = bpf_map_lookup_elem(&qos_clocks, &slot);
	__u64 part;

	if (!cfg || !clk)
		return 0;
	part = clock_cost(bytes, cfg->ceil_cost) * covered >> QOS_COVERED_BITS;
	charge_levels(cfg, clk, cfg->levels & ~(~0U << level_index(level)), now,
		      (__u64[QOS_LEVELS]){ part, part, part });
	return 0;
}

static __always_inline void charge_lenders(const struct path *p, __u32 level, __u64 now,
					   __u64 bytes)
{
	__u32 covered = p->cls->hard == p->cls->parent ? 0 : p->above->covered[level];

	charge_lender(p->lender, p->lender_clk, level, now, bytes);
	if (covered)
		qos_charge_covered(p->cls->hard, level, now, bytes, covered);
	if (p->lender->hard != QOS_NO_SLOT)
		qos_charge_above(p->lender->hard, level, now, bytes,
				 covered_with(covered, p->lender_clk->covered[level]));
}

/* Of a leaf, on its parent's wheel: less than all where its own ceiling bounds it (leaf.h). */
#define SPARED_SHIFT 16

static __always_inline __u32 weight_of(const struct path *p)
{
	__u64 weight = p->cls->weight;

	return weight - (weight * p->clk->spared >> SPARED_SHIFT);
}

/* Of who waits: its parent has been looked at since it began to. Without a branch. */
static __always_inline __u64 is_counted(const struct path *p)
{
	return (p->clk->since - shared_pace(p)->t) >> 63;
}

/* What lends does not wait for a share of what is above it: its own ceiling is all that counts. */
static __always_inline int is_lender_bounded(const struct path *p)
{
	return p->lender->hard == QOS_NO_SLOT ||
	       p->lender_clk->placed[level_of(p)] < p->lender->weight;
}

/*
 * Nobody else waits at its level or before it, on all of the way to what lends, and nothing above
 * that makes it wait. lend: of all lenders.
 */
static __always_inline int is_alone(const struct path *p, __u64 nearest, __u64 lend, __u64 now)
{
	const struct qos_pace *pace = shared_pace(p);

	if (p->cls->hard != p->cls->parent || lend != nearest || !is_lender_bounded(p))
		return 0;
	return !pace->crowd || (pace->crowd <= weight_of(p) * is_counted(p) &&
				is_waiting(p->clk->until, now, p->cls->parent_shift & 31));
}

/*
 * So much of it sent on a guarantee of the class above, it waits for nothing that others borrow
 * beyond that.
 */
#define COVERED_MOST (COVERED_ALL - (COVERED_ALL >> 2))

static __always_inline __u64 borrow_at(const struct path *p, __u64 now, struct departure *d)
{
	const struct qos_pace *pace = shared_pace(p);
	__u64 nearest = lender_at(p), lend = lenders(p, nearest);

	d->free = is_past(lend, now);
	d->alone = is_alone(p, nearest, lend, now);
	if (d->alone)
		return lend;
	d->v = virtual_now(pace, now);
	d->ahead = finish_ahead(see(&p->clk->share), d->v);
	if (d->free || qos_link.mode == QOS_MODE_POLICE)
		return lend;
	if (p->above->covered[level_of(p)] > COVERED_MOST)
		lend = 0;
	/* paced by what it may have: what the clock has ahead is mostly others' queues */
	return later(less(lend, p->lender->limit_ns), now + wait_for(pace, d->ahead));
}

static __always_inline void depart(const struct path *p, __u64 now, struct departure *d)
{
	__u64 at = now, assured, zero = unknown_zero(p->cls);
	__u32 flags = p->cls->flags;

	d->v = d->ahead = 0;
	d->free = d->alone = d->held = 0;
	d->own = ~flags / QOS_CLASS_BORROW & 1;
	if (flags & QOS_CLASS_BORROW)
		at = borrow_at(p, now, d);
	if (flags & QOS_CLASS_RATE) {
		assured = later(see(&p->clk->rate), now - p->cls->rate_burst_ns);
		d->own = is_past(assured, at);
		at = sooner(assured, at);
	}
	if (flags & QOS_CLASS_CEIL) {
		__u64 own = see(&p->clk->ceil[0]);

		d->held = is_past(own, at) ^ 1;
		at = later(at, own);
	}
	d->at = later(at, now);
	d->alone += zero;
	d->held += zero;
	d->v += zero;
	d->ahead += zero;
}

/* One that is too far ahead is of another parent's virtual time, and starts from v too. */
static __always_inline void finish_take(__u64 *finish, __u64 v, __u64 cost)
{
	__u64 seen = see(finish);

	clock_move(finish, seen, seen - v >= STALE, v, cost);
}

/* Plain: a race loses one of many. */
static __always_inline void note_ahead(__u64 *least, __u64 ahead)
{
	if (see(least) - 1 > ahead)
		*(volatile __u64 *)least = ahead + 1;
}

/* Be on the parent's wheel until time, and for the rest of its turn. */
static __always_inline void wait_for_share(const struct path *p, __u64 now, __u64 until)
{
	__u32 shift = p->cls->parent_shift & 31;

	if (!is_waiting(p->clk->until, now, shift))
		p->clk->weight = weight_of(p);
	if (wait_until(shared_pace(p), &p->clk->until, p->clk->weight, now, until + (1ULL << shift),
		       shift))
		p->clk->since = now;
}

/* Move the class's finish on; who had no wait starts from now's virtual time. */
static __always_inline void charge_share(const struct path *p, const struct departure *d, __u64 now,
					 __u64 bytes)
{
	struct qos_pace *pace = shared_pace(p);
	__u64 cost = virtual_cost(pace, bytes, p->cls->share_cost);
	__u64 ahead = d->ahead, until = d->at;

	*(volatile __u64 *)&p->clk->borrowed_until = d->at;
	if (!d->held)
		note_ahead(&p->above->least[level_of(p)], d->free ? ahead : 0);
	if (!d->alone) {
		/* what nobody else wanted is not held against it */
		if (!d->free || pace->crowd > weight_of(p) || ahead <= reach(pace) >> ALONE_SHIFT)
			finish_take(&p->clk->share, d->v, cost);
		if (!(ahead & (d->held - 1)))
			return;
		until = now + wait_for(pace, ahead + cost);
	}
	if (until > now)
		wait_for_share(p, now, until);
}

/*
 * Charge a packet of a class to the clocks that it was found to depend on. Called when all else is
 * done for the packet: a CPU goes on after what is atomic only when that is done. at: when it
 * departs, which is earlier than the class's next packet where its flow is ahead of the queue.
 */
static __always_inline void charge_clocks(const struct path *p, __u64 now, __u64 at, __u64 bytes,
					  const struct departure *d)
{
	__u32 flags = p->cls->flags, level = 0;

	if (flags & QOS_CLASS_CEIL)
		clock_take(&p->clk->ceil[0], sooner(d->at, at) - p->cls->ceil_burst_ns,
			   clock_cost(bytes, p->cls->ceil_cost));
	/* plain: what a race loses is little of an estimate, that the clocks put right */
	if (d->own) {
		if (flags & QOS_CLASS_RATE)
			clock_take(&p->clk->rate, now - p->cls->rate_burst_ns,
				   clock_cost(bytes, p->cls->rate_cost));
		p->clk->sent_rate += bytes;
	} else {
		p->clk->sent_share += bytes;
		level = level_of(p);
	}
	if (has_parent(p->cls))
		charge_lenders(p, level, now, bytes);
}

/* And to its share: a function of its own, which the verifier looks at once. */
__noinline int qos_charge_share(__u32 slot, __u64 now, __u64 bytes, const struct departure *d)
{
	struct path p;

	if (d && !find_path(slot, &p))
		charge_share(&p, d, now, bytes);
	return 0;
}

/* Alone, and on the wheel for long enough: its share is not charged. */
static __always_inline int is_settled(const struct path *p, const struct departure *d, __u64 now)
{
	__u32 shift = p->cls->parent_shift & 31;

	return d->alone && (d->at <= now || !is_later_turn(shared_pace(p), p->clk->until, now,
							   d->at + (1ULL << shift), shift));
}

static __always_inline void charge(const struct path *p, __u64 now, __u64 at, __u64 bytes,
				   const struct departure *d)
{
	charge_clocks(p, now, at, bytes, d);
	if (!d->own && !is_settled(p, d, now))
		qos_charge_share(p->slot, now, bytes, d);
}

/* A class that drops what it is sent wants its share as before. */
__noinline int qos_still_waits(__u32 slot, __u64 now, __u64 at)
{
	struct path p;

	if (find_path(slot, &p))
		return 0;
	wait_for_share(&p, now, at);
	return 0;
}

#define BUSY_ATTEMPTS 4

/* Once a step: a function of its own, which the verifier looks at once. */
__noinline int qos_be_busy(__u32 slot, __u64 at)
{
	struct qos_clocks *clk = bpf_map_lookup_elem(&qos_clocks, &slot);
	__u64 seen, was;

	if (!clk)
		return 0;
	seen = see(&clk->busy);
	for (int i = 0; i < BUSY_ATTEMPTS; i++) {
		if ((__s64)(at - seen) < 0)
			return 0;
		was = __sync_val_compare_and_swap(&clk->busy, seen, at + QOS_BUSY_STEP_NS);
		if (was == seen)
			return 0;
		seen = was;
	}
	if ((__s64)(at - seen) >= 0)
		__sync_fetch_and_add(&clk->busy, at - seen);
	return 0;
}

/* A packet of the class departs as late as at: until then, and a little more, it is busy. */
static __always_inline void be_busy(const struct path *p, __u64 at)
{
	if ((__s64)(at - see(&p->clk->busy)) >= 0)
		qos_be_busy(p->slot, at);
}

/*
 * Nobody waits for what the class has, nor it for anybody: its packet leaves as it came, before
 * none of its flow (of which none waits in another class either), and needs no record of it.
 */
static __always_inline int is_quiet(const struct path *p, const struct departure *d, __u64 now)
{
	return d->at <= now && (d->own | d->free) && now >= see(&p->clk->busy) &&
	       now >= qos_link.settled && !(p->cls->flags & QOS_CLASS_PER_FLOW) &&
	       !p->above->contended;
}

#endif
