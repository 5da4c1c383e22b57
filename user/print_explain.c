// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string.h>

#include "print.h"
#include "print_table.h"
#include "text.h"

#define NAME_WIDTH 16 /* as most names of classes */
#define RULE_WIDTH 24

/* "FILE:LINE" */
static char *place_text(const json_t *rule)
{
	_cleanup_(freep) char *file = json_text(json_object_get(rule, "file"));

	return text_format("%s:%lld", file,
			   (long long)json_integer_value(json_object_get(rule, "line")));
}

/* Where it comes from that a packet is of its class. */
static char *rule_text(const json_t *fate)
{
	const json_t *rule = json_object_get(fate, "rule");

	if (json_is_object(rule))
		return place_text(rule);
	return text_format(json_is_true(json_object_get(fate, "exempt")) ? "exempt" : "default");
}

/* A class, or that there is none for what is dropped. */
static char *class_text(const json_t *object)
{
	const json_t *class = json_object_get(object, "class");

	return json_is_string(class) ? json_text(class) : text_format("drop");
}

static void print_near(const json_t *near)
{
	_cleanup_(table_free) struct table table = table_new("lll", "nearly class why");
	const json_t *one;
	size_t i;

	json_array_foreach(near, i, one) {
		table_add(&table, place_text(json_object_get(one, "rule")));
		table_add(&table, class_text(one));
		table_add(&table, json_text(json_object_get(one, "why")));
	}
	if (!i)
		return;
	putchar('\n');
	table_print(&table, "");
}

void print_explain(const json_t *fate)
{
	_cleanup_(freep) char *class = class_text(fate), *rule = rule_text(fate);
	_cleanup_(freep) char *rate = json_number(json_object_get(fate, "rate"), text_rate);
	_cleanup_(freep) char *ceil = json_number(json_object_get(fate, "ceil"), text_rate);
	_cleanup_(freep) char *wait = json_number(json_object_get(fate, "wait_ns"), text_time_now);
	_cleanup_(freep) char *drop = json_text(json_object_get(fate, "drop"));

	printf("class  %s\n", class);
	printf("rule   %s\n", rule);
	printf("rate   %s\n", rate);
	printf("ceil   %s\n", ceil);
	if (strcmp(wait, "-") != 0)
		printf("wait   %s\n", wait);
	if (strcmp(drop, "-") != 0)
		printf("drop   %s\n", drop);
	print_near(json_object_get(fate, "near"));
}

void print_fate(const json_t *fate)
{
	_cleanup_(freep) char *class = class_text(fate), *rule = rule_text(fate);
	_cleanup_(freep) char *packet = json_text(json_object_get(fate, "packet"));

	printf("%s%*s %s%*s %s\n", class,
	       text_width(class) < NAME_WIDTH ? NAME_WIDTH - text_width(class) : 0, "", rule,
	       text_width(rule) < RULE_WIDTH ? RULE_WIDTH - text_width(rule) : 0, "", packet);
}

void print_fates(const json_t *sums)
{
	_cleanup_(table_free) struct table table = table_new("lrr", "class packets bytes");
	const json_t *class;
	size_t i;

	json_array_foreach(json_object_get(sums, "classes"), i, class) {
		table_add(&table, class_text(class));
		table_add(&table, json_number(json_object_get(class, "packets"), NULL));
		table_add(&table, json_number(json_object_get(class, "bytes"), NULL));
	}
	if (!i) {
		puts("the capture is empty");
		return;
	}
	putchar('\n');
	table_print(&table, "");
}
