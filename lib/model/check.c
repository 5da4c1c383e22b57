/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What rates say together, and the defaults of those that were not given. */
#include "base/units.h"
#include "model/draft.h"

/* Whether a rate fits under the link's; otherwise reported. */
static bool check_link(struct draft *draft, const struct class_draft *class, const char *key,
		       const struct rate *rate)
{
	const struct rate *link = &draft->link_rate;
	char text[QOS_UNIT_LEN], link_text[QOS_UNIT_LEN];

	if (rate->state != RATE_GOOD || link->state != RATE_GOOD || rate->bps <= link->bps)
		return true;
	draft_error(draft, rate->loc, "`%s` of class `%s` is %s, more than the link's %s", key,
		    QOS_BRIEF(class->c.name), qos_format_rate(rate->bps, text),
		    qos_format_rate(link->bps, link_text));
	qos_diag_note(draft->diags, link->loc, "the link's rate");
	return false;
}

static void check_order(struct draft *draft, const struct class_draft *class)
{
	char rate[QOS_UNIT_LEN], ceil[QOS_UNIT_LEN];

	if (class->rate.state != RATE_GOOD || class->ceil.state != RATE_GOOD ||
	    class->rate.bps <= class->ceil.bps)
		return;
	draft_error(draft, class->ceil.loc,
		    "`ceil` of class `%s` is %s, less than its `rate` of %s",
		    QOS_BRIEF(class->c.name), qos_format_rate(class->ceil.bps, ceil),
		    qos_format_rate(class->rate.bps, rate));
	qos_diag_note(draft->diags, class->rate.loc, "its `rate`");
}

/* At most QOS_MAX_CLASSES rates of at most 1tbit: the sum fits. */
static void check_sum(struct draft *draft)
{
	const struct rate *link = &draft->link_rate;
	const struct class_draft *over = NULL;
	char sum_text[QOS_UNIT_LEN], link_text[QOS_UNIT_LEN];
	uint64_t sum = 0;

	if (link->state != RATE_GOOD)
		return;
	for (size_t i = 0; i < draft->class_count; i++) {
		const struct class_draft *class = &draft->classes[i];

		if (class->rate.state != RATE_GOOD)
			continue;
		sum += class->rate.bps;
		if (!over && sum > link->bps)
			over = class;
	}
	if (!over)
		return;
	draft_error(draft, link->loc,
		    "the rates of the classes add up to %s, more than the link's %s: not all of "
		    "them can be guaranteed",
		    qos_format_rate(sum, sum_text), qos_format_rate(link->bps, link_text));
	qos_diag_note(draft->diags, over->rate.loc, "with class `%s` the sum goes over it",
		      QOS_BRIEF(over->c.name));
}

/* A ceiling that was not given is the link's rate or, without one, the class's
 * own: then there is nothing to borrow from.
 */
static void set_rates(const struct draft *draft, struct class_draft *class)
{
	uint64_t fallback = draft->link_rate.bps ? draft->link_rate.bps : class->rate.bps;

	class->c.rate = class->rate.bps;
	class->c.rate_loc = class->rate.loc;
	class->c.ceil = class->ceil.bps ? class->ceil.bps : fallback;
}

void policy_check(struct draft *draft)
{
	bool fits = true;

	for (size_t i = 0; i < draft->class_count; i++) {
		struct class_draft *class = &draft->classes[i];

		fits &= check_link(draft, class, "rate", &class->rate);
		check_link(draft, class, "ceil", &class->ceil);
		check_order(draft, class);
		set_rates(draft, class);
	}
	/* one that is too much alone is named already */
	if (fits)
		check_sum(draft);
	draft->policy->link.rate = draft->link_rate.bps;
	draft->policy->link.rate_loc = draft->link_rate.loc;
}
