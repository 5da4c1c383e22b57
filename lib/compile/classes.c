/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Classes → clocks: costs, bursts, limits, and which clocks can decide. */
#include "compile/compile.h"

#include <linux/pkt_sched.h>
#include <string.h>

#define NS_PER_SEC	 1000000000ULL
#define FRAME		 1514ULL /* Ethernet, without FCS, as the kernel counts */
#define GSO_MAX		 65536
#define BURST_NS	 1000000  /* of idleness that a class may make up for */
#define POLICE_BURST_NS	 20000000 /* a policer has no queue: a usual round trip */
#define POLICE_FRAMES	 10
#define BURST_FRAMES	 2
#define LIMIT_MIN_NS	 100000000ULL
#define LIMIT_MAX_NS	 10000000000ULL /* as the language allows */
#define PERIOD_SHIFT_MIN 22		/* 4 ms */
#define PERIOD_SHIFT_MAX 28
#define LIMIT_FRAMES	 10 /* TCP's initial window (RFC 6928) */

/* ns << QOS_COST_SHIFT a byte takes at bps bits/s, to the nearest; 0 for no rate. */
static uint64_t cost(uint64_t bps)
{
	return bps ? (((8 * NS_PER_SEC) << QOS_COST_SHIFT) + bps / 2) / bps : 0;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* ns that bytes take. Within the language's bounds far from 2^64: 2.5 GB at 1 kbit/s is 2e16. */
static uint64_t duration(uint64_t bytes, uint64_t bps)
{
	return bps ? (uint64_t)((unsigned __int128)bytes * 8 * NS_PER_SEC / bps) : 0;
}

static uint64_t default_burst(uint64_t bps, bool police)
{
	uint64_t ns = police ? POLICE_BURST_NS : BURST_NS;
	uint64_t frames = police ? POLICE_FRAMES : BURST_FRAMES;
	unsigned __int128 bytes = (unsigned __int128)bps * ns / NS_PER_SEC / 8;

	return max_u64(bytes, frames * FRAME);
}

/* The queue that holds TCP's first window at the slowest that the class gets. */
static uint64_t default_limit(uint64_t bps)
{
	uint64_t window = duration(LIMIT_FRAMES * FRAME, bps);

	return min_u64(max_u64(window, LIMIT_MIN_NS), LIMIT_MAX_NS);
}

/*
 * skb->priority, as the IP stack would set it for such traffic. Never 7 in the
 * low four bits: fq before 6.7 sends that at once, whatever its stamp.
 */
static uint32_t skb_priority(enum qos_priority priority)
{
	switch (priority) {
	case QOS_PRIORITY_HIGH:
		return TC_PRIO_INTERACTIVE;
	case QOS_PRIORITY_LOW:
		return TC_PRIO_BULK;
	default:
		return TC_PRIO_BESTEFFORT;
	}
}

/* The largest packet to be expected: of a millisecond, as the controller lowers GSO to. */
static uint32_t packet_bytes(const struct qos_policy *policy)
{
	uint64_t bytes = policy->link.rate / 8 / 1000;

	return (uint32_t)min_u64(max_u64(bytes, 2 * FRAME), GSO_MAX);
}

/* What a class can borrow from: the ceiling of its parent, or of the link; 0: nothing. */
static uint64_t parent_ceil(const struct qos_policy *policy, const struct qos_class *cls)
{
	return cls->parent == QOS_PARENT_LINK ? policy->link.rate :
						policy->classes[cls->parent].ceil;
}

/* Clocks that cannot decide are left out: see kern/tree.h. */
static uint32_t clock_flags(const struct qos_policy *policy, const struct qos_class *cls)
{
	uint64_t above = parent_ceil(policy, cls);
	bool lends = above && cls->rate != cls->ceil;
	uint32_t flags = 0;

	if (cls->ceil && (!lends || cls->ceil < above))
		flags |= QOS_CLASS_CEIL;
	if (cls->inner)
		return flags;
	if (lends)
		flags |= QOS_CLASS_BORROW;
	if (lends && cls->rate)
		flags |= QOS_CLASS_RATE;
	return flags;
}

static uint32_t flow_flags(const struct qos_class *cls)
{
	static const uint32_t fair[] = {
		[QOS_FAIR_FLOW] = QOS_CLASS_FAIR,
		[QOS_FAIR_SRC_HOST] = QOS_CLASS_FAIR | QOS_CLASS_SRC_HOST,
		[QOS_FAIR_DST_HOST] = QOS_CLASS_FAIR | QOS_CLASS_DST_HOST,
		[QOS_FAIR_NONE] = 0,
	};

	return fair[cls->fairness] | (cls->per_flow ? QOS_CLASS_PER_FLOW : 0) |
	       (cls->ecn ? QOS_CLASS_ECN : 0);
}

/*
 * The period at whose multiples the wheel turns: a power of two of ns that lets it see a dozen
 * packets at the rate ahead, at least. Not by the longest queue: a parent is looked at when its
 * children are, and its wheel turns by its own period.
 */
static uint8_t period_shift(uint64_t bps)
{
	uint64_t ns = max_u64(LIMIT_MIN_NS, duration(12 * FRAME, bps));
	uint8_t shift = PERIOD_SHIFT_MIN;

	while (shift < PERIOD_SHIFT_MAX && ((uint64_t)(QOS_NEAR - 2) << shift) < ns)
		shift++;
	return shift;
}

#define SAMPLE_SHIFT_MIN 11
#define SAMPLE_SHIFT_MAX 17

/* A millisecond of a rate, which may be unknown, in bytes, as a power of two. */
static uint8_t sample_shift(uint64_t bps)
{
	uint8_t shift = SAMPLE_SHIFT_MIN;

	while (shift < SAMPLE_SHIFT_MAX && (!bps || 2ULL << shift <= bps / 8 / 1000))
		shift++;
	return shift;
}

/* Nothing waits, and no flow is told from another: what says how they do is no change either. */
static void without_queue(struct qos_class_cfg *cfg)
{
	cfg->latency_ns = 0;
	cfg->flow_cost = 0;
	cfg->host6_len = 0;
	cfg->flags &= (uint16_t) ~(QOS_CLASS_FAIR | QOS_CLASS_SRC_HOST | QOS_CLASS_DST_HOST |
				   QOS_CLASS_PER_FLOW);
}

void qos_compile_class(const struct qos_policy *policy, const struct qos_class *cls,
		       struct qos_plan_class *ret)
{
	uint64_t fast = cls->ceil ? cls->ceil : parent_ceil(policy, cls);
	uint64_t slow = cls->rate ? cls->rate : fast;
	uint64_t burst = cls->burst ? cls->burst : default_burst(fast, policy->link.police);
	uint64_t limit = cls->limit ? cls->limit : default_limit(slow);

	/* a policer has no queue: what it lets pass over burst is what it marks */
	if (policy->link.police)
		limit = duration(burst, fast);
	*ret = (struct qos_plan_class){
		.name = cls->name,
		.rate = cls->rate,
		.ceil = cls->ceil,
		.burst = burst,
		.cfg = {
			.rate_cost = cost(cls->rate),
			.ceil_cost = cost(cls->ceil),
			.flow_cost = cost(cls->per_flow),
			.rate_burst_ns = duration(burst, cls->rate),
			.ceil_burst_ns = duration(burst, cls->ceil),
			.limit_ns = limit,
			.latency_ns = cls->latency,
			.rate = cls->rate / 8,
			.ceil = fast / 8,
			.flags = clock_flags(policy, cls) | (cls->inner ? 0 : flow_flags(cls)),
			.priority = skb_priority(cls->priority),
			.packet_bytes = packet_bytes(policy),
			.dscp = cls->dscp < 0 ? QOS_DSCP_KEEP : (uint8_t)cls->dscp,
			.level = (uint8_t)cls->priority,
			.period_shift = period_shift(fast),
			.host6_len = cls->host6_len,
			.sample_shift = sample_shift(fast),
		},
	};
	if (policy->link.police)
		without_queue(&ret->cfg);
}

void qos_compile_link(const struct qos_policy *policy, struct qos_plan *plan)
{
	const struct qos_link *link = &policy->link;
	uint64_t burst = default_burst(link->rate, link->police);

	plan->link = (struct qos_link_cfg){
		.mode = link->police ? QOS_MODE_POLICE : QOS_MODE_FQ,
		.overhead = link->overhead,
		.mpu = link->mpu,
		.overhead_set = link->overhead_set,
		.framing = (uint32_t)link->framing,
	};
	plan->link_class = (struct qos_class_cfg){
		.ceil_cost = cost(link->rate),
		.ceil_burst_ns = duration(burst, link->rate),
		.rate = link->rate / 8,
		.ceil = link->rate / 8,
		.flags = link->rate ? QOS_CLASS_CEIL : 0,
		.parent = QOS_NO_SLOT,
		.hard = QOS_NO_SLOT,
		.packet_bytes = packet_bytes(policy),
		.dscp = QOS_DSCP_KEEP,
		.period_shift = period_shift(link->rate),
	};
	plan->link_burst = burst;
}
