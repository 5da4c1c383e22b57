/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Schedules, and values put over the file's. */
#include "load.h"

#include <time.h>

#define MBIT 1000000ULL

#define BASE                                                               \
	"link: { rate: 100mbit }\n"                                        \
	"default: web\n"                                                   \
	"classes:\n"                                                       \
	"  web: { rate: 60mbit }\n"                                        \
	"  backup: { rate: 5mbit, ceil: 40%, priority: low, limit: 1s }\n" \
	"  tenants:\n"                                                     \
	"    rate: 30mbit\n"                                               \
	"    classes: { alice: { rate: 50% }, bob: {} }\n"

/* Built with values that are no file's. */
static struct qos_policy *load_set(const char *text, const char *const (*set)[3], size_t count,
				   char **ret_said)
{
	struct qos_override overrides[4];
	struct qos_node values[4];

	assert_true(count <= ARRAY_SIZE(values));
	for (size_t i = 0; i < count; i++) {
		values[i] = (struct qos_node){ .kind = QOS_NODE_SCALAR, .text = (char *)set[i][2] };
		overrides[i] = (struct qos_override){ set[i][0], set[i][1], &values[i] };
	}
	return load_with("eth0.yaml", text, overrides, count, ret_said);
}

static struct qos_policy *load_good_set(const char *text, const char *const (*set)[3], size_t count)
{
	_cleanup_(freep) char *said = NULL;
	struct qos_policy *policy = load_set(text, set, count, &said);

	if (!policy)
		fail_msg("%s", said);
	return policy;
}

static void expect_set_said(const char *text, const char *class, const char *key, const char *value,
			    const char *expected)
{
	const char *const set[1][3] = { { class, key, value } };
	_cleanup_(freep) char *said = NULL;
	_cleanup_(policy_freep) struct qos_policy *policy = load_set(text, set, 1, &said);

	assert_string_equal(said, expected);
	assert_null(policy);
}

static void test_override(void **state)
{
	const char *const set[][3] = {
		{ "link", "rate", "200mbit" },
		{ "backup", "priority", "high" },
		{ "tenants", "rate", "80mbit" },
		{ "web", "burst", "10k" },
	};
	_cleanup_(policy_freep) struct qos_policy *policy = load_good_set(BASE, set, 4);

	(void)state;
	assert_int_equal(policy->link.rate, 200 * MBIT);
	/* the file's percentages are of what is set */
	assert_int_equal(find_class(policy, "backup")->ceil, 80 * MBIT);
	assert_int_equal(find_class(policy, "alice")->rate, 40 * MBIT);
	assert_int_equal(find_class(policy, "backup")->priority, QOS_PRIORITY_HIGH);
	assert_int_equal(find_class(policy, "web")->burst, 10 << 10);
	/* what is not set stays */
	assert_int_equal(find_class(policy, "backup")->rate, 5 * MBIT);
	assert_int_equal(find_class(policy, "backup")->limit, 1000000000);
	assert_int_equal(find_class(policy, "web")->rate, 60 * MBIT);
	assert_null(policy->schedule);
}

/* The last of several for one key, whatever is between. */
static void test_override_order(void **state)
{
	const char *const set[][3] = {
		{ "web", "rate", "10mbit" },
		{ "backup", "rate", "20mbit" },
		{ "web", "ceil", "50mbit" },
		{ "web", "rate", "30mbit" },
	};
	_cleanup_(policy_freep) struct qos_policy *policy = load_good_set(BASE, set, 4);

	(void)state;
	assert_int_equal(find_class(policy, "web")->rate, 30 * MBIT);
	assert_int_equal(find_class(policy, "web")->ceil, 50 * MBIT);
	assert_int_equal(find_class(policy, "backup")->rate, 20 * MBIT);
}

static void test_override_weights(void **state)
{
	const char *const set[][3] = { { "alice", "weight", "3" }, { "bob", "weight", "1" } };
	_cleanup_(policy_freep) struct qos_policy *policy = load_good_set(BASE, set, 2);

	(void)state;
	assert_int_equal(find_class(policy, "alice")->weight, 3);
	assert_int_equal(find_class(policy, "bob")->weight, 1);
	expect_set_said(BASE, "bob", "weight", "1",
			"policy:8:16: error: class `alice` has no `weight`, but `bob` beside it "
			"has: give one to all of them or to none\n"
			"note: the `weight` of `bob`\n");
}

/* Without a place they say whose they are. */
static void test_override_errors(void **state)
{
	(void)state;
	expect_set_said(BASE, "web", "rate", "20",
			"error: `rate` of `web`: `rate: 20` has no unit, did you mean `20mbit`?\n");
	expect_set_said(BASE, "web", "rate", "20mbits",
			"error: `rate` of `web`: `20mbits` is not a rate, did you mean "
			"`20mbit`?\n");
	expect_set_said(BASE, "link", "rate", "20%",
			"error: `rate` of `link`: `rate` of the link cannot be a percentage: there "
			"is nothing above it\n");
	expect_set_said(BASE, "wbe", "rate", "20mbit",
			"error: `rate` of `wbe`: no class `wbe`, did you mean `web`?\n");
	expect_set_said(BASE, "web", "ciel", "20mbit",
			"error: `ciel` of `web`: unknown key `ciel` in what is set of a class, did "
			"you mean `ceil`?\n");
	expect_set_said(BASE, "web", "dscp", "ef",
			"error: `dscp` of `web`: `dscp` cannot be set for a time; what can: rate, "
			"ceil, weight, burst, priority, limit, per-flow, latency, ecn\n");
	expect_set_said(BASE, "tenants", "classes", "x",
			"error: `classes` of `tenants`: `classes` cannot be set for a time; what "
			"can: rate, ceil, weight, burst\n");
	expect_set_said(BASE, "tenants", "limit", "5ms",
			"error: `limit` of `tenants`: `limit` is for classes with packets of their "
			"own; put it on the classes in `tenants`\n");
	expect_set_said(BASE, "link", "mode", "police",
			"error: `mode` of `link`: `mode` cannot be set for a time; what can: "
			"rate\n");
	expect_set_said(MINIMAL, "link", "rate", "5mbit",
			"error: `rate` of `link`: the link has no rate that another could take the "
			"place of: give `link` a `rate`\n");
	/* what they say with the file's */
	expect_set_said(BASE, "web", "rate", "101mbit",
			"error: `rate` of class `web` is 101mbit, more than the link's 100mbit\n"
			"policy:1:15: note: the link's rate\n");
	expect_set_said(BASE, "web", "rate", "70mbit",
			"policy:1:15: error: the rates of the classes add up to 105mbit, more than "
			"the link's 100mbit: not all of them can be guaranteed\n"
			"policy:7:11: note: with class `tenants` the sum goes over it\n");
	expect_set_said(BASE, "backup", "ceil", "1mbit",
			"error: `ceil` of class `backup` is 1mbit, less than its `rate` of 5mbit\n"
			"policy:5:19: note: its `rate`\n");
}

#define SCHEDULED(list) BASE "schedules:\n" list

static void test_schedules(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy = load_good(
		SCHEDULED("  - { name: office, cron: \"0 8 * * mon-fri\", set: { backup: { ceil: "
			  "5mbit, ecn: no }, link: { rate: 98mbit } } }\n"
			  "  - { name: night.1, cron: \"@daily\", set: {} }\n"));
	const struct qos_schedule *office = &policy->schedules[0];

	(void)state;
	assert_int_equal(policy->schedule_count, 2);
	assert_string_equal(office->name, "office");
	assert_string_equal(office->cron_text, "0 8 * * mon-fri");
	assert_int_equal(office->cron.hours, 1 << 8);
	assert_int_equal(office->loc.line, 10);
	assert_int_equal(office->loc.column, 13);
	/* the document is gone */
	assert_int_equal(office->override_count, 3);
	assert_string_equal(office->overrides[0].class, "backup");
	assert_string_equal(office->overrides[0].key, "ceil");
	assert_string_equal(office->overrides[0].value->text, "5mbit");
	assert_string_equal(office->overrides[1].key, "ecn");
	assert_string_equal(office->overrides[2].class, "link");
	assert_int_equal(office->overrides[2].value->loc.line, 10);
	assert_int_equal(policy->schedules[1].override_count, 0);
	/* as the file has it */
	assert_int_equal(find_class(policy, "backup")->ceil, 40 * MBIT);
	assert_null(policy->schedule);
}

static void test_most(void **state)
{
	_cleanup_(freep) char *text = NULL, *said = NULL;
	struct qos_policy *policy;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	fputs(SCHEDULED(""), out);
	for (int i = 0; i < QOS_POLICY_SCHEDULES; i++)
		fprintf(out, "  - { name: s%d, cron: \"%d %d * * *\", set: {} }\n", i, i % 60,
			i / 60);
	fflush(out);
	policy = load_good(text);
	assert_int_equal(policy->schedule_count, QOS_POLICY_SCHEDULES);
	qos_policy_free(policy);
	fputs("  - { name: more, cron: \"1 23 * * *\", set: {} }\n", out);
	fclose(out);
	assert_null(load_from("eth0.yaml", text, &said));
	assert_non_null(strstr(said, "more than 256 schedules"));
}

static time_t at(const char *text)
{
	struct tm tm = { .tm_isdst = -1 };

	assert_non_null(strptime(text, "%Y-%m-%d %H:%M", &tm));
	return mktime(&tm);
}

/* Which holds at a time, and since when. */
static void expect_at(const struct qos_policy *policy, const char *when, const char *name,
		      const char *since)
{
	time_t got = 0;
	const struct qos_schedule *schedule = qos_policy_schedule_at(policy, at(when), &got);

	assert_non_null(schedule);
	assert_string_equal(schedule->name, name);
	assert_int_equal(got, at(since));
}

static void test_at(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_good(SCHEDULED("  - { name: office, cron: \"0 8 * * mon-fri\", set: {} }\n"
				    "  - { name: night, cron: \"0 20 * * *\", set: {} }\n"
				    "  - { name: sunday, cron: \"0 20 * * sun\", set: {} }\n"));
	_cleanup_(policy_freep) struct qos_policy *none = load_good(BASE);
	time_t since = 42;

	(void)state;
	assert_int_equal(setenv("TZ", "Europe/Berlin", 1), 0);
	tzset();
	expect_at(policy, "2026-11-20 07:59", "night", "2026-11-19 20:00"); /* a Friday */
	expect_at(policy, "2026-11-20 08:00", "office", "2026-11-20 08:00");
	expect_at(policy, "2026-11-20 20:05", "night", "2026-11-20 20:00");
	expect_at(policy, "2026-11-22 19:59", "night", "2026-11-21 20:00");
	/* both fire: the later one in the file */
	expect_at(policy, "2026-11-22 20:00", "sunday", "2026-11-22 20:00");
	expect_at(policy, "2026-11-23 08:00", "office", "2026-11-23 08:00");
	assert_null(qos_policy_schedule_at(none, at("2026-11-22 20:00"), &since));
	assert_int_equal(since, 42);
}

/* All that is skipped fires at once, and what is for the later minute holds. */
static void test_at_leap(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_good(SCHEDULED("  - { name: late, cron: \"45 2 * * *\", set: {} }\n"
				    "  - { name: early, cron: \"15 2 * * *\", set: {} }\n"));

	(void)state;
	assert_int_equal(setenv("TZ", "Europe/Berlin", 1), 0);
	tzset();
	expect_at(policy, "2026-03-29 01:59", "late", "2026-03-28 02:45");
	expect_at(policy, "2026-03-29 03:00", "late", "2026-03-29 03:00");
	expect_at(policy, "2026-03-30 02:15", "early", "2026-03-30 02:15");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_override),
		cmocka_unit_test(test_override_order),
		cmocka_unit_test(test_override_weights),
		cmocka_unit_test(test_override_errors),
		cmocka_unit_test(test_schedules),
		cmocka_unit_test(test_most),
		cmocka_unit_test(test_at),
		cmocka_unit_test(test_at_leap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
