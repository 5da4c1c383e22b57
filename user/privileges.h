/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When capabilities are given up. */
#ifndef QOSCTL_PRIVILEGES_H
#define QOSCTL_PRIVILEGES_H

#include "report.h"

/* Give up what is not needed from now on. False, and reported, when that fails. */
bool privileges_keep(enum qos_privileges keep, struct report *report);

/* The kernel was asked for the last time: unless it is a verb that asks again, all of them. */
void privileges_drop(struct report *report);

#endif
