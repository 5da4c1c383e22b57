/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Expressions, and times of a zone by their names. */
#ifndef QOS_TEST_CRON_ZONE_H
#define QOS_TEST_CRON_ZONE_H

#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/cron.h"

static inline void set_zone(const char *zone)
{
	assert_int_equal(setenv("TZ", zone, 1), 0);
	tzset();
}

static inline struct qos_cron read_good(const char *text)
{
	struct qos_cron_error error = { 0 };
	struct qos_cron cron;

	if (qos_cron_read(text, &cron, &error) < 0)
		fail_msg("%s: %zu: %s", text, error.at, error.text);
	return cron;
}

/* "2026-03-29 01:30", the first of that name where there are two. */
static inline time_t at(const char *text)
{
	struct tm tm = { .tm_isdst = -1 };
	struct tm other;
	time_t when;

	assert_non_null(strptime(text, "%Y-%m-%d %H:%M", &tm));
	when = mktime(&tm);
	for (time_t earlier = when - 3 * 3600; earlier < when; earlier += 60) {
		localtime_r(&earlier, &other);
		if (other.tm_min == tm.tm_min && other.tm_hour == tm.tm_hour &&
		    other.tm_mday == tm.tm_mday)
			return earlier;
	}
	return when;
}

#endif
