// SPDX-License-Identifier: LGPL-2.1-or-later
/* stats: once, again and again, or for a collector of metrics. */
#include <time.h>

#include "looks.h"
#include "print.h"
#include "report.h"
#include "verbs.h"

#define SECONDS 1.0 /* unless told */

/* Of a call of the library, as its printer has it. */
static void print_once(look_fn get, void (*print)(const json_t *interfaces), const char *ifname,
		       struct report *report)
{
	_cleanup_(json_decrefp) json_t *interfaces = look_at(get, ifname, report);

	if (interfaces && report->json) {
		print_json(stdout, interfaces);
		return;
	}
	print_none(interfaces);
	print(interfaces);
}

static void pause_for(double seconds)
{
	struct timespec left = { .tv_sec = (time_t)seconds };

	left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
	nanosleep(&left, NULL);
}

/* False where none is shaped any more: then that is said, and has failed as of one that was named.
 */
static bool are_any(const json_t *interfaces, struct report *report)
{
	if (json_array_size(interfaces))
		return true;
	if (interfaces && report->json)
		print_json(stdout, interfaces);
	else
		print_none(interfaces);
	report_status(report, QOS_FAILED);
	return false;
}

/* The next document, compared with the one before it; null when there is none. */
static json_t *print_next(const char *ifname, const json_t *before, struct report *report)
{
	json_t *now = look_at(qos_stats, ifname, report);

	looks_compare(now, before);
	if (json_array_size(now) && report->json)
		print_json(stdout, now);
	else
		print_interval(now);
	return now;
}

/* Until it is interrupted, there is nothing to look at, or nobody reads any more. */
static void watch(const char *ifname, double seconds, struct report *report)
{
	json_t *before;

	report->asks_again = true;
	before = look_at(qos_stats, ifname, report);
	while (are_any(before, report) && report_flush(report)) {
		json_t *now;

		pause_for(seconds);
		now = print_next(ifname, before, report);
		json_decref(before);
		before = now;
	}
	json_decref(before);
}

static void print_for_collector(const char *ifname, struct report *report)
{
	_cleanup_(json_decrefp) json_t *interfaces = look_at_all(ifname, report);

	if (interfaces)
		print_metrics(interfaces);
}

void run_stats(const struct args *args, struct report *report)
{
	const char *ifname = args->operand_count ? args->operands[0] : NULL;
	const char *watched = args->option[OPT_WATCH], *metrics = args->option[OPT_OPENMETRICS];
	const char *rules = args->option[OPT_RULES];
	double seconds = args_seconds("stats ", watched, SECONDS);

	if (seconds < 0) {
		report_status(report, QOS_INVALID);
	} else if (metrics && (watched || report->json)) {
		usage_error("stats ", "--openmetrics is a format of its own, not for --%s",
			    watched ? "watch" : "json");
		report_status(report, QOS_INVALID);
	} else if (rules && (watched || metrics)) {
		usage_error("stats ", "--rules is not for --%s", watched ? "watch" : "openmetrics");
		report_status(report, QOS_INVALID);
	} else if (rules) {
		print_once(qos_rules, print_rules, ifname, report);
	} else if (metrics) {
		print_for_collector(ifname, report);
	} else if (watched) {
		watch(ifname, seconds, report);
	} else {
		print_once(qos_stats, print_stats, ifname, report);
	}
}
