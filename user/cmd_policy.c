// SPDX-License-Identifier: LGPL-2.1-or-later
/* The verbs that take a policy: check, plan, apply. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "policy.h"
#include "privileges.h"
#include "verbs.h"

/* Say so where it is right and surely not meant, or where apply would refuse it for who can
 * write it.
 */
static void judge(const struct qos_policy *policy, const char *path, struct report *report)
{
	_cleanup_(diags_freep) struct qos_diags *diags = diags_new();
	int r = qos_policy_judge_rules(policy, diags);

	qos_policy_judge_file(policy, diags);
	report_diags(report, diags, path, r);
}

void run_check(const struct args *args, struct report *report)
{
	_cleanup_(json_decrefp) json_t *list = json_array();

	if (!privileges_keep(QOS_PRIVILEGES_READ, report))
		return;
	for (size_t i = 0; i < args->operand_count; i++) {
		_cleanup_(policy_freep) struct qos_policy *policy =
			policy_read(args->operands[i], false, report);
		_cleanup_(freep) char *safe = text_safe(args->operands[i]);

		if (policy)
			judge(policy, args->operands[i], report);
		if (report->json)
			list_append(list, json_pack("{s:s, s:b, s:s?}", "file", safe, "valid",
						    !!policy, "interface",
						    policy ? qos_policy_interface(policy) : NULL));
		else if (policy)
			printf("%s: ok\n", safe);
	}
	if (report->json)
		print_json(stdout, list);
}

static json_t *split_lines(const char *text)
{
	json_t *list = json_array();

	while (*text) {
		size_t len = strcspn(text, "\n");

		list_append(list, json_stringn(text, len));
		text += len + (text[len] == '\n');
	}
	return list;
}

static void plan_offline(const struct qos_policy *policy, struct report *report)
{
	_cleanup_(diags_freep) struct qos_diags *diags = diags_new();
	_cleanup_(freep) char *text = NULL;
	int r;

	privileges_drop(report);
	r = qos_plan_full(policy, diags, &text);
	report_diags(report, diags, qos_policy_interface(policy), r);
	if (r < 0)
		return;
	if (report->json) {
		_cleanup_(json_decrefp) json_t *json =
			json_pack("{s:s, s:o}", "interface", qos_policy_interface(policy), "plan",
				  split_lines(text));

		print_json(stdout, json);
	} else {
		print_safe(stdout, text);
	}
}

/* Plan or apply; the list (null: there is only this one) collects the changes under json. */
static void change(int (*call)(const struct qos_policy *policy, int json, struct qos_diags *diags,
			       char **ret_text),
		   const struct qos_policy *policy, json_t *list, struct report *report)
{
	_cleanup_(diags_freep) struct qos_diags *diags = diags_new();
	_cleanup_(freep) char *text = NULL;
	int r;

	r = call(policy, report->json, diags, &text);
	privileges_drop(report);
	report_diags(report, diags, qos_policy_interface(policy), r);
	if (r == 0)
		report_changes(report, qos_policy_interface(policy), text, call == qos_apply, list);
}

void run_plan(const struct args *args, struct report *report)
{
	bool offline = args->option[OPT_OFFLINE];
	_cleanup_(policy_freep) struct qos_policy *policy =
		policy_read_operand(args, args->operands[0], !offline, report);

	if (!policy)
		return;
	if (offline)
		plan_offline(policy, report);
	else
		change(qos_plan, policy, NULL, report);
}

/* Two policies for one interface would undo each other at every run. */
static bool is_second(json_t *seen, const char *interface, const char *path, struct report *report)
{
	_cleanup_(freep) char *safe = text_safe(path);
	const char *first = json_string_value(json_object_get(seen, interface));

	if (first)
		report_error(report, QOS_INVALID, "keep one policy per interface",
			     "%s is for interface %s, as is %s", path, interface, first);
	else if (json_object_set_new(seen, interface, json_string(safe)))
		out_of_memory();
	return first;
}

static int is_policy(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && policy_is_file_name(entry->d_name);
}

static void apply_one(const char *path, json_t *seen, json_t *list, struct report *report)
{
	_cleanup_(policy_freep) struct qos_policy *policy = policy_read(path, true, report);

	if (policy && !is_second(seen, qos_policy_interface(policy), path, report))
		change(qos_apply, policy, list, report);
}

static void apply_all(const char *dir, struct report *report)
{
	_cleanup_(json_decrefp) json_t *list = json_array(), *seen = json_object();
	_cleanup_(freep) struct dirent **entries = NULL;
	int count, i;

	report->asks_again = true;
	count = scandir(dir, &entries, is_policy, alphasort);
	if (count < 0) {
		report_error(report, QOS_FAILED, "--dir names the folder of the policies",
			     "cannot read %s: %s", dir, strerror(errno));
		return;
	}
	for (i = 0; i < count; i++) {
		_cleanup_(freep) char *path = text_format("%s/%s", dir, entries[i]->d_name);

		free(entries[i]);
		apply_one(path, seen, list, report);
	}
	report->asks_again = false;
	privileges_drop(report);
	if (report->json)
		print_json(stdout, list);
	else if (!count)
		printf("no policy in %s\n", dir);
}

void run_apply(const struct args *args, struct report *report)
{
	_cleanup_(policy_freep) struct qos_policy *policy = NULL;

	if (!!args->option[OPT_ALL] == (args->operand_count == 1)) {
		usage_error("apply ", "apply needs either a policy or --all");
		report_status(report, QOS_INVALID);
		return;
	}
	if (args->option[OPT_ALL]) {
		apply_all(policy_dir(args), report);
		return;
	}
	policy = policy_read_operand(args, args->operands[0], true, report);
	if (policy)
		change(qos_apply, policy, NULL, report);
}
