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
static int64_t ask(const struct model_rate *rate, int64_t time)
{
	return max(rate->clock, time - rate->burst);
}

static void charge(struct model_rate *rate, int64_t time, int64_t bytes)
{
	if (rate->ns_a_byte)
		rate->clock = ask(rate, time) + bytes * rate->ns_a_byte;
}

int64_t model_send(struct model *m, unsigned int class, int64_t now, int64_t bytes)
{
	struct model_class *c = &m->classes[class];
	int64_t link = m->link.ns_a_byte ? ask(&m->link, now) : now;
	int64_t assured = c->assured.ns_a_byte ? ask(&c->assured, now) : INT64_MAX;
	int64_t allowed = now, departure;

	if (c->borrows)
		allowed = max(now, min(assured, link));
	departure = allowed;
	if (c->ceiling.ns_a_byte)
		departure = max(allowed, ask(&c->ceiling, allowed));
	if (departure - now > c->limit)
		return MODEL_DROPPED;
	charge(&m->link, now, bytes);
	charge(&c->ceiling, allowed, bytes);
	if (c->borrows && assured <= link)
		charge(&c->assured, now, bytes);
	return departure;
}
