/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plan as text. Complete, and stable: golden files and running kernels hold it. */
#include "compile/compile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/names.h"
#include "base/units.h"

static void print_rate(FILE *out, const char *key, uint64_t bps)
{
	char buf[QOS_UNIT_LEN];

	if (bps)
		fprintf(out, " %s %s", key, qos_format_rate(bps, buf));
}

static void print_size(FILE *out, const char *key, uint64_t bytes)
{
	char buf[QOS_UNIT_LEN];

	fprintf(out, " %s %s", key, qos_format_size(bytes, buf));
}

static void print_time(FILE *out, const char *key, uint64_t ns)
{
	char buf[QOS_UNIT_LEN];

	fprintf(out, " %s %s", key, qos_format_time(ns, buf));
}

static void print_link(FILE *out, const struct qos_plan *plan)
{
	static const char *const framing[] = { "none", "atm", "ptm" };
	const struct qos_link_cfg *link = &plan->link;

	fprintf(out, "link mode %s", qos_names_text(&qos_names_mode, (int)link->mode));
	if (plan->policy->link.rate) {
		print_rate(out, "rate", plan->policy->link.rate);
		print_size(out, "burst", plan->link_burst);
	}
	if (link->overhead_set)
		fprintf(out, " overhead %d mpu %u framing %s", link->overhead, link->mpu,
			framing[link->framing]);
	if (link->tunnel_inner)
		fputs(" tunnel inner", out);
	fputc('\n', out);
}

static void print_gso(FILE *out, const struct qos_plan *plan)
{
	if (plan->gso_max_size)
		fprintf(out, "gso %u\n", plan->gso_max_size);
}

static void print_flows(FILE *out, const struct qos_class *cls)
{
	char buf[QOS_UNIT_LEN];

	fprintf(out, " fairness %s", qos_names_text(&qos_names_fairness, (int)cls->fairness));
	if (cls->fairness == QOS_FAIR_SRC_HOST || cls->fairness == QOS_FAIR_DST_HOST)
		fprintf(out, "/%u", cls->host6_len);
	if (cls->per_flow)
		fprintf(out, " per-flow %s", qos_format_rate(cls->per_flow, buf));
}

static void print_queue(FILE *out, const struct qos_class *cls, const struct qos_plan_class *plan)
{
	print_time(out, "latency", cls->latency);
	print_time(out, "limit", plan->cfg.limit_ns);
	fputs(cls->ecn ? "" : " ecn off", out);
}

static void print_leaf(FILE *out, const struct qos_plan *plan, const struct qos_class *cls,
		       const struct qos_plan_class *compiled)
{
	if (plan->link.mode == QOS_MODE_FQ) {
		print_flows(out, cls);
		print_queue(out, cls, compiled);
	}
	if (cls->dscp >= 0) {
		fputs(" dscp ", out);
		qos_print_dscp(out, cls->dscp);
	}
}

/* As the policy has it, which is its rate by default. What the kernel has is of all siblings: it
 * would change every line of them with one.
 */
static void print_weight(FILE *out, const struct qos_class *cls)
{
	if (cls->weight != cls->rate)
		fprintf(out, " weight %" PRIu64, cls->weight);
}

static void print_class(FILE *out, const struct qos_plan *plan, size_t i)
{
	const struct qos_plan_class *compiled = &plan->classes[i];
	const struct qos_class *cls = &plan->policy->classes[i];

	fprintf(out, "class %s", cls->name);
	if (cls->parent != QOS_PARENT_LINK)
		fprintf(out, " in %s", plan->policy->classes[cls->parent].name);
	if (cls->inner)
		fputs(" inner", out);
	else
		fprintf(out, " priority %s", qos_names_text(&qos_names_priority, cls->priority));
	print_rate(out, "rate", cls->rate);
	print_rate(out, "ceil", cls->ceil);
	print_weight(out, cls);
	print_size(out, "burst", compiled->burst);
	if (!cls->inner)
		print_leaf(out, plan, cls, compiled);
	fputc('\n', out);
}

static void print_fq(FILE *out, const struct qos_fq_params *fq)
{
	fprintf(out, "qdisc fq limit %u flow_limit %u quantum %u initial_quantum %u buckets_log %u",
		fq->limit, fq->flow_limit, fq->quantum, fq->initial_quantum, fq->buckets_log);
	fprintf(out, " orphan_mask %u horizon_us %u\n", fq->orphan_mask, fq->horizon_us);
}

int qos_plan_print(const struct qos_plan *plan, char **ret_text)
{
	_cleanup_(freep) char *text = NULL;
	const struct qos_policy *policy = plan->policy;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return -ENOMEM;
	print_link(out, plan);
	print_gso(out, plan);
	for (size_t i = 0; i < plan->class_count; i++)
		print_class(out, plan, i);
	fprintf(out, "default %s\n", plan->classes[policy->default_class].name);
	for (size_t i = 0; i < policy->rule_count; i++)
		qos_print_rule(out, policy, &policy->rules[i]);
	if (plan->link.mode == QOS_MODE_FQ)
		print_fq(out, &plan->fq);
	/* without memory for its last part a memstream may close well, and be null */
	if (fclose(out) || !text)
		return -ENOMEM;
	*ret_text = TAKE_PTR(text);
	return 0;
}
