/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The capabilities of the process: fewer and fewer. */
#ifndef QOS_KERNEL_PRIVILEGES_H
#define QOS_KERNEL_PRIVILEGES_H

#include "base/diag.h"

/* As qos_privileges_keep(). */
int qos_kernel_keep(enum qos_privileges keep, struct qos_diags *diags);

#endif
