/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Listening to packets. */
#include <qos/qos.h>

#include "api.h"
#include "kernel/monitor.h"

int qos_monitor_open(const char *const *ifnames, size_t count,
		     const struct qos_monitor_filter *filter, struct qos_diags *diags,
		     struct qos_monitor **ret_monitor)
{
	return api_finish(qos_kernel_monitor_open(ifnames, count, filter, diags, ret_monitor),
			  diags);
}

int qos_monitor_wait(struct qos_monitor *monitor, int timeout_ms, qos_monitor_fn *fn, void *arg,
		     struct qos_diags *diags)
{
	return api_finish(qos_kernel_monitor_wait(monitor, timeout_ms, fn, arg, diags), diags);
}

void qos_monitor_free(struct qos_monitor *monitor)
{
	qos_kernel_monitor_free(monitor);
}
