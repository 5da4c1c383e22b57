/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pieces of which a packet is in several values at once, one within the other: addresses in
 * prefixes, sockets in cgroups. The set of one is what all around it say as well.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "compile/pieces.h"
#include "model/cgroup_path.h"

/* A value that a demand lists; demand null: it is there for itself. */
struct item {
	const struct demand *demand;
	const void *value;
	/* of the first with its value: */
	size_t end;   /* of those with it */
	size_t outer; /* while it is around: the one around it, plus 1 */
	uint32_t set;
};

struct items {
	struct item *list;
	size_t count, room;
	/* Order in which what is around comes first, and that which is within right after. */
	int (*compare)(const void *a, const void *b);
	bool (*is_within)(const void *outer, const void *inner);
	int (*put)(struct sweep *sweep, const void *value, uint32_t set);
	/* May be null: what comes after a value has, if none comes with it, the set around it. */
	int (*put_after)(struct sweep *sweep, const void *value, uint32_t set);
};

static void free_items(struct items *items)
{
	free(items->list);
}

static int add_item(struct items *items, const struct demand *demand, const void *value)
{
	struct item *list = qos_room(items->list, items->count, &items->room, sizeof(*list));

	if (!list)
		return -ENOMEM;
	items->list = list;
	list[items->count++] = (struct item){ .demand = demand, .value = value };
	return 0;
}

/* All of one value come, or go. */
static void move_value(struct sweep *sweep, const struct items *items, size_t first, int by)
{
	for (size_t i = first; i < items->list[first].end; i++)
		if (items->list[i].demand)
			qos_sweep_move(sweep, items->list[i].demand, by);
}

static size_t find_end(const struct items *items, size_t first)
{
	size_t end = first + 1;

	while (end < items->count && items->compare(&items->list[first], &items->list[end]) == 0)
		end++;
	return end;
}

static uint32_t entry_of(const struct item *item)
{
	return item->demand ? item->demand->entry : 0;
}

/* Goes out of the innermost value. */
static int leave(struct sweep *sweep, const struct items *items, size_t *outer)
{
	const struct item *inner = &items->list[*outer - 1];

	move_value(sweep, items, *outer - 1, -1);
	*outer = inner->outer;
	if (!*outer || !items->put_after)
		return 0;
	return items->put_after(sweep, inner->value, items->list[*outer - 1].set);
}

/* And into value i, which is within the innermost. */
static int enter(struct sweep *sweep, struct items *items, size_t *outer, size_t i)
{
	struct item *item = &items->list[i];
	int r;

	item->outer = *outer;
	*outer = i + 1;
	move_value(sweep, items, i, 1);
	r = qos_sweep_set(sweep, entry_of(item), &item->set);
	return r < 0 ? r : items->put(sweep, item->value, item->set);
}

/* A set for each value, in order. */
static int sweep_items(struct sweep *sweep, struct items *items)
{
	size_t outer = 0; /* the innermost value that is around, plus 1 */
	int r = 0;

	if (items->count)
		qsort(items->list, items->count, sizeof(*items->list), items->compare);
	for (size_t i = 0; r == 0 && i < items->count; i = items->list[i].end) {
		items->list[i].end = find_end(items, i);
		while (r == 0 && outer &&
		       !items->is_within(items->list[outer - 1].value, items->list[i].value))
			r = leave(sweep, items, &outer);
		if (r == 0)
			r = enter(sweep, items, &outer, i);
	}
	while (r == 0 && outer)
		r = leave(sweep, items, &outer);
	return r;
}

/* Bits that count, IPv4 in the last word of an address. */
static unsigned int bits_of(const struct qos_prefix *prefix)
{
	return prefix->len + (prefix->family == QOS_FAMILY_IPV4 ? 96 : 0);
}

static int compare_prefixes(const void *a, const void *b)
{
	const struct qos_prefix *x = ((const struct item *)a)->value;
	const struct qos_prefix *y = ((const struct item *)b)->value;
	int r = memcmp(&x->addr, &y->addr, sizeof(x->addr));

	return r ? r : (int)x->len - (int)y->len;
}

static bool is_within_prefix(const void *outer, const void *inner)
{
	const struct qos_prefix *x = outer, *y = inner;
	unsigned int len = bits_of(x);

	if (x->len > y->len)
		return false;
	if (memcmp(&x->addr, &y->addr, len / 8) != 0)
		return false;
	return len % 8 == 0 ||
	       !((x->addr.s6_addr[len / 8] ^ y->addr.s6_addr[len / 8]) >> (8 - len % 8));
}

static void words_of(const struct qos_prefix *prefix, uint32_t word[QOS_WORDS])
{
	uint32_t first = prefix->family == QOS_FAMILY_IPV4 ? QOS_WORDS - 1 : 0;

	memcpy(word, &prefix->addr, sizeof(prefix->addr));
	for (uint32_t i = 0; i < QOS_WORDS; i++)
		word[i] = i < first ? 0 : ntohl(word[i]);
}

static int put_prefix(struct sweep *sweep, const void *value, uint32_t set)
{
	uint32_t word[QOS_WORDS];

	words_of(value, word);
	return qos_border_add(sweep, word, set);
}

/* At the first address after it, where there is one. */
static int put_after_prefix(struct sweep *sweep, const void *value, uint32_t set)
{
	const struct qos_prefix *prefix = value;
	uint32_t word[QOS_WORDS], last = bits_of(prefix) - 1, add = 1U << (31 - last % 32);
	uint32_t first = prefix->family == QOS_FAMILY_IPV4 ? QOS_WORDS - 1 : 0;

	words_of(prefix, word);
	for (uint32_t i = last / 32 + 1; i-- > first;) {
		word[i] += add;
		add = word[i] < add;
	}
	return add ? 0 : qos_border_add(sweep, word, set);
}

/* Of one family: all its addresses, so that there is always an answer, and prefixes of them. */
static int add_prefixes(struct items *items, const struct sweep *sweep, enum qos_piece piece,
			const struct qos_prefix *all)
{
	bool src = piece == QOS_PIECE_SRC;
	int r = add_item(items, NULL, all);

	for (size_t i = 0; r == 0 && i < sweep->entries->demand_count; i++) {
		const struct demand *d = &sweep->entries->demands[i];
		const struct qos_prefix *list = src ? d->match->src : d->match->dst;
		size_t count = src ? d->match->src_count : d->match->dst_count;

		for (size_t k = 0; d->keys & (src ? KEY_SRC : KEY_DST) && r == 0 && k < count; k++)
			if (list[k].family == all->family)
				r = add_item(items, d, &list[k]);
	}
	return r;
}

static int sweep_prefixes(struct sweep *sweep, enum qos_piece piece, const struct qos_prefix *all)
{
	_cleanup_(free_items) struct items items = {
		.compare = compare_prefixes,
		.is_within = is_within_prefix,
		.put = put_prefix,
		.put_after = put_after_prefix,
	};
	int r = add_prefixes(&items, sweep, piece, all);

	if (r == 0)
		r = sweep_items(sweep, &items);
	return r < 0 ? r : qos_borders_end(sweep, bits_of(all) / 32, QOS_TO_NEXT);
}

int qos_piece_prefixes(struct sweep *sweep, enum qos_piece piece)
{
	static const struct qos_prefix all4 = {
		.family = QOS_FAMILY_IPV4,
		.addr = { .s6_addr = { [10] = 0xff, [11] = 0xff } },
	}, all6 = { .family = QOS_FAMILY_IPV6 };
	int r;

	qos_sweep_start(sweep, piece == QOS_PIECE_SRC ? KEY_SRC : KEY_DST, -1);
	r = qos_piece_none(sweep, piece);
	if (r == 0)
		r = sweep_prefixes(sweep, piece, &all4);
	return r < 0 ? r : sweep_prefixes(sweep, piece, &all6);
}

/* By components: what is below a path comes right after it. */
static int compare_paths(const void *a, const void *b)
{
	const unsigned char *x = ((const struct item *)a)->value;
	const unsigned char *y = ((const struct item *)b)->value;

	while (*x && *x == *y) {
		x++;
		y++;
	}
	return (*x == '/' ? 1 : *x ? *x + 1 : 0) - (*y == '/' ? 1 : *y ? *y + 1 : 0);
}

static bool is_within_path(const void *outer, const void *inner)
{
	size_t len = strlen(outer);
	const char *path = inner;

	return strncmp(path, outer, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static int put_cgroup(struct sweep *sweep, const void *value, uint32_t set)
{
	struct qos_tables *t = sweep->tables;
	struct qos_plan_cgroup *list =
		qos_room(t->cgroups, t->cgroup_count, &sweep->cgroup_room, sizeof(*list));
	uint32_t levels = qos_cgroup_levels(value, strlen(value));

	if (!list)
		return -ENOMEM;
	t->cgroups = list;
	list[t->cgroup_count++] = (struct qos_plan_cgroup){ value, set };
	if (levels > t->cgroup_levels)
		t->cgroup_levels = levels;
	return 0;
}

int qos_piece_cgroups(struct sweep *sweep)
{
	_cleanup_(free_items) struct items items = {
		.compare = compare_paths,
		.is_within = is_within_path,
		.put = put_cgroup,
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sweep->entries->demand_count; i++) {
		const struct demand *d = &sweep->entries->demands[i];

		for (size_t k = 0; r == 0 && d->keys & KEY_CGROUP && k < d->match->cgroup_count;
		     k++)
			r = add_item(&items, d, d->match->cgroup[k]);
	}
	qos_sweep_start(sweep, KEY_CGROUP, -1);
	if (r == 0)
		r = qos_piece_none(sweep, QOS_PIECE_CGROUP);
	return r < 0 ? r : sweep_items(sweep, &items);
}
