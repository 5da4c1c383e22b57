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

/* Rules may say the same again and again. */
static void test_many_same(void **state)
{
	_cleanup_(freep) char *then = NULL, *now = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&then, &len);

	(void)state;
	fputs("old\n", out);
	for (unsigned int i = 0; i < MANY; i++)
		fputs("same\n", out);
	fputs("end\n", out);
	assert_int_equal(fclose(out), 0);
	out = open_memstream(&now, &len);
	for (unsigned int i = 0; i < MANY; i++)
		fputs(i == MANY / 2 ? "new\n" : "same\n", out);
	assert_int_equal(fclose(out), 0);
	expect_diff(then, now, "- old\n+ new\n- same\n- end\n");
}

#define SHORT 12 /* lines, of few letters: what is common is found in many ways */

static void random_lines(char text[2 * SHORT + 1], unsigned int *seed)
{
	unsigned int count = (unsigned int)rand_r(seed) % (SHORT + 1);

	for (unsigned int i = 0; i < count; i++) {
		text[2 * i] = (char)('a' + rand_r(seed) % 4);
		text[2 * i + 1] = '\n';
	}
	text[2 * count] = '\0';
}

/* The length of a longest common subsequence, by its definition. */
static size_t common_length(const char *a, const char *b)
{
	size_t length[SHORT + 1][SHORT + 1] = { 0 }, n = strlen(a) / 2, m = strlen(b) / 2;

	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			size_t one = length[i - 1][j], other = length[i][j - 1];

			length[i][j] = a[2 * i - 2] == b[2 * j - 2] ? length[i - 1][j - 1] + 1 :
				       one > other		    ? one :
								      other;
		}
	}
	return length[n][m];
}

/* How often text has what is sought. */
static long occurrences(const char *text, const char *sought)
{
	long count = 0;

	while ((text = strstr(text, sought))) {
		text++;
		count++;
	}
	return count;
}

/* Nothing goes or comes that need not, and what does not stays. */
static void test_least(void **state)
{
	unsigned int seed = 1;

	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		_cleanup_(freep) char *text = NULL;
		char then[2 * SHORT + 1], now[2 * SHORT + 1];

		random_lines(then, &seed);
		random_lines(now, &seed);
		assert_int_equal(qos_plan_diff(then, now, &text), 0);
		assert_int_equal(strlen(text) / strlen("- a\n"),
				 strlen(then) / 2 + strlen(now) / 2 - 2 * common_length(then, now));
		for (char letter = 'a'; letter < 'e'; letter++) {
			char line[] = { letter, '\n', '\0' }, gone[] = { '-', ' ', letter, '\0' };
			char come[] = { '+', ' ', letter, '\0' };

			assert_int_equal(occurrences(then, line) - occurrences(text, gone),
					 occurrences(now, line) - occurrences(text, come));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small),	  cmocka_unit_test(test_changed),
		cmocka_unit_test(test_moved),	  cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_many),	  cmocka_unit_test(test_many_different),
		cmocka_unit_test(test_many_same), cmocka_unit_test(test_least),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
