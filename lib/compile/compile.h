/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of this stage share. */
#ifndef QOS_COMPILE_COMPILE_H
#define QOS_COMPILE_COMPILE_H

#include "base/buffer.h"
#include "compile/plan.h"

/* A class by itself: its rates, bursts, limits, flags. */
void qos_compile_class(const struct qos_policy *policy, const struct qos_class *cls,
		       struct qos_plan_class *ret);
/* link, link_class and link_burst of the plan. */
void qos_compile_link(const struct qos_policy *policy, struct qos_plan *plan);
/* What classes are to each other, once all of them and the link are compiled. -ENOMEM. */
int qos_compile_tree(struct qos_plan *plan);
/* gso_max_size of the plan, before the device is known. */
uint32_t qos_compile_gso(const struct qos_policy *policy);

/* A DSCP by its name, where it has one; a line of a rule. */
void qos_print_dscp(struct qos_buffer *out, int dscp);
void qos_print_rule(struct qos_buffer *out, const struct qos_policy *policy,
		    const struct qos_rule_def *rule);

#endif
