/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Schedules: for cron to begin them, and what they are. */
#include <qos/qos.h>

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "base/cleanup.h"
#include "compile/crontab.h"
#include "kernel/apply.h"
#include "kernel/crontab.h"
#include "kernel/in_force.h"
#include "kernel/netns.h"
#include "kernel/state.h"
#include "model/policy.h"
#include "parse/doc.h"

DEFINE_CLEANUP(struct qos_node *, nodep, qos_node_free)
DEFINE_CLEANUP(struct qos_policy *, policyp, qos_policy_free)
DEFINE_CLEANUP(struct qos_device *, devicep, qos_kernel_close)

/* cron is going to run it as root. */
static int warn_writers(const char *ifname, struct qos_diags *diags)
{
	_cleanup_(qos_trust_done) struct qos_trust trust = { .why = NULL };
	_cleanup_(freep) char *program = NULL;
	int r;

	if (!qos_trust_matters())
		return 0;
	r = qos_crontab_judge_program(ifname, diags, &program, &trust);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (trust.why) {
		qos_diag_warn(diags, "%s: cron runs %s as root", trust.why, program);
		qos_diag_hint(diags, "%s", trust.hint);
	}
	return 0;
}

/* It is in effect where cron itself is; its jobs name no namespace. */
static void warn_namespace(const char *ifname, const char *program, struct qos_diags *diags)
{
	if (qos_netns_is_first())
		return;
	qos_diag_warn(diags,
		      "cron begins schedules in the network namespace that it runs in itself, and "
		      "this one is not the machine's first");
	qos_diag_hint(diags,
		      "where cron runs outside, 'qosctl schedule remove %s' and write, for each "
		      "schedule, into another file of /etc/cron.d: CRON root ip netns exec NAME %s "
		      "schedule run %s%s SCHEDULE",
		      ifname, program, qos_crontab_before(ifname), ifname);
}

static int install(const struct qos_policy *policy, const char *program, struct qos_diags *diags,
		   char **ret_path)
{
	_cleanup_(freep) char *text = NULL, *path = NULL;
	int r;

	if (!policy->schedule_count) {
		qos_diag(diags, QOS_INVALID, "the policy of %s has no schedules",
			 policy->interface);
		return -ENOENT;
	}
	r = api_refuse_writers(policy, diags);
	if (r == 0)
		r = qos_crontab_path(policy->interface, diags, &path);
	if (r == 0)
		r = qos_crontab_print(policy, program, diags, &text);
	if (r == 0)
		r = qos_crontab_put(policy->interface, text, diags);
	if (r == 0)
		r = warn_writers(policy->interface, diags);
	if (r < 0)
		return r;
	warn_namespace(policy->interface, program, diags);
	*ret_path = TAKE_PTR(path);
	return 0;
}

int qos_schedule_install(const struct qos_policy *policy, const char *program,
			 struct qos_diags *diags, char **ret_path)
{
	return api_finish(install(policy, program, diags, ret_path), diags);
}

int qos_schedule_uninstall(const char *ifname, struct qos_diags *diags, char **ret_path)
{
	_cleanup_(freep) char *path = NULL;
	int r = qos_crontab_path(ifname, diags, &path);

	if (r == 0)
		r = qos_crontab_remove(ifname, diags);
	if (r == 0)
		*ret_path = TAKE_PTR(path);
	return api_finish(r, diags);
}

static json_t *list_overrides(const struct qos_schedule *schedule)
{
	_cleanup_(json_decrefp) json_t *set = json_array();

	for (size_t i = 0; i < schedule->override_count; i++) {
		const struct qos_override *o = &schedule->overrides[i];

		if (json_array_append_new(set, json_pack("{s:s, s:s, s:s}", "class", o->class,
							 "key", o->key, "value", o->value->text)))
			return NULL;
	}
	return TAKE_PTR(set);
}

static json_t *list_schedule(const struct qos_schedule *schedule,
			     const struct qos_in_force *in_force, time_t now)
{
	bool holds = in_force->schedule && strcmp(in_force->schedule, schedule->name) == 0;
	time_t next;

	return json_pack("{s:s, s:s, s:o, s:b, s:o, s:o}", "name", schedule->name, "cron",
			 schedule->cron_text, "next",
			 qos_cron_next(&schedule->cron, now, &next) == 0 ? qos_state_time(next) :
									   json_null(),
			 "holds", holds, "since",
			 holds ? qos_state_time(in_force->since) : json_null(), "set",
			 list_overrides(schedule));
}

static json_t *list_schedules(const struct qos_policy *policy, const struct qos_in_force *in_force,
			      time_t now)
{
	_cleanup_(json_decrefp) json_t *list = json_array();

	for (size_t i = 0; i < policy->schedule_count; i++) {
		if (json_array_append_new(list,
					  list_schedule(&policy->schedules[i], in_force, now)))
			return NULL;
	}
	return TAKE_PTR(list);
}

/* 1 when cron begins what the policy says: it is in the text, and what cron runs is there. */
static int is_installed(const struct qos_policy *policy, const char *text)
{
	_cleanup_(freep) char *program = NULL;
	int r = qos_crontab_is_of(policy, text);

	if (r > 0)
		r = qos_crontab_program(text, &program);
	return program ? !qos_crontab_is_gone(program) : r;
}

int api_find_installed(const struct qos_policy *policy, struct qos_diags *diags,
		       const char **ret_state)
{
	_cleanup_(freep) char *text = NULL;
	int r = qos_crontab_get(policy->interface, diags, &text);

	if (r == -ENOENT) {
		*ret_state = "not installed";
		return 0;
	}
	if (r == 0)
		r = is_installed(policy, text);
	if (r < 0)
		return r;
	*ret_state = r ? "installed" : "out of date";
	return 0;
}

static int list(const char *ifname, struct qos_diags *diags, json_t **ret_json)
{
	_cleanup_(qos_in_force_done) struct qos_in_force in_force = { .path = NULL };
	_cleanup_(devicep) struct qos_device *device = NULL;
	_cleanup_(policyp) struct qos_policy *policy = NULL;
	_cleanup_(nodep) struct qos_node *root = NULL;
	_cleanup_(freep) char *path = NULL;
	const char *installed = NULL;
	int r = qos_kernel_open(ifname, NULL, diags, &device);

	if (r == 0)
		r = qos_in_force_get(device, diags, &in_force);
	if (r == 0)
		r = api_read_in_force(&in_force, diags, &root, &policy);
	if (r == 0)
		r = qos_crontab_path(ifname, diags, &path);
	if (r == 0)
		r = api_find_installed(policy, diags, &installed);
	if (r < 0 || !policy)
		return r;
	*ret_json =
		json_pack("{s:s, s:s, s:s, s:o}", "interface", ifname, "crontab", path, "installed",
			  installed, "schedules", list_schedules(policy, &in_force, time(NULL)));
	return *ret_json ? 0 : -ENOMEM;
}

int qos_schedules(const char *ifname, struct qos_diags *diags, char **ret_json)
{
	json_t *json = NULL;
	int r = list(ifname, diags, &json);

	return api_give_json(r, json, diags, ret_json);
}
