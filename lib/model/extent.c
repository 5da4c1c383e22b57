/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A match as sets: lists in order and put together, what one key says of another added. */
#include "model/extent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define IPV4_HEADER 20
#define IPV6_HEADER 40

static int compare(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	return x->min < y->min ? -1 : x->min > y->min;
}

/* What touches becomes one. */
static void merge(struct spans *spans)
{
	struct span *list = spans->list;
	size_t count = 0;

	if (!list)
		return;
	qsort(list, spans->count, sizeof(*list), compare);
	for (size_t i = 0; i < spans->count; i++) {
		struct span *last = count ? &list[count - 1] : NULL;

		if (last && last->family == list[i].family &&
		    (list[i].min <= last->max || list[i].min - last->max == 1))
			last->max = list[i].max > last->max ? list[i].max : last->max;
		else
			list[count++] = list[i];
	}
	spans->count = count;
}

/* Room for count of them, given if there is one. */
static int begin(struct spans *spans, size_t count)
{
	if (!count)
		return 0;
	spans->list = calloc(count, sizeof(*spans->list));
	if (!spans->list)
		return -ENOMEM;
	spans->given = true;
	return 0;
}

static void add(struct spans *spans, uint8_t family, extent_value min, extent_value max)
{
	spans->list[spans->count++] = (struct span){ .min = min, .max = max, .family = family };
}

static extent_value address(const struct in6_addr *addr)
{
	extent_value value = 0;

	for (size_t i = 0; i < sizeof(addr->s6_addr); i++)
		value = value << 8 | addr->s6_addr[i];
	return value;
}

static int from_prefixes(struct spans *spans, const struct qos_prefix *prefixes, size_t count)
{
	int r = begin(spans, count);

	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		unsigned int host = (prefixes[i].family == 4 ? 32 : 128) - prefixes[i].len;
		extent_value hosts = host == 128 ? ~(extent_value)0 : ((extent_value)1 << host) - 1;
		extent_value first = address(&prefixes[i].addr);

		add(spans, prefixes[i].family, first, first | hosts);
	}
	merge(spans);
	return 0;
}

static int from_ports(struct spans *spans, const struct qos_port_range *ports, size_t count)
{
	int r = begin(spans, count);

	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++)
		add(spans, 0, ports[i].min, ports[i].max);
	merge(spans);
	return 0;
}

static int from_ranges(struct spans *spans, const struct qos_range *ranges, size_t count)
{
	int r = begin(spans, count);

	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++)
		add(spans, 0, ranges[i].min, ranges[i].max);
	merge(spans);
	return 0;
}

/* Those of count values that are in. */
static int from_flags(struct spans *spans, const bool *in, size_t count)
{
	size_t runs = 0;

	for (size_t i = 0; i < count; i++)
		runs += in[i] && (!i || !in[i - 1]);
	spans->given = true;
	if (begin(spans, runs) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (in[i] && i && in[i - 1])
			spans->list[spans->count - 1].max = i;
		else if (in[i])
			add(spans, 0, i, i);
	}
	return 0;
}

static int from_dscps(struct spans *spans, uint64_t dscps)
{
	bool in[64];

	if (!dscps)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(in); i++)
		in[i] = dscps >> i & 1;
	return from_flags(spans, in, ARRAY_SIZE(in));
}

static bool has_ports(size_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP ||
	       proto == IPPROTO_DCCP || proto == IPPROTO_UDPLITE;
}

static int from_tcp_flags(struct spans *spans, const struct qos_match *match)
{
	bool in[256] = { 0 };

	if (!match->tcp_flags_count)
		return 0;
	for (size_t i = 0; i < match->tcp_flags_count; i++) {
		const struct qos_masked *flags = &match->tcp_flags[i];

		for (uint32_t value = 0; value < ARRAY_SIZE(in); value++)
			in[value] |= (value & flags->mask) == flags->value;
	}
	return from_flags(spans, in, ARRAY_SIZE(in));
}

static void add_type(struct spans *spans, uint8_t family, const struct qos_icmp_type *type)
{
	extent_value first = (extent_value)type->type << 8;

	if (type->family && type->family != family)
		return;
	if (type->code < 0)
		add(spans, family, first, first | 255);
	else
		add(spans, family, first | (extent_value)type->code,
		    first | (extent_value)type->code);
}

static int from_types(struct spans *spans, const struct qos_match *match)
{
	size_t count = 0;

	for (size_t i = 0; i < match->icmp_type_count; i++)
		count += match->icmp_type[i].family ? 1 : 2;
	if (begin(spans, count) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < match->icmp_type_count; i++) {
		add_type(spans, 4, &match->icmp_type[i]);
		add_type(spans, 6, &match->icmp_type[i]);
	}
	merge(spans);
	return 0;
}

static bool can_be(const struct extent *extent, uint8_t family)
{
	return family == 4 ? extent->family4 : extent->family6;
}

/* Of the families that the extent can be, those that some of the spans are of. */
static void keep_families(struct extent *extent, const struct spans *spans)
{
	bool family4 = !spans->given, family6 = !spans->given;

	for (size_t i = 0; i < spans->count; i++) {
		family4 |= spans->list[i].family == 4;
		family6 |= spans->list[i].family == 6;
	}
	extent->family4 &= family4;
	extent->family6 &= family6;
}

/* And of the spans, those that are of such a family. */
static void keep_spans(const struct extent *extent, struct spans *spans)
{
	size_t count = 0;

	for (size_t i = 0; i < spans->count; i++) {
		if (can_be(extent, spans->list[i].family))
			spans->list[count++] = spans->list[i];
	}
	spans->count = count;
}

/* Whether packets of the protocol can be of a family of the extent, and have what is asked for. */
static bool fits(const struct extent *extent, size_t proto)
{
	const struct qos_match *match = extent->match;
	uint8_t only = qos_proto_family((uint8_t)proto);

	if (only ? !can_be(extent, only) : !extent->family4 && !extent->family6)
		return false;
	return (!(match->sport_count || match->dport_count) || has_ports(proto)) &&
	       (!match->tcp_flags_count || proto == IPPROTO_TCP) &&
	       (!match->icmp_type_count || proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6);
}

/* Of the other family's ICMP: `proto` cannot ask for it, and what does not ask takes it. */
#define PROTO_ODD 256

static int from_protos(struct extent *extent)
{
	const struct qos_match *match = extent->match;
	bool in[PROTO_ODD + 1] = { 0 };

	for (size_t i = 0; i < match->proto_count; i++)
		in[match->proto[i]] = true;
	for (size_t i = 0; i < PROTO_ODD; i++)
		in[i] = (in[i] || !match->proto_count) && fits(extent, i);
	in[PROTO_ODD] = !match->proto_count && !match->sport_count && !match->dport_count &&
			!match->tcp_flags_count && !match->icmp_type_count &&
			(extent->family4 || extent->family6);
	return from_flags(&extent->dims[DIM_PROTO], in, ARRAY_SIZE(in));
}

/* A family without a protocol that fits it is none. */
static void keep_proto_families(struct extent *extent)
{
	const struct spans *protos = &extent->dims[DIM_PROTO];
	bool family4 = false, family6 = false;

	for (size_t i = 0; i < protos->count; i++) {
		for (extent_value p = protos->list[i].min; p <= protos->list[i].max; p++) {
			family4 |= qos_proto_family((uint8_t)p) != 6;
			family6 |= qos_proto_family((uint8_t)p) != 4;
		}
	}
	extent->family4 &= family4;
	extent->family6 &= family6;
}

static int init_sets(struct extent *extent, const struct qos_match *match)
{
	struct spans *dims = extent->dims;

	*extent = (struct extent){
		.match = match,
		.family4 = match->family != 6,
		.family6 = match->family != 4,
	};
	if (from_prefixes(&dims[DIM_SRC], match->src, match->src_count) < 0 ||
	    from_prefixes(&dims[DIM_DST], match->dst, match->dst_count) < 0 ||
	    from_ports(&dims[DIM_SPORT], match->sport, match->sport_count) < 0 ||
	    from_ports(&dims[DIM_DPORT], match->dport, match->dport_count) < 0 ||
	    from_dscps(&dims[DIM_DSCP], match->dscp) < 0 ||
	    from_ranges(&dims[DIM_UID], match->uid, match->uid_count) < 0 ||
	    from_ranges(&dims[DIM_VLAN], match->vlan, match->vlan_count) < 0 ||
	    from_ranges(&dims[DIM_LENGTH], match->length, match->length_count) < 0 ||
	    from_tcp_flags(&dims[DIM_TCP_FLAGS], match) < 0 ||
	    from_types(&dims[DIM_ICMP], match) < 0)
		return -ENOMEM;
	return 0;
}

/* Whether only IP packets have what is asked for. */
static bool is_ip(const struct extent *extent)
{
	const struct qos_match *m = extent->match;

	return m->family || m->proto_count || m->src_count || m->dst_count || m->sport_count ||
	       m->dport_count || m->dscp || m->length_count || m->tcp_flags_count ||
	       m->icmp_type_count;
}

/*
 * Families and protocols, each as the other and all keys leave them; and of the rest what is
 * of such a family.
 */
static int narrow(struct extent *extent)
{
	static const enum dim by_family[] = { DIM_SRC, DIM_DST, DIM_ICMP };

	for (size_t i = 0; i < ARRAY_SIZE(by_family); i++)
		keep_families(extent, &extent->dims[by_family[i]]);
	if (from_protos(extent) < 0)
		return -ENOMEM;
	keep_proto_families(extent);
	for (size_t i = 0; i < ARRAY_SIZE(by_family); i++)
		keep_spans(extent, &extent->dims[by_family[i]]);
	return 0;
}

/* What is not asked for, where all that the other keys leave has it. */
static int fill(struct spans *spans, uint8_t family, extent_value min, extent_value max)
{
	if (!spans->list && begin(spans, 2) < 0)
		return -ENOMEM;
	add(spans, family, min, max);
	return 0;
}

static int fill_addresses(struct extent *extent, struct spans *spans)
{
	int r = 0;

	if (spans->given)
		return 0;
	if (extent->family4)
		r = fill(spans, 4, (extent_value)0xffff << 32, (extent_value)0xffffffffffff);
	if (r == 0 && extent->family6)
		r = fill(spans, 6, 0, ~(extent_value)0);
	return r;
}

static int fill_range(struct spans *spans, extent_value min, extent_value max)
{
	return spans->given ? 0 : fill(spans, 0, min, max);
}

/* None is shorter than its header. */
static int fill_lengths(struct extent *extent)
{
	struct spans *spans = &extent->dims[DIM_LENGTH];
	extent_value least = extent->family4 ? IPV4_HEADER : IPV6_HEADER;
	size_t count = 0;

	for (size_t i = 0; i < spans->count; i++) {
		struct span span = spans->list[i];

		if (span.max < least)
			continue;
		span.min = span.min < least ? least : span.min;
		spans->list[count++] = span;
	}
	spans->count = count;
	return fill_range(spans, least, QOS_LENGTH_LIMIT);
}

/* What all packets have of which this asks for something. */
static int fill_sets(struct extent *extent)
{
	const struct qos_match *match = extent->match;
	struct spans *dims = extent->dims;
	bool ports = match->sport_count || match->dport_count || match->tcp_flags_count;
	int r = fill_range(&dims[DIM_VLAN], 0, QOS_VLAN_NONE);

	if (r == 0 && ports)
		r = fill_range(&dims[DIM_SPORT], 0, UINT16_MAX);
	if (r == 0 && ports)
		r = fill_range(&dims[DIM_DPORT], 0, UINT16_MAX);
	if (r < 0 || !is_ip(extent))
		return r;
	r = narrow(extent);
	if (r == 0)
		r = fill_range(&dims[DIM_DSCP], 0, 63);
	if (r == 0)
		r = fill_lengths(extent);
	if (r == 0)
		r = fill_addresses(extent, &dims[DIM_SRC]);
	return r < 0 ? r : fill_addresses(extent, &dims[DIM_DST]);
}

/* Without what it excludes. */
static int init_keys(struct extent *extent, const struct qos_match *match)
{
	int r = init_sets(extent, match);

	return r < 0 ? r : fill_sets(extent);
}

int extent_init(struct extent *extent, const struct qos_match *match)
{
	int r = init_keys(extent, match);

	if (r < 0 || !match->excluded_count)
		return r;
	extent->excluded = calloc(match->excluded_count, sizeof(*extent->excluded));
	if (!extent->excluded)
		return -ENOMEM;
	for (size_t i = 0; i < match->excluded_count && r == 0; i++)
		r = init_keys(&extent->excluded[i], &match->excluded[i]);
	return r;
}

static void done_sets(struct extent *extent)
{
	for (size_t i = 0; i < DIMS; i++)
		free(extent->dims[i].list);
}

void extent_done(struct extent *extent)
{
	done_sets(extent);
	for (size_t i = 0; extent->excluded && i < extent->match->excluded_count; i++)
		done_sets(&extent->excluded[i]);
	free(extent->excluded);
}
