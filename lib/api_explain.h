/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of a packet, as a document: whoever found it out. */
#ifndef QOS_API_EXPLAIN_H
#define QOS_API_EXPLAIN_H

#include <jansson.h>

#include "match/match.h"

/* What became of one. */
struct api_fate {
	const struct qos_packet *packet;
	const struct qos_judgement *judgement;
	bool kernel;	  /* its program said so */
	uint64_t wait_ns; /* if it did */
};

/* The object of qosctl(8); whether with the rules that nearly matched. -ENOMEM. */
int api_explain_json(const struct qos_policy *policy, const struct api_fate *fate, bool near,
		     json_t **ret_json);

#endif
