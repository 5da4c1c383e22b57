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
#include "kernel/bpf_maps.h"
#include "kernel/link.h"

/* What follows cgroups: attached as long as pinned or open; -1: it is not. */
struct qos_cgroup_links {
	int mkdir_fd, rmdir_fd;
};

/* Where the document is: see bpf_state.c. */
struct qos_bpf_document {
	int fd;
	uint32_t size;	 /* bytes there are for a version */
	uint64_t serial; /* of the version in force */
};

/* Our programs and their maps, not loaded yet: in one place, as who opens them has a copy of them.
 */
struct egress_bpf;
struct bpf_object_open_opts;
struct egress_bpf *qos_bpf_programs(const struct bpf_object_open_opts *opts);

struct qos_bpf {
	int prog_fd;
	uint32_t prog_id;
	int classes_fd, clocks_fd, counters_fd;
	uint32_t capacity;	  /* slots of the per-class maps */
	struct qos_bpf_maps maps; /* all of it, or most */
	/* of an opened one: */
	int flows_fd, names_fd;
	int hits_fd, decisions_fd;
	uint32_t rules;			 /* and the default; those of qos_hits */
	int expiries_fd, expiry_cfgs_fd; /* -1: nothing ever ended by itself: see expiry.h */
	int cgroups_fd, cgroup_path_fd;	 /* -1: no rule asks for one; see cgroups.h */
	struct qos_cgroup_links cgroup_links;
	bool unpinned; /* it has maps that have no pin */
	uint32_t flow_records;
	struct qos_bpf_document document;
	json_t *state; /* what it said when it was opened */
};

void qos_bpf_free(struct qos_bpf *bpf);
DEFINE_CLEANUP(struct qos_bpf *, qos_bpf_freep, qos_bpf_free)

/*
 * A descriptor of a program, whosever it is, so that it stays: by the pin in dir (may be null)
 * where that is of this program, else by its id, which needs CAP_SYS_ADMIN. -ENOENT when
 * there is none.
 */
int qos_bpf_hold(uint32_t prog_id, const char *dir);

/*
 * A program in the kernel, by id, as qos_bpf_hold(), or what is pinned in dir. -ENOENT when there
 * is none or it is not of this ABI (no diagnostic): its maps would be misread.
 */
int qos_bpf_open(uint32_t prog_id, const char *dir, struct qos_diags *diags,
		 struct qos_bpf **ret_bpf);
int qos_bpf_open_pinned(const char *dir, struct qos_diags *diags, struct qos_bpf **ret_bpf);
/* The program of a pin, whatever its ABI. -ENOENT when there is none (no diagnostic). */
int qos_bpf_pinned_id(const char *dir, struct qos_diags *diags, uint32_t *ret_id);

/*
 * Load a new program for a plan. Classes that old (may be null) had keep their
 * clocks and counters: same slot, same maps. state: the document without
 * "slots", which is added here. Nothing is attached yet.
 */
int qos_bpf_load(const struct qos_plan *plan, const struct qos_link_info *link,
		 const struct qos_bpf *old, json_t *state, struct qos_diags *diags,
		 struct qos_bpf **ret_bpf);

/*
 * Give the classes of a program the numbers of a plan that has the shape of the one in force
 * (qos_plan_same_shape()), in two steps. First, with its timers stopped, the document (without
 * "slots", which is added here), which says that it is unfinished: whoever is interrupted from now
 * on, the next apply knows what may have been changed. -ENOSPC, and no diagnostic, when there is no
 * room for it. After an error nothing was changed.
 */
struct qos_bpf_update;
int qos_bpf_update_begin(struct qos_bpf *bpf, const struct qos_plan *plan, json_t *state,
			 struct qos_diags *diags, struct qos_bpf_update **ret_update);
/* Back to the document and the timers of before. */
void qos_bpf_update_abandon(struct qos_bpf_update *update);
/*
 * Then the numbers, what says that they are in force, and the plan's timers. Program, clocks and
 * counters stay. After an error numbers and document are those of before. bpf->state stays what it
 * was.
 */
int qos_bpf_update_end(struct qos_bpf_update *update, const struct qos_plan *plan,
		       struct qos_diags *diags);
void qos_bpf_update_free(struct qos_bpf_update *update);
DEFINE_CLEANUP(struct qos_bpf_update *, qos_bpf_update_freep, qos_bpf_update_free)

/*
 * Of a plan that is in force, whose numbers in the maps are not the plan's, as somebody else wrote
 * there: the link's first, then the classes', class_count + 1 of them, the caller's. -EBADMSG where
 * the program has other classes.
 */
int qos_bpf_strays(const struct qos_bpf *bpf, const struct qos_plan *plan, bool **ret_strays);

/* Pin program and maps in an existing, empty directory of a bpffs, for bpftool(8). */
int qos_bpf_pin(struct qos_bpf *bpf, const char *dir, struct qos_diags *diags);

/* Call fn with a descriptor, to take over, of each map of the program, until it fails. */
int qos_bpf_for_each_map(struct qos_bpf *bpf, int (*fn)(struct qos_bpf *bpf, int fd, void *arg),
			 void *arg);

/* Slot of a class in the state, or -ENOENT. */
int qos_bpf_slot(const json_t *state, const char *class_name);

/* Sum over the CPUs. */
int qos_bpf_counters(const struct qos_bpf *bpf, uint32_t slot, struct qos_counters *ret_sum);

/* All values of an array map, of count entries of size bytes; the caller's. */
int qos_bpf_array(int fd, uint32_t count, size_t size, void **ret_values);
/* Put them back, in one call: who is killed leaves the old ones or the new ones, whole
 * (generic_map_update_batch() in kernel/bpf/syscall.c is not interrupted). */
int qos_bpf_array_put(int fd, uint32_t count, const void *values);

#endif
