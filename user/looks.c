// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdbool.h>
#include <string.h>

#include "looks.h"
#include "privileges.h"

#define BUCKETS_MAX 64
#define BUCKET_NS   1024 /* the end of the first; each is twice as long as the one before */
#define LAST_NS	    10000000000LL /* of the last, which has no end: the longest limit */

json_t *look_at(look_fn get, const char *ifname, struct report *report)
{
	_cleanup_(diags_freep) struct qos_diags *diags = diags_new();
	_cleanup_(freep) char *text = NULL;
	int r = get(ifname, diags, &text);

	privileges_drop(report);
	return report_document(report, r, diags, ifname ? ifname : "qosctl", text);
}

json_t *look_at_all(const char *ifname, struct report *report)
{
	_cleanup_(json_decrefp) json_t *show = NULL;
	json_t *interfaces;
	bool again = report->asks_again;

	report->asks_again = true;
	show = look_at(qos_show, ifname, report);
	report->asks_again = again;
	interfaces = show ? look_at(qos_stats, ifname, report) : NULL;
	looks_merge(interfaces, show);
	return interfaces;
}

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void set(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value))
		out_of_memory();
}

/* That of the same number in another look; a name may go to another interface. */
static json_t *find_interface(const json_t *interfaces, const json_t *like)
{
	json_t *interface;
	size_t i;

	json_array_foreach(interfaces, i, interface)
		if (number(interface, "ifindex") == number(like, "ifindex"))
			return interface;
	return NULL;
}

/* Its classes by name. */
static json_t *index_classes(const json_t *interface)
{
	json_t *index = json_object(), *class;
	size_t i;

	json_array_foreach(json_object_get(interface, "classes"), i, class)
		if (json_object_set(index, json_string_value(json_object_get(class, "name")),
				    class))
			out_of_memory();
	return index;
}

static json_t *find_class(const json_t *index, const json_t *class)
{
	return json_object_get(index, json_string_value(json_object_get(class, "name")));
}

static void merge_object(json_t *into, json_t *from)
{
	if (from && json_object_update_missing(into, from))
		out_of_memory();
}

void looks_merge(json_t *interfaces, const json_t *show)
{
	json_t *interface, *class;
	size_t i, j;

	json_array_foreach(interfaces, i, interface) {
		json_t *shown = find_interface(show, interface);
		_cleanup_(json_decrefp) json_t *index = index_classes(shown);

		json_array_foreach(json_object_get(interface, "classes"), j, class)
			merge_object(class, find_class(index, class));
		merge_object(json_object_get(interface, "link"), json_object_get(shown, "link"));
		merge_object(interface, shown);
	}
}

struct counts {
	json_int_t packets, bytes, borrowed, marks, drops;
};

static struct counts read_counts(const json_t *counted)
{
	struct counts counts = {
		.packets = number(counted, "packets"),
		.bytes = number(counted, "bytes"),
		.borrowed = number(counted, "borrowed_bytes"),
		.marks = number(counted, "marks"),
	};
	const char *reason;
	json_t *drops;

	json_object_foreach(json_object_get(counted, "drops"), reason, drops)
		counts.drops += json_integer_value(drops);
	return counts;
}

/* What was counted between two looks; false when the counters began anew in between. */
static bool count_between(const json_t *now, const json_t *before, struct counts *ret_counts)
{
	struct counts a = read_counts(before), b = read_counts(now);
	struct counts c = { b.packets - a.packets, b.bytes - a.bytes, b.borrowed - a.borrowed,
			    b.marks - a.marks, b.drops - a.drops };

	if (c.packets < 0 || c.bytes < 0 || c.borrowed < 0 || c.marks < 0 || c.drops < 0)
		return false;
	*ret_counts = c;
	return true;
}

static json_int_t per_second(json_int_t count, json_int_t ns)
{
	return (json_int_t)((double)count * 1e9 / (double)ns + 0.5);
}

static json_t *interval_json(const struct counts *counts, json_int_t ns)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "rate_now", per_second(8 * counts->bytes, ns),
			 "borrowed_now", per_second(8 * counts->borrowed, ns), "packets",
			 counts->packets, "marks", counts->marks, "drops", counts->drops);
}

/* Packets by how long they waited, of those between two looks; how many there are. */
static json_int_t delays_between(const json_t *now, const json_t *before, json_int_t *ret_buckets)
{
	const json_t *a = json_object_get(json_object_get(before, "delay"), "histogram");
	const json_t *b = json_object_get(json_object_get(now, "delay"), "histogram");
	json_int_t total = 0;

	for (size_t i = 0; i < json_array_size(b) && i < BUCKETS_MAX; i++) {
		ret_buckets[i] = json_integer_value(json_array_get(b, i)) -
				 json_integer_value(json_array_get(a, i));
		total += ret_buckets[i];
	}
	return total;
}

/* The end of the bucket that holds that part (in percent) of what waited. */
static json_t *percentile(const json_int_t *buckets, size_t count, json_int_t total, int part)
{
	json_int_t below = 0;

	if (total <= 0)
		return json_null();
	for (size_t i = 0; i + 1 < count; i++) {
		below += buckets[i];
		if ((double)below * 100 >= (double)total * part)
			return json_integer((json_int_t)BUCKET_NS << i);
	}
	return json_integer(LAST_NS);
}

static void add_delays(json_t *interval, const json_t *now, const json_t *before)
{
	size_t count = json_array_size(json_object_get(json_object_get(now, "delay"), "histogram"));
	json_int_t buckets[BUCKETS_MAX] = { 0 };
	json_int_t total = delays_between(now, before, buckets);

	if (count > BUCKETS_MAX)
		total = 0;
	set(interval, "p50_ns", percentile(buckets, count, total, 50));
	set(interval, "p99_ns", percentile(buckets, count, total, 99));
}

static void compare_class(json_t *class, const json_t *before, json_int_t ns, struct counts *link)
{
	struct counts counts;
	json_t *interval;

	if (!before || ns <= 0 || !count_between(class, before, &counts)) {
		set(class, "interval", json_null());
		return;
	}
	interval = interval_json(&counts, ns);
	add_delays(interval, class, before);
	set(class, "interval", interval);
	/* an inner class has the sums of those in it */
	if (number(class, "depth") == 1) {
		link->marks += counts.marks;
		link->drops += counts.drops;
	}
}

static void compare_link(json_t *link, const json_t *before, json_int_t ns,
			 const struct counts *classes)
{
	struct counts counts;

	if (!before || ns <= 0 || !count_between(link, before, &counts)) {
		set(link, "interval", json_null());
		return;
	}
	counts.marks += classes->marks;
	counts.drops += classes->drops;
	set(link, "interval", interval_json(&counts, ns));
}

static void compare_interface(json_t *interface, const json_t *before)
{
	json_int_t ns = before ? number(interface, "time_ns") - number(before, "time_ns") : 0;
	_cleanup_(json_decrefp) json_t *index = index_classes(before);
	struct counts sum = { 0 };
	json_t *class;
	size_t i;

	set(interface, "interval_ns", ns > 0 ? json_integer(ns) : json_null());
	json_array_foreach(json_object_get(interface, "classes"), i, class)
		compare_class(class, find_class(index, class), ns, &sum);
	compare_link(json_object_get(interface, "link"), json_object_get(before, "link"), ns, &sum);
}

void looks_compare(json_t *interfaces, const json_t *before)
{
	json_t *interface;
	size_t i;

	json_array_foreach(interfaces, i, interface)
		compare_interface(interface, find_interface(before, interface));
}
