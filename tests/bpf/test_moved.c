// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A class of another priority, or parent, than before shares in another virtual time. It has its
 * share of what is there as one that comes has, whatever its finish said in the one before.
 */
#include <math.h>

#include "base/cleanup.h"
#include "ideal.h"
#include "share.h"
#include "sim.h"

#define MOVED	(10 * SEC)
#define HAS_IT	(MOVED + 200 * MSEC)
#define SETTLED (MOVED + SEC)

/* y is heavy, so that one who does not wait beside it has virtual time go fast; x has no guarantee
 */
#define PRIORITY(x)                                                   \
	POLICY("y", "  x: { weight: 1" x " }\n  y: { weight: 100 }\n" \
		    "  o: { weight: 1, priority: high }\n")
#define INSIDE                                                               \
	POLICY("y", "  a:\n"                                                 \
		    "    classes: { o: { weight: 1 }, b: { weight: 100 },\n" \
		    "               x: { weight: 1 } }\n"                    \
		    "  y: {}\n")
#define OUTSIDE                                                               \
	POLICY("y", "  a:\n"                                                  \
		    "    classes: { o: { weight: 1 }, b: { weight: 100 } }\n" \
		    "  x: {}\n"                                               \
		    "  y: {}\n")

/* x beside o, with which it shares what there is, and y, which floods; o stops when x is moved. */
static void run_moved(const char *before, const char *after, double share)
{
	_cleanup_(sim_closep) struct sim *sim = sim_open(before, 0);
	const struct span soon = { HAS_IT, SETTLED };
	double is;

	sim_add(sim, &(struct source){ .class = "x", .kind = SOURCE_TCP });
	for (unsigned int i = 0; i < 2; i++)
		sim_add(sim, &(struct source){ .class = "o",
					       .kind = SOURCE_CONSTANT,
					       .rate = 100 * MBIT,
					       .stop = MOVED });
	sim_add(sim, &(struct source){ .class = "y", .kind = SOURCE_CONSTANT, .rate = 120 * MBIT });
	sim_run(sim, MOVED);
	sim_change(sim, after);
	sim_run(sim, soon.to);
	is = sim_rate(sim, sim_flows(sim, "x"), soon);
	if (is < (1 - SHARE_ERROR) * share || is > (1 + SHARE_ERROR) * share)
		fail_msg("%.2f Mbit/s, not %.2f", is / MBIT, share / MBIT);
}

static void test_priority(void **state __attribute__((unused)))
{
	run_moved(PRIORITY(", priority: low"), PRIORITY(""), 100 * MBIT / 101.0);
	run_moved(PRIORITY(", priority: high"), PRIORITY(""), 100 * MBIT / 101.0);
}

static void test_parent(void **state __attribute__((unused)))
{
	run_moved(INSIDE, OUTSIDE, 50 * MBIT);
	run_moved(OUTSIDE, INSIDE, 50 * MBIT);
}

#define TO(rate, below, beside)                                                        \
	"link: { rate: 1gbit }\ndefault: c\nclasses:\n"                                \
	"  t: { rate: " rate ", classes: { a: { rate: 300mbit }" below " } }\n" beside \
	"  c: { rate: 200mbit }\n"

/* From one that takes the most of a fast link. */
static void test_faster_parent(void **state __attribute__((unused)))
{
	static const char before[] = TO("500mbit", ", b: { rate: 2mbit }", "");
	static const char after[] = TO("300mbit", "", "  b: { rate: 200mbit }\n");
	_cleanup_(sim_closep) struct sim *sim = sim_open(before, 0);
	static const char *const names[] = { "a", "b", "c" };
	const struct span soon = { 2 * SEC, 3 * SEC };
	double demand[CLASSES] = { 0 }, share[CLASSES] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		sim_add(sim, &(struct source){ .class = names[i],
					       .kind = SOURCE_WINDOW,
					       .bytes = 2 * SIM_FRAME,
					       .window = 8 });
		demand[sim_slot(sim, names[i]) - 1] = IDEAL_GREEDY;
	}
	sim_run(sim, SEC);
	sim_change(sim, after);
	ideal_shares(sim_policy(sim), demand, share);
	sim_run(sim, 3 * SEC);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		double want = share[sim_slot(sim, names[i]) - 1];
		double is = sim_rate(sim, sim_flows(sim, names[i]), soon);

		if (fabs(is - want) > SHARE_ERROR * want)
			fail_msg("%s has %.1f Mbit/s, not %.1f", names[i], is / MBIT, want / MBIT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_priority),
		cmocka_unit_test(test_parent),
		cmocka_unit_test(test_faster_parent),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
