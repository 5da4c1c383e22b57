/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the program has counted. */
#ifndef QOS_KERNEL_COUNTS_H
#define QOS_KERNEL_COUNTS_H

#include "kernel/live.h"

/* "classes" of qos_stats(), of an inner class the sums of those in it; and "link". */
int qos_counts_json(const struct qos_bpf *bpf, const struct qos_live *live, json_t **ret_classes,
		    json_t **ret_link);

/*
 * The delay that a part in a hundred of the packets does not exceed, ns: the upper end
 * of the bucket that it is in, so at most twice what it was. 0 without any packet.
 */
uint64_t qos_counts_delay(const __u64 buckets[QOS_DELAYS], unsigned int part);

#endif
