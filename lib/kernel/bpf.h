/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program and its maps. A loaded program carries all state of ours in the
 * kernel: its maps, and in one of them, bound to it, a JSON document (names,
 * the plan in force, what to put back). So what is known of an interface is
 * what is attached to it, and there is no file that could say otherwise.
 */
#ifndef QOS_KERNEL_BPF_H
#define QOS_KERNEL_BPF_H

#include <jansson.h>

#include "compile/plan.h"
#include "kernel/link.h"

struct qos_bpf {
	int prog_fd;
	uint32_t prog_id;
	int classes_fd, clocks_fd, counters_fd;
	uint32_t capacity; /* slots of the per-class maps */
	json_t *state;	   /* of an opened one: the document */
};

void qos_bpf_free(struct qos_bpf *bpf);
DEFINE_CLEANUP(struct qos_bpf *, qos_bpf_freep, qos_bpf_free)

/* A descriptor of a program, whosever it is, so that it stays. -ENOENT when there is none. */
int qos_bpf_hold(uint32_t prog_id);

/*
 * A program in the kernel, by id or by the path of its pin. -ENOENT when there
 * is none or it is not of this ABI (no diagnostic): its maps would be misread.
 */
int qos_bpf_open(uint32_t prog_id, struct qos_diags *diags, struct qos_bpf **ret_bpf);
int qos_bpf_open_pinned(const char *dir, struct qos_diags *diags, struct qos_bpf **ret_bpf);

/*
 * Load a new program for a plan. Classes that old (may be null) had keep their
 * clocks and counters: same slot, same maps. state: the document without
 * "slots", which is added here. Nothing is attached yet.
 */
int qos_bpf_load(const struct qos_plan *plan, const struct qos_link_info *link,
		 const struct qos_bpf *old, json_t *state, struct qos_diags *diags,
		 struct qos_bpf **ret_bpf);

/* Pin program and maps in an existing, empty directory of a bpffs, for bpftool(8). */
int qos_bpf_pin(struct qos_bpf *bpf, const char *dir, struct qos_diags *diags);

/* Slot of a class in the state, or -ENOENT. */
int qos_bpf_slot(const json_t *state, const char *class_name);

/* Sum over the CPUs. */
int qos_bpf_counters(const struct qos_bpf *bpf, uint32_t slot, struct qos_counters *ret_sum);
int qos_bpf_clocks(const struct qos_bpf *bpf, uint32_t slot, struct qos_clocks *ret_clocks);

#endif
