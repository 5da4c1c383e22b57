// SPDX-License-Identifier: LGPL-2.1-or-later
/* The verbs that take an interface: show, flows, remove, doctor. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "looks.h"
#include "print.h"
#include "privileges.h"
#include "verbs.h"

#define FLOWS 20 /* unless told */

/* The document that a call gave that returned r; null when there is none. Under json it
 * is printed. */
static json_t *take_state(int r, const struct qos_diags *diags, const char *subject,
			  const char *text, struct report *report)
{
	json_t *json;

	privileges_drop(report);
	json = report_document(report, r, diags, subject, text);
	if (json && report->json)
		print_json(stdout, json);
	return json;
}

static json_t *get_state(look_fn get, const struct args *args, struct report *report)
{
	json_t *json = look_at(get, args->operand_count ? args->operands[0] : NULL, report);

	if (json && report->json)
		print_json(stdout, json);
	return json;
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
	print_none(interfaces);
	print_show(interfaces);
}

/* How many to print, 0 for all; -1 after it was said that this is no number. */
static int read_number(const struct args *args)
{
	const char *text = args->option[OPT_NUMBER];
	char *end;
	long number;

	if (!text)
		return FLOWS;
	errno = 0;
	number = strtol(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && number <= INT_MAX)
		return (int)number;
	usage_error("flows ", "`%s` is not a number of flows", text);
	return -1;
}

void run_flows(const struct args *args, struct report *report)
{
	_cleanup_(diags_freep) struct qos_diags *diags = diags_new();
	_cleanup_(json_decrefp) json_t *flows = NULL;
	_cleanup_(freep) char *text = NULL;
	int most = read_number(args), r;

	if (most < 0) {
		report_status(report, QOS_INVALID);
		return;
	}
	r = qos_flows(args->operands[0], (unsigned int)most, diags, &text);
	flows = take_state(r, diags, args->operands[0], text, report);
	if (flows && !report->json)
		print_flows(flows);
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

static void remove_one(const char *ifname, json_t *list, struct report *report)
{
	_cleanup_(diags_freep) struct qos_diags *diags = diags_new();
	_cleanup_(freep) char *text = NULL;
	int r;

	r = qos_remove(ifname, report->json, diags, &text);
	privileges_drop(report);
	report_diags(report, diags, ifname, r);
	if (r == 0)
		report_changes(report, ifname, text, false, list);
}

/* What interfaces left that are gone; of none nothing is said. */
static void remove_left(json_t *list, struct report *report)
{
	_cleanup_(diags_freep) struct qos_diags *diags = diags_new();
	_cleanup_(json_decrefp) json_t *changes = NULL;
	_cleanup_(freep) char *text = NULL;
	int r;

	r = qos_remove(NULL, report->json, diags, &text);
	report_diags(report, diags, "qosctl", r);
	if (r < 0)
		return;
	if (!report->json) {
		print_safe(stdout, text);
		return;
	}
	changes = report_load(report, text);
	if (json_array_size(json_object_get(changes, "changes")))
		list_append(list, json_incref(changes));
}

static void remove_all(struct report *report)
{
	_cleanup_(diags_freep) struct qos_diags *diags = diags_new();
	_cleanup_(json_decrefp) json_t *interfaces = NULL, *list = json_array();
	_cleanup_(freep) char *text = NULL;
	const json_t *interface;
	size_t i;
	int r;

	report->asks_again = true;
	r = qos_show(NULL, diags, &text);
	report_diags(report, diags, "qosctl", r);
	if (r == 0)
		interfaces = report_load(report, text);
	if (!interfaces)
		return;
	remove_left(list, report);
	json_array_foreach(interfaces, i, interface)
		remove_one(json_string_value(json_object_get(interface, "interface")), list,
			   report);
	report->asks_again = false;
	privileges_drop(report);
	if (report->json)
		print_json(stdout, list);
	else
		print_none(interfaces);
}

void run_remove(const struct args *args, struct report *report)
{
	if (!!args->option[OPT_ALL] == (args->operand_count == 1)) {
		usage_error("remove ", "remove needs either IFACE or --all");
		report_status(report, QOS_INVALID);
	} else if (args->option[OPT_ALL]) {
		remove_all(report);
	} else {
		remove_one(args->operands[0], NULL, report);
	}
}
