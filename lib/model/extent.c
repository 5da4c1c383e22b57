/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A match as sets: lists in order and put together, what one key says of another added. */
#include "model/extent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

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

static int from_flags(struct spans *spans, const bool *in, size_t count)
{
	int r = begin(spans, count);

	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		if (in[i])
			add(spans, 0, i, i);
	}
	merge(spans);
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

static bool has_type(const struct qos_match *match, size_t proto)
{
	int family = proto == IPPROTO_ICMP ? 4 : proto == IPPROTO_ICMPV6 ? 6 : -1;

	for (size_t i = 0; i < match->icmp_type_count; i++) {
		if (family > 0 &&
		    (!match->icmp_type[i].family || match->icmp_type[i].family == family))
			return true;
	}
	return false;
}

static int from_protos(struct spans *spans, const struct qos_match *match)
{
	bool in[256] = { 0 }, ports = match->sport_count || match->dport_count;

	if (!match->proto_count && !ports && !match->tcp_flags_count && !match->icmp_type_count)
		return 0;
	for (size_t i = 0; i < match->proto_count; i++)
		in[match->proto[i]] = true;
	for (size_t i = 0; i < ARRAY_SIZE(in); i++)
		in[i] = (in[i] || !match->proto_count) && (!ports || has_ports(i)) &&
			(!match->tcp_flags_count || i == IPPROTO_TCP) &&
			(!match->icmp_type_count || has_type(match, i));
	return from_flags(spans, in, ARRAY_SIZE(in));
}

static void keep_families(struct extent *extent, const struct spans *addresses)
{
	bool family4 = !addresses->given, family6 = !addresses->given;

	for (size_t i = 0; i < addresses->count; i++) {
		family4 |= addresses->list[i].family == 4;
		family6 |= addresses->list[i].family == 6;
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
	if (from_protos(&dims[DIM_PROTO], match) < 0 ||
	    from_prefixes(&dims[DIM_SRC], match->src, match->src_count) < 0 ||
	    from_prefixes(&dims[DIM_DST], match->dst, match->dst_count) < 0 ||
	    from_ports(&dims[DIM_SPORT], match->sport, match->sport_count) < 0 ||
	    from_ports(&dims[DIM_DPORT], match->dport, match->dport_count) < 0 ||
	    from_dscps(&dims[DIM_DSCP], match->dscp) < 0 ||
	    from_ranges(&dims[DIM_UID], match->uid, match->uid_count) < 0 ||
	    from_ranges(&dims[DIM_VLAN], match->vlan, match->vlan_count) < 0 ||
	    from_ranges(&dims[DIM_LENGTH], match->length, match->length_count) < 0)
		return -ENOMEM;
	keep_families(extent, &dims[DIM_SRC]);
	keep_families(extent, &dims[DIM_DST]);
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

static int fill_range(struct spans *spans, extent_value max)
{
	return spans->given ? 0 : fill(spans, 0, 0, max);
}

static int fill_sets(struct extent *extent)
{
	const struct qos_match *match = extent->match;
	struct spans *dims = extent->dims;
	bool ports = match->sport_count || match->dport_count || match->tcp_flags_count;
	bool ip = match->family || match->length_count || match->dscp || dims[DIM_PROTO].given ||
		  dims[DIM_SRC].given || dims[DIM_DST].given;
	int r = fill_range(&dims[DIM_VLAN], QOS_VLAN_NONE);

	if (r == 0 && ports)
		r = fill_range(&dims[DIM_SPORT], UINT16_MAX);
	if (r == 0 && ports)
		r = fill_range(&dims[DIM_DPORT], UINT16_MAX);
	if (r < 0 || !ip)
		return r;
	r = fill_range(&dims[DIM_PROTO], UINT8_MAX);
	if (r == 0)
		r = fill_range(&dims[DIM_DSCP], 63);
	if (r == 0)
		r = fill_range(&dims[DIM_LENGTH], UINT16_MAX + 40);
	if (r == 0)
		r = fill_addresses(extent, &dims[DIM_SRC]);
	return r < 0 ? r : fill_addresses(extent, &dims[DIM_DST]);
}

int extent_init(struct extent *extent, const struct qos_match *match)
{
	int r = init_sets(extent, match);

	if (r == 0)
		r = fill_sets(extent);
	if (r < 0 || !match->excluded_count)
		return r;
	extent->excluded = calloc(match->excluded_count, sizeof(*extent->excluded));
	if (!extent->excluded)
		return -ENOMEM;
	for (size_t i = 0; i < match->excluded_count && r == 0; i++)
		r = init_sets(&extent->excluded[i], &match->excluded[i]);
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
