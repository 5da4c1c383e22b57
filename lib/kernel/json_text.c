/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/json_text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define ROOM_MIN 1024

struct text {
	char *at;
	size_t len, room;
	bool failed;
};

static void text_done(struct text *text)
{
	free(text->at);
}

static int append(const char *part, size_t len, void *data)
{
	struct text *text = data;
	size_t room = text->room ? text->room : ROOM_MIN;
	char *at;

	while (room <= text->len + len)
		room *= 2;
	if (room != text->room) {
		at = realloc(text->at, room);
		if (!at) {
			text->failed = true;
			return -1;
		}
		text->at = at;
		text->room = room;
	}
	memcpy(text->at + text->len, part, len);
	text->len += len;
	text->at[text->len] = '\0';
	return 0;
}

char *qos_json_text(const json_t *json)
{
	_cleanup_(text_done) struct text text = { .at = NULL };

	/* do_dump() (jansson's dump.c) does not look at what becomes of a key */
	if (json_dump_callback(json, append, &text, JSON_COMPACT) || text.failed)
		return NULL;
	return TAKE_PTR(text.at);
}
