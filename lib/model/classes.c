/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `classes`: names and what each is promised. */
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "model/draft.h"

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool name_valid(const char *name)
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

static void read_class(struct draft *draft, const struct qos_node *item, struct class_draft *class)
{
	check_name(draft, item);
	if (value_is_null(item))
		draft_error(draft, item->key_loc,
			    "class `%s` has no value: write `{}` for a class without limits",
			    QOS_BRIEF(item->key));
	else if (value_expect(draft, item->key, item, QOS_NODE_MAP))
		keys_read(draft, &keys_class, item, class);
}

/* False: no memory. */
static bool add_class(struct draft *draft, const struct qos_node *item)
{
	struct class_draft *classes, *class;
	char *name = strdup(item->key);

	classes = draft_grow(draft, draft->classes, draft->class_count, sizeof(*classes));
	if (classes)
		draft->classes = classes;
	if (!classes || !name) {
		draft->no_memory = true;
		free(name);
		return false;
	}
	class = &classes[draft->class_count++];
	*class = (struct class_draft){ .c = {
					       .name = name,
					       .loc = item->key_loc,
					       .priority = QOS_PRIORITY_NORMAL,
					       .dscp = -1,
				       } };
	read_class(draft, item, class);
	return true;
}

void read_classes(struct draft *draft, const struct key *key, const struct qos_node *value,
		  void *object)
{
	(void)object;
	if (!value_expect(draft, key->name, value, QOS_NODE_MAP)) {
		draft->classes_bad = true;
		return;
	}
	if (!value->first) {
		draft_error(draft, value->loc, "`classes` is empty: a policy needs at least one");
		draft->classes_bad = true;
	}
	for (const struct qos_node *item = value->first; item; item = item->next) {
		if (draft->class_count == QOS_MAX_CLASSES) {
			draft_error(draft, item->key_loc, "more than %d classes", QOS_MAX_CLASSES);
			draft->classes_bad = true;
			return;
		}
		if (!add_class(draft, item))
			return;
	}
}
