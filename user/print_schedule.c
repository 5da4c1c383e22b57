// SPDX-License-Identifier: LGPL-2.1-or-later
#include "print.h"
#include "print_table.h"
#include "text.h"

/* "CLASS KEY=VALUE, …" */
static char *schedule_sets(const json_t *sets)
{
	char *line = text_format("%s", "");
	const json_t *set;
	size_t i;

	json_array_foreach(sets, i, set) {
		_cleanup_(freep) char *class = json_text(json_object_get(set, "class"));
		_cleanup_(freep) char *key = json_text(json_object_get(set, "key"));
		_cleanup_(freep) char *value = json_text(json_object_get(set, "value"));
		_cleanup_(freep) char *before = line;

		line = text_format("%s%s%s %s=%s", before, *before ? ", " : "", class, key, value);
	}
	return line;
}

void print_schedules(const json_t *document)
{
	_cleanup_(table_free) struct table table =
		table_new("llllll", "schedule cron next holds since set");
	_cleanup_(freep) char *name = json_text(json_object_get(document, "interface"));
	_cleanup_(freep) char *path = json_text(json_object_get(document, "crontab"));
	const char *state = json_string_value(json_object_get(document, "installed"));
	const json_t *schedule;
	size_t i;

	printf("%s: %s is %s\n", name, path, state ? state : "-");
	json_array_foreach(json_object_get(document, "schedules"), i, schedule) {
		table_add(&table, json_text(json_object_get(schedule, "name")));
		table_add(&table, json_text(json_object_get(schedule, "cron")));
		table_add(&table, json_text(json_object_get(schedule, "next")));
		table_add(&table,
			  text_format(json_is_true(json_object_get(schedule, "holds")) ? "yes" :
											 "-"));
		table_add(&table, json_text(json_object_get(schedule, "since")));
		table_add(&table, schedule_sets(json_object_get(schedule, "set")));
	}
	table_print(&table, "  ");
}
