/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What rates say together, and the defaults of those that were not given. */
#include "base/units.h"
#include "model/draft.h"

static bool is_over(const struct rate *rate, const struct rate *bound)
{
	return rate->state == RATE_GOOD && bound->state == RATE_GOOD && rate->bps > bound->bps;
}

/* consequence: what follows, or "". */
static void report_over(struct draft *draft, const struct rate *rate, const struct rate *bound,
			const char *consequence)
{
	char text[QOS_UNIT_LEN], whose[WHOSE_LEN];

	draft_error(draft, rate->loc, "`%s` of class `%s` is %s, more than %s%s", rate->key,
		    QOS_BRIEF(draft->classes[rate->owner].c.name), qos_format_rate(rate->bps, text),
		    rate_whose(draft, bound, rate->owner, whose), consequence);
	if (bound->owner == QOS_PARENT_LINK)
		qos_diag_note(draft->diags, bound->loc, "the link's rate");
	else if (bound->owner == rate->owner)
		qos_diag_note(draft->diags, bound->loc, "its `%s`", bound->key);
	else
		qos_diag_note(draft->diags, bound->loc, "the `%s` of `%s`", bound->key,
			      QOS_BRIEF(draft->classes[bound->owner].c.name));
}

static void check_order(struct draft *draft, const struct class_draft *class)
{
	char rate[QOS_UNIT_LEN], ceil[QOS_UNIT_LEN];

	if (!is_over(&class->rate, &class->ceil))
		return;
	draft_error(draft, class->ceil.loc,
		    "`ceil` of class `%s` is %s, less than its `rate` of %s",
		    QOS_BRIEF(class->c.name), qos_format_rate(class->ceil.bps, ceil),
		    qos_format_rate(class->rate.bps, rate));
	qos_diag_note(draft->diags, class->rate.loc, "its `rate`");
}

static void check_limits(struct draft *draft, const struct class_draft *class)
{
	const struct rate *above = draft_limit(draft, class->c.parent);

	if (is_over(&class->ceil, above))
		report_over(draft, &class->ceil, above, "");
	check_order(draft, class);
	if (is_over(&class->per_flow, &class->limit))
		report_over(draft, &class->per_flow, &class->limit, ": no flow ever gets there");
}

/* What bounds the guarantees inside a class, or in the link. */
static const struct rate *family_bound(const struct draft *draft, int class)
{
	const struct class_draft *c;

	if (class == QOS_PARENT_LINK)
		return &draft->link_rate;
	c = &draft->classes[class];
	return c->rate.state == RATE_ABSENT ? &c->ceil : &c->rate;
}

/* True: it is too much alone; reported, unless that is known from a level below. */
static bool add_guarantee(struct draft *draft, const struct class_draft *class, int parent,
			  bool known)
{
	const struct rate *bound = family_bound(draft, parent);
	struct family *family = draft_family(draft, parent);

	family->given += class->rate.bps;
	if (is_over(&class->rate, bound)) {
		if (!known)
			report_over(draft, &class->rate, bound, "");
		family->judged = true;
		return true;
	}
	if (bound->state == RATE_GOOD && !family->over && family->given > bound->bps)
		family->over = class;
	return false;
}

/*
 * A rate is taken from the nearest class above that has one, or from the link;
 * those between have none but the sum of what is in them. At most
 * QOS_POLICY_CLASSES rates of at most 1tbit: the sum fits.
 */
static void give(struct draft *draft, const struct class_draft *class)
{
	int parent = class->c.parent;
	bool known = false;

	if (class->rate.state != RATE_GOOD)
		return;
	for (; parent != QOS_PARENT_LINK; parent = draft->classes[parent].c.parent) {
		known |= add_guarantee(draft, class, parent, known);
		if (draft->classes[parent].rate.state != RATE_ABSENT)
			return;
	}
	add_guarantee(draft, class, parent, known);
}

static void check_sum(struct draft *draft, int parent)
{
	const struct family *family = draft_family(draft, parent);
	const struct rate *bound = family_bound(draft, parent);
	char sum[QOS_UNIT_LEN], whose[WHOSE_LEN];

	/* one that is too much alone is named already */
	if (!family->over || family->judged)
		return;
	qos_format_rate(family->given, sum);
	rate_whose(draft, bound, parent, whose);
	if (parent == QOS_PARENT_LINK)
		draft_error(draft, bound->loc,
			    "the rates of the classes add up to %s, more than %s: not all of them "
			    "can be guaranteed",
			    sum, whose);
	else
		draft_error(draft, bound->loc,
			    "the rates of the classes in `%s` add up to %s, more than %s: not all "
			    "of them can be guaranteed",
			    QOS_BRIEF(draft->classes[parent].c.name), sum, whose);
	qos_diag_note(draft->diags, family->over->rate.loc, "with class `%s` the sum goes over it",
		      QOS_BRIEF(family->over->c.name));
}

static void set_rates(struct class_draft *class)
{
	bool summed = class->rate.state == RATE_ABSENT;

	class->c.rate = summed ? class->family.given : class->rate.bps;
	class->c.rate_loc = class->rate.loc;
	class->c.ceil = class->limit.bps;
	class->c.per_flow = class->per_flow.bps;
}

void policy_check(struct draft *draft)
{
	for (size_t i = 0; i < draft->class_count; i++) {
		check_limits(draft, &draft->classes[i]);
		give(draft, &draft->classes[i]);
	}
	for (size_t i = 0; i < draft->class_count; i++) {
		check_sum(draft, (int)i);
		set_rates(&draft->classes[i]);
	}
	check_sum(draft, QOS_PARENT_LINK);
	draft->policy->link.rate = draft->link_rate.bps;
	draft->policy->link.rate_loc = draft->link_rate.loc;
	shares_check(draft);
}
