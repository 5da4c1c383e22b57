/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plans.h"

static void expect_diff(const char *then, const char *now, const char *expected)
{
	_cleanup_(freep) char *text = NULL;

	assert_int_equal(qos_plan_diff(then, now, &text), 0);
	assert_string_equal(text, expected);
}

static void test_small(void **state)
{
	(void)state;
	expect_diff("", "", "");
	expect_diff("a\n", "a\n", "");
	expect_diff("", "a\nb\n", "+ a\n+ b\n");
	expect_diff("a\nb\n", "", "- a\n- b\n");
	expect_diff("a\n", "b\n", "- a\n+ b\n");
	/* a beginning is not the line, and a line may be empty */
	expect_diff("a\n", "ab\n", "- a\n+ ab\n");
	expect_diff("\n", "a\n\n", "+ a\n");
	expect_diff("\n\n", "\n", "- \n");
}

static void test_changed(void **state)
{
	(void)state;
	expect_diff("a\nb\nc\n", "a\nx\nc\n", "- b\n+ x\n");
	expect_diff("a\nb\nc\nd\ne\n", "a\nB\nc\nd\nE\n", "- b\n+ B\n- e\n+ E\n");
	expect_diff("a\nc\n", "a\nb\nc\n", "+ b\n");
	expect_diff("a\nb\nc\n", "a\nc\n", "- b\n");
}

/* What moved goes and comes, and nothing else does: rules have an order. */
static void test_moved(void **state)
{
	(void)state;
	expect_diff("a\nb\n", "b\na\n", "- a\n+ a\n");
	expect_diff("a\nb\nc\nd\n", "d\na\nb\nc\n", "+ d\n- d\n");
	expect_diff("a\nb\nc\nd\n", "b\nc\nd\na\n", "- a\n+ a\n");
}

static void test_repeated(void **state)
{
	(void)state;
	expect_diff("a\na\na\n", "a\n", "- a\n- a\n");
	expect_diff("a\n", "a\na\na\n", "+ a\n+ a\n");
	expect_diff("a\nb\na\nb\n", "b\na\n", "- a\n- b\n");
}

#define MANY 4096

/* count lines, "0\n" on, but for one that is "x\n". */
static char *many_lines(unsigned int count, unsigned int except)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	for (unsigned int i = 0; i < count; i++) {
		if (i == except)
			fputs("x\n", out);
		else
			fprintf(out, "%u\n", i);
	}
	assert_int_equal(fclose(out), 0);
	return text;
}

static void test_many(void **state)
{
	_cleanup_(freep) char *all = many_lines(MANY, UINT32_MAX), *first = many_lines(MANY, 0);
	_cleanup_(freep) char *last = many_lines(MANY, MANY - 1);

	(void)state;
	expect_diff(all, all, "");
	expect_diff(all, first, "- 0\n+ x\n");
	expect_diff(first, all, "- x\n+ 0\n");
	expect_diff(all, last, "- 4095\n+ x\n");
	expect_diff(first, last, "- x\n+ 0\n- 4095\n+ x\n");
}

/* Of nothing in common: first all that goes, then all that comes. */
static void test_many_different(void **state)
{
	_cleanup_(freep) char *then = NULL, *now = NULL, *expected = NULL;
	size_t then_len = 0, now_len = 0, expected_len = 0;
	FILE *outs[] = { open_memstream(&then, &then_len), open_memstream(&now, &now_len),
			 open_memstream(&expected, &expected_len) };

	(void)state;
	for (unsigned int i = 0; i < MANY; i++) {
		fprintf(outs[0], "old %u\n", i);
		fprintf(outs[1], "new %u\n", i);
		fprintf(outs[2], "- old %u\n", i);
	}
	for (unsigned int i = 0; i < MANY; i++)
		fprintf(outs[2], "+ new %u\n", i);
	for (size_t i = 0; i < ARRAY_SIZE(outs); i++)
		assert_int_equal(fclose(outs[i]), 0);
	expect_diff(then, now, expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small), cmocka_unit_test(test_changed),
		cmocka_unit_test(test_moved), cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_many),  cmocka_unit_test(test_many_different),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
