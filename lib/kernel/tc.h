/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Queueing disciplines as the kernel tells them, and requests to change them.
 * Handles and parents are tc's: major in the upper 16 bits; TC_H_ROOT,
 * TC_H_CLSACT.
 */
#ifndef QOS_KERNEL_TC_H
#define QOS_KERNEL_TC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <net/if.h>
#include <linux/pkt_sched.h>

#include "kernel/link.h"

/* An attribute's payload, as it came. */
struct qos_tc_blob {
	void *data;
	size_t len;
	bool present;
};

void qos_tc_blob_done(struct qos_tc_blob *blob);

struct qos_tc_stats {
	uint64_t bytes;
	uint64_t packets;
	uint32_t qlen;	  /* packets */
	uint32_t backlog; /* bytes */
	uint32_t drops;
	uint32_t requeues;
	uint32_t overlimits;
};

struct qos_qdisc {
	uint32_t handle; /* 0: attached by the kernel as default */
	uint32_t parent; /* of a class: its parent class, TC_H_ROOT if none */
	char kind[IFNAMSIZ];
	bool has_stab;		    /* has a size table (tc-stab(8)) */
	struct qos_tc_blob options; /* TCA_OPTIONS */
	struct qos_tc_blob xstats;  /* the kind's own statistics */
	struct qos_tc_stats stats;
};

struct qos_qdiscs {
	struct qos_qdisc *items;
	size_t count;
};

/* All of a device in the kernel's order: the root, its descendants in none, clsact last. */
int qos_qdiscs_get(struct qos_nl *nl, const struct qos_link_info *link, struct qos_diags *diags,
		   struct qos_qdiscs *ret_qdiscs);
/* The classes of all qdiscs of a device; handle is the class, kind its qdisc's. */
int qos_classes_get(struct qos_nl *nl, const struct qos_link_info *link, struct qos_diags *diags,
		    struct qos_qdiscs *ret_classes);
void qos_qdiscs_done(struct qos_qdiscs *qdiscs);
void qos_qdisc_done(struct qos_qdisc *qdisc);

/* The first with this parent, or null. */
const struct qos_qdisc *qos_qdiscs_find(const struct qos_qdiscs *qdiscs, uint32_t parent);

/*
 * Create a qdisc below its parent, in place of what is there, or change it in
 * place, keeping its packets, when handle and kind are those that are there.
 * Of qdisc: handle, parent, kind, options.
 */
int qos_qdisc_put(struct qos_nl *nl, const struct qos_link_info *link,
		  const struct qos_qdisc *qdisc, struct qos_diags *diags);
/* Remove what is below a parent; the kernel puts its default there. No error when nothing is. */
int qos_qdisc_delete(struct qos_nl *nl, const struct qos_link_info *link, uint32_t parent,
		     struct qos_diags *diags);
/* Create a class. Of class: handle, parent, kind, options. */
int qos_class_put(struct qos_nl *nl, const struct qos_link_info *link,
		  const struct qos_qdisc *class, struct qos_diags *diags);

/* "7105:", "1:10", "root": as tc writes it. buf holds QOS_TC_HANDLE_LEN bytes; returned. */
#define QOS_TC_HANDLE_LEN 16
char *qos_tc_handle_text(uint32_t handle, char *buf);

#endif
