/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "match/fragments.h"

#include <stdlib.h>
#include <string.h>

#define PLACES 4096

/* RFC 791 tells datagrams apart by protocol too, RFC 8200 does not. */
struct datagram {
	struct in6_addr src, dst;
	uint32_t id;
	uint8_t family; /* 0: none is remembered here */
	uint8_t proto;	/* of IPv4 */
	uint16_t pad;
};

struct place {
	struct datagram datagram;
	struct qos_judgement judgement;
};

struct qos_fragments {
	struct place places[PLACES];
};

struct qos_fragments *qos_fragments_new(void)
{
	return calloc(1, sizeof(struct qos_fragments));
}

void qos_fragments_free(struct qos_fragments *fragments)
{
	free(fragments);
}

static struct datagram datagram_of(const struct qos_packet *packet)
{
	return (struct datagram){
		.src = packet->src,
		.dst = packet->dst,
		.id = packet->fragment_id,
		.family = packet->family,
		.proto = packet->family == 4 ? packet->proto : 0,
	};
}

/* FNV-1a. */
static size_t hash(const struct datagram *datagram)
{
	const uint8_t *bytes = (const uint8_t *)datagram;
	uint32_t sum = 2166136261U;

	for (size_t i = 0; i < sizeof(*datagram); i++)
		sum = (sum ^ bytes[i]) * 16777619U;
	return sum % PLACES;
}

void qos_fragments_judge(struct qos_fragments *fragments, const struct qos_policy *policy,
			 const struct qos_packet *packet, struct qos_judgement *ret_judgement)
{
	struct datagram datagram = datagram_of(packet);
	struct place *place = &fragments->places[hash(&datagram)];

	if (packet->fragment == QOS_FRAGMENT_LATER && datagram.family &&
	    memcmp(&place->datagram, &datagram, sizeof(datagram)) == 0) {
		*ret_judgement = place->judgement;
		return;
	}
	qos_packet_judge(policy, packet, ret_judgement);
	if (packet->fragment == QOS_FRAGMENT_FIRST)
		*place = (struct place){ datagram, *ret_judgement };
}
