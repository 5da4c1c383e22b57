/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `rules`: which packets go to which class. */
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "model/draft.h"

void read_rule_class(struct draft *draft, const struct key *key, const struct qos_node *value,
		     void *object)
{
	struct qos_rule_def *rule = object;

	if (value_expect(draft, key->name, value, QOS_NODE_SCALAR))
		draft_find_class(draft, value, &rule->class_index);
}

void read_rule_action(struct draft *draft, const struct key *key, const struct qos_node *value,
		      void *object)
{
	struct qos_rule_def *rule = object;

	if (!value_expect(draft, key->name, value, QOS_NODE_SCALAR))
		return;
	if (strcmp(value->text, "drop") == 0)
		rule->drop = true;
	else
		draft_error(draft, value->loc,
			    "`%s` is not an action: the only one is `drop`; `class` names a class",
			    QOS_BRIEF(value->text));
}

/* One mapping of a `not`, which has no `not` itself. */
static void read_excluding(struct draft *draft, const struct key *key, const struct qos_node *value,
			   struct qos_match *match)
{
	const struct qos_node *nested;
	struct qos_match *excluded;
	size_t errors = draft->errors;

	if (!value_expect(draft, key->name, value, QOS_NODE_MAP))
		return;
	if (!value->first)
		draft_error(draft, value->loc, "`not` is empty: say what the packet must not be");
	nested = qos_node_get(value, "not");
	if (nested) {
		draft_error(draft, nested->key_loc,
			    "`not` in a `not`: write what is meant as a key of `match` itself");
		return;
	}
	excluded = draft_add(draft, key, match, sizeof(*excluded));
	if (!excluded)
		return;
	keys_read(draft, &keys_excluded, value, excluded);
	if (draft->errors == errors)
		match_check(draft, value, excluded);
}

void read_excluded(struct draft *draft, const struct key *key, const struct qos_node *value,
		   void *object)
{
	if (value->kind != QOS_NODE_LIST) {
		read_excluding(draft, key, value, object);
		return;
	}
	if (!value->first)
		draft_error(draft, value->loc, "`not` is an empty list");
	for (const struct qos_node *item = value->first; item; item = item->next)
		read_excluded(draft, key, item, object);
}

void read_rule_match(struct draft *draft, const struct key *key, const struct qos_node *value,
		     void *object)
{
	struct qos_rule_def *rule = object;
	size_t errors = draft->errors;

	if (!value_expect(draft, key->name, value, QOS_NODE_MAP))
		return;
	if (!value->first)
		draft_error(draft, value->loc,
			    "`match` is empty: what no rule takes goes to the `default` class");
	keys_read(draft, &keys_match, value, &rule->match);
	/* what could not be read would seem not to be asked for */
	if (draft->errors == errors)
		match_check(draft, value, &rule->match);
}

static void read_rule(struct draft *draft, const struct qos_node *item, struct qos_rule_def *rule)
{
	const struct qos_node *class, *action;

	if (item->kind != QOS_NODE_MAP) {
		draft_error(draft, item->loc,
			    "a rule is a mapping with `match` and `class` or `action`, not %s",
			    qos_node_kind_text(item));
		return;
	}
	keys_read(draft, &keys_rule, item, rule);
	class = qos_node_get(item, "class");
	action = qos_node_get(item, "action");
	if (class && action) {
		draft_error(draft, action->key_loc, "a rule has either `class` or `action`");
		qos_diag_note(draft->diags, class->key_loc, "`class` is given here");
	}
	if (!keys_given(&keys_rule, item, "class") && !keys_given(&keys_rule, item, "action"))
		draft_error(draft, item->loc, "a rule needs a `class`, or `action: drop`");
	if (!keys_given(&keys_rule, item, "match"))
		draft_error(draft, item->loc,
			    "a rule needs a `match`: what no rule takes goes to "
			    "the `default` class");
}

void read_rules(struct draft *draft, const struct key *key, const struct qos_node *value,
		void *object)
{
	struct qos_policy *policy = draft->policy;

	(void)object;
	if (!value_expect(draft, key->name, value, QOS_NODE_LIST))
		return;
	for (const struct qos_node *item = value->first; item; item = item->next) {
		struct qos_rule_def *rules;

		if (policy->rule_count == QOS_MAX_ENTRIES) {
			draft_error(draft, item->loc, "more than %d rules", QOS_MAX_ENTRIES);
			return;
		}
		rules = draft_grow(draft, policy->rules, policy->rule_count, sizeof(*rules));
		if (!rules)
			return;
		policy->rules = rules;
		rules += policy->rule_count++;
		*rules = (struct qos_rule_def){ .loc = item->loc };
		read_rule(draft, item, rules);
	}
}
