/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is particular to a kind of qdisc that we install. */
#ifndef QOS_KERNEL_KIND_H
#define QOS_KERNEL_KIND_H

#include "compile/plan.h"
#include "kernel/tc.h"

struct qos_kind {
	const char *name; /* the kernel's (Qdisc_ops.id) */
	/* Add the attributes inside TCA_OPTIONS; null: it has none. */
	void (*fill_options)(const struct qos_fq_params *params, struct nlmsghdr *msg);
	/* Whether a dumped TCA_OPTIONS says what fill_options asked for; null: always. */
	bool (*verify)(const struct qos_fq_params *params, const struct qos_tc_blob *options);
};

extern const struct qos_kind qos_kind_fq;
extern const struct qos_kind qos_kind_mq;

/* fq's own counters; see struct tc_fq_qd_stats. */
struct qos_fq_stats {
	uint64_t drops; /* all, for whatever reason */
	uint64_t drops_flow_limit;
	uint64_t drops_horizon;
	uint64_t drops_band[3]; /* over limit; 0 before Linux 6.7 */
	uint64_t throttled;	/* times a flow had to wait */
	uint32_t flows;
	uint32_t throttled_flows;
	uint32_t qlen;	  /* packets */
	uint32_t backlog; /* bytes */
};

/* Whether a dumped TCA_OPTIONS of fq is from a kernel whose fq has bands (Linux 6.7). */
bool qos_fq_has_bands(const struct qos_tc_blob *options);
/* Add one fq's counters to *stats. */
void qos_fq_stats_add(const struct qos_qdisc *fq, struct qos_fq_stats *stats);

#endif
