/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compile/compile.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

DEFINE_CLEANUP(struct qos_plan *, plan_freep, qos_plan_free)

void qos_plan_free(struct qos_plan *plan)
{
	if (!plan)
		return;
	free(plan->classes);
	free(plan->rules);
	free(plan);
}

int qos_plan_compile(const struct qos_policy *policy, struct qos_diags *diags,
		     struct qos_plan **ret_plan)
{
	_cleanup_(plan_freep) struct qos_plan *plan = calloc(1, sizeof(*plan));

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
	for (size_t i = 0; i < policy->rule_count; i++) {
		int r = qos_compile_rule(&policy->rules[i], diags, plan);

		if (r < 0)
			return r;
	}
	plan->link.rules = (uint32_t)plan->rule_count;
	plan->link.used = qos_rules_used(plan->rules, plan->rule_count);
	qos_compile_fq(&plan->fq);
	plan->gso_max_size = qos_compile_gso(policy);
	*ret_plan = TAKE_PTR(plan);
	return 0;
}
