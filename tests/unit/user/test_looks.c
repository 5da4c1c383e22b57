// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string.h>

#include <jansson.h>

#include "looks.h"
#include "text.h"
#include "unit.h"

/* JSON with ' for ". */
static json_t *load(const char *text)
{
	_cleanup_(freep) char *copy = text_format("%s", text);
	json_error_t error;
	json_t *json;

	for (char *at = copy; *at; at++)
		if (*at == '\'')
			*at = '"';
	json = json_loads(copy, JSON_DECODE_ANY, &error);
	if (!json)
		fail_msg("%s: %s", copy, error.text);
	return json;
}

static void expect(json_t *got, const char *wanted)
{
	json_t *json = load(wanted);

	if (!json_equal(got, json)) {
		_cleanup_(freep) char *text = json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY);

		fail_msg("%s, not %s", text, wanted);
	}
	json_decref(json);
}

static void test_merge(void **state)
{
	json_t *stats = load("[{'interface': 'a', 'ifindex': 2, 'link': {'packets': 5}, 'classes':"
			     " [{'name': 'x', 'packets': 1}, {'name': 'new', 'packets': 2}]},"
			     " {'interface': 'b', 'ifindex': 3, 'link': {}, 'classes': []}]");
	json_t *show =
		load("[{'interface': 'old', 'ifindex': 2, 'mode': 'fq', 'link': {'rate': 9},"
		     " 'classes': [{'name': 'gone', 'rate': 1}, {'name': 'x', 'rate': 7}]}]");

	(void)state;
	looks_merge(stats, show);
	/* by its number, whatever it is called; a class that only one of them has stays alone */
	expect(stats, "[{'interface': 'a', 'ifindex': 2, 'mode': 'fq',"
		      " 'link': {'packets': 5, 'rate': 9}, 'classes':"
		      " [{'name': 'x', 'packets': 1, 'rate': 7}, {'name': 'new', 'packets': 2}]},"
		      " {'interface': 'b', 'ifindex': 3, 'link': {}, 'classes': []}]");
	json_decref(stats);
	json_decref(show);
}

/* A document of one interface with one class. */
static json_t *look(int ifindex, long long time, long long bytes, int drops, const char *histogram)
{
	_cleanup_(freep) char *text = text_format(
		"[{'ifindex': %d, 'time_ns': %lld, 'link': {'bytes': %lld, 'drops': {'rule': %d}},"
		" 'classes': [{'name': 'x', 'depth': 1, 'packets': %lld, 'bytes': %lld, 'marks': 1,"
		" 'drops': {'limit': %d, 'aqm': %d}, 'delay': %s}]}]",
		ifindex, time, bytes, drops, bytes / 100, bytes, drops, drops,
		histogram ? histogram : "null");

	return load(text);
}

static json_t *class_interval(const json_t *interfaces)
{
	const json_t *classes = json_object_get(json_array_get(interfaces, 0), "classes");

	return json_object_get(json_array_get(classes, 0), "interval");
}

static json_t *link_interval(const json_t *interfaces)
{
	const json_t *link = json_object_get(json_array_get(interfaces, 0), "link");

	return json_object_get(link, "interval");
}

static void test_first(void **state)
{
	json_t *now = look(2, 1000, 500, 0, NULL);

	(void)state;
	looks_compare(now, NULL);
	expect(class_interval(now), "null");
	expect(link_interval(now), "null");
	expect(json_object_get(json_array_get(now, 0), "interval_ns"), "null");
	json_decref(now);
}

static void test_rates(void **state)
{
	json_t *before = look(2, 1000000000, 1000, 1, "{'histogram': [9, 5, 0, 1]}");
	json_t *now = look(2, 3000000000, 251000, 4, "{'histogram': [9, 95, 10, 1]}");

	(void)state;
	looks_compare(now, before);
	/* p50 ends at 2048 ns: 90 of 100; p99 is in the next bucket; the last look's one is old */
	expect(class_interval(now), "{'rate_now': 1000000, 'borrowed_now': 0, 'packets': 2500,"
				    " 'marks': 0, 'drops': 6, 'p50_ns': 2048, 'p99_ns': 4096}");
	/* the link's own drops and those of its classes */
	expect(link_interval(now), "{'rate_now': 1000000, 'borrowed_now': 0, 'packets': 0,"
				   " 'marks': 0, 'drops': 9}");
	expect(json_object_get(json_array_get(now, 0), "interval_ns"), "2000000000");
	json_decref(before);
	json_decref(now);
}

static void test_delays(void **state)
{
	json_t *before = look(2, 1, 100, 0, "{'histogram': [0, 0, 0, 0]}");
	json_t *now = look(2, 2, 100, 0, "{'histogram': [1, 0, 0, 1]}");

	(void)state;
	looks_compare(now, before);
	assert_int_equal(json_integer_value(json_object_get(class_interval(now), "p50_ns")), 1024);
	/* the last bucket has no end */
	assert_int_equal(json_integer_value(json_object_get(class_interval(now), "p99_ns")),
			 10000000000);
	looks_compare(before, now);
	/* counters that go backwards, and time that does */
	expect(class_interval(before), "null");
	json_decref(before);
	json_decref(now);
}

static void test_others(void **state)
{
	json_t *before = look(2, 1000, 1000, 3, NULL), *other = look(3, 2000, 2000, 4, NULL);
	json_t *anew = look(2, 2000, 10, 0, NULL), *still = look(2, 1000, 2000, 3, NULL);

	(void)state;
	looks_compare(other, before);
	expect(class_interval(other), "null");
	looks_compare(anew, before);
	expect(class_interval(anew), "null");
	expect(link_interval(anew), "null");
	/* no time has passed */
	looks_compare(still, before);
	expect(class_interval(still), "null");
	json_decref(before);
	json_decref(other);
	json_decref(anew);
	json_decref(still);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_merge),  cmocka_unit_test(test_first),
		cmocka_unit_test(test_rates),  cmocka_unit_test(test_delays),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
