// SPDX-License-Identifier: LGPL-2.1-or-later
/* The verb schedule: install, remove, list, run. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "policy.h"
#include "print.h"
#include "report.h"
#include "verbs.h"

/* This command's own path, for cron; null, reported, when it cannot be had. */
static char *own_path(struct report *report)
{
	char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path));

	if (len > 0 && (size_t)len < sizeof(path))
		return text_format("%.*s", (int)len, path);
	report_error(report, QOS_FAILED, "/proc has to be mounted",
		     "cannot find out where qosctl is: %s", strerror(errno));
	return NULL;
}

/* What was done to cron's file. */
static void say_path(const struct report *report, const char *key, const char *done,
		     const char *path)
{
	_cleanup_(json_decrefp) json_t *json = json_pack("{s:s}", key, path);

	if (report->json)
		print_json(stdout, json);
	else
		printf("%s %s\n", path, done);
}

static void install(const struct args *args, const char *operand, struct report *report)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		policy_read_operand(args, operand, false, report);
	_cleanup_(freep) char *program = policy ? own_path(report) : NULL;
	_cleanup_(diags_freep) struct qos_diags *diags = diags_new();
	_cleanup_(freep) char *path = NULL;
	int r;

	if (!program)
		return;
	r = qos_schedule_install(policy, program, diags, &path);
	report_diags(report, diags, operand, r);
	if (r < 0)
		return;
	say_path(report, "installed", "written", path);
}

static void uninstall(const char *ifname, struct report *report)
{
	_cleanup_(diags_freep) struct qos_diags *diags = diags_new();
	_cleanup_(freep) char *path = NULL;
	int r;

	r = qos_schedule_uninstall(ifname, diags, &path);
	report_diags(report, diags, ifname, r);
	if (r < 0)
		return;
	say_path(report, "removed", "removed", path);
}

static void list(const char *ifname, struct report *report)
{
	_cleanup_(diags_freep) struct qos_diags *diags = diags_new();
	_cleanup_(json_decrefp) json_t *schedules = NULL;
	_cleanup_(freep) char *text = NULL;
	int r;

	r = qos_schedules(ifname, diags, &text);
	report_diags(report, diags, ifname, r);
	if (r < 0)
		return;
	schedules = report_load(report, text);
	if (schedules && report->json)
		print_json(stdout, schedules);
	else if (schedules)
		print_schedules(schedules);
}

static void run(const char *ifname, const char *name, struct report *report)
{
	_cleanup_(diags_freep) struct qos_diags *diags = diags_new();
	_cleanup_(freep) char *text = NULL;
	int r;

	r = qos_schedule_run(ifname, name, report->json, diags, &text);
	report_diags(report, diags, ifname, r);
	if (r == 0)
		report_changes(report, ifname, text, true, NULL);
}

void run_schedule(const struct args *args, struct report *report)
{
	const char *what = args->operands[0], *ifname = args->operands[1];
	size_t count = !strcmp(what, "run") ? 3 : 2;

	if (args->operand_count != count) {
		usage_error("schedule ",
			    count == 3 ? "`run` needs an interface and a schedule" :
					 "`%s` takes an interface",
			    what);
		report_status(report, QOS_INVALID);
	} else if (!strcmp(what, "install")) {
		install(args, ifname, report);
	} else if (!strcmp(what, "remove")) {
		uninstall(ifname, report);
	} else if (!strcmp(what, "list")) {
		list(ifname, report);
	} else if (!strcmp(what, "run")) {
		run(ifname, args->operands[2], report);
	} else {
		usage_error("schedule ", "`%s` is not install, remove, list or run", what);
		report_status(report, QOS_INVALID);
	}
}
