/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libqos from outside: linked to the shared library, with its one public header. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <qos/qos.h>

/* An example that is good. */
static const char *good_path;

/* An interface that nobody has. */
#define NO_INTERFACE "qos-none"

#define BAD_POLICY   "default: a\nclasses: { a: { rate: 10 } }\n"
/* More combinations than the kernel's table holds, found by the plan alone. */
#define BIG_POLICY_HEAD            \
	"interface: " NO_INTERFACE \
	"\ndefault: a\nclasses: { a: {} }\nrules:\n  - { class: a, match: { not: ["

static char untouched_text[] = "untouched";

static int setup(void **state)
{
	*state = qos_diags_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	qos_diags_free(*state);
	return 0;
}

/* A file of that text; its name is the caller's. */
static char *write_file(const char *text)
{
	/* where root trusts it */
	char *path = strdup(geteuid() ? "/tmp/qos-api-XXXXXX" : "/run/qos-api-XXXXXX");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	return path;
}

/* Read a policy from a text, as if for an interface. */
static int read_text(const char *text, struct qos_diags *diags, struct qos_policy **ret_policy)
{
	char *path = write_file(text);
	int r = qos_policy_read(path, diags, ret_policy);

	unlink(path);
	free(path);
	return r;
}

static void test_version(void **state)
{
	(void)state;
	assert_true(strlen(qos_version()) > 0);
}

static void test_good(void **state)
{
	struct qos_policy *policy = NULL;
	char *text = NULL, *said = NULL;

	assert_int_equal(qos_policy_read(good_path, *state, &policy), 0);
	assert_string_equal(qos_policy_interface(policy), "wan0");
	assert_int_equal(qos_plan_full(policy, *state, &text), 0);
	assert_memory_equal(text, "link mode ", 10);
	assert_int_equal(text[strlen(text) - 1], '\n');
	assert_int_equal(qos_diags_status(*state), QOS_OK);
	assert_int_equal(qos_diags_text(*state, &said), 0);
	assert_string_equal(said, "");
	free(said);
	assert_int_equal(qos_diags_json(*state, &said), 0);
	assert_string_equal(said, "[]");
	free(said);
	free(text);
	qos_policy_free(policy);
}

/* The same plan whatever collector it is given, and however often it is asked for. */
static void test_twice(void **state)
{
	struct qos_policy *policy = NULL;
	char *first = NULL, *second = NULL;

	assert_int_equal(qos_policy_read(good_path, *state, &policy), 0);
	assert_int_equal(qos_plan_full(policy, *state, &first), 0);
	assert_int_equal(qos_plan_full(policy, *state, &second), 0);
	assert_string_equal(first, second);
	free(first);
	free(second);
	qos_policy_free(policy);
}

/* The schedule that holds at a time is in the plan; without a time none is. */
static void test_schedule(void **state)
{
	static const char policy_text[] =
		"interface: " NO_INTERFACE "\nlink: { rate: 90mbit }\ndefault: a\n"
		"classes: { a: { rate: 10mbit } }\n"
		"schedules:\n"
		"  - { name: day, cron: 0 8 * * *, set: { a: { rate: 20mbit } } }\n"
		"  - { name: night, cron: 0 20 * * *, set: { link: { rate: 30mbit } } }\n";
	static const struct {
		time_t at;
		const char *link, *class;
	} cases[] = {
		{ 1795334399, "link mode fq rate 30mbit ", " rate 10mbit " }, /* 07:59:59 UTC */
		{ 1795334400, "link mode fq rate 90mbit ", " rate 20mbit " },
		{ 1795377600, "link mode fq rate 30mbit ", " rate 10mbit " }, /* 20:00 */
		{ -1, "link mode fq rate 90mbit ", " rate 10mbit " },	      /* no time */
	};
	char *path = write_file(policy_text);

	assert_int_equal(setenv("TZ", "UTC", 1), 0);
	tzset();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct qos_policy *policy = NULL;
		char *text = NULL;

		if (cases[i].at < 0)
			assert_int_equal(qos_policy_read(path, *state, &policy), 0);
		else
			assert_int_equal(qos_policy_read_at(path, cases[i].at, *state, &policy), 0);
		assert_int_equal(qos_plan_full(policy, *state, &text), 0);
		assert_memory_equal(text, cases[i].link, strlen(cases[i].link));
		assert_non_null(strstr(text, cases[i].class));
		free(text);
		qos_policy_free(policy);
	}
	unlink(path);
	free(path);
}

static void expect_failure(struct qos_diags *diags, int r, int expected, enum qos_status status)
{
	char *text = NULL;

	assert_int_equal(r, expected);
	assert_int_equal(qos_diags_status(diags), status);
	assert_int_equal(qos_diags_text(diags, &text), 0);
	assert_non_null(strstr(text, "error: "));
	assert_int_equal(text[strlen(text) - 1], '\n');
	free(text);
}

static void test_bad_policy(void **state)
{
	struct qos_policy *const untouched = (struct qos_policy *)untouched_text;
	struct qos_policy *policy = untouched;

	expect_failure(*state, read_text(BAD_POLICY, *state, &policy), -EINVAL, QOS_INVALID);
	assert_ptr_equal(policy, untouched);
}

static void test_no_policy(void **state)
{
	struct qos_policy *const untouched = (struct qos_policy *)untouched_text;
	struct qos_policy *policy = untouched;

	expect_failure(*state, qos_policy_read("/nonexistent/eth0.yaml", *state, &policy), -ENOENT,
		       QOS_INVALID);
	assert_ptr_equal(policy, untouched);
}

/* What the model takes and the kernel's tables do not is found before it is applied. */
static void test_too_big(void **state)
{
	struct qos_policy *const untouched = (struct qos_policy *)untouched_text;
	struct qos_policy *policy = untouched;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	fputs(BIG_POLICY_HEAD, out);
	/* not (UDP and a port), for 15 ports: 2^15 ways */
	for (int port = 1; port <= 15; port++)
		fprintf(out, "%s{ proto: udp, dport: %d }", port > 1 ? ", " : "", port);
	fputs("] } }\n", out);
	assert_int_equal(fclose(out), 0);
	expect_failure(*state, read_text(text, *state, &policy), -EINVAL, QOS_INVALID);
	assert_ptr_equal(policy, untouched);
	free(text);
}

/* With privilege there is no such interface; without, no way to know. Never 0. */
static void expect_refused(struct qos_diags *diags, int r, const char *output)
{
	assert_true(r < 0);
	assert_int_not_equal(qos_diags_status(diags), QOS_OK);
	assert_ptr_equal(output, untouched_text);
}

static void test_no_interface(void **state)
{
	static const char policy_text[] =
		"interface: " NO_INTERFACE "\ndefault: a\nclasses: { a: { ceil: 1mbit } }\n";
	struct qos_policy *policy = NULL;
	char *text = untouched_text;

	assert_int_equal(read_text(policy_text, *state, &policy), 0);
	for (int json = 0; json < 2; json++) {
		expect_refused(*state, qos_plan(policy, json, *state, &text), text);
		expect_refused(*state, qos_apply(policy, json, *state, &text), text);
		expect_refused(*state, qos_remove(NO_INTERFACE, json, *state, &text), text);
	}
	expect_refused(*state, qos_show(NO_INTERFACE, *state, &text), text);
	expect_refused(*state, qos_stats(NO_INTERFACE, *state, &text), text);
	expect_refused(*state, qos_rules(NO_INTERFACE, *state, &text), text);
	expect_refused(*state, qos_doctor(NO_INTERFACE, *state, &text), text);
	expect_refused(*state, qos_flows(NO_INTERFACE, 0, *state, &text), text);
	qos_policy_free(policy);
}

/* Names that no interface can have are refused as that, not looked up. */
static void test_bad_interface(void **state)
{
	static const char *const names[] = {
		"", ".", "..", "a/b", "a:b", "a b", "longer-than-any", "../../etc/passwd"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *text = untouched_text;

		expect_refused(*state, qos_remove(names[i], 0, *state, &text), text);
		expect_refused(*state, qos_show(names[i], *state, &text), text);
		expect_refused(*state, qos_flows(names[i], 1, *state, &text), text);
	}
}

static void test_null_is_nothing(void **state)
{
	(void)state;
	qos_policy_free(NULL);
	qos_diags_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_version),	    TEST(test_good),	     TEST(test_twice),
		TEST(test_schedule),	    TEST(test_bad_policy),   TEST(test_no_policy),
		TEST(test_too_big),	    TEST(test_no_interface), TEST(test_bad_interface),
		TEST(test_null_is_nothing),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s POLICY\n", argv[0]);
		return 2;
	}
	good_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
