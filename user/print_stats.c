// SPDX-License-Identifier: LGPL-2.1-or-later
#include "print.h"
#include "print_table.h"
#include "text.h"

static void print_counters(const json_t *classes)
{
	static const char *const counters[] = { "packets", "bytes",	"borrowed_bytes",
						"marks",   "marks_l4s", "exempt" };
	static const char *const reasons[] = { "limit", "aqm", "horizon", "police" };
	_cleanup_(table_free) struct table table =
		table_new("lrrrrrrrrrr", "class packets bytes borrowed marks l4s exempt drop:limit "
					 "drop:aqm drop:horizon drop:police");
	const json_t *class;
	size_t i, j;

	json_array_foreach(classes, i, class) {
		const json_t *drops = json_object_get(class, "drops");

		table_add(&table, json_class(class));
		for (j = 0; j < ARRAY_SIZE(counters); j++)
			table_add(&table, json_number(json_object_get(class, counters[j]), NULL));
		for (j = 0; j < ARRAY_SIZE(reasons); j++)
			table_add(&table, json_number(json_object_get(drops, reasons[j]), NULL));
	}
	table_print(&table, "  ");
}

/* How long packets waited, and one that comes now would. */
static void print_delays(const json_t *classes)
{
	static const char *const delays[] = { "p50_ns", "p90_ns", "p99_ns", "max_ns" };
	_cleanup_(table_free) struct table table =
		table_new("lRRRRr", "class p50/ms p90/ms p99/ms max/ms backlog/ms");
	const json_t *class;
	size_t i, j;

	json_array_foreach(classes, i, class) {
		const json_t *delay = json_object_get(class, "delay");

		table_add(&table, json_class(class));
		for (j = 0; j < ARRAY_SIZE(delays); j++)
			table_add(&table, json_number(json_object_get(delay, delays[j]), text_ms));
		table_add(&table, json_number(json_object_get(class, "backlog_ns"), text_ms));
	}
	table_print(&table, "  ");
}

static void print_link(const json_t *interface)
{
	const json_t *link = json_object_get(interface, "link");
	_cleanup_(freep) char *name = json_text(json_object_get(interface, "interface"));
	_cleanup_(freep) char *packets = json_number(json_object_get(link, "packets"), NULL);
	_cleanup_(freep) char *bytes = json_number(json_object_get(link, "bytes"), NULL);
	_cleanup_(freep) char *rule =
		json_number(json_object_get(json_object_get(link, "drops"), "rule"), NULL);
	_cleanup_(freep) char *backlog = json_number(json_object_get(link, "backlog_ns"), text_ms);

	printf("%s: packets %s, bytes %s, dropped by rules %s, backlog %s ms\n", name, packets,
	       bytes, rule, backlog);
}

static void print_fq(json_t *fq)
{
	const char *key;
	json_t *value;
	int first = 1;

	if (!json_is_object(fq))
		return;
	printf("  fq:");
	json_object_foreach(fq, key, value) {
		_cleanup_(freep) char *name = text_safe(key), *number = json_number(value, NULL);

		printf("%s %s %s", first ? "" : ",", name, number);
		first = 0;
	}
	putchar('\n');
}

void print_stats(const json_t *interfaces)
{
	const json_t *interface;
	size_t i;

	json_array_foreach(interfaces, i, interface) {
		if (i)
			putchar('\n');
		print_link(interface);
		print_counters(json_object_get(interface, "classes"));
		print_delays(json_object_get(interface, "classes"));
		print_fq(json_object_get(interface, "fq"));
	}
}
