/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a class tells its parent at a look: what it sent since the last one, and what of it waits.
 */
#ifndef QOS_TELL_H
#define QOS_TELL_H

#include "pace.h"
#include "tree.h"

/* Bytes on the class's guarantee, and beyond it, to where its parent has those of the side it is
 * on. */
static __always_inline void tell(__u64 *own, __u64 *side, __u64 guaranteed, __u64 borrowed)
{
	if (guaranteed)
		__sync_fetch_and_add(own, guaranteed);
	if (borrowed)
		__sync_fetch_and_add(side, borrowed);
}

/* Of what was told late, a 16th a period. */
#define LATE_SHIFT 4

#define PART_SHIFT 20

static __always_inline void count_late(__u64 *late, __u64 *counted, __u64 part)
{
	__u64 bytes = see(late) * part >> PART_SHIFT;

	__sync_fetch_and_sub(late, bytes);
	__sync_fetch_and_add(counted, bytes);
}

/* At a look, of an inner class: so much of what was told late as if it were told now. */
__noinline int qos_take_late(__u32 slot, __u64 now)
{
	const struct qos_class_cfg *cfg = bpf_map_lookup_elem(&qos_classes, &slot);
	struct qos_clocks *clk = bpf_map_lookup_elem(&qos_clocks, &slot);
	__u64 part;
	__u32 shift;

	if (!cfg || !clk)
		return 0;
	shift = (cfg->period_shift & 31) + LATE_SHIFT;
	part = sooner(less(now, clk->pace[0].t), 1ULL << shift) << PART_SHIFT >> shift;
	count_late(&clk->late.guaranteed, &clk->sent_rate, part);
	for (__u32 i = 0; i < QOS_LEVELS; i++) {
		count_late(&clk->late.paced[i], &clk->pace[i].paced, part);
		count_late(&clk->late.other[i], &clk->pace[i].other, part);
	}
	return 0;
}

/* Backlogs are told to a parent for as long as they are of, in units of 2^10 ns. */
static __always_inline __u64 queued_for(__u64 dt)
{
	return sooner(dt, VIRTUAL_DT_MAX) >> 10 | 1;
}

/* Of a leaf, by guarantee and by share: bytes that wait, and that left since the last look. */
struct turnover {
	__u64 queued_rate, queued_share;
	__u64 held; /* of these, for its own ceiling, which is what it may have */
	__u64 sent_rate, sent_share;
};

/* Longer than the rarest looks. */
#define LONG_PERIODS 16ULL
#define TOLD_PERIODS 4
#define TOLD_PACKETS 2

/*
 * What left while nobody looked is not of the parent's last period. It is told as if all of that
 * time had been as its mean, and as of a few periods; but a packet or two as they are: where these
 * come seldom they are all that the class sends.
 */
static __always_inline void forget_long_gone(const struct path *p, struct turnover *t, __u64 dt)
{
	__u64 least = (__u64)p->cls->packet_bytes * TOLD_PACKETS, parts;
	__u64 period = 1ULL << (p->cls->period_shift & 31);

	if (dt <= LONG_PERIODS * period)
		return;
	parts = qos_divide(dt, TOLD_PERIODS * period);
	t->sent_rate = later(qos_divide(t->sent_rate, parts), sooner(t->sent_rate, least));
	t->sent_share = later(qos_divide(t->sent_share, parts), sooner(t->sent_share, least));
}

/* Looks further apart than so many of the parent's periods are late. */
#define LATE_PERIODS 8ULL

/*
 * What it sent. A leaf that is looked at seldom, as its packets come seldom, would tell a multiple
 * of its rate in one period of its parent, and nothing in the next ones: what it tells is counted
 * little by little (qos_take_late()).
 */
static __always_inline void tell_sent(const struct path *p, __u64 dt, const struct turnover *t)
{
	struct qos_pace *pace = shared_pace(p);
	struct qos_late *late = &p->above->late;
	__u32 level = level_of(p);

	if (dt > LATE_PERIODS << (p->cls->parent_shift & 31))
		tell(&late->guaranteed, p->clk->waited ? &late->paced[level] : &late->other[level],
		     t->sent_rate, t->sent_share);
	else
		tell(&p->above->sent_rate, p->clk->waited ? &pace->paced : &pace->other,
		     t->sent_rate, t->sent_share);
}

/* Its parent is told. A function of its own, which the verifier looks at once. */
__noinline int qos_report_up(__u32 slot, __u64 dt, const struct turnover *t)
{
	struct path p;

	if (!t || find_path(slot, &p))
		return 0;
	tell_sent(&p, dt, t);
	__sync_fetch_and_add(&shared_pace(&p)->queued, t->queued_share * queued_for(dt));
	__sync_fetch_and_add(&p.above->queued, t->queued_rate * queued_for(dt));
	__sync_fetch_and_add(&p.above->held[level_of(&p)], t->held * queued_for(dt));
	return 0;
}

#endif
