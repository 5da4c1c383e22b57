// SPDX-License-Identifier: LGPL-2.1-or-later
#include <locale.h>
#include <string.h>

#include "text.h"
#include "top_draw.h"
#include "top_model.h"
#include "unit.h"

struct cls {
	const char *name;
	int depth;
	long long rate, drops; /* in the interval; -1: there was no look before */
};

static json_t *class_json(const struct cls *c, int inner)
{
	json_t *interval = c->rate < 0 ?
				   json_null() :
				   json_pack("{s:I, s:I, s:I, s:I}", "rate_now", c->rate, "drops",
					     c->drops, "marks", 0LL, "p99_ns", c->rate / 1000);

	return json_pack("{s:s, s:i, s:b, s:I, s:I, s:o}", "name", c->name, "depth", c->depth,
			 "inner", inner, "rate", 1000000LL, "ceil", 4000000LL, "interval",
			 interval);
}

/* One interface, half a second after the look before. */
static json_t *interface_json(const char *name, const struct cls *classes, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(
			list, class_json(&classes[i],
					 i + 1 < count && classes[i + 1].depth > classes[i].depth));
	return json_pack("{s:s, s:I, s:{s:I}, s:o}", "interface", name, "interval_ns", 500000000LL,
			 "link", "rate", 100000000LL, "classes", list);
}

static void update(struct top *top, const struct cls *classes, size_t count)
{
	json_t *interfaces = json_array();

	json_array_append_new(interfaces, interface_json("eth0", classes, count));
	top_update(top, interfaces);
	json_decref(interfaces);
}

/* What is shown, the selected in brackets. */
static void expect_shown(const struct top *top, const char *wanted)
{
	char shown[512] = "";

	for (size_t i = 0; i < top->shown; i++)
		snprintf(shown + strlen(shown), sizeof(shown) - strlen(shown),
			 i == top->selected ? "%s[%s]" : "%s%s", i ? " " : "",
			 top->rows[top->order[i]].name);
	assert_string_equal(shown, wanted);
}

static const struct top_row *find(const struct top *top, const char *name)
{
	for (size_t i = 0; i < top->count; i++)
		if (!strcmp(top->rows[i].name, name))
			return &top->rows[i];
	fail_msg("no row %s", name);
	return NULL;
}

static const struct cls tree[] = {
	{ "b", 1, 100, 0 },   { "t", 1, 500, 6 },   { "t2", 2, 200, 1 },
	{ "t10", 2, 300, 5 }, { "u", 1, 900, 0 },   { "u1", 2, 900, 0 },
	{ "u1a", 3, 400, 0 }, { "u1b", 3, 500, 0 }, { "a", 1, 100, 40 },
};

static void test_orders(void **state)
{
	struct top top = { 0 };

	(void)state;
	update(&top, tree, ARRAY_SIZE(tree));
	expect_shown(&top, "[eth0] b t t2 t10 u u1 u1a u1b a");
	top_sort(&top, TOP_BY_RATE);
	/* siblings among each other; equal ones as the policy has them */
	expect_shown(&top, "[eth0] u u1 u1b u1a t t10 t2 b a");
	top_sort(&top, TOP_BY_RATE);
	expect_shown(&top, "[eth0] a b t t2 t10 u u1 u1a u1b");
	top_sort(&top, TOP_BY_DROPS);
	expect_shown(&top, "[eth0] a t t10 t2 b u u1 u1a u1b");
	top_sort(&top, TOP_BY_NAME);
	expect_shown(&top, "[eth0] a b t t2 t10 u u1 u1a u1b");
	top_flatten(&top);
	expect_shown(&top, "[a] b t2 t10 u1a u1b");
	top_sort(&top, TOP_BY_DELAY);
	expect_shown(&top, "[b] t2 t10 u1a u1b a");
	top_sort(&top, TOP_BY_POLICY);
	top_sort(&top, TOP_BY_POLICY);
	expect_shown(&top, "[a] u1b u1a t10 t2 b");
	top_free(&top);
}

static void test_folds(void **state)
{
	struct top top = { 0 };

	(void)state;
	update(&top, tree, ARRAY_SIZE(tree));
	top_move(&top, 2);
	top_fold(&top, TOP_FOLD_OTHER);
	expect_shown(&top, "eth0 b [t] u u1 u1a u1b a");
	top_fold(&top, TOP_FOLD);
	expect_shown(&top, "eth0 b [t] u u1 u1a u1b a");
	/* a look keeps it, and the selected */
	update(&top, tree, ARRAY_SIZE(tree));
	expect_shown(&top, "eth0 b [t] u u1 u1a u1b a");
	top_fold_all(&top, TOP_FOLD);
	expect_shown(&top, "eth0 b [t] u a");
	top_fold(&top, TOP_UNFOLD);
	expect_shown(&top, "eth0 b [t] t2 t10 u a");
	top_move(&top, -1);
	/* nothing is in it */
	top_fold(&top, TOP_FOLD);
	assert_false(find(&top, "b")->folded);
	top_move(&top, -1);
	top_fold(&top, TOP_FOLD_OTHER);
	expect_shown(&top, "[eth0]");
	top_fold_all(&top, TOP_UNFOLD);
	expect_shown(&top, "[eth0] b t t2 t10 u u1 u1a u1b a");
	top_move(&top, 100);
	expect_shown(&top, "eth0 b t t2 t10 u u1 u1a u1b [a]");
	/* one that goes out of sight gives way to the first */
	top_move(&top, -1);
	top_fold_all(&top, TOP_FOLD);
	expect_shown(&top, "[eth0] b t u a");
	top_free(&top);
}

static void test_follows(void **state)
{
	static const struct cls other[] = { { "a", 1, 5, 0 },
					    { "new", 1, 7, 0 },
					    { "b", 1, 9, 0 } };
	static const struct cls more[] = { { "a", 1, 10, 0 },
					   { "new", 1, 7, 0 },
					   { "b", 1, 9, 0 } };
	struct top top = { 0 };

	(void)state;
	update(&top, tree, ARRAY_SIZE(tree));
	top_sort(&top, TOP_BY_RATE);
	update(&top, other, ARRAY_SIZE(other));
	/* the first line stays the first, any other goes with its class */
	expect_shown(&top, "[eth0] b new a");
	top_move(&top, 3);
	update(&top, more, ARRAY_SIZE(more));
	expect_shown(&top, "eth0 [a] b new");
	/* the past goes with the class as well */
	assert_int_equal(find(&top, "a")->history[TOP_HISTORY - 1], 10);
	assert_int_equal(find(&top, "a")->history[TOP_HISTORY - 2], 5);
	assert_int_equal(find(&top, "a")->history[TOP_HISTORY - 3], 100);
	assert_int_equal(find(&top, "new")->history[TOP_HISTORY - 3], TOP_NONE);
	/* the selected is gone: its place is kept, as far as there are rows */
	top_move(&top, 1);
	update(&top, more, 1);
	expect_shown(&top, "eth0 [a]");
	top_update(&top, json_null());
	expect_shown(&top, "");
	top_move(&top, 1);
	top_fold(&top, TOP_FOLD);
	top_fold_all(&top, TOP_FOLD);
	top_free(&top);
}

static void test_numbers(void **state)
{
	static const struct cls classes[] = { { "none", 1, -1, 0 }, { "some", 1, 5, 1 } };
	struct top top = { 0 };

	(void)state;
	update(&top, classes, ARRAY_SIZE(classes));
	assert_int_equal(find(&top, "none")->now, TOP_NONE);
	assert_int_equal(find(&top, "none")->drops, TOP_NONE);
	assert_int_equal(find(&top, "some")->drops, 2);
	assert_int_equal(find(&top, "some")->marks, 0);
	assert_int_equal(find(&top, "some")->rate, 1000000);
	assert_int_equal(find(&top, "eth0")->ceil, 100000000);
	assert_int_equal(find(&top, "eth0")->rate, TOP_NONE);
	assert_int_equal(find(&top, "eth0")->now, TOP_NONE);
	top_free(&top);
}

static void expect_bar(long long now, long long rate, long long ceil, const char *wanted)
{
	struct top_row row = { .now = now, .rate = rate, .ceil = ceil };
	char cells[11];

	row.history[TOP_HISTORY - 1] = 50;
	top_bar(&row, 10, cells);
	assert_string_equal(cells, wanted);
}

static void test_bars(void **state)
{
	(void)state;
	expect_bar(0, 50, 100, "    |     ");
	expect_bar(1, 50, 100, "#   |     ");
	expect_bar(50, 50, 100, "#####     ");
	expect_bar(80, 50, 100, "#####+++  ");
	expect_bar(100, 50, 100, "#####+++++");
	expect_bar(250, 50, 100, "##++++++++");
	expect_bar(80, 100, 100, "######## |");
	expect_bar(20, TOP_NONE, 100, "##        ");
	expect_bar(TOP_NONE, TOP_NONE, 100, "          ");
	expect_bar(TOP_NONE, TOP_NONE, TOP_NONE, "          ");
	/* without a ceil against the most that it sent */
	expect_bar(25, 5, TOP_NONE, "#++++     ");
	expect_bar(9000000000000000000, 1, 1000000000000, "#+++++++++");
}

static void test_past(void **state)
{
	static const long long sent[] = { TOP_NONE, 0, 1, 50, 100, 800 };
	struct top_row row = { 0 };
	char cells[TOP_HISTORY + 10];

	(void)state;
	for (size_t i = 0; i < TOP_HISTORY; i++)
		row.history[i] = TOP_NONE;
	top_past(&row, 3, cells);
	assert_string_equal(cells, "   ");
	memcpy(row.history + TOP_HISTORY - ARRAY_SIZE(sent), sent, sizeof(sent));
	top_past(&row, 7, cells);
	assert_string_equal(cells, "  01118");
	/* what is left of it is not in the picture, but in its scale */
	row.history[0] = 1600;
	top_past(&row, 2, cells);
	assert_string_equal(cells, "14");
	top_past(&row, TOP_HISTORY + 2, cells);
	assert_int_equal(strncmp(cells, "  8 ", 4), 0);
}

static int width_of(int line, int name, int widths[TOP_COLUMNS])
{
	int total = -1;

	top_layout(line, name, widths);
	for (int c = 0; c < TOP_COLUMNS; c++)
		total += widths[c] ? widths[c] + 1 : 0;
	return total;
}

static void test_layouts(void **state)
{
	int widths[TOP_COLUMNS];

	(void)state;
	assert_int_equal(width_of(80, 5, widths), 80);
	for (int c = 0; c < TOP_COLUMNS; c++)
		assert_true(widths[c] > 0);
	/* a longer name comes first, then bar and past share */
	assert_int_equal(width_of(100, 20, widths), 100);
	assert_int_equal(widths[TOP_CLASS], 20);
	assert_int_equal(widths[TOP_BAR] - 10, 6);
	assert_int_equal(widths[TOP_PAST] - 7, 7);
	width_of(1000, 1000, widths);
	assert_int_equal(widths[TOP_CLASS], 40);
	assert_true(widths[TOP_PAST] <= TOP_HISTORY && widths[TOP_BAR] <= TOP_HISTORY);
	/* no line is longer than it may be, and the less important goes first */
	for (int line = 22; line < 300; line++)
		assert_true(width_of(line, line % 60, widths) <= line);
	width_of(60, 5, widths);
	assert_true(widths[TOP_DROPS] && widths[TOP_BAR] && !widths[TOP_MARKS] &&
		    !widths[TOP_RATE]);
	width_of(10, 5, widths);
	assert_true(widths[TOP_CLASS] && widths[TOP_NOW]);
}

static void expect_fit(const char *text, int width, const char *wanted)
{
	_cleanup_(freep) char *fitted = top_fit(text, width);

	assert_string_equal(fitted, wanted);
}

static void test_texts(void **state)
{
	struct top_row row = { .name = "x",
			       .path = "eth0/x",
			       .depth = 2,
			       .now = 87200000,
			       .rate = TOP_NONE,
			       .ceil = 999,
			       .delay = 1048576,
			       .drops = 12345 };
	struct top top = { 0 };
	static const struct {
		enum top_column column;
		const char *text;
	} cases[] = {
		{ TOP_CLASS, "   x" },	{ TOP_NOW, "87.2mbit" }, { TOP_RATE, "-" },
		{ TOP_CEIL, "999bit" }, { TOP_DELAY, "1.05ms" }, { TOP_DROPS, "12.3k" },
		{ TOP_MARKS, "0" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(freep) char *text = top_text(&top, &row, cases[i].column);

		assert_string_equal(text, cases[i].text);
	}
	expect_fit("short", 5, "short");
	expect_fit("longer", 5, "long~");
	expect_fit("日本語", 6, "日本語");
	expect_fit("日本語", 5, "日本~");
	expect_fit("日本語", 4, "日~");
	expect_fit("x", 1, "x");
	expect_fit("xyz", 1, "~");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),	cmocka_unit_test(test_folds),
		cmocka_unit_test(test_follows), cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_bars),	cmocka_unit_test(test_past),
		cmocka_unit_test(test_layouts), cmocka_unit_test(test_texts),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
