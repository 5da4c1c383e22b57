/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel dumped of a qdisc, as it takes it back. */
#ifndef QOS_KERNEL_REPLAY_H
#define QOS_KERNEL_REPLAY_H

#include "kernel/tc.h"

/*
 * A copy of the options of a dumped qdisc that creates it as it was, wherever
 * its kind does not take back what it tells. *ret_options is the caller's, its
 * data for free(). -ENOMEM.
 */
int qos_replay_options(const struct qos_qdisc *qdisc, struct qos_tc_blob *ret_options);

#endif
