// SPDX-License-Identifier: LGPL-2.1-or-later
#include "model.h"

static int64_t max(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t min(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What the clock says to a packet that could leave at time. */
static int64_t ask(const struct model_rate *rate, unsigned int level, int64_t time)
{
	return max(rate->clock[level], time - rate->burst);
}

static void charge(struct model_rate *rate, unsigned int level, int64_t time, int64_t bytes)
{
	if (rate->ns_a_byte)
		rate->clock[level] = ask(rate, level, time) + bytes * rate->ns_a_byte;
}

/* The latest of the ceilings above, for a level. */
static int64_t lent(const struct model *m, unsigned int class)
{
	unsigned int level = m->classes[class].level;
	int64_t at = 0;

	for (unsigned int up = m->classes[class].parent; up != MODEL_NONE;
	     up = m->classes[up].parent) {
		const struct model_rate *ceiling = &m->classes[up].ceiling;

		if (ceiling->ns_a_byte)
			at = max(at, ceiling->clock[level]);
	}
	return at;
}

struct model_range model_ask(const struct model *m, unsigned int class, int64_t now)
{
	const struct model_class *c = &m->classes[class];
	int64_t least = now, floor = now;
	struct model_range range = { .own = true };

	if (c->ceiling.ns_a_byte)
		floor = max(now, ask(&c->ceiling, 0, now));
	if (c->borrows) {
		int64_t assured = c->assured.ns_a_byte ? ask(&c->assured, 0, now) : MODEL_FOREVER;
		int64_t lender = lent(m, class), soonest = lender, latest = lender;

		if (lender > now) {
			soonest = max(now, lender - c->limit);
			latest = MODEL_FOREVER;
		}
		least = min(assured, soonest);
		range.own = assured <= latest && assured != MODEL_FOREVER;
		range.borrowed = assured > soonest;
		range.most = max(floor, min(assured, latest));
	} else {
		range.most = floor;
	}
	range.least = max(floor, least);
	return range;
}

void model_charge(struct model *m, unsigned int class, int64_t now, int64_t at, int64_t bytes,
		  bool own)
{
	struct model_class *c = &m->classes[class];

	charge(&c->ceiling, 0, at, bytes);
	if (own && c->borrows)
		charge(&c->assured, 0, now, bytes);
	for (unsigned int up = c->parent; up != MODEL_NONE; up = m->classes[up].parent)
		for (unsigned int level = own ? 0 : c->level; level < MODEL_LEVELS; level++)
			charge(&m->classes[up].ceiling, level, now, bytes);
}
