/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The maps of flows, and what a program is told of those of the one before it: kern/order.h. */
#ifndef QOS_KERNEL_BPF_FLOWS_H
#define QOS_KERNEL_BPF_FLOWS_H

#include <bpf/libbpf.h>

#include "kernel/bpf.h"

/*
 * Of an object that is not loaded yet: how large its maps are, or that they are those of old (may
 * be null), and what of link says so. capacity: slots of the new program. 0 or -errno.
 */
int qos_flows_configure(const struct bpf_object *obj, const struct qos_bpf *old, uint32_t capacity,
			struct qos_link_cfg *link);

/* For the document that the next program reads. Null: no memory. */
json_t *qos_flows_salt(const struct qos_link_cfg *link);

/* What a class's successor is told of it; not of its clocks. */
struct qos_before qos_flows_before(const struct qos_class_cfg *cls);

/* Fill those of the loaded object that are its own. 0 or -errno. */
int qos_flows_fill(const struct bpf_object *obj, const struct qos_bpf *old, uint32_t capacity);

#endif
