/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The look at a leaf, every period: what it sent and what of it still waits, which its parent is
 * told, its place among those that wait, and how fast its flows may go.
 */
#ifndef QOS_LEAF_H
#define QOS_LEAF_H

#include "needs.h"
#include "tell.h"

/* Bytes that a clock of a rate is ahead of now. */
static __always_inline __u64 bytes_ahead(const __u64 *clock, __u64 bytes_per_s, __u64 now)
{
	return bytes_in(bytes_per_s, less(see(clock), now));
}

#define QUEUE_MAX (1ULL << 28) /* bytes: 268 MB */

/*
 * Who is alone is not charged for sharing. Its finish is put where its queue is, which is its
 * part of what the lender is ahead, so that it does not start anew when another comes. Of flows
 * that begin together all is charged within a moment: it leaves no faster than the level may.
 */
static __always_inline void queue_up(const struct path *p, __u64 now)
{
	const struct qos_pace *pace = shared_pace(p);
	__u64 rate = sooner(pace->paced_rate, pace->share);
	__u64 bytes = bytes_ahead(&p->above->ceil[level_of(p)], rate, now);

	p->clk->borrowed_until = lender_at(p);
	p->clk->share = virtual_now(pace, now) +
			virtual_cost(pace, sooner(bytes, QUEUE_MAX), p->cls->share_cost);
}

/* Bytes that the class's finish is ahead. */
static __always_inline __u64 borrowed_ahead(const struct path *p, __u64 now, __u64 share_cost)
{
	const struct qos_pace *pace = shared_pace(p);

	return virtual_bytes(pace, finish_ahead(see(&p->clk->share), virtual_now(pace, now)),
			     share_cost);
}

/*
 * At another weight the same bytes are another virtual time: a class that is worth hundreds of
 * times as much would be held for seconds by what it sent when it was worth little.
 */
static __always_inline void follow_weight(const struct path *p, __u64 now)
{
	__u64 was = p->clk->share_cost, is = p->cls->share_cost, bytes;
	const struct qos_pace *pace = shared_pace(p);

	if (was == is)
		return;
	p->clk->share_cost = is;
	if (was <= is)
		return;
	bytes = sooner(borrowed_ahead(p, now, was), QUEUE_MAX);
	p->clk->share = virtual_now(pace, now) + virtual_cost(pace, bytes, is);
}

/* Where a class shares: its parent's slot, and the level; not 0. */
static __always_inline __u64 place_of(const struct qos_class_cfg *cls)
{
	return ((__u64)cls->parent << 2 | level_index(cls->level)) + 1;
}

/*
 * With another priority, or another parent, it shares in another virtual time, in which its finish
 * says nothing: that may be ahead by hours. So it begins as one that comes: at virtual time, and
 * on no wheel; the old one forgets it in its turn. What it has queued leaves as it was stamped.
 * Whether it is so.
 */
static __always_inline int follow_place(const struct path *p, __u64 now)
{
	__u64 was = p->clk->place, is = place_of(p->cls);

	if (was == is)
		return 0;
	p->clk->place = is;
	if (!was)
		return 0;
	p->clk->share = virtual_now(shared_pace(p), now);
	p->clk->share_cost = p->cls->share_cost;
	p->clk->until = (now >> (p->cls->parent_shift & 31)) - 1;
	p->clk->waited = 0;
	p->clk->needs[0].told = 0;
	return 1;
}

/* What was charged, less what waits of it: no more than that can wait. */
static __always_inline __u64 left(__u64 *charged, __u64 *was, __u64 waits)
{
	__u64 all = __sync_lock_test_and_set(charged, 0) + *was;

	*was = sooner(waits, all);
	return less(all, waits);
}

/* The rate of a leaf, for its flows. */
static __always_inline __u64 leaf_rate(const struct path *p)
{
	__u64 rate = p->cls->ceil;

	if (p->cls->flags & QOS_CLASS_BORROW)
		rate = p->cls->rate + share_of(shared_pace(p), p->cls->weight);
	if (p->cls->ceil && rate > p->cls->ceil)
		rate = p->cls->ceil;
	return rate;
}

/*
 * Levels before its own want what there is to borrow. These pay for what left beyond the lender's
 * ceiling (settle()), so what the class has borrowed itself is not said to wait any more when it
 * has left.
 */
static __always_inline int do_higher_borrow(const struct path *p)
{
	__u32 level = level_of(p), before = level - 1;

	asm("" : "+r"(before)); /* clang knows that it is no less than 0, Linux 6.1 does not */
	return level && p->lender_clk->pace[level_index(before)].crowd;
}

/*
 * A finish that has long been behind would be ahead again, by seconds, once virtual time has gone
 * round, which may take it some hours: of a class that sent nothing, or borrowed nothing. Without a
 * branch, as there are many ways on from here.
 */
static __always_inline void follow_virtual(const struct path *p, __u64 now)
{
	__u64 v = virtual_now(shared_pace(p), now), seen = see(&p->clk->share);
	__u64 gone = all_if_less(IN_MAX - (now - p->clk->pace[0].t));
	__u64 far = all_if_less(STALE - less(v, seen));

	__sync_fetch_and_add(&p->clk->share, (v - seen) & (gone | far));
}

static __always_inline void take_turnover(const struct path *p, __u64 now, struct turnover *t)
{
	__u32 flags = p->cls->flags;
	__u64 rate = leaf_rate(p), shared = 0;
	__u64 all = flags & QOS_CLASS_CEIL ? bytes_ahead(&p->clk->ceil[0], rate, now) : 0;

	t->queued_rate = flags & QOS_CLASS_RATE ? bytes_ahead(&p->clk->rate, p->cls->rate, now) : 0;
	if (has_parent(p->cls)) {
		__u64 nearest = lender_at(p);

		follow_virtual(p, now);
		follow_weight(p, now);
		if (is_waiting(p->clk->until, now, p->cls->parent_shift & 31) &&
		    is_alone(p, nearest, lenders(p, nearest), now))
			queue_up(p, now);
		shared = borrowed_ahead(p, now, p->cls->share_cost);
		if (do_higher_borrow(p) && (__s64)(see(&p->clk->borrowed_until) - now) <= 0)
			shared = 0;
	}
	all = less(all, t->queued_rate);
	t->queued_share = later(shared, all);
	t->held = rate == p->cls->ceil ? less(all, shared) : 0;
	t->sent_rate = left(&p->clk->sent_rate, &p->clk->queued_rate, t->queued_rate);
	t->sent_share = left(&p->clk->sent_share, &p->clk->queued_share, t->queued_share);
}

/*
 * In whatever order packets leave, a byte waits as long in the mean as its class's clock says when
 * it comes (the conservation law of work-conserving queues: Kleinrock 1965). Where bytes leave
 * sooner in the mean, by so much too much of the class has left already, and its flows go too fast.
 * What they take longest for does not say it: that is of one that has a packet more than the
 * others.
 */
static __always_inline __s64 find_hurry(struct qos_clocks *clk, __u64 bytes, __u64 most)
{
	__s64 early = __sync_lock_test_and_set(&clk->early, 0);
	__u64 mean = qos_divide(early < 0 ? -early : early, bytes | 1);

	mean = sooner(mean, most);
	clk->hurry += ((early < 0 ? -(__s64)mean : (__s64)mean) - clk->hurry) >> USED;
	return clk->hurry;
}

/*
 * Until what is changed is seen, after a packet of each flow: no faster, or it would swing. Four
 * such times are the time constant of what is paid back; nor need it be longer than the queue,
 * as packets are mostly not the largest.
 */
static __always_inline __u64 settle_time(const struct path *p, __u64 rate, __u64 flows, __u64 lead)
{
	__u64 period = 1ULL << (p->cls->period_shift & 31);
	__u64 queue = later(lead / 4, 2 * period);

	return later(period, sooner(packet_time(p->cls, rate) * flows, queue));
}

static __always_inline void renew_flows(const struct path *p, __u64 now, __u64 dt, __u64 lead)
{
	struct qos_pace *pace = &p->clk->pace[0];
	__u64 period = 1ULL << (p->cls->period_shift & 31), rate = leaf_rate(p);
	__u64 other = __sync_lock_test_and_set(&pace->other, 0), flows = pace->waiting;
	__s32 none = 0;
	__s64 hurry = find_hurry(p->clk, bytes_in(rate, dt), p->cls->limit_ns);

	pace->other_rate = follow(pace->other_rate, other, dt, period, USED);
	pace->share = rate;
	p->clk->sparse_cost = qos_divide(NS_PER_SEC << (QOS_COST_SHIFT + 2), rate ? rate : 1);
	set_unit(pace, 0); /* of a class that was an inner one */
	pace->far = 0;
	if (flows > 1)
		rate = correct(rate, rate, -hurry, settle_time(p, rate, flows, lead) / 8, &none);
	set_speed(pace, now, later(less(rate, pace->other_rate), rate >> 2), flows, 1, 0);
}

/* Bytes/s that it could borrow. */
static __always_inline __u64 leaf_need(const struct path *p)
{
	return p->cls->flags & QOS_CLASS_CEIL ? less(p->cls->ceil, p->cls->rate) : UNBOUNDED;
}

/*
 * And what it takes of that: what it used of late, and an eighth more, if that is less than its
 * weight would have as things are and its packets hardly wait; else all, as it may be greedy.
 */
static __always_inline __u64 leaf_demand(const struct path *p, __u64 lead)
{
	__u64 share = share_of(shared_pace(p), p->cls->weight),
	      used = later(p->clk->borrowed_rate, p->clk->used_rate);
	__u64 need = leaf_need(p);

	if (used >= share - (share >> 2) || lead > 1ULL << (p->cls->period_shift & 31) >> 2)
		return need;
	return sooner(need, used + (used >> 3));
}

/*
 * How much less than its weight the class waits with for what its parent has, where it needs less
 * than its share: as inner classes do (weight_above(), share.h). own: what it was counted with.
 */
static __always_inline __u32 spare(const struct path *p, __u64 need, __u32 own)
{
	const struct qos_pace *above = shared_pace(p);
	/* those that do not wait use the others' rate, and it may be among them */
	__u64 mine = p->clk->waited ? 0 : p->clk->used_rate;
	__u64 room = less(above->share, less(above->other_rate, mine));
	__u64 weight = p->cls->weight, others = less(above->waiting, own), rest;

	/* more, where that proves not to be used; not less, where what left too early is paid */
	rest = less(later(room, share_of(above, above->waiting)), need);
	if (!rest) /* so where it may need no end of it */
		return 0;
	if (!others) /* nobody could have it: as it was */
		return p->clk->spared;
	/* not without any, as it does wait */
	return qos_divide((weight - later(weight_for(need, weight, rest, others), 1))
				  << SPARED_SHIFT,
			  weight | 1);
}

/* Of a class with a ceiling, whose clock follows what departs. */
static __always_inline int has_queue(const struct path *p, __u64 now)
{
	return p->cls->flags & QOS_CLASS_CEIL && (__s64)(see(&p->clk->ceil[0]) - now) > 0;
}

/* More is spared by an eighth a look: who comes is greedy until he is known not to be. */
#define SPARE_SHIFT (SPARED_SHIFT - 3)
/* What is kept grows by a 16th of itself, and a little. */
#define KEPT_SHIFT 4
#define KEPT_LEAST 16ULL

/*
 * Rates of a few packets vary. For a moment in which it seems to need much its siblings would be
 * given stamps for a fraction of their share, which stay: so less is spared at once only where it
 * may be greedy, or uses more than usual.
 */
static __always_inline __u32 spare_slowly(const struct path *p, __u64 lead, __u32 own)
{
	__u64 need = leaf_demand(p, lead) + unknown_zero(p->cls);
	__u64 usual = p->clk->borrowed_rate;
	__u64 was = p->clk->spared, kept = (1U << SPARED_SHIFT) - was;
	__u64 spared = sooner(spare(p, need, own), was + (1U << SPARE_SHIFT));

	if (need == leaf_need(p) || p->clk->used_rate > usual + (usual >> 1))
		return spared;
	return later(spared, less(was, (kept >> KEPT_SHIFT) + KEPT_LEAST));
}

/*
 * Who waits for his guarantee, or his ceiling, waits for his share as well, which is later. Packets
 * that leave on a guarantee do not say so, and the others would share what is his.
 */
static __always_inline void want_share(const struct path *p, __u64 now, __u64 lead)
{
	__u32 shift = p->cls->parent_shift & 31, was = p->clk->weight;
	__u64 until = now + later(lead, 1ULL << (p->cls->period_shift & 31));
	int waits = is_waiting(p->clk->until, now, shift);

	p->clk->spared = spare_slowly(p, lead, waits && is_counted(p) ? was : 0);
	if (waits) {
		__sync_fetch_and_add(wheel_at(shared_pace(p), p->clk->until), weight_of(p) - was);
		p->clk->weight = weight_of(p);
		/* nor is it alone until its parent is looked at, as others are in it */
		if (weight_of(p) > was)
			shared_pace(p)->crowd += weight_of(p) - was;
	}
	if (lead && (has_queue(p, now) ||
		     ((__s64)(see(&p->clk->rate) - now) > 0 &&
		      finish_ahead(see(&p->clk->share), virtual_now(shared_pace(p), now)))))
		qos_still_waits(p->slot, now, until);
}

/* A 128th of a guarantee, which is less than it may be off. */
#define SETTLE_RATE_SHIFT 7

/*
 * What left beyond what the lender has, and nobody who borrows pays for, those do who have a queue
 * on their guarantees: together these may be all there is, and it would never be paid.
 */
static __always_inline void settle_rate(const struct path *p, __u64 now, __u64 dt)
{
	if (p->lender_clk->over > 0 && (__s64)(see(&p->clk->rate) - now) > 0)
		__sync_fetch_and_add(&p->clk->rate,
				     sooner(dt, VIRTUAL_DT_MAX) >> SETTLE_RATE_SHIFT);
}

/* A 16th of a guarantee; where those of higher levels pay, no more than these leave of it. */
#define DEBT_SHIFT 4

static __always_inline __u32 debt_shift(const struct path *p)
{
	return do_higher_borrow(p) ? SETTLE_RATE_SHIFT : DEBT_SHIFT;
}

/*
 * What a class borrowed that then was another's leaves as stamped: beyond its share, and beyond the
 * link. Once it has left, and the class has a queue on its guarantee alone, it may never borrow
 * again, and never pay. So its guarantee pays, as it would have for a queue that was not sent yet;
 * for no more than the longest queue that it could have. The rest is forgiven: it may have been of
 * an idle link. Whether it pays: then it does not pay for what others owe.
 */
static __always_inline int pay_debt(const struct path *p, __u64 now, __u64 dt)
{
	__u64 ns = sooner(dt, VIRTUAL_DT_MAX) >> debt_shift(p), ahead, debt, forgiven;

	if (qos_link.mode == QOS_MODE_POLICE || /* nothing waits, and no finish counts */
	    (__s64)(see(&p->clk->borrowed_until) - now) > 0 ||
	    (__s64)(see(&p->clk->rate) - now) <= 0)
		return 0;
	ahead = sooner(borrowed_ahead(p, now, p->cls->share_cost), QUEUE_MAX);
	debt = less(ahead, p->cls->packet_bytes);
	if (!debt)
		return 0;
	forgiven = less(debt, bytes_in(p->lender->ceil, p->cls->limit_ns));
	debt = sooner(debt - forgiven, bytes_in(p->cls->rate, ns));
	__sync_fetch_and_add(&p->clk->rate, clock_cost(debt, p->cls->rate_cost));
	__sync_fetch_and_sub(&p->clk->share,
			     virtual_cost(shared_pace(p), debt + forgiven, p->cls->share_cost));
	return 1;
}

/*
 * Who begins to wait, or waits no longer, has its bytes counted on the other side from then on. So
 * is what was counted of it, or a heavy class would slow virtual time down for itself: not by the
 * mean that its parent has of it, but by what it sent last, which is nearer to what comes.
 */
static __always_inline void move_rate(struct qos_pace *above, int waits, __u64 bytes, __u64 dt)
{
	__u64 *from = waits ? &above->other_rate : &above->paced_rate;
	__u64 *to = waits ? &above->paced_rate : &above->other_rate;
	__u64 seen = see(from), rate = sooner(qos_divide(bytes * NS_PER_SEC, dt | 1), seen);

	/* plain, as are the looks that set it; but never below what was seen */
	*from = seen - rate;
	*to += rate;
}

static __always_inline void change_side(const struct path *p, __u32 waits, __u64 bytes, __u64 dt)
{
	if (p->clk->waited == waits)
		return;
	p->clk->waited = waits;
	move_rate(shared_pace(p), waits, bytes, dt);
}

/* For what it could borrow, if it has a queue. */
static __always_inline void ask(const struct path *p, __u64 now, __u64 lead)
{
	__u32 shift = p->cls->parent_shift & 31;

	if (lead || is_waiting(p->clk->until, now, shift))
		tell_need(&p->above->needs[level_of(p)], &p->clk->needs[0], epoch_of(now, shift),
			  leaf_demand(p, lead));
}

static __always_inline void renew_leaf(const struct path *p, __u64 now, __u64 lead)
{
	__u64 period = 1ULL << (p->cls->period_shift & 31), dt = less(now, p->clk->pace[0].t);
	struct turnover t;

	take_turnover(p, now, &t);
	p->clk->own_rate = follow(p->clk->own_rate, t.sent_rate, dt, period, SHOWN);
	p->clk->used_rate = follow(p->clk->used_rate, t.sent_share, dt, period, USED);
	p->clk->borrowed_rate = follow(p->clk->borrowed_rate, t.sent_share, dt, period, SHOWN);
	forget_long_gone(p, &t, dt);
	p->clk->contended = 0;
	if (has_parent(p->cls)) {
		if (!pay_debt(p, now, dt))
			settle_rate(p, now, dt);
		change_side(p, is_waiting(p->clk->until, now, p->cls->parent_shift & 31),
			    t.sent_share, dt);
		ask(p, now, lead);
		qos_report_up(p->slot, dt, &t);
	}
	renew_flows(p, now, dt, lead);
}

/* Functions of their own, which the verifier looks at once. */
__noinline int qos_renew_place(__u32 slot, __u64 now, __u64 lead)
{
	struct path p;

	if (!find_path(slot, &p) && has_parent(p.cls))
		want_share(&p, now, lead);
	return 0;
}

/* Whether it has another place than before. */
__noinline int qos_follow_place(__u32 slot, __u64 now)
{
	struct path p;

	return !find_path(slot, &p) && has_parent(p.cls) && follow_place(&p, now);
}

__noinline int qos_renew_leaf(__u32 slot, __u64 now, __u64 lead)
{
	struct path p;

	/* not where another CPU was here since, which read the time after this one */
	if (!find_path(slot, &p) && (__s64)(now - p.clk->pace[0].t) > 0)
		renew_leaf(&p, now, lead);
	return 0;
}

#endif
