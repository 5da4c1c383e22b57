/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag_list.h"
#include "base/utf8.h"

struct qos_diags *qos_diags_new(void)
{
	return calloc(1, sizeof(struct qos_diags));
}

void qos_diags_free(struct qos_diags *diags)
{
	if (!diags)
		return;
	for (size_t i = 0; i < diags->count; i++) {
		free(diags->list[i].message);
		free(diags->list[i].hint);
	}
	free(diags->list);
	free(diags->path);
	free(diags->text);
	free(diags);
}

enum qos_status qos_diags_status(const struct qos_diags *diags)
{
	return diags->status;
}

int qos_diags_set_source(struct qos_diags *diags, const char *path, const char *text, size_t len)
{
	_cleanup_(freep) char *path_copy = strdup(path);
	_cleanup_(freep) char *text_copy = malloc(len + 1);

	if (!path_copy || !text_copy)
		return -ENOMEM;
	memcpy(text_copy, text, len);
	text_copy[len] = '\0';
	qos_utf8_clean(path_copy);

	free(diags->path);
	free(diags->text);
	diags->path = TAKE_PTR(path_copy);
	diags->text = TAKE_PTR(text_copy);
	diags->len = len;
	return 0;
}

static char *format_message(const char *fmt, va_list args)
{
	char *text;

	if (vasprintf(&text, fmt, args) < 0)
		return NULL;
	qos_utf8_clean(text);
	return text;
}

static bool same_place(struct qos_loc a, struct qos_loc b)
{
	return a.line == b.line && a.column == b.column;
}

static bool is_known(const struct qos_diags *diags, const struct diag *new)
{
	for (size_t i = 0; i < diags->count; i++) {
		const struct diag *old = &diags->list[i];

		if (old->severity == new->severity && same_place(old->loc, new->loc) &&
		    strcmp(old->message, new->message) == 0)
			return true;
	}
	return false;
}

/* False: there was no memory. */
static bool append(struct qos_diags *diags, struct diag *new)
{
	struct diag *list = reallocarray(diags->list, diags->count + 1, sizeof(*list));

	if (!list)
		return false;
	new->order = diags->count;
	diags->list = list;
	diags->list[diags->count++] = *new;
	return true;
}

/* Without memory only the status and the count remain. */
static void add(struct qos_diags *diags, struct diag new, enum qos_status status, const char *fmt,
		va_list args)
{
	_cleanup_(freep) char *message = NULL;

	if (!diags)
		return;
	if (diags->status < status)
		diags->status = status;
	diags->open = false;
	if (diags->count >= QOS_DIAGS_MAX) {
		diags->unkept++;
		return;
	}
	message = format_message(fmt, args);
	if (!message) {
		diags->unkept++;
		return;
	}
	new.group = new.loc;
	new.message = message;
	if (is_known(diags, &new))
		return;
	if (!append(diags, &new)) {
		diags->unkept++;
		return;
	}
	TAKE_PTR(message);
	diags->open = true;
}

void qos_diag_at(struct qos_diags *diags, struct qos_loc loc, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(diags, (struct diag){ .severity = SEVERITY_ERROR, .loc = loc }, QOS_INVALID, fmt, args);
	va_end(args);
}

void qos_diag(struct qos_diags *diags, enum qos_status status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(diags, (struct diag){ .severity = SEVERITY_ERROR }, status, fmt, args);
	va_end(args);
}

void qos_diag_warn(struct qos_diags *diags, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(diags, (struct diag){ .severity = SEVERITY_WARNING }, QOS_OK, fmt, args);
	va_end(args);
}

void qos_diag_warn_file(struct qos_diags *diags, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(diags, (struct diag){ .severity = SEVERITY_WARNING, .whole = true }, QOS_OK, fmt, args);
	va_end(args);
}

void qos_diag_warn_at(struct qos_diags *diags, struct qos_loc loc, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(diags, (struct diag){ .severity = SEVERITY_WARNING, .loc = loc }, QOS_OK, fmt, args);
	va_end(args);
}

void qos_diag_note(struct qos_diags *diags, struct qos_loc loc, const char *fmt, ...)
{
	struct diag new = { .severity = SEVERITY_NOTE, .loc = loc };
	va_list args;

	if (!diags || !diags->open)
		return;
	va_start(args, fmt);
	new.message = format_message(fmt, args);
	va_end(args);
	new.group = diags->list[diags->count - 1].group;
	if (!new.message || !append(diags, &new))
		free(new.message);
}

void qos_diag_hint(struct qos_diags *diags, const char *fmt, ...)
{
	struct diag *last;
	va_list args;

	if (!diags || !diags->open)
		return;
	last = &diags->list[diags->count - 1];
	va_start(args, fmt);
	free(last->hint);
	last->hint = format_message(fmt, args);
	va_end(args);
}

const char *qos_brief(const char *text, char *buf)
{
	size_t len = strnlen(text, QOS_BRIEF_LEN), cut = QOS_BRIEF_LEN - 4;

	if (len < QOS_BRIEF_LEN)
		return text;
	/* not in the middle of a character */
	while (cut > 0 && ((unsigned char)text[cut] & 0xc0) == 0x80)
		cut--;
	snprintf(buf, QOS_BRIEF_LEN, "%.*s...", (int)cut, text);
	return buf;
}
