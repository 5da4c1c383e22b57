/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The look at shares, every period: how fast the children of a class may go
 * that wait, and the flows of a leaf. From the top down each takes what the one
 * above has for it; from the bottom up each tells what it has sent.
 */
#ifndef QOS_SHARE_H
#define QOS_SHARE_H

#include "backlog.h"
#include "leaf.h"
#include "pace.h"
#include "tree.h"

/*
 * Of what there is, left to a level that waits though all is taken: TCP does not stop. Where all
 * leaves of it have guarantees they live on these, and would have it beyond what the link has.
 */
#define TRICKLE_SHIFT 9

static __always_inline __u64 trickle(const struct qos_class_cfg *cfg, __u32 level)
{
	return cfg->bare >> level & 1 ? cfg->ceil >> TRICKLE_SHIFT : 0;
}

static __always_inline int is_due(__u64 *next, __u64 now, __u64 period)
{
	__u64 seen = see(next);

	return (__s64)(now - seen) >= 0 &&
	       __sync_val_compare_and_swap(next, seen, now + period) == seen;
}

/* Of those that wait with it, a class has so little that what it is told and tells is nothing. */
#define SMALL_SHIFT 6

static __always_inline int is_small(const struct path *p)
{
	return shared_pace(p)->waiting >> SMALL_SHIFT > p->cls->weight;
}

/*
 * Looked at every period by who waits, or has others wait; every eighth by who is quiet, or is one
 * of so many that their looks would take longer than their packets.
 */
#define SELDOM_PERIODS 8ULL

static __always_inline int is_overdue(const struct path *p, __u64 now, int quiet)
{
	__s64 late = now - see(&p->clk->next);

	if (late < 0)
		return 0;
	return late >= ((__s64)SELDOM_PERIODS - 1) << (p->cls->period_shift & 31) ||
	       !(quiet || is_small(p));
}

/* Units of `bounded`: finer than a period. What is further ahead than 68 s is long past. */
#define BOUNDED_SHIFT 20
#define BOUNDED_MAX   (1U << 16)

/* Some below want more than a ceiling of theirs lets them have, and do not wait for that. */
static __always_inline int is_bounded(const struct qos_clocks *clk, __u32 level, __u64 now)
{
	return clk->bounded[level] - (__u32)(now >> BOUNDED_SHIFT) < BOUNDED_MAX;
}

/* Bytes/s that the class has of what its parent has, at the level. */
static __always_inline __u64 borrows(const struct node *n, __u32 level, const struct look *l)
{
	const struct qos_pace *pace = &n->clk->pace[level];

	return less(pace->paced_rate + pace->other_rate, less(l->due, l->used));
}

/* What its parent has for those that wait, if this one does. */
static __always_inline __u64 room_above(const struct node *n, __u32 level, const struct look *l)
{
	const struct qos_pace *above = &n->above->pace[level];

	if (n->clk->placed[level])
		return share_of(above, above->waiting);
	return less(above->share, above->other_rate) + borrows(n, level, l);
}

/* And of that, for the class. */
static __always_inline __u64 lent_to(const struct node *n, __u32 level, const struct look *l)
{
	const struct qos_pace *above = &n->above->pace[level];
	__u64 weight = n->cfg->weight;

	if (n->clk->placed[level] ||
	    !(n->clk->pace[level].waiting || is_bounded(n->clk, level, l->now)))
		return share_of(above, weight);
	return qos_divide(room_above(n, level, l) * weight, weight + above->waiting);
}

/* Bytes/s that those below it could borrow, and do at least, at the level. */
static __always_inline __u64 asked_for(const struct node *n, __u32 level, const struct look *l)
{
	const struct qos_needs *needs = &n->clk->needs[level];
	const struct qos_pace *pace = &n->clk->pace[level];
	__s32 age = epoch_of(l->now, n->cfg->period_shift) - needs->epoch;
	__u64 asked = 0;

	if (age >= -1 && age <= 1)
		asked = age == 1 ? needs->now : later(needs->before, needs->now);
	return later(asked, pace->paced_rate + pace->other_rate);
}

/* And of it what the class could borrow for them. */
static __always_inline __u64 need_of(const struct node *n, __u32 level, const struct look *l)
{
	__u64 most = l->used + asked_for(n, level, l);

	if (n->cfg->flags & QOS_CLASS_CEIL)
		most = sooner(most, n->cfg->ceil);
	return less(most, l->due);
}

/*
 * With what weight the class waits for what its parent has. Who is bounded by its own ceiling has
 * as little of it as lets it reach that, and the others have all of the rest: so it is continuous
 * where the two meet. If there are no others it does not wait at all, but where it has less than
 * half of that: what it does not use would be taken for what it does not want.
 */
static __always_inline __u32 weight_above(const struct node *n, __u32 level, const struct look *l,
					  __u64 need)
{
	const struct qos_pace *above = &n->above->pace[level];
	__u64 room = room_above(n, level, l);
	__u64 weight = n->cfg->weight, others = less(above->waiting, n->clk->placed[level]);

	if (!n->clk->pace[level].waiting || !need)
		return 0;
	if (room <= need || (!others && borrows(n, level, l) < need / 2))
		return weight;
	return weight_for(need, weight, room - need, others);
}

/* It waits for as long as any below it, though at slow rates nobody may look at it meanwhile. */
static __always_inline __u64 waits_until(const struct node *n, __u32 level, const struct look *l)
{
	return l->now + later(1ULL << (n->cfg->parent_shift & 31),
			      (__u64)l->turns[level] << (n->cfg->period_shift & 31));
}

static __always_inline void take_place(const struct node *n, __u32 level, const struct look *l,
				       __u32 weight)
{
	struct qos_pace *pace = &n->clk->pace[level], *above = &n->above->pace[level];
	__u32 shift = n->cfg->parent_shift & 31, until = pace->until;
	__u64 now = l->now;

	if (is_waiting(until, now, shift))
		__sync_fetch_and_add(wheel_at(above, until), weight - n->clk->placed[level]);
	n->clk->placed[level] = weight;
	if (weight)
		wait_until(above, &pace->until, weight, now, waits_until(n, level, l), shift);
	else if (n->clk->pace[level].waiting || is_bounded(n->clk, level, now))
		n->above->bounded[level] = (now + (SELDOM_PERIODS << shift)) >> BOUNDED_SHIFT;
}

/*
 * So much of the level's bytes goes before others' until the next look: the part that the guarantee
 * had room for in the last one, and of the rest what one above it has, up to the next ceiling.
 */
static __always_inline void cover(const struct node *n, __u32 level, __u64 own, __u64 bytes)
{
	__u32 covered, above = 0;

	if (!level)
		return;
	if (bytes)
		n->clk->own_covered[level] = qos_divide(own << QOS_COVERED_BITS, bytes);
	if (n->cfg->hard != n->cfg->parent)
		above = n->above->covered[level];
	covered = covered_with(n->clk->own_covered[level], above);
	n->clk->covered[level] = covered;
}

/* What of the level's bytes the class's own guarantee covers, and what it borrowed. */
static __always_inline void tell_level(const struct node *n, __u32 level, struct look *l,
				       __u32 weight, __u64 need)
{
	__u64 bytes = l->bytes, own = sooner(bytes, l->credit);

	l->credit -= own;
	if (!has_parent(n->cfg))
		return;
	cover(n, level, own, bytes);
	if (n->clk->pace[level].waiting || is_bounded(n->clk, level, l->now))
		tell_need(&n->above->needs[level], &n->clk->needs[level],
			  epoch_of(l->now, n->cfg->parent_shift), need);
	if (!weight != !n->clk->placed[level])
		move_rate(&n->above->pace[level], weight != 0, bytes - own, l->dt);
	take_place(n, level, l, weight);
	tell(&n->above->sent_rate,
	     weight ? &n->above->pace[level].paced : &n->above->pace[level].other, own,
	     bytes - own);
}

/* Longer than queues are, but for those of a large limit: half a second. */
#define LATE_NS (1ULL << 29)

/*
 * Where what lends is idle all that has a stamp has left, and nobody is ahead of virtual time by
 * right. If all who sent of late were, by more than any queue, and passed only as it was idle,
 * virtual time is late, and comes after them: by what is held against all of them, and none of them
 * gains on another. What is less the speed puts right.
 */
static __always_inline void catch_up(const struct node *n, __u32 level, __u64 now)
{
	struct qos_pace *pace = &n->clk->pace[level];
	__u64 least = __sync_lock_test_and_set(&n->clk->least[level], 0);
	__u64 late = sooner(wait_for(pace, less(least, 1)), VIRTUAL_DT_MAX);

	if (late < LATE_NS || (n->cfg->flags & QOS_CLASS_CEIL && see(&n->clk->ceil[level]) > now) ||
	    (n->cfg->hard != QOS_NO_SLOT && qos_lenders_above(n->cfg->hard, level) > now))
		return;
	*(volatile __u64 *)&pace->v += virtual_in(late, pace->speed);
}

#define SLOWER_SHIFT 3 /* an eighth */

/*
 * Where nobody waits, all may come next, and the speed is to be right for them. But mostly who
 * waited a moment ago comes again, and stamps for a fraction of the link stay: so it becomes slower
 * by steps.
 */
static __always_inline __u64 least_speed(const struct node *n, __u32 level, __u64 dt)
{
	const struct qos_pace *pace = &n->clk->pace[level];

	if (pace->waiting || dt > LONG_PERIODS << (n->cfg->period_shift & 31) ||
	    pace->coarse != n->cfg->coarse)
		return 0;
	return pace->speed - (pace->speed >> SLOWER_SHIFT);
}

/*
 * Bytes/s that the next levels are not to have, beyond what the level used of late: of what it has
 * and those below ask for, what lets those that wait for nothing else leave within a few periods.
 */
#define CLAIM_SHIFT 2

static __always_inline __u64 claim_of(const struct node *n, __u32 level, const struct look *l)
{
	const struct qos_pace *pace = &n->clk->pace[level];
	__u64 used = pace->paced_rate + pace->other_rate, waits;

	/* 2^30 ns are a second here */
	waits = sooner(l->waits, QUEUE_MAX) << (30 - CLAIM_SHIFT) >> (n->cfg->period_shift & 31);
	return sooner(waits, less(sooner(asked_for(n, level, l), pace->share), used));
}

static __always_inline void renew_level(const struct node *n, __u32 level, struct look *l)
{
	const struct qos_class_cfg *cfg = n->cfg;
	struct qos_pace *pace = &n->clk->pace[level];
	__u64 period = 1ULL << (cfg->period_shift & 31), room, time, whole, lent = 0, least = 0;
	__u64 paced = __sync_lock_test_and_set(&pace->paced, 0);
	__u64 other = __sync_lock_test_and_set(&pace->other, 0), waiting = pace->waiting;
	__u64 sent, need, slowest = least_speed(n, level, l->dt);
	__u32 weight;

	pace->paced_rate = follow(pace->paced_rate, paced, l->dt, period, USED);
	pace->other_rate = follow(pace->other_rate, other, l->dt, period, USED);
	if (has_parent(n->cfg))
		lent = lent_to(n, level, l);
	else
		lent = less(cfg->ceil, l->due);
	l->bytes = paced + other;
	l->sent += l->bytes;
	whole = l->due + lent;
	if (cfg->ceil)
		whole = sooner(whole, cfg->ceil);
	room = less(whole, l->used);
	if (cfg->flags & QOS_CLASS_CEIL) {
		least = trickle(cfg, level);
		if (waiting)
			l->reserve = less(l->reserve, least);
	}
	room = less(room, l->reserve);
	pace->share = room;
	pace->far = far_turns(room, cfg->period_shift & 31);
	l->crowd += pace->waiting;
	/* nobody is alone beside those */
	l->crowd += is_bounded(n->clk, level, l->now);
	pace->crowd = l->crowd;
	add_backlog(n, level, l);
	add_held(n, level, l);
	set_unit(pace, cfg->coarse);
	catch_up(n, level, l->now);
	time = later(period, packet_time(cfg, whole) * ((waiting >> QOS_WEIGHT_BITS) + 1));
	room = correct(room, whole, left_over(n, level, whole, l), bytes_in(whole, time),
		       &pace->trim);
	set_speed(pace, l->now, later(less(room, pace->other_rate), least),
		  waiting ? waiting : cfg->weights[level], QOS_WEIGHT_ONE, slowest);
	need = need_of(n, level, l);
	weight = weight_above(n, level, l, need);
	/* what a level leaves, the next ones ask for themselves */
	sent = pace->paced_rate + pace->other_rate;
	l->used += sent;
	l->due += sooner(lent, sooner(sent, less(l->used, l->due)));
	tell_level(n, level, l, weight, need);
	l->reserve += claim_of(n, level, l);
}

/* What one leaves of the guarantee, another may use later. */
#define CREDIT_PERIODS 2ULL

static __always_inline void begin_look(const struct node *n, struct look *l)
{
	__u32 shift = n->cfg->period_shift & 31;
	__u64 guaranteed = __sync_lock_test_and_set(&n->clk->sent_rate, 0);
	__u32 contended = has_parent(n->cfg) ? n->above->contended : 0;
	__u64 used; /* with those of the levels so far, at the last look */

	l->dt = less(l->now, n->clk->pace[0].t);
	n->clk->guaranteed_rate =
		follow(n->clk->guaranteed_rate, guaranteed, l->dt, 1ULL << shift, USED);
	l->used = used = n->clk->guaranteed_rate;
	l->due = n->cfg->rate;
	l->sent = guaranteed;
	l->credit = sooner(n->clk->credit + bytes_in(n->cfg->rate, l->dt),
			   later(bytes_in(n->cfg->rate, CREDIT_PERIODS << shift),
				 2ULL * n->cfg->packet_bytes));
	for (__u32 i = 0; i < QOS_LEVELS; i++) {
		struct qos_pace *pace = &n->clk->pace[i];

		used += pace->paced_rate + pace->other_rate;
		forget_gone(pace, used);
		if (!pace->waiting)
			continue;
		if (n->cfg->flags & QOS_CLASS_CEIL)
			l->reserve += trickle(n->cfg, i);
		contended = 1;
	}
	n->clk->contended = contended;
	begin_backlog(n, l);
	if (has_parent(n->cfg)) {
		l->credit -= sooner(guaranteed, l->credit);
		__sync_fetch_and_add(&n->above->sent_rate, guaranteed);
	}
}

/* Functions of their own, which the verifier looks at once. */
__noinline int qos_begin_look(__u32 slot, struct look *l)
{
	struct node n;

	if (l && !find_node(slot, &n))
		begin_look(&n, l);
	return 0;
}

__noinline int qos_renew_level(__u32 slot, __u32 level, struct look *l)
{
	struct node n;

	if (l && !find_node(slot, &n))
		renew_level(&n, level_index(level), l);
	return 0;
}

/*
 * A class that sent nothing knows nothing of who sends now: before the first look, and while rates
 * are learnt, all that come together have what is there. So looks come four times as fast at first.
 */
#define SOON_SHIFT 2
#define SOON_LOOKS 6

/* ns until it is looked at again, if that is soon, or 0. */
static __always_inline __u64 soon(const struct node *n)
{
	return n->clk->soon ? 1ULL << (n->cfg->period_shift & 31) >> SOON_SHIFT : 0;
}

static __always_inline void renew_node(__u32 slot, const struct node *n, __u64 now)
{
	struct look l = { .now = now };

	for (__u32 i = 0; i < QOS_LEVELS; i++)
		l.turns[i] = qos_turn_wheel(slot, i, now);
	qos_take_late(slot, now);
	qos_follow_ceiling(slot, now);
	if (slot == QOS_SLOT_LINK && qos_link.mode != QOS_MODE_POLICE) /* nothing waits there */
		qos_mend_clock(now);
	qos_begin_look(slot, &l);
	for (__u32 i = 0; i < QOS_LEVELS; i++)
		qos_renew_level(slot, i, &l);
	n->clk->credit = l.credit;
	settle(n, &l);
}

/* An inner class, or the link; returns ns until it is looked at again, if that is soon, or 0. */
__noinline __u64 qos_renew_node(__u32 slot, __u64 now)
{
	struct node n;
	__u64 period;

	if (find_node(slot, &n))
		return 0;
	period = 1ULL << (n.cfg->period_shift & 31);
	/* less than 0: another CPU has just looked */
	if ((__s64)(now - n.clk->pace[0].t) > (__s64)(LONG_PERIODS * period))
		n.clk->soon = SOON_LOOKS;
	if (is_due(&n.clk->next, now, n.clk->soon ? soon(&n) : period) &&
	    (__s64)(now - n.clk->pace[0].t) > 0) {
		renew_node(slot, &n, now);
		n.clk->soon = less(n.clk->soon, 1);
	}
	return soon(&n);
}

#endif
