/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The flows that send now. */
#ifndef QOS_KERNEL_FLOWS_H
#define QOS_KERNEL_FLOWS_H

#include "kernel/device.h"

/* The most flows, those that send most (0: all), as qos_flows() has it. Takes 200 ms. */
int qos_device_flows(const struct qos_device *device, size_t most, struct qos_diags *diags,
		     json_t **ret_json);

/* The document's class at each slot of the program, borrowed of its state; null: none. The array is
 * the caller's; null when out of memory. */
const json_t **qos_flow_classes(const struct qos_bpf *bpf);

/*
 * What the first of two looks at a record, and the second, say that its flow has sent
 * between them, bytes. A record that was given to another flow, or anew to the same,
 * counts from 0.
 */
uint64_t qos_flow_sent(const struct qos_flow *first, const struct qos_flow *second);

/* A flow's ends as text: an address, of an IPv6 host its network; QOS_FLOW_END_LEN bytes. */
#define QOS_FLOW_END_LEN 64
char *qos_flow_end(const __u64 addr[2], uint32_t key, unsigned int host6_len, char *buf);

#endif
