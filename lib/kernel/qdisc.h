/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Our qdiscs on a device: fq as root, or mq as root with one fq a transmit
 * queue where the device has several.
 */
#ifndef QOS_KERNEL_QDISC_H
#define QOS_KERNEL_QDISC_H

#include "kernel/kind.h"

#define QOS_QDISC_ROOT 0x71050000U /* 7105: */
/* below mq, queue n from 0 on */
#define QOS_QDISC_CHILD(n) ((0x7106U + (n)) << 16)

/*
 * Make the device's qdiscs ours. Those that are already are changed in place,
 * without losing a packet; where nothing is to change nothing is sent.
 * QOS_UNSUPPORTED when the kernel has no fq.
 */
int qos_qdisc_install(struct qos_nl *nl, const struct qos_link_info *link,
		      const struct qos_fq_params *params, struct qos_diags *diags);

/*
 * Whether they are ours and, unless params is null, as asked for. *ret_why:
 * null, or the first difference as a text, the caller's ("root is pfifo_fast
 * 0:, not fq 7105:").
 */
int qos_qdisc_verify(struct qos_nl *nl, const struct qos_link_info *link,
		     const struct qos_fq_params *params, struct qos_diags *diags, char **ret_why);
/* The same, by a dump of the device that one has. */
int qos_qdiscs_verify(const struct qos_qdiscs *qdiscs, const struct qos_link_info *link,
		      const struct qos_fq_params *params, char **ret_why);

/* Whether a dump of a device shows our root; parameters aside. */
bool qos_qdisc_is_ours(const struct qos_qdiscs *qdiscs);
/* The root that somebody put there: null where it is the kernel's default, or ours. */
const struct qos_qdisc *qos_qdisc_foreign(const struct qos_qdiscs *qdiscs);

/* Counters of all our fq of the device; zero where there is none. */
int qos_qdisc_stats(struct qos_nl *nl, const struct qos_link_info *link, struct qos_diags *diags,
		    struct qos_fq_stats *ret_stats);

#endif
