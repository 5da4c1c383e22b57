/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What remove puts back: what the first apply found, or what somebody put there
 * since. As JSON, which the program carries: the snapshot of the interface and,
 * of a bond, "ports": [{"ifindex", "origin": snapshot of the slave}].
 */
#ifndef QOS_KERNEL_ORIGIN_H
#define QOS_KERNEL_ORIGIN_H

#include "kernel/device.h"
#include "kernel/snapshot.h"

/* What is there now, all that a failed apply has to put back. */
struct qos_found {
	struct qos_snapshot *self;   /* of a bond; else null: it is its one port */
	struct qos_snapshot **ports; /* of each of the device's */
	size_t count;
};

int qos_found_take(const struct qos_device *device, struct qos_diags *diags,
		   struct qos_found *ret_found);
void qos_found_done(struct qos_found *found);

/* A new reference. */
int qos_origin_find(const struct qos_device *device, const struct qos_found *found,
		    struct qos_diags *diags, json_t **ret_origin);

/*
 * Put back the qdiscs of all ports, where ours are there; without an origin
 * (null) the kernel's default. Those of slaves that left the bond too.
 */
int qos_origin_restore(const struct qos_device *device, const json_t *origin,
		       struct qos_diags *diags);
/* Those of slaves that left only. */
int qos_origin_release(const struct qos_device *device, const json_t *origin,
		       struct qos_diags *diags);

#endif
