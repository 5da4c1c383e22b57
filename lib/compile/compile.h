/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of this stage share. */
#ifndef QOS_COMPILE_COMPILE_H
#define QOS_COMPILE_COMPILE_H

#include "compile/plan.h"

void qos_compile_class(const struct qos_class *cls, const struct qos_link *link,
		       struct qos_plan_class *ret);
/* link, link_class and link_burst of the plan. */
void qos_compile_link(const struct qos_link *link, struct qos_plan *plan);
/* From the classes of the plan, compiled before. */
void qos_compile_fq(const struct qos_plan *plan, struct qos_fq_params *ret);
/*
 * Append the entries of one rule of the policy, in order.
 * -E2BIG with a diagnostic at the rule when there would be more than
 * QOS_MAX_RULES; -ENOMEM.
 */
int qos_compile_rule(const struct qos_rule_def *rule, struct qos_diags *diags,
		     struct qos_plan *plan);

#endif
