/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether any packet can have all that a match asks for. */
#include <netinet/in.h>

#include "model/draft.h"

/* A set of IP families. */
#define SET_IPV4 1U
#define SET_IPV6 2U
#define SET_BOTH 3U

static unsigned int set_of(unsigned int family)
{
	return family == 4 ? SET_IPV4 : SET_IPV6;
}

static const char *set_text(unsigned int set)
{
	return set == SET_IPV4 ? "IPv4" : "IPv6";
}

/* Of lists that are empty: any. */
static unsigned int prefix_families(const struct qos_prefix *prefixes, size_t count)
{
	unsigned int set = count ? 0 : SET_BOTH;

	for (size_t i = 0; i < count; i++)
		set |= set_of(prefixes[i].family);
	return set;
}

static unsigned int proto_families(const uint8_t *proto, size_t count)
{
	unsigned int set = count ? 0 : SET_BOTH;

	for (size_t i = 0; i < count; i++) {
		switch (proto[i]) {
		case IPPROTO_ICMP:
		case IPPROTO_IGMP:
			set |= SET_IPV4;
			break;
		case IPPROTO_ICMPV6:
			set |= SET_IPV6;
			break;
		default:
			set |= SET_BOTH;
		}
	}
	return set;
}

struct need {
	const char *key;
	unsigned int families;
};

/* Two keys that exclude each other; there are two families, so if all of the
 * keys together leave none, two of them do.
 */
static void check_families(struct draft *draft, const struct qos_node *map,
			   const struct qos_match *match)
{
	const struct need needs[] = {
		{ "family", match->family ? set_of(match->family) : SET_BOTH },
		{ "proto", proto_families(match->proto, match->proto_count) },
		{ "src", prefix_families(match->src, match->src_count) },
		{ "dst", prefix_families(match->dst, match->dst_count) },
	};

	for (size_t i = 1; i < ARRAY_SIZE(needs); i++) {
		for (size_t j = 0; j < i; j++) {
			if (needs[i].families & needs[j].families)
				continue;
			draft_error(draft, qos_node_get(map, needs[i].key)->loc,
				    "`%s` is %s only and `%s` %s only: no packet is both",
				    needs[i].key, set_text(needs[i].families), needs[j].key,
				    set_text(needs[j].families));
			qos_diag_note(draft->diags, qos_node_get(map, needs[j].key)->loc,
				      "`%s` is given here", needs[j].key);
			return;
		}
	}
}

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP ||
	       proto == IPPROTO_DCCP || proto == IPPROTO_UDPLITE;
}

static void check_ports(struct draft *draft, const struct qos_node *map,
			const struct qos_match *match)
{
	const char *key = match->sport_count ? "sport" : match->dport_count ? "dport" : NULL;

	if (!key || !match->proto_count)
		return;
	for (size_t i = 0; i < match->proto_count; i++) {
		if (has_ports(match->proto[i]))
			return;
	}
	draft_error(draft, qos_node_get(map, key)->loc,
		    "`%s` goes with tcp, udp, udplite, sctp or dccp: what `proto` asks for has no "
		    "ports",
		    key);
	qos_diag_note(draft->diags, qos_node_get(map, "proto")->loc, "`proto` is given here");
}

void match_check(struct draft *draft, const struct qos_node *map, const struct qos_match *match)
{
	check_families(draft, map, match);
	check_ports(draft, map, match);
}
