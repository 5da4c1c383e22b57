/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values put over the file's, before its keys are read: what they say together is judged. */
#include <stdlib.h>
#include <string.h>

#include "model/draft.h"

static int compare_class(const void *a, const void *b)
{
	const struct qos_override *first = *(const struct qos_override *const *)a;
	const struct qos_override *second = *(const struct qos_override *const *)b;
	int order = strcmp(first->class, second->class);

	/* both are in one array */
	return order ? order : (first > second) - (first < second);
}

void overlay_set(struct draft *draft, const struct qos_override *overrides, size_t count)
{
	if (!count)
		return;
	draft->overrides = calloc(count, sizeof(struct qos_override *));
	if (!draft->overrides) {
		draft->no_memory = true;
		return;
	}
	for (size_t i = 0; i < count; i++)
		draft->overrides[i] = &overrides[i];
	qsort(draft->overrides, count, sizeof(struct qos_override *), compare_class);
	draft->override_count = count;
}

struct overlay overlay_of(const struct draft *draft, const char *class)
{
	size_t first = 0, end = draft->override_count, count = 0;

	while (first < end) {
		size_t middle = first + (end - first) / 2;

		if (strcmp(draft->overrides[middle]->class, class) < 0)
			first = middle + 1;
		else
			end = middle;
	}
	while (first + count < draft->override_count &&
	       strcmp(draft->overrides[first + count]->class, class) == 0)
		count++;
	return (struct overlay){ count ? draft->overrides + first : NULL, count };
}

const struct qos_override *overlay_get(struct overlay over, const char *key)
{
	for (size_t i = over.count; i-- > 0;) {
		if (strcmp(over.list[i]->key, key) == 0)
			return over.list[i];
	}
	return NULL;
}

/* A limit of the whole link, or none, is a matter of the file. */
static bool expect_link(struct draft *draft, struct qos_loc loc)
{
	const struct qos_node *link = qos_node_get(draft->root, "link");

	if (link && keys_given(&keys_link, link, "rate"))
		return true;
	draft_error(draft, loc,
		    "the link has no rate that another could take the place of: give `link` a "
		    "`rate`");
	return false;
}

bool overlay_expect(struct draft *draft, const char *class, struct qos_loc loc,
		    const struct key_table **ret_table)
{
	const struct class_draft *found;

	if (strcmp(class, "link") == 0) {
		*ret_table = &keys_live_link;
		return expect_link(draft, loc);
	}
	if (!draft_find_any(draft, class, loc, &found))
		return false;
	*ret_table = found->c.inner ? &keys_live_inner : &keys_live_class;
	return true;
}

void overlay_check(struct draft *draft)
{
	for (size_t i = 0; i < draft->override_count; i++) {
		const struct qos_override *override = draft->overrides[i];
		struct qos_loc loc = key_place(override->value);
		const struct key_table *table;

		draft->reading = override;
		if (overlay_expect(draft, override->class, loc, &table))
			keys_expect_live(draft, table, override->key, loc);
		draft->reading = NULL;
	}
}
