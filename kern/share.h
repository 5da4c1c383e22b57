/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The look at shares, every period: how fast the children of a class may go
 * that wait, and the flows of a leaf. From the top down each takes what the one
 * above has for it; from the bottom up each tells what it has sent.
 */
#ifndef QOS_SHARE_H
#define QOS_SHARE_H

#include "pace.h"
#include "tree.h"

/* How fast rates follow: those for the shares, and those for people. */
#define USED  2
#define SHOWN 5

/* Of what there is, left to a level that waits though all is taken: TCP does not stop. */
#define TRICKLE_SHIFT 7

static __always_inline int is_due(__u64 *next, __u64 now, __u64 period)
{
	__u64 seen = see(next);

	return (__s64)(now - seen) >= 0 &&
	       __sync_val_compare_and_swap(next, seen, now + period) == seen;
}

static __always_inline __u64 packet_time(const struct qos_class_cfg *cfg, __u64 rate)
{
	return (__u64)cfg->packet_bytes * NS_PER_SEC / (rate ? rate : 1);
}

/* A standing queue that keeps a clock from running dry between two packets. */
static __always_inline __u64 queue_wanted(__u64 packet, __u64 period)
{
	return later(period / 2, packet + packet / 2);
}

static __always_inline void tell(struct qos_clocks *above, __u32 level, int waits, __u64 guaranteed,
				 __u64 borrowed)
{
	struct qos_pace *pace = &above->pace[level_index(level)];

	if (guaranteed)
		__sync_fetch_and_add(&above->guaranteed, guaranteed);
	if (borrowed)
		__sync_fetch_and_add(waits ? &pace->paced : &pace->other, borrowed);
}

static __always_inline void renew_leaf(const struct path *p, __u64 now, __u64 lead)
{
	__u32 shift = p->cls->period_shift & 31;
	__u64 period = 1ULL << shift, rate = p->cls->ceil, dt, flows, packet;
	__u64 own = __sync_lock_test_and_set(&p->clk->sent_rate, 0);
	__u64 borrowed = __sync_lock_test_and_set(&p->clk->sent_share, 0);
	struct qos_pace *pace = &p->clk->pace[0];

	dt = now - pace->t;
	p->clk->own_rate = follow(p->clk->own_rate, own, dt, period, SHOWN);
	p->clk->borrowed_rate = follow(p->clk->borrowed_rate, borrowed, dt, period, SHOWN);
	if (p->above) {
		tell(p->above, p->cls->level,
		     is_waiting(p->clk->until, now, p->cls->parent_shift & 31), own, borrowed);
		if (p->cls->flags & QOS_CLASS_BORROW)
			rate = p->cls->rate + share_of(shared_pace(p), p->cls->weight);
		if (p->cls->ceil && rate > p->cls->ceil)
			rate = p->cls->ceil;
	}
	flows = pace->waiting;
	pace->other_rate = follow(pace->other_rate, __sync_lock_test_and_set(&pace->other, 0), dt,
				  period, USED);
	pace->share = rate;
	p->clk->sparse_cost = (NS_PER_SEC << (QOS_COST_SHIFT + 1)) / (rate ? rate : 1);
	packet = packet_time(p->cls, rate);
	/* what is changed is seen after a packet of each flow: no faster, or it would swing */
	if (flows > 1)
		rate = steer(rate, rate, lead, queue_wanted(packet, period),
			     later(period, packet * flows));
	set_speed(pace, now, later(less(rate, pace->other_rate), rate >> 2), flows, 1);
}

struct look {
	const struct qos_class_cfg *cfg;
	struct qos_clocks *clk, *above; /* above: may be null */
	__u64 lead[QOS_LEVELS]; /* of the ceiling that counts: its own, or the nearest above */
	__u64 now, dt, used, credit;
	__u64 reserve; /* bytes/s for lower levels that wait */
	__u32 level;
};

/* What of the level's bytes the class's own guarantee covers, and what it borrowed. */
static __always_inline void tell_level(struct look *l, __u64 bytes, __u64 waiting)
{
	__u64 own = sooner(bytes, l->credit);
	struct qos_pace *pace = &l->clk->pace[l->level];
	__u32 shift = l->cfg->parent_shift & 31;

	l->credit -= own;
	if (!l->above)
		return;
	if (waiting)
		wait_until(&l->above->pace[l->level], &pace->until, l->cfg->weight, l->now,
			   l->now + (1ULL << shift), shift);
	tell(l->above, l->level, waiting != 0, own, bytes - own);
}

static __always_inline void renew_level(struct look *l)
{
	const struct qos_class_cfg *cfg = l->cfg;
	struct qos_pace *pace = &l->clk->pace[l->level];
	__u32 shift = cfg->period_shift & 31;
	__u64 period = 1ULL << shift, room, lead, want, packet, time, least;
	__u64 waiting = pace->waiting;
	__u64 paced = __sync_lock_test_and_set(&pace->paced, 0);
	__u64 other = __sync_lock_test_and_set(&pace->other, 0);

	pace->paced_rate = follow(pace->paced_rate, paced, l->dt, period, USED);
	pace->other_rate = follow(pace->other_rate, other, l->dt, period, USED);
	room = less(cfg->rate, l->used);
	if (l->above)
		room += share_of(&l->above->pace[l->level], cfg->weight);
	if (cfg->ceil)
		room = sooner(room, less(cfg->ceil, l->used));
	if (waiting)
		l->reserve = less(l->reserve, cfg->ceil >> TRICKLE_SHIFT);
	room = less(room, l->reserve);
	pace->share = room;
	least = cfg->ceil >> TRICKLE_SHIFT;
	packet = packet_time(cfg, cfg->ceil);
	want = queue_wanted(packet, period);
	time = later(period, packet * ((waiting >> QOS_WEIGHT_BITS) + 1));
	lead = l->lead[l->level];
	if (cfg->flags & QOS_CLASS_CEIL) {
		room = trim(pace, room, lead, want);
		room = steer(room, cfg->ceil, lead, want, time);
	} else if (lead > want) { /* too much may be of its children */
		room = steer(room, room, lead, want, time);
	}
	if (lead > 16 * want)
		least = 0;
	room = later(less(room, pace->other_rate), least);
	set_speed(pace, l->now, room, waiting ? waiting : cfg->weights[l->level], QOS_WEIGHT_ONE);
	l->used += pace->paced_rate + pace->other_rate;
	tell_level(l, paced + other, waiting);
}

/* Packets are long beside a period: what one leaves of the guarantee, another uses later. */
#define CREDIT_PERIODS 16ULL

static __always_inline __u64 bytes_in(__u64 bytes_per_s, __u64 ns)
{
	return (bytes_per_s >> 4) * (ns >> 6) / (NS_PER_SEC >> 10);
}

static __always_inline void renew_node(struct look *l)
{
	__u32 shift = l->cfg->period_shift & 31;
	__u64 guaranteed = __sync_lock_test_and_set(&l->clk->guaranteed, 0);

	l->dt = l->now - l->clk->pace[0].t;
	l->clk->guaranteed_rate =
		follow(l->clk->guaranteed_rate, guaranteed, l->dt, 1ULL << shift, USED);
	l->used = l->clk->guaranteed_rate;
	l->credit = sooner(l->clk->credit + bytes_in(l->cfg->rate, l->dt),
			   bytes_in(l->cfg->rate, CREDIT_PERIODS << shift));
	l->reserve = 0;
	for (__u32 i = 0; i < QOS_LEVELS; i++) {
		if (l->clk->pace[i].waiting)
			l->reserve += l->cfg->ceil >> TRICKLE_SHIFT;
	}
	if (l->above) {
		__u64 own = sooner(guaranteed, l->credit);

		l->credit -= own;
		__sync_fetch_and_add(&l->above->guaranteed, guaranteed);
	}
	for (l->level = 0; l->level < QOS_LEVELS; l->level++)
		renew_level(l);
	l->clk->credit = l->credit;
}

/* Functions of their own, which the verifier looks at once. */
__noinline int qos_renew_leaf(__u32 slot, __u64 now, __u64 lead)
{
	struct path p;

	if (!find_path(slot, &p))
		renew_leaf(&p, now, lead);
	return 0;
}

__noinline int qos_renew_node(__u32 slot, __u64 now)
{
	struct look l = { .now = now };
	const struct qos_clocks *clk;
	__u32 parent, hard;

	l.cfg = bpf_map_lookup_elem(&qos_classes, &slot);
	l.clk = bpf_map_lookup_elem(&qos_clocks, &slot);
	if (!l.cfg || !l.clk)
		return 0;
	parent = l.cfg->parent;
	if (parent != QOS_NO_SLOT)
		l.above = bpf_map_lookup_elem(&qos_clocks, &parent);
	hard = l.cfg->flags & QOS_CLASS_CEIL ? slot : l.cfg->hard;
	clk = bpf_map_lookup_elem(&qos_clocks, &hard);
	for (int i = 0; clk && i < QOS_LEVELS; i++)
		l.lead[i] = ahead_of(clk->ceil[i], now);
	renew_node(&l);
	return 0;
}

/* A class, and all above it that are due. lead: ns that the class's next packet waits. */
__noinline int qos_renew(__u32 slot, __u64 now, __u64 lead)
{
	for (int i = 0; i <= DEPTH_MAX && slot != QOS_NO_SLOT; i++) {
		const struct qos_class_cfg *cfg = bpf_map_lookup_elem(&qos_classes, &slot);
		struct qos_clocks *clk = bpf_map_lookup_elem(&qos_clocks, &slot);

		if (!cfg || !clk)
			break;
		if (is_due(&clk->pace[0].next, now, 1ULL << (cfg->period_shift & 31))) {
			qos_turn_wheel(slot, 0, now);
			if (i) {
				qos_turn_wheel(slot, 1, now);
				qos_turn_wheel(slot, 2, now);
				qos_renew_node(slot, now);
			} else {
				qos_renew_leaf(slot, now, lead);
			}
		}
		slot = cfg->parent;
	}
	return 0;
}

#endif
