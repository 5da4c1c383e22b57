/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/apply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/bpf_state.h"
#include "kernel/bpffs.h"
#include "kernel/cgroups.h"
#include "kernel/expiry.h"
#include "kernel/gso.h"
#include "kernel/origin.h"
#include "kernel/orphans.h"
#include "kernel/pins.h"
#include "kernel/ports.h"
#include "kernel/replay.h"
#include "kernel/state.h"
#include "kernel/work.h"

/* The plan for a device: with steps the least size of all, as no timer sets it. */
static struct qos_plan bind_plan(const struct qos_device *device, const struct qos_plan *plan)
{
	uint32_t has = qos_gso_theirs(device).size;
	struct qos_plan bound = *plan;

	bound.gso_max_size = qos_plan_gso(plan, device->link.mtu, has);
	for (size_t i = 0; i < plan->step_count; i++) {
		uint32_t then = qos_plan_gso(plan->steps[i].plan, device->link.mtu, has);

		if (then && (!bound.gso_max_size || then < bound.gso_max_size))
			bound.gso_max_size = then;
	}
	return bound;
}

int qos_kernel_open(const char *ifname, const char *lock, struct qos_diags *diags,
		    struct qos_device **ret_device)
{
	_cleanup_(qos_device_closep) struct qos_device *device = NULL;
	int r = qos_device_open(ifname, lock, diags, &device);

	if (r == 0)
		r = qos_ports_judge(device, diags);
	if (r < 0)
		return r;
	*ret_device = TAKE_PTR(device);
	return 0;
}

void qos_kernel_close(struct qos_device *device)
{
	qos_device_close(device);
}

int qos_kernel_plan(const struct qos_device *device, const struct qos_plan *plan,
		    struct qos_diags *diags, char **ret_text)
{
	_cleanup_(qos_work_done) struct qos_work work = { .plan = NULL };
	struct qos_plan bound = bind_plan(device, plan);
	int r = qos_work_find(device, &bound, diags, &work);

	if (r < 0)
		return r;
	*ret_text = TAKE_PTR(work.said);
	return 0;
}

int qos_kernel_compare(const struct qos_device *device, const struct qos_plan *plan, bool *ret_read,
		       char **ret_text)
{
	const struct qos_bpf *known = qos_device_known(device);
	struct qos_plan bound = bind_plan(device, plan);
	_cleanup_(freep) char *now = NULL;
	int r;

	*ret_read = known && qos_state_is_read_from(known->state, plan->policy);
	if (*ret_read) {
		*ret_text = strdup("");
		return *ret_text ? 0 : -ENOMEM;
	}
	r = qos_plan_print(&bound, &now);
	return r < 0 ? r : qos_plan_diff(known ? qos_state_plan(known->state) : "", now, ret_text);
}

/* What has been done, to be undone when the next step fails. */
struct progress {
	const struct qos_found *before;
	size_t qdiscs; /* the first so many ports' */
	bool clsact, filter, gso;
};

/* Ours as they were, in place where they still are; an mq that is has nothing to change. */
static void put_back_ours(struct qos_nl *nl, const struct qos_link_info *link,
			  const struct qos_qdiscs *before)
{
	for (size_t i = 0; i < before->count; i++) {
		_cleanup_(qos_tc_blob_done) struct qos_tc_blob options = { .data = NULL };
		struct qos_qdisc qdisc = before->items[i];

		if (qos_replay_options(&before->items[i], &options) < 0)
			continue;
		qdisc.options = options;
		qos_qdisc_put(nl, link, &qdisc, NULL);
	}
}

static void put_back_filter(const struct qos_device *device)
{
	if (device->prog_fd >= 0)
		qos_filter_put(device->nl, &device->link, device->prog_fd, NULL);
	else
		qos_filter_delete(device->nl, &device->link, NULL);
}

/* The qdiscs of the ports that had ours, or of those that had not. */
static void put_back_qdiscs(const struct qos_device *device, const struct progress *done, bool ours)
{
	for (size_t i = 0; i < done->qdiscs; i++) {
		const struct qos_link_info *link = &device->ports[i].link;
		const struct qos_snapshot *before = done->before->ports[i];

		if (qos_qdisc_is_ours(&before->qdiscs) != ours)
			continue;
		if (ours)
			put_back_ours(device->nl, link, &before->qdiscs);
		else
			qos_snapshot_restore(device->nl, link, before, NULL);
	}
}

/* Undoing reports nothing: the diagnostic is why it is undone. */
static void roll_back(const struct qos_device *device, const struct progress *done)
{
	put_back_qdiscs(device, done, true);
	if (done->filter)
		put_back_filter(device);
	put_back_qdiscs(device, done, false);
	if (done->gso)
		qos_gso_roll_back(device);
	if (done->clsact)
		qos_clsact_release(device->nl, &device->link, NULL);
}

/* fq where the plan wants it; where it polices, what was there before us. */
static int put_qdiscs(const struct qos_device *device, const struct qos_plan *plan,
		      const json_t *origin, struct progress *done, struct qos_diags *diags)
{
	int r = 0;

	if (plan->link.mode != QOS_MODE_FQ) {
		done->qdiscs = device->port_count;
		return qos_origin_restore(device, origin, diags);
	}
	for (size_t i = 0; r == 0 && i < device->port_count; i++) {
		done->qdiscs = i + 1;
		r = qos_qdisc_install(device->nl, &device->ports[i].link, &plan->fq, diags);
	}
	return r;
}

/* A program that stamps never runs without fq: fq comes before it, and goes after it. */
static int put_both(const struct qos_device *device, const struct qos_plan *plan,
		    const struct qos_bpf *bpf, const json_t *origin, struct progress *done,
		    struct qos_diags *diags)
{
	bool fq = plan->link.mode == QOS_MODE_FQ;
	int r = fq ? put_qdiscs(device, plan, origin, done, diags) : 0;

	if (r < 0)
		return r;
	done->filter = true;
	r = qos_filter_put(device->nl, &device->link, bpf->prog_fd, diags);
	if (r < 0 || fq)
		return r;
	return put_qdiscs(device, plan, origin, done, diags);
}

static int put_gso(const struct qos_device *device, const struct qos_plan *plan,
		   struct progress *done, struct qos_diags *diags)
{
	struct qos_gso_sizes gso = qos_gso_wanted(device, plan);

	done->gso = true;
	return qos_gso_put(device, &gso, diags);
}

/* The pins come first: who is killed has left in them what was there before. */
static int put_all(const struct qos_device *device, const struct qos_plan *plan,
		   struct qos_bpf *bpf, const json_t *origin, struct progress *done,
		   struct qos_diags *diags)
{
	int r = qos_pins_prepare(bpf, device->pin_dir, diags);

	if (r < 0)
		return r;
	r = qos_clsact_ensure(device->nl, &device->link, diags, &done->clsact);
	if (r < 0)
		return r;
	r = put_both(device, plan, bpf, origin, done, diags);
	if (r < 0)
		return r;
	r = put_gso(device, plan, done, diags);
	if (r < 0)
		return r;
	return qos_pins_commit(device->pin_dir, diags);
}

/* The document of the plan, with what remove is to put back. */
static int new_state(const struct qos_device *device, const struct qos_plan *plan,
		     const struct qos_work *work, const struct qos_found *found,
		     struct qos_diags *diags, json_t **ret_state)
{
	_cleanup_(json_decrefp) json_t *origin = NULL, *state = NULL;
	int r = qos_origin_find(device, found, diags, &origin);

	if (r == 0)
		r = qos_state_new(plan, work->plan, &device->link, origin, &state);
	if (r == 0)
		r = qos_state_add_steps(state, plan, &device->link);
	if (r < 0)
		return r;
	*ret_state = TAKE_PTR(state);
	return 0;
}

static int change(const struct qos_device *device, const struct qos_plan *plan,
		  const struct qos_work *work, struct qos_diags *diags)
{
	_cleanup_(qos_found_done) struct qos_found found = { .ports = NULL };
	_cleanup_(qos_bpf_freep) struct qos_bpf *bpf = NULL;
	_cleanup_(json_decrefp) json_t *state = NULL;
	struct progress done = { .before = &found };
	int r = qos_found_take(device, diags, &found);

	if (r == 0)
		r = new_state(device, plan, work, &found, diags, &state);
	if (r < 0)
		return r;
	r = qos_bpf_load(plan, &device->link, qos_device_known(device), state, diags, &bpf);
	if (r < 0)
		return r;
	r = put_all(device, plan, bpf, qos_state_origin(state), &done, diags);
	if (r < 0) {
		roll_back(device, &done);
		qos_pins_abandon(device->pin_dir);
		return r;
	}
	qos_orphans_sweep(device->pin_dir);
	return 0;
}

/* Of what runs, where somebody took them away, or the interface has another name now. */
static int keep_pins(const struct qos_device *device, struct qos_diags *diags)
{
	uint32_t pinned = 0;
	int r = qos_bpf_pinned_id(device->pin_dir, diags, &pinned);

	if (r == 0 && pinned == device->running->prog_id && !device->running->unpinned)
		return 0;
	if (r < 0 && r != -ENOENT)
		return r;
	r = qos_pins_prepare(device->running, device->pin_dir, diags);
	return r < 0 ? r : qos_pins_commit(device->pin_dir, diags);
}

/* -ENOSPC, and nothing changed, where that needs another program. */
static int change_numbers(const struct qos_device *device, const struct qos_plan *plan,
			  const struct qos_work *work, struct qos_diags *diags)
{
	_cleanup_(qos_found_done) struct qos_found found = { .ports = NULL };
	struct qos_gso_sizes gso = qos_gso_wanted(device, plan);
	_cleanup_(qos_bpf_update_freep) struct qos_bpf_update *update = NULL;
	_cleanup_(json_decrefp) json_t *state = NULL;
	int r = qos_found_take(device, diags, &found);

	if (r == 0)
		r = new_state(device, plan, work, &found, diags, &state);
	if (r == 0)
		r = qos_bpf_update_begin(device->running, plan, state, diags, &update);
	if (r < 0)
		return r;
	r = qos_gso_put(device, &gso, diags);
	if (r < 0)
		qos_bpf_update_abandon(update);
	else
		r = qos_bpf_update_end(update, plan, diags);
	if (r < 0)
		qos_gso_roll_back(device);
	return r;
}

static int make_changes(const struct qos_device *device, const struct qos_plan *plan,
			const struct qos_work *work, struct qos_diags *diags)
{
	bool current = qos_state_is_current(device->running);
	int r;

	if (!current || (*work->changes && !work->numbers))
		return change(device, plan, work, diags);
	/* maps and pins first, as an error is to change nothing */
	r = qos_expiry_prepare(device->running, plan);
	if (r < 0)
		return qos_bpf_fail(diags, r, "cannot make the timers of %s", device->link.name);
	r = qos_cgroups_renew(device->running, diags);
	if (r < 0)
		return qos_bpf_fail(diags, r, "cannot find the cgroups of %s", device->link.name);
	if (r > 0)
		return change(device, plan, work, diags);
	r = keep_pins(device, diags);
	if (r < 0 || (!*work->changes && qos_state_is_finished(device->running->state) &&
		      qos_state_is_of(device->running->state, plan->policy)))
		return r;
	r = change_numbers(device, plan, work, diags);
	return r == -ENOSPC ? change(device, plan, work, diags) : r;
}

/* What is left to do where the policy is in force; nothing of it can undo that. */
static void clean_up(const struct qos_device *device)
{
	const struct qos_bpf *known = qos_device_known(device);

	if (known)
		qos_origin_release(device, qos_state_origin(known->state), NULL);
	/* of one that was killed, where there was nothing to change */
	qos_pins_abandon(device->pin_dir);
	qos_pins_sweep(device->nl, device->pin_dir, false);
}

int qos_kernel_apply(struct qos_device *device, const struct qos_plan *plan,
		     struct qos_diags *diags, char **ret_text)
{
	_cleanup_(qos_work_done) struct qos_work work = { .plan = NULL };
	struct qos_plan bound = bind_plan(device, plan);
	int r = qos_work_find(device, &bound, diags, &work);

	if (r < 0)
		return r;
	r = make_changes(device, &bound, &work, diags);
	if (r < 0)
		return r;
	if (!device->port_count && plan->link.mode == QOS_MODE_FQ)
		qos_diag_warn(diags, "%s has no slaves yet: apply again when it has",
			      device->link.name);
	clean_up(device);
	*ret_text = TAKE_PTR(work.said);
	return 0;
}
