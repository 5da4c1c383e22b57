// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

void list_append(json_t *list, json_t *item)
{
	if (json_array_append_new(list, item))
		out_of_memory();
}

void print_json(FILE *f, const json_t *json)
{
	/* Names in it may hold anything; ASCII does nothing to a terminal. */
	json_dumpf(json, f, JSON_COMPACT | JSON_ENSURE_ASCII);
	fputc('\n', f);
}

struct qos_diags *diags_new(void)
{
	struct qos_diags *diags = qos_diags_new();

	if (!diags)
		out_of_memory();
	return diags;
}

void report_status(struct report *report, enum qos_status status)
{
	if (status > report->status)
		report->status = status;
}

json_t *report_load(struct report *report, const char *text)
{
	json_error_t error;
	json_t *json = json_loads(text, 0, &error);

	if (!json)
		report_error(report, QOS_FAILED, "qosctl and libqos may be of different versions",
			     "libqos gave no valid JSON: %s", error.text);
	return json;
}

bool report_flush(struct report *report)
{
	if (fflush(stdout) && !report->write_error)
		report->write_error = errno;
	return !report->write_error;
}

bool report_is_read(struct report *report)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	if (poll(&out, 1, 0) > 0 && out.revents & (POLLERR | POLLHUP) && !report->write_error)
		report->write_error = EPIPE;
	return !report->write_error;
}

void report_error(struct report *report, enum qos_status status, const char *hint, const char *fmt,
		  ...)
{
	_cleanup_(freep) char *text = NULL, *safe = NULL;
	va_list ap;

	report_status(report, status);
	va_start(ap, fmt);
	text = text_vformat(fmt, ap);
	va_end(ap);
	safe = text_safe(text);
	if (report->json) {
		list_append(report->diags,
			    json_pack("{s:s, s:n, s:n, s:n, s:s, s:s?}", "severity", "error",
				      "file", "line", "column", "message", safe, "hint", hint));
		return;
	}
	report_flush(report);
	fprintf(stderr, "%serror:%s %s\n", colour(stderr, COLOUR_RED), colour(stderr, COLOUR_NONE),
		safe);
	if (hint)
		fprintf(stderr, "hint: %s\n", hint);
}

void report_diags(struct report *report, const struct qos_diags *diags, const char *subject, int r)
{
	_cleanup_(freep) char *text = NULL;

	report_status(report, qos_diags_status(diags));
	if (r < 0 && qos_diags_status(diags) == QOS_OK)
		report_error(report, QOS_FAILED, NULL, "%s: %s", subject, strerror(-r));

	if (report->json) {
		_cleanup_(json_decrefp) json_t *list = NULL;

		if (qos_diags_json(diags, &text))
			out_of_memory();
		list = report_load(report, text);
		if (list && json_array_extend(report->diags, list))
			out_of_memory();
		return;
	}
	if (qos_diags_text(diags, &text))
		out_of_memory();
	/* What was printed before it, comes before it. */
	report_flush(report);
	print_safe(stderr, text);
}

void report_changes(struct report *report, const char *interface, const char *text, bool applied,
		    json_t *list)
{
	_cleanup_(freep) char *name = text_safe(interface);
	_cleanup_(json_decrefp) json_t *changes = NULL;

	if (report->json) {
		changes = report_load(report, text);
		if (changes && list)
			list_append(list, json_incref(changes));
		else if (changes)
			print_json(stdout, changes);
		return;
	}
	if (applied && !*text)
		printf("%s: nothing to change\n", name);
	else if (list)
		printf("%s:\n", name);
	print_safe(stdout, text);
}

json_t *report_document(struct report *report, int r, const struct qos_diags *diags,
			const char *subject, const char *text)
{
	report_diags(report, diags, subject, r);
	return r < 0 ? NULL : report_load(report, text);
}

void report_finish(struct report *report)
{
	report_flush(report);
	if (!report->write_error && close(STDOUT_FILENO))
		report->write_error = errno;
	/* as of any program: see report_exit() */
	if (report->write_error != EPIPE && (report->write_error || ferror(stdout)))
		report_error(report, QOS_FAILED, NULL, "cannot write the output: %s",
			     strerror(report->write_error ? report->write_error : EIO));
	if (json_array_size(report->diags))
		print_json(stderr, report->diags);
	json_decref(report->diags);
}

int report_exit(const struct report *report)
{
	if (report->write_error == EPIPE && report->status == QOS_OK) {
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
	}
	return (int)report->status;
}
