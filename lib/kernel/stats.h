/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef QOS_KERNEL_STATS_H
#define QOS_KERNEL_STATS_H

#include <jansson.h>

#include "kernel/device.h"

/* What a device's classes and fq counted, as qos_stats() has it. A new reference. */
int qos_device_stats(struct qos_device *device, struct qos_diags *diags, json_t **ret_json);

#endif
