/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"

#define ROOM_MIN 1024

void qos_buffer_done(struct qos_buffer *buffer)
{
	free(buffer->text);
	*buffer = (struct qos_buffer){ 0 };
}

/* Full from now on: each that puts comes here again. */
static bool fail(struct qos_buffer *buffer)
{
	buffer->failed = true;
	buffer->room = buffer->len;
	return false;
}

bool qos_buffer_grow(struct qos_buffer *buffer, size_t len)
{
	size_t room = buffer->room ? buffer->room : ROOM_MIN;
	char *text;

	if (buffer->failed)
		return false;
	while (room - buffer->len <= len) {
		if (__builtin_mul_overflow(room, 2, &room))
			return fail(buffer);
	}
	text = realloc(buffer->text, room);
	if (!text)
		return fail(buffer);
	buffer->text = text;
	buffer->room = room;
	return true;
}

void qos_buffer_number(struct qos_buffer *buffer, uint64_t value)
{
	char digits[QOS_NUMBER_LEN];

	qos_buffer_puts(buffer, qos_format_number(value, digits));
}

void qos_buffer_printf(struct qos_buffer *buffer, const char *fmt, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0) {
		fail(buffer);
		return;
	}
	qos_buffer_put(buffer, text, (size_t)len);
	free(text);
}

char *qos_buffer_padded(struct qos_buffer *buffer, size_t len)
{
	size_t more = len > buffer->len ? len - buffer->len : 0;

	if (buffer->room - buffer->len <= more && !qos_buffer_grow(buffer, more))
		return NULL;
	memset(buffer->text + buffer->len, 0, more);
	return buffer->text;
}

int qos_buffer_take(struct qos_buffer *buffer, char **ret_text)
{
	if (buffer->len == buffer->room && !qos_buffer_grow(buffer, 0))
		return -ENOMEM;
	buffer->text[buffer->len] = '\0';
	*ret_text = buffer->text;
	*buffer = (struct qos_buffer){ 0 };
	return 0;
}
