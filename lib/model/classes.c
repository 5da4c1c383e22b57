/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `classes`: the tree, names and what each is promised. */
#include <stdlib.h>
#include <string.h>

#include "model/draft.h"

#define HOST6_LEN 64 /* a network: its hosts change their addresses at will (RFC 8981) */

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool name_valid(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > QOS_CLASS_NAME_MAX || !is_alnum(name[0]))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_alnum(name[i]) && !strchr("-_.", name[i]))
			return false;
	}
	return true;
}

static void check_name(struct draft *draft, const struct qos_node *item)
{
	if (strcmp(item->key, "link") == 0)
		draft_error(draft, item->key_loc,
			    "a class cannot be called `link`: that is the link itself");
	else if (!name_valid(item->key))
		draft_error(draft, item->key_loc,
			    "`%s` is not a name for a class: letters, digits, `-`, `_` and `.`, "
			    "first a letter or digit, at most %d",
			    QOS_BRIEF(item->key), QOS_CLASS_NAME_MAX);
}

/* What a class may not exceed, when its keys are read; its parent's is known. */
static void set_limit(struct draft *draft, struct class_draft *class)
{
	const struct rate *above = draft_limit(draft, class->c.parent);

	if (class->ceil.state != RATE_ABSENT)
		class->limit = class->ceil;
	else if (above->state != RATE_ABSENT)
		class->limit = *above;
	else
		class->limit = class->rate;
}

/* The keys of a class, except for the classes in it. */
static void read_keys(struct draft *draft, const struct qos_node *item, struct class_draft *class)
{
	struct overlay over = overlay_of(draft, item->key);

	class->c.inner = qos_node_get(item, "classes");
	/* badly spelt, it still has names that rules know */
	if (!class->c.inner && keys_given(&keys_class, item, "classes"))
		draft->classes_bad = true;
	class->weightless =
		!keys_given(&keys_class, item, "weight") && !overlay_get(over, "weight");
	keys_read_over(draft, class->c.inner ? &keys_inner : &keys_class, item, over, class);
}

static void read_class(struct draft *draft, const struct qos_node *item, struct class_draft *class)
{
	check_name(draft, item);
	if (value_is_null(item))
		draft_error(draft, item->key_loc,
			    "class `%s` has no value: write `{}` for a class without limits",
			    QOS_BRIEF(item->key));
	else if (value_expect(draft, item->key, item, QOS_NODE_MAP))
		read_keys(draft, item, class);
	else
		draft->classes_bad = true;
	set_limit(draft, class);
}

static struct class_draft new_class(char *name, struct qos_loc loc, int index, int parent,
				    unsigned int depth)
{
	return (struct class_draft){
		.c = {
			.name = name,
			.loc = loc,
			.parent = parent,
			.depth = depth,
			.priority = QOS_PRIORITY_NORMAL,
			.fairness = QOS_FAIR_FLOW,
			.host6_len = HOST6_LEN,
			.ecn = true,
			.dscp = -1,
			.latency = QOS_POLICY_LATENCY,
		},
		.rate = { .key = "rate", .owner = index },
		.ceil = { .key = "ceil", .owner = index },
		.per_flow = { .key = "per-flow", .owner = index },
	};
}

/* Its index; -1: no memory. */
static int add_class(struct draft *draft, const struct qos_node *item, int parent)
{
	unsigned int depth = parent == QOS_PARENT_LINK ? 0 : draft->classes[parent].c.depth;
	struct class_draft *classes;
	char *name = strdup(item->key);
	int index = (int)draft->class_count;

	classes = draft_grow(draft, draft->classes, draft->class_count, sizeof(*classes));
	if (classes)
		draft->classes = classes;
	if (!classes || !name) {
		draft->no_memory = true;
		free(name);
		return -1;
	}
	classes[index] = new_class(name, item->key_loc, index, parent, depth + 1);
	draft->class_count++;
	read_class(draft, item, &classes[index]);
	return index;
}

/* Whether there are members to read in `classes`; else none of it is, and that is reported. */
static bool expect_members(struct draft *draft, const struct qos_node *value, int parent)
{
	const struct class_draft *class =
		parent == QOS_PARENT_LINK ? NULL : &draft->classes[parent];

	if (!value_expect(draft, "classes", value, QOS_NODE_MAP))
		return false;
	if (class && class->c.depth == QOS_POLICY_DEPTH) {
		draft_error(draft, value->key_loc,
			    "class `%s` is at level %d, the last: it cannot have classes in it",
			    QOS_BRIEF(class->c.name), QOS_POLICY_DEPTH);
		return false;
	}
	if (value->first)
		return true;
	if (class)
		draft_error(draft, value->loc,
			    "`classes` is empty: leave it out of `%s` for a class with packets of "
			    "its own",
			    QOS_BRIEF(class->c.name));
	else
		draft_error(draft, value->loc, "`classes` is empty: a policy needs at least one");
	return false;
}

/*
 * The classes in one, or in the link, each followed by those in it; to
 * QOS_POLICY_DEPTH levels. False: no more can be read.
 */
static bool add_members(struct draft *draft, const struct qos_node *members, int parent)
{
	if (!expect_members(draft, members, parent)) {
		draft->classes_bad = true;
		return true;
	}
	for (const struct qos_node *item = members->first; item; item = item->next) {
		const struct qos_node *inside;
		int index;

		if (draft->class_count == QOS_POLICY_CLASSES) {
			draft_error(draft, item->key_loc, "more than %d classes",
				    QOS_POLICY_CLASSES);
			draft->classes_bad = true;
			return false;
		}
		index = add_class(draft, item, parent);
		if (index < 0)
			return false;
		inside = draft->classes[index].children;
		if (inside && !add_members(draft, inside, index))
			return false;
	}
	return true;
}

/* Only noted: reading them moves the array that the class is in. */
void read_members(struct draft *draft, const struct key *key, const struct qos_node *value,
		  void *object)
{
	struct class_draft *class = object;

	(void)draft;
	(void)key;
	class->children = value;
}

void read_classes(struct draft *draft, const struct key *key, const struct qos_node *value,
		  void *object)
{
	(void)key;
	(void)object;
	add_members(draft, value, QOS_PARENT_LINK);
	draft_sort_classes(draft);
}

void refuse_leaf_key(struct draft *draft, const struct key *key, struct qos_loc loc,
		     const struct class_draft *class)
{
	draft_error(draft, loc,
		    "`%s` is for classes with packets of their own; put it on the classes in `%s`",
		    key->name, QOS_BRIEF(class->c.name));
}
