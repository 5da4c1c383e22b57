// SPDX-License-Identifier: LGPL-2.1-or-later
/* The verbs that take an interface: show, stats, remove, doctor. */
#include <string.h>

#include "print.h"
#include "report.h"
#include "verbs.h"

/* Asks the library for a document; null when there is none. Under json it is printed. */
static json_t *get_state(int (*get)(const char *ifname, struct qos_diags *diags, char **ret_json),
			 const struct args *args, struct report *report)
{
	_cleanup_(diags_freep) struct qos_diags *diags = diags_new();
	const char *ifname = args->operand_count ? args->operands[0] : NULL;
	_cleanup_(freep) char *text = NULL;
	json_t *json;
	int r;

	r = get(ifname, diags, &text);
	report_diags(report, diags, ifname ? ifname : "qosctl", r);
	if (r < 0)
		return NULL;
	json = report_load(report, text);
	if (json && report->json)
		print_json(stdout, json);
	return json;
}

static void say_none(const json_t *interfaces)
{
	if (json_is_array(interfaces) && !json_array_size(interfaces))
		puts("no interface is shaped");
}

void run_show(const struct args *args, struct report *report)
{
	_cleanup_(json_decrefp) json_t *interfaces = get_state(qos_show, args, report);
	const json_t *interface;
	size_t i;

	json_array_foreach(interfaces, i, interface)
		if (!json_is_true(json_object_get(interface, "in_force")))
			report_status(report, QOS_FAILED);
	if (report->json)
		return;
	say_none(interfaces);
	print_show(interfaces);
}

void run_stats(const struct args *args, struct report *report)
{
	_cleanup_(json_decrefp) json_t *interfaces = get_state(qos_stats, args, report);

	if (report->json)
		return;
	say_none(interfaces);
	print_stats(interfaces);
}

/* A failed check says what status it gives; a warning changes nothing. */
static void judge_checks(const json_t *checks, enum qos_status status, struct report *report)
{
	const json_t *check;
	size_t i;

	json_array_foreach(checks, i, check) {
		const char *state = json_string_value(json_object_get(check, "state"));

		if (!state || (strcmp(state, "ok") != 0 && strcmp(state, "warn") != 0))
			report_status(report, status);
	}
}

void run_doctor(const struct args *args, struct report *report)
{
	_cleanup_(json_decrefp) json_t *doctor = get_state(qos_doctor, args, report);
	const json_t *interface = json_object_get(doctor, "interface");

	judge_checks(json_object_get(doctor, "checks"), QOS_UNSUPPORTED, report);
	judge_checks(json_object_get(interface, "checks"), QOS_FAILED, report);
	if (doctor && !report->json)
		print_doctor(doctor);
}

void run_remove(const struct args *args, struct report *report)
{
	_cleanup_(diags_freep) struct qos_diags *diags = diags_new();
	_cleanup_(freep) char *text = NULL;
	int r;

	r = qos_remove(args->operands[0], report->json, diags, &text);
	report_diags(report, diags, args->operands[0], r);
	if (r < 0)
		return;
	if (report->json) {
		_cleanup_(json_decrefp) json_t *changes = report_load(report, text);

		if (changes)
			print_json(stdout, changes);
	} else {
		print_safe(stdout, text);
	}
}
