/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Classes → clocks: costs, bursts, limits, and which clocks can decide. */
#include "compile/compile.h"

#include <linux/pkt_sched.h>

#define NS_PER_SEC	1000000000ULL
#define FRAME		1514ULL /* Ethernet, without FCS, as the kernel counts */
#define GSO_MAX		65536
#define BURST_NS	1000000	 /* of idleness that a class may make up for */
#define POLICE_BURST_NS 20000000 /* a policer has no queue: a usual round trip */
#define POLICE_FRAMES	10
#define BURST_FRAMES	2
#define LIMIT_MIN_NS	100000000ULL
#define LIMIT_MAX_NS	10000000000ULL /* as the language allows */
#define LIMIT_FRAMES	10	       /* TCP's initial window (RFC 6928) */

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

/* Clocks that cannot decide are left out: see kern/tree.h. */
static uint32_t class_flags(const struct qos_class *cls, const struct qos_link *link)
{
	bool lends = link->rate && cls->rate != cls->ceil;
	uint32_t flags = 0;

	if (cls->ceil && (!lends || cls->ceil < link->rate))
		flags |= QOS_CLASS_CEIL;
	if (lends)
		flags |= QOS_CLASS_BORROW;
	if (lends && cls->rate)
		flags |= QOS_CLASS_RATE;
	return flags;
}

void qos_compile_class(const struct qos_class *cls, const struct qos_link *link,
		       struct qos_plan_class *ret)
{
	uint64_t fast = cls->ceil ? cls->ceil : link->rate;
	uint64_t slow = cls->rate ? cls->rate : fast;
	uint64_t burst = cls->burst ? cls->burst : default_burst(fast, link->police);
	uint64_t limit = cls->limit ? cls->limit : default_limit(slow);

	/* a policer has no queue: what it lets pass over burst is what it marks */
	if (link->police)
		limit = duration(burst, fast);
	*ret = (struct qos_plan_class){
		.name = cls->name,
		.rate = cls->rate,
		.ceil = cls->ceil,
		.burst = burst,
		.cfg = {
			.rate_cost = cost(cls->rate),
			.ceil_cost = cost(cls->ceil),
			.rate_burst_ns = duration(burst, cls->rate),
			.ceil_burst_ns = duration(burst, cls->ceil),
			.limit_ns = limit,
			.priority = skb_priority(cls->priority),
			.flags = class_flags(cls, link),
			.dscp = cls->dscp < 0 ? QOS_DSCP_KEEP : (uint8_t)cls->dscp,
		},
	};
}

void qos_compile_link(const struct qos_link *link, struct qos_plan *plan)
{
	uint64_t burst = default_burst(link->rate, link->police);

	plan->link = (struct qos_link_cfg){
		.mode = link->police ? QOS_MODE_POLICE : QOS_MODE_FQ,
		.overhead = link->overhead,
		.mpu = link->mpu,
		.overhead_set = link->overhead_set,
		.framing = (uint32_t)link->framing,
		.rate_set = link->rate > 0,
	};
	plan->link_class = (struct qos_class_cfg){
		.ceil_cost = cost(link->rate),
		.ceil_burst_ns = duration(burst, link->rate),
		.dscp = QOS_DSCP_KEEP,
	};
	plan->link_burst = burst;
}

/*
 * fq drops after the program has charged, so its limits have to be above the
 * longest queue that the program allows, in the smallest packets (an IP header
 * in a frame). Memory is taken by packets, not by the limit.
 */
#define SMALLEST_FRAME 34
#define FQ_LIMIT_MIN   10000 /* fq's own default */
#define FQ_LIMIT_MAX   (1U << 20)
#define FQ_ORPHAN_MASK ((1U << 20) - 1)
#define FQ_QUANTUM_NS  100000 /* of link rate a turn; fq's default, two frames, at least */
#define FQ_HORIZON_US  10000000ULL

static uint64_t queue_packets(const struct qos_plan_class *cls, uint64_t link_rate)
{
	uint64_t rate = cls->ceil ? cls->ceil : link_rate;
	unsigned __int128 bytes = (unsigned __int128)rate * cls->cfg.limit_ns / NS_PER_SEC / 8;

	return min_u64((bytes + GSO_MAX) / SMALLEST_FRAME, FQ_LIMIT_MAX);
}

void qos_compile_fq(const struct qos_plan *plan, struct qos_fq_params *ret)
{
	/* bands as pfifo_fast and fq's own default have them (sch_fq.c, fq_prio2band) */
	static const uint8_t priomap[16] = { 1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1 };
	static const int32_t weights[3] = { 589824, 196608, 65536 };
	uint64_t link_rate = plan->policy->link.rate, packets = FQ_LIMIT_MIN, limit_ns = 0;
	uint64_t quantum;

	for (size_t i = 0; i < plan->class_count; i++) {
		packets += queue_packets(&plan->classes[i], link_rate);
		limit_ns = max_u64(limit_ns, plan->classes[i].cfg.limit_ns);
	}
	packets = min_u64(packets, FQ_LIMIT_MAX);
	quantum = (unsigned __int128)link_rate * FQ_QUANTUM_NS / NS_PER_SEC / 8;
	quantum = min_u64(max_u64(quantum, 2 * FRAME), GSO_MAX);
	*ret = (struct qos_fq_params){
		.limit = (uint32_t)packets,
		.flow_limit = (uint32_t)packets,
		.quantum = (uint32_t)quantum,
		.initial_quantum = (uint32_t)quantum * 5,
		.buckets_log = 14,
		.orphan_mask = FQ_ORPHAN_MASK,
		/* a stamp at the limit, seen a little later, is within it */
		.horizon_us = (uint32_t)max_u64(FQ_HORIZON_US, limit_ns / 1000 + 1000000),
	};
	for (size_t i = 0; i < 16; i++)
		ret->priomap[i] = priomap[i];
	for (size_t i = 0; i < 3; i++)
		ret->weights[i] = weights[i];
}
