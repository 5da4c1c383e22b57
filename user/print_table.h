/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cells in, aligned columns out. */
#ifndef QOSCTL_PRINT_TABLE_H
#define QOSCTL_PRINT_TABLE_H

#include <stddef.h>

struct table {
	/* a letter a column: 'l'eft or 'r'ight; 'L' or 'R': left out where all of it is "-" */
	const char *align;
	char **cells; /* row by row */
	size_t count, room;
};

/* Starts one whose first row is the headings, a word a column. */
struct table table_new(const char *align, const char *headings);
/* The next cell; its text becomes the table's. */
void table_add(struct table *table, char *text);
void table_print(const struct table *table, const char *indent);
void table_free(struct table *table);

#endif
