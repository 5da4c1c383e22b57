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
#include "kernel/replay.h"
#include "kernel/snapshot.h"
#include "kernel/state.h"

/* Whether our qdisc is there, whatever became of the program. */
static int has_our_qdisc(const struct qos_device *device, struct qos_diags *diags)
{
	_cleanup_(qos_qdiscs_done) struct qos_qdiscs qdiscs = { 0 };
	int r = qos_qdiscs_get(device->nl, &device->link, diags, &qdiscs);

	return r < 0 ? r : qos_qdisc_is_ours(&qdiscs);
}

/* The part of a plan's text that is the qdisc, its last line; null: it has none. */
static char *find_qdisc_line(char *text)
{
	char *line = strstr(text, "\nqdisc ");

	return line ? line + 1 : NULL;
}

/* The plan that the kernel now follows, as text: what is gone is not in it. */
static int plan_in_force(const struct qos_device *device, const struct qos_plan *plan,
			 struct qos_diags *diags, char **ret_text)
{
	const char *known = device->running ? qos_state_plan(device->running->state) : "";
	_cleanup_(freep) char *why = NULL, *text = NULL;
	bool fq = plan->link.mode == QOS_MODE_FQ, left = false;
	char *qdisc;
	int r;

	if (!fq) {
		r = has_our_qdisc(device, diags);
		if (r < 0)
			return r;
		left = r;
	}
	/* one of ours that no program stamps for: it goes */
	if (asprintf(&text, "%s%s", known, left && !strstr(known, "\nqdisc ") ? "qdisc fq\n" : "") <
	    0)
		return -ENOMEM;
	qdisc = find_qdisc_line(text);
	if (qdisc && fq) {
		r = qos_qdisc_verify(device->nl, &device->link, &plan->fq, diags, &why);
		if (r < 0)
			return r;
		if (why)
			*qdisc = '\0';
	}
	*ret_text = TAKE_PTR(text);
	return 0;
}

static int find_changes(const struct qos_device *device, const struct qos_plan *plan,
			struct qos_diags *diags, char **ret_text)
{
	_cleanup_(freep) char *then = NULL, *now = NULL;
	int r = plan_in_force(device, plan, diags, &then);

	if (r < 0)
		return r;
	r = qos_plan_print(plan, &now);
	return r < 0 ? r : qos_plan_diff(then, now, ret_text);
}

int qos_kernel_plan(const struct qos_plan *plan, struct qos_diags *diags, char **ret_text)
{
	_cleanup_(qos_device_closep) struct qos_device *device = NULL;
	int r = qos_device_open(plan->policy->interface, NULL, diags, &device);

	return r < 0 ? r : find_changes(device, plan, diags, ret_text);
}

/* What remove is to put back where somebody put a qdisc of his own since: that one. */
static int renew_origin(const json_t *known, const struct qos_snapshot *now, json_t **ret_origin)
{
	static const char *const kept[] = { "clsact", "gso_max_size", "gso_ipv4_max_size" };
	_cleanup_(json_decrefp) json_t *origin = NULL;
	int r = qos_snapshot_to_json(now, &origin);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		if (json_object_set(origin, kept[i], json_object_get(known, kept[i])))
			return -ENOMEM;
	}
	*ret_origin = TAKE_PTR(origin);
	return 0;
}

/* The root is the kernel's default, or ours. */
static bool is_nobodys(const struct qos_qdiscs *qdiscs)
{
	const struct qos_qdisc *root = qos_qdiscs_find(qdiscs, TC_H_ROOT);

	return !root || !root->handle || qos_qdisc_is_ours(qdiscs);
}

/* What remove is to put back: what the first apply found. */
static int find_origin(const struct qos_device *device, const struct qos_snapshot *now,
		       struct qos_diags *diags, json_t **ret_origin)
{
	const struct qos_bpf *known = qos_device_known(device);

	if (known && !is_nobodys(&now->qdiscs))
		return renew_origin(qos_state_origin(known->state), now, ret_origin);
	if (known) {
		*ret_origin = json_incref(qos_state_origin(known->state));
		return 0;
	}
	if (qos_qdisc_is_ours(&now->qdiscs)) {
		/* program and pins were taken away, fq was not */
		qos_diag_warn(diags,
			      "what %s had before qosctl is not known any more; remove "
			      "will put back the kernel's default",
			      device->link.name);
		return qos_snapshot_to_json(
			&(struct qos_snapshot){
				.gso_max_size = now->gso_max_size,
				.gso_ipv4_max_size = now->gso_ipv4_max_size,
			},
			ret_origin);
	}
	return qos_snapshot_to_json(now, ret_origin);
}

/* What has been done, to be undone when the next step fails. */
struct progress {
	const struct qos_snapshot *before;
	bool clsact, qdisc, filter;
};

/* Ours as they were, in place where they still are; an mq that is has nothing to change. */
static void put_back_ours(const struct qos_device *device, const struct qos_qdiscs *before)
{
	for (size_t i = 0; i < before->count; i++) {
		_cleanup_(qos_tc_blob_done) struct qos_tc_blob options = { .data = NULL };
		struct qos_qdisc qdisc = before->items[i];

		if (qos_replay_options(&before->items[i], &options) < 0)
			continue;
		qdisc.options = options;
		qos_qdisc_put(device->nl, &device->link, &qdisc, NULL);
	}
}

static void put_back_filter(const struct qos_device *device)
{
	if (device->prog_fd >= 0)
		qos_filter_put(device->nl, &device->link, device->prog_fd, NULL);
	else
		qos_filter_delete(device->nl, &device->link, NULL);
}

/* Undoing reports nothing: the diagnostic is why it is undone. */
static void roll_back(const struct qos_device *device, const struct progress *done)
{
	bool ours = qos_qdisc_is_ours(&done->before->qdiscs);

	if (done->qdisc && ours)
		put_back_ours(device, &done->before->qdiscs);
	if (done->filter)
		put_back_filter(device);
	if (done->qdisc && !ours)
		qos_snapshot_restore(device->nl, &device->link, done->before, NULL);
	if (done->clsact)
		qos_clsact_release(device->nl, &device->link, NULL);
}

/* fq where the plan wants it; where it polices, what was there before us. */
static int put_qdisc(const struct qos_device *device, const struct qos_plan *plan,
		     const struct qos_snapshot *now, const json_t *origin, struct qos_diags *diags)
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

/* A program that stamps never runs without fq: fq comes before it, and goes after it. */
static int put_both(const struct qos_device *device, const struct qos_plan *plan,
		    const struct qos_bpf *bpf, const json_t *origin, struct progress *done,
		    struct qos_diags *diags)
{
	bool fq = plan->link.mode == QOS_MODE_FQ;
	int r;

	if (fq) {
		done->qdisc = true;
		r = put_qdisc(device, plan, done->before, origin, diags);
		if (r < 0)
			return r;
	}
	done->filter = true;
	r = qos_filter_put(device->nl, &device->link, bpf->prog_fd, diags);
	if (r < 0 || fq)
		return r;
	done->qdisc = true;
	return put_qdisc(device, plan, done->before, origin, diags);
}

static int put_all(const struct qos_device *device, const struct qos_plan *plan,
		   struct qos_bpf *bpf, const json_t *origin, struct progress *done,
		   struct qos_diags *diags)
{
	int r = qos_clsact_ensure(device->nl, &device->link, diags, &done->clsact);

	if (r < 0)
		return r;
	r = qos_pins_prepare(bpf, device->pin_dir, diags);
	if (r < 0)
		return r;
	r = put_both(device, plan, bpf, origin, done, diags);
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
	struct progress done = { 0 };
	int r = qos_snapshot_take(device->nl, &device->link, diags, &now);

	if (r < 0)
		return r;
	r = find_origin(device, now, diags, &origin);
	if (r < 0)
		return r;
	r = qos_state_new(plan, &device->link, origin, &state);
	if (r < 0)
		return r;
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

/* Of what runs, where somebody took them away, or the interface has another name now. */
static int keep_pins(const struct qos_device *device, struct qos_diags *diags)
{
	_cleanup_(qos_bpf_freep) struct qos_bpf *pinned = NULL;
	int r = qos_bpf_open_pinned(device->pin_dir, diags, &pinned);

	if (r == 0 && pinned->prog_id == device->running->prog_id)
		return 0;
	if (r < 0 && r != -ENOENT)
		return r;
	r = qos_pins_prepare(device->running, device->pin_dir, diags);
	return r < 0 ? r : qos_pins_commit(device->pin_dir, diags);
}

int qos_kernel_apply(const struct qos_plan *plan, struct qos_diags *diags, char **ret_text)
{
	_cleanup_(qos_device_closep) struct qos_device *device = NULL;
	_cleanup_(freep) char *changes = NULL;
	int r = qos_device_open(plan->policy->interface, "qosctl apply", diags, &device);

	if (r < 0)
		return r;
	r = find_changes(device, plan, diags, &changes);
	if (r < 0)
		return r;
	if (*changes || !qos_state_is_current(device->running))
		r = change(device, plan, diags);
	else
		r = keep_pins(device, diags);
	if (r < 0)
		return r;
	qos_pins_sweep(device->nl, device->pin_dir);
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
	qos_pins_sweep(device->nl, device->pin_dir);
	*ret_text = TAKE_PTR(changes);
	return 0;
}
