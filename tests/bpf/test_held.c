// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What waits for a ceiling while the link has room, and leaves when others come: the link is asked
 * for more than it has by as much, and that does not stand in the network's next queue for as long
 * as all of them send.
 */
#include <math.h>

#include "base/cleanup.h"
#include "share.h"
#include "sim.h"

#define CEIL   (20 * MBIT)
#define OFFERS (40 * MBIT) /* by each flood below the ceiling, whose queue is 100 ms then */
#define FLOOD  (200 * MBIT)
#define JOIN   (500 * MSEC)
#define END    (5 * SEC)
#define MOST   (13.3 * MSEC) /* of the link, two thirds of that queue */

struct held {
	const char *name, *policy;
	const char *first[2]; /* classes that are there before */
	unsigned int tcp;     /* flows of the class o that come later, or 0: a flood */
};

static const struct held cases[] = {
	{ "a flood comes", POLICY("o", "  c: { ceil: 20mbit }\n  o: {}\n"), { "c" }, 0 },
	{ "TCP comes", POLICY("o", "  c: { ceil: 20mbit }\n  o: {}\n"), { "c" }, 4 },
	{ "guarantees",
	  POLICY("o", "  c: { rate: 10mbit, ceil: 20mbit }\n  o: { rate: 60mbit }\n"),
	  { "c" },
	  4 },
	{ "all is guaranteed",
	  POLICY("o", "  c: { rate: 20mbit, ceil: 20mbit }\n  o: { rate: 80mbit }\n"),
	  { "c" },
	  4 },
	{ "an inner class's ceiling",
	  POLICY("o", "  a:\n    ceil: 20mbit\n    classes: { c: {}, d: {} }\n  o: {}\n"),
	  { "c", "d" },
	  4 },
	{ "below an inner class",
	  POLICY("o", "  a:\n    classes: { c: { ceil: 20mbit }, d: {} }\n  o: {}\n"),
	  { "c" },
	  4 },
	{ "of high priority",
	  POLICY("o", "  c: { ceil: 20mbit, priority: high }\n  o: {}\n"),
	  { "c" },
	  4 },
	{ "of low priority",
	  POLICY("o", "  c: { rate: 15mbit, ceil: 20mbit, priority: low }\n  o: {}\n"),
	  { "c" },
	  4 },
};

/* What the next queue of the network holds: ns of the link, in the mean of the last 400 ms. */
static double standing(const struct sim *sim, struct flows all, uint64_t end)
{
	double queue = 0, sum = 0;
	unsigned int count = 0;

	for (uint64_t at = 0; at < end; at += MSEC) {
		double rate = sim_rate(sim, all, (struct span){ at, at + MSEC });

		queue = fmax(0, queue + (rate / (100 * MBIT) - 1) * MSEC);
		if (at < end - 400 * MSEC)
			continue;
		sum += queue;
		count++;
	}
	return sum / count;
}

static void run_held(const struct held *c, uint32_t bytes)
{
	_cleanup_(sim_closep) struct sim *sim = sim_open(c->policy, 0);
	const struct span together = { JOIN + SEC, END };
	const unsigned int others = c->tcp ? c->tcp : 1;
	struct flows first = { 0, 0 }, all;
	double is;

	for (size_t i = 0; i < ARRAY_SIZE(c->first) && c->first[i]; i++, first.count++)
		sim_add(sim, &(struct source){ .class = c->first[i],
					       .kind = SOURCE_CONSTANT,
					       .bytes = bytes,
					       .rate = OFFERS });
	for (unsigned int i = 0; i < others; i++)
		sim_add(sim, &(struct source){ .class = "o",
					       .kind = c->tcp ? SOURCE_TCP : SOURCE_CONSTANT,
					       .bytes = bytes,
					       .rate = c->tcp ? 0 : FLOOD,
					       .start = JOIN + i * MSEC / 8 });
	sim_run(sim, END);
	all = (struct flows){ 0, first.count + others };
	is = sim_rate(sim, first, (struct span){ 200 * MSEC, JOIN });
	if (is < 0.99 * CEIL)
		fail_msg("%s: %.2f Mbit/s before", c->name, is / MBIT);
	assert_int_equal(sim_counts(sim, all).reordered, 0);
	is = sim_rate(sim, all, together);
	if (is < 0.99 * 100 * MBIT || is > MOST_USE * 100 * MBIT)
		fail_msg("%s: %.2f Mbit/s of the link are used", c->name, is / MBIT);
	is = standing(sim, all, END);
	if (is > MOST)
		fail_msg("%s: %.1f ms of the link stand in the next queue, packets of %u bytes",
			 c->name, is / MSEC, bytes);
}

static void test_does_not_stand(void **state __attribute__((unused)))
{
	static const uint32_t sizes[] = { SIM_FRAME, 2 * SIM_FRAME };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t j = 0; j < ARRAY_SIZE(sizes); j++)
			run_held(&cases[i], sizes[j]);
}

#define AT_ONCE                                                  \
	POLICY("a", "  a: { rate: 2mbit }\n"                     \
		    "  b:\n    rate: 20mbit\n    ceil: 30mbit\n" \
		    "    classes: { b1: { rate: 10mbit }, b2: { rate: 10mbit } }\n")
#define PAID   (8 * SEC)    /* 14 ms and more, by a 512th */
#define PERIOD (1ULL << 22) /* of which bytes may stand; and a packet */

/*
 * The same of who begins with the others: the link is idle for moments, while its clock, which has
 * what waits for the ceiling, is not.
 */
static void run_at_once(uint32_t bytes)
{
	static const char *const classes[] = { "a", "b1", "b2" };
	_cleanup_(sim_closep) struct sim *sim = sim_open(AT_ONCE, 0);
	const struct flows all = { 0, 2 * ARRAY_SIZE(classes) };
	double is;

	for (unsigned int i = 0; i < all.count; i++)
		sim_add(sim, &(struct source){ .class = classes[i / 2],
					       .kind = SOURCE_TCP,
					       .bytes = bytes,
					       .start = i * MSEC / 8 });
	sim_run(sim, PAID);
	is = sim_rate(sim, all, (struct span){ PAID - 2 * SEC, PAID });
	if (is < 0.99 * 100 * MBIT || is > MOST_USE * 100 * MBIT)
		fail_msg("%.2f Mbit/s of the link are used, packets of %u bytes", is / MBIT, bytes);
	is = standing(sim, all, PAID);
	if (is > (double)PERIOD + bytes * 8.0 * SEC / (100.0 * MBIT))
		fail_msg("%.1f ms of the link stand in the next queue, packets of %u bytes",
			 is / MSEC, bytes);
}

static void test_begins_at_once(void **state __attribute__((unused)))
{
	for (uint32_t frames = 1; frames <= 8; frames *= 2)
		run_at_once(frames * SIM_FRAME);
}

/* The link's clock, ns ahead; it may be behind. */
static int64_t lead(const struct qos_clocks *link, uint64_t now)
{
	return (int64_t)(link->ceil[1] - NOW - now);
}

/* While it is idle it forgets what waits for a ceiling below; when others come it has that again.
 */
static void test_remembers(void **state __attribute__((unused)))
{
	const uint64_t queue = CEIL / 8 / 10, soon = JOIN + 50 * MSEC; /* 100 ms of it */
	_cleanup_(sim_closep) struct sim *sim = sim_open(cases[0].policy, 0);
	struct qos_clocks link;

	sim_add(sim, &(struct source){ .class = "c", .kind = SOURCE_CONSTANT, .rate = OFFERS });
	sim_add(sim, &(struct source){
			     .class = "o", .kind = SOURCE_CONSTANT, .rate = FLOOD, .start = JOIN });
	sim_run(sim, JOIN - MSEC);
	link = shaper_clocks(sim_shaper(sim), QOS_SLOT_LINK);
	assert_true(lead(&link, JOIN - MSEC) < (int64_t)MSEC);
	assert_true(fabs((double)link.forgotten[1] / (double)queue - 1) < 0.05);
	sim_run(sim, soon);
	link = shaper_clocks(sim_shaper(sim), QOS_SLOT_LINK);
	assert_int_equal(link.forgotten[1], 0);
	/* at 100 Mbit/s 80 ns a byte */
	assert_true(lead(&link, soon) > (int64_t)queue * 80 * 9 / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_does_not_stand),
		cmocka_unit_test(test_remembers),
		cmocka_unit_test(test_begins_at_once),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
