/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library from the outside: each call is its stages, in their order. */
#include <qos/qos.h>

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "compile/plan.h"
#include "kernel/apply.h"
#include "kernel/privileges.h"
#include "kernel/probe.h"
#include "kernel/show.h"
#include "kernel/trust.h"
#include "model/policy.h"
#include "parse/doc.h"

DEFINE_CLEANUP(struct qos_node *, nodep, qos_node_free)
DEFINE_CLEANUP(struct qos_policy *, policyp, qos_policy_free)
DEFINE_CLEANUP(struct qos_plan *, planp, qos_plan_free)
DEFINE_CLEANUP(struct qos_diags *, diagsp, qos_diags_free)

/* -ENOMEM has nobody else to say it. */
static int finish(int r, struct qos_diags *diags)
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

/* A policy with the values of the schedule that holds at a time, which base has. */
static int build_scheduled(const struct qos_node *root, const struct qos_policy *base, time_t when,
			   struct qos_diags *diags, struct qos_policy **ret_policy)
{
	time_t since = 0;
	const struct qos_schedule *schedule = qos_policy_schedule_at(base, when, &since);
	struct qos_policy *policy;
	int r;

	if (!schedule)
		return -ENOENT;
	r = qos_policy_build(root, base->path, schedule->overrides, schedule->override_count, diags,
			     &policy);
	if (r < 0)
		return r;
	policy->schedule = &policy->schedules[schedule - base->schedules];
	policy->schedule_since = since;
	*ret_policy = policy;
	return 0;
}

/* when: null: as the file has it. */
static int build_policy(const struct qos_node *root, const char *path, const time_t *when,
			struct qos_diags *diags, struct qos_policy **ret_policy)
{
	_cleanup_(policyp) struct qos_policy *base = NULL;
	int r = qos_policy_build(root, path, NULL, 0, diags, &base);

	if (r < 0)
		return r;
	r = when ? build_scheduled(root, base, *when, diags, ret_policy) : -ENOENT;
	if (r != -ENOENT)
		return r;
	*ret_policy = TAKE_PTR(base);
	return 0;
}

static int read_policy(const char *path, const time_t *when, struct qos_diags *diags,
		       struct qos_policy **ret_policy)
{
	_cleanup_(closep) int fd = -1;
	_cleanup_(freep) char *text = NULL;
	_cleanup_(nodep) struct qos_node *root = NULL;
	_cleanup_(policyp) struct qos_policy *policy = NULL;
	size_t len = 0;
	int r = qos_file_open(path, diags, &fd);

	if (r == 0)
		r = qos_file_read(fd, path, diags, &text, &len);
	if (r < 0)
		return r;
	r = qos_doc_read(text, len, diags, &root);
	if (r < 0)
		return r;
	r = build_policy(root, path, when, diags, &policy);
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
	return finish(read_policy(path, NULL, diags, ret_policy), diags);
}

int qos_policy_read_at(const char *path, time_t when, struct qos_diags *diags,
		       struct qos_policy **ret_policy)
{
	return finish(read_policy(path, &when, diags, ret_policy), diags);
}

const char *qos_policy_interface(const struct qos_policy *policy)
{
	return policy->interface;
}

void qos_policy_judge_file(const struct qos_policy *policy, struct qos_diags *diags)
{
	if (!policy->writers)
		return;
	qos_diag_warn(diags, "%s: apply refuses the policy", policy->writers);
	if (policy->writers_hint)
		qos_diag_hint(diags, "%s", policy->writers_hint);
}

/* Root does nothing that somebody else may have written. */
static int refuse_writers(const struct qos_policy *policy, struct qos_diags *diags)
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
	root = json_pack("{s:s, s:O}", "interface", ifname, "changes", changes);
	json = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
	if (!json)
		return -ENOMEM;
	*ret_json = json;
	return 0;
}

/* Hand changes over as text or as JSON. Takes text over. */
static int give_changes(const char *ifname, char *text, int json, char **ret_text)
{
	_cleanup_(freep) char *owned = text;

	if (json)
		return changes_json(ifname, text, ret_text);
	*ret_text = TAKE_PTR(owned);
	return 0;
}

/* Compile a policy and hand its plan to a stage. */
static int with_plan(const struct qos_policy *policy, struct qos_diags *diags,
		     int (*stage)(const struct qos_plan *plan, struct qos_diags *diags,
				  char **ret_text),
		     char **ret_text)
{
	_cleanup_(planp) struct qos_plan *plan = NULL;
	int r = qos_plan_compile(policy, diags, &plan);

	return r < 0 ? r : stage(plan, diags, ret_text);
}

static int print_plan(const struct qos_plan *plan, struct qos_diags *diags, char **ret_text)
{
	(void)diags;
	return qos_plan_print(plan, ret_text);
}

int qos_plan(const struct qos_policy *policy, int json, struct qos_diags *diags, char **ret_text)
{
	char *text = NULL;
	int r = with_plan(policy, diags, qos_kernel_plan, &text);

	qos_policy_judge_file(policy, diags);
	if (r == 0)
		r = give_changes(policy->interface, text, json, ret_text);
	return finish(r, diags);
}

int qos_plan_full(const struct qos_policy *policy, struct qos_diags *diags, char **ret_text)
{
	return finish(with_plan(policy, diags, print_plan, ret_text), diags);
}

int qos_apply(const struct qos_policy *policy, int json, struct qos_diags *diags, char **ret_text)
{
	char *text = NULL;
	int r = refuse_writers(policy, diags);

	if (r == 0)
		r = with_plan(policy, diags, qos_kernel_apply, &text);
	if (r == 0)
		r = give_changes(policy->interface, text, json, ret_text);
	return finish(r, diags);
}

int qos_remove(const char *ifname, int json, struct qos_diags *diags, char **ret_text)
{
	char *text = NULL;
	int r = qos_kernel_remove(ifname, diags, &text);

	if (r == 0)
		r = give_changes(ifname, text, json, ret_text);
	return finish(r, diags);
}

/* Of a call that returned r. Takes json over. */
static int give_json(int r, json_t *json, struct qos_diags *diags, char **ret_json)
{
	_cleanup_(json_decrefp) json_t *owned = json;
	char *text;

	if (r < 0)
		return finish(r, diags);
	text = json_dumps(owned, JSON_INDENT(2));
	if (!text)
		return finish(-ENOMEM, diags);
	*ret_json = text;
	return 0;
}

static int give_document(int (*get)(const char *ifname, struct qos_diags *diags, json_t **ret_json),
			 const char *ifname, struct qos_diags *diags, char **ret_json)
{
	json_t *json = NULL;
	int r = get(ifname, diags, &json);

	return give_json(r, json, diags, ret_json);
}

int qos_show(const char *ifname, struct qos_diags *diags, char **ret_json)
{
	return give_document(qos_kernel_show, ifname, diags, ret_json);
}

int qos_stats(const char *ifname, struct qos_diags *diags, char **ret_json)
{
	return give_document(qos_kernel_stats, ifname, diags, ret_json);
}

/* Read and plan again what was applied. What is wrong with it check says better. */
static int probe_file(const char *path, const char *applied, struct qos_diags *diags,
		      json_t *checks)
{
	_cleanup_(policyp) struct qos_policy *policy = NULL;
	_cleanup_(freep) char *changes = NULL;
	struct qos_probe_file file = { .path = path, .applied = applied };
	const time_t now = time(NULL);

	file.error = read_policy(path, &now, diags, &policy);
	if (file.error == 0)
		file.error = with_plan(policy, diags, qos_kernel_compare, &changes);
	if (file.error == -ENOMEM)
		return -ENOMEM;
	if (file.error == 0) {
		file.changes = changes;
		file.judged = qos_trust_matters();
		file.writers = policy->writers;
		file.writers_hint = policy->writers_hint;
	}
	return qos_probe_file(&file, checks);
}

/* Of the interface, where one was asked for and a policy is in force on it. */
static int doctor_policy(const json_t *doctor)
{
	_cleanup_(diagsp) struct qos_diags *diags = qos_diags_new();
	const json_t *interface = json_object_get(doctor, "interface");
	const char *path = json_string_value(json_object_get(interface, "policy"));
	const char *applied = json_string_value(json_object_get(interface, "applied"));

	if (!diags)
		return -ENOMEM;
	if (!path || !applied)
		return 0;
	return probe_file(path, applied, diags, json_object_get(interface, "checks"));
}

int qos_doctor(const char *ifname, struct qos_diags *diags, char **ret_json)
{
	json_t *json = NULL;
	int r = qos_kernel_doctor(ifname, diags, &json);

	if (r == 0)
		r = doctor_policy(json);
	return give_json(r, json, diags, ret_json);
}

int qos_flows(const char *ifname, unsigned int most, struct qos_diags *diags, char **ret_json)
{
	json_t *json = NULL;
	int r = qos_kernel_flows(ifname, most, diags, &json);

	return give_json(r, json, diags, ret_json);
}

int qos_privileges_keep(enum qos_privileges keep, struct qos_diags *diags)
{
	return qos_kernel_keep(keep, diags);
}

const char *qos_version(void)
{
	return QOS_VERSION;
}
