// SPDX-License-Identifier: LGPL-2.1-or-later
/* monitor: what happens to packets, as it happens. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "print.h"
#include "report.h"
#include "verbs.h"

#define WAIT_MS 1000

struct session {
	struct report *report;
	unsigned int left; /* events to come; 0: without end */
};

/* The whole number of an option, 0 without; -1 after it was said that this is none. */
static long read_number(const struct args *args, enum opt_id id, const char *what)
{
	const char *text = args->option[id];
	char *end;
	long number;

	if (!text)
		return 0;
	errno = 0;
	number = strtol(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && number >= 1 && number <= INT_MAX)
		return number;
	usage_error("monitor ", "`%s` is not a number of %s", text, what);
	return -1;
}

/* 1 ends it. */
static int take_event(const char *text, void *arg)
{
	struct session *session = arg;
	_cleanup_(json_decrefp) json_t *event = report_load(session->report, text);

	if (!event)
		return 1;
	if (session->report->json)
		print_json(stdout, event);
	else
		print_event(event);
	/* each as it happens, and never a part of one, whatever ends this */
	return !report_flush(session->report) || (session->left && !--session->left);
}

/* Until there were enough events, nothing is left to listen to, or nobody reads any more. */
static void listen_on(struct qos_monitor *monitor, unsigned int count, struct report *report)
{
	struct session session = { .report = report, .left = count };
	int r = 0;

	while (r == 0 && report_is_read(report)) {
		_cleanup_(diags_freep) struct qos_diags *diags = diags_new();

		r = qos_monitor_wait(monitor, WAIT_MS, take_event, &session, diags);
		report_diags(report, diags, "qosctl", r);
	}
}

static void run(const struct args *args, const struct qos_monitor_filter *filter,
		unsigned int count, struct report *report)
{
	_cleanup_(diags_freep) struct qos_diags *diags = diags_new();
	struct qos_monitor *monitor = NULL;
	int r = qos_monitor_open((const char *const *)args->operands, args->operand_count, filter,
				 diags, &monitor);

	report->asks_again = true;
	report_diags(report, diags, "qosctl", r);
	if (r == 0)
		listen_on(monitor, count, report);
	qos_monitor_free(monitor);
}

void run_monitor(const struct args *args, struct report *report)
{
	long sample = read_number(args, OPT_SAMPLE, "packets");
	long count = sample < 0 ? -1 : read_number(args, OPT_EVENTS, "events");
	struct qos_monitor_filter filter = {
		.drops = args->option[OPT_DROPS] != NULL,
		.marks = args->option[OPT_MARKS] != NULL,
		.sample = (unsigned int)sample,
		.class_name = args->option[OPT_CLASS],
	};

	if (count < 0)
		report_status(report, QOS_INVALID);
	else
		run(args, &filter, (unsigned int)count, report);
}
