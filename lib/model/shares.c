/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How classes share: by weight with their siblings, and fairly within. */
#include <inttypes.h>
#include <string.h>

#include "model/draft.h"

void read_weight(struct draft *draft, const struct key *key, const struct qos_node *value,
		 void *object)
{
	struct class_draft *class = object;
	unsigned int weight = 0;

	class->weighted = true;
	class->weight_loc = value_place(value);
	if (!value_expect(draft, key->name, value, QOS_NODE_SCALAR))
		return;
	if (value_decimal(value->text, (unsigned int)key->max, &weight) < 0 || weight < key->min)
		draft_error(draft, value_place(value),
			    "`%s` is a whole number from %" PRId64 " to %" PRId64 ", not `%s`",
			    key->name, key->min, key->max, QOS_BRIEF(value->text));
	else
		class->c.weight = weight;
}

static bool has_hosts(enum qos_fairness fairness)
{
	return fairness == QOS_FAIR_SRC_HOST || fairness == QOS_FAIR_DST_HOST;
}

/* What is behind the slash: how much of an IPv6 address is the host's. */
static void read_host_len(struct draft *draft, const struct qos_node *value, const char *text,
			  struct qos_class *class)
{
	unsigned int len = 0;

	if (!has_hosts(class->fairness))
		draft_error(draft, value->loc,
			    "`%s`: only `src-host` and `dst-host` have a prefix length",
			    QOS_BRIEF(value->text));
	else if (value_decimal(text, 128, &len) < 0 || len == 0)
		draft_error(draft, value->loc,
			    "`%s` is no prefix length: the IPv6 prefix that counts as one host has "
			    "1 to 128 bits",
			    QOS_BRIEF(text));
	else
		class->host6_len = (uint8_t)len;
}

void read_fairness(struct draft *draft, const struct key *key, const struct qos_node *value,
		   void *object)
{
	struct class_draft *class = object;
	char name[QOS_BRIEF_LEN];
	const char *slash;
	int found;

	if (!value_expect(draft, key->name, value, QOS_NODE_SCALAR))
		return;
	slash = strchr(value->text, '/');
	/* one that is cut is no name either */
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(value->text, "/"), value->text);
	found = qos_names_find(key->names, name);
	if (found < 0) {
		value_no_name(draft, key, value, slash ? name : value->text);
		return;
	}
	class->c.fairness = (enum qos_fairness)found;
	if (slash)
		read_host_len(draft, value, slash + 1, &class->c);
}

static void check_flows(struct draft *draft, const struct class_draft *class)
{
	if (class->per_flow.state != RATE_ABSENT && class->c.fairness == QOS_FAIR_NONE)
		draft_error(draft, class->per_flow.loc,
			    "`per-flow` of class `%s` needs flows or hosts to tell apart, and its "
			    "`fairness` is none",
			    QOS_BRIEF(class->c.name));
}

static void meet(struct draft *draft, const struct class_draft *class)
{
	struct family *family = draft_family(draft, class->c.parent);
	uint64_t rate = class->c.rate;

	if (class->weighted && !family->weighted)
		family->weighted = class;
	if (class->weightless && !family->unweighted)
		family->unweighted = class;
	if (rate && (!family->least || rate < family->least))
		family->least = rate;
}

/* Weights that are rates and weights that are plain numbers do not compare. */
static void check_weights(struct draft *draft, const struct family *family)
{
	if (!family->weighted || !family->unweighted)
		return;
	draft_error(
		draft, family->unweighted->c.loc,
		"class `%s` has no `weight`, but `%s` beside it has: give one to all of them or "
		"to none",
		QOS_BRIEF(family->unweighted->c.name), QOS_BRIEF(family->weighted->c.name));
	qos_diag_note(draft->diags, family->weighted->weight_loc, "the `weight` of `%s`",
		      QOS_BRIEF(family->weighted->c.name));
}

/* Without any rate among them all are equal. */
static void set_weight(struct draft *draft, struct class_draft *class)
{
	uint64_t least = draft_family(draft, class->c.parent)->least;

	if (class->weighted)
		return;
	class->c.weight = class->c.rate ? class->c.rate : least ? least : 1;
}

void shares_check(struct draft *draft)
{
	for (size_t i = 0; i < draft->class_count; i++)
		meet(draft, &draft->classes[i]);
	check_weights(draft, &draft->family);
	for (size_t i = 0; i < draft->class_count; i++) {
		check_weights(draft, &draft->classes[i].family);
		check_flows(draft, &draft->classes[i]);
		set_weight(draft, &draft->classes[i]);
	}
}
