/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "cron_zone.h"

static void expect_next_at(const char *text, time_t after, time_t expected)
{
	struct qos_cron cron = read_good(text);
	time_t got = 0;
	char said[64];

	assert_int_equal(qos_cron_next(&cron, after, &got), 0);
	if (got != expected)
		fail_msg("%s fires at %s", text, ctime_r(&got, said));
}

static void expect_next(const char *text, const char *after, const char *expected)
{
	expect_next_at(text, at(after), at(expected));
}

static void expect_last(const char *text, const char *upto, const char *expected)
{
	struct qos_cron cron = read_good(text);
	time_t got = 0;
	char said[64];

	assert_int_equal(qos_cron_last(&cron, at(upto), &got), 0);
	if (got != at(expected))
		fail_msg("%s fired at %s", text, ctime_r(&got, said));
}

static void expect_refused(const char *text, size_t column, const char *what)
{
	struct qos_cron_error error = { 0 };
	struct qos_cron untouched = { .minutes = 42 };

	assert_int_equal(qos_cron_read(text, &untouched, &error), -EINVAL);
	assert_int_equal(untouched.minutes, 42);
	assert_string_equal(error.text, what);
	assert_int_equal(error.at, column);
}

static void expect_same(const char *a, const char *b)
{
	struct qos_cron first = read_good(a), second = read_good(b);

	assert_int_equal(first.minutes, second.minutes);
	assert_int_equal(first.hours, second.hours);
	assert_int_equal(first.days, second.days);
	assert_int_equal(first.months, second.months);
	assert_int_equal(first.weekdays, second.weekdays);
	assert_int_equal(first.either, second.either);
	assert_int_equal(first.wildcard, second.wildcard);
}

static void test_read(void **state)
{
	struct qos_cron cron = read_good("5,10-20/5 8 * jan,MAR mon-fri");

	(void)state;
	assert_int_equal(cron.minutes, 1 << 5 | 1 << 10 | 1 << 15 | 1 << 20);
	assert_int_equal(cron.hours, 1 << 8);
	assert_int_equal(cron.days, 0xfffffffe);
	assert_int_equal(cron.months, 1 << 1 | 1 << 3);
	assert_int_equal(cron.weekdays, 0x3e);
	assert_false(cron.either);
	assert_false(cron.wildcard);

	expect_same("0 0 * * 7", "0 0 * * sun");
	expect_same("0 0 * * 5-7", "0 0 * * fri,sat,0");
	expect_same("00 08 * * *", "0 8 * * *");
	expect_same("  0\t8 * * 1 ", "0 8 * * mon");
	expect_same("*/90 0 1 1 *", "*/60 0 1 1 *");
	expect_same("0 0 1-31/2 * 0", "0 0 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31 * 0");
	/* of 0 to 7: the second Sunday counts */
	expect_same("0 0 1 * 1-7/2", "0 0 1 * 1,3,5,0");

	expect_same("@daily", "0 0 * * *");
	expect_same("@midnight", "0 0 * * *");
	expect_same("@hourly", "0 * * * *");
	expect_same("@weekly", "0 0 * * sun");
	expect_same("@monthly", "0 0 1 * *");
	expect_same("@yearly", "0 0 1 1 *");
	expect_same(" @annually ", "0 0 1 1 *");
}

/* What begins with `*` counts as unrestricted, also with a step, and only then. */
static void test_stars(void **state)
{
	(void)state;
	assert_true(read_good("0 0 1 * mon").either);
	assert_false(read_good("0 0 */2 * mon").either);
	assert_false(read_good("0 0 1 * */2").either);
	assert_true(read_good("0 0 1-31 * mon").either);
	assert_true(read_good("0 0 1,* * mon").either);
	assert_true(read_good("*/5 1 * * *").wildcard);
	assert_true(read_good("5 */2 * * *").wildcard);
	assert_false(read_good("0-59 0-23 * * *").wildcard);
	assert_false(read_good("5,* 1 * * *").wildcard);
	assert_true(read_good("@hourly").wildcard);
	assert_false(read_good("@daily").wildcard);
}

static void test_refused(void **state)
{
	(void)state;
	expect_refused("", 0,
		       "a minute is missing: the fields are minute, hour, day of month, month, day "
		       "of week");
	expect_refused("0 8 * * ", 8,
		       "a day of week is missing: the fields are minute, hour, day of month, "
		       "month, day of week");
	expect_refused("0 8 * * * root", 10, "nothing follows an expression that is complete");
	expect_refused("60 8 * * *", 0, "`60` is not a minute: 0 to 59");
	expect_refused("0 24 * * *", 2, "`24` is not an hour: 0 to 23");
	expect_refused("0 8 0 * *", 4, "`0` is not a day of month: 1 to 31");
	expect_refused("0 8 * 13 *", 6, "`13` is not a month: 1 to 12 or jan to dec");
	expect_refused("0 8 * * monday", 8,
		       "`monday` is not a day of week: 0 to 7 (both are Sunday) or sun to sat");
	expect_refused("0 mon * * *", 2, "`mon` is not an hour: 0 to 23");
	expect_refused("99999999999999999999 0 * * *", 0,
		       "`99999999999999999999` is not a minute: 0 to 59");
	expect_refused("1, 8 * * *", 2, "a minute is missing here: 0 to 59");
	expect_refused("1,,2 8 * * *", 2, "`,` is not a minute: 0 to 59");
	expect_refused("1- 8 * * *", 2, "a minute is missing here: 0 to 59");
	expect_refused("-1 8 * * *", 0, "`-` is not a minute: 0 to 59");
	expect_refused("5/10 8 * * *", 1, "a step needs a range in front of it, such as 5-59 or *");
	expect_refused("*/0 8 * * *", 2, "a step is a number from 1, as in */5");
	expect_refused("*/x 8 * * *", 2, "a step is a number from 1, as in */5");
	expect_refused("*5 8 * * *", 1, "`5` does not belong to a minute");
	expect_refused("0 22-6 * * *", 2, "a range goes upwards: write 22-23,0-6");
	expect_refused("0 22-0 * * *", 2, "a range goes upwards: write 22-23,0");
	expect_refused("0 8 * * sat-sun", 8, "a range goes upwards: write 6-7");
	expect_refused("0 8\n1 * * * *", 3, "`\n1` does not belong to an hour");
	expect_refused("@dayly", 0, "`@dayly` is not a time, did you mean `@daily`?");
	expect_refused(" @reboot", 1,
		       "`@reboot` is not a time: after a boot the schedule holds that fired last, "
		       "also while the machine was off");
	expect_refused("@whenever", 0,
		       "`@whenever` is not a time: @hourly, @daily (@midnight), @weekly, @monthly, "
		       "@yearly (@annually)");
	expect_refused("@daily root", 7, "nothing follows an expression that is complete");
}

static void test_days(void **state)
{
	(void)state;
	set_zone("UTC");
	expect_next("0 8 * * mon-fri", "2026-11-20 08:00", "2026-11-23 08:00");
	expect_next("0 8 * * mon-fri", "2026-11-20 07:59", "2026-11-20 08:00");
	expect_last("0 8 * * mon-fri", "2026-11-23 07:59", "2026-11-20 08:00");
	expect_last("0 8 * * mon-fri", "2026-11-23 08:00", "2026-11-23 08:00");
	expect_next("59 23 31 12 *", "2026-12-31 23:58", "2026-12-31 23:59");
	expect_next("59 23 31 12 *", "2026-12-31 23:59", "2027-12-31 23:59");
	expect_last("0 0 1 1 *", "2026-12-31 23:59", "2026-01-01 00:00");
	expect_next("0 0 29 2 *", "2026-01-01 00:00", "2028-02-29 00:00");
	expect_last("0 0 29 2 *", "2028-02-28 23:59", "2024-02-29 00:00");
	/* on a Sunday, and not in 2100 */
	expect_next("0 0 29 2 */7", "2088-02-29 00:00", "2128-02-29 00:00");
	/* the 13th as well as Fridays */
	expect_next("0 0 13 * fri", "2026-11-13 00:00", "2026-11-20 00:00");
	expect_next("0 0 13 * fri", "2026-12-11 00:00", "2026-12-13 00:00");
	/* seconds of a minute that began */
	expect_next_at("* * * * *", at("2026-11-20 08:00") + 1, at("2026-11-20 08:01"));
	expect_next_at("* * * * *", at("2026-11-20 08:00") - 1, at("2026-11-20 08:00"));
}

static void test_never(void **state)
{
	static const time_t far[] = { INT64_MAX, INT64_MIN, INT64_MAX / 2 };
	struct qos_cron cron = read_good("0 0 30 2 *");
	time_t when = 42;

	(void)state;
	set_zone("Europe/Berlin");
	assert_int_equal(qos_cron_next(&cron, at("2026-11-20 08:00"), &when), -ENOENT);
	assert_int_equal(qos_cron_last(&cron, at("2026-11-20 08:00"), &when), -ENOENT);
	cron = read_good("* * * * *");
	for (size_t i = 0; i < ARRAY_SIZE(far); i++) {
		assert_int_equal(qos_cron_next(&cron, far[i], &when), -ENOENT);
		assert_int_equal(qos_cron_last(&cron, far[i], &when), -ENOENT);
	}
	assert_int_equal(when, 42);
	/* a clock that was not set yet */
	assert_int_equal(qos_cron_last(&cron, 30, &when), 0);
	assert_int_equal(when, 0);
}

/* 2026-03-29: 02:00 is 03:00; 2026-10-25: 03:00 is 02:00. */
static void test_berlin(void **state)
{
	time_t again;

	(void)state;
	set_zone("Europe/Berlin");
	/* what was skipped is made up for, what has a wildcard is not */
	expect_next("30 2 * * *", "2026-03-29 01:59", "2026-03-29 03:00");
	expect_next("30 2 * * *", "2026-03-29 03:00", "2026-03-30 02:30");
	expect_last("30 2 * * *", "2026-03-29 03:00", "2026-03-29 03:00");
	expect_last("30 2 * * *", "2026-03-29 01:59", "2026-03-28 02:30");
	expect_next("*/30 2 * * *", "2026-03-29 01:59", "2026-03-30 02:00");
	expect_next("30 * * * *", "2026-03-29 01:30", "2026-03-29 03:30");
	expect_next("0 3 * * *", "2026-03-29 01:59", "2026-03-29 03:00");

	/* not twice; what has a wildcard is */
	again = at("2026-10-25 02:30") + 3600;
	expect_next("30 2 * * *", "2026-10-25 02:00", "2026-10-25 02:30");
	expect_next("30 2 * * *", "2026-10-25 02:30", "2026-10-26 02:30");
	expect_next_at("30 * * * *", at("2026-10-25 02:30"), again);
	expect_next_at("30 * * * *", again, at("2026-10-25 03:30"));
	expect_next_at("*/30 2 * * *", again - 1, again);
	expect_last("30 2 * * *", "2026-10-25 03:30", "2026-10-25 02:30");
	/* the minute at which it is 02:00 again is for wildcards alone */
	expect_next_at("0 * * * *", at("2026-10-25 02:59"), again - 1800);
	expect_next("0 2,3 * * *", "2026-10-25 02:00", "2026-10-25 03:00");
}

static void test_new_york(void **state)
{
	(void)state;
	set_zone("America/New_York");
	expect_next("15,45 2 * * *", "2026-03-08 01:59", "2026-03-08 03:00");
	expect_next("15,45 2 * * *", "2026-03-08 03:00", "2026-03-09 02:15");
	expect_next("0 1 * * *", "2026-11-01 00:59", "2026-11-01 01:00");
	expect_next("0 1 * * *", "2026-11-01 01:00", "2026-11-02 01:00");
	expect_next("0 12 * * *", "2026-03-07 12:00", "2026-03-08 12:00");
}

/* Half an hour: 2026-10-04 02:00 is 02:30, 2026-04-05 02:00 is 01:30. */
static void test_lord_howe(void **state)
{
	(void)state;
	set_zone("Australia/Lord_Howe");
	expect_next("15 2 * * *", "2026-10-04 01:59", "2026-10-04 02:30");
	expect_next("*/15 2 * * *", "2026-10-04 01:59", "2026-10-04 02:30");
	expect_next("15 * * * *", "2026-10-04 01:59", "2026-10-04 03:15");
	expect_next("45 1 * * *", "2026-04-05 01:30", "2026-04-05 01:45");
	expect_next("45 1 * * *", "2026-04-05 01:45", "2026-04-06 01:45");
	expect_next_at("45 * * * *", at("2026-04-05 01:45"), at("2026-04-05 01:45") + 1800);
}

/* More than three hours is a correction: nothing is made up for. Samoa had no 2011-12-30. */
static void test_long_leap(void **state)
{
	(void)state;
	set_zone("Pacific/Apia");
	expect_next("0 12 * * *", "2011-12-29 12:00", "2011-12-31 12:00");
	expect_next("0 12 30 12 *", "2011-12-29 23:59", "2012-12-30 12:00");
	expect_last("0 12 * * *", "2011-12-31 11:59", "2011-12-29 12:00");
}

/* Years away, one change of the clock after the other. */
static void test_far(void **state)
{
	(void)state;
	set_zone("Europe/Berlin");
	expect_next("30 2 31 3 */7", "2020-01-01 00:00", "2024-03-31 03:00");
	expect_last("30 2 31 3 */7", "2029-01-01 00:00", "2024-03-31 03:00");
	expect_next("0 12 29 2 */7", "2026-01-01 00:00", "2032-02-29 12:00");
	expect_last("0 12 29 2 */7", "2032-02-29 11:59", "2004-02-29 12:00");
}

/* What was skipped is for an earlier minute than what fires then anyhow. */
static void test_order(void **state)
{
	struct qos_cron early = read_good("15 2 * * *"), late = read_good("45 2 * * *");
	struct qos_firing first, second;

	(void)state;
	set_zone("Europe/Berlin");
	assert_int_equal(qos_cron_last_firing(&early, at("2026-03-29 12:00"), &first), 0);
	assert_int_equal(qos_cron_last_firing(&late, at("2026-03-29 12:00"), &second), 0);
	assert_int_equal(first.when, second.when);
	assert_int_equal(first.when, at("2026-03-29 03:00"));
	assert_int_equal(second.minute - first.minute, 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),	  cmocka_unit_test(test_stars),
		cmocka_unit_test(test_refused),	  cmocka_unit_test(test_days),
		cmocka_unit_test(test_never),	  cmocka_unit_test(test_berlin),
		cmocka_unit_test(test_new_york),  cmocka_unit_test(test_lord_howe),
		cmocka_unit_test(test_long_leap), cmocka_unit_test(test_far),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
