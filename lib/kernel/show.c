/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/show.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/bpf_state.h"
#include "kernel/device.h"
#include "kernel/expiry.h"
#include "kernel/flows.h"
#include "kernel/hits.h"
#include "kernel/ports.h"
#include "kernel/probe.h"
#include "kernel/rates.h"
#include "kernel/state.h"
#include "kernel/stats.h"

DEFINE_CLEANUP(char **, namesp, qos_device_list_free)

static bool wants_fq(const struct qos_bpf *running)
{
	const json_t *mode = json_object_get(json_object_get(running->state, "show"), "mode");

	return json_is_string(mode) && strcmp(json_string_value(mode), "fq") == 0;
}

/* Of a bond that of its first slave. */
static json_t *show_qdisc(const struct qos_link_info *link, const struct qos_qdiscs *qdiscs)
{
	const struct qos_qdisc *root = qos_qdiscs_find(qdiscs, TC_H_ROOT), *fq = NULL;
	char handle[QOS_TC_HANDLE_LEN];
	bool mq;

	if (!root)
		return json_null();
	mq = strcmp(root->kind, "mq") == 0;
	fq = mq ? qos_qdiscs_find(qdiscs, root->handle | 1) : root;
	return json_pack("{s:s, s:s, s:i, s:b}", "kind", root->kind, "handle",
			 qos_tc_handle_text(root->handle, handle), "queues",
			 mq ? (int)link->tx_queues : 1, "bands",
			 fq && strcmp(fq->kind, "fq") == 0 && qos_fq_has_bands(&fq->options));
}

/* Somebody replaced one of a port's qdiscs: its packets do not wait for their time. */
static int find_other_qdisc(const struct qos_link_info *link, const struct qos_qdiscs *qdiscs,
			    json_t *problems)
{
	_cleanup_(freep) char *why = NULL;
	int r = qos_qdiscs_verify(qdiscs, link, NULL, &why);

	if (r < 0 || !why)
		return r;
	if (json_array_append_new(problems, json_sprintf("the qdiscs of %s were changed: %s; "
							 "apply puts ours back",
							 link->name, why)))
		return -ENOMEM;
	return 0;
}

/* The root of a port, and why what was applied is not what packets meet there. */
static int show_port(const struct qos_device *device, size_t i, struct qos_diags *diags,
		     json_t *problems, json_t **ret_qdisc)
{
	_cleanup_(qos_qdiscs_done) struct qos_qdiscs qdiscs = { 0 };
	const struct qos_link_info *link = &device->ports[i].link;
	int r = qos_qdiscs_get(device->nl, link, diags, &qdiscs);

	if (r == 0 && wants_fq(qos_device_known(device)))
		r = find_other_qdisc(link, &qdiscs, problems);
	if (r < 0)
		return r;
	*ret_qdisc = show_qdisc(link, &qdiscs);
	return 0;
}

static int show_ports(const struct qos_device *device, struct qos_diags *diags, json_t *problems,
		      json_t **ret_qdisc)
{
	_cleanup_(json_decrefp) json_t *first = json_null();

	for (size_t i = 0; i < device->port_count; i++) {
		_cleanup_(json_decrefp) json_t *qdisc = NULL;
		int r = show_port(device, i, diags, problems, &qdisc);

		if (r < 0)
			return r;
		if (i == 0)
			first = TAKE_PTR(qdisc);
	}
	*ret_qdisc = TAKE_PTR(first);
	return 0;
}

static int find_unfinished(const struct qos_device *device, json_t *problems)
{
	if (qos_state_is_finished(qos_device_known(device)->state))
		return 0;
	return json_array_append_new(
		problems, json_string("the classes' numbers are being changed, or that was "
				      "interrupted; apply finishes it"));
}

/* What was put over the policy's values, and until when. */
static json_t *show_sets(const json_t *state)
{
	_cleanup_(json_decrefp) json_t *sets = json_array();
	const json_t *set;
	size_t i;

	json_array_foreach(json_object_get(state, "sets"), i, set) {
		json_t *shown = json_deep_copy(set);
		uint64_t ends = (uint64_t)json_integer_value(json_object_get(set, "ends"));

		json_object_del(shown, "ends");
		if (json_object_set_new(shown, "until",
					ends ? qos_state_time(qos_expiry_wall(ends)) :
					       json_null()) ||
		    json_array_append_new(sets, shown))
			return NULL;
	}
	return TAKE_PTR(sets);
}

/* That which holds, and since when. */
static json_t *show_schedule(const json_t *state)
{
	const json_t *schedule = json_object_get(state, "schedule");

	if (!json_is_object(schedule))
		return json_null();
	return json_pack("{s:O, s:o}", "name", json_object_get(schedule, "name"), "since",
			 qos_state_time(json_integer_value(json_object_get(schedule, "since"))));
}

static int find_lost_filter(const struct qos_device *device, struct qos_diags *diags,
			    json_t *problems)
{
	int r = device->running ? 0 : qos_clsact_is_there(device->nl, &device->link, diags);

	if (device->running || r < 0)
		return r;
	if (json_array_append_new(
		    problems,
		    json_sprintf("%s of %s is gone, nothing is shaped; apply puts it back",
				 r ? "our filter" : "clsact, and our filter with it,",
				 device->link.name)))
		return -ENOMEM;
	return 0;
}

static json_t *show_filter(const struct qos_device *device)
{
	if (!device->running)
		return json_null();
	return json_pack("{s:i, s:I}", "pref", device->pref, "prog_id",
			 (json_int_t)device->running->prog_id);
}

static int show_device(struct qos_device *device, struct qos_diags *diags, json_t **ret_json)
{
	_cleanup_(json_decrefp) json_t *json = NULL, *problems = json_array(), *qdisc = NULL;
	const struct qos_bpf *known = qos_device_known(device);
	int r = find_lost_filter(device, diags, problems);

	if (r == 0)
		r = show_ports(device, diags, problems, &qdisc);
	if (r < 0)
		return r;
	if (find_unfinished(device, problems))
		return -ENOMEM;
	json = json_deep_copy(json_object_get(known->state, "show"));
	/* the interface may have been renamed */
	if (json_object_set_new(json, "interface", json_string(device->link.name)) ||
	    json_object_set_new(json, "in_force", json_boolean(json_array_size(problems) == 0)) ||
	    json_object_set(json, "policy", json_object_get(known->state, "path")) ||
	    json_object_set_new(json, "schedule", show_schedule(known->state)) ||
	    json_object_set_new(json, "set", show_sets(known->state)) ||
	    json_object_set(json, "problems", problems) || json_object_set(json, "qdisc", qdisc) ||
	    json_object_set_new(json, "filter", show_filter(device)))
		return -ENOMEM;
	r = qos_rates_add(known, json);
	if (r < 0)
		return qos_bpf_fail(diags, r, "cannot read the rates of %s", device->link.name);
	*ret_json = TAKE_PTR(json);
	return 0;
}

typedef int (*describe_fn)(struct qos_device *device, struct qos_diags *diags, json_t **ret_json);

/* lost: one that somebody took the filter of will do. */
static int open_shaped(const char *ifname, bool lost, struct qos_diags *diags,
		       struct qos_device **ret_device)
{
	_cleanup_(qos_device_closep) struct qos_device *device = NULL;
	int r = qos_device_open(ifname, NULL, diags, &device);

	if (r == 0 && !(lost && device->pinned))
		r = qos_device_expect_running(device, diags);
	if (r < 0)
		return r;
	*ret_device = TAKE_PTR(device);
	return 0;
}

static int add_device(const char *ifname, describe_fn describe, bool lost, struct qos_diags *diags,
		      json_t *all)
{
	_cleanup_(qos_device_closep) struct qos_device *device = NULL;
	json_t *one = NULL;
	int r = open_shaped(ifname, lost, diags, &device);

	if (r < 0)
		return r;
	r = describe(device, diags, &one);
	if (r < 0)
		return r;
	return json_array_append_new(all, one) ? -ENOMEM : 0;
}

static int describe(const char *ifname, describe_fn fn, bool lost, struct qos_diags *diags,
		    json_t **ret_json)
{
	_cleanup_(namesp) char **names = NULL;
	_cleanup_(json_decrefp) json_t *all = json_array();
	int r = 0;

	if (ifname) {
		r = add_device(ifname, fn, lost, diags, all);
	} else {
		r = qos_device_list(lost, diags, &names);
		for (char **name = names; r == 0 && *name; name++)
			r = add_device(*name, fn, lost, diags, all);
	}
	if (r < 0)
		return r;
	*ret_json = TAKE_PTR(all);
	return 0;
}

int qos_kernel_show(const char *ifname, struct qos_diags *diags, json_t **ret_json)
{
	return describe(ifname, show_device, true, diags, ret_json);
}

int qos_kernel_stats(const char *ifname, struct qos_diags *diags, json_t **ret_json)
{
	return describe(ifname, qos_device_stats, false, diags, ret_json);
}

int qos_kernel_hits(const char *ifname, struct qos_diags *diags, json_t **ret_json)
{
	return describe(ifname, qos_device_hits, false, diags, ret_json);
}

int qos_kernel_flows(const char *ifname, size_t most, struct qos_diags *diags, json_t **ret_json)
{
	_cleanup_(qos_device_closep) struct qos_device *device = NULL;
	int r = open_shaped(ifname, false, diags, &device);

	return r < 0 ? r : qos_device_flows(device, most, diags, ret_json);
}

static json_t *text_or_null(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	return value ? json_incref(value) : json_null();
}

/* *ret_police: the policy in force needs no fq. */
static int doctor_interface(const char *ifname, struct qos_diags *diags, bool *ret_police,
			    json_t **ret_json)
{
	_cleanup_(qos_device_closep) struct qos_device *device = NULL;
	_cleanup_(json_decrefp) json_t *checks = json_array();
	struct qos_probe_known known = { 0 };
	const json_t *state = NULL;
	int r = qos_device_open(ifname, NULL, diags, &device);

	if (r < 0)
		return r;
	known.shaped = qos_device_known(device) != NULL;
	known.filter = device->running != NULL;
	known.fq = known.shaped && wants_fq(qos_device_known(device));
	known.device = device;
	r = qos_probe_link(device->nl, &device->link, &known, diags, checks);
	if (r < 0)
		return r;
	*ret_police = known.shaped && !known.fq;
	if (known.shaped)
		state = qos_device_known(device)->state;
	*ret_json = json_pack("{s:s, s:O, s:o, s:o}", "name", device->link.name, "checks", checks,
			      "policy", text_or_null(state, "path"), "applied",
			      text_or_null(json_object_get(state, "show"), "applied"));
	return *ret_json ? 0 : -ENOMEM;
}

int qos_kernel_doctor(const char *ifname, struct qos_diags *diags, json_t **ret_json)
{
	_cleanup_(json_decrefp) json_t *checks = json_array(), *interface = NULL;
	bool police = false;
	int r = ifname ? doctor_interface(ifname, diags, &police, &interface) : 0;

	/* who may not look at it is told why, and what is missing */
	if (r == 0 || r == -EPERM || r == -EACCES)
		r = qos_probe_system(police, checks);
	if (r < 0)
		return r;
	*ret_json = json_pack("{s:O, s:O?}", "checks", checks, "interface", interface);
	return *ret_json ? 0 : -ENOMEM;
}
