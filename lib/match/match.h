/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which rule of a policy takes a packet, and what kept others from it. */
#ifndef QOS_MATCH_MATCH_H
#define QOS_MATCH_MATCH_H

#include "match/packet.h"

/* In the order in which they are looked at. */
enum qos_match_key {
	QOS_MATCH_FAMILY,
	QOS_MATCH_PROTO,
	QOS_MATCH_SRC,
	QOS_MATCH_DST,
	QOS_MATCH_SPORT,
	QOS_MATCH_DPORT,
	QOS_MATCH_DSCP,
	QOS_MATCH_MARK,
	QOS_MATCH_CGROUP,
	QOS_MATCH_UID,
	QOS_MATCH_VLAN,
	QOS_MATCH_LENGTH,
	QOS_MATCH_TCP_FLAGS,
	QOS_MATCH_ICMP_TYPE,
	QOS_MATCH_NOT,
	QOS_MATCH_KEYS
};

/* As a policy writes it. */
const char *qos_match_key_text(enum qos_match_key key);

/* The keys that are asked for, and those of them that do not hold: bit n is key n. */
uint32_t qos_match_asked(const struct qos_match *match);
uint32_t qos_match_failed(const struct qos_match *match, const struct qos_packet *packet);

#define QOS_NEAR_MAX 5

/* A rule that one key kept from taking the packet. */
struct qos_near {
	size_t rule;
	enum qos_match_key key;
};

struct qos_judgement {
	bool by_rule; /* else it is of the default class */
	size_t rule;
	/* of the rules before that, those that most keys held of, in the policy's order */
	struct qos_near near[QOS_NEAR_MAX];
	size_t near_count;
};

/* Of an exempt packet no rule is asked. */
void qos_packet_judge(const struct qos_policy *policy, const struct qos_packet *packet,
		      struct qos_judgement *ret_judgement);

/* Why a key of a rule does not hold: "dport is 53, not 80 or 443". -ENOMEM. */
int qos_match_why(const struct qos_match *match, enum qos_match_key key,
		  const struct qos_packet *packet, char **ret_text);

#endif
