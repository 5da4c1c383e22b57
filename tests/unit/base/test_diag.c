/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/utf8.h"
#include "unit.h"

DEFINE_CLEANUP(struct qos_diags *, diags_freep, qos_diags_free)

static struct qos_diags *new_diags(const char *text)
{
	struct qos_diags *diags = qos_diags_new();

	assert_non_null(diags);
	if (text)
		assert_int_equal(qos_diags_set_source(diags, "f.yaml", text, strlen(text)), 0);
	return diags;
}

static void expect_text(const struct qos_diags *diags, const char *expected)
{
	_cleanup_(freep) char *text = NULL;

	assert_int_equal(qos_diags_text(diags, &text), 0);
	assert_string_equal(text, expected);
}

static struct qos_loc at(unsigned int line, unsigned int column)
{
	return (struct qos_loc){ .line = line, .column = column };
}

static void test_empty(void **state)
{
	_cleanup_(diags_freep) struct qos_diags *diags = new_diags(NULL);
	_cleanup_(freep) char *json = NULL;

	(void)state;
	assert_int_equal(qos_diags_status(diags), QOS_OK);
	expect_text(diags, "");
	assert_int_equal(qos_diags_json(diags, &json), 0);
	assert_string_equal(json, "[]");
	qos_diags_free(NULL);
}

/* Of the file, but of no place in it. */
static void test_whole(void **state)
{
	_cleanup_(diags_freep) struct qos_diags *diags = new_diags("one");
	_cleanup_(freep) char *json = NULL;

	(void)state;
	qos_diag_warn_file(diags, "bad");
	qos_diag_hint(diags, "mend it");
	expect_text(diags, "f.yaml: warning: bad\nhint: mend it\n");
	assert_int_equal(qos_diags_json(diags, &json), 0);
	assert_non_null(strstr(json, "\"file\": \"f.yaml\""));
	assert_non_null(strstr(json, "\"line\": null"));
	assert_int_equal(qos_diags_status(diags), QOS_OK);
}

static void test_located(void **state)
{
	_cleanup_(diags_freep) struct qos_diags *diags = new_diags("one\n\ttwo: 2\r\nthree");

	(void)state;
	qos_diag_at(diags, at(2, 7), "bad %d", 2);
	assert_int_equal(qos_diags_status(diags), QOS_INVALID);
	qos_diag_at(diags, at(3, 6), "end");
	qos_diag_at(diags, at(1, 1), "start");
	expect_text(diags, "f.yaml:1:1: error: start\n"
			   "one\n"
			   "^\n"
			   "f.yaml:2:7: error: bad 2\n"
			   "\ttwo: 2\n"
			   "\t     ^\n"
			   "f.yaml:3:6: error: end\n"
			   "three\n"
			   "     ^\n");
}

static void test_notes_and_hints(void **state)
{
	_cleanup_(diags_freep) struct qos_diags *diags = new_diags("a\nb\nc\n");

	(void)state;
	qos_diag_note(diags, at(1, 1), "to nothing");
	qos_diag_hint(diags, "to nothing");
	qos_diag(diags, QOS_FAILED, "no place");
	qos_diag_hint(diags, "what to do");
	qos_diag_warn(diags, "only a warning");
	qos_diag_at(diags, at(3, 1), "late");
	qos_diag_note(diags, at(1, 1), "see here");
	qos_diag_note(diags, at(2, 1), "and here");
	qos_diag_at(diags, at(2, 1), "early");
	qos_diag_warn_at(diags, at(1, 1), "not %s", "meant");
	qos_diag_hint(diags, "mean it");
	qos_diag_note(diags, at(3, 1), "for this");
	assert_int_equal(qos_diags_status(diags), QOS_INVALID);
	expect_text(diags, "f.yaml:1:1: warning: not meant\n"
			   "a\n"
			   "^\n"
			   "hint: mean it\n"
			   "f.yaml:3:1: note: for this\n"
			   "c\n"
			   "^\n"
			   "f.yaml:2:1: error: early\n"
			   "b\n"
			   "^\n"
			   "f.yaml:3:1: error: late\n"
			   "c\n"
			   "^\n"
			   "f.yaml:1:1: note: see here\n"
			   "a\n"
			   "^\n"
			   "f.yaml:2:1: note: and here\n"
			   "b\n"
			   "^\n"
			   "error: no place\n"
			   "hint: what to do\n"
			   "warning: only a warning\n");
}

static void test_status(void **state)
{
	_cleanup_(diags_freep) struct qos_diags *diags = new_diags(NULL);

	(void)state;
	qos_diag_warn(diags, "w");
	qos_diag_warn_at(diags, at(1, 1), "w");
	assert_int_equal(qos_diags_status(diags), QOS_OK);
	qos_diag(diags, QOS_UNSUPPORTED, "u");
	qos_diag(diags, QOS_FAILED, "f");
	assert_int_equal(qos_diags_status(diags), QOS_UNSUPPORTED);
}

/* The same at the same place once, its notes included; elsewhere again. */
static void test_repeated(void **state)
{
	_cleanup_(diags_freep) struct qos_diags *diags = new_diags("a\n");

	(void)state;
	for (int i = 0; i < 3; i++) {
		qos_diag_at(diags, at(1, 1), "x");
		qos_diag_note(diags, at(1, 2), "n");
	}
	qos_diag_at(diags, at(1, 2), "x");
	expect_text(diags, "f.yaml:1:1: error: x\n"
			   "a\n"
			   "^\n"
			   "f.yaml:1:2: note: n\n"
			   "a\n"
			   " ^\n"
			   "f.yaml:1:2: error: x\n"
			   "a\n"
			   " ^\n");
}

static void test_too_many(void **state)
{
	_cleanup_(diags_freep) struct qos_diags *diags = new_diags(NULL);
	_cleanup_(freep) char *text = NULL, *json = NULL;
	static const char end[] = "error: 5 more errors are not shown\n";
	size_t lines = 0;

	(void)state;
	for (int i = 0; i < QOS_DIAGS_MAX + 5; i++)
		qos_diag(diags, QOS_FAILED, "%d", i);
	assert_int_equal(qos_diags_text(diags, &text), 0);
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, QOS_DIAGS_MAX + 1);
	assert_string_equal(text + strlen(text) - strlen(end), end);
	assert_int_equal(qos_diags_json(diags, &json), 0);
	assert_non_null(strstr(json, "\"5 more errors are not shown\""));
}

/* Of a line of 300: 120 characters around the column, and the caret under it. */
static void test_long_line(void **state)
{
	_cleanup_(freep) char *text = NULL;
	_cleanup_(diags_freep) struct qos_diags *diags = NULL;
	char source[301], *line, *caret;

	(void)state;
	memset(source, '-', 300);
	source[300] = '\0';
	source[199] = 'X';
	diags = new_diags(source);
	qos_diag_at(diags, at(1, 200), "long");
	assert_int_equal(qos_diags_text(diags, &text), 0);
	line = strchr(text, '\n') + 1;
	caret = strchr(line, '\n') + 1;
	assert_int_equal(caret - line, 3 + 120 + 3 + 1);
	assert_memory_equal(line, "...-", 4);
	assert_memory_equal(caret - 5, "-...\n", 5);
	assert_int_equal(strchr(caret, '^') - caret, strchr(line, 'X') - line);
}

static void test_characters(void **state)
{
	_cleanup_(diags_freep) struct qos_diags *diags =
		new_diags("\xc3\xa9t\xc3\xa9: \x1b[2J\xff x\n");

	(void)state;
	qos_diag_at(diags, at(1, 6), "escape \x1b]0;x\x07 and \xff and \xe2\x80\xae end");
	expect_text(diags, "f.yaml:1:6: error: escape ?]0;x? and ? and ? end\n"
			   "\xc3\xa9t\xc3\xa9: ?[2J? x\n"
			   "     ^\n");
}

/* Places that the source does not have are no reason to read beyond it. */
static void test_no_such_place(void **state)
{
	_cleanup_(diags_freep) struct qos_diags *diags = new_diags("a\n");
	_cleanup_(diags_freep) struct qos_diags *none = new_diags(NULL);

	(void)state;
	qos_diag_at(diags, at(1, 1000), "far");
	qos_diag_at(diags, at(2, 1), "empty line");
	qos_diag_at(diags, at(7, 1), "no line");
	expect_text(diags, "f.yaml:1:1000: error: far\n"
			   "a\n"
			   " ^\n"
			   "f.yaml:2:1: error: empty line\n"
			   "f.yaml:7:1: error: no line\n");
	qos_diag_at(none, at(1, 1), "no source");
	expect_text(none, "policy:1:1: error: no source\n");
}

static void expect_member(const json_t *item, const char *key, const char *expected)
{
	assert_string_equal(json_string_value(json_object_get(item, key)), expected);
}

static void test_json(void **state)
{
	_cleanup_(diags_freep) struct qos_diags *diags = new_diags("a: \"\n");
	_cleanup_(freep) char *text = NULL;
	json_t *json, *item;

	(void)state;
	qos_diag_at(diags, at(1, 4), "a \"quote\" \xff");
	qos_diag_note(diags, at(1, 1), "note");
	qos_diag(diags, QOS_FAILED, "no place");
	qos_diag_hint(diags, "do this");
	assert_int_equal(qos_diags_json(diags, &text), 0);
	json = json_loads(text, 0, NULL);
	assert_int_equal(json_array_size(json), 3);

	item = json_array_get(json, 0);
	expect_member(item, "severity", "error");
	expect_member(item, "file", "f.yaml");
	expect_member(item, "message", "a \"quote\" ?");
	assert_int_equal(json_integer_value(json_object_get(item, "line")), 1);
	assert_int_equal(json_integer_value(json_object_get(item, "column")), 4);
	assert_true(json_is_null(json_object_get(item, "hint")));
	expect_member(json_array_get(json, 1), "severity", "note");
	item = json_array_get(json, 2);
	assert_true(json_is_null(json_object_get(item, "file")));
	assert_true(json_is_null(json_object_get(item, "line")));
	expect_member(item, "hint", "do this");
	json_decref(json);
}

static void test_brief(void **state)
{
	char buf[QOS_BRIEF_LEN], text[200];

	(void)state;
	assert_string_equal(qos_brief("short", buf), "short");
	memset(text, 'x', sizeof(text));
	text[QOS_BRIEF_LEN - 1] = '\0';
	assert_ptr_equal(qos_brief(text, buf), text);
	text[QOS_BRIEF_LEN - 1] = 'x';
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(strlen(qos_brief(text, buf)), QOS_BRIEF_LEN - 1);
	assert_string_equal(buf + QOS_BRIEF_LEN - 5, "x...");
	/* a character of two bytes where it is cut */
	text[QOS_BRIEF_LEN - 5] = (char)0xc3;
	text[QOS_BRIEF_LEN - 4] = (char)0xa9;
	assert_int_equal(strlen(qos_brief(text, buf)), QOS_BRIEF_LEN - 2);
	assert_string_equal(buf + QOS_BRIEF_LEN - 6, "x...");
}

static void test_utf8(void **state)
{
	static const char *const bad[] = {
		"\x80",
		"\xc3",
		"\xc3(",
		"\xc0\x80",
		"\xc1\xbf",
		"\xe0\x80\x80",
		"\xed\xa0\x80",
		"\xf4\x90\x80\x80",
		"\xf8\x88\x80\x80\x80",
		"\xff",
		"\xe2\x82",
		"\xf0\x80\x80\xaf",
	};
	uint32_t code = 0;

	(void)state;
	assert_int_equal(qos_utf8_decode("a", 1, &code), 1);
	assert_int_equal(code, 'a');
	assert_int_equal(qos_utf8_decode("\xc3\xa9", 2, &code), 2);
	assert_int_equal(code, 0xe9);
	assert_int_equal(qos_utf8_decode("\xe2\x82\xac", 3, &code), 3);
	assert_int_equal(code, 0x20ac);
	assert_int_equal(qos_utf8_decode("\xf4\x8f\xbf\xbf", 4, &code), 4);
	assert_int_equal(code, 0x10ffff);
	assert_int_equal(qos_utf8_decode("a", 0, &code), 0);
	assert_int_equal(qos_utf8_decode("\xc3\xa9", 1, &code), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(qos_utf8_decode(bad[i], strlen(bad[i]), &code), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),	   cmocka_unit_test(test_located),
		cmocka_unit_test(test_whole),	   cmocka_unit_test(test_notes_and_hints),
		cmocka_unit_test(test_status),	   cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_too_many),   cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_characters), cmocka_unit_test(test_no_such_place),
		cmocka_unit_test(test_json),	   cmocka_unit_test(test_brief),
		cmocka_unit_test(test_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
