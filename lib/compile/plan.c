/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compile/compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

DEFINE_CLEANUP(struct qos_plan *, plan_freep, qos_plan_free)

void qos_plan_free(struct qos_plan *plan)
{
	if (!plan)
		return;
	free(plan->classes);
	qos_tables_free(plan->tables);
	free(plan);
}

/* What the program has to know of its tables. */
static void put_tables(const struct qos_policy *policy, struct qos_plan *plan)
{
	const struct qos_tables *tables = plan->tables;

	plan->link.rules = tables->entries;
	plan->link.words = tables->words;
	plan->link.used = tables->used;
	memcpy(plan->link.tables, tables->begin, sizeof(plan->link.tables));
	memcpy(plan->link.masks, tables->masks, sizeof(plan->link.masks));
	plan->link.cgroup_levels = tables->cgroup_levels;
	plan->link.tunnel_inner = policy->link.tunnel_inner;
}

int qos_plan_compile(const struct qos_policy *policy, struct qos_diags *diags,
		     struct qos_plan **ret_plan)
{
	_cleanup_(plan_freep) struct qos_plan *plan = calloc(1, sizeof(*plan));
	int r;

	if (!plan)
		return -ENOMEM;
	plan->policy = policy;
	plan->class_count = policy->class_count;
	plan->classes = calloc(policy->class_count, sizeof(*plan->classes));
	if (!plan->classes)
		return -ENOMEM;
	for (size_t i = 0; i < policy->class_count; i++)
		qos_compile_class(policy, &policy->classes[i], &plan->classes[i]);
	qos_compile_link(policy, plan);
	if (qos_compile_tree(plan) < 0)
		return -ENOMEM;
	r = qos_tables_compile(policy->rules, policy->rule_count, NULL, diags, &plan->tables);
	if (r < 0)
		return r;
	put_tables(policy, plan);
	qos_plan_fq(&plan->fq);
	plan->gso_max_size = qos_compile_gso(policy);
	*ret_plan = TAKE_PTR(plan);
	return 0;
}
