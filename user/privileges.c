// SPDX-License-Identifier: LGPL-2.1-or-later
#include "privileges.h"

bool privileges_keep(enum qos_privileges keep, struct report *report)
{
	_cleanup_(diags_freep) struct qos_diags *diags = diags_new();
	int r = qos_privileges_keep(keep, diags);

	report_diags(report, diags, "qosctl", r);
	return r == 0;
}

void privileges_drop(struct report *report)
{
	if (!report->asks_again)
		privileges_keep(QOS_PRIVILEGES_NONE, report);
}
