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

void table_print(const struct table *table, const char *indent)
{
	size_t columns = strlen(table->align), i;
	int widths[COLUMNS_MAX] = {};

	for (i = 0; i < table->count; i++) {
		int width = text_width(table->cells[i]);

		if (width > widths[i % columns])
			widths[i % columns] = width;
	}
	for (i = 0; i < table->count; i++) {
		size_t column = i % columns;
		int last = column == columns - 1;
		int pad = widths[column] - text_width(table->cells[i]);

		fputs(column ? "  " : indent, stdout);
		if (table->align[column] == 'r')
			printf("%*s%s", pad, "", table->cells[i]);
		else
			printf("%s%*s", table->cells[i], last ? 0 : pad, "");
		if (last)
			putchar('\n');
	}
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
}
