/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making an interface follow a plan, and undoing it. ret_text: the changes, a
 * line each ("+ …", "- …"); empty when there were none. Where the plan has none, but the policy's
 * text or what is set is another, that is one.
 */
#ifndef QOS_KERNEL_APPLY_H
#define QOS_KERNEL_APPLY_H

#include <stdbool.h>

#include "compile/plan.h"

struct qos_device;

/*
 * An interface, which can be shaped; lock: who is going to change it ("qosctl apply"), alone until
 * it is closed, or null to look only.
 */
int qos_kernel_open(const char *ifname, const char *lock, struct qos_diags *diags,
		    struct qos_device **ret_device);
void qos_kernel_close(struct qos_device *device);

/* What qos_kernel_apply() would change on the plan's interface; changes nothing. */
int qos_kernel_plan(const struct qos_device *device, const struct qos_plan *plan,
		    struct qos_diags *diags, char **ret_text);

/*
 * How a plan differs from the one in force, whatever others changed since; empty where its policy's
 * text is the one that was applied, whatever schedule holds and whatever is set. ret_read: whether
 * it is: the same plan may be of another text, of which a schedule that does not hold says more.
 */
int qos_kernel_compare(const struct qos_device *device, const struct qos_plan *plan, bool *ret_read,
		       char **ret_text);

/*
 * All or nothing: the new program is loaded and filled beside the old one, and
 * takes over in one replacement of the filter, under RTNL and RCU, so that each
 * packet is judged by the old policy or the new one whole. An error at any step
 * puts back what was there. Where only numbers of classes and of the link differ
 * (qos_plan_same_shape()), they change in the class table of the program that runs, one
 * class after another; nothing else is touched.
 */
int qos_kernel_apply(struct qos_device *device, const struct qos_plan *plan,
		     struct qos_diags *diags, char **ret_text);

/* -ENOENT with a diagnostic when nothing of ours is there. Of one that is gone: what it left. */
int qos_kernel_remove(const char *ifname, struct qos_diags *diags, char **ret_text);
/* What all interfaces left that are gone, or their namespaces are. */
int qos_kernel_sweep(struct qos_diags *diags, char **ret_text);

#endif
