/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a device had before we came, so that it can be put back. */
#ifndef QOS_KERNEL_SNAPSHOT_H
#define QOS_KERNEL_SNAPSHOT_H

#include <jansson.h>

#include "kernel/tc.h"

struct qos_snapshot {
	struct qos_qdiscs qdiscs;  /* without clsact and ingress, parents first */
	struct qos_qdiscs classes; /* of those that the user attached */
	bool has_filters;	   /* a classful qdisc of the user's had filters */
	bool had_clsact;
	uint32_t gso_max_size;	    /* bytes */
	uint32_t gso_ipv4_max_size; /* 0: the kernel has none apart */
};

int qos_snapshot_take(struct qos_nl *nl, const struct qos_link_info *link, struct qos_diags *diags,
		      struct qos_snapshot **ret_snapshot);
void qos_snapshot_free(struct qos_snapshot *snapshot);
DEFINE_CLEANUP(struct qos_snapshot *, qos_snapshot_freep, qos_snapshot_free)

/* A new reference. -ENOMEM. */
int qos_snapshot_to_json(const struct qos_snapshot *snapshot, json_t **ret_json);
/* -EBADMSG when it is not one. */
int qos_snapshot_from_json(const json_t *json, struct qos_snapshot **ret_snapshot);

/*
 * Put the qdiscs back (clsact and the GSO sizes are not its affair). What the
 * kernel had attached by default it attaches again; the user's own are created
 * anew with handle, kind, options and classes. What of them the kernel does
 * not tell, or does not take back, is named in a warning; without its root
 * the device gets the kernel's default. A root that is not ours stays.
 */
int qos_snapshot_restore(struct qos_nl *nl, const struct qos_link_info *link,
			 const struct qos_snapshot *snapshot, struct qos_diags *diags);

/*
 * Warn of what the kernel does not tell of qdiscs, or does not take back. before: while they are
 * still there, so that remove could not put it back.
 */
void qos_snapshot_warn_untold(const struct qos_link_info *link, const struct qos_snapshot *snapshot,
			      bool before, struct qos_diags *diags);
/* The same of one of them, for a reason. */
void qos_snapshot_warn_lost(const struct qos_link_info *link, const struct qos_qdisc *what,
			    bool is_class, bool before, const char *why, struct qos_diags *diags);

#endif
