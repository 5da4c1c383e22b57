/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pieces of which a packet is in several values at once, one within the other: addresses in
 * prefixes, sockets in cgroups. The set of one is what all around it say as well. And
 * marks, which are in one, through each mask.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "compile/pieces.h"

/* A value that a demand lists; demand null: it is there for itself. */
struct item {
	const struct demand *demand;
	const void *value;
	/* of the first with its value: */
	size_t end;   /* of those with it */
	size_t outer; /* while it is around: the one around it, plus 1 */
};

struct items {
	struct item *list;
	size_t count, room;
	/* Order in which what is around comes first, and that which is within right after. */
	int (*compare)(const void *a, const void *b);
	bool (*is_within)(const void *outer, const void *inner);
	int (*put)(struct sweep *sweep, const void *value, uint32_t set);
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

/* A set for each value, in order. */
static int sweep_items(struct sweep *sweep, struct items *items)
{
	size_t outer = 0; /* the innermost value that is around, plus 1 */
	uint32_t set;
	int r = 0;

	if (items->count)
		qsort(items->list, items->count, sizeof(*items->list), items->compare);
	for (size_t i = 0; r == 0 && i < items->count; i = items->list[i].end) {
		struct item *item = &items->list[i];

		item->end = find_end(items, i);
		while (outer && !items->is_within(items->list[outer - 1].value, item->value)) {
			move_value(sweep, items, outer - 1, -1);
			outer = items->list[outer - 1].outer;
		}
		item->outer = outer;
		outer = i + 1;
		move_value(sweep, items, i, 1);
		r = qos_sweep_set(sweep, entry_of(item), &set);
		if (r == 0)
			r = items->put(sweep, item->value, set);
	}
	return r;
}

/* Before the sweep of values that are not the packet's: what has none of them. */
static int start_piece(struct sweep *sweep, uint32_t key, int mask, enum qos_piece piece)
{
	qos_sweep_start(sweep, key, mask);
	return qos_piece_none(sweep, piece);
}

static int compare_prefixes(const void *a, const void *b)
{
	const struct qos_prefix *x = ((const struct item *)a)->value;
	const struct qos_prefix *y = ((const struct item *)b)->value;
	int r = (int)x->family - (int)y->family;

	if (r == 0)
		r = memcmp(&x->addr, &y->addr, sizeof(x->addr));
	return r ? r : (int)x->len - (int)y->len;
}

static bool is_within_prefix(const void *outer, const void *inner)
{
	const struct qos_prefix *x = outer, *y = inner;
	unsigned int len = x->len + (x->family == QOS_FAMILY_IPV4 ? 96 : 0);

	if (x->family != y->family || x->len > y->len)
		return false;
	if (memcmp(&x->addr, &y->addr, len / 8) != 0)
		return false;
	return len % 8 == 0 ||
	       !((x->addr.s6_addr[len / 8] ^ y->addr.s6_addr[len / 8]) >> (8 - len % 8));
}

static struct qos_prefix_key prefix_key(const struct qos_prefix *prefix)
{
	struct qos_prefix_key key = {
		.len = QOS_FAMILY_BITS + prefix->len,
		.family = prefix->family,
	};

	if (prefix->family == QOS_FAMILY_IPV4)
		memcpy(key.addr, &prefix->addr.s6_addr[12], 4);
	else
		memcpy(key.addr, &prefix->addr, sizeof(key.addr));
	return key;
}

static int put_prefix(struct qos_set_of_prefix **list, size_t *count, size_t *room,
		      const struct qos_prefix *prefix, uint32_t set)
{
	struct qos_set_of_prefix *more = qos_room(*list, *count, room, sizeof(*more));

	if (!more)
		return -ENOMEM;
	*list = more;
	more[(*count)++] = (struct qos_set_of_prefix){ prefix_key(prefix), set };
	return 0;
}

static int put_src(struct sweep *sweep, const void *value, uint32_t set)
{
	struct qos_tables *t = sweep->tables;

	return put_prefix(&t->src, &t->src_count, &sweep->src_room, value, set);
}

static int put_dst(struct sweep *sweep, const void *value, uint32_t set)
{
	struct qos_tables *t = sweep->tables;

	return put_prefix(&t->dst, &t->dst_count, &sweep->dst_room, value, set);
}

int qos_piece_prefixes(struct sweep *sweep, enum qos_piece piece)
{
	/* all addresses of a family, so that there is always an answer */
	static const struct qos_prefix all4 = {
		.family = 4,
		.addr = { .s6_addr = { [10] = 0xff, [11] = 0xff } },
	}, all6 = { .family = 6 };
	bool src = piece == QOS_PIECE_SRC;
	_cleanup_(free_items) struct items items = {
		.compare = compare_prefixes,
		.is_within = is_within_prefix,
		.put = src ? put_src : put_dst,
	};
	uint32_t key = src ? KEY_SRC : KEY_DST;
	int r = add_item(&items, NULL, &all4);

	if (r == 0)
		r = add_item(&items, NULL, &all6);
	for (size_t i = 0; r == 0 && i < sweep->entries->demand_count; i++) {
		const struct demand *d = &sweep->entries->demands[i];
		const struct qos_prefix *list = src ? d->match->src : d->match->dst;
		size_t count = src ? d->match->src_count : d->match->dst_count;

		for (size_t k = 0; r == 0 && d->keys & key && k < count; k++)
			r = add_item(&items, d, &list[k]);
	}
	if (r == 0)
		r = start_piece(sweep, key, -1, piece);
	return r < 0 ? r : sweep_items(sweep, &items);
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

static uint32_t levels_of(const char *path)
{
	uint32_t levels = 1;

	for (; *path; path++)
		levels += *path == '/';
	return levels;
}

static int put_cgroup(struct sweep *sweep, const void *value, uint32_t set)
{
	struct qos_tables *t = sweep->tables;
	struct qos_plan_cgroup *list =
		qos_room(t->cgroups, t->cgroup_count, &sweep->cgroup_room, sizeof(*list));
	uint32_t levels = levels_of(value);

	if (!list)
		return -ENOMEM;
	t->cgroups = list;
	list[t->cgroup_count++] = (struct qos_plan_cgroup){ value, set };
	if (levels > t->cgroup_levels)
		t->cgroup_levels = levels;
	return 0;
}

static int expect_shallow(const struct sweep *sweep, const struct demand *d, const char *path)
{
	if (levels_of(path) <= QOS_MAX_CGROUP_LEVELS)
		return 0;
	qos_diag_at(sweep->diags, sweep->entries->rules[sweep->entries->rule[d->entry]].loc,
		    "the cgroup `%s` is more than %d levels deep", path, QOS_MAX_CGROUP_LEVELS);
	return -E2BIG;
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
		     k++) {
			r = expect_shallow(sweep, d, d->match->cgroup[k]);
			if (r == 0)
				r = add_item(&items, d, d->match->cgroup[k]);
		}
	}
	if (r == 0)
		r = start_piece(sweep, KEY_CGROUP, -1, QOS_PIECE_CGROUP);
	return r < 0 ? r : sweep_items(sweep, &items);
}

static int compare_marks(const void *a, const void *b)
{
	const struct qos_masked *x = ((const struct item *)a)->value;
	const struct qos_masked *y = ((const struct item *)b)->value;

	return x->value < y->value ? -1 : x->value > y->value;
}

static bool is_within_mark(const void *outer, const void *inner)
{
	return ((const struct qos_masked *)outer)->value ==
	       ((const struct qos_masked *)inner)->value;
}

static int put_mark(struct sweep *sweep, const void *value, uint32_t set)
{
	struct qos_tables *t = sweep->tables;
	const struct qos_masked *mark = value;
	struct qos_set_of_mark *list =
		qos_room(t->marks, t->mark_value_count, &sweep->mark_room, sizeof(*list));
	uint32_t number = 0;

	if (!list)
		return -ENOMEM;
	while (t->masks[number] != mark->mask)
		number++;
	t->marks = list;
	list[t->mark_value_count++] = (struct qos_set_of_mark){
		.key = { .mask = number, .value = mark->value },
		.set = set,
	};
	return 0;
}

int qos_piece_marks(struct sweep *sweep, uint32_t number)
{
	_cleanup_(free_items) struct items items = {
		.compare = compare_marks,
		.is_within = is_within_mark,
		.put = put_mark,
	};
	uint32_t mask = sweep->tables->masks[number];
	int r = 0;

	for (size_t i = 0; r == 0 && i < sweep->entries->demand_count; i++) {
		const struct demand *d = &sweep->entries->demands[i];

		if (!qos_demand_has(d, KEY_MARK, (int)number))
			continue;
		for (size_t k = 0; r == 0 && k < d->match->mark_count; k++)
			if (d->match->mark[k].mask == mask)
				r = add_item(&items, d, &d->match->mark[k]);
	}
	if (r == 0)
		r = start_piece(sweep, KEY_MARK, (int)number, QOS_PIECE_MARK + number);
	return r < 0 ? r : sweep_items(sweep, &items);
}
