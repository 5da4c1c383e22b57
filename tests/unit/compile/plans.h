/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plan from a policy's text, as the tests of compile/ want it. */
#ifndef QOS_TESTS_COMPILE_PLANS_H
#define QOS_TESTS_COMPILE_PLANS_H

#include "compile/compile.h"
#include "model/load.h"

DEFINE_CLEANUP(struct qos_plan *, plan_freep, qos_plan_free)

static inline struct qos_plan *compile(const struct qos_policy *policy)
{
	struct qos_plan *plan = NULL;

	assert_int_equal(qos_plan_compile(policy, NULL, &plan), 0);
	return plan;
}

/* The whole text of the plan for a policy's text; the caller's. */
static inline char *print_policy(const char *text)
{
	_cleanup_(policy_freep) struct qos_policy *policy = load_good(text);
	_cleanup_(plan_freep) struct qos_plan *plan = compile(policy);
	char *printed = NULL;

	assert_int_equal(qos_plan_print(plan, &printed), 0);
	return printed;
}

#endif
