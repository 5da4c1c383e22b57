/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rates: bits per second with a unit, or a percentage of the parent's. */
#include <errno.h>
#include <string.h>

#include "base/units.h"
#include "model/draft.h"

#define RATE_MIN    1000ULL
#define RATE_MAX    1000000000000ULL
#define RATE_BOUNDS "from 1kbit to 1tbit"

const char *rate_whose(const struct draft *draft, const struct rate *rate, int self, char *buf)
{
	char text[QOS_UNIT_LEN];

	qos_format_rate(rate->bps, text);
	if (rate->owner == QOS_PARENT_LINK)
		snprintf(buf, WHOSE_LEN, "the link's %s", text);
	else if (rate->owner == self)
		snprintf(buf, WHOSE_LEN, "its `%s` of %s", rate->key, text);
	else
		snprintf(buf, WHOSE_LEN, "the %s of `%s`", text,
			 QOS_BRIEF(draft->classes[rate->owner].c.name));
	return buf;
}

static const char *zero_advice(const struct key *key, const struct rate *rate)
{
	if (rate->owner == QOS_PARENT_LINK)
		return "leave it out for no limit of the whole link";
	if (strcmp(key->name, "rate") == 0)
		return "leave it out where nothing is guaranteed";
	if (strcmp(key->name, "per-flow") == 0)
		return "leave it out where flows have no limit of their own";
	return "a rule with `action: drop` lets nothing through";
}

static void take_rate(struct draft *draft, const struct key *key, const struct qos_node *value,
		      uint64_t bps, struct rate *rate)
{
	if (bps == 0) {
		draft_error(draft, value_place(value), "`%s` of zero: %s", key->name,
			    zero_advice(key, rate));
	} else if (bps < RATE_MIN || bps > RATE_MAX) {
		draft_error(draft, value_place(value), "`%s` is " RATE_BOUNDS ", not %s", key->name,
			    QOS_BRIEF(value->text));
	} else {
		rate->bps = bps;
		rate->state = RATE_GOOD;
	}
}

static void read_rate(struct draft *draft, const struct key *key, const struct qos_node *value,
		      struct rate *rate)
{
	const char *text = value->text, *unit = NULL;
	uint64_t bps = 0;
	int r;

	r = qos_parse_rate(text, &bps, &unit);
	if (r == 0 || (r == -ENODATA && value_is_bare_zero(text)))
		take_rate(draft, key, value, bps, rate);
	else if (r == -ENODATA)
		draft_error(draft, value_place(value), "`%s: %s` has no unit, did you mean `%s%s`?",
			    key->name, QOS_BRIEF(text), QOS_BRIEF(text), unit);
	else if (r == -ERANGE)
		take_rate(draft, key, value, UINT64_MAX, rate);
	else if (MEANT(text, unit))
		draft_error(draft, value_place(value), "`%s` is not a rate%s", QOS_BRIEF(text),
			    SUGGEST(MEANT(text, unit)));
	else
		draft_error(draft, value_place(value),
			    "`%s` is not a rate: write a number and its unit, such as 100mbit "
			    "(bits) or 5mbps (bytes)",
			    QOS_BRIEF(text));
}

static void no_base(struct draft *draft, const struct key *key, const struct qos_node *value,
		    const struct rate *base)
{
	const char *name;

	if (base->owner == QOS_PARENT_LINK) {
		draft_error(draft, value->loc,
			    "`%s: %s` is a percentage of the link's rate: give `link` a `rate`",
			    key->name, QOS_BRIEF(value->text));
		return;
	}
	name = draft->classes[base->owner].c.name;
	draft_error(draft, value->loc,
		    "`%s: %s` is a percentage of the %s of `%s`: give `%s` a `%s` of its own",
		    key->name, QOS_BRIEF(value->text), key->name, QOS_BRIEF(name), QOS_BRIEF(name),
		    key->name);
}

static void take_percent(struct draft *draft, const struct key *key, const struct qos_node *value,
			 struct rate *rate, const struct rate *base, uint32_t ppm)
{
	uint64_t bps = (uint64_t)((unsigned __int128)base->bps * ppm / 1000000);
	char whose[WHOSE_LEN];

	if (ppm && bps < RATE_MIN)
		draft_error(draft, value->loc,
			    "`%s: %s` of %s is too little: a rate is " RATE_BOUNDS, key->name,
			    QOS_BRIEF(value->text), rate_whose(draft, base, rate->owner, whose));
	else
		take_rate(draft, key, value, bps, rate);
}

/* A percentage of a rate that is itself in error cannot be judged. */
static void read_percent(struct draft *draft, const struct key *key, const struct qos_node *value,
			 struct rate *rate, const struct rate *base)
{
	uint32_t ppm = 0;
	int r;

	r = qos_parse_percent(value->text, &ppm);
	if (r == -EINVAL && MEANT(value->text, NULL))
		draft_error(draft, value->loc, "`%s` is not a percentage%s", QOS_BRIEF(value->text),
			    SUGGEST(MEANT(value->text, NULL)));
	else if (r == -EINVAL)
		draft_error(draft, value->loc,
			    "`%s` is not a percentage: write a number and `%%`, such as 20%%",
			    QOS_BRIEF(value->text));
	else if (r == -ERANGE)
		draft_error(draft, value->loc, "`%s: %s` is more than the whole %s", key->name,
			    QOS_BRIEF(value->text),
			    base->owner == QOS_PARENT_LINK ? "link" : "parent");
	else if (base->state == RATE_ABSENT)
		no_base(draft, key, value, base);
	else if (base->state == RATE_GOOD)
		take_percent(draft, key, value, rate, base, ppm);
}

static const char *no_percentage(const struct rate *rate)
{
	if (rate->owner == QOS_PARENT_LINK)
		return "of the link cannot be a percentage: there is nothing above it";
	return "cannot be a percentage: write a rate such as 5mbit";
}

void value_rate(struct draft *draft, const struct key *key, const struct qos_node *value,
		void *object)
{
	struct rate *rate = key_field(key, object);

	rate->state = RATE_BAD;
	rate->loc = value_place(value);
	if (!value_expect(draft, key->name, value, QOS_NODE_SCALAR))
		return;
	if (strchr(value->text, '%'))
		draft_error(draft, value->loc, "`%s` %s", key->name, no_percentage(rate));
	else
		read_rate(draft, key, value, rate);
}

static void read_share(struct draft *draft, const struct key *key, const struct qos_node *value,
		       struct rate *rate, const struct rate *base)
{
	rate->state = RATE_BAD;
	rate->loc = value_place(value);
	if (!value_expect(draft, key->name, value, QOS_NODE_SCALAR))
		return;
	if (strchr(value->text, '%'))
		read_percent(draft, key, value, rate, base);
	else
		read_rate(draft, key, value, rate);
}

/* The sum that a parent without a rate has is not known yet, and would change with this one. */
void read_class_rate(struct draft *draft, const struct key *key, const struct qos_node *value,
		     void *object)
{
	const struct class_draft *class = object;
	int parent = class->c.parent;

	read_share(draft, key, value, key_field(key, object),
		   parent == QOS_PARENT_LINK ? &draft->link_rate : &draft->classes[parent].rate);
}

void read_class_ceil(struct draft *draft, const struct key *key, const struct qos_node *value,
		     void *object)
{
	const struct class_draft *class = object;

	read_share(draft, key, value, key_field(key, object), draft_limit(draft, class->c.parent));
}
