// SPDX-License-Identifier: LGPL-2.1-or-later
#include "print.h"
#include "print_table.h"
#include "text.h"

/* A rule, or the default, which is of no line. */
static void add_row(struct table *table, const json_t *counted, char *line)
{
	const json_t *class = json_object_get(counted, "class");

	table_add(table, line);
	table_add(table, json_is_null(class) ? text_format("drop") : json_text(class));
	table_add(table, json_number(json_object_get(counted, "packets"), NULL));
	table_add(table, json_number(json_object_get(counted, "bytes"), NULL));
}

static void print_interface(const json_t *interface)
{
	_cleanup_(table_free) struct table table = table_new("rlrr", "line class packets bytes");
	_cleanup_(freep) char *name = json_text(json_object_get(interface, "interface"));
	_cleanup_(freep) char *policy = json_text(json_object_get(interface, "policy"));
	const json_t *rule;
	size_t i;

	json_array_foreach(json_object_get(interface, "rules"), i, rule)
		add_row(&table, rule, json_number(json_object_get(rule, "line"), NULL));
	add_row(&table, json_object_get(interface, "default"), text_format("default"));
	printf("%s: %s\n", name, policy);
	table_print(&table, "  ");
}

void print_rules(const json_t *interfaces)
{
	const json_t *interface;
	size_t i;

	json_array_foreach(interfaces, i, interface) {
		if (i)
			putchar('\n');
		print_interface(interface);
	}
}
