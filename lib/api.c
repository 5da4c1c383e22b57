/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library from the outside: each call is its stages, in their order. */
#include <qos/qos.h>

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "base/cleanup.h"
#include "compile/plan.h"
#include "kernel/apply.h"
#include "kernel/crontab.h"
#include "kernel/privileges.h"
#include "kernel/probe.h"
#include "kernel/show.h"
#include "kernel/trust.h"
#include "model/policy.h"
#include "parse/doc.h"

DEFINE_CLEANUP(struct qos_node *, nodep, qos_node_free)
DEFINE_CLEANUP(struct qos_policy *, policyp, qos_policy_free)
DEFINE_CLEANUP(struct qos_plan *, planp, qos_plan_free)
DEFINE_CLEANUP(struct qos_device *, devicep, qos_kernel_close)
DEFINE_CLEANUP(struct qos_diags *, diagsp, qos_diags_free)

int api_finish(int r, struct qos_diags *diags)
{
	if (r < 0 && qos_diags_status(diags) == QOS_OK)
		qos_diag(diags, QOS_FAILED, "%s", strerror(-r));
	return r;
}

/* A policy that does not fit the kernel's tables is wrong already when it is read. */
static int judge(const struct qos_policy *policy, struct qos_diags *diags)
{
	_cleanup_(planp) struct qos_plan *plan = NULL;
	int r = qos_plan_compile(policy, diags, &plan);

	return r == -E2BIG ? -EINVAL : r;
}

/* Who can write what fd is, while it is open: what is judged is what was read. */
static int find_writers(int fd, struct qos_policy *policy)
{
	_raised_ uint64_t raised = qos_kernel_raise_to_read(policy->path);
	struct qos_trust trust = { .why = NULL };
	int r;

	if (!qos_trust_matters())
		return 0;
	r = qos_trust_judge_way(fd, policy->path, &trust);
	if (r < 0 && asprintf(&trust.why, "cannot tell who can write %s: %s", policy->path,
			      strerror(-r)) < 0)
		return -ENOMEM;
	policy->writers = trust.why;
	policy->writers_hint = trust.hint;
	return 0;
}

/* when: null: as the file has it. */
static int build_policy(const char *path, const char *text, size_t len, const time_t *when,
			struct qos_diags *diags, struct qos_policy **ret_policy)
{
	_cleanup_(policyp) struct qos_policy *base = NULL;
	_cleanup_(nodep) struct qos_node *root = NULL;
	const struct qos_schedule *schedule;
	time_t since = 0;
	int r = api_read_base(path, text, len, diags, &root, &base);

	if (r < 0)
		return r;
	schedule = when ? qos_policy_schedule_at(base, *when, &since) : NULL;
	if (schedule)
		return api_build(root, base, schedule, since, NULL, 0, diags, ret_policy);
	*ret_policy = TAKE_PTR(base);
	return 0;
}

static int open_policy(const char *path, struct qos_diags *diags, int *ret_fd)
{
	_raised_ uint64_t raised = qos_kernel_raise_to_read(path);

	return qos_file_open(path, diags, ret_fd);
}

static int read_policy(const char *path, const time_t *when, struct qos_diags *diags,
		       struct qos_policy **ret_policy)
{
	_cleanup_(closep) int fd = -1;
	_cleanup_(freep) char *text = NULL;
	_cleanup_(policyp) struct qos_policy *policy = NULL;
	size_t len = 0;
	int r = open_policy(path, diags, &fd);

	if (r == 0)
		r = qos_file_read(fd, path, diags, &text, &len);
	if (r < 0)
		return r;
	r = build_policy(path, text, len, when, diags, &policy);
	if (r < 0)
		return r;
	r = judge(policy, diags);
	if (r == 0)
		r = find_writers(fd, policy);
	if (r < 0)
		return r;
	*ret_policy = TAKE_PTR(policy);
	return 0;
}

int qos_policy_read(const char *path, struct qos_diags *diags, struct qos_policy **ret_policy)
{
	return api_finish(read_policy(path, NULL, diags, ret_policy), diags);
}

int qos_policy_read_at(const char *path, time_t when, struct qos_diags *diags,
		       struct qos_policy **ret_policy)
{
	return api_finish(read_policy(path, &when, diags, ret_policy), diags);
}

const char *qos_policy_interface(const struct qos_policy *policy)
{
	return policy->interface;
}

static int show_source(const struct qos_policy *policy, struct qos_diags *diags)
{
	return qos_diags_set_source(diags, policy->path, policy->source, strlen(policy->source));
}

void qos_policy_judge_file(const struct qos_policy *policy, struct qos_diags *diags)
{
	if (!policy->writers)
		return;
	/* without memory for that it is "policy" */
	(void)show_source(policy, diags);
	qos_diag_warn_file(diags, "%s: apply refuses the policy", policy->writers);
	if (policy->writers_hint)
		qos_diag_hint(diags, "%s", policy->writers_hint);
}

int qos_policy_judge_rules(const struct qos_policy *policy, struct qos_diags *diags)
{
	int r = show_source(policy, diags);

	return api_finish(r < 0 ? r : qos_policy_warn(policy, diags), diags);
}

int api_refuse_writers(const struct qos_policy *policy, struct qos_diags *diags)
{
	if (!policy->writers)
		return 0;
	qos_diag(diags, QOS_INVALID, "the policy is refused: %s", policy->writers);
	if (policy->writers_hint)
		qos_diag_hint(diags, "%s", policy->writers_hint);
	return -EPERM;
}

/* "+ what\n- what\n" → {"interface", "changes": [{"op", "what"}]} */
static int changes_json(const char *ifname, const char *text, char **ret_json)
{
	_cleanup_(json_decrefp) json_t *changes = json_array(), *root = NULL;
	char *json;

	while (*text) {
		size_t len = strcspn(text, "\n");

		if (json_array_append_new(changes, json_pack("{s:s%, s:s%}", "op", text, (size_t)1,
							     "what", text + 2, len - 2)))
			return -ENOMEM;
		text += len + 1;
	}
	root = json_pack("{s:s?, s:O}", "interface", ifname, "changes", changes);
	json = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
	if (!json)
		return -ENOMEM;
	*ret_json = json;
	return 0;
}

int api_give_changes(const char *ifname, char *text, int json, char **ret_text)
{
	_cleanup_(freep) char *owned = text;

	if (json)
		return changes_json(ifname, text, ret_text);
	*ret_text = TAKE_PTR(owned);
	return 0;
}

/* lock: who applies the policy's plan, or null only to say what that would change. */
static int follow(const struct qos_policy *policy, const char *lock, struct qos_diags *diags,
		  char **ret_text)
{
	_cleanup_(planp) struct qos_plan *plan = NULL;
	_cleanup_(devicep) struct qos_device *device = NULL;
	int r = qos_plan_compile(policy, diags, &plan);

	if (r == 0)
		r = qos_kernel_open(policy->interface, lock, diags, &device);
	if (r < 0)
		return r;
	return lock ? qos_kernel_apply(device, plan, diags, ret_text) :
		      qos_kernel_plan(device, plan, diags, ret_text);
}

int qos_plan(const struct qos_policy *policy, int json, struct qos_diags *diags, char **ret_text)
{
	char *text = NULL;
	int r = qos_policy_judge_rules(policy, diags);

	if (r == 0)
		r = follow(policy, NULL, diags, &text);
	qos_policy_judge_file(policy, diags);
	if (r == 0)
		r = api_give_changes(policy->interface, text, json, ret_text);
	return api_finish(r, diags);
}

int qos_plan_full(const struct qos_policy *policy, struct qos_diags *diags, char **ret_text)
{
	_cleanup_(planp) struct qos_plan *plan = NULL;
	int r = qos_plan_compile(policy, diags, &plan);

	return api_finish(r < 0 ? r : qos_plan_print(plan, ret_text), diags);
}

int qos_apply(const struct qos_policy *policy, int json, struct qos_diags *diags, char **ret_text)
{
	char *text = NULL;
	int r = api_refuse_writers(policy, diags);

	if (r == 0)
		r = follow(policy, "qosctl apply", diags, &text);
	if (r == 0)
		r = api_give_changes(policy->interface, text, json, ret_text);
	return api_finish(r, diags);
}

int qos_remove(const char *ifname, int json, struct qos_diags *diags, char **ret_text)
{
	char *text = NULL;
	int r = ifname ? qos_kernel_remove(ifname, diags, &text) : qos_kernel_sweep(diags, &text);

	if (r == 0)
		r = api_give_changes(ifname, text, json, ret_text);
	return api_finish(r, diags);
}

int api_give_json(int r, json_t *json, struct qos_diags *diags, char **ret_json)
{
	_cleanup_(json_decrefp) json_t *owned = json;
	char *text;

	if (r < 0)
		return api_finish(r, diags);
	text = json_dumps(owned, JSON_INDENT(2));
	if (!text)
		return api_finish(-ENOMEM, diags);
	*ret_json = text;
	return 0;
}

static int give_document(int (*get)(const char *ifname, struct qos_diags *diags, json_t **ret_json),
			 const char *ifname, struct qos_diags *diags, char **ret_json)
{
	json_t *json = NULL;
	int r = get(ifname, diags, &json);

	return api_give_json(r, json, diags, ret_json);
}

int qos_show(const char *ifname, struct qos_diags *diags, char **ret_json)
{
	return give_document(qos_kernel_show, ifname, diags, ret_json);
}

int qos_stats(const char *ifname, struct qos_diags *diags, char **ret_json)
{
	return give_document(qos_kernel_stats, ifname, diags, ret_json);
}

static int compare(const struct qos_policy *policy, struct qos_diags *diags, bool *ret_read,
		   char **ret_text)
{
	_cleanup_(planp) struct qos_plan *plan = NULL;
	_cleanup_(devicep) struct qos_device *device = NULL;
	int r = qos_plan_compile(policy, diags, &plan);

	if (r == 0)
		r = qos_kernel_open(policy->interface, NULL, diags, &device);
	return r < 0 ? r : qos_kernel_compare(device, plan, ret_read, ret_text);
}

/* What cron has for an interface; stray: why there is nothing that it could begin, or null. */
static int probe_jobs(const char *ifname, const char *stray, struct qos_diags *diags,
		      json_t *checks)
{
	_cleanup_(freep) char *text = NULL;
	int r = qos_crontab_get(ifname, diags, &text);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = stray ? qos_probe_stray_jobs(ifname, stray, checks) : 0;
	return r < 0 ? r : qos_probe_crontab(ifname, diags, checks);
}

/* Nobody begins what cron does not know. */
static int probe_schedules(const struct qos_policy *policy, struct qos_diags *diags, json_t *checks)
{
	const char *state = NULL;
	int r;

	if (!policy->schedule_count)
		return probe_jobs(policy->interface, "the policy has none", diags, checks);
	if (api_find_installed(policy, diags, &state) < 0)
		return 0;
	r = qos_probe_schedules(policy->interface, state, checks);
	return r < 0 ? r : qos_probe_crontab(policy->interface, diags, checks);
}

/* Read and plan again what was applied. What is wrong with it check says better. */
static int probe_file(const char *ifname, const char *path, const char *applied,
		      struct qos_diags *diags, json_t *checks)
{
	_cleanup_(policyp) struct qos_policy *policy = NULL;
	_cleanup_(freep) char *changes = NULL;
	struct qos_probe_file file = { .path = path, .applied = applied, .ifname = ifname };
	const time_t now = time(NULL);
	int r;

	file.error = read_policy(path, &now, diags, &policy);
	if (file.error == 0 && strcmp(policy->interface, ifname) != 0)
		file.other = policy->interface;
	else if (file.error == 0)
		file.error = compare(policy, diags, &file.read, &changes);
	if (file.error == -ENOMEM)
		return -ENOMEM;
	if (file.error == 0 && !file.other) {
		file.changes = changes;
		file.judged = qos_trust_matters();
		file.writers = policy->writers;
		file.writers_hint = policy->writers_hint;
	}
	r = qos_probe_file(&file, checks);
	if (r < 0)
		return r;
	return file.error < 0 || file.other ? probe_jobs(ifname, NULL, diags, checks) :
					      probe_schedules(policy, diags, checks);
}

/* Of the interface, where one was asked for: the policy in force on it, and what cron does. */
static int doctor_policy(const json_t *doctor)
{
	_cleanup_(diagsp) struct qos_diags *diags = qos_diags_new();
	const json_t *interface = json_object_get(doctor, "interface");
	const char *ifname = json_string_value(json_object_get(interface, "name"));
	const char *path = json_string_value(json_object_get(interface, "policy"));
	const char *applied = json_string_value(json_object_get(interface, "applied"));
	json_t *checks = json_object_get(interface, "checks");

	if (!diags)
		return -ENOMEM;
	if (!ifname)
		return 0;
	if (!path || !applied)
		return probe_jobs(ifname, "no policy is in force", diags, checks);
	return probe_file(ifname, path, applied, diags, checks);
}

int qos_doctor(const char *ifname, struct qos_diags *diags, char **ret_json)
{
	json_t *json = NULL;
	int r = qos_kernel_doctor(ifname, diags, &json);

	if (r == 0)
		r = doctor_policy(json);
	return api_give_json(r, json, diags, ret_json);
}

int qos_flows(const char *ifname, unsigned int most, struct qos_diags *diags, char **ret_json)
{
	json_t *json = NULL;
	int r = qos_kernel_flows(ifname, most, diags, &json);

	return api_give_json(r, json, diags, ret_json);
}

int qos_privileges_keep(enum qos_privileges keep, struct qos_diags *diags)
{
	return qos_kernel_keep(keep, diags);
}

const char *qos_version(void)
{
	return QOS_VERSION;
}
