/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines in which two plans differ: a longest common subsequence. */
#include "compile/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static void put(FILE *out, const char *sign, const struct line *line)
{
	fputs(sign, out);
	fwrite(line->text, 1, line->len, out);
}

/* Lines [0, n) of a against [0, m) of b; lengths: of the common rest, (n + 1) × (m + 1). */
static void walk(FILE *out, const struct lines *a, const struct lines *b, const uint16_t *lengths)
{
	size_t i = 0, j = 0, width = b->count + 1;

	while (i < a->count || j < b->count) {
		if (i < a->count && j < b->count && same(&a->at[i], &b->at[j])) {
			i++;
			j++;
		} else if (j == b->count || (i < a->count && lengths[(i + 1) * width + j] >=
								     lengths[i * width + j + 1])) {
			put(out, "- ", &a->at[i++]);
		} else {
			put(out, "+ ", &b->at[j++]);
		}
	}
}

static int diff(FILE *out, const struct lines *a, const struct lines *b)
{
	size_t width = b->count + 1;
	_cleanup_(freep) uint16_t *lengths = calloc((a->count + 1) * width, sizeof(*lengths));

	if (!lengths)
		return -ENOMEM;
	for (size_t i = a->count; i-- > 0;) {
		for (size_t j = b->count; j-- > 0;) {
			uint16_t down = lengths[(i + 1) * width + j];
			uint16_t right = lengths[i * width + j + 1];

			lengths[i * width + j] = same(&a->at[i], &b->at[j]) ?
							 lengths[(i + 1) * width + j + 1] + 1 :
						 down > right ? down :
								right;
		}
	}
	walk(out, a, b, lengths);
	return 0;
}

int qos_plan_diff(const char *then, const char *now, char **ret_text)
{
	_cleanup_(freep) char *text = NULL;
	_cleanup_(freep) struct line *then_lines = NULL, *now_lines = NULL;
	struct lines a = { 0 }, b = { 0 };
	size_t len = 0;
	FILE *out;
	int r;

	r = split(then, &a, &then_lines);
	if (r < 0)
		return r;
	r = split(now, &b, &now_lines);
	if (r < 0)
		return r;
	out = open_memstream(&text, &len);
	if (!out)
		return -ENOMEM;
	/* what begins alike need not be compared */
	while (a.count && b.count && same(a.at, b.at)) {
		a.at++;
		b.at++;
		a.count--;
		b.count--;
	}
	r = diff(out, &a, &b);
	/* without memory for its last part a memstream may close well, and be null */
	if ((fclose(out) || !text) && r == 0)
		r = -ENOMEM;
	if (r < 0)
		return r;
	*ret_text = TAKE_PTR(text);
	return 0;
}
