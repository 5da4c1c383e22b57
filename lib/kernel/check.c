/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"

int qos_check_add(json_t *checks, const char *name, const char *state, const char *hint,
		  const char *fmt, ...)
{
	_cleanup_(freep) char *text = NULL;
	json_t *check;
	va_list args;
	int r;

	va_start(args, fmt);
	r = vasprintf(&text, fmt, args);
	va_end(args);
	if (r < 0) {
		text = NULL;
		return -ENOMEM;
	}

	check = json_pack("{s:s, s:s, s:s, s:s*}", "name", name, "state", state, "text", text,
			  "hint", hint);
	return json_array_append_new(checks, check) < 0 ? -ENOMEM : 0;
}
