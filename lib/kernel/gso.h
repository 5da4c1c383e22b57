/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The largest packets that the stack builds for a device: ours, and what they were before. */
#ifndef QOS_KERNEL_GSO_H
#define QOS_KERNEL_GSO_H

#include "kernel/device.h"

struct qos_gso_sizes {
	uint32_t size; /* bytes */
	uint32_t ipv4; /* bytes; 0: the kernel has none apart */
};

/* What the device would have without us: what is not what we set is somebody's. */
struct qos_gso_sizes qos_gso_theirs(const struct qos_device *device);
/* Whether it has what we set, if we did. */
bool qos_gso_in_force(const struct qos_device *device);
/* What it has to have: plan->gso_max_size, bound to the device. */
struct qos_gso_sizes qos_gso_wanted(const struct qos_device *device, const struct qos_plan *plan);
/* Make it so, where it was not when the device was opened. */
int qos_gso_put(const struct qos_device *device, const struct qos_gso_sizes *gso,
		struct qos_diags *diags);
/* As it was then. */
void qos_gso_roll_back(const struct qos_device *device);

#endif
