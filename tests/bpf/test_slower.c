// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A link that becomes slower: what leaves as it was stamped at the old rate is more than the new
 * one has, and those pay for it that sent it, of what they are guaranteed with a 16th (leaf.h).
 * Else it would stand in the network's next queue for as long as they send.
 */
#include "base/cleanup.h"
#include "share.h"
#include "sim.h"

#define SLOWER	    (3 * SEC) /* what floods have queued is short by then */
#define SLOW	    (10 * MBIT)
#define GUARANTEE   (4 * MBIT)
#define LINK(rate)  "link: { rate: " rate " }\ndefault: x\nclasses:\n  x: { rate: 4mbit }\n  y: {}\n"
#define STANDS_MOST (20 * MSEC) /* of the slow link, two packets of TCP's */

/* ns of the slow link that stand in the next queue, which was empty. */
static double standing(const struct sim *sim, struct flows flows, uint64_t until)
{
	double stands = 0;

	for (uint64_t at = SLOWER; at < until; at += MSEC) {
		const struct span span = { at, at + MSEC };

		stands += (sim_rate(sim, flows, span) / SLOW - 1) * MSEC;
		if (stands < 0)
			stands = 0;
	}
	return stands;
}

static void run_slower(enum source_kind kind, unsigned int count)
{
	static const char *const classes[] = { "x", "y" };
	_cleanup_(sim_closep) struct sim *sim = sim_open(LINK("100mbit"), 0);
	const struct span soon = { SLOWER + 100 * MSEC, SLOWER + 600 * MSEC },
			  later = { SLOWER + 600 * MSEC, SLOWER + 3 * SEC };
	const struct flows all = { 0, count };
	double at_once, stands, x;

	for (unsigned int i = 0; i < count; i++)
		sim_add(sim,
			&(struct source){ .class = classes[i], .kind = kind, .rate = 120 * MBIT });
	sim_run(sim, SLOWER);
	sim_change(sim, LINK("10mbit"));
	sim_run(sim, later.to);
	at_once = standing(sim, all, soon.from);
	stands = standing(sim, all, later.to);
	x = sim_rate(sim, sim_flows(sim, "x"), soon);
	if (kind == SOURCE_CONSTANT && at_once < 100 * MSEC) /* or nothing is tested */
		fail_msg("%.0f ms stood in the next queue at first", at_once / MSEC);
	if (stands > STANDS_MOST)
		fail_msg("of %.0f ms in the next queue %.0f are left", at_once / MSEC,
			 stands / MSEC);
	if (x < 0.99 * 15 / 16 * GUARANTEE)
		fail_msg("%.2f Mbit/s on a guarantee of 4", x / MBIT);
	if (sim_rate(sim, all, later) < LEAST_USE * SLOW)
		fail_msg("%.2f Mbit/s of 10 are used", sim_rate(sim, all, later) / MBIT);
}

static void test_alone(void **state __attribute__((unused)))
{
	run_slower(SOURCE_TCP, 1);
	run_slower(SOURCE_CONSTANT, 1);
}

static void test_shared(void **state __attribute__((unused)))
{
	run_slower(SOURCE_TCP, 2);
	run_slower(SOURCE_CONSTANT, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_shared),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
