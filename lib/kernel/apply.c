/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/apply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/bpffs.h"
#include "kernel/device.h"
#include "kernel/pins.h"
#include "kernel/qdisc.h"
#include "kernel/snapshot.h"
#include "kernel/state.h"

/* The plan that the kernel now follows, as text: what is gone is not in it. */
static int plan_in_force(const struct qos_device *device, const struct qos_plan *plan,
			 struct qos_diags *diags, char **ret_text)
{
	const char *known = device->running ? qos_state_plan(device->running->state) : "";
	_cleanup_(freep) char *why = NULL, *text = strdup(known);
	char *qdisc;
	int r;

	if (!text)
		return -ENOMEM;
	qdisc = strstr(text, "\nqdisc ");
	if (qdisc && plan->link.mode == QOS_MODE_FQ) {
		r = qos_qdisc_verify(device->nl, &device->link, &plan->fq, diags, &why);
		if (r < 0)
			return r;
		if (why)
			qdisc[1] = '\0';	/* the plan's last line */
	}
	*ret_text = TAKE_PTR(text);
	return 0;
}

static int find_changes(const struct qos_device *device, const struct qos_plan *plan,
			struct qos_diags *diags, char **ret_text)
{
	_cleanup_(freep) char *then = NULL, *now = NULL;
	int r = plan_in_force(device, plan, diags, &then);

	if (r == 0)
		r = qos_plan_print(plan, &now);
	if (r == 0)
		r = qos_plan_diff(then, now, ret_text);
	return r;
}

int qos_kernel_plan(const struct qos_plan *plan, struct qos_diags *diags, char **ret_text)
{
	_cleanup_(qos_device_closep) struct qos_device *device = NULL;
	int r = qos_device_open(plan->policy->interface, NULL, diags, &device);

	return r < 0 ? r : find_changes(device, plan, diags, ret_text);
}

/* What remove is to put back: what the first apply found. */
static int find_origin(const struct qos_device *device, const struct qos_snapshot *now,
		       struct qos_diags *diags, json_t **ret_origin)
{
	const struct qos_bpf *known = qos_device_known(device);

	if (known) {
		*ret_origin = json_incref(qos_state_origin(known->state));
		return 0;
	}
	if (qos_qdisc_is_ours(&now->qdiscs)) {
		/* program and pins were taken away, fq was not */
		qos_diag_warn(diags, "what %s had before qosctl is not known any more; remove "
			      "will put back the kernel's default", device->link.name);
		return qos_snapshot_to_json(&(struct qos_snapshot){
			.gso_max_size = now->gso_max_size,
			.gso_ipv4_max_size = now->gso_ipv4_max_size,
		}, ret_origin);
	}
	return qos_snapshot_to_json(now, ret_origin);
}

/* What has been done, to be undone when the next step fails. */
struct progress {
	const struct qos_snapshot *before;
	bool clsact, qdisc, filter;
};

/* Undoing reports nothing: the diagnostic is why it is undone. */
static void roll_back(const struct qos_device *device, const struct progress *done)
{
	if (done->filter && device->running)
		qos_filter_put(device->nl, &device->link, device->running->prog_fd, NULL);
	else if (done->filter)
		qos_filter_delete(device->nl, &device->link, NULL);
	if (done->qdisc)
		qos_snapshot_restore(device->nl, &device->link, done->before, NULL);
	if (done->clsact)
		qos_clsact_release(device->nl, &device->link, NULL);
}

/* fq where the plan wants it; where it polices, what was there before us. */
static int put_qdisc(const struct qos_device *device, const struct qos_plan *plan,
		     const struct qos_snapshot *now, const json_t *origin,
		     struct qos_diags *diags)
{
	_cleanup_(qos_snapshot_freep) struct qos_snapshot *first = NULL;
	int r;

	if (plan->link.mode == QOS_MODE_FQ)
		return qos_qdisc_install(device->nl, &device->link, &plan->fq, diags);
	if (!qos_qdisc_is_ours(&now->qdiscs))
		return 0;
	r = qos_snapshot_from_json(origin, &first);
	return r < 0 ? r : qos_snapshot_restore(device->nl, &device->link, first, diags);
}

static int put_all(const struct qos_device *device, const struct qos_plan *plan,
		   struct qos_bpf *bpf, const json_t *origin, struct progress *done,
		   struct qos_diags *diags)
{
	int r = qos_clsact_ensure(device->nl, &device->link, diags, &done->clsact);

	if (r < 0)
		return r;
	done->qdisc = true;
	r = put_qdisc(device, plan, done->before, origin, diags);
	if (r < 0)
		return r;
	r = qos_pins_prepare(bpf, device->pin_dir, diags);
	if (r < 0)
		return r;
	done->filter = true;
	r = qos_filter_put(device->nl, &device->link, bpf->prog_fd, diags);
	if (r < 0)
		return r;
	return qos_pins_commit(device->pin_dir, diags);
}

static int change(const struct qos_device *device, const struct qos_plan *plan,
		  struct qos_diags *diags)
{
	_cleanup_(qos_snapshot_freep) struct qos_snapshot *now = NULL;
	_cleanup_(qos_bpf_freep) struct qos_bpf *bpf = NULL;
	_cleanup_(json_decrefp) json_t *origin = NULL, *state = NULL;
	struct progress done = {0};
	int r = qos_snapshot_take(device->nl, &device->link, diags, &now);

	if (r == 0)
		r = find_origin(device, now, diags, &origin);
	if (r == 0)
		r = qos_state_new(plan, &device->link, origin, &state);
	if (r == 0)
		r = qos_bpf_load(plan, &device->link, qos_device_known(device), state, diags, &bpf);
	if (r < 0)
		return r;
	done.before = now;
	r = put_all(device, plan, bpf, origin, &done, diags);
	if (r < 0) {
		roll_back(device, &done);
		qos_pins_abandon(device->pin_dir);
	}
	return r;
}

int qos_kernel_apply(const struct qos_plan *plan, struct qos_diags *diags, char **ret_text)
{
	_cleanup_(qos_device_closep) struct qos_device *device = NULL;
	_cleanup_(freep) char *changes = NULL;
	int r = qos_device_open(plan->policy->interface, "qosctl apply", diags, &device);

	if (r == 0)
		r = find_changes(device, plan, diags, &changes);
	if (r < 0)
		return r;
	if (*changes || !qos_state_is_current(device->running))
		r = change(device, plan, diags);
	if (r < 0)
		return r;
	*ret_text = TAKE_PTR(changes);
	return 0;
}

static int restore_origin(const struct qos_device *device, struct qos_diags *diags)
{
	_cleanup_(qos_snapshot_freep) struct qos_snapshot *now = NULL, *origin = NULL;
	const struct qos_bpf *known = qos_device_known(device);
	int r = qos_snapshot_take(device->nl, &device->link, diags, &now);

	if (r < 0)
		return r;
	/* a root that somebody else put there since is theirs */
	if (!qos_qdisc_is_ours(&now->qdiscs))
		return 0;
	if (!known)
		return qos_qdisc_delete(device->nl, &device->link, TC_H_ROOT, diags);
	r = qos_snapshot_from_json(qos_state_origin(known->state), &origin);
	return r < 0 ? r : qos_snapshot_restore(device->nl, &device->link, origin, diags);
}

static bool had_clsact(const struct qos_device *device)
{
	const struct qos_bpf *known = qos_device_known(device);

	return known && json_is_true(json_object_get(qos_state_origin(known->state), "clsact"));
}

/* Whether our qdisc is there, whatever became of the program. */
static int has_our_qdisc(const struct qos_device *device, struct qos_diags *diags)
{
	_cleanup_(qos_qdiscs_done) struct qos_qdiscs qdiscs = {0};
	int r = qos_qdiscs_get(device->nl, &device->link, diags, &qdiscs);

	return r < 0 ? r : qos_qdisc_is_ours(&qdiscs);
}

int qos_kernel_remove(const char *ifname, struct qos_diags *diags, char **ret_text)
{
	_cleanup_(qos_device_closep) struct qos_device *device = NULL;
	_cleanup_(freep) char *changes = NULL;
	const struct qos_bpf *known;
	int r = qos_device_open(ifname, "qosctl remove", diags, &device), qdisc, clsact;

	if (r < 0)
		return r;
	known = qos_device_known(device);
	qdisc = has_our_qdisc(device, diags);
	if (qdisc < 0)
		return qdisc;
	if (!device->attached && !known && !qdisc) {
		qos_diag(diags, QOS_FAILED, "%s is not shaped by qosctl", ifname);
		return -ENOENT;
	}
	r = qos_plan_diff(known ? qos_state_plan(known->state) : "", "", &changes);
	if (r < 0)
		return r;
	/* the program last, so that nothing is unshaped that the old qdisc shaped not */
	r = restore_origin(device, diags);
	clsact = qos_filter_delete(device->nl, &device->link, diags);
	if (clsact == 0 && !had_clsact(device))
		clsact = qos_clsact_release(device->nl, &device->link, diags);
	if (r == 0)
		r = clsact;
	if (r == 0)
		r = qos_bpffs_remove(device->pin_dir, diags);
	if (r < 0)
		return r;
	*ret_text = TAKE_PTR(changes);
	return 0;
}
