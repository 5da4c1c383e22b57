/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plan as text. Complete, and stable: golden files and running kernels hold it. */
#include "compile/compile.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/names.h"
#include "base/units.h"

/* " key text" */
static void print_text(struct qos_buffer *out, const char *key, const char *text)
{
	qos_buffer_puts(out, " ");
	qos_buffer_puts(out, key);
	qos_buffer_puts(out, " ");
	qos_buffer_puts(out, text);
}

static void print_rate(struct qos_buffer *out, const char *key, uint64_t bps)
{
	char buf[QOS_UNIT_LEN];

	if (bps)
		print_text(out, key, qos_format_rate(bps, buf));
}

static void print_size(struct qos_buffer *out, const char *key, uint64_t bytes)
{
	char buf[QOS_UNIT_LEN];

	print_text(out, key, qos_format_size(bytes, buf));
}

static void print_time(struct qos_buffer *out, const char *key, uint64_t ns)
{
	char buf[QOS_UNIT_LEN];

	print_text(out, key, qos_format_time(ns, buf));
}

static void print_link(struct qos_buffer *out, const struct qos_plan *plan)
{
	static const char *const framing[] = { "none", "atm", "ptm" };
	const struct qos_link_cfg *link = &plan->link;

	qos_buffer_puts(out, "link");
	print_text(out, "mode", qos_names_text(&qos_names_mode, (int)link->mode));
	if (plan->policy->link.rate) {
		print_rate(out, "rate", plan->policy->link.rate);
		print_size(out, "burst", plan->link_burst);
	}
	if (link->overhead_set)
		qos_buffer_printf(out, " overhead %d mpu %u framing %s", link->overhead, link->mpu,
				  framing[link->framing]);
	if (link->tunnel_inner)
		qos_buffer_puts(out, " tunnel inner");
	qos_buffer_puts(out, "\n");
}

static void print_gso(struct qos_buffer *out, const struct qos_plan *plan)
{
	if (plan->gso_max_size)
		qos_buffer_printf(out, "gso %u\n", plan->gso_max_size);
}

static void print_flows(struct qos_buffer *out, const struct qos_class *cls)
{
	print_text(out, "fairness", qos_names_text(&qos_names_fairness, (int)cls->fairness));
	if (cls->fairness == QOS_FAIR_SRC_HOST || cls->fairness == QOS_FAIR_DST_HOST) {
		qos_buffer_puts(out, "/");
		qos_buffer_number(out, cls->host6_len);
	}
	print_rate(out, "per-flow", cls->per_flow);
}

static void print_queue(struct qos_buffer *out, const struct qos_class *cls,
			const struct qos_plan_class *plan)
{
	print_time(out, "latency", cls->latency);
	print_time(out, "limit", plan->cfg.limit_ns);
}

static void print_leaf(struct qos_buffer *out, const struct qos_plan *plan,
		       const struct qos_class *cls, const struct qos_plan_class *compiled)
{
	if (plan->link.mode == QOS_MODE_FQ) {
		print_flows(out, cls);
		print_queue(out, cls, compiled);
	}
	qos_buffer_puts(out, cls->ecn ? "" : " ecn off");
	if (cls->dscp >= 0) {
		qos_buffer_puts(out, " dscp ");
		qos_print_dscp(out, cls->dscp);
	}
}

/* As the policy has it, which is its rate by default. What the kernel has is of all siblings: it
 * would change every line of them with one.
 */
static void print_weight(struct qos_buffer *out, const struct qos_class *cls)
{
	if (cls->weight == cls->rate)
		return;
	qos_buffer_puts(out, " weight ");
	qos_buffer_number(out, cls->weight);
}

static void print_class(struct qos_buffer *out, const struct qos_plan *plan, size_t i)
{
	const struct qos_plan_class *compiled = &plan->classes[i];
	const struct qos_class *cls = &plan->policy->classes[i];

	qos_buffer_puts(out, "class ");
	qos_buffer_puts(out, cls->name);
	if (cls->parent != QOS_PARENT_LINK)
		print_text(out, "in", plan->policy->classes[cls->parent].name);
	if (cls->inner)
		qos_buffer_puts(out, " inner");
	else
		print_text(out, "priority", qos_names_text(&qos_names_priority, cls->priority));
	print_rate(out, "rate", cls->rate);
	print_rate(out, "ceil", cls->ceil);
	print_weight(out, cls);
	print_size(out, "burst", compiled->burst);
	if (!cls->inner)
		print_leaf(out, plan, cls, compiled);
	qos_buffer_puts(out, "\n");
}

static void print_fq(struct qos_buffer *out, const struct qos_fq_params *fq)
{
	qos_buffer_printf(out, "qdisc fq limit %u flow_limit %u quantum %u initial_quantum %u",
			  fq->limit, fq->flow_limit, fq->quantum, fq->initial_quantum);
	qos_buffer_printf(out, " buckets_log %u orphan_mask %u horizon_us %u\n", fq->buckets_log,
			  fq->orphan_mask, fq->horizon_us);
}

int qos_plan_print(const struct qos_plan *plan, char **ret_text)
{
	_cleanup_(qos_buffer_done) struct qos_buffer out = { 0 };
	const struct qos_policy *policy = plan->policy;

	print_link(&out, plan);
	print_gso(&out, plan);
	for (size_t i = 0; i < plan->class_count; i++)
		print_class(&out, plan, i);
	qos_buffer_puts(&out, "default ");
	qos_buffer_puts(&out, plan->classes[policy->default_class].name);
	qos_buffer_puts(&out, "\n");
	for (size_t i = 0; i < policy->rule_count; i++)
		qos_print_rule(&out, policy, &policy->rules[i]);
	if (plan->link.mode == QOS_MODE_FQ)
		print_fq(&out, &plan->fq);
	return qos_buffer_take(&out, ret_text);
}
