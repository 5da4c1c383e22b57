/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an interface follows: of which everything that runs there can be made again. */
#ifndef QOS_KERNEL_IN_FORCE_H
#define QOS_KERNEL_IN_FORCE_H

#include "kernel/device.h"

struct qos_in_force {
	char *path, *source; /* of the policy file, when it was applied */
	char *applied;	     /* when that was (UTC); null: an older version did not say */
	char *schedule;	     /* that holds; null: none */
	int64_t since;	     /* seconds since 1970 that it does */
	struct qos_set *sets;
	size_t set_count;
};

/* -ENOENT with a diagnostic when no program of ours is there that we can read; -ENOMEM. */
int qos_in_force_get(const struct qos_device *device, struct qos_diags *diags,
		     struct qos_in_force *ret_in_force);
void qos_in_force_done(struct qos_in_force *in_force);

/*
 * Add a value, in place of one of the same class and key; strings are copied.
 * -ENOMEM.
 */
int qos_in_force_set(struct qos_in_force *in_force, const struct qos_set *set);
/* Drop those of a class (null: of all) and key (null: all); returns how many. */
size_t qos_in_force_unset(struct qos_in_force *in_force, const char *class, const char *key);

#endif
