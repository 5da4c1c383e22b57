/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/diag_list.h"
#include "base/utf8.h"

/* Of a longer line, this many characters around the column are shown. */
#define WINDOW 120

static const char *const severity_text[] = {
	[SEVERITY_ERROR] = "error",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_NOTE] = "note",
};

/* The source, cut into lines: starts[i] is where line i + 1 begins. */
struct lines {
	const struct qos_diags *diags;
	size_t *starts;
	size_t count;
};

static void lines_done(struct lines *lines)
{
	free(lines->starts);
}

static int lines_index(const struct qos_diags *diags, struct lines *ret)
{
	size_t count = 1, *starts;

	for (size_t i = 0; i < diags->len; i++)
		count += diags->text[i] == '\n';
	starts = calloc(count, sizeof(*starts));
	if (!starts)
		return -ENOMEM;
	count = 1;
	for (size_t i = 0; i < diags->len; i++) {
		if (diags->text[i] == '\n')
			starts[count++] = i + 1;
	}
	*ret = (struct lines){ .diags = diags, .starts = starts, .count = count };
	return 0;
}

/* Without its line break; false where the source has no such line. */
static bool lines_get(const struct lines *lines, unsigned int line, const char **ret_text,
		      size_t *ret_len)
{
	const struct qos_diags *diags = lines->diags;
	size_t start, end;

	if (!diags->text || line == 0 || line > lines->count)
		return false;
	start = lines->starts[line - 1];
	end = line < lines->count ? lines->starts[line] - 1 : diags->len;
	if (end > start && diags->text[end - 1] == '\r')
		end--;
	*ret_text = diags->text + start;
	*ret_len = end - start;
	return true;
}

/* The next character of a line; what is not one counts as a character each byte. */
static size_t next_char(const char *text, size_t len, uint32_t *ret_code)
{
	size_t size = qos_utf8_decode(text, len, ret_code);

	if (size)
		return size;
	*ret_code = 0;
	return 1;
}

static size_t count_chars(const char *text, size_t len)
{
	size_t count = 0;
	uint32_t code;

	for (size_t at = 0; at < len; count++)
		at += next_char(text + at, len - at, &code);
	return count;
}

/* Characters first to last (from 0, last excluded) as they can be shown; with
 * blank, as much space as they take.
 */
static void print_chars(struct qos_buffer *out, const char *text, size_t len, size_t first,
			size_t last, bool blank)
{
	size_t count = 0;

	for (size_t at = 0; at < len && count < last; count++) {
		uint32_t code;
		size_t size = next_char(text + at, len - at, &code);

		if (count >= first) {
			if (code == '\t' || (!blank && qos_utf8_printable(code)))
				qos_buffer_put(out, text + at, size);
			else
				qos_buffer_puts(out, blank ? " " : "?");
		}
		at += size;
	}
}

static void print_source(struct qos_buffer *out, const struct lines *lines, struct qos_loc loc)
{
	size_t len, chars, column, first = 0, last;
	const char *text;

	if (!lines_get(lines, loc.line, &text, &len) || !len)
		return;
	chars = count_chars(text, len);
	column = loc.column ? loc.column - 1 : 0;
	column = column < chars ? column : chars;
	last = chars;
	if (chars > WINDOW) {
		first = column > WINDOW / 2 ? column - WINDOW / 2 : 0;
		first = first < chars - WINDOW ? first : chars - WINDOW;
		last = first + WINDOW;
	}

	qos_buffer_puts(out, first ? "..." : "");
	print_chars(out, text, len, first, last, false);
	qos_buffer_puts(out, last < chars ? "...\n" : "\n");
	qos_buffer_puts(out, first ? "   " : "");
	print_chars(out, text, len, first, column, true);
	qos_buffer_puts(out, "^\n");
}

static const char *source_path(const struct qos_diags *diags)
{
	return diags->path ? diags->path : "policy";
}

static int compare(const void *a, const void *b)
{
	const struct diag *x = *(const struct diag *const *)a;
	const struct diag *y = *(const struct diag *const *)b;

	/* what has no place comes last */
	if (!x->group.line != !y->group.line)
		return x->group.line ? -1 : 1;
	if (x->group.line != y->group.line)
		return x->group.line < y->group.line ? -1 : 1;
	if (x->group.column != y->group.column)
		return x->group.column < y->group.column ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static const struct diag **sorted(const struct qos_diags *diags)
{
	const struct diag **list = calloc(diags->count + 1, sizeof(struct diag *));

	if (!list)
		return NULL;
	for (size_t i = 0; i < diags->count; i++)
		list[i] = &diags->list[i];
	qsort(list, diags->count, sizeof(struct diag *), compare);
	return list;
}

static void print_diag(struct qos_buffer *out, const struct lines *lines, const struct diag *diag)
{
	if (diag->loc.line)
		qos_buffer_printf(out, "%s:%u:%u: ", source_path(lines->diags), diag->loc.line,
				  diag->loc.column);
	else if (diag->whole)
		qos_buffer_printf(out, "%s: ", source_path(lines->diags));
	qos_buffer_printf(out, "%s: %s\n", severity_text[diag->severity], diag->message);
	if (diag->loc.line)
		print_source(out, lines, diag->loc);
	if (diag->hint)
		qos_buffer_printf(out, "hint: %s\n", diag->hint);
}

int qos_diags_text(const struct qos_diags *diags, char **ret_text)
{
	_cleanup_(freep) const struct diag **list = sorted(diags);
	_cleanup_(lines_done) struct lines lines = { 0 };
	_cleanup_(qos_buffer_done) struct qos_buffer out = { 0 };
	int r;

	if (!list)
		return -ENOMEM;
	/* lines are looked up for what is said of them */
	r = diags->count ? lines_index(diags, &lines) : 0;
	if (r < 0)
		return r;
	for (size_t i = 0; i < diags->count; i++)
		print_diag(&out, &lines, list[i]);
	if (diags->unkept)
		qos_buffer_printf(&out, "error: %zu more errors are not shown\n", diags->unkept);
	return qos_buffer_take(&out, ret_text);
}

static void decref(json_t **json)
{
	json_decref(*json);
}

/* An absent text, or a place that is not there, is null. */
static json_t *diag_json(const struct qos_diags *diags, const struct diag *diag)
{
	bool placed = diag->loc.line != 0;
	json_int_t line = diag->loc.line, column = diag->loc.column;

	return json_pack("{s:s, s:s?, s:o, s:o, s:s, s:s?}", "severity",
			 severity_text[diag->severity], "file",
			 placed || diag->whole ? source_path(diags) : NULL, "line",
			 placed ? json_integer(line) : json_null(), "column",
			 placed ? json_integer(column) : json_null(), "message", diag->message,
			 "hint", diag->hint);
}

static int append_unkept(json_t *array, size_t unkept)
{
	char message[64];

	snprintf(message, sizeof(message), "%zu more errors are not shown", unkept);
	return json_array_append_new(array, json_pack("{s:s, s:n, s:n, s:n, s:s, s:n}", "severity",
						      "error", "file", "line", "column", "message",
						      message, "hint"));
}

int qos_diags_json(const struct qos_diags *diags, char **ret_json)
{
	_cleanup_(freep) const struct diag **list = sorted(diags);
	_cleanup_(decref) json_t *array = json_array();
	char *text;

	if (!list || !array)
		return -ENOMEM;
	for (size_t i = 0; i < diags->count; i++) {
		if (json_array_append_new(array, diag_json(diags, list[i])) < 0)
			return -ENOMEM;
	}
	if (diags->unkept && append_unkept(array, diags->unkept) < 0)
		return -ENOMEM;
	text = json_dumps(array, JSON_INDENT(2));
	if (!text)
		return -ENOMEM;
	*ret_json = text;
	return 0;
}
