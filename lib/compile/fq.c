/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fq's parameters. The same for every policy, so that other rates change no qdisc.
 *
 * fq drops after the program has charged, so its limits have to be above the longest
 * queue that the program allows, in the smallest packets. Memory is taken by packets,
 * not by the limit.
 */
#include "compile/compile.h"

#define FQ_LIMIT       (1U << 20)
#define FQ_ORPHAN_MASK ((1U << 20) - 1)
#define FQ_BUCKETS_LOG 14
#define FQ_QUANTUM     3028U /* fq's own: two frames */
/* The longest limit of the language, 10 s, seen a little later, is within it. */
#define FQ_HORIZON_US 11000000U

void qos_plan_fq(struct qos_fq_params *ret)
{
	/* bands as pfifo_fast and fq's own default have them (sch_fq.c, fq_prio2band) */
	static const uint8_t priomap[16] = { 1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1 };
	static const int32_t weights[3] = { 589824, 196608, 65536 };

	*ret = (struct qos_fq_params){
		.limit = FQ_LIMIT,
		.flow_limit = FQ_LIMIT,
		.quantum = FQ_QUANTUM,
		.initial_quantum = 5 * FQ_QUANTUM,
		.buckets_log = FQ_BUCKETS_LOG,
		.orphan_mask = FQ_ORPHAN_MASK,
		.horizon_us = FQ_HORIZON_US,
	};
	for (size_t i = 0; i < 16; i++)
		ret->priomap[i] = priomap[i];
	for (size_t i = 0; i < 3; i++)
		ret->weights[i] = weights[i];
}
