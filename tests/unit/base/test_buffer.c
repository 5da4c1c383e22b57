/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "unit.h"

static void test_empty(void **state)
{
	_cleanup_(qos_buffer_done) struct qos_buffer buffer = { 0 };
	_cleanup_(freep) char *text = NULL;

	(void)state;
	assert_int_equal(qos_buffer_take(&buffer, &text), 0);
	assert_string_equal(text, "");
	assert_null(buffer.text);
}

/* All that is put comes out, across every size at which it grows. */
static void test_grows(void **state)
{
	_cleanup_(qos_buffer_done) struct qos_buffer buffer = { 0 };
	_cleanup_(freep) char *text = NULL, *expected = malloc(100000 * 6);
	size_t len = 0;

	(void)state;
	for (unsigned int i = 0; i < 100000; i++) {
		len += (size_t)sprintf(expected + len, "%u,", i);
		qos_buffer_number(&buffer, i);
		qos_buffer_put(&buffer, ",;", 1);
	}
	assert_int_equal(buffer.len, len);
	assert_int_equal(qos_buffer_take(&buffer, &text), 0);
	assert_string_equal(text, expected);
}

static void test_numbers(void **state)
{
	_cleanup_(qos_buffer_done) struct qos_buffer buffer = { 0 };
	_cleanup_(freep) char *text = NULL;

	(void)state;
	qos_buffer_number(&buffer, 0);
	qos_buffer_puts(&buffer, " ");
	qos_buffer_number(&buffer, UINT64_MAX);
	qos_buffer_printf(&buffer, " %s/%d", "x", -7);
	assert_int_equal(qos_buffer_take(&buffer, &text), 0);
	assert_string_equal(text, "0 18446744073709551615 x/-7");
}

/* The zeros end the text, and are not of it. */
static void test_padded(void **state)
{
	_cleanup_(qos_buffer_done) struct qos_buffer buffer = { 0 };
	const char *text;

	(void)state;
	qos_buffer_puts(&buffer, "abc");
	text = qos_buffer_padded(&buffer, 5000);
	assert_non_null(text);
	assert_string_equal(text, "abc");
	for (size_t i = 3; i < 5000; i++)
		assert_int_equal(text[i], 0);
	qos_buffer_puts(&buffer, "de");
	text = qos_buffer_padded(&buffer, 2);
	assert_string_equal(text, "abcde");
}

/* What cannot be had is told when it is taken, and nothing is taken then. */
static void test_no_memory(void **state)
{
	_cleanup_(qos_buffer_done) struct qos_buffer buffer = { 0 };
	char *text = NULL;

	(void)state;
	qos_buffer_puts(&buffer, "abc");
	/* more than there can be: what the sanitizers have no word about */
	assert_null(qos_buffer_padded(&buffer, SIZE_MAX - 16));
	qos_buffer_puts(&buffer, "def");
	assert_int_equal(buffer.len, 3);
	assert_int_equal(qos_buffer_take(&buffer, &text), -ENOMEM);
	assert_null(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),	  cmocka_unit_test(test_grows),
		cmocka_unit_test(test_numbers),	  cmocka_unit_test(test_padded),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
