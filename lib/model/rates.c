/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rates: bits per second with a unit, or a percentage of the link's. */
#include <errno.h>
#include <string.h>

#include "base/units.h"
#include "model/draft.h"

#define RATE_MIN    1000ULL
#define RATE_MAX    1000000000000ULL
#define RATE_BOUNDS "from 1kbit to 1tbit"

static const char *zero_advice(const struct draft *draft, const struct key *key,
			       const struct rate *rate)
{
	if (rate == &draft->link_rate)
		return "leave it out for no limit of the whole link";
	if (strcmp(key->name, "rate") == 0)
		return "leave it out where nothing is guaranteed";
	return "a rule with `action: drop` lets nothing through";
}

static void take_rate(struct draft *draft, const struct key *key, const struct qos_node *value,
		      uint64_t bps, struct rate *rate)
{
	if (bps == 0) {
		draft_error(draft, value_place(value), "`%s` of zero: %s", key->name,
			    zero_advice(draft, key, rate));
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
	if (r == 0)
		take_rate(draft, key, value, bps, rate);
	else if (r == -ENODATA)
		draft_error(draft, value_place(value), "`%s: %s` has no unit, did you mean `%s%s`?",
			    key->name, QOS_BRIEF(text), QOS_BRIEF(text), unit);
	else if (r == -ERANGE)
		take_rate(draft, key, value, UINT64_MAX, rate);
	else
		draft_error(draft, value_place(value),
			    "`%s` is not a rate: write a number and its unit, such as 100mbit "
			    "(bits) or 5mbps (bytes)",
			    QOS_BRIEF(text));
}

/* A percentage of a link rate that is itself in error cannot be judged. */
static void read_percent(struct draft *draft, const struct key *key, const struct qos_node *value,
			 struct rate *rate)
{
	uint64_t link = draft->link_rate.bps;
	char link_text[QOS_UNIT_LEN];
	uint64_t bps;
	uint32_t ppm = 0;
	int r;

	r = qos_parse_percent(value->text, &ppm);
	if (r == -EINVAL)
		draft_error(draft, value->loc,
			    "`%s` is not a percentage: write a number and `%%`, such as 20%%",
			    QOS_BRIEF(value->text));
	else if (r == -ERANGE)
		draft_error(draft, value->loc, "`%s: %s` is more than the whole link", key->name,
			    QOS_BRIEF(value->text));
	else if (draft->link_rate.state == RATE_ABSENT)
		draft_error(draft, value->loc,
			    "`%s: %s` is a percentage of the link's rate: give `link` a `rate`",
			    key->name, QOS_BRIEF(value->text));
	else if (draft->link_rate.state == RATE_GOOD) {
		bps = (uint64_t)((unsigned __int128)link * ppm / 1000000);
		if (ppm && bps < RATE_MIN)
			draft_error(
				draft, value->loc,
				"`%s: %s` of the link's %s is too little: a rate is " RATE_BOUNDS,
				key->name, QOS_BRIEF(value->text),
				qos_format_rate(link, link_text));
		else
			take_rate(draft, key, value, bps, rate);
	}
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
		draft_error(draft, value->loc,
			    "`%s` of the link cannot be a percentage: there is "
			    "nothing above it",
			    key->name);
	else
		read_rate(draft, key, value, rate);
}

void value_share(struct draft *draft, const struct key *key, const struct qos_node *value,
		 void *object)
{
	struct rate *rate = key_field(key, object);

	rate->state = RATE_BAD;
	rate->loc = value_place(value);
	if (!value_expect(draft, key->name, value, QOS_NODE_SCALAR))
		return;
	if (strchr(value->text, '%'))
		read_percent(draft, key, value, rate);
	else
		read_rate(draft, key, value, rate);
}
