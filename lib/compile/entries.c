/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rules → entries. Lists are any-of within a piece, keys all-of over pieces, so a rule is one
 * entry; but "not (A and B)" is one for "not A" and one for "not B", and marks through
 * several masks are pieces of their own, with an entry each.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "compile/pieces.h"

_Static_assert(QOS_CGROUP_PATH == QOS_CGROUP_NAME, "the model's is the map's");
_Static_assert(QOS_CGROUP_LEVELS == QOS_MAX_CGROUP_LEVELS, "the model's is the program's");

#define RULE_NUMBERS 65534 /* in QOS_DECIDED */

uint32_t qos_match_keys(const struct qos_match *m)
{
	return (m->family ? KEY_FAMILY : 0) | (m->proto_count ? KEY_PROTO : 0) |
	       (m->src_count ? KEY_SRC : 0) | (m->dst_count ? KEY_DST : 0) |
	       (m->sport_count ? KEY_SPORT : 0) | (m->dport_count ? KEY_DPORT : 0) |
	       (m->dscp ? KEY_DSCP : 0) | (m->vlan_count ? KEY_VLAN : 0) |
	       (m->length_count ? KEY_LENGTH : 0) | (m->tcp_flags_count ? KEY_TCP : 0) |
	       (m->icmp_type_count ? KEY_ICMP : 0) | (m->uid_count ? KEY_UID : 0) |
	       (m->cgroup_count ? KEY_CGROUP : 0) | (m->mark_count ? KEY_MARK : 0);
}

void *qos_room(void *list, size_t count, size_t *room, size_t size)
{
	size_t more = *room ? *room * 2 : 16;

	if (count < *room)
		return list;
	list = reallocarray(list, more, size);
	if (list)
		*room = more;
	return list;
}

struct maker {
	struct entries *entries;
	struct qos_diags *diags;
	size_t demand_room, rule_room;
	uint32_t rule; /* that is being taken apart */
};

static int too_many(struct maker *m, const char *what)
{
	qos_diag_at(m->diags, m->entries->rules[m->rule].loc,
		    "the rules up to this one need more than %s", what);
	return -E2BIG;
}

static int add_demand(struct maker *m, struct demand demand)
{
	struct entries *e = m->entries;
	struct demand *list = qos_room(e->demands, e->demand_count, &m->demand_room, sizeof(*list));

	if (!list)
		return -ENOMEM;
	e->demands = list;
	demand.entry = e->count;
	list[e->demand_count++] = demand;
	return 0;
}

/* The demands of an entry have been added. */
static int end_entry(struct maker *m)
{
	struct entries *e = m->entries;
	uint32_t *list;

	if (e->count == QOS_MAX_ENTRIES)
		return too_many(m, "16384 entries in the kernel: one for each rule, or more where "
				   "`not` has several keys at once");
	list = qos_room(e->rule, e->count, &m->rule_room, sizeof(*list));
	if (!list)
		return -ENOMEM;
	e->rule = list;
	list[e->count++] = m->rule;
	return 0;
}

/* The mask's number; -1: it is new, and there are as many as may be. */
static int mask_number(struct entries *e, uint32_t mask)
{
	for (uint32_t i = 0; i < e->mask_count; i++)
		if (e->masks[i] == mask)
			return (int)i;
	if (e->mask_count == QOS_MAX_MASKS)
		return -1;
	e->masks[e->mask_count] = mask;
	return (int)e->mask_count++;
}

/* Which masks, as bits, a match looks through. */
static int masks_of(struct maker *m, const struct qos_match *match, uint32_t *ret)
{
	uint32_t masks = 0;

	for (size_t i = 0; i < match->mark_count; i++) {
		int number = mask_number(m->entries, match->mark[i].mask);

		if (number < 0)
			return too_many(m, "4 different masks of `mark`");
		masks |= 1U << number;
	}
	*ret = masks;
	return 0;
}

/* Which one key of each excluded match it is that does not hold. */
struct choice {
	uint32_t *key;	/* by excluded match: a bit of its keys */
	uint32_t *keys; /* those that it has */
	size_t count;
};

static int add_entry(struct maker *m, const struct qos_match *match, int mask,
		     const struct choice *choice)
{
	int r = add_demand(
		m, (struct demand){ .match = match, .keys = qos_match_keys(match), .mask = mask });

	for (size_t i = 0; r == 0 && i < choice->count; i++)
		r = add_demand(m, (struct demand){ .match = &match->excluded[i],
						   .keys = choice->key[i],
						   .refused = true,
						   .mask = -1 });
	return r < 0 ? r : end_entry(m);
}

/* The next key of the bits after one; 0: none. */
static uint32_t next_key(uint32_t keys, uint32_t key)
{
	uint32_t later = keys & ~(key | (key - 1));

	return later & -later;
}

/* As an odometer; false when it has come round. */
static bool next_choice(const struct choice *c)
{
	for (size_t i = 0; i < c->count; i++) {
		c->key[i] = next_key(c->keys[i], c->key[i]);
		if (c->key[i])
			return true;
		c->key[i] = c->keys[i] & -c->keys[i];
	}
	return false;
}

static int add_choices(struct maker *m, const struct qos_match *match, int mask,
		       const struct choice *choice)
{
	int r;

	do
		r = add_entry(m, match, mask, choice);
	while (r == 0 && next_choice(choice));
	return r;
}

/* An entry for each mask that the rule's marks are looked at through, in each way. */
static int add_masks(struct maker *m, const struct qos_match *match, const struct choice *choice)
{
	uint32_t masks;
	int r = masks_of(m, match, &masks);

	if (r == 0 && !masks)
		return add_choices(m, match, -1, choice);
	for (int i = 0; r == 0 && i < QOS_MAX_MASKS; i++)
		if (masks >> i & 1)
			r = add_choices(m, match, i, choice);
	return r;
}

static int add_rule(struct maker *m, const struct qos_match *match)
{
	_cleanup_(freep) uint32_t *key = calloc(match->excluded_count + 1, sizeof(*key));
	_cleanup_(freep) uint32_t *keys = calloc(match->excluded_count + 1, sizeof(*keys));
	struct choice choice = { key, keys, match->excluded_count };
	uint32_t masks;
	int r = 0;

	if (!key || !keys)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < choice.count; i++) {
		keys[i] = qos_match_keys(&match->excluded[i]);
		key[i] = keys[i] & -keys[i];
		r = masks_of(m, &match->excluded[i], &masks);
	}
	return r < 0 ? r : add_masks(m, match, &choice);
}

int qos_entries_make(const struct qos_rule_def *rules, size_t count, struct qos_diags *diags,
		     struct entries *entries)
{
	struct maker m = { .entries = entries, .diags = diags };
	int r = 0;

	*entries = (struct entries){ .rules = rules };
	for (size_t i = 0; r == 0 && i < count; i++) {
		m.rule = (uint32_t)i;
		r = i < RULE_NUMBERS ? add_rule(&m, &rules[i].match) :
				       too_many(&m, "65534 numbers");
	}
	return r;
}

void qos_entries_done(struct entries *entries)
{
	free(entries->demands);
	free(entries->rule);
	free(entries->place);
}

uint32_t qos_entries_keys(const struct entries *entries)
{
	uint32_t keys = 0;

	for (size_t i = 0; i < entries->demand_count; i++)
		keys |= entries->demands[i].keys;
	return keys;
}
