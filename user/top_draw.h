/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How top looks, in characters: what fits on a line, and what is in it. No terminal. */
#ifndef QOSCTL_TOP_DRAW_H
#define QOSCTL_TOP_DRAW_H

#include "top_model.h"

enum top_column {
	TOP_CLASS,
	TOP_BAR,
	TOP_NOW,
	TOP_RATE,
	TOP_CEIL,
	TOP_DELAY,
	TOP_DROPS,
	TOP_MARKS,
	TOP_PAST,
	TOP_COLUMNS,
};

/* Widths for a line of that many characters and names of at most name_len; 0: left out. */
void top_layout(int line, int name_len, int widths[TOP_COLUMNS]);
const char *top_heading(enum top_column column);
/* Whether the column's text begins at the left. */
bool top_is_left(enum top_column column);

/*
 * The bar of a row, width characters and a null: '#' for what it sends within its rate, '+' for
 * what it borrows, '|' where its rate ends, if it sends less; the whole is its ceil or, without
 * one, the most that it sent.
 */
void top_bar(const struct top_row *row, int width, char *cells);
/* What it sent, the newest last: ' ' for unknown, '0' for nothing, then '1' to '8' for the most. */
void top_past(const struct top_row *row, int width, char *cells);

/* A text that is safe to print, at most width wide; "~" at its end says that it was cut. The
 * caller's. */
char *top_fit(const char *text, int width);

/* Any other column as text. The caller's. */
char *top_text(const struct top *top, const struct top_row *row, enum top_column column);

#endif
