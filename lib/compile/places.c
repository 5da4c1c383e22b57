/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which bit of a set an entry is. Where there are many, entries that ask for the same pieces
 * stand together, in the policy's order: a word that mixes them is left possible by each
 * piece, for another entry's sake each time, and its summary says nothing (the grouping of
 * Baboescu and Varghese). So the first match of each group is looked for, and of those the one
 * of the first rule counts.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "compile/pieces.h"

#define GROUP_LEAST QOS_RULE_BLOCK /* smaller ones share a group */
#define GROUPS_MAX  256

struct group {
	uint32_t keys; /* that its entries ask for; 0, the first: of all that have no group */
	uint32_t count, next;
};

/* What an entry asks for, not what it refuses: that leaves most values possible. */
static void find_keys(const struct entries *e, uint32_t *keys)
{
	for (size_t i = 0; i < e->demand_count; i++)
		if (!e->demands[i].refused)
			keys[e->demands[i].entry] |= e->demands[i].keys;
}

/* The group of keys, made where there is room for one; else the first. */
static struct group *find_group(struct group *groups, uint32_t *count, uint32_t keys)
{
	for (uint32_t i = 0; i < *count; i++)
		if (groups[i].keys == keys)
			return &groups[i];
	if (*count == GROUPS_MAX)
		return &groups[0];
	groups[*count].keys = keys;
	return &groups[(*count)++];
}

/* Groups that are too small are none; returns the words of the others, where each begins. */
static uint32_t place_groups(struct group *groups, uint32_t count)
{
	uint32_t words = 0;

	for (uint32_t i = 1; i < count; i++)
		if (groups[i].count < GROUP_LEAST)
			groups[0].count += groups[i].count;
	for (uint32_t i = 0; i < count; i++) {
		if (i && groups[i].count < GROUP_LEAST)
			continue;
		groups[i].next = words * QOS_RULE_BLOCK;
		words += (groups[i].count + QOS_RULE_BLOCK - 1) / QOS_RULE_BLOCK;
	}
	return words;
}

/* From each word of a group on, the word after the group. */
static void put_skips(const struct group *group, uint32_t *skip)
{
	uint32_t first = group->next / QOS_RULE_BLOCK;
	uint32_t end = first + (group->count + QOS_RULE_BLOCK - 1) / QOS_RULE_BLOCK;

	for (uint32_t word = first; word < end; word++)
		skip[word] = end;
}

/* As they come: one group. */
static int place_in_order(struct entries *e)
{
	struct group all = { .count = e->count };

	for (uint32_t i = 0; i < e->count; i++)
		e->place[i] = i;
	e->words = (e->count + QOS_RULE_BLOCK - 1) / QOS_RULE_BLOCK;
	put_skips(&all, e->skip);
	return 0;
}

static int place_by_group(struct entries *e)
{
	_cleanup_(freep) struct group *groups = calloc(GROUPS_MAX, sizeof(*groups));
	_cleanup_(freep) uint32_t *keys = calloc(e->count, sizeof(*keys));
	uint32_t count = 1;

	if (!groups || !keys)
		return -ENOMEM;
	find_keys(e, keys);
	for (uint32_t i = 0; i < e->count; i++)
		find_group(groups, &count, keys[i])->count++;
	e->words = place_groups(groups, count);
	if (e->words > QOS_MAX_ENTRIES / QOS_RULE_BLOCK)
		return place_in_order(e);
	for (uint32_t i = 0; i < count; i++)
		if (i == 0 || groups[i].count >= GROUP_LEAST)
			put_skips(&groups[i], e->skip);
	for (uint32_t i = 0; i < e->count; i++) {
		struct group *group = find_group(groups, &count, keys[i]);

		if (group->count < GROUP_LEAST)
			group = &groups[0];
		e->place[i] = group->next++;
	}
	return 0;
}

int qos_entries_place(struct entries *e)
{
	e->place = calloc(e->count + 1, sizeof(*e->place));
	if (!e->place)
		return -ENOMEM;
	return e->count > QOS_RULE_BLOCK ? place_by_group(e) : place_in_order(e);
}
