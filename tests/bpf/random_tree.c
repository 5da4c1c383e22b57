// SPDX-License-Identifier: LGPL-2.1-or-later
/* The shape first, then guarantees from the link down, as then it is known what fits. */
#include "random_tree.h"

#include <stdio.h>
#include <string.h>

#include "../unit/unit.h"

/* Rates are in thousandths of the link, so of a link of 100 Mbit/s in tenths of Mbit/s. */
#define LINK	    1000
#define LEAST	    10
#define SMALL	    10000 /* kbit/s: packets are small below it, else some percent of it */
#define CHILDREN    4
#define MANY	    40 /* classes: from here on only what is begun is finished */
#define CLASSES	    63
#define LEVELS	    4
#define INDENT	    4
#define NAME_SIZE   (LEVELS + 1)
#define LINK_ITSELF (-1)

enum load {
	LOAD_IDLE,
	LOAD_WINDOW,
	LOAD_TCP,
	LOAD_FLOOD,
};

struct node {
	char name[NAME_SIZE]; /* its parent's and a letter */
	int parent;
	unsigned int depth; /* 1 for the classes of the link */
	bool inner;
	uint32_t rate, ceil, weight; /* 0: not given */
	const char *priority;	     /* null: not given */
	uint32_t sure;		     /* its rate, or what its classes are guaranteed */
	uint32_t most;		     /* its ceiling, or that of what is above */
	enum load load;
	uint32_t flows;
	const char *change; /* "from" or "until"; null: it sends all the time */
};

struct tree {
	struct random *random;
	const struct tree_kind *kind;
	unsigned int levels;
	struct node nodes[CLASSES]; /* a parent before its children */
	int count;
};

/* The first child always has children as long as there are levels, so the tree is as deep. */
static bool draw_inner(struct tree *tree, unsigned int depth, bool first)
{
	if (depth == tree->levels)
		return false;
	return first || (tree->count < MANY && random_one_in(tree->random, 3));
}

static void draw_shape(struct tree *tree, int parent, unsigned int depth, bool first)
{
	uint32_t children = 2 + random_below(tree->random, CHILDREN - 1);

	for (uint32_t i = 0; i < children; i++) {
		int number = tree->count++;
		struct node *node = &tree->nodes[number];

		assert_true(tree->count <= CLASSES);
		if (parent >= 0)
			memcpy(node->name, tree->nodes[parent].name, sizeof(node->name));
		node->name[depth - 1] = (char)('a' + i);
		node->parent = parent;
		node->depth = depth;
		node->inner = draw_inner(tree, depth, first && i == 0);
		if (node->inner)
			draw_shape(tree, number, depth + 1, first && i == 0);
	}
}

/* A part of an amount, in percent, from least on. */
static uint32_t draw_part(struct random *r, uint32_t amount, uint32_t least)
{
	return amount * (least + random_below(r, 101 - least)) / 100;
}

/* Of four in five of the classes for which there is enough; of all of them that is about two
 * thirds. */
static void draw_rates(struct tree *tree, int parent, uint32_t amount)
{
	uint32_t parts[CLASSES] = { 0 }, all = 0;

	for (int i = 0; i < tree->count; i++) {
		if (tree->nodes[i].parent == parent)
			all += parts[i] = 2 + random_below(tree->random, 8);
	}
	for (int i = 0; i < tree->count; i++) {
		struct node *node = &tree->nodes[i];
		uint32_t share;

		if (node->parent != parent)
			continue;
		share = amount * parts[i] / (all ? all : 1);
		if (share >= LEAST && !random_one_in(tree->random, 5)) {
			node->rate = share;
			share = draw_part(tree->random, share, 70);
		}
		if (node->inner)
			draw_rates(tree, i, share);
	}
}

static void sum_rates(struct tree *tree)
{
	for (int i = tree->count - 1; i >= 0; i--) {
		struct node *node = &tree->nodes[i];

		if (node->rate)
			node->sure = node->rate;
		if (node->parent != LINK_ITSELF)
			tree->nodes[node->parent].sure += node->sure;
	}
}

/* Of half of the classes, and of those above them at most. */
static void draw_ceilings(struct tree *tree)
{
	for (int i = 0; i < tree->count; i++) {
		struct node *node = &tree->nodes[i];
		uint32_t least = node->sure > LEAST ? node->sure : LEAST;
		uint32_t above =
			node->parent == LINK_ITSELF ? LINK : tree->nodes[node->parent].most;

		if (random_one_in(tree->random, 2))
			node->ceil = least + draw_part(tree->random, above - least, 0);
		node->most = node->ceil ? node->ceil : above;
	}
}

/* All of those beside each other have one, or none has. */
static void draw_weights(struct tree *tree, int parent)
{
	bool weighted = random_one_in(tree->random, 4);

	for (int i = 0; i < tree->count; i++) {
		struct node *node = &tree->nodes[i];

		if (node->parent != parent)
			continue;
		if (weighted)
			node->weight = 1 + random_below(tree->random, 10);
		if (node->inner)
			draw_weights(tree, i);
	}
}

/* A third of the leaves is idle; one that is the only one that could send is not. */
static void draw_loads(struct tree *tree)
{
	static const enum load loads[] = { LOAD_WINDOW, LOAD_TCP, LOAD_FLOOD };
	struct node *last = tree->nodes;
	bool any = false;

	for (int i = 0; i < tree->count; i++) {
		struct node *node = &tree->nodes[i];

		if (node->inner)
			continue;
		last = node;
		node->flows = random_one_in(tree->random, 2) ? 1 : 4;
		node->load = RANDOM_OF(tree->random, loads);
		if (random_one_in(tree->random, 3))
			node->load = LOAD_IDLE;
		any |= node->load != LOAD_IDLE;
	}
	if (!any)
		last->load = LOAD_TCP;
}

/* After all else: without them a seed has the same tree. */
static void draw_priorities(struct tree *tree)
{
	static const char *const names[] = { "high", NULL, "low" };

	for (int i = 0; i < tree->count; i++) {
		if (!tree->nodes[i].inner)
			tree->nodes[i].priority = RANDOM_OF(tree->random, names);
	}
}

static void draw_changes(struct tree *tree)
{
	static const char *const names[] = { "from", NULL, "until" };

	for (int i = 0; i < tree->count; i++) {
		if (!tree->nodes[i].inner)
			tree->nodes[i].change = RANDOM_OF(tree->random, names);
	}
}

static uint32_t kbit_of(const struct tree *tree, uint32_t rate)
{
	return rate * tree->kind->link;
}

static void put_key(FILE *f, const char *before, const char *key, uint32_t kbit)
{
	fprintf(f, "%s%s: %ukbit", before, key, kbit);
}

/* Each with something before it; returns whether there is any. */
static bool put_keys(FILE *f, const char *first, const char *next, const struct tree *tree,
		     const struct node *node)
{
	const char *before = first;

	if (node->rate) {
		put_key(f, before, "rate", kbit_of(tree, node->rate));
		before = next;
	}
	if (node->ceil) {
		put_key(f, before, "ceil", kbit_of(tree, node->ceil));
		before = next;
	}
	if (node->weight) {
		fprintf(f, "%sweight: %u", before, node->weight);
		before = next;
	}
	if (node->priority) {
		fprintf(f, "%spriority: %s", before, node->priority);
		before = next;
	}
	return before != first;
}

static void put_load(FILE *f, const struct tree *tree, const struct node *node)
{
	switch (node->load) {
	case LOAD_IDLE:
		fputs(" # idle", f);
		break;
	case LOAD_WINDOW:
		fprintf(f, " # window %u", kbit_of(tree, node->sure) < SMALL ? 3028 : 12500);
		break;
	case LOAD_TCP:
		fprintf(f, " # tcp %u", node->flows);
		break;
	case LOAD_FLOOD:
		/* more than it may ever have */
		fprintf(f, " # udp %u", kbit_of(tree, node->most) * 12 / 10000 + 1);
		break;
	}
	if (node->load != LOAD_IDLE && node->change)
		fprintf(f, " %s %llu", node->change, (unsigned long long)tree->kind->change);
}

static void put_leaf(FILE *f, const struct tree *tree, const struct node *node)
{
	fprintf(f, "%s: {", node->name);
	fputs(put_keys(f, " ", ", ", tree, node) ? " }" : "}", f);
	put_load(f, tree, node);
	fputc('\n', f);
}

static void put_classes(FILE *f, const struct tree *tree, int parent);

static void put_inner(FILE *f, const struct tree *tree, int number)
{
	const struct node *node = &tree->nodes[number];
	char line[INDENT * (LEVELS + 1)];

	snprintf(line, sizeof(line), "\n%*s", (int)(INDENT * node->depth), "");
	fprintf(f, "%s:", node->name);
	put_keys(f, line, line, tree, node);
	fprintf(f, "%sclasses:\n", line);
	put_classes(f, tree, number);
}

static void put_classes(FILE *f, const struct tree *tree, int parent)
{
	for (int i = 0; i < tree->count; i++) {
		const struct node *node = &tree->nodes[i];

		if (node->parent != parent)
			continue;
		fprintf(f, "%*s", (int)(INDENT * node->depth - 2), "");
		if (node->inner)
			put_inner(f, tree, i);
		else
			put_leaf(f, tree, node);
	}
}

static const char *first_leaf(const struct tree *tree)
{
	int i = 0;

	while (tree->nodes[i].inner)
		i++;
	return tree->nodes[i].name;
}

char *random_tree(struct random *r, const struct tree_kind *kind)
{
	struct tree tree = { .random = r, .kind = kind, .levels = 2 + random_below(r, LEVELS - 1) };
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	draw_shape(&tree, LINK_ITSELF, 1, true);
	draw_rates(&tree, LINK_ITSELF, draw_part(r, LINK, 60));
	sum_rates(&tree);
	draw_ceilings(&tree);
	draw_weights(&tree, LINK_ITSELF);
	draw_loads(&tree);
	if (kind->priorities)
		draw_priorities(&tree);
	if (kind->change)
		draw_changes(&tree);
	fprintf(f, "link: { rate: %umbit }\ndefault: %s\nclasses:\n", kind->link,
		first_leaf(&tree));
	put_classes(f, &tree, LINK_ITSELF);
	fclose(f);
	return text;
}
