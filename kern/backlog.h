/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What waits in all classes below one, beside what its clock is ahead: what of that has left too
 * early, or could leave sooner.
 */
#ifndef QOS_BACKLOG_H
#define QOS_BACKLOG_H

#include "leaf.h"
#include "leaving.h"
#include "pace.h"
#include "tree.h"

/* An inner class, or the link. */
struct node {
	const struct qos_class_cfg *cfg;
	struct qos_clocks *clk, *above; /* above: its own where it has no parent */
};

static __always_inline int find_node(__u32 slot, struct node *n)
{
	__u32 parent;

	n->cfg = bpf_map_lookup_elem(&qos_classes, &slot);
	n->clk = bpf_map_lookup_elem(&qos_clocks, &slot);
	if (!n->cfg || !n->clk)
		return -1;
	parent = n->cfg->parent;
	n->above = n->clk;
	if (parent == QOS_NO_SLOT)
		return 0;
	n->above = bpf_map_lookup_elem(&qos_clocks, &parent);
	return n->above ? 0 : -1;
}

/* A look at it, from the highest level to the lowest. */
struct look {
	__u64 now, dt;
	__u64 used;    /* bytes/s, by guarantees and the levels before */
	__u64 credit;  /* bytes of its own guarantee that are left */
	__u64 reserve; /* bytes/s for lower levels that wait, and for higher ones that want more */
	__u64 due;     /* bytes/s that it has for the levels so far */
	__u64 sent;    /* bytes of theirs since the last look, */
	__u64 backlog; /* that wait, */
	__u64 held;    /* of these for ceilings below, */
	__u64 waits;   /* of this level alone, for nothing but what there is, */
	__u64 bound;   /* and for its own or those, as its parent was told */
	__u64 bytes;   /* of the level alone, since the last look */
	__u32 crowd;   /* weight that waits */
	/* by level: of its wheel, until the last who waits for it leaves; and room, as in abi.h */
	__u8 turns[QOS_LEVELS + 1];
};

/* What waits of late, of what was told since the last look. */
static __always_inline __u64 count_queued(__u64 *queued, __u64 *backlog, __u64 dt)
{
	__u64 now = qos_divide(__sync_lock_test_and_set(queued, 0), queued_for(dt));

	*backlog += (__s64)(now - *backlog) >> USED;
	return *backlog;
}

/* What waits in the class on guarantees; and its parent is told. */
static __always_inline void begin_backlog(const struct node *n, struct look *l)
{
	l->backlog = count_queued(&n->clk->queued, &n->clk->backlog, l->dt);
	if (has_parent(n->cfg))
		__sync_fetch_and_add(&n->above->queued, l->backlog * queued_for(l->dt));
}

/* And what of this level does; the part that a guarantee covers is told as what is on one. */
static __always_inline void add_backlog(const struct node *n, __u32 level, struct look *l)
{
	struct qos_pace *pace = &n->clk->pace[level];
	__u64 backlog = count_queued(&pace->queued, &pace->backlog, l->dt), covered;

	l->backlog += backlog;
	if (!has_parent(n->cfg))
		return;
	covered = (backlog >> 4) * n->clk->own_covered[level] >> (QOS_COVERED_BITS - 4);
	__sync_fetch_and_add(&n->above->queued, covered * queued_for(l->dt));
	__sync_fetch_and_add(&n->above->pace[level].queued,
			     (backlog - covered) * queued_for(l->dt));
}

/* By a 16th a look: what is held varies, and too much of it would be a queue of others. */
#define FORGOTTEN 4

/*
 * What waits for a ceiling below was charged when it came. Where the class's clock is idle it comes
 * up to now, and no longer has what leaves later: who comes then is let ahead by as much, which
 * would stand in the network's next queue for as long as all of them send. And its parent is told
 * of what waits for its own, which is what bounds it where it has as much from above.
 */
static __always_inline void add_held(const struct node *n, __u32 level, struct look *l)
{
	struct qos_clocks *clk = n->clk;
	__u64 bound, held;

	held = qos_divide(__sync_lock_test_and_set(&clk->held[level], 0), queued_for(l->dt));
	l->waits = less(clk->pace[level].backlog, held);
	l->held += held;
	bound = l->held;
	if (n->cfg->flags & QOS_CLASS_CEIL) {
		__u64 ahead = bytes_ahead(&clk->ceil[level], n->cfg->ceil, l->now);

		clk->beyond[level] += (__s64)(ahead - clk->beyond[level]) >> USED;
		if (!ahead)
			clk->forgotten[level] +=
				(__s64)(l->held - clk->forgotten[level]) >> FORGOTTEN;
		if (clk->pace[level].due >= n->cfg->ceil) /* at the last look */
			bound += ahead;
	}
	if (!has_parent(n->cfg))
		return;
	bound = later(sooner(bound, l->backlog), l->bound);
	__sync_fetch_and_add(&n->above->held[level], (bound - l->bound) * queued_for(l->dt));
	l->bound = bound;
}

/*
 * Where others come the clock is no longer idle, and has what it forgot again: else it would be
 * idle once more as soon as what waits for the ceiling is less, as after a flood that drops, while
 * the link is not; and who comes then is let ahead. A function of its own, which the verifier looks
 * at once.
 */
__noinline int qos_remember(__u32 slot, __u64 now)
{
	struct node n;

	if (find_node(slot, &n))
		return 0;
	for (__u32 i = 0; i < QOS_LEVELS; i++) {
		__u64 bytes;

		if (!n.clk->forgotten[i] || !bytes_ahead(&n.clk->ceil[i], n.cfg->ceil, now))
			continue;
		/* only one of the CPUs that look at leaves below */
		bytes = sooner(__sync_lock_test_and_set(&n.clk->forgotten[i], 0), QUEUE_MAX);
		n.clk->beyond[i] += bytes;
		__sync_fetch_and_add(&n.clk->ceil[i], clock_cost(bytes, n.cfg->ceil_cost));
	}
	return 0;
}

/* What a class sent too much, or could not send, is kept in mind: so much of it. */
#define KEPT_PERIODS 8ULL
#define KEPT_PACKETS 16ULL

/*
 * Bytes that could still be sent for the class to have sent what it has, for this level and those
 * before it, and not more: as its clock says, in which those are that still wait, or by a count,
 * as one that has less than a ceiling of its own, or none, has no clock that says it.
 */
static __always_inline __s64 left_over(const struct node *n, __u32 level, __u64 whole,
				       const struct look *l)
{
	struct qos_pace *pace = &n->clk->pace[level];
	__s64 debt, most;

	if (n->cfg->flags & QOS_CLASS_CEIL && whole >= n->cfg->ceil) {
		pace->debt = 0;
		pace->due = whole;
		return l->backlog - n->clk->beyond[level] - n->clk->forgotten[level];
	}
	debt = pace->debt + (__s64)(l->sent - bytes_in(pace->due, sooner(l->dt, VIRTUAL_DT_MAX)));
	most = later(bytes_in(whole, KEPT_PERIODS << (n->cfg->period_shift & 31)),
		     KEPT_PACKETS * n->cfg->packet_bytes);
	debt = within(debt, most);
	if (debt < 0 && !pace->waiting)
		debt = 0;
	pace->debt = debt;
	pace->due = whole;
	return -debt;
}

/*
 * Where not half of what there is is used, who used it has gone, as a higher level that had all:
 * what this one owes, or learnt, is of that, and is forgotten, a quarter each time. Else who is
 * left pays it out of what the class is guaranteed.
 */
#define GONE_SHIFT 2

static __always_inline void forget_gone(struct qos_pace *pace, __u64 used)
{
	if (used >= pace->due >> 1)
		return;
	pace->trim -= pace->trim >> GONE_SHIFT;
	if (pace->debt > 0)
		pace->debt -= pace->debt >> GONE_SHIFT;
}

/* The level that has what all others leave. */
static __always_inline __u32 last_level(const struct qos_class_cfg *cfg)
{
	return cfg->levels & 4 ? 2 : cfg->levels >> 1 & 1;
}

/*
 * At another ceiling the same bytes are another time. Where it is higher, what its clocks were
 * ahead would be taken for bytes that left beyond it, and paid back; where it is lower, for room,
 * and what leaves as it was stamped at the old one would stand in the next queue. What was charged
 * since at the new cost, in less than a period, is not to be charged again, and was not ahead at
 * the last look; it may leave sooner, once.
 */
static __always_inline void follow_ceiling(const struct node *n, __u64 now)
{
	__u64 was = n->clk->ceil_cost, is = n->cfg->ceil_cost;

	if (was == is)
		return;
	n->clk->ceil_cost = is;
	for (__u32 i = 0; was && i < QOS_LEVELS; i++) {
		__u64 ahead = sooner(less(see(&n->clk->ceil[i]), now), IN_MAX);
		__u64 bytes = qos_divide(ahead << QOS_COST_SHIFT, was);

		if (was < is) {
			bytes = sooner(bytes, n->clk->beyond[i]);
			bytes = sooner(bytes, qos_divide(IN_MAX << QOS_COST_SHIFT, is));
		}
		__sync_fetch_and_add(&n->clk->ceil[i],
				     clock_cost(bytes, is) - clock_cost(bytes, was));
	}
}

/* A function of its own, which the verifier looks at once. */
__noinline int qos_follow_ceiling(__u32 slot, __u64 now)
{
	struct node n;

	if (!find_node(slot, &n))
		follow_ceiling(&n, now);
	return 0;
}

/* A 512th of the link at most: whoever takes what the others leave pays for it alone. */
#define MEND_SHIFT 9

/*
 * The clock of the link has what waits for something else, as a ceiling, from when it came, and
 * goes on while the link is idle: then it gives the same time away again, and what leaves beyond
 * it stands in the next queue for as long as all send. So where more than a period's bytes do, the
 * clock is moved on to what these and those that wait are. A function of its own, which the
 * verifier looks at once.
 */
__noinline int qos_mend_clock(__u64 now)
{
	__u32 slot = QOS_SLOT_LINK, last;
	__u64 begin = qos_leaving_slot << LEAVING_SHIFT, waits, slack, missing;
	struct node n;

	if (find_node(slot, &n) || !(n.cfg->flags & QOS_CLASS_CEIL))
		return 0;
	last = last_level(n.cfg);
	waits = turn_leaving(now, bytes_in(n.cfg->ceil, 1ULL << LEAVING_SHIFT));
	/* nor while what the clock does know of is paid back: twice is too much */
	if (see(&n.clk->ceil[last]) <= now || n.clk->over > 0)
		return 0;
	now = qos_leaving_slot << LEAVING_SHIFT;
	slack = bytes_in(n.cfg->ceil,
			 later(1ULL << (n.cfg->period_shift & 31), n.cfg->ceil_burst_ns));
	missing = less(qos_standing + waits,
		       bytes_ahead(&n.clk->ceil[last], n.cfg->ceil, now) + n.clk->forgotten[last]);
	missing = sooner(missing, less(qos_standing, later(slack, n.cfg->packet_bytes)));
	missing = sooner(missing, bytes_in(n.cfg->ceil, now - begin) >> MEND_SHIFT);
	n.clk->beyond[last] += missing;
	__sync_fetch_and_add(&n.clk->ceil[last], clock_cost(missing, n.cfg->ceil_cost));
	return 0;
}

/* Of what is to be paid back a 32nd each time: it shows when what waits has left. */
#define SETTLE_SHIFT 5

/*
 * What left of all levels beyond what the class has, as when one borrows and then another comes for
 * its guarantee. Lower levels that have nothing any more cannot pay for it, so higher ones do,
 * whose clocks know nothing of it; else it would wait in the network's next queue for as long as
 * those are greedy. Guarantees do it slowly (leaf.h).
 */
static __always_inline void settle(const struct node *n, const struct look *l)
{
	__u32 last = last_level(n->cfg);
	__u64 all = see(&n->clk->ceil[last]), ns;

	if (!(n->cfg->flags & QOS_CLASS_CEIL))
		return;
	n->clk->over = n->clk->beyond[last] + n->clk->forgotten[last] - l->backlog -
		       bytes_in(n->cfg->ceil, 1ULL << (n->cfg->period_shift & 31));
	if (n->clk->over <= 0)
		return;
	ns = clock_cost(sooner(n->clk->over, QUEUE_MAX) >> SETTLE_SHIFT, n->cfg->ceil_cost);
	ns = sooner(ns, l->dt >> 2);
	for (__u32 i = 0; i < QOS_LEVELS - 1; i++) { /* the last is never behind */
		__u64 seen = see(&n->clk->ceil[i]);

		if (less(seen, l->now))
			__sync_fetch_and_add(&n->clk->ceil[i], sooner(ns, less(all, seen)));
	}
}

#endif
