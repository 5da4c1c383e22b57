/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making an interface follow a plan, and undoing it. ret_text: the changes, a
 * line each ("+ …", "- …"); empty when there were none.
 */
#ifndef QOS_KERNEL_APPLY_H
#define QOS_KERNEL_APPLY_H

#include "compile/plan.h"

/* What qos_kernel_apply() would change; changes nothing. */
int qos_kernel_plan(const struct qos_plan *plan, struct qos_diags *diags, char **ret_text);

/* How a plan differs from the one that was applied, whatever others changed since. */
int qos_kernel_compare(const struct qos_plan *plan, struct qos_diags *diags, char **ret_text);

/*
 * All or nothing: the new program is loaded and filled beside the old one, and
 * takes over in one replacement of the filter, under RTNL and RCU, so that each
 * packet is judged by the old policy or the new one whole. An error at any step
 * puts back what was there. Where only numbers of classes and of the link differ
 * (qos_plan_same_shape()), they change in the class table of the program that runs, one
 * class after another; nothing else is touched.
 */
int qos_kernel_apply(const struct qos_plan *plan, struct qos_diags *diags, char **ret_text);

/* -ENOENT with a diagnostic when nothing of ours is there. */
int qos_kernel_remove(const char *ifname, struct qos_diags *diags, char **ret_text);

#endif
