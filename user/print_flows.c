// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string.h>

#include "print.h"
#include "print_table.h"
#include "text.h"

/* "10.0.0.1", "10.0.0.1:53" or "[fd00::1]:53". */
static char *flow_end(const json_t *flow, const char *address, const char *port)
{
	_cleanup_(freep) char *text = json_text(json_object_get(flow, address));
	const json_t *number = json_object_get(flow, port);

	if (!json_is_integer(number))
		return text_format("%s", text);
	return text_format(strchr(text, ':') ? "[%s]:%lld" : "%s:%lld", text,
			   (long long)json_integer_value(number));
}

char *json_flow(const json_t *flow)
{
	_cleanup_(freep) char *src = flow_end(flow, "src", "sport");
	_cleanup_(freep) char *dst = flow_end(flow, "dst", "dport");
	_cleanup_(freep) char *proto = json_text(json_object_get(flow, "proto"));
	const char *fairness = json_string_value(json_object_get(flow, "fairness"));
	int from = json_is_string(json_object_get(flow, "src"));
	int to = json_is_string(json_object_get(flow, "dst"));

	if (from && to)
		return text_format("%s %s > %s", proto, src, dst);
	if (from)
		return text_format("from %s", src);
	if (to)
		return text_format("to %s", dst);
	return text_format(fairness && !strcmp(fairness, "none") ? "all" : "not IP");
}

void print_flows(const json_t *flows)
{
	_cleanup_(table_free) struct table table =
		table_new("lrrrl", "class rate delay/ms signals flow");
	const json_t *list = json_object_get(flows, "flows"), *flow;
	long long more = json_integer_value(json_object_get(flows, "active"));
	size_t i;

	json_array_foreach(list, i, flow) {
		table_add(&table, json_text(json_object_get(flow, "class")));
		table_add(&table, json_number(json_object_get(flow, "rate_now"), text_rate_now));
		table_add(&table, json_number(json_object_get(flow, "delay_ns"), text_ms));
		table_add(&table, json_number(json_object_get(flow, "signals"), NULL));
		table_add(&table, json_flow(flow));
	}
	if (i)
		table_print(&table, "");
	more -= (long long)i;
	if (more > 0)
		printf("and %lld more\n", more);
	else if (!i)
		puts("no flow is active");
}
