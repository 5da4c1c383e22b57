/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Later fragments go where the first one of their datagram went, which alone has ports. */
#ifndef QOS_MATCH_FRAGMENTS_H
#define QOS_MATCH_FRAGMENTS_H

#include "match/match.h"

/* What is remembered of datagrams, of late: one that meets the place of another takes it. */
struct qos_fragments;

struct qos_fragments *qos_fragments_new(void);
void qos_fragments_free(struct qos_fragments *fragments);

/* qos_packet_judge() of packets that come one after the other. */
void qos_fragments_judge(struct qos_fragments *fragments, const struct qos_policy *policy,
			 const struct qos_packet *packet, struct qos_judgement *ret_judgement);

#endif
