// SPDX-License-Identifier: LGPL-2.1-or-later
#include "print.h"
#include "print_table.h"
#include "text.h"

static void add_number(struct table *table, const json_t *object, const char *key,
		       char *(*format)(long long value))
{
	table_add(table, json_number(json_object_get(object, key), format));
}

static void print_classes(const json_t *classes)
{
	_cleanup_(table_free) struct table table = table_new(
		"lrrrrrRRr", "class now borrowed packets marks drops p50/ms p99/ms backlog/ms");
	const json_t *class;
	size_t i;

	json_array_foreach(classes, i, class) {
		const json_t *interval = json_object_get(class, "interval");

		table_add(&table, json_class(class));
		add_number(&table, interval, "rate_now", text_rate_now);
		add_number(&table, interval, "borrowed_now", text_rate_now);
		add_number(&table, interval, "packets", NULL);
		add_number(&table, interval, "marks", NULL);
		add_number(&table, interval, "drops", NULL);
		add_number(&table, interval, "p50_ns", text_ms);
		add_number(&table, interval, "p99_ns", text_ms);
		add_number(&table, class, "backlog_ns", text_ms);
	}
	table_print(&table, "  ");
}

void print_interval(const json_t *interfaces)
{
	const json_t *interface;
	size_t i;

	json_array_foreach(interfaces, i, interface) {
		const json_t *interval =
			json_object_get(json_object_get(interface, "link"), "interval");
		_cleanup_(freep) char *name = json_text(json_object_get(interface, "interface"));
		_cleanup_(freep) char *ms =
			json_number(json_object_get(interface, "interval_ns"), text_ms);
		_cleanup_(freep) char *rate =
			json_number(json_object_get(interval, "rate_now"), text_rate_now);
		_cleanup_(freep) char *drops =
			json_number(json_object_get(interval, "drops"), NULL);

		printf("%s: in %s ms %s, drops %s\n", name, ms, rate, drops);
		print_classes(json_object_get(interface, "classes"));
	}
}
