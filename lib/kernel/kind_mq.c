/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/kind.h"

/* mq has no parameters (mq_init() in net/sched/sch_mq.c): its children have. */
const struct qos_kind qos_kind_mq = {
	.name = "mq",
};
