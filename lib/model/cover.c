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

static bool mark_in(struct qos_masked narrow, struct qos_masked wide)
{
	return !(wide.mask & ~narrow.mask) && (narrow.value & wide.mask) == wide.value;
}

static bool marks_cover(const struct qos_match *wide, const struct qos_match *narrow)
{
	for (size_t i = 0; i < narrow->mark_count; i++) {
		size_t j = 0;

		while (j < wide->mark_count && !mark_in(narrow->mark[i], wide->mark[j]))
			j++;
		if (j == wide->mark_count)
			return !wide->mark_count;
	}
	return narrow->mark_count || !wide->mark_count;
}

static bool marks_disjoint(const struct qos_match *a, const struct qos_match *b)
{
	for (size_t i = 0; i < a->mark_count; i++) {
		for (size_t j = 0; j < b->mark_count; j++) {
			if (!((a->mark[i].value ^ b->mark[j].value) & a->mark[i].mask &
			      b->mark[j].mask))
				return false;
		}
	}
	return a->mark_count && b->mark_count;
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
	return marks_cover(w, n) && cgroups_cover(w, n);
}

/* All that is in both a and b: each key of it is as a has it, and as b does. */
static bool keys_cover_both(const struct extent *wide, const struct extent *a,
			    const struct extent *b)
{
	const struct qos_match *w = wide->match, *x = a->match, *y = b->match;

	if (!families_cover(wide, a) && !families_cover(wide, b))
		return false;
	for (size_t i = 0; i < DIMS; i++) {
		if (!spans_cover(&wide->dims[i], &a->dims[i]) &&
		    !spans_cover(&wide->dims[i], &b->dims[i]))
			return false;
	}
	return (marks_cover(w, x) || marks_cover(w, y)) &&
	       (cgroups_cover(w, x) || cgroups_cover(w, y));
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
	return marks_disjoint(x, y) || cgroups_disjoint(x, y);
}

/* What wide excludes has nothing to do with narrow, or is excluded there as well. */
static bool is_spared(const struct extent *excluded, const struct extent *narrow)
{
	if (is_disjoint(excluded, narrow))
		return true;
	for (size_t i = 0; i < narrow->match->excluded_count; i++) {
		if (keys_cover_both(&narrow->excluded[i], excluded, narrow))
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

bool extent_is_too_short(const struct extent *extent)
{
	return extent->match->length_count && !extent->dims[DIM_LENGTH].count;
}

#define ND_FIRST 133 /* router solicitation (RFC 4861) */
#define ND_LAST	 137 /* redirect */

bool extent_is_discovery(const struct extent *extent)
{
	const struct spans *types = &extent->dims[DIM_ICMP];

	for (size_t i = 0; i < types->count; i++) {
		const struct span *span = &types->list[i];

		if (span->family != 6 || span->min >> 8 < ND_FIRST || span->max >> 8 > ND_LAST)
			return false;
	}
	return types->count;
}
