/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The cgroups that a policy's rules ask for. The program knows them by id; one map beside it has
 * them by path, all of them, and two programs on the kernel's tracepoints (kern/cgroups.bpf.c) put
 * the id of each that is made later to the others.
 */
#ifndef QOS_KERNEL_CGROUPS_H
#define QOS_KERNEL_CGROUPS_H

#include "kernel/bpf.h"

/* The paths of the rules into a program's map, and both maps bound to it. */
int qos_cgroups_put(struct qos_bpf *bpf, const struct qos_tables *tables, int cgroups_fd,
		    int path_fd);

/*
 * Of a program that is loaded and that nothing uses yet: be told of those that are made later,
 * then find those that are there. Where the kernel does not tell a warning says why, and what is
 * not there yet.
 */
int qos_cgroups_follow(struct qos_bpf *bpf, struct qos_diags *diags);
/*
 * The same of one that runs: where nobody tells it any more, somebody does again, and that is to
 * be pinned. 1: it does not know one that was made meanwhile. What it decided without is
 * remembered, so it takes another program.
 */
int qos_cgroups_renew(struct qos_bpf *bpf, struct qos_diags *diags);

/* What is to be known of the cgroups of a running program. */
struct qos_cgroups_found {
	size_t count;
	size_t missing, unmatched; /* do not exist; exist, and the program does not know it */
	char *first_missing, *first_unmatched;
	bool followed;
	int error; /* there is no tree to look at: why */
};

int qos_cgroups_look(const struct qos_bpf *bpf, struct qos_cgroups_found *ret_found);
void qos_cgroups_found_done(struct qos_cgroups_found *found);

/* The pins of the links, in the folder of the program's: none is no error, and -1. */
void qos_cgroup_links_open(const char *dir, struct qos_cgroup_links *ret_links);
int qos_cgroup_links_pin(const struct qos_cgroup_links *links, const char *dir);
void qos_cgroup_links_close(struct qos_cgroup_links *links);

#endif
