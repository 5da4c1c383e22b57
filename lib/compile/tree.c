/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tree, as the program walks it: parents, what they share, and to whom. */
#include "compile/compile.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

#define NS_PER_SEC 1000000000ULL

/* Slots of a plan: 0 is the link, i + 1 class i. */
static struct qos_class_cfg *cfg_of(struct qos_plan *plan, uint32_t slot)
{
	return slot == QOS_SLOT_LINK ? &plan->link_class : &plan->classes[slot - 1].cfg;
}

/* The link has something to share where it has a rate; a class always. */
static uint32_t parent_slot(const struct qos_plan *plan, size_t i)
{
	int parent = plan->policy->classes[i].parent;

	if (parent == QOS_PARENT_LINK)
		return plan->policy->link.rate ? QOS_SLOT_LINK : QOS_NO_SLOT;
	return plan->policy->classes[parent].ceil ? (uint32_t)parent + 1 : QOS_NO_SLOT;
}

/* Parents come before their children. */
static void link_up(struct qos_plan *plan, size_t i)
{
	struct qos_class_cfg *cfg = &plan->classes[i].cfg, *above;

	cfg->parent = parent_slot(plan, i);
	cfg->hard = QOS_NO_SLOT;
	if (cfg->parent == QOS_NO_SLOT)
		return;
	above = cfg_of(plan, cfg->parent);
	cfg->hard = above->flags & QOS_CLASS_CEIL ? cfg->parent : above->hard;
	cfg->parent_shift = above->period_shift;
}

/* A leaf's level is one of all that are above it. */
static void tell_level(struct qos_plan *plan, size_t i)
{
	struct qos_class_cfg *cfg = &plan->classes[i].cfg;
	uint8_t level = (uint8_t)(1 << cfg->level);

	if (plan->policy->classes[i].inner)
		return;
	cfg->levels = level;
	for (uint32_t up = cfg->parent; up != QOS_NO_SLOT; up = cfg_of(plan, up)->parent) {
		cfg_of(plan, up)->levels |= level;
		if (!cfg->rate)
			cfg_of(plan, up)->bare |= level;
	}
}

/* Among siblings the largest weight is QOS_WEIGHT_ONE; weights are of the policy, > 0. */
static uint32_t scale(uint64_t weight, uint64_t largest)
{
	uint64_t scaled = ((unsigned __int128)weight << QOS_WEIGHT_BITS) / (largest ? largest : 1);

	return scaled ? (uint32_t)scaled : 1;
}

/* largest: by slot of the parent, filled here. */
static void find_largest(const struct qos_plan *plan, uint64_t *largest)
{
	for (size_t i = 0; i < plan->class_count; i++) {
		uint32_t parent = plan->classes[i].cfg.parent;
		uint64_t weight = plan->policy->classes[i].weight;

		if (parent != QOS_NO_SLOT && weight > largest[parent])
			largest[parent] = weight;
	}
}

static void weigh(struct qos_plan *plan, size_t i, const uint64_t *largest)
{
	struct qos_class_cfg *cfg = &plan->classes[i].cfg;
	struct qos_class_cfg *above;

	cfg->weight = QOS_WEIGHT_ONE;
	cfg->share_cost = 1ULL << QOS_VIRTUAL_SHIFT;
	if (cfg->parent == QOS_NO_SLOT)
		return;
	cfg->weight = scale(plan->policy->classes[i].weight, largest[cfg->parent]);
	cfg->share_cost = ((uint64_t)QOS_WEIGHT_ONE << QOS_VIRTUAL_SHIFT) / cfg->weight;
	above = cfg_of(plan, cfg->parent);
	for (unsigned int level = 0; level < QOS_LEVELS; level++) {
		if (cfg->levels >> level & 1)
			above->weights[level] += cfg->weight;
	}
}

/*
 * So that virtual time is not faster than is good, where all of what the parent has is the lightest
 * child's, and a little more by which the program corrects itself.
 */
static uint8_t coarse(const struct qos_class_cfg *parent, uint32_t least)
{
	unsigned __int128 speed =
		((unsigned __int128)parent->ceil << 33) / NS_PER_SEC * QOS_WEIGHT_ONE;
	uint8_t bits = 0;

	while (bits < QOS_COARSE_MAX && speed / least >> bits > QOS_SPEED_GOOD)
		bits++;
	return bits;
}

/* least: by slot of the parent, filled here. */
static void choose_units(struct qos_plan *plan, uint32_t *least)
{
	for (size_t i = 0; i < plan->class_count; i++) {
		const struct qos_class_cfg *cfg = &plan->classes[i].cfg;

		if (cfg->parent != QOS_NO_SLOT &&
		    (!least[cfg->parent] || cfg->weight < least[cfg->parent]))
			least[cfg->parent] = cfg->weight;
	}
	for (uint32_t slot = 0; slot <= plan->class_count; slot++) {
		if (least[slot])
			cfg_of(plan, slot)->coarse = coarse(cfg_of(plan, slot), least[slot]);
	}
}

/* What lends may be ahead by the longest queue of any leaf: so much earlier may who borrows be. */
static void find_longest(struct qos_plan *plan)
{
	uint64_t longest = 0;

	for (size_t i = 0; i < plan->class_count; i++) {
		if (!plan->policy->classes[i].inner && plan->classes[i].cfg.limit_ns > longest)
			longest = plan->classes[i].cfg.limit_ns;
	}
	plan->link_class.limit_ns = longest;
	for (size_t i = 0; i < plan->class_count; i++) {
		if (plan->policy->classes[i].inner)
			plan->classes[i].cfg.limit_ns = longest;
	}
}

int qos_compile_tree(struct qos_plan *plan)
{
	_cleanup_(freep) uint64_t *largest = calloc(plan->class_count + 1, sizeof(*largest));
	_cleanup_(freep) uint32_t *least = calloc(plan->class_count + 1, sizeof(*least));

	if (!largest || !least)
		return -ENOMEM;
	for (size_t i = 0; i < plan->class_count; i++)
		link_up(plan, i);
	for (size_t i = 0; i < plan->class_count; i++)
		tell_level(plan, i);
	find_longest(plan);
	find_largest(plan, largest);
	for (size_t i = 0; i < plan->class_count; i++)
		weigh(plan, i, largest);
	choose_units(plan, least);
	return 0;
}
