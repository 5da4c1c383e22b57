// SPDX-License-Identifier: LGPL-2.1-or-later
#include <curses.h>
#include <string.h>

#include "text.h"
#include "top_draw.h"
#include "top_paint.h"
#include "top_screen.h"

/* As much of it as there is room for; the first line takes 80. */
static const char *const help[] = {
	"q quit  sort: p policy n name r rate d delay x drops m marks  space fold  t flat",
	"  -/+ fold all",
};

enum pair { PAIR_NONE, PAIR_GREEN, PAIR_YELLOW, PAIR_RED };

static struct {
	bool blocks, colours;
	size_t first; /* of the rows, at the top */
} paint;

void paint_begin(bool blocks)
{
	paint.blocks = blocks;
	paint.colours = *colour(stdout, COLOUR_RED) && has_colors();
	if (!paint.colours)
		return;
	start_color();
	use_default_colors();
	init_pair(PAIR_GREEN, COLOR_GREEN, -1);
	init_pair(PAIR_YELLOW, COLOR_YELLOW, -1);
	init_pair(PAIR_RED, COLOR_RED, -1);
}

/* A letter of top_bar() and top_past(): its own look and colour. */
struct glyph {
	char cell, ascii;
	enum pair pair;
	const char *block;
};

static const struct glyph glyphs[] = {
	{ '#', '#', PAIR_GREEN, "█" }, { '+', '+', PAIR_YELLOW, "▒" }, { '|', '|', PAIR_NONE, "│" },
	{ '0', '_', PAIR_NONE, " " },  { '1', '.', PAIR_NONE, "▁" },   { '2', ':', PAIR_NONE, "▂" },
	{ '3', '-', PAIR_NONE, "▃" },  { '4', '=', PAIR_NONE, "▄" },   { '5', '+', PAIR_NONE, "▅" },
	{ '6', '*', PAIR_NONE, "▆" },  { '7', '%', PAIR_NONE, "▇" },   { '8', '#', PAIR_NONE, "█" },
};

static void put_cell(char cell)
{
	for (size_t i = 0; i < ARRAY_SIZE(glyphs); i++) {
		const struct glyph *glyph = &glyphs[i];

		if (glyph->cell != cell)
			continue;
		if (paint.colours && glyph->pair)
			attron(COLOR_PAIR(glyph->pair));
		if (paint.blocks)
			addstr(glyph->block);
		else
			addch((chtype)glyph->ascii);
		if (paint.colours && glyph->pair)
			attroff(COLOR_PAIR(glyph->pair));
		return;
	}
	addch(' ');
}

static void put_cells(const char *cells)
{
	for (; *cells; cells++)
		put_cell(*cells);
}

/* At most that wide, and filled up with blanks. */
static void put_text(const char *text, int width, bool left)
{
	_cleanup_(freep) char *fitted = top_fit(text, width);
	int blanks = width - text_width(fitted);

	printw("%*s", left ? 0 : blanks, "");
	addstr(fitted);
	printw("%*s", left ? blanks : 0, "");
}

static void put_drops(const struct top_row *row, const char *text, int width)
{
	bool some = paint.colours && row->drops > 0;

	if (some)
		attron(COLOR_PAIR(PAIR_RED));
	put_text(text, width, false);
	if (some)
		attroff(COLOR_PAIR(PAIR_RED));
}

static void put_column(const struct top *top, const struct top_row *row, enum top_column column,
		       int width)
{
	_cleanup_(freep) char *text = NULL;
	char cells[TOP_HISTORY + 1]; /* wider than any column */

	switch (column) {
	case TOP_BAR:
		top_bar(row, width, cells);
		put_cells(cells);
		break;
	case TOP_PAST:
		top_past(row, width, cells);
		put_cells(cells);
		break;
	default:
		text = top_text(top, row, column);
		if (column == TOP_DROPS)
			put_drops(row, text, width);
		else
			put_text(text, width, top_is_left(column));
	}
}

static void put_gap(int column)
{
	if (column)
		addch(' ');
}

static void put_row(const struct top *top, size_t at, const int widths[TOP_COLUMNS])
{
	const struct top_row *row = &top->rows[top->order[at]];
	attr_t look = (at == top->selected ? A_REVERSE : 0) | (row->depth ? 0 : A_BOLD);

	attron(look);
	for (int c = 0; c < TOP_COLUMNS; c++) {
		if (!widths[c])
			continue;
		put_gap(c);
		put_column(top, row, (enum top_column)c, widths[c]);
	}
	attroff(look);
}

static void put_headings(const int widths[TOP_COLUMNS])
{
	attron(A_REVERSE);
	for (int c = 0; c < TOP_COLUMNS; c++) {
		if (!widths[c])
			continue;
		put_gap(c);
		put_text(top_heading((enum top_column)c), widths[c],
			 top_is_left((enum top_column)c));
	}
	attroff(A_REVERSE);
}

static void put_line(int line, attr_t look, const char *text)
{
	_cleanup_(freep) char *fitted = top_fit(text, COLS);

	attron(look);
	mvaddstr(line, 0, fitted);
	attroff(look);
}

/* The selected row is among those from first on. */
static void scroll_to(const struct top *top, size_t lines)
{
	if (top->selected < paint.first)
		paint.first = top->selected;
	if (top->selected >= paint.first + lines)
		paint.first = top->selected - lines + 1;
	if (paint.first + lines > top->shown)
		paint.first = top->shown > lines ? top->shown - lines : 0;
}

static void put_title(const struct top *top, const char *title, size_t lines)
{
	static const char *const sorts[] = { "policy", "name", "rate", "p99", "drops", "marks" };
	size_t end = paint.first + lines < top->shown ? paint.first + lines : top->shown;
	_cleanup_(freep) char *text = text_format("%s, by %s%s, %zu-%zu of %zu", title,
						  sorts[top->sort], top->reverse ? " reversed" : "",
						  end ? paint.first + 1 : 0, end, top->shown);

	put_line(0, A_BOLD, text);
}

/* The longest name, with what is before it. */
static int name_width(const struct top *top)
{
	int longest = 0;

	for (size_t i = 0; i < top->shown; i++) {
		_cleanup_(freep) char *text = top_text(top, &top->rows[top->order[i]], TOP_CLASS);

		longest = text_width(text) > longest ? text_width(text) : longest;
	}
	return longest;
}

void screen_draw(const struct top *top, const char *title, const char *message)
{
	size_t lines = LINES > 4 ? (size_t)LINES - 3 : 1;
	int widths[TOP_COLUMNS];

	erase();
	top_layout(COLS, name_width(top), widths);
	scroll_to(top, lines);
	put_title(top, title, lines);
	move(1, 0);
	put_headings(widths);
	for (size_t i = 0; i < lines && paint.first + i < top->shown; i++) {
		move(2 + (int)i, 0);
		put_row(top, paint.first + i, widths);
	}
	put_line(LINES - 1, message ? A_REVERSE : 0, message ? message : help[0]);
	if (!message && (size_t)COLS >= strlen(help[0]) + strlen(help[1]))
		addstr(help[1]);
	refresh();
}
