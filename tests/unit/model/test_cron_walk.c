/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Against cron's own loop, which wakes each minute, around changes of the clock. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "cron_zone.h"

/* As find_jobs() of Debian's cron.c for a job. */
static bool find_job(const struct qos_cron *cron, int64_t minute, bool wild, bool fixed)
{
	time_t wall = minute * 60;
	bool day, weekday;
	struct tm tm;

	gmtime_r(&wall, &tm);
	day = cron->days >> tm.tm_mday & 1;
	weekday = cron->weekdays >> tm.tm_wday & 1;
	return (cron->wildcard ? wild : fixed) && cron->minutes >> tm.tm_min & 1 &&
	       cron->hours >> tm.tm_hour & 1 && cron->months >> (tm.tm_mon + 1) & 1 &&
	       (cron->either ? day || weekday : day && weekday);
}

static int64_t local_minute(time_t when)
{
	struct tm tm;

	localtime_r(&when, &tm);
	return (when + tm.tm_gmtoff) / 60;
}

/* As main() there for one that wakes each minute; whether the job is run in this one. */
static bool wake(const struct qos_cron *cron, int64_t now, int64_t *virtual)
{
	int64_t diff = now - *virtual;
	bool run = false;

	if (diff == 1 || diff <= -180 || diff > 180) {
		*virtual = now;
		return find_job(cron, now, true, true);
	}
	if (diff <= 0)
		return find_job(cron, now, true, false);
	if (diff > 5)
		run = find_job(cron, now, true, false);
	while (*virtual < now)
		run |= find_job(cron, ++*virtual, diff <= 5, true);
	return run;
}

/* When the job was run in minutes from a time on. */
static size_t walk(const struct qos_cron *cron, time_t from, size_t minutes, time_t *ret_times)
{
	int64_t virtual = local_minute(from - 60);
	size_t count = 0;

	for (size_t i = 0; i < minutes; i++) {
		time_t when = from + (time_t)i * 60;

		if (wake(cron, local_minute(when), &virtual))
			ret_times[count++] = when;
	}
	return count;
}

#define DAY	  1440
#define WALK_DAYS 12

static unsigned int seed = 1;

/* From 0, below bound; the same in every run. */
static unsigned int draw(unsigned int bound)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % bound;
}

static void draw_field(FILE *out, unsigned int min, unsigned int max)
{
	unsigned int first = min + draw(max - min + 1), last = first + draw(max - first + 1);

	switch (draw(5)) {
	case 0:
		fputs("* ", out);
		break;
	case 1:
		fprintf(out, "*/%u ", 1 + draw(max));
		break;
	case 2:
		fprintf(out, "%u-%u/%u ", first, last, 1 + draw(4));
		break;
	case 3:
		fprintf(out, "%u,%u ", first, min + draw(max - min + 1));
		break;
	default:
		fprintf(out, "%u ", first);
	}
}

static struct qos_cron draw_cron(char *text, size_t size)
{
	FILE *out = fmemopen(text, size, "w");

	assert_non_null(out);
	draw_field(out, 0, 59);
	/* mostly about when clocks are set */
	if (draw(3))
		draw_field(out, 0, 4);
	else
		draw_field(out, 0, 23);
	draw_field(out, 1, 31);
	fputs(draw(3) ? "* " : "3,4,10 ", out);
	draw_field(out, 0, 7);
	fclose(out);
	return read_good(text);
}

/* From a time on, all that the walk found and nothing between. */
static void compare(const char *text, const struct qos_cron *cron, time_t from, time_t end,
		    const time_t *times, size_t count)
{
	time_t when = from, got;
	char said[64];

	for (size_t i = 0; i < count; i++) {
		if (times[i] <= from)
			continue;
		assert_int_equal(qos_cron_next(cron, when, &got), 0);
		if (got != times[i])
			fail_msg("%s: next %s", text, ctime_r(&got, said));
		assert_int_equal(qos_cron_last(cron, got, &got), 0);
		assert_int_equal(got, times[i]);
		if (when > from) {
			assert_int_equal(qos_cron_last(cron, times[i] - 1, &got), 0);
			if (got != when)
				fail_msg("%s: last %s", text, ctime_r(&got, said));
		}
		when = times[i];
	}
	if (qos_cron_next(cron, when, &got) == 0)
		assert_true(got >= end);
}

/* Days around a time, for random expressions. */
static void compare_around(const char *zone, const char *middle)
{
	static time_t times[WALK_DAYS * DAY];
	time_t start, end;

	set_zone(zone);
	start = at(middle) - WALK_DAYS / 2 * DAY * 60;
	end = start + WALK_DAYS * DAY * 60;
	for (int i = 0; i < 60; i++) {
		char text[128] = "";
		struct qos_cron cron = draw_cron(text, sizeof(text));
		size_t count = walk(&cron, start, WALK_DAYS * DAY, times);

		/* the walk may have begun where it waits */
		compare(text, &cron, start + DAY * 60, end, times, count);
	}
}

static void test_walk(void **state)
{
	static const struct {
		const char *zone, *around;
	} cases[] = {
		{ "Europe/Berlin", "2026-03-29 03:00" },
		{ "Europe/Berlin", "2026-10-25 03:00" },
		{ "America/New_York", "2026-03-08 03:00" },
		{ "America/New_York", "2026-11-01 01:00" },
		{ "Australia/Lord_Howe", "2026-04-05 02:00" },
		{ "Australia/Lord_Howe", "2026-10-04 03:00" },
		{ "America/Havana", "2026-11-01 01:00" }, /* back to 00:00 */
		{ "Asia/Beirut", "2025-10-26 00:00" },	  /* back to the day before */
		{ "Asia/Beirut", "2026-03-29 01:00" },	  /* no midnight */
		{ "Antarctica/Troll", "2026-03-29 03:00" },
		{ "Antarctica/Casey", "2010-03-05 01:00" }, /* three hours back */
		{ "Pacific/Apia", "2011-12-31 00:00" },	    /* a day ahead */
		{ "Pacific/Kwajalein", "1993-08-22 00:00" },
		{ "AAA0BBB-0:03,M3.5.0,M10.5.0", "2026-03-29 02:00" },
		{ "AAA0BBB-0:03,M3.5.0,M10.5.0", "2026-10-25 02:00" },
		{ "AAA0BBB-0:05,M3.5.0,M10.5.0", "2026-03-29 02:00" },
		{ "AAA0BBB-3,M3.5.0,M10.5.0", "2026-03-29 02:00" },
		{ "AAA0BBB-3,M3.5.0,M10.5.0", "2026-10-25 02:00" },
		{ "AAA0BBB-4,M3.5.0,M10.5.0/4", "2026-03-29 06:00" },
		{ "AAA0BBB-4,M3.5.0,M10.5.0/4", "2026-10-25 01:00" },
		{ "UTC", "2028-02-29 00:00" },
		{ "Asia/Kathmandu", "2026-12-31 23:59" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		compare_around(cases[i].zone, cases[i].around);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
