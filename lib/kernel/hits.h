/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How often each rule of a running program took a packet. */
#ifndef QOS_KERNEL_HITS_H
#define QOS_KERNEL_HITS_H

#include "kernel/device.h"

/*
 * Sums over the CPUs, by a rule's number, 0 those that no rule took; bpf->rules of them,
 * the caller's. Each is of some moment of the call. Only of a rule whose flows come anew faster
 * than they can be read it may be short by what came during the call; the next says it.
 */
int qos_hits_read(const struct qos_bpf *bpf, struct qos_hits **ret_hits);

/*
 * {"interface", "ifindex", "policy", "source", "counts": [{"packets", "bytes"}]} of an interface
 * that has a program of ours: path and text of the policy, and counts by number. They are null in
 * a program without rules, which does not ask itself which one takes a packet.
 */
int qos_device_hits(struct qos_device *device, struct qos_diags *diags, json_t **ret_json);

#endif
