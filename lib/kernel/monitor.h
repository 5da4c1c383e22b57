/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who listens to interfaces: qos_monitor_open() and those after it. */
#ifndef QOS_KERNEL_MONITOR_H
#define QOS_KERNEL_MONITOR_H

#include "base/diag.h"

int qos_kernel_monitor_open(const char *const *ifnames, size_t count,
			    const struct qos_monitor_filter *filter, struct qos_diags *diags,
			    struct qos_monitor **ret_monitor);
int qos_kernel_monitor_wait(struct qos_monitor *monitor, int timeout_ms, qos_monitor_fn *fn,
			    void *arg, struct qos_diags *diags);
void qos_kernel_monitor_free(struct qos_monitor *monitor);

#endif
