// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string.h>

#include "text.h"
#include "top_draw.h"

#define NAME_MAX_WIDTH 40

struct column {
	const char *heading;
	int least; /* its width where there is no room */
	int most;
	int rank; /* the greatest is left out first; 0: never */
};

/* Together, with a space between two, 80 wide. */
static const struct column columns[TOP_COLUMNS] = {
	[TOP_CLASS] = { "class", 13, NAME_MAX_WIDTH, 0 },
	[TOP_BAR] = { "use", 10, 40, 3 },
	[TOP_NOW] = { "now", 8, 8, 0 },
	[TOP_RATE] = { "rate", 8, 8, 6 },
	[TOP_CEIL] = { "ceil", 8, 8, 5 },
	[TOP_DELAY] = { "p99", 6, 6, 1 },
	[TOP_DROPS] = { "drop/s", 6, 6, 2 },
	[TOP_MARKS] = { "mark/s", 6, 6, 7 },
	[TOP_PAST] = { "past", 7, 60, 4 },
};

const char *top_heading(enum top_column column)
{
	return columns[column].heading;
}

bool top_is_left(enum top_column column)
{
	return column == TOP_CLASS || column == TOP_BAR || column == TOP_PAST;
}

static int total_width(const int widths[TOP_COLUMNS])
{
	int total = -1;

	for (int c = 0; c < TOP_COLUMNS; c++)
		total += widths[c] ? widths[c] + 1 : 0;
	return total;
}

static void leave_out(int line, int widths[TOP_COLUMNS])
{
	for (int rank = TOP_COLUMNS; rank > 0 && total_width(widths) > line; rank--)
		for (int c = 0; c < TOP_COLUMNS; c++)
			if (columns[c].rank == rank)
				widths[c] = 0;
}

/* Give a column what is left of the line, at most up to a width. */
static void widen(int line, int widths[TOP_COLUMNS], enum top_column column, int most)
{
	int spare = line - total_width(widths);

	if (most > columns[column].most)
		most = columns[column].most;
	if (widths[column] && spare > 0 && most > widths[column])
		widths[column] += most - widths[column] < spare ? most - widths[column] : spare;
}

void top_layout(int line, int name_len, int widths[TOP_COLUMNS])
{
	for (int c = 0; c < TOP_COLUMNS; c++)
		widths[c] = columns[c].least;
	leave_out(line, widths);
	widen(line, widths, TOP_CLASS, name_len);
	widen(line, widths, TOP_BAR, widths[TOP_BAR] + (line - total_width(widths)) / 2);
	widen(line, widths, TOP_PAST, line);
	widen(line, widths, TOP_BAR, line);
}

static long long most_sent(const struct top_row *row)
{
	long long most = 0;

	for (size_t i = 0; i < TOP_HISTORY; i++)
		most = row->history[i] > most ? row->history[i] : most;
	return most;
}

/* How many of width characters a part of the whole takes; one if there is anything. */
static int share(long long part, long long whole, int width)
{
	int cells = whole > 0 ? (int)((double)part / (double)whole * width + 0.5) : 0;

	if (part > 0 && cells == 0)
		return 1;
	return cells < width ? cells : width;
}

void top_bar(const struct top_row *row, int width, char *cells)
{
	long long whole = row->ceil > 0 ? row->ceil : most_sent(row);
	long long now = row->now > 0 ? row->now : 0;
	long long own = now > row->rate && row->rate != TOP_NONE ? row->rate : now;
	int all = share(now, whole, width), end = share(row->rate, whole, width);
	int within = share(own, now, all);

	memset(cells, ' ', (size_t)width);
	cells[width] = '\0';
	memset(cells, '+', (size_t)all);
	memset(cells, '#', (size_t)within);
	if (row->rate > 0 && end > all)
		cells[end - 1] = '|';
}

void top_past(const struct top_row *row, int width, char *cells)
{
	long long most = most_sent(row);

	for (int i = 0; i < width; i++) {
		int at = TOP_HISTORY - width + i;
		long long sent = at >= 0 ? row->history[at] : TOP_NONE;

		if (sent == TOP_NONE)
			cells[i] = ' ';
		else
			cells[i] = (char)('0' + share(sent, most, 8));
	}
	cells[width] = '\0';
}

char *top_fit(const char *text, int width)
{
	_cleanup_(freep) char *cut = text_format("%s", text);
	size_t len = strlen(cut);

	if (text_width(text) <= width)
		return text_format("%s", text);
	/* a byte that continues a character (10xxxxxx) goes with it */
	while (len && text_width(cut) >= width)
		do
			cut[--len] = '\0';
		while (len && ((unsigned char)text[len] & 0xc0) == 0x80);
	return text_format("%s~", cut);
}

/* "  +name": as deep as it is in the tree; what has rows in it is open or not. */
static char *class_text(const struct top *top, const struct top_row *row)
{
	if (top->flat)
		return text_safe(row->path);
	return text_format("%*s%c%s", row->depth, "",
			   !row->inner ? ' ' :
			   row->folded ? '+' :
					 '-',
			   row->name);
}

char *top_text(const struct top *top, const struct top_row *row, enum top_column column)
{
	long long number = column == TOP_NOW   ? row->now :
			   column == TOP_RATE  ? row->rate :
			   column == TOP_CEIL  ? row->ceil :
			   column == TOP_DELAY ? row->delay :
			   column == TOP_DROPS ? row->drops :
						 row->marks;

	if (column == TOP_CLASS)
		return class_text(top, row);
	if (number == TOP_NONE)
		return text_format("-");
	switch (column) {
	case TOP_DELAY:
		return text_time_now(number);
	case TOP_DROPS:
	case TOP_MARKS:
		return text_count_now(number);
	default:
		return text_rate_now(number);
	}
}
