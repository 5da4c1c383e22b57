// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string.h>

#include "print.h"
#include "print_table.h"
#include "text.h"

char *json_text(const json_t *json)
{
	return text_safe(json_is_string(json) ? json_string_value(json) : "-");
}

char *json_number(const json_t *json, char *(*format)(long long value))
{
	if (!json_is_integer(json))
		return text_format("-");
	if (!format)
		return text_format("%lld", (long long)json_integer_value(json));
	return format(json_integer_value(json));
}

static void print_link(const json_t *link)
{
	const json_t *overhead = json_object_get(link, "overhead");
	long long bytes = json_integer_value(json_object_get(overhead, "bytes"));
	long long mpu = json_integer_value(json_object_get(overhead, "mpu"));
	_cleanup_(freep) char *rate = json_number(json_object_get(link, "rate"), text_rate);
	const char *framing = json_string_value(json_object_get(overhead, "framing"));

	printf(": %s", *rate == '-' ? "no link rate" : rate);
	if (!json_is_object(overhead))
		return;
	printf(", overhead %lld", bytes);
	if (mpu)
		printf(" mpu %lld", mpu);
	if (framing && strcmp(framing, "none") != 0) {
		_cleanup_(freep) char *safe = text_safe(framing);

		printf(" %s", safe);
	}
}

static void print_qdisc(const json_t *qdisc)
{
	_cleanup_(freep) char *kind = json_text(json_object_get(qdisc, "kind"));
	_cleanup_(freep) char *handle = json_text(json_object_get(qdisc, "handle"));
	long long queues = json_integer_value(json_object_get(qdisc, "queues"));

	if (!json_is_object(qdisc)) {
		printf(", no qdisc");
		return;
	}
	printf(", %s %s", kind, handle);
	if (queues > 1)
		printf(" x %lld queues", queues);
	printf(json_is_true(json_object_get(qdisc, "bands")) ? " with bands" : " without bands");
}

static void print_header(const json_t *interface)
{
	_cleanup_(freep) char *name = json_text(json_object_get(interface, "interface"));
	_cleanup_(freep) char *policy = json_text(json_object_get(interface, "policy"));
	_cleanup_(freep) char *applied = json_text(json_object_get(interface, "applied"));
	_cleanup_(freep) char *class = json_text(json_object_get(interface, "default"));
	const char *mode = json_string_value(json_object_get(interface, "mode"));
	long long rules = json_integer_value(json_object_get(interface, "rules"));

	fputs(name, stdout);
	print_link(json_object_get(interface, "link"));
	if (mode && !strcmp(mode, "police"))
		printf(", police");
	else
		print_qdisc(json_object_get(interface, "qdisc"));
	printf(", default %s, %lld rule%s, %s applied %s\n", class, rules, rules == 1 ? "" : "s",
	       policy, applied);
}

static void print_problems(const json_t *interface)
{
	const json_t *problem;
	size_t i;

	json_array_foreach(json_object_get(interface, "problems"), i, problem) {
		_cleanup_(freep) char *text = json_text(problem);

		printf("%sproblem: %s%s\n", colour(stdout, COLOUR_RED), text,
		       colour(stdout, COLOUR_NONE));
	}
}

static void print_classes(const json_t *classes)
{
	_cleanup_(table_free) struct table table =
		table_new("llrrrrl", "class priority rate ceil burst limit dscp");
	const json_t *class;
	size_t i;

	json_array_foreach(classes, i, class) {
		table_add(&table, json_text(json_object_get(class, "name")));
		table_add(&table, json_text(json_object_get(class, "priority")));
		table_add(&table, json_number(json_object_get(class, "rate"), text_rate));
		table_add(&table, json_number(json_object_get(class, "ceil"), text_rate));
		table_add(&table, json_number(json_object_get(class, "burst"), text_size));
		table_add(&table, json_number(json_object_get(class, "limit_ns"), text_time));
		table_add(&table, json_text(json_object_get(class, "dscp")));
	}
	table_print(&table, "  ");
}

void print_show(const json_t *interfaces)
{
	const json_t *interface;
	size_t i;

	json_array_foreach(interfaces, i, interface) {
		if (i)
			putchar('\n');
		print_header(interface);
		print_problems(interface);
		print_classes(json_object_get(interface, "classes"));
	}
}
