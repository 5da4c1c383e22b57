/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A text that grows while it is written. A memstream's locks and formats took a fifth of the time
 * of changing one rate among a thousand classes, and out of memory it may close well, without text.
 *
 *	_cleanup_(qos_buffer_done) struct qos_buffer buffer = { 0 };
 *
 *	qos_buffer_puts(&buffer, "class ");
 *	...
 *	return qos_buffer_take(&buffer, ret_text);
 */
#ifndef QOS_BASE_BUFFER_H
#define QOS_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* All zero: empty. Out of memory once, it has no room, and qos_buffer_take() says so. */
struct qos_buffer {
	char *text;
	size_t len, room; /* of bytes; a zero has room after them */
	bool failed;
};

/* Frees what was not taken. */
void qos_buffer_done(struct qos_buffer *buffer);

/* Makes room for len bytes more, and a zero; false when there is none. */
bool qos_buffer_grow(struct qos_buffer *buffer, size_t len);

/* Inline, as most of what is put is a literal whose length is known. */
static inline void qos_buffer_put(struct qos_buffer *buffer, const char *bytes, size_t len)
{
	if (buffer->room - buffer->len <= len && !qos_buffer_grow(buffer, len))
		return;
	memcpy(buffer->text + buffer->len, bytes, len);
	buffer->len += len;
}

static inline void qos_buffer_puts(struct qos_buffer *buffer, const char *text)
{
	qos_buffer_put(buffer, text, strlen(text));
}

void qos_buffer_number(struct qos_buffer *buffer, uint64_t value);
void qos_buffer_printf(struct qos_buffer *buffer, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* What is in it so far and zeros up to len, which remain the buffer's. Null when out of memory. */
char *qos_buffer_padded(struct qos_buffer *buffer, size_t len);

/* The text so far, which the caller then owns, and the buffer is empty. -ENOMEM. */
int qos_buffer_take(struct qos_buffer *buffer, char **ret_text);

#endif
