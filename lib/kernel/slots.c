/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/slots.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

void qos_slots_done(struct qos_slots *slots)
{
	free(slots->of);
	free(slots->fresh);
}

/* Marks the slots of the old program's classes; those are not given to others,
 * since it goes on charging them until it is replaced. */
static void mark_used(const struct qos_bpf *old, bool *used)
{
	const char *name;
	json_t *slot;

	used[QOS_SLOT_LINK] = true;
	if (!old)
		return;
	json_object_foreach(json_object_get(old->state, "slots"), name, slot) {
		json_int_t value = json_integer_value(slot);

		if (value > 0 && value < (json_int_t)QOS_MAX_SLOTS)
			used[value] = true;
	}
}

static uint32_t round_up(uint32_t count)
{
	uint32_t capacity = QOS_SLOTS_MIN;

	while (capacity < count)
		capacity *= 2;
	return capacity;
}

/* It has others below it, of some weight at some level. */
static bool is_divided(const struct qos_class_cfg *cfg)
{
	for (size_t level = 0; level < QOS_LEVELS; level++) {
		if (cfg->weights[level])
			return true;
	}
	return false;
}

/* Negative where the class is to have a new one. before: by slot, of old. */
static int old_slot(const struct qos_plan_class *cls, const struct qos_bpf *old,
		    const struct qos_class_cfg *before)
{
	int slot = old ? qos_bpf_slot(old->state, cls->name) : -ENOENT;

	if (slot < 0 || (uint32_t)slot >= old->capacity ||
	    is_divided(&before[slot]) != is_divided(&cls->cfg))
		return -ENOENT;
	return slot;
}

int qos_slots_assign(const struct qos_plan *plan, const struct qos_bpf *old,
		     struct qos_slots *slots)
{
	_cleanup_(freep) struct qos_class_cfg *before = NULL;
	bool used[QOS_MAX_SLOTS] = { 0 };
	uint32_t next = 1, highest = 0;
	int r = 0;

	slots->count = plan->class_count;
	slots->of = calloc(plan->class_count, sizeof(*slots->of));
	slots->fresh = calloc(plan->class_count, sizeof(*slots->fresh));
	if (!slots->of || !slots->fresh)
		return -ENOMEM;
	if (old)
		r = qos_bpf_array(old->classes_fd, old->capacity, sizeof(*before),
				  (void **)&before);
	if (r)
		return r;
	mark_used(old, used);
	for (size_t i = 0; i < plan->class_count; i++) {
		int slot = old_slot(&plan->classes[i], old, before);

		slots->fresh[i] = slot < 0;
		while (slot < 0 && used[next])
			next++;
		slots->of[i] = slot < 0 ? next++ : (uint32_t)slot;
		if (slots->of[i] > highest)
			highest = slots->of[i];
	}
	slots->capacity = round_up(highest + 1);
	if (old && old->capacity > slots->capacity)
		slots->capacity = old->capacity;
	return 0;
}
