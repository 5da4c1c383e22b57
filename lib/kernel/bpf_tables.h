/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The maps that a plan's tables are in: see compile/tables.h. */
#ifndef QOS_KERNEL_BPF_TABLES_H
#define QOS_KERNEL_BPF_TABLES_H

#include <bpf/libbpf.h>

#include "compile/tables.h"

/* How large maps are to be. */
struct qos_tables_room {
	uint32_t entries, rules, sets, values, nodes, cgroups;
	uint32_t set_words;
};

struct qos_tables_room qos_tables_room(const struct qos_tables *tables, size_t rules);

/* The maps of an object that is not loaded yet, by name. 0 or libbpf's error. */
int qos_tables_configure(const struct bpf_object *obj, const struct qos_tables_room *room);

/*
 * Fill the maps of a loaded object, which nothing uses yet. slots: by class, the slot of each.
 * Cgroups are not filled: who they are is asked elsewhere. -errno.
 */
int qos_tables_fill(const struct bpf_object *obj, const struct qos_tables *tables,
		    const uint32_t *slots);

/* From now on nobody writes them, not even root: what they say is what the program does. -errno. */
int qos_tables_freeze(const struct bpf_object *obj);

#endif
