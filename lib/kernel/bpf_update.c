/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Other numbers for the classes of a program that runs. */
#include "kernel/bpf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

int qos_bpf_strays(const struct qos_bpf *bpf, const struct qos_plan *plan, bool **ret_strays)
{
	_cleanup_(freep) bool *strays = calloc(plan->class_count + 1, sizeof(*strays));
	_cleanup_(freep) struct qos_class_cfg *are = NULL;
	_cleanup_(freep) uint32_t *slots = NULL;
	int r = find_slots(bpf, plan, &slots);

	if (!strays)
		return -ENOMEM;
	if (r == 0)
		r = qos_bpf_array(bpf->classes_fd, bpf->capacity, sizeof(*are), (void **)&are);
	if (r)
		return r;
	for (size_t i = 0; i <= plan->class_count; i++) {
		uint32_t slot = i == QOS_SLOT_LINK ? QOS_SLOT_LINK : slots[i - 1];
		struct qos_class_cfg cfg = qos_bpf_class_bound(
			i == QOS_SLOT_LINK ? &plan->link_class : &plan->classes[i - 1].cfg, slots);

		strays[i] = memcmp(&are[slot], &cfg, sizeof(cfg)) != 0;
	}
	*ret_strays = TAKE_PTR(strays);
	return 0;
}

struct qos_bpf_update {
	struct qos_bpf *bpf;
	uint32_t *slots; /* of the plan's classes */
	struct qos_buffer document;
	/* what there was */
	void *classes;
	struct qos_expiry_copy expiry;
};

void qos_bpf_update_free(struct qos_bpf_update *update)
{
	if (!update)
		return;
	free(update->slots);
	qos_buffer_done(&update->document);
	free(update->classes);
	qos_expiry_copy_done(&update->expiry);
	free(update);
}

static int prepare(struct qos_bpf_update *update, const struct qos_plan *plan, json_t *state)
{
	struct qos_bpf *bpf = update->bpf;
	int r = find_slots(bpf, plan, &update->slots);

	if (r == 0 &&
	    (json_object_set(state, "slots", json_object_get(bpf->state, "slots")) ||
	     json_object_set(state, "salt", json_object_get(bpf->state, "salt")) ||
	     json_object_set(state, "generation", json_object_get(bpf->state, "generation"))))
		r = -ENOMEM;
	if (r == 0)
		r = qos_bpf_array(bpf->classes_fd, bpf->capacity, sizeof(struct qos_class_cfg),
				  &update->classes);
	if (r == 0)
		r = qos_expiry_copy(bpf, &update->expiry);
	if (r == 0)
		r = qos_bpf_state_begin(&bpf->document, state, &update->document);
	return r;
}

int qos_bpf_update_begin(struct qos_bpf *bpf, const struct qos_plan *plan, json_t *state,
			 struct qos_diags *diags, struct qos_bpf_update **ret_update)
{
	_cleanup_(qos_bpf_update_freep) struct qos_bpf_update *update = calloc(1, sizeof(*update));
	int r;

	if (!update)
		return -ENOMEM;
	update->bpf = bpf;
	r = qos_expiry_stop(bpf);
	if (r == 0)
		r = prepare(update, plan, state);
	if (r == 0) {
		*ret_update = TAKE_PTR(update);
		return 0;
	}
	qos_expiry_start(bpf);
	return r == -ENOSPC ? r :
			      qos_bpf_fail(diags, r, "cannot write what program %u is to follow",
					   bpf->prog_id);
}

void qos_bpf_update_abandon(struct qos_bpf_update *update)
{
	qos_bpf_state_write(&update->bpf->document, update->bpf->state);
	qos_expiry_start(update->bpf);
}

/* What cannot be put back stays unfinished, and is told. */
static void put_back(struct qos_bpf_update *update)
{
	struct qos_bpf *bpf = update->bpf;

	if (qos_bpf_array_put(bpf->classes_fd, bpf->capacity, update->classes) == 0 &&
	    qos_expiry_put_back(bpf, &update->expiry) == 0)
		qos_bpf_state_write(&bpf->document, bpf->state);
}

int qos_bpf_update_end(struct qos_bpf_update *update, const struct qos_plan *plan,
		       struct qos_diags *diags)
{
	struct qos_bpf *bpf = update->bpf;
	int r = qos_bpf_classes_put(bpf->classes_fd, plan, update->slots, update->classes);

	if (r == 0)
		r = qos_expiry_put(bpf, plan, update->slots);
	if (r == 0)
		r = qos_expiry_start(bpf);
	if (r == 0)
		r = qos_bpf_state_end(&bpf->document, &update->document);
	if (r == 0)
		return 0;
	put_back(update);
	return qos_bpf_fail(diags, r, "cannot change the classes of %s", plan->policy->interface);
}
