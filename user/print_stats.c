// SPDX-License-Identifier: LGPL-2.1-or-later
#include "print.h"
#include "print_table.h"
#include "text.h"

/* Without a unit: the heading has it. */
static char *text_ms(long long ns)
{
	return text_format("%lld.%02lld", ns / 1000000, ns / 10000 % 100);
}

static void print_classes(const json_t *classes)
{
	static const char *const counters[] = { "packets", "bytes", "marks", "exempt" };
	static const char *const reasons[] = { "limit", "horizon", "police" };
	_cleanup_(table_free) struct table table =
		table_new("lrrrrrrrr", "class packets bytes marks exempt drop:limit drop:horizon "
				       "drop:police backlog/ms");
	const json_t *class;
	size_t i, j;

	json_array_foreach(classes, i, class) {
		const json_t *drops = json_object_get(class, "drops");

		table_add(&table, json_text(json_object_get(class, "name")));
		for (j = 0; j < ARRAY_SIZE(counters); j++)
			table_add(&table, json_number(json_object_get(class, counters[j]), NULL));
		for (j = 0; j < ARRAY_SIZE(reasons); j++)
			table_add(&table, json_number(json_object_get(drops, reasons[j]), NULL));
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
		print_classes(json_object_get(interface, "classes"));
		print_fq(json_object_get(interface, "fq"));
	}
}
