/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines in which two plans differ: a longest common subsequence. */
#include "compile/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"

struct line {
	const char *text;
	size_t len; /* with its '\n' */
};

struct lines {
	const struct line *at;
	size_t count;
};

/* *ret_owner: what is to be freed. */
static int split(const char *text, struct lines *ret, struct line **ret_owner)
{
	struct line *lines;
	size_t count = 0;

	for (const char *p = text; (p = strchr(p, '\n')); p++)
		count++;
	lines = calloc(count ? count : 1, sizeof(*lines));
	if (!lines)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		lines[i].text = text;
		lines[i].len = (size_t)(strchr(text, '\n') - text) + 1;
		text += lines[i].len;
	}
	*ret = (struct lines){ lines, count };
	*ret_owner = lines;
	return 0;
}

static bool same(const struct line *a, const struct line *b)
{
	return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static void put(struct qos_buffer *out, const char *sign, const struct line *line)
{
	qos_buffer_puts(out, sign);
	qos_buffer_put(out, line->text, line->len);
}

/* A line of both, and the one before it in a common subsequence, by its place among the matches. */
struct match {
	uint32_t a, b, before;
};

#define NONE UINT32_MAX

/*
 * The longest common subsequence by Hunt and Szymanski (CACM 20(5), 1977): of all that are k lines
 * long the one that ends first in b, going through a. What lines have in common decides what it
 * costs, not how many they are.
 */
struct common {
	const struct line **sorted; /* those of b, by text, then from the last to the first */
	uint32_t *ends;		    /* by length, less one: a match */
	size_t longest;
	struct match *matches;
	size_t count, room;
};

static void common_done(struct common *common)
{
	free(common->sorted);
	free(common->ends);
	free(common->matches);
}

static int compare_text(const struct line *a, const struct line *b)
{
	int order = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);

	return order ? order : (a->len > b->len) - (a->len < b->len);
}

static int compare(const void *a, const void *b)
{
	const struct line *first = *(const struct line *const *)a;
	const struct line *second = *(const struct line *const *)b;
	int order = compare_text(first, second);

	return order ? order : (first < second) - (first > second);
}

static int sort(const struct lines *b, struct common *common)
{
	common->sorted = calloc(b->count + 1, sizeof(struct line *));
	common->ends = calloc(b->count + 1, sizeof(*common->ends));
	if (!common->sorted || !common->ends)
		return -ENOMEM;
	for (size_t i = 0; i < b->count; i++)
		common->sorted[i] = &b->at[i];
	qsort(common->sorted, b->count, sizeof(struct line *), compare);
	return 0;
}

/* The first of the sorted lines that is not before a text. */
static size_t find(const struct common *common, size_t count, const struct line *line)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (compare_text(common->sorted[middle], line) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The shortest that ends at that line of b or behind it. */
static size_t find_end(const struct common *common, uint32_t b)
{
	size_t low = 0, high = common->longest;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (common->matches[common->ends[middle]].b < b)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int reserve(struct common *common)
{
	size_t room = common->room ? 2 * common->room : 256;
	struct match *matches;

	if (common->count < common->room)
		return 0;
	matches = reallocarray(common->matches, room, sizeof(*matches));
	if (!matches)
		return -ENOMEM;
	common->matches = matches;
	common->room = room;
	return 0;
}

/* Whether a match needs no place of its own. */
static bool is_known(struct match *known, uint32_t a, uint32_t b)
{
	/* of the same line of a: those of b come from the last to the first */
	if (known->a == a)
		known->b = b;
	return known->b == b;
}

static int add(struct common *common, uint32_t a, uint32_t b)
{
	size_t end = find_end(common, b);
	int r = reserve(common);

	if (r < 0)
		return r;
	if (end < common->longest && is_known(&common->matches[common->ends[end]], a, b))
		return 0;
	common->matches[common->count] = (struct match){ a, b, end ? common->ends[end - 1] : NONE };
	common->ends[end] = (uint32_t)common->count++;
	if (end == common->longest)
		common->longest++;
	return 0;
}

static int find_common(const struct lines *a, const struct lines *b, struct common *common)
{
	int r = sort(b, common);

	for (uint32_t i = 0; r == 0 && i < a->count; i++) {
		for (size_t n = find(common, b->count, &a->at[i]);
		     r == 0 && n < b->count && same(common->sorted[n], &a->at[i]); n++)
			r = add(common, i, (uint32_t)(common->sorted[n] - b->at));
	}
	return r;
}

/* Turns the chain of matches round: before is then the next one. The first of them. */
static uint32_t turn(struct common *common)
{
	uint32_t at = common->longest ? common->ends[common->longest - 1] : NONE, next = NONE;

	while (at != NONE) {
		uint32_t before = common->matches[at].before;

		common->matches[at].before = next;
		next = at;
		at = before;
	}
	return next;
}

static int diff(struct qos_buffer *out, const struct lines *a, const struct lines *b)
{
	_cleanup_(common_done) struct common common = { 0 };
	size_t i = 0, j = 0;
	int r = find_common(a, b, &common);

	if (r < 0)
		return r;
	for (uint32_t at = turn(&common); at != NONE; at = common.matches[at].before) {
		const struct match *match = &common.matches[at];

		while (i < match->a)
			put(out, "- ", &a->at[i++]);
		while (j < match->b)
			put(out, "+ ", &b->at[j++]);
		i++;
		j++;
	}
	while (i < a->count)
		put(out, "- ", &a->at[i++]);
	while (j < b->count)
		put(out, "+ ", &b->at[j++]);
	return 0;
}

/* What begins or ends alike need not be compared. */
static void trim(struct lines *a, struct lines *b)
{
	while (a->count && b->count && same(a->at, b->at)) {
		a->at++;
		b->at++;
		a->count--;
		b->count--;
	}
	while (a->count && b->count && same(&a->at[a->count - 1], &b->at[b->count - 1])) {
		a->count--;
		b->count--;
	}
}

int qos_plan_diff(const char *then, const char *now, char **ret_text)
{
	_cleanup_(qos_buffer_done) struct qos_buffer out = { 0 };
	_cleanup_(freep) struct line *then_lines = NULL, *now_lines = NULL;
	struct lines a = { 0 }, b = { 0 };
	int r;

	r = split(then, &a, &then_lines);
	if (r < 0)
		return r;
	r = split(now, &b, &now_lines);
	if (r < 0)
		return r;
	trim(&a, &b);
	r = diff(&out, &a, &b);
	return r < 0 ? r : qos_buffer_take(&out, ret_text);
}
