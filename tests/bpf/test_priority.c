// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a low priority has where others want all of the link: its guarantee and nothing beyond it;
 * who has none, so much that his connections do not give up.
 */
#include <math.h>

#include "base/cleanup.h"
#include "share.h"
#include "sim.h"

#define GUARANTEE     (10 * MBIT)
#define EXACT	      0.005
#define TRICKLE_LEAST (MBIT / 10)
#define TRICKLE_MOST  (MBIT / 2)

#define PRIORITIES(low)                                       \
	POLICY("n", "  h: { rate: 10mbit, priority: high }\n" \
		    "  n: { rate: 20mbit }\n"                 \
		    "  l: { " low "priority: low }\n")

/* Its rate, and that of all together, beside two flows of each of the others. */
static double low_of(const char *policy, double *ret_all)
{
	_cleanup_(sim_closep) struct sim *sim = sim_open(policy, 0);
	static const char *const names[] = { "h", "n", "l" };
	const struct span span = { SEC, 5 * SEC };

	*ret_all = 0;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(names); i++)
		sim_add(sim, &(struct source){ .class = names[i / 2], .kind = SOURCE_TCP });
	sim_run(sim, span.to);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		*ret_all += sim_rate(sim, sim_flows(sim, names[i]), span);
	return sim_rate(sim, sim_flows(sim, "l"), span);
}

static void test_guarantee(void **state __attribute__((unused)))
{
	double all, low = low_of(PRIORITIES("rate: 10mbit, "), &all);

	if (fabs(low - GUARANTEE) > EXACT * GUARANTEE)
		fail_msg("%.2f Mbit/s on a guarantee of 10", low / MBIT);
	if (fabs(all - 100 * MBIT) > EXACT * 100 * MBIT)
		fail_msg("%.2f Mbit/s of the link are used", all / MBIT);
}

static void test_no_guarantee(void **state __attribute__((unused)))
{
	double all, low = low_of(PRIORITIES(""), &all);

	if (low < TRICKLE_LEAST || low > TRICKLE_MOST)
		fail_msg("%.2f Mbit/s without a guarantee", low / MBIT);
	if (all > MOST_USE * 100 * MBIT)
		fail_msg("%.2f Mbit/s of the link are used", all / MBIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guarantee),
		cmocka_unit_test(test_no_guarantee),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
