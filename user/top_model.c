// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string.h>

#include "text.h"
#include "top_model.h"

static long long number(const json_t *object, const char *key)
{
	const json_t *number = json_object_get(object, key);

	return json_is_integer(number) ? (long long)json_integer_value(number) : TOP_NONE;
}

/* One dropped packet in a minute is to be seen as well: rounded up. */
static long long per_second(const json_t *interval, const char *key, long long ns)
{
	long long count = number(interval, key);

	if (count <= 0 || ns <= 0)
		return count;
	return (long long)((double)count * 1e9 / (double)ns + 0.999999);
}

static void read_interval(struct top_row *row, const json_t *of, long long ns)
{
	const json_t *interval = json_object_get(of, "interval");

	row->now = number(interval, "rate_now");
	row->borrowed = number(interval, "borrowed_now");
	row->delay = number(interval, "p99_ns");
	row->drops = per_second(interval, "drops", ns);
	row->marks = per_second(interval, "marks", ns);
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

static struct top_row interface_row(const json_t *interface)
{
	const json_t *link = json_object_get(interface, "link");
	struct top_row row = {
		.path = text_format("%s", text(interface, "interface")),
		.name = text_safe(text(interface, "interface")),
		.inner = true,
		.rate = TOP_NONE,
		.ceil = number(link, "rate"),
	};

	read_interval(&row, link, number(interface, "interval_ns"));
	return row;
}

static struct top_row class_row(const json_t *interface, const json_t *class)
{
	struct top_row row = {
		.path = text_format("%s/%s", text(interface, "interface"), text(class, "name")),
		.name = text_safe(text(class, "name")),
		.depth = (int)json_integer_value(json_object_get(class, "depth")),
		.inner = json_is_true(json_object_get(class, "inner")),
		.rate = number(class, "rate"),
		.ceil = number(class, "ceil"),
	};

	read_interval(&row, class, number(interface, "interval_ns"));
	return row;
}

static size_t count_rows(const json_t *interfaces)
{
	const json_t *interface;
	size_t count = 0, i;

	json_array_foreach(interfaces, i, interface)
		count += 1 + json_array_size(json_object_get(interface, "classes"));
	return count;
}

/* The row of that path; most often where it was. */
static const struct top_row *find_row(const struct top *top, const char *path, size_t at)
{
	if (at < top->count && !strcmp(top->rows[at].path, path))
		return &top->rows[at];
	for (size_t i = 0; i < top->count; i++)
		if (!strcmp(top->rows[i].path, path))
			return &top->rows[i];
	return NULL;
}

/* What is not in the documents, from the row that was there before. */
static void keep_row(struct top_row *row, const struct top_row *before)
{
	for (size_t i = 0; i < TOP_HISTORY; i++)
		row->history[i] = before && i + 1 < TOP_HISTORY ? before->history[i + 1] : TOP_NONE;
	row->history[TOP_HISTORY - 1] = row->now;
	row->folded = before && before->folded;
}

static void add_row(struct top *top, const struct top *before, struct top_row row)
{
	keep_row(&row, find_row(before, row.path, top->count));
	top->rows[top->count++] = row;
}

static void free_rows(struct top *top)
{
	for (size_t i = 0; i < top->count; i++) {
		free(top->rows[i].path);
		free(top->rows[i].name);
	}
	free(top->rows);
	free(top->order);
}

/* The first line stays the first line; any other stays with its row. */
static void keep_selected(struct top *top, const struct top *before)
{
	const char *path;

	if (!before->selected || before->selected >= before->shown)
		return;
	path = before->rows[before->order[before->selected]].path;
	for (size_t i = 0; i < top->shown; i++)
		if (!strcmp(top->rows[top->order[i]].path, path))
			top->selected = i;
}

void top_update(struct top *top, const json_t *interfaces)
{
	struct top before = *top;
	size_t count = count_rows(interfaces), i, j;
	const json_t *interface, *class;

	top->count = 0;
	/* one more: there may be none */
	top->rows = calloc(count + 1, sizeof(*top->rows));
	top->order = calloc(count + 1, sizeof(*top->order));
	if (!top->rows || !top->order)
		out_of_memory();
	json_array_foreach(interfaces, i, interface) {
		add_row(top, &before, interface_row(interface));
		json_array_foreach(json_object_get(interface, "classes"), j, class)
			add_row(top, &before, class_row(interface, class));
	}
	top_arrange(top);
	keep_selected(top, &before);
	free_rows(&before);
}

void top_free(struct top *top)
{
	free_rows(top);
	*top = (struct top){ 0 };
}
