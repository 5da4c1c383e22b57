/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of this stage share. */
#ifndef QOS_COMPILE_COMPILE_H
#define QOS_COMPILE_COMPILE_H

#include "compile/plan.h"

/* A class by itself: its rates, bursts, limits, flags. */
void qos_compile_class(const struct qos_policy *policy, const struct qos_class *cls,
		       struct qos_plan_class *ret);
/* link, link_class and link_burst of the plan. */
void qos_compile_link(const struct qos_policy *policy, struct qos_plan *plan);
/* What classes are to each other, once all of them and the link are compiled. -ENOMEM. */
int qos_compile_tree(struct qos_plan *plan);
void qos_compile_fq(struct qos_fq_params *ret);
/* gso_max_size of the plan, before the device is known. */
uint32_t qos_compile_gso(const struct qos_policy *policy);
/*
 * Append the entries of one rule of the policy, in order.
 * -E2BIG with a diagnostic at the rule when there would be more than
 * QOS_MAX_RULES; -ENOMEM.
 */
int qos_compile_rule(const struct qos_rule_def *rule, struct qos_diags *diags,
		     struct qos_plan *plan);

#endif
