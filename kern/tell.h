/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a class tells its parent at a look: what it sent since the last one, and what of it waits.
 */
#ifndef QOS_TELL_H
#define QOS_TELL_H

#include "pace.h"
#include "tree.h"

/* How fast rates follow: those for the shares, and those for people. */
#define USED  2
#define SHOWN 5

static __always_inline __u64 packet_time(const struct qos_class_cfg *cfg, __u64 rate)
{
	return qos_divide((__u64)cfg->packet_bytes * NS_PER_SEC, rate ? rate : 1);
}

/* Longer than any queue: 17 s, which fit with the fastest of links. */
#define IN_MAX (1ULL << 34)

static __always_inline __u64 bytes_in(__u64 bytes_per_s, __u64 ns)
{
	return (bytes_per_s >> 4) * (sooner(ns, IN_MAX) >> 6) / (NS_PER_SEC >> 10);
}

/* waits: with others for what the parent has; bytes on the class's guarantee, and beyond it. */
static __always_inline void tell(struct qos_clocks *above, __u32 level, int waits, __u64 guaranteed,
				 __u64 borrowed)
{
	struct qos_pace *pace = &above->pace[level_index(level)];

	if (guaranteed)
		__sync_fetch_and_add(&above->sent_rate, guaranteed);
	if (borrowed)
		__sync_fetch_and_add(waits ? &pace->paced : &pace->other, borrowed);
}

/*
 * A leaf that is looked at seldom, as its packets come seldom, would tell a multiple of its rate in
 * one period of its parent, and nothing in the next ones. What it tells is counted little by little
 * (qos_take_late()).
 */
static __always_inline void tell_late(struct qos_late *late, __u32 level, int waits,
				      __u64 guaranteed, __u64 borrowed)
{
	__u32 i = level_index(level);

	if (guaranteed)
		__sync_fetch_and_add(&late->guaranteed, guaranteed);
	if (borrowed)
		__sync_fetch_and_add(waits ? &late->paced[i] : &late->other[i], borrowed);
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
	part = sooner(now - clk->pace[0].t, 1ULL << shift) << PART_SHIFT >> shift;
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

/* Looks further apart than so many of the parent's periods are late. */
#define LATE_PERIODS 8ULL

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

/* Its parent is told. A function of its own, which the verifier looks at once. */
__noinline int qos_report_up(__u32 slot, __u64 dt, const struct turnover *t)
{
	struct qos_pace *pace;
	struct path p;
	__u32 level;

	if (!t || find_path(slot, &p))
		return 0;
	level = level_of(&p);
	pace = shared_pace(&p);
	if (dt > LATE_PERIODS << (p.cls->parent_shift & 31))
		tell_late(&p.above->late, level, p.clk->waited, t->sent_rate, t->sent_share);
	else
		tell(p.above, level, p.clk->waited, t->sent_rate, t->sent_share);
	__sync_fetch_and_add(&pace->queued, t->queued_share * queued_for(dt));
	__sync_fetch_and_add(&p.above->pace[0].queued, t->queued_rate * queued_for(dt));
	__sync_fetch_and_add(&p.above->held[level], t->held * queued_for(dt));
	return 0;
}

#endif
