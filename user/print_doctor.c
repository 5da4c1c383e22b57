// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string.h>

#include "print.h"
#include "text.h"

struct state {
	const char *name; /* in the document; the last stands for any other */
	const char *text;
	enum colour colour;
};

static const struct state *find_state(const char *name)
{
	static const struct state states[] = {
		{ "ok", "ok", COLOUR_GREEN },
		{ "warn", "warn", COLOUR_YELLOW },
		{ "fail", "FAIL", COLOUR_RED },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(states) - 1; i++)
		if (name && !strcmp(states[i].name, name))
			break;
	return &states[i];
}

static void print_checks(const json_t *checks)
{
	const json_t *check;
	size_t i;

	json_array_foreach(checks, i, check) {
		const char *value = json_string_value(json_object_get(check, "state"));
		const struct state *state = find_state(value);
		_cleanup_(freep) char *name = json_text(json_object_get(check, "name"));
		_cleanup_(freep) char *text = json_text(json_object_get(check, "text"));
		_cleanup_(freep) char *hint = json_text(json_object_get(check, "hint"));

		printf("%s%-4s%s  %-10s  %s\n", colour(stdout, state->colour), state->text,
		       colour(stdout, COLOUR_NONE), name, text);
		if (json_is_string(json_object_get(check, "hint")))
			printf("      hint: %s\n", hint);
	}
}

void print_doctor(const json_t *doctor)
{
	const json_t *interface = json_object_get(doctor, "interface");
	_cleanup_(freep) char *name = json_text(json_object_get(interface, "name"));

	print_checks(json_object_get(doctor, "checks"));
	if (!json_is_object(interface))
		return;
	printf("\n%s:\n", name);
	print_checks(json_object_get(interface, "checks"));
}
