// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who gets what of a link: every class within 5 % of what arithmetic says that it ought to
 * have, 97 % of the link used and no more than it has, no flow reordered.
 */
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "ideal.h"
#include "model/policy.h"
#include "share.h"
#include "share_policies.h"
#include "sim.h"

#define LOADS	8
#define WARM	SEC
#define COUNTED (3 * SEC)
#define LONG	(10 * SEC)

/* flows of the same kind in a class; of a constant rate it is the load's that counts. */
struct load {
	struct source source;
	unsigned int flows;
};

struct scenario {
	const char *name, *policy;
	struct load loads[LOADS];
};

#define GREEDY(name, n)                                                  \
	{                                                                \
		{ .class = (name), .kind = SOURCE_WINDOW }, .flows = (n) \
	}
#define TCP(name, n)                                                  \
	{                                                             \
		{ .class = (name), .kind = SOURCE_TCP }, .flows = (n) \
	}
#define UDP(name, mbit)                                                                       \
	{                                                                                     \
		{ .class = (name), .kind = SOURCE_CONSTANT, .rate = (mbit)*MBIT }, .flows = 1 \
	}
#define BURSTS(name, mbit)                                                                  \
	{                                                                                   \
		{ .class = (name), .kind = SOURCE_SPARSE, .rate = (mbit)*MBIT }, .flows = 1 \
	}

#define HEAVY(weight) POLICY("x", "  x: { weight: " #weight " }\n  y: { weight: 1 }\n")

static const struct scenario scenarios[] = {
	{ "a lone class takes all", PAIR, { GREEDY("x", 1) } },
	{ "1:3", PAIR, { GREEDY("x", 1), GREEDY("y", 1) } },
	{ "1:3, 32 TCP flows against 1", PAIR, { TCP("x", 32), TCP("y", 1) } },
	{ "1:3, floods, queues of 200 ms", LIMIT("200ms"), { UDP("x", 200), UDP("y", 200) } },
	{ "1:3, floods, queues of 500 ms", LIMIT("500ms"), { UDP("x", 200), UDP("y", 200) } },
	{ "1:3, queues of 5 s", LIMIT("5s"), { GREEDY("x", 1), GREEDY("y", 1) } },
	{ "weights beside guarantees", WEIGHTS, { GREEDY("x", 4), GREEDY("y", 4) } },
	{ "five classes",
	  FIVE,
	  { GREEDY("a", 1), GREEDY("b", 2), GREEDY("c", 3), GREEDY("d", 1), GREEDY("e", 2) } },
	{ "five classes, two of them idle",
	  FIVE,
	  { GREEDY("a", 2), GREEDY("c", 2), GREEDY("d", 2) } },
	{ "three priorities", PRIORITIES, { GREEDY("h", 2), GREEDY("n", 2), GREEDY("l", 2) } },
	{ "nobody of high priority", PRIORITIES, { GREEDY("n", 2), GREEDY("l", 2) } },
	{ "high priority that wants little",
	  PRIORITIES,
	  { UDP("h", 30), GREEDY("n", 2), GREEDY("l", 2) } },
	{ "ceilings below the share",
	  CEILINGS,
	  { GREEDY("p", 2), GREEDY("q", 2), GREEDY("r", 2) } },
	{ "a ceiling, and nobody else", CEILINGS, { GREEDY("p", 2) } },
	{ "all of it guaranteed", GUARANTEES, { GREEDY("a", 2), GREEDY("b", 1), GREEDY("c", 4) } },
	{ "two levels",
	  TWO_LEVELS,
	  { GREEDY("a1", 2), GREEDY("a2", 1), GREEDY("b1", 1), GREEDY("b2", 4) } },
	{ "a ceiling in the middle", MIDDLE, { GREEDY("a", 2), GREEDY("b", 2), GREEDY("c", 2) } },
	{ "a low ceiling of a heavy class with classes",
	  LOW_INNER_CEILING,
	  { GREEDY("a", 1), GREEDY("b1", 1), GREEDY("b2", 1) } },
	{ "the same, TCP", LOW_INNER_CEILING, { TCP("a", 1), TCP("b1", 1), TCP("b2", 1) } },
	{ "ceilings below ceilings",
	  CEILINGS_BELOW,
	  { GREEDY("a", 1), GREEDY("b1", 1), GREEDY("b21", 1), GREEDY("b22", 1) } },
	{ "ceilings below ceilings, TCP",
	  CEILINGS_BELOW,
	  { TCP("a", 1), TCP("b1", 1), TCP("b21", 1), TCP("b22", 1) } },
	{ "two ceilings beside each other, TCP",
	  CEILINGS_BESIDE,
	  { TCP("a", 1), TCP("b1", 1), TCP("b2", 2), TCP("c1", 1), TCP("c2", 1) } },
	{ "four ceilings below each other, TCP",
	  MANY_CEILINGS,
	  { TCP("x1", 4), TCP("x2", 4), TCP("x3", 4), TCP("x4", 4), TCP("y", 4), TCP("z", 4) } },
	{ "a bounded leaf alone in a heavy class",
	  BOUNDED_LEAF,
	  { GREEDY("z", 1), GREEDY("bb", 1) } },
	{ "a bounded leaf alone in a heavy class, TCP",
	  BOUNDED_LEAF,
	  { TCP("z", 1), TCP("bb", 4) } },
	{ "a heavy class of bounded leaves, TCP",
	  BOUNDED_LEAVES,
	  { TCP("z", 1), TCP("bb", 4), TCP("bc", 1) } },
	{ "a heavy bounded leaf beside a light one, TCP",
	  BOUNDED_SIBLING,
	  { TCP("ab", 4), TCP("ac", 4) } },
	{ "a leaf whose share is nearly its ceiling",
	  BOUNDED_NEARLY,
	  { TCP("aa", 1), UDP("aba", 79), UDP("abb", 43) } },
	{ "a bounded leaf of the link, TCP", FLAT_CEILING, { TCP("a", 4), TCP("b", 1) } },
	{ "a bounded leaf of the link", FLAT_CEILING, { GREEDY("a", 1), GREEDY("b", 1) } },
	{ "an inner ceiling that bounds nothing, beside a flood",
	  INNER_CEILING_FAR("ceil: 90mbit"),
	  { TCP("aa", 1), UDP("b", 120) } },
	{ "an inner ceiling that bounds nothing, floods",
	  INNER_CEILING_FAR("rate: 15mbit\n    ceil: 75mbit"),
	  { UDP("aa", 99), UDP("b", 120) } },
	{ "an inner ceiling that bounds nothing, TCP",
	  INNER_CEILING_FAR("ceil: 75mbit"),
	  { TCP("aa", 1), TCP("b", 1) } },
	{ "a leaf's ceiling that bounds nothing, floods",
	  LEAF_CEILING_FAR,
	  { TCP("aaa", 1), UDP("aab", 95), UDP("ab", 91) } },
	{ "an inner ceiling that bounds nothing, deeper",
	  HIGHER_CEILING_FAR,
	  { TCP("aa", 1), TCP("aba", 1), UDP("c", 84) } },
	{ "priorities below a ceiling, TCP",
	  PRIORITIES_BOUNDED,
	  { TCP("a", 1), TCP("z", 1), TCP("h", 1), TCP("n", 1), TCP("l", 1) } },
	{ "three levels",
	  THREE_LEVELS,
	  { GREEDY("a1", 4), GREEDY("a2", 1), GREEDY("b1", 1), GREEDY("b21", 8),
	    GREEDY("b22", 2) } },
	{ "three levels, TCP",
	  THREE_LEVELS,
	  { TCP("a1", 4), TCP("a2", 1), TCP("b1", 1), TCP("b21", 8), TCP("b22", 2) } },
	{ "three levels, a leaf idle",
	  THREE_LEVELS,
	  { TCP("a1", 4), TCP("a2", 1), TCP("b1", 1), TCP("b21", 2) } },
	{ "three levels, a larger leaf idle",
	  THREE_LEVELS,
	  { TCP("a1", 4), TCP("a2", 1), TCP("b21", 4), TCP("b22", 2) } },
	{ "three levels, a leaf idle, its sibling borrows all around",
	  THREE_LEVELS,
	  { GREEDY("a2", 2), GREEDY("b1", 1), GREEDY("b21", 2), GREEDY("b22", 1) } },
	{ "three levels, a branch idle",
	  THREE_LEVELS,
	  { GREEDY("b1", 1), GREEDY("b21", 4), GREEDY("b22", 1) } },
	{ "priorities inside a class",
	  PRIORITIES_BELOW,
	  { GREEDY("h", 2), GREEDY("n", 2), GREEDY("l", 2), GREEDY("b", 2) } },
	{ "priorities inside a class, TCP",
	  PRIORITIES_BELOW,
	  { TCP("h", 2), TCP("n", 2), TCP("l", 2), TCP("b", 2) } },
	{ "priorities inside a class, none of high",
	  PRIORITIES_BELOW,
	  { TCP("n", 2), TCP("l", 2), TCP("b", 2) } },
	{ "slow classes with classes",
	  SLOW_BELOW,
	  { UDP("bx", 10), GREEDY("by1", 1), TCP("bz1", 1), TCP("bz2", 1), TCP("y", 4) } },
	{ "the heaviest is idle", SKEWED, { GREEDY("x", 2), GREEDY("y", 2) } },
	{ "the heaviest is idle, TCP", SKEWED, { TCP("x", 4), TCP("y", 1) } },
	{ "the heaviest is idle, at two levels", SKEWED_BELOW, { GREEDY("x", 1), GREEDY("y", 4) } },
	{ "the heaviest is idle, floods, queues of 2 s",
	  FAR_LIMIT,
	  { UDP("x", 200), UDP("y", 200) } },
	{ "a heavy class sends little, at random", HEAVY(10), { BURSTS("x", 20), TCP("y", 4) } },
	{ "a heavy class sends much, at random", HEAVY(10), { BURSTS("x", 60), TCP("y", 4) } },
	{ "one three times as heavy, beside a flow", HEAVY(3), { BURSTS("x", 60), TCP("y", 1) } },
	{ "a heavy class beyond its guarantee, at random",
	  POLICY("x", "  x: { rate: 10mbit, weight: 10 }\n"
		      "  y: { rate: 20mbit, weight: 1 }\n"),
	  { BURSTS("x", 40), TCP("y", 4) } },
	{ "a heavy class sends little, in an inner one",
	  POLICY("x", "  a:\n"
		      "    weight: 10\n"
		      "    classes:\n"
		      "      x: { weight: 1 }\n"
		      "      b: { weight: 1 }\n"
		      "  y: { weight: 1 }\n"),
	  { BURSTS("x", 20), TCP("y", 4) } },
	{ "the heaviest is not idle",
	  OUTWEIGHED("1gbit"),
	  { GREEDY("heavy", 2), GREEDY("x", 2), GREEDY("y", 2) } },
	{ "UDP floods the smaller class", PAIR, { UDP("x", 200), GREEDY("y", 1) } },
	{ "UDP floods the larger class", PAIR, { UDP("y", 200), GREEDY("x", 4) } },
	{ "UDP floods all", CEILINGS, { UDP("p", 120), UDP("q", 120), UDP("r", 120) } },
};

/* Of the lighter one, whose packets are 1 % of what it has in a while that is LONG. */
static const struct scenario nearly_all[] = {
	{ "90 times as much, guaranteed",
	  NEARLY_ALL("100mbit", "90mbit"),
	  { GREEDY("heavy", 2), GREEDY("x", 2) } },
	{ "90 times as much, guaranteed, TCP",
	  NEARLY_ALL("100mbit", "90mbit"),
	  { TCP("heavy", 2), TCP("x", 2) } },
	{ "900 times as much, guaranteed, TCP",
	  NEARLY_ALL("1gbit", "900mbit"),
	  { TCP("heavy", 2), TCP("x", 2) } },
};

/* What floods of little guarantees have queued is longer than the others' limit. */
static const struct scenario longer_queues = {
	"floods with longer queues",
	"link: { rate: 10mbit }\ndefault: d\nclasses:\n"
	"  a:\n"
	"    rate: 1690kbit\n"
	"    classes: { aa: { rate: 310kbit }, ab: { rate: 350kbit } }\n"
	"  c: { rate: 840kbit }\n"
	"  d: { rate: 1690kbit }\n",
	{ UDP("aa", 13), UDP("ab", 13), UDP("c", 13), GREEDY("d", 1) }
};

/* In its policy, the demand of each class. */
static void add_loads(struct sim *sim, const struct scenario *scenario, uint32_t bytes,
		      double demand[CLASSES])
{
	assert_true(sim_policy(sim)->class_count <= CLASSES);
	for (size_t i = 0; i < LOADS && scenario->loads[i].flows; i++) {
		const struct load *load = &scenario->loads[i];
		struct source source = load->source;

		if (source.kind == SOURCE_WINDOW) {
			source.bytes = bytes;
			source.window = 2 * SIM_GSO / bytes;
		}
		demand[sim_slot(sim, source.class) - 1] =
			source.rate ? (double)source.rate : IDEAL_GREEDY;
		for (unsigned int n = 0; n < load->flows; n++) {
			source.start = (1 + n) * MSEC / 8;
			sim_add(sim, &source);
		}
	}
}

static void expect_share(const char *name, const char *class, uint32_t bytes, double is,
			 double want, int *failed)
{
	if (fabs(is - want) <= SHARE_ERROR * want)
		return;
	print_error("%s, packets of %u: %s has %.2f Mbit/s, not %.2f\n", name, bytes, class,
		    is / MBIT, want / MBIT);
	(*failed)++;
}

static void run_scenario(const struct scenario *scenario, uint32_t bytes, uint64_t counted,
			 int *failed)
{
	_cleanup_(sim_closep) struct sim *sim = sim_open(scenario->policy, 0);
	const struct qos_policy *policy = sim_policy(sim);
	const struct span span = { WARM, WARM + counted };
	double demand[CLASSES] = { 0 }, share[CLASSES] = { 0 }, all = 0, ideal = 0;

	add_loads(sim, scenario, bytes, demand);
	sim_run(sim, span.to);
	ideal_shares(policy, demand, share);
	for (size_t i = 0; i < policy->class_count; i++) {
		struct flows flows = sim_flows(sim, policy->classes[i].name);
		double rate = sim_rate(sim, flows, span);

		if (!flows.count)
			continue;
		expect_share(scenario->name, policy->classes[i].name, bytes, rate, share[i],
			     failed);
		assert_int_equal(sim_counts(sim, flows).reordered, 0);
		all += rate;
		ideal += share[i];
	}
	if (all < LEAST_USE * ideal || all > MOST_USE * ideal) {
		print_error("%s, packets of %u: %.2f Mbit/s of %.2f are used\n", scenario->name,
			    bytes, all / MBIT, ideal / MBIT);
		(*failed)++;
	}
}

static void test_scenarios(void **state __attribute__((unused)))
{
	static const uint32_t sizes[] = { SIM_GSO, 2 * SIM_FRAME };
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(sizes); j++)
			run_scenario(&scenarios[i], sizes[j], COUNTED, &failed);
	}
	assert_int_equal(failed, 0);
}

static void test_nearly_all_guaranteed(void **state __attribute__((unused)))
{
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(nearly_all); i++)
		run_scenario(&nearly_all[i], SIM_GSO, LONG, &failed);
	run_scenario(&nearly_all[0], 2 * SIM_FRAME, LONG, &failed);
	assert_int_equal(failed, 0);
}

static void test_slow_link(void **state __attribute__((unused)))
{
	int failed = 0;

	run_scenario(&longer_queues, 2 * SIM_FRAME, 4 * LONG, &failed);
	assert_int_equal(failed, 0);
}

/* How much of the link is used beside TCP where a heavy class sends so much, at random. */
static double use_at_random(uint64_t rate, uint64_t start)
{
	static const struct span span = { WARM, WARM + COUNTED };
	_cleanup_(sim_closep) struct sim *sim = sim_open(HEAVY(10), 0);

	sim_add(sim, &(struct source){
			     .class = "x", .kind = SOURCE_SPARSE, .rate = rate, .start = start });
	for (uint64_t n = 1; n <= 4; n++)
		sim_add(sim, &(struct source){
				     .class = "y", .kind = SOURCE_TCP, .start = n * MSEC / 8 });
	sim_run(sim, span.to);
	assert_true(sim_rate(sim, sim_flows(sim, "x"), span) >= (1 - SHARE_ERROR) * (double)rate);
	return sim_rate(sim, (struct flows){ 0, 5 }, span) / (100 * MBIT);
}

#define STARTS 24

/*
 * Between little and much, packets at random look now and then like one that is greedy, and as much
 * as that takes from the others is lost: in the mean no more than anywhere.
 */
static void test_heavy_at_random(void **state __attribute__((unused)))
{
	for (uint64_t rate = 10 * MBIT; rate <= 80 * MBIT; rate += 10 * MBIT) {
		double use = 0;

		for (uint64_t i = 0; i < STARTS; i++)
			use += use_at_random(rate, i * 700000) / STARTS;
		if (use < LEAST_USE)
			fail_msg("%u Mbit/s at random: %.1f %% of the link are used",
				 (unsigned int)(rate / MBIT), 100 * use);
	}
}

/* A class that has a ceiling, and nothing above it, shares all of that. */
static void test_no_link_rate(void **state __attribute__((unused)))
{
	_cleanup_(sim_closep) struct sim *sim = sim_open(UNLIMITED, 0);
	const struct span span = { WARM, WARM + SEC };
	double x, y;

	sim_add(sim, &(struct source){ .class = "x", .kind = SOURCE_CONSTANT, .rate = 40 * MBIT });
	sim_add(sim, &(struct source){ .class = "y", .kind = SOURCE_CONSTANT, .rate = 40 * MBIT });
	sim_run(sim, WARM + SEC);
	x = sim_rate(sim, sim_flows(sim, "x"), span) / (5 * MBIT);
	y = sim_rate(sim, sim_flows(sim, "y"), span) / (15 * MBIT);
	if (fabs(x - 1) > SHARE_ERROR || fabs(y - 1) > SHARE_ERROR)
		fail_msg("%.2f and %.2f of what they ought to have", x, y);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenarios),    cmocka_unit_test(test_nearly_all_guaranteed),
		cmocka_unit_test(test_slow_link),    cmocka_unit_test(test_heavy_at_random),
		cmocka_unit_test(test_no_link_rate),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
