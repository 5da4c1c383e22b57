/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/show.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/device.h"
#include "kernel/probe.h"
#include "kernel/qdisc.h"
#include "kernel/state.h"
#include "kernel/stats.h"

DEFINE_CLEANUP(char **, namesp, qos_device_list_free)

static bool wants_fq(const struct qos_bpf *running)
{
	const json_t *mode = json_object_get(json_object_get(running->state, "show"), "mode");

	return json_is_string(mode) && strcmp(json_string_value(mode), "fq") == 0;
}

static json_t *show_qdisc(const struct qos_device *device, const struct qos_qdiscs *qdiscs)
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
			 mq ? (int)device->link.tx_queues : 1, "bands",
			 fq && strcmp(fq->kind, "fq") == 0 && qos_fq_has_bands(&fq->options));
}

/* Why what was applied is not what packets meet. Null when out of memory. */
static json_t *find_problems(const struct qos_device *device, const struct qos_qdiscs *qdiscs)
{
	const struct qos_qdisc *root = qos_qdiscs_find(qdiscs, TC_H_ROOT);

	if (!wants_fq(device->running) || qos_qdisc_is_ours(qdiscs))
		return json_array();
	return json_pack("[o]", json_sprintf("the root qdisc of %s is %s, not the fq that holds "
					     "the packets; apply puts it back",
					     device->link.name, root ? root->kind : "none"));
}

static int show_device(struct qos_device *device, struct qos_diags *diags, json_t **ret_json)
{
	_cleanup_(qos_qdiscs_done) struct qos_qdiscs qdiscs = { 0 };
	_cleanup_(json_decrefp) json_t *json = NULL, *problems = NULL;
	int r = qos_qdiscs_get(device->nl, &device->link, diags, &qdiscs);

	if (r < 0)
		return r;
	json = json_deep_copy(json_object_get(device->running->state, "show"));
	problems = find_problems(device, &qdiscs);
	/* the interface may have been renamed */
	if (json_object_set_new(json, "interface", json_string(device->link.name)) ||
	    json_object_set_new(json, "in_force", json_boolean(json_array_size(problems) == 0)) ||
	    json_object_set(json, "problems", problems) ||
	    json_object_set_new(json, "qdisc", show_qdisc(device, &qdiscs)) ||
	    json_object_set_new(json, "filter",
				json_pack("{s:i, s:I}", "pref", device->pref, "prog_id",
					  (json_int_t)device->running->prog_id)))
		return -ENOMEM;
	*ret_json = TAKE_PTR(json);
	return 0;
}

typedef int (*describe_fn)(struct qos_device *device, struct qos_diags *diags, json_t **ret_json);

static int add_device(const char *ifname, describe_fn describe, struct qos_diags *diags,
		      json_t *all)
{
	_cleanup_(qos_device_closep) struct qos_device *device = NULL;
	json_t *one = NULL;
	int r = qos_device_open(ifname, NULL, diags, &device);

	if (r < 0)
		return r;
	if (!device->running) {
		qos_diag(diags, QOS_FAILED,
			 device->attached ? "%s is shaped by another version of qosctl" :
					    "%s is not shaped by qosctl",
			 ifname);
		qos_diag_hint(diags, "qosctl apply %s", ifname);
		return -ENOENT;
	}
	r = describe(device, diags, &one);
	if (r < 0)
		return r;
	return json_array_append_new(all, one) ? -ENOMEM : 0;
}

static int describe(const char *ifname, describe_fn fn, struct qos_diags *diags, json_t **ret_json)
{
	_cleanup_(namesp) char **names = NULL;
	_cleanup_(json_decrefp) json_t *all = json_array();
	int r = 0;

	if (ifname) {
		r = add_device(ifname, fn, diags, all);
	} else {
		r = qos_device_list(diags, &names);
		for (char **name = names; r == 0 && *name; name++)
			r = add_device(*name, fn, diags, all);
	}
	if (r < 0)
		return r;
	*ret_json = TAKE_PTR(all);
	return 0;
}

int qos_kernel_show(const char *ifname, struct qos_diags *diags, json_t **ret_json)
{
	return describe(ifname, show_device, diags, ret_json);
}

int qos_kernel_stats(const char *ifname, struct qos_diags *diags, json_t **ret_json)
{
	return describe(ifname, qos_device_stats, diags, ret_json);
}

static int doctor_interface(const char *ifname, struct qos_diags *diags, json_t **ret_json)
{
	_cleanup_(qos_device_closep) struct qos_device *device = NULL;
	_cleanup_(json_decrefp) json_t *checks = json_array();
	struct qos_probe_known known = { 0 };
	int r = qos_device_open(ifname, NULL, diags, &device);

	if (r < 0)
		return r;
	known.shaped = qos_device_known(device) != NULL;
	known.filter = device->running != NULL;
	known.fq = known.shaped && wants_fq(qos_device_known(device));
	r = qos_probe_link(device->nl, &device->link, &known, diags, checks);
	if (r < 0)
		return r;
	*ret_json = json_pack("{s:s, s:O}", "name", device->link.name, "checks", checks);
	return *ret_json ? 0 : -ENOMEM;
}

int qos_kernel_doctor(const char *ifname, struct qos_diags *diags, json_t **ret_json)
{
	_cleanup_(json_decrefp) json_t *checks = json_array(), *interface = NULL;
	int r = qos_probe_system(checks);

	if (r == 0 && ifname)
		r = doctor_interface(ifname, diags, &interface);
	if (r < 0)
		return r;
	*ret_json = json_pack("{s:O, s:O?}", "checks", checks, "interface", interface);
	return *ret_json ? 0 : -ENOMEM;
}
