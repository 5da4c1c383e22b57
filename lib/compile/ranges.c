/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ranges of numbers that have sets, as the program looks for the one that a number is in: a tree
 * for each 32 bits of it (kern/pieces.h, struct qos_ranges).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "compile/pieces.h"

/* Ranges of one word of a number, in order. */
struct column {
	struct range {
		uint32_t first, to;
	} * list;
	size_t count, room;
};

static void free_column(struct column *column)
{
	free(column->list);
}

static const struct border *last_border(const struct borders *b)
{
	return b->list && b->count ? &b->list[b->count - 1] : NULL;
}

int qos_border_add(struct sweep *sweep, const uint32_t word[QOS_WORDS], uint32_t set)
{
	struct borders *b = &sweep->borders;
	const struct border *last = last_border(b);
	struct border *list;

	if (last && memcmp(last->word, word, sizeof(last->word)) == 0)
		b->count--;
	last = last_border(b);
	if (last && last->set == set)
		return 0;
	list = qos_room(b->list, b->count, &b->room, sizeof(*list));
	if (!list)
		return -ENOMEM;
	b->list = list;
	list[b->count] = (struct border){ .set = set, .entry = sweep->entry };
	memcpy(list[b->count++].word, word, sizeof(list->word));
	return 0;
}

static int add_range(struct column *column, uint32_t first, uint32_t to)
{
	struct range *list = qos_room(column->list, column->count, &column->room, sizeof(*list));

	if (!list)
		return -ENOMEM;
	column->list = list;
	list[column->count++] = (struct range){ first, to };
	return 0;
}

static int new_node(struct sweep *sweep, uint32_t entry, struct qos_ranges **ret_node)
{
	struct qos_tables *t = sweep->tables;
	struct qos_ranges *nodes;

	if (t->node_count == QOS_MAX_NODES) {
		qos_sweep_refuse(sweep, entry, sizeof(*nodes) * QOS_MAX_NODES);
		return -E2BIG;
	}
	nodes = qos_room(t->nodes, t->node_count, &sweep->node_room, sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	t->nodes = nodes;
	*ret_node = &nodes[t->node_count++];
	return 0;
}

static void fill_node(struct qos_ranges *node, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < QOS_FANOUT; i++) {
		node->first[i] = i < count ? ranges[i].first : UINT32_MAX;
		node->to[i] = ranges[i < count ? i : count - 1].to;
	}
}

/* Nodes of its ranges, nodes of these, and so on, until there is one: where the search begins. */
static int make_tree(struct sweep *sweep, struct column *column, uint32_t entry, uint32_t *ret_to)
{
	struct qos_ranges *node = NULL;
	int r;

	while (column->count > 1) {
		size_t nodes = 0;

		for (size_t i = 0; i < column->count; i += QOS_FANOUT) {
			size_t left = column->count - i;

			r = new_node(sweep, entry, &node);
			if (r < 0)
				return r;
			fill_node(node, column->list + i, left < QOS_FANOUT ? left : QOS_FANOUT);
			column->list[nodes++] = (struct range){
				.first = column->list[i].first,
				.to = (uint32_t)(node - sweep->tables->nodes),
			};
		}
		column->count = nodes;
	}
	*ret_to = column->list[0].to;
	return 0;
}

static int make_column(struct sweep *sweep, size_t begin, size_t end, uint32_t word,
		       uint32_t before, uint32_t *ret_to);

/* Where a number leads whose borders are those from begin to before end. */
static int make_range(struct sweep *sweep, size_t begin, size_t end, uint32_t word, uint32_t before,
		      uint32_t *ret_to)
{
	const struct border *border = &sweep->borders.list[begin];
	bool whole = end == begin + 1;
	int r = 0;

	for (uint32_t i = word + 1; i < QOS_WORDS; i++)
		whole = whole && !border->word[i];
	*ret_to = QOS_TO_SET | border->set;
	if (!whole)
		r = make_column(sweep, begin, end, word + 1, before, ret_to);
	if (r == 0 && !(*ret_to & QOS_TO_SET))
		*ret_to |= QOS_TO_NEXT;
	return r;
}

/*
 * Ranges of a word, of borders that are the same in the words before it; before: the set until the
 * first of them. At most QOS_WORDS deep.
 */
static int make_column(struct sweep *sweep, size_t begin, size_t end, uint32_t word,
		       uint32_t before, uint32_t *ret_to)
{
	_cleanup_(free_column) struct column column = { 0 };
	const struct border *list = sweep->borders.list;
	int r = list[begin].word[word] ? add_range(&column, 0, QOS_TO_SET | before) : 0;

	for (size_t i = begin, next; r == 0 && i < end; i = next) {
		uint32_t number = list[i].word[word], to = 0;

		for (next = i + 1; next < end && list[next].word[word] == number;)
			next++;
		r = make_range(sweep, i, next, word, before, &to);
		if (r == 0)
			r = add_range(&column, number, to);
		before = list[next - 1].set;
		if (r == 0 && !(to & QOS_TO_SET) && number != UINT32_MAX &&
		    (next == end || list[next].word[word] != number + 1))
			r = add_range(&column, number + 1, QOS_TO_SET | before);
	}
	/* the first one may be of no rule: there all numbers begin */
	return r < 0 ? r : make_tree(sweep, &column, list[end - 1].entry, ret_to);
}

int qos_borders_end(struct sweep *sweep, uint32_t first, uint32_t flag)
{
	uint32_t to = 0;
	int r = make_column(sweep, 0, sweep->borders.count, first, 0, &to);

	sweep->borders.count = 0;
	if (!(to & QOS_TO_SET))
		to |= flag;
	return r < 0 ? r : qos_piece_value(sweep, to);
}
