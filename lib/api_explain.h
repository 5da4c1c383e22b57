/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of a packet, as a document: whoever found it out. */
#ifndef QOS_API_EXPLAIN_H
#define QOS_API_EXPLAIN_H

#include <jansson.h>
#include <qos/qos.h>

#include "match/match.h"

/* What became of one. */
struct api_fate {
	struct qos_packet packet;
	struct qos_judgement judgement;
	uint64_t rate, ceil; /* of its class, bits/s; 0: none */
	bool kernel;	     /* its program said so */
	/* if it did: how long it waits now, where packets wait; why its class would drop it, or
	 * null */
	uint64_t wait_ns;
	const char *drop;
};

/* Who decides of packets, by a policy. */
struct api_judge {
	const struct qos_policy *policy;
	/* What becomes of fate->packet, which a frame is of (null: it was written) */
	int (*judge)(const struct api_judge *judge, const struct qos_frame *frame,
		     struct qos_diags *diags, struct api_fate *fate);
	void *arg; /* its own */
};

/*
 * qos_explain() and qos_explain_capture(), by a judge. The latter has sums of what was read before
 * an error, and api_give_sums() gives both.
 */
int api_explain(const struct api_judge *judge, const char *text, struct qos_diags *diags,
		json_t **ret_json);
int api_explain_capture(const struct api_judge *judge, const char *path, qos_explain_each each,
			void *arg, struct qos_diags *diags, json_t **ret_json);
int api_give_sums(int r, json_t *json, struct qos_diags *diags, char **ret_json);

/* The class of a fate; null: it is dropped. */
const struct qos_class *api_fate_class(const struct qos_policy *policy,
				       const struct api_fate *fate);

#endif
