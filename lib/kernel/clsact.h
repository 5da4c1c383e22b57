/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The clsact qdisc, its filters, and ours among them. */
#ifndef QOS_KERNEL_CLSACT_H
#define QOS_KERNEL_CLSACT_H

#include "kernel/tc.h"

/* Where our filter is. */
#define QOS_FILTER_PREF	  100
#define QOS_FILTER_HANDLE 0x7105
#define QOS_FILTER_NAME	  "qosctl"

struct qos_filter {
	uint16_t pref;
	uint16_t protocol; /* ETH_P_…, host order */
	uint32_t handle;
	uint32_t chain;
	char kind[IFNAMSIZ];
	/* of kind "bpf", else zero */
	char name[256];
	uint32_t prog_id;
	uint8_t tag[8];
	bool direct_action;
};

struct qos_filters {
	struct qos_filter *items;
	size_t count;
};

/*
 * Make sure that the device has a clsact qdisc. *ret_created: it had none, also where
 * making it failed, as only the answer may have got lost.
 * -EEXIST when an ingress qdisc is in its place (which has no egress).
 */
int qos_clsact_ensure(struct qos_nl *nl, const struct qos_link_info *link, struct qos_diags *diags,
		      bool *ret_created);
/* Whether the device has one: 1 or 0. */
int qos_clsact_is_there(struct qos_nl *nl, const struct qos_link_info *link,
			struct qos_diags *diags);
/* Delete it if no filter is left in it, in either direction: others' stay. */
int qos_clsact_release(struct qos_nl *nl, const struct qos_link_info *link,
		       struct qos_diags *diags);

/* Those on egress, in the order they run in; none without clsact. */
int qos_filters_get(struct qos_nl *nl, const struct qos_link_info *link, struct qos_diags *diags,
		    struct qos_filters *ret_filters);
void qos_filters_done(struct qos_filters *filters);
/* Ours, or null. */
const struct qos_filter *qos_filters_ours(const struct qos_filters *filters);

/* Somebody else's that has the place of ours, so that the kernel would refuse or replace, or null.
 */
const struct qos_filter *qos_filters_in_the_way(const struct qos_filters *filters);
#define QOS_FILTER_MOVE "move it to another pref; below it, what it decides passes unshaped"

/* How many filters a qdisc or class has, by its handle; 0 if there is no such. */
int qos_filters_count(struct qos_nl *nl, const struct qos_link_info *link, uint32_t parent,
		      struct qos_diags *diags, size_t *ret_count);

/* Attach a program (type sched_cls, by fd) as our filter, atomically in place of the one there. */
int qos_filter_put(struct qos_nl *nl, const struct qos_link_info *link, int prog_fd,
		   struct qos_diags *diags);
/* Take our filter off. No error when it is not there. */
int qos_filter_delete(struct qos_nl *nl, const struct qos_link_info *link, struct qos_diags *diags);

#endif
