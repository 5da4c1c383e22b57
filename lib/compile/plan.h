/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What has to be in the kernel for a policy to hold: map entries and qdiscs. */
#ifndef QOS_COMPILE_PLAN_H
#define QOS_COMPILE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "compile/tables.h"
#include "model/policy.h"

/* fq's parameters, in the units of its netlink attributes. */
struct qos_fq_params {
	uint32_t limit;		  /* packets, per band */
	uint32_t flow_limit;	  /* packets */
	uint32_t quantum;	  /* bytes */
	uint32_t initial_quantum; /* bytes */
	uint32_t buckets_log;
	uint32_t orphan_mask;
	uint32_t horizon_us;
	uint8_t priomap[16]; /* priority → band, where the kernel has bands */
	int32_t weights[3];
};

struct qos_plan_class {
	const char *name; /* the policy's */
	struct qos_class_cfg cfg;
	uint64_t rate, ceil; /* bits/s, for people */
	uint64_t burst;	     /* bytes */
};

struct qos_plan;

/* Into which another turns by itself, of the same shape. */
struct qos_plan_step {
	uint64_t at; /* CLOCK_BOOTTIME, ns */
	const struct qos_plan *plan;
};

/* Points into its policy, which must outlive it. */
struct qos_plan {
	const struct qos_policy *policy;
	struct qos_link_cfg link; /* default_slot and l2_len are set when it is bound to a device */
	struct qos_class_cfg link_class; /* slot 0 */
	uint64_t link_burst;		 /* bytes */
	struct qos_plan_class *classes;	 /* slot of class i: i + 1, unless bound otherwise */
	size_t class_count;
	struct qos_tables *tables; /* of the rules; slots hold a class's index + 1 */
	struct qos_fq_params fq;   /* unless link.mode is police */
	uint32_t gso_max_size;	   /* bytes; 0: as the device has it */
	/* at most QOS_EXPIRIES, the first one first; the caller's, as are their plans */
	const struct qos_plan_step *steps;
	size_t step_count;
};

/* -EINVAL with a located diagnostic when the policy does not fit the tables; -ENOMEM. */
int qos_plan_compile(const struct qos_policy *policy, struct qos_diags *diags,
		     struct qos_plan **ret_plan);
void qos_plan_free(struct qos_plan *plan);

/* The same of every plan. */
void qos_plan_fq(struct qos_fq_params *ret);

/*
 * gso_max_size of the plan for a device of this MTU that has packets of that
 * size without us. What is chosen from the rate holds two of its frames and
 * only ever lowers; what the policy says is taken as it is.
 */
uint32_t qos_plan_gso(const struct qos_plan *plan, uint32_t mtu, uint32_t has);
/* The least that is chosen from a rate, of a device of this MTU. */
uint32_t qos_plan_gso_least(uint32_t mtu);

/*
 * The plan as text, a line an item. Complete: plans with equal text put equal
 * things into the kernel, so comparing texts is comparing plans. -ENOMEM.
 */
int qos_plan_print(const struct qos_plan *plan, char **ret_text);

/* The lines of now that are not in then ("+ ") and of then not in now ("- "), in order. -ENOMEM. */
int qos_plan_diff(const char *then, const char *now, char **ret_text);

/*
 * Whether two plans as text differ at most in what the class table holds, rates and
 * the like, and in the device's GSO sizes: the same classes in the same places,
 * rules, default, link and qdisc.
 */
bool qos_plan_same_shape(const char *then, const char *now);

#endif
