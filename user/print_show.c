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

char *json_class(const json_t *class)
{
	_cleanup_(freep) char *name = json_text(json_object_get(class, "name"));
	json_int_t depth = json_integer_value(json_object_get(class, "depth"));

	return text_format("%*s%s", depth > 1 && depth < 100 ? (int)(2 * depth - 2) : 0, "", name);
}

void print_none(const json_t *interfaces)
{
	if (json_is_array(interfaces) && !json_array_size(interfaces))
		puts("no interface is shaped");
}

static void print_link(const json_t *link)
{
	const json_t *overhead = json_object_get(link, "overhead");
	long long bytes = json_integer_value(json_object_get(overhead, "bytes"));
	long long mpu = json_integer_value(json_object_get(overhead, "mpu"));
	_cleanup_(freep) char *rate = json_number(json_object_get(link, "rate"), text_rate);
	_cleanup_(freep) char *now = json_number(json_object_get(link, "rate_now"), text_rate_now);
	const char *framing = json_string_value(json_object_get(overhead, "framing"));

	printf(": %s, now %s", *rate == '-' ? "no link rate" : rate, now);
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

static void print_schedule(const json_t *interface)
{
	const json_t *schedule = json_object_get(interface, "schedule");
	_cleanup_(freep) char *name = json_text(json_object_get(schedule, "name"));
	_cleanup_(freep) char *since = json_text(json_object_get(schedule, "since"));

	if (json_is_object(schedule))
		printf("schedule %s since %s\n", name, since);
}

static void print_sets(const json_t *interface)
{
	const json_t *set;
	size_t i;

	json_array_foreach(json_object_get(interface, "set"), i, set) {
		_cleanup_(freep) char *class = json_text(json_object_get(set, "class"));
		_cleanup_(freep) char *key = json_text(json_object_get(set, "key"));
		_cleanup_(freep) char *value = json_text(json_object_get(set, "value"));
		_cleanup_(freep) char *until = json_text(json_object_get(set, "until"));

		printf("%sset %s %s=%s until %s%s\n", colour(stdout, COLOUR_YELLOW), class, key,
		       value, strcmp(until, "-") != 0 ? until : "the next apply",
		       colour(stdout, COLOUR_NONE));
	}
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

/* The sum of the weights in each class, by its name. */
static json_t *sum_weights(const json_t *classes)
{
	json_t *sums = json_object();
	const json_t *class;
	size_t i;

	json_array_foreach(classes, i, class) {
		const char *parent = json_string_value(json_object_get(class, "parent"));
		json_int_t sum = json_integer_value(json_object_get(sums, parent));

		sum += json_integer_value(json_object_get(class, "weight"));
		if (parent && json_object_set_new(sums, parent, json_integer(sum)))
			out_of_memory();
	}
	return sums;
}

/* What part of what is borrowed a class gets among its siblings. */
static char *class_share(const json_t *class, const json_t *sums)
{
	const char *parent = json_string_value(json_object_get(class, "parent"));
	double weight = (double)json_integer_value(json_object_get(class, "weight"));
	double sum = (double)json_integer_value(json_object_get(sums, parent));

	return sum > 0 ? text_format("%.3g%%", 100 * weight / sum) : text_format("-");
}

static char *class_fairness(const json_t *class)
{
	_cleanup_(freep) char *fairness = json_text(json_object_get(class, "fairness"));
	const json_t *len = json_object_get(class, "host6_len");

	if (!json_is_integer(len))
		return text_format("%s", fairness);
	return text_format("%s/%lld", fairness, (long long)json_integer_value(len));
}

static char *class_ecn(const json_t *class)
{
	return text_format(json_is_false(json_object_get(class, "ecn")) ? "off" : "-");
}

/* What is borrowed now, and of whom. */
static void add_borrowed(struct table *table, const json_t *class)
{
	const json_t *borrowed = json_object_get(class, "borrowed_now");
	int some = json_integer_value(borrowed) > 0;

	table_add(table, some ? json_number(borrowed, text_rate_now) : text_format("-"));
	table_add(table, json_text(some ? json_object_get(class, "lender") : NULL));
}

static void print_classes(const json_t *classes)
{
	_cleanup_(json_decrefp) json_t *sums = sum_weights(classes);
	_cleanup_(table_free) struct table table = table_new(
		"llrrrrRLrRRLRLL", "class priority rate ceil weight now borrowed from burst "
				   "limit latency fairness per-flow ecn dscp");
	const json_t *class;
	size_t i;

	json_array_foreach(classes, i, class) {
		table_add(&table, json_class(class));
		table_add(&table, json_text(json_object_get(class, "priority")));
		table_add(&table, json_number(json_object_get(class, "rate"), text_rate));
		table_add(&table, json_number(json_object_get(class, "ceil"), text_rate));
		table_add(&table, class_share(class, sums));
		table_add(&table, json_number(json_object_get(class, "rate_now"), text_rate_now));
		add_borrowed(&table, class);
		table_add(&table, json_number(json_object_get(class, "burst"), text_size));
		table_add(&table, json_number(json_object_get(class, "limit_ns"), text_time));
		table_add(&table, json_number(json_object_get(class, "latency_ns"), text_time));
		table_add(&table, class_fairness(class));
		table_add(&table, json_number(json_object_get(class, "per_flow"), text_rate));
		table_add(&table, class_ecn(class));
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
		print_schedule(interface);
		print_sets(interface);
		print_problems(interface);
		print_classes(json_object_get(interface, "classes"));
	}
}
