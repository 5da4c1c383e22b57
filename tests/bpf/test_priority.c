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

struct load {
	const char *class;
	unsigned int flows;
};

/* Bytes that left until then beyond what the link has. */
static double excess(const struct sim *sim, struct flows all, uint64_t until)
{
	double rate = sim_rate(sim, all, (struct span){ 0, until });

	return (rate - 100 * MBIT) / 8 * (double)until / SEC;
}

/* The mean of a second: at each moment it may be some packets more or less. */
static double mean_excess(struct sim *sim, struct flows all, uint64_t from)
{
	const unsigned int moments = 10;
	double sum = 0;

	for (unsigned int i = 0; i < moments; i++) {
		uint64_t until = from + i * 100 * MSEC;

		sim_run(sim, until);
		sum += excess(sim, all, until);
	}
	return sum / moments;
}

/*
 * At the beginning some borrow what others then want for their guarantees, and the link is asked
 * for more than it has. That does not wait in the network for as long as they send, also where
 * nobody borrows any more, or only who has a priority above theirs.
 */
static void expect_paid_back(const char *policy, const struct load *loads, size_t count)
{
	_cleanup_(sim_closep) struct sim *sim = sim_open(policy, 0);
	struct flows all = { 0, 0 };
	double at_first, later;

	for (size_t i = 0; i < count; i++) {
		for (unsigned int f = 0; f < loads[i].flows; f++)
			sim_add(sim, &(struct source){ .class = loads[i].class,
						       .kind = SOURCE_TCP,
						       .bytes = SIM_GSO });
		all.count += loads[i].flows;
	}
	sim_run(sim, 100 * MSEC);
	at_first = excess(sim, all, 100 * MSEC);
	later = mean_excess(sim, all, 4 * SEC);
	assert_true(at_first > 0);
	if (later > at_first * 2 / 3)
		fail_msg("of %.0f bytes too many %.0f are left after 4 s", at_first, later);
}

static void test_paid_back(void **state __attribute__((unused)))
{
	static const struct load two_each[] = { { "h", 2 }, { "n", 2 }, { "l", 2 } };
	static const struct load tree[] = { { "a1", 4 }, { "a2", 1 }, { "b1", 1 }, { "b2", 8 } };

	expect_paid_back(PRIORITIES("rate: 10mbit, "), two_each, ARRAY_SIZE(two_each));
	expect_paid_back(POLICY("a1", "  a:\n    rate: 60mbit\n    classes:\n"
				      "      a1: { rate: 20mbit }\n      a2: { rate: 40mbit }\n"
				      "  b:\n    rate: 40mbit\n    classes:\n"
				      "      b1: { rate: 30mbit }\n      b2: { rate: 10mbit }\n"),
			 tree, ARRAY_SIZE(tree));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guarantee),
		cmocka_unit_test(test_no_guarantee),
		cmocka_unit_test(test_paid_back),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
