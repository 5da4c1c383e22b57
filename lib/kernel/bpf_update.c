/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Other numbers for the classes of a program that runs. */
#include "kernel/bpf.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "kernel/bpf_state.h"
#include "kernel/expiry.h"

/* Where the plan's classes are; the shape says that they are. */
static int find_slots(const struct qos_bpf *bpf, const struct qos_plan *plan, uint32_t **ret_slots)
{
	_cleanup_(freep) uint32_t *slots = calloc(plan->class_count, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < plan->class_count; i++) {
		int slot = qos_bpf_slot(bpf->state, plan->classes[i].name);

		if (slot < 0 || (uint32_t)slot >= bpf->capacity)
			return -EBADMSG;
		slots[i] = (uint32_t)slot;
	}
	*ret_slots = TAKE_PTR(slots);
	return 0;
}

/* What there was before. */
struct before {
	void *classes;
	struct qos_expiry_copy expiry;
};

static void before_done(struct before *before)
{
	free(before->classes);
	qos_expiry_copy_done(&before->expiry);
}

static int take_before(const struct qos_bpf *bpf, struct before *before)
{
	int r = qos_bpf_array(bpf->classes_fd, bpf->capacity, sizeof(struct qos_class_cfg),
			      &before->classes);

	return r < 0 ? r : qos_expiry_copy(bpf, &before->expiry);
}

/* As it was; who cannot leaves a document that says so. */
static void put_back(struct qos_bpf *bpf, const struct before *before)
{
	const struct qos_class_cfg *classes = before->classes;

	for (uint32_t slot = 0; slot < bpf->capacity; slot++) {
		if (bpf_map_update_elem(bpf->classes_fd, &slot, &classes[slot], BPF_ANY))
			return;
	}
	if (qos_expiry_put_back(bpf, &before->expiry) < 0)
		return;
	qos_bpf_state_write(&bpf->document, bpf->state);
}

static int put_numbers(struct qos_bpf *bpf, const struct qos_plan *plan, const uint32_t *slots,
		       const struct qos_class_cfg *before)
{
	int r = qos_bpf_classes_put(bpf->classes_fd, plan, slots, before);

	if (r == 0)
		r = qos_expiry_put(bpf, plan, slots);
	return r < 0 ? r : qos_expiry_start(bpf);
}

/* With no timer at work: what there is, and a document that says that it may be anything. */
static int begin(struct qos_bpf *bpf, const json_t *state, struct before *before, char **ret_text)
{
	int r = qos_expiry_stop(bpf);

	if (r < 0)
		return r;
	r = take_before(bpf, before);
	if (r == 0)
		r = qos_bpf_state_begin(&bpf->document, state, ret_text);
	if (r < 0)
		qos_expiry_start(bpf);
	return r;
}

/*
 * First a document that says that the numbers may be any, then the numbers, then
 * what says that they are: whenever this is interrupted, apply finds work to do.
 */
static int update(struct qos_bpf *bpf, const struct qos_plan *plan, const uint32_t *slots,
		  const json_t *state)
{
	_cleanup_(before_done) struct before before = { .classes = NULL };
	_cleanup_(freep) char *text = NULL;
	int r = begin(bpf, state, &before, &text);

	if (r < 0)
		return r;
	r = put_numbers(bpf, plan, slots, before.classes);
	if (r == 0)
		r = qos_bpf_state_end(&bpf->document, text);
	if (r < 0)
		put_back(bpf, &before);
	return r;
}

int qos_bpf_update(struct qos_bpf *bpf, const struct qos_plan *plan, json_t *state,
		   struct qos_diags *diags)
{
	_cleanup_(freep) uint32_t *slots = NULL;
	int r = find_slots(bpf, plan, &slots);

	if (r == 0 && (json_object_set(state, "slots", json_object_get(bpf->state, "slots")) ||
		       json_object_set(state, "salt", json_object_get(bpf->state, "salt"))))
		r = -ENOMEM;
	if (r == 0)
		r = update(bpf, plan, slots, state);
	if (r == -ENOSPC)
		return r;
	if (r < 0)
		return qos_bpf_fail(diags, r, "cannot change the classes of %s",
				    plan->policy->interface);
	return 0;
}
