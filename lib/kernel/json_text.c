/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/json_text.h"

#include "base/buffer.h"
#include "base/cleanup.h"

static int append(const char *part, size_t len, void *data)
{
	struct qos_buffer *buffer = data;

	qos_buffer_put(buffer, part, len);
	return buffer->failed ? -1 : 0;
}

char *qos_json_text(const json_t *json)
{
	_cleanup_(qos_buffer_done) struct qos_buffer buffer = { 0 };
	char *text;

	/* do_dump() (jansson's dump.c) does not look at what becomes of a key */
	if (json_dump_callback(json, append, &buffer, JSON_COMPACT) ||
	    qos_buffer_take(&buffer, &text) < 0)
		return NULL;
	return text;
}
