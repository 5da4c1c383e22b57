/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is between a plan and the kernel, whoever changed it there. */
#ifndef QOS_KERNEL_WORK_H
#define QOS_KERNEL_WORK_H

#include "kernel/device.h"

/* What there is to do. */
struct qos_work {
	char *plan;    /* as text */
	char *changes; /* its lines that are not in force, and those in force that are not its */
	bool numbers;  /* they are of numbers only (qos_plan_same_shape()), or there are none */
	char *said;    /* these, whose qdiscs go, and what else of the document is not so yet */
};

/* plan: for this device. After an error, too, *work is to be done with. */
int qos_work_find(const struct qos_device *device, const struct qos_plan *plan,
		  struct qos_diags *diags, struct qos_work *work);
void qos_work_done(struct qos_work *work);

#endif
