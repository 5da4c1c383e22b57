/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether one match takes all that another takes, or nothing of it. */
#include <string.h>

#include "model/extent.h"

/* The last of them that begins at or before span, or null. */
static const struct span *find(const struct spans *spans, const struct span *span)
{
	size_t low = 0, high = spans->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct span *s = &spans->list[middle];

		if (s->family < span->family || (s->family == span->family && s->min <= span->min))
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &spans->list[low - 1] : NULL;
}

static bool spans_cover(const struct spans *wide, const struct spans *narrow)
{
	if (!wide->given)
		return true;
	if (!narrow->given)
		return false;
	for (size_t i = 0; i < narrow->count; i++) {
		const struct span *found = find(wide, &narrow->list[i]);

		if (!found || found->family != narrow->list[i].family ||
		    found->max < narrow->list[i].max)
			return false;
	}
	return true;
}

static bool spans_disjoint(const struct spans *a, const struct spans *b)
{
	if (!a->given || !b->given)
		return false;
	for (size_t i = 0, j = 0; i < a->count && j < b->count;) {
		const struct span *x = &a->list[i], *y = &b->list[j];

		if (x->family < y->family || (x->family == y->family && x->max < y->min))
			i++;
		else if (x->family > y->family || y->max < x->min)
			j++;
		else
			return false;
	}
	return true;
}

static bool is_below(const char *path, const char *above)
{
	size_t len = strlen(above);

	return strncmp(path, above, len) == 0 && (!path[len] || path[len] == '/');
}

static bool masked_in(struct qos_masked narrow, struct qos_masked wide)
{
	return !(wide.mask & ~narrow.mask) && (narrow.value & wide.mask) == wide.value;
}

static bool masked_cover(const struct qos_masked *wide, size_t wide_count,
			 const struct qos_masked *narrow, size_t narrow_count)
{
	for (size_t i = 0; i < narrow_count; i++) {
		size_t j = 0;

		while (j < wide_count && !masked_in(narrow[i], wide[j]))
			j++;
		if (j == wide_count)
			return !wide_count;
	}
	return narrow_count || !wide_count;
}

static bool masked_disjoint(const struct qos_masked *a, size_t a_count, const struct qos_masked *b,
			    size_t b_count)
{
	for (size_t i = 0; i < a_count; i++) {
		for (size_t j = 0; j < b_count; j++) {
			if (!((a[i].value ^ b[j].value) & a[i].mask & b[j].mask))
				return false;
		}
	}
	return a_count && b_count;
}

static bool cgroups_cover(const struct qos_match *wide, const struct qos_match *narrow)
{
	for (size_t i = 0; i < narrow->cgroup_count; i++) {
		size_t j = 0;

		while (j < wide->cgroup_count && !is_below(narrow->cgroup[i], wide->cgroup[j]))
			j++;
		if (j == wide->cgroup_count)
			return !wide->cgroup_count;
	}
	return narrow->cgroup_count || !wide->cgroup_count;
}

static bool cgroups_disjoint(const struct qos_match *a, const struct qos_match *b)
{
	for (size_t i = 0; i < a->cgroup_count; i++) {
		for (size_t j = 0; j < b->cgroup_count; j++) {
			if (is_below(a->cgroup[i], b->cgroup[j]) ||
			    is_below(b->cgroup[j], a->cgroup[i]))
				return false;
		}
	}
	return a->cgroup_count && b->cgroup_count;
}

static bool type_in(struct qos_icmp_type narrow, struct qos_icmp_type wide)
{
	return (!wide.family || wide.family == narrow.family) && wide.type == narrow.type &&
	       (wide.code < 0 || wide.code == narrow.code);
}

static bool types_cover(const struct qos_match *wide, const struct qos_match *narrow)
{
	for (size_t i = 0; i < narrow->icmp_type_count; i++) {
		size_t j = 0;

		while (j < wide->icmp_type_count &&
		       !type_in(narrow->icmp_type[i], wide->icmp_type[j]))
			j++;
		if (j == wide->icmp_type_count)
			return !wide->icmp_type_count;
	}
	return narrow->icmp_type_count || !wide->icmp_type_count;
}

/* A family is asked for: then what is not IP is not taken. */
static bool families_cover(const struct extent *wide, const struct extent *narrow)
{
	return (wide->family4 || !narrow->family4) && (wide->family6 || !narrow->family6);
}

/* Without a look at what they exclude. */
static bool keys_cover(const struct extent *wide, const struct extent *narrow)
{
	const struct qos_match *w = wide->match, *n = narrow->match;

	if (!families_cover(wide, narrow))
		return false;
	for (size_t i = 0; i < DIMS; i++) {
		if (!spans_cover(&wide->dims[i], &narrow->dims[i]))
			return false;
	}
	return masked_cover(w->mark, w->mark_count, n->mark, n->mark_count) &&
	       masked_cover(w->tcp_flags, w->tcp_flags_count, n->tcp_flags, n->tcp_flags_count) &&
	       cgroups_cover(w, n) && types_cover(w, n);
}

static bool is_disjoint(const struct extent *a, const struct extent *b)
{
	const struct qos_match *x = a->match, *y = b->match;

	if (!(a->family4 && b->family4) && !(a->family6 && b->family6))
		return true;
	for (size_t i = 0; i < DIMS; i++) {
		if (spans_disjoint(&a->dims[i], &b->dims[i]))
			return true;
	}
	return masked_disjoint(x->mark, x->mark_count, y->mark, y->mark_count) ||
	       masked_disjoint(x->tcp_flags, x->tcp_flags_count, y->tcp_flags,
			       y->tcp_flags_count) ||
	       cgroups_disjoint(x, y);
}

/* What wide excludes has nothing to do with narrow, or is excluded there as well. */
static bool is_spared(const struct extent *excluded, const struct extent *narrow)
{
	if (is_disjoint(excluded, narrow))
		return true;
	for (size_t i = 0; i < narrow->match->excluded_count; i++) {
		if (keys_cover(&narrow->excluded[i], excluded))
			return true;
	}
	return false;
}

bool extent_covers(const struct extent *wide, const struct extent *narrow)
{
	if (!keys_cover(wide, narrow))
		return false;
	for (size_t i = 0; i < wide->match->excluded_count; i++) {
		if (!is_spared(&wide->excluded[i], narrow))
			return false;
	}
	return true;
}

bool extent_is_empty(const struct extent *extent)
{
	for (size_t i = 0; i < extent->match->excluded_count; i++) {
		if (keys_cover(&extent->excluded[i], extent))
			return true;
	}
	return false;
}

#define IPV4_HEADER 20
#define IPV6_HEADER 40

bool extent_is_too_short(const struct extent *extent)
{
	const struct spans *length = &extent->dims[DIM_LENGTH];

	return extent->match->length_count &&
	       length->list[length->count - 1].max < (extent->family4 ? IPV4_HEADER : IPV6_HEADER);
}

#define ND_FIRST 133 /* router solicitation (RFC 4861) */
#define ND_LAST	 137 /* redirect */

bool extent_is_discovery(const struct extent *extent)
{
	const struct qos_match *match = extent->match;

	for (size_t i = 0; i < match->icmp_type_count; i++) {
		const struct qos_icmp_type *type = &match->icmp_type[i];

		if (type->type < ND_FIRST || type->type > ND_LAST ||
		    (type->family != 6 && extent->family4))
			return false;
	}
	return match->icmp_type_count;
}
