/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "parse/load.h"

struct qos_node *doc_node_new(enum qos_node_kind kind, struct qos_loc loc)
{
	struct qos_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->kind = kind;
	node->loc = loc;
	return node;
}

/* Recursion is as deep as the tree: DOC_LEVELS. */
void qos_node_free(struct qos_node *root)
{
	while (root) {
		struct qos_node *next = root->next;

		qos_node_free(root->first);
		free(root->text);
		free(root->key);
		free(root);
		root = next;
	}
}

const struct qos_node *qos_node_get(const struct qos_node *map, const char *key)
{
	if (map->kind != QOS_NODE_MAP)
		return NULL;
	for (const struct qos_node *item = map->first; item; item = item->next) {
		if (strcmp(item->key, key) == 0)
			return item;
	}
	return NULL;
}

const char *qos_node_kind_text(const struct qos_node *node)
{
	switch (node->kind) {
	case QOS_NODE_LIST:
		return "a list";
	case QOS_NODE_MAP:
		return "a mapping";
	case QOS_NODE_SCALAR:
		break;
	}
	return "a text";
}

/* text may be null. */
static int copy_text(const char *text, struct doc_size *size, char **ret)
{
	char *copy;

	if (!text)
		return 0;
	size->alias_text += strlen(text) + 1;
	if (size->alias_text > DOC_ALIAS_TEXT)
		return -E2BIG;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

static int copy_items(const struct qos_node *from, size_t depth, struct doc_size *size,
		      struct qos_node *to)
{
	struct qos_node **tail = &to->first;
	int r;

	for (const struct qos_node *item = from->first; item; item = item->next) {
		r = doc_node_copy(item, depth + 1, size, tail);
		if (r < 0)
			return r;
		(*tail)->key_loc = item->key_loc;
		r = copy_text(item->key, size, &(*tail)->key);
		if (r < 0)
			return r;
		tail = &(*tail)->next;
	}
	return 0;
}

int doc_node_copy(const struct qos_node *node, size_t depth, struct doc_size *size,
		  struct qos_node **ret_copy)
{
	_cleanup_(doc_node_freep) struct qos_node *copy = NULL;
	int r;

	if (depth > DOC_LEVELS || ++size->nodes > DOC_NODES)
		return -E2BIG;
	copy = doc_node_new(node->kind, node->loc);
	if (!copy)
		return -ENOMEM;
	copy->quoted = node->quoted;
	r = copy_text(node->text, size, &copy->text);
	if (r < 0)
		return r;
	r = copy_items(node, depth, size, copy);
	if (r < 0)
		return r;
	*ret_copy = TAKE_PTR(copy);
	return 0;
}

int qos_node_copy(const struct qos_node *node, struct qos_node **ret_copy)
{
	struct doc_size size = { 0 };

	return doc_node_copy(node, 0, &size, ret_copy);
}

/* An item and where in its map it stands. */
struct place {
	const struct qos_node *item;
	size_t index;
};

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int order = strcmp(x->item->key, y->item->key);

	if (order != 0)
		return order;
	return x->index < y->index ? -1 : 1;
}

/* Sorted, not compared each with each: a map may have half a million keys. */
static int find_duplicates(const struct qos_node *map, struct qos_diags *diags, bool *doomed,
			   size_t count)
{
	_cleanup_(freep) struct place *places = calloc(count + 1, sizeof(*places));
	size_t i = 0, first = 0;

	if (!places)
		return -ENOMEM;
	for (const struct qos_node *item = map->first; item; item = item->next, i++)
		places[i] = (struct place){ .item = item, .index = i };
	qsort(places, count, sizeof(*places), compare_places);

	for (i = 1; i < count; i++) {
		const struct qos_node *item = places[i].item;

		if (strcmp(places[first].item->key, item->key) != 0) {
			first = i;
			continue;
		}
		doomed[places[i].index] = true;
		qos_diag_at(diags, item->key_loc, "`%s` is given twice", QOS_BRIEF(item->key));
		qos_diag_note(diags, places[first].item->key_loc, "first given here");
	}
	return 0;
}

/* Most maps have few keys, with nothing to remove: to see that takes no memory. */
#define FEW 16

static bool is_clean(const struct qos_node *map, size_t count)
{
	if (count > FEW)
		return false;
	for (const struct qos_node *a = map->first; a; a = a->next) {
		if (strcmp(a->key, "<<") == 0)
			return false;
		for (const struct qos_node *b = a->next; b; b = b->next) {
			if (strcmp(a->key, b->key) == 0)
				return false;
		}
	}
	return true;
}

int doc_map_prune(struct qos_node *map, struct qos_diags *diags, struct qos_node **removed)
{
	_cleanup_(freep) bool *doomed = NULL;
	size_t count = 0, i = 0;
	int r;

	for (const struct qos_node *item = map->first; item; item = item->next)
		count++;
	if (is_clean(map, count))
		return 0;
	doomed = calloc(count + 1, sizeof(*doomed));
	if (!doomed)
		return -ENOMEM;
	r = find_duplicates(map, diags, doomed, count);
	if (r < 0)
		return r;

	for (struct qos_node **at = &map->first; *at; i++) {
		struct qos_node *item = *at;

		if (strcmp(item->key, "<<") == 0)
			qos_diag_at(diags, item->key_loc,
				    "merge keys (`<<`) are not supported: "
				    "write the keys out");
		else if (!doomed[i]) {
			at = &item->next;
			continue;
		}
		*at = item->next;
		item->next = *removed;
		*removed = item;
	}
	return 0;
}
