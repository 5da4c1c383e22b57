// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which rows top shows, and in what order. */
#include <string.h>

#include "text.h"
#include "top_model.h"

static int compare_numbers(long long a, long long b)
{
	return (a < b) - (a > b);
}

/* The greatest first; names with numbers in them as people count. */
static int compare_rows(const struct top_row *a, const struct top_row *b, enum top_sort sort)
{
	switch (sort) {
	case TOP_BY_NAME:
		return strverscmp(a->name, b->name);
	case TOP_BY_RATE:
		return compare_numbers(a->now, b->now);
	case TOP_BY_DELAY:
		return compare_numbers(a->delay, b->delay);
	case TOP_BY_DROPS:
		return compare_numbers(a->drops, b->drops);
	case TOP_BY_MARKS:
		return compare_numbers(a->marks, b->marks);
	case TOP_BY_POLICY:
		break;
	}
	return 0;
}

static int compare(const void *a, const void *b, void *arg)
{
	const size_t *i = a, *j = b;
	const struct top *top = arg;
	int order = compare_rows(&top->rows[*i], &top->rows[*j], top->sort);

	/* what is equal stays as the policy has it */
	if (!order)
		order = (*i > *j) - (*i < *j);
	return top->reverse ? -order : order;
}

static void sort_rows(struct top *top, size_t *rows, size_t count)
{
	qsort_r(rows, count, sizeof(*rows), compare, top);
}

/* The end of the row and of those in it. */
static size_t row_end(const struct top *top, size_t row)
{
	int depth = top->rows[row].depth;

	do {
		row++;
	} while (row < top->count && top->rows[row].depth > depth);
	return row;
}

/* The rows of one level, from first to end, each followed by those in it. */
static void arrange_level(struct top *top, size_t first, size_t end)
{
	size_t *level = reallocarray(NULL, end - first + 1, sizeof(*level)), count = 0;

	if (!level)
		out_of_memory();
	for (size_t i = first; i < end; i = row_end(top, i))
		level[count++] = i;
	sort_rows(top, level, count);
	for (size_t i = 0; i < count; i++) {
		top->order[top->shown++] = level[i];
		if (!top->rows[level[i]].folded)
			arrange_level(top, level[i] + 1, row_end(top, level[i]));
	}
	free(level);
}

static void arrange_flat(struct top *top)
{
	for (size_t i = 0; i < top->count; i++)
		if (!top->rows[i].inner)
			top->order[top->shown++] = i;
	sort_rows(top, top->order, top->shown);
}

void top_arrange(struct top *top)
{
	top->shown = 0;
	if (top->flat)
		arrange_flat(top);
	else
		arrange_level(top, 0, top->count);
	if (top->selected >= top->shown)
		top->selected = top->shown ? top->shown - 1 : 0;
}

/* Arrange, and go where the row is now, or to the first. */
static void arrange_around(struct top *top, size_t row)
{
	top_arrange(top);
	top->selected = 0;
	for (size_t i = 0; i < top->shown; i++)
		if (top->order[i] == row)
			top->selected = i;
}

void top_sort(struct top *top, enum top_sort sort)
{
	top->reverse = top->sort == sort && !top->reverse;
	top->sort = sort;
	top->selected = 0;
	top_arrange(top);
}

void top_flatten(struct top *top)
{
	top->flat = !top->flat;
	top->selected = 0;
	top_arrange(top);
}

void top_move(struct top *top, long by)
{
	long to = (long)top->selected + by, last = (long)top->shown - 1;

	to = to > last ? last : to;
	top->selected = to > 0 ? (size_t)to : 0;
}

static bool folds(const struct top_row *row, enum top_fold fold)
{
	return fold == TOP_FOLD || (fold == TOP_FOLD_OTHER && !row->folded);
}

void top_fold(struct top *top, enum top_fold fold)
{
	struct top_row *row;

	if (top->flat || !top->shown)
		return;
	row = &top->rows[top->order[top->selected]];
	row->folded = row->inner && folds(row, fold);
	top_arrange(top);
}

void top_fold_all(struct top *top, enum top_fold fold)
{
	size_t row = top->shown ? top->order[top->selected] : 0;

	if (top->flat)
		return;
	for (size_t i = 0; i < top->count; i++)
		top->rows[i].folded =
			top->rows[i].depth && top->rows[i].inner && folds(&top->rows[i], fold);
	arrange_around(top, row);
}
