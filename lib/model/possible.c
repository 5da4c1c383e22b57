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

static unsigned int proto_set(uint8_t proto)
{
	uint8_t family = qos_proto_family(proto);

	return family ? set_of(family) : SET_BOTH;
}

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP ||
	       proto == IPPROTO_DCCP || proto == IPPROTO_UDPLITE;
}

static bool has_flags(uint8_t proto)
{
	return proto == IPPROTO_TCP;
}

static bool has_type(uint8_t proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

/* Of those that have a type of ICMP, where one is asked for. That there are none of them is
 * another error.
 */
static unsigned int proto_families(const struct qos_match *match)
{
	unsigned int set = 0;

	for (size_t i = 0; i < match->proto_count; i++) {
		if (!match->icmp_type_count || has_type(match->proto[i]))
			set |= proto_set(match->proto[i]);
	}
	return set ? set : SET_BOTH;
}

static unsigned int type_families(const struct qos_match *match)
{
	unsigned int set = match->icmp_type_count ? 0 : SET_BOTH;

	for (size_t i = 0; i < match->icmp_type_count; i++)
		set |= match->icmp_type[i].family ? set_of(match->icmp_type[i].family) : SET_BOTH;
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
		{ "proto", proto_families(match) },
		{ "icmp-type", type_families(match) },
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

/* A key that only some protocols have. */
struct layer {
	const char *key;
	bool given;
	bool (*has)(uint8_t proto);
	const char *protos, *what;
};

static bool is_disjoint(const struct layer *a, const struct layer *b)
{
	for (unsigned int proto = 0; proto <= UINT8_MAX; proto++) {
		if (a->has((uint8_t)proto) && b->has((uint8_t)proto))
			return false;
	}
	return true;
}

static bool asks_only_others(const struct qos_match *match, const struct layer *layer)
{
	for (size_t i = 0; i < match->proto_count; i++) {
		if (layer->has(match->proto[i]))
			return false;
	}
	return match->proto_count;
}

static void report_layer(struct draft *draft, const struct qos_node *map, const struct layer *layer,
			 const char *other)
{
	draft_error(draft, qos_node_get(map, layer->key)->loc,
		    "`%s` goes with %s: what `%s` asks for has no %s", layer->key, layer->protos,
		    other, layer->what);
	qos_diag_note(draft->diags, qos_node_get(map, other)->loc, "`%s` is given here", other);
}

/* Flags are of a protocol that has ports, types of none: in pairs is enough. */
static void check_layers(struct draft *draft, const struct qos_node *map,
			 const struct qos_match *match)
{
	static const char with_ports[] = "tcp, udp, udplite, sctp or dccp";
	const struct layer layers[] = {
		{ "sport", match->sport_count, has_ports, with_ports, "ports" },
		{ "dport", match->dport_count, has_ports, with_ports, "ports" },
		{ "tcp-flags", match->tcp_flags_count, has_flags, "tcp", "TCP flags" },
		{ "icmp-type", match->icmp_type_count, has_type, "icmp or icmpv6", "type of ICMP" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(layers); i++) {
		if (!layers[i].given)
			continue;
		if (asks_only_others(match, &layers[i])) {
			report_layer(draft, map, &layers[i], "proto");
			return;
		}
		for (size_t j = 0; j < i; j++) {
			if (layers[j].given && is_disjoint(&layers[i], &layers[j])) {
				report_layer(draft, map, &layers[i], layers[j].key);
				return;
			}
		}
	}
}

void match_check(struct draft *draft, const struct qos_node *map, const struct qos_match *match)
{
	check_families(draft, map, match);
	check_layers(draft, map, match);
}
