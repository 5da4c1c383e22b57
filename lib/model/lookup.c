/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Classes by their names. */
#include <stdlib.h>
#include <string.h>

#include "model/draft.h"

static int compare_name(const void *a, const void *b)
{
	const struct class_draft *first = *(const struct class_draft *const *)a;
	const struct class_draft *second = *(const struct class_draft *const *)b;
	int order = strcmp(first->c.name, second->c.name);

	/* both are in one array */
	return order ? order : (first > second) - (first < second);
}

static int compare_text(const void *text, const void *entry)
{
	return strcmp(text, (*(const struct class_draft *const *)entry)->c.name);
}

/* Within one mapping the document has seen to it. */
static void check_twice(struct draft *draft, const struct class_draft *first,
			const struct class_draft *second)
{
	struct qos_loc a = first->c.loc, b = second->c.loc;

	if (a.line == b.line && a.column == b.column) {
		draft_error(draft, b,
			    "an alias repeats class `%s`: in the whole tree a name stands for one "
			    "class",
			    QOS_BRIEF(second->c.name));
		return;
	}
	draft_error(draft, b,
		    "class `%s` is given twice: in the whole tree a name stands for one class",
		    QOS_BRIEF(second->c.name));
	qos_diag_note(draft->diags, a, "first given here");
}

void draft_sort_classes(struct draft *draft)
{
	size_t count = draft->class_count;

	if (!count)
		return;
	draft->by_name = calloc(count, sizeof(struct class_draft *));
	if (!draft->by_name) {
		draft->no_memory = true;
		return;
	}
	for (size_t i = 0; i < count; i++)
		draft->by_name[i] = &draft->classes[i];
	qsort(draft->by_name, count, sizeof(struct class_draft *), compare_name);
	for (size_t i = 1; i < count; i++) {
		if (compare_text(draft->by_name[i]->c.name, &draft->by_name[i - 1]) == 0)
			check_twice(draft, draft->by_name[i - 1], draft->by_name[i]);
	}
}

/* "`alice`", "`alice` or `bob`", "`alice`, `bob` or another"; "" if it has no leaves. */
#define LEAVES_LEN 192 /* two brief names and the words between */
static const char *list_leaves(const struct draft *draft, size_t inner, char *buf)
{
	const char *leaves[2] = { 0 };
	unsigned int depth = draft->classes[inner].c.depth;
	size_t count = 0;

	for (size_t i = inner + 1; i < draft->class_count; i++) {
		const struct qos_class *class = &draft->classes[i].c;

		if (class->depth <= depth)
			break;
		if (class->inner)
			continue;
		if (count < ARRAY_SIZE(leaves))
			leaves[count] = class->name;
		count++;
	}
	if (count == 1)
		snprintf(buf, LEAVES_LEN, "`%s`", QOS_BRIEF(leaves[0]));
	else if (count > 1)
		snprintf(buf, LEAVES_LEN, "`%s`%s`%s`%s", QOS_BRIEF(leaves[0]),
			 count == 2 ? " or " : ", ", QOS_BRIEF(leaves[1]),
			 count == 2 ? "" : " or another");
	return buf;
}

static void report_inner(struct draft *draft, const struct qos_node *value, size_t inner)
{
	char leaves[LEAVES_LEN] = "";

	list_leaves(draft, inner, leaves);
	/* without any, that is the error */
	if (*leaves)
		draft_error(draft, value_place(value),
			    "class `%s` has no packets of its own: name one of the classes in it, "
			    "%s",
			    QOS_BRIEF(value->text), leaves);
}

/* inner: classes without packets of their own are meant as well. */
static void report_unknown(struct draft *draft, const char *name, struct qos_loc loc, bool inner)
{
	const char *names[QOS_POLICY_CLASSES], *nearest = NULL;
	size_t count = 0;

	for (size_t i = 0; i < draft->class_count; i++) {
		if (inner || !draft->classes[i].c.inner)
			names[count++] = draft->classes[i].c.name;
	}
	if (draft_suggests(draft))
		nearest = qos_nearest(name, names, count);
	draft_error(draft, loc, "no class `%s`%s", QOS_BRIEF(name), SUGGEST(nearest));
}

/* Null: there is none. */
static const struct class_draft *find(const struct draft *draft, const char *name)
{
	const struct class_draft **found = NULL;

	if (draft->by_name)
		found = bsearch(name, draft->by_name, draft->class_count,
				sizeof(struct class_draft *), compare_text);
	return found ? *found : NULL;
}

bool draft_find_any(struct draft *draft, const char *name, struct qos_loc loc,
		    const struct class_draft **ret_class)
{
	const struct class_draft *found = find(draft, name);

	if (found)
		*ret_class = found;
	else if (!draft->classes_bad)
		report_unknown(draft, name, loc, true);
	return found;
}

bool draft_find_class(struct draft *draft, const struct qos_node *value, size_t *ret_index)
{
	const struct class_draft *found = find(draft, value->text);
	size_t index;

	if (!found) {
		if (!draft->classes_bad)
			report_unknown(draft, value->text, value_place(value), false);
		return false;
	}
	index = (size_t)(found - draft->classes);
	if (found->c.inner) {
		report_inner(draft, value, index);
		return false;
	}
	*ret_index = index;
	return true;
}
