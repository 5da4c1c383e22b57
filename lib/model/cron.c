/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When cron fires: the minutes that an expression names, and when those are.
 *
 * This does what main() and find_jobs() of Debian 12's cron do (3.0pl1-162, cron.c).
 * That counts minutes of the wall clock. While they go by one by one it runs what is
 * for each of them. When the clock is set, by DST or by hand, it tells by how much:
 *
 *   -3 h to 0     back: what has a fixed time waits until the clock is where it was;
 *                 what has a wildcard, `*` at the beginning of its minutes or hours,
 *                 goes by the new time and runs again
 *   2 to 5 min    ahead: all that was skipped runs at once
 *   6 min to 3 h  the same for what has a fixed time; wildcards go by the new time
 *   more          either way: it starts anew, nothing is made up for
 */
#include "model/cron.h"

#include <errno.h>

#define DAY	    1440 /* minutes */
#define DAY_SECONDS 86400
#define REACH	    (40L * 366) /* days: February 29 is a Sunday again, also around 2100 */
#define SMALL_LEAP  5		/* minutes */
#define LEAP	    180
#define LEAP_END    (181L * 60)	 /* seconds after which no leap matters */
#define FURTHEST    253402300799 /* the end of 9999, either way: far from overflows */

/* Where the local time does something else than go on; what was before lasted for hours. */
struct change {
	time_t when;
	long before, after; /* seconds east of UTC */
};

static int64_t floor_div(int64_t number, int64_t by)
{
	return number / by - (number % by < 0);
}

static bool in_reach(time_t when)
{
	return when >= -FURTHEST && when <= FURTHEST;
}

static long offset_at(time_t when)
{
	struct tm tm;

	return localtime_r(&when, &tm) ? tm.tm_gmtoff : 0;
}

/* The one change in (before, after]. */
static struct change find_change(time_t before, time_t after)
{
	struct change change = { .before = offset_at(before), .after = offset_at(after) };

	while (after - before > 1) {
		time_t middle = before + (after - before) / 2;

		if (offset_at(middle) == change.after)
			after = middle;
		else
			before = middle;
	}
	change.when = after;
	return change;
}

/* The first in (from, upto]. No zone has changed twice within a day. */
static bool first_change(time_t from, time_t upto, struct change *ret)
{
	for (time_t next; from < upto; from = next) {
		next = upto - from > DAY_SECONDS ? from + DAY_SECONDS : upto;
		if (offset_at(from) == offset_at(next))
			continue;
		*ret = find_change(from, next);
		return true;
	}
	return false;
}

/* The last in (from, upto]. */
static bool last_change(time_t from, time_t upto, struct change *ret)
{
	for (time_t next; from < upto; upto = next) {
		next = upto - from > DAY_SECONDS ? upto - DAY_SECONDS : from;
		if (offset_at(next) == offset_at(upto))
			continue;
		*ret = find_change(next, upto);
		return true;
	}
	return false;
}

/* The first minute that is run for after a change: what is before the new time runs at
 * once, what is behind it waits. */
static int64_t first_minute(const struct qos_cron *cron, const struct change *change)
{
	int64_t done = floor_div(change->when - 60 + change->before, 60);
	int64_t now = floor_div(change->when + change->after, 60);
	int64_t leap = now - done;
	bool goes_on =
		cron->wildcard ? leap > 0 && leap <= SMALL_LEAP : leap > -LEAP && leap <= LEAP;

	return goes_on ? done + 1 : now;
}

static bool has_month(const struct qos_cron *cron, const struct tm *tm)
{
	return cron->months >> (tm->tm_mon + 1) & 1;
}

static bool has_day(const struct qos_cron *cron, const struct tm *tm)
{
	bool day = cron->days >> tm->tm_mday & 1, weekday = cron->weekdays >> tm->tm_wday & 1;

	return cron->either ? day || weekday : day && weekday;
}

/* The first day (since 1970) from *day on, or up to it with step -1. */
static bool find_day(const struct qos_cron *cron, int step, int64_t *day)
{
	int64_t start = *day;

	while (*day - start <= REACH && start - *day <= REACH) {
		time_t when = *day * DAY_SECONDS;
		struct tm tm;

		gmtime_r(&when, &tm);
		if (!has_month(cron, &tm)) {
			tm.tm_mon += step > 0;
			tm.tm_mday = step > 0; /* the 0th is the last of the month before */
			*day = timegm(&tm) / DAY_SECONDS;
		} else if (has_day(cron, &tm)) {
			return true;
		} else {
			*day += step;
		}
	}
	return false;
}

/* The first minute of a day from minute on; DAY: none. */
static int next_in_day(const struct qos_cron *cron, int minute)
{
	for (; minute < DAY; minute = (minute / 60 + 1) * 60) {
		uint64_t rest = cron->minutes >> minute % 60;

		if (rest && cron->hours >> minute / 60 & 1)
			return minute + __builtin_ctzll(rest);
	}
	return DAY;
}

/* The last up to minute; -1: none. */
static int last_in_day(const struct qos_cron *cron, int minute)
{
	for (; minute >= 0; minute = minute / 60 * 60 - 1) {
		uint64_t rest = cron->minutes << (63 - minute % 60);

		if (rest && cron->hours >> minute / 60 & 1)
			return minute - __builtin_clzll(rest);
	}
	return -1;
}

/* The first minute of the wall clock from minute on that the expression names. */
static bool next_minute(const struct qos_cron *cron, int64_t minute, int64_t *ret)
{
	int64_t first = floor_div(minute, DAY), day = first;

	while (find_day(cron, 1, &day)) {
		int in_day = next_in_day(cron, day == first ? (int)(minute - day * DAY) : 0);

		if (in_day < DAY) {
			*ret = day * DAY + in_day;
			return true;
		}
		day++;
	}
	return false;
}

/* The last up to minute. */
static bool last_minute(const struct qos_cron *cron, int64_t minute, int64_t *ret)
{
	int64_t first = floor_div(minute, DAY), day = first;

	while (find_day(cron, -1, &day)) {
		int in_day = last_in_day(cron, day == first ? (int)(minute - day * DAY) : DAY - 1);

		if (in_day >= 0) {
			*ret = day * DAY + in_day;
			return true;
		}
		day--;
	}
	return false;
}

static time_t later(time_t a, time_t b)
{
	return a > b ? a : b;
}

/* The first minute that can fire at `when` or after. */
static int64_t minute_from(const struct qos_cron *cron, time_t when)
{
	int64_t minute = -floor_div(-(when + offset_at(when)), 60), first;
	struct change change;

	if (!last_change(when - LEAP_END, when, &change))
		return minute;
	first = first_minute(cron, &change);
	return change.when == when || first > minute ? first : minute;
}

/* From change to change, as what a minute is in seconds holds only up to the next. */
int qos_cron_next(const struct qos_cron *cron, time_t after, time_t *ret)
{
	struct change change;
	int64_t minute;
	time_t when;

	/* the earliest that it can be */
	for (time_t from = in_reach(after) ? after + 1 : after; in_reach(from);
	     from = change.when) {
		if (!next_minute(cron, minute_from(cron, from), &minute))
			return -ENOENT;
		when = later(from, minute * 60 - offset_at(from));
		if (!first_change(from, when, &change)) {
			*ret = when;
			return 0;
		}
	}
	return -ENOENT;
}

int qos_cron_last_firing(const struct qos_cron *cron, time_t upto, struct qos_firing *ret)
{
	struct change change = { 0 };
	int64_t minute;
	time_t when;

	for (; in_reach(upto); upto = change.when - 1) {
		long offset = offset_at(upto);

		if (!last_minute(cron, floor_div(upto + offset, 60), &minute))
			return -ENOENT;
		when = minute * 60 - offset;
		if (last_change(when - LEAP_END, upto, &change)) {
			if (minute < first_minute(cron, &change))
				continue;
			when = later(when, change.when);
		}
		*ret = (struct qos_firing){ .when = when, .minute = minute };
		return 0;
	}
	return -ENOENT;
}

int qos_cron_last(const struct qos_cron *cron, time_t upto, time_t *ret)
{
	struct qos_firing firing;
	int r = qos_cron_last_firing(cron, upto, &firing);

	if (r < 0)
		return r;
	*ret = firing.when;
	return 0;
}
