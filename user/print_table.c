// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "print_table.h"
#include "text.h"

#define COLUMNS_MAX 16

void table_add(struct table *table, char *text)
{
	if (table->count == table->room) {
		size_t room = table->room ? 2 * table->room : 128;
		char **cells = reallocarray(table->cells, room, sizeof(*cells));

		if (!cells)
			out_of_memory();
		table->cells = cells;
		table->room = room;
	}
	table->cells[table->count++] = text;
}

struct table table_new(const char *align, const char *headings)
{
	struct table table = { .align = align };

	while (*headings) {
		size_t len = strcspn(headings, " ");

		table_add(&table, text_format("%.*s", (int)len, headings));
		headings += len + (headings[len] == ' ');
	}
	return table;
}

static int is_empty(const struct table *table, size_t column)
{
	size_t columns = strlen(table->align), i;

	if (!strchr("LR", table->align[column]))
		return 0;
	for (i = columns + column; i < table->count; i += columns)
		if (strcmp(table->cells[i], "-") != 0)
			return 0;
	return 1;
}

/* The widest cell of a column; -1: it is left out. */
static int measure(const struct table *table, size_t column)
{
	size_t columns = strlen(table->align), i;
	int width = 0;

	if (is_empty(table, column))
		return -1;
	for (i = column; i < table->count; i += columns)
		if (text_width(table->cells[i]) > width)
			width = text_width(table->cells[i]);
	return width;
}

static void print_row(const struct table *table, const int *widths, size_t last, char **cells)
{
	for (size_t column = 0; column <= last; column++) {
		int pad = widths[column] - text_width(cells[column]);

		if (widths[column] < 0)
			continue;
		fputs(column ? "  " : "", stdout);
		if (strchr("rR", table->align[column]))
			printf("%*s%s", pad, "", cells[column]);
		else
			printf("%s%*s", cells[column], column == last ? 0 : pad, "");
	}
	putchar('\n');
}

void table_print(const struct table *table, const char *indent)
{
	size_t columns = strlen(table->align), column, last = 0, i;
	int widths[COLUMNS_MAX] = {};

	for (column = 0; column < columns; column++) {
		widths[column] = measure(table, column);
		if (widths[column] >= 0)
			last = column;
	}
	for (i = 0; i < table->count; i += columns) {
		fputs(indent, stdout);
		print_row(table, widths, last, table->cells + i);
	}
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
}
