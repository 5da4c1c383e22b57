// SPDX-License-Identifier: LGPL-2.1-or-later
/* The flows of a class: equal shares, none reordered, a rate for each. */
#include <stdio.h>

#include "base/cleanup.h"
#include "fixture.h"
#include "flows.h"
#include "sim.h"

#define JAIN 0.95

/* Fair to its flows, the link in use, nothing reordered; what: for who reads of a failure. */
static void expect_fair(const struct sim *sim, const char *what, unsigned int count)
{
	struct flows flows = sim_flows(sim, "a");
	double jain = sim_fairness(sim, flows, span), use = sim_rate(sim, flows, span) / LINK;

	if (jain < JAIN)
		fail_msg("%u flows, %s: Jain's index is %.3f", count, what, jain);
	if (use < LEAST_USE)
		fail_msg("%u flows, %s: %.1f %% of the link are used", count, what, 100 * use);
	assert_int_equal(sim_counts(sim, flows).reordered, 0);
}

static void test_equal_shares(void **state __attribute__((unused)))
{
	static const unsigned int counts[] = { 2, 8, 32, 128 };
	static const struct {
		const char *name;
		struct source source;
	} kinds[] = {
		{ "windows", { .kind = SOURCE_WINDOW, .bytes = 2 * SIM_FRAME } },
		{ "TCP", { .kind = SOURCE_TCP } },
		{ "TCP with ECN", { .kind = SOURCE_TCP, .ecn = 2 } },
	};

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
			_cleanup_(sim_closep) struct sim *sim = sim_open(ONE(""), 0);
			struct source source = kinds[k].source;

			source.class = "a";
			add_flows(sim, counts[i], source);
			sim_run(sim, span.to);
			expect_fair(sim, kinds[k].name, counts[i]);
		}
	}
}

/* By bytes, not by packets. */
static void test_sizes(void **state __attribute__((unused)))
{
	_cleanup_(sim_closep) struct sim *sim = sim_open(ONE(""), 0);

	add_flows(sim, 4, (struct source){ .class = "a", .bytes = SIM_GSO });
	add_flows(sim, 4, (struct source){ .class = "a", .bytes = SIM_FRAME, .window = 16 });
	sim_run(sim, span.to);
	expect_fair(sim, "of two sizes", 8);
}

/* One that sends ten times its share takes nothing from the others. */
static void test_udp_among_windows(void **state __attribute__((unused)))
{
	_cleanup_(sim_closep) struct sim *sim = sim_open(ONE(""), 0);

	sim_add(sim, &(struct source){ .class = "a", .kind = SOURCE_CONSTANT, .rate = 2 * LINK });
	add_flows(sim, 4, (struct source){ .class = "a", .bytes = 2 * SIM_FRAME, .window = 8 });
	sim_run(sim, span.to);
	expect_fair(sim, "one of them a flood", 5);
}

/* A host with 32 flows and one with 1 have the same, by source and by destination. */
static void test_hosts(void **state __attribute__((unused)))
{
	static const char *const policies[] = { ONE(", fairness: src-host"),
						ONE(", fairness: dst-host") };
	static const struct source kinds[] = {
		{ .class = "a", .kind = SOURCE_TCP },
		/* one host's packets must not wait for the queue of the other */
		{ .class = "a", .kind = SOURCE_WINDOW, .bytes = 2 * SIM_FRAME },
	};

	for (size_t n = 0; n < ARRAY_SIZE(policies) * ARRAY_SIZE(kinds); n++) {
		size_t i = n % ARRAY_SIZE(policies);
		_cleanup_(sim_closep) struct sim *sim = sim_open(policies[i], 0);
		const char *many = "10.1.0.1", *one = "10.1.0.2";
		struct source source = kinds[n / ARRAY_SIZE(policies)];
		double rate[2];

		source.src = i ? NULL : many;
		source.dst = i ? many : NULL;
		add_flows(sim, 32, source);
		source.src = i ? NULL : one;
		source.dst = i ? one : NULL;
		add_flows(sim, 1, source);
		sim_run(sim, span.to);
		rate[0] = sim_rate(sim, (struct flows){ 0, 32 }, span);
		rate[1] = sim_rate(sim, (struct flows){ 32, 1 }, span);
		if ((rate[0] + rate[1]) * (rate[0] + rate[1]) <
		    JAIN * 2 * (rate[0] * rate[0] + rate[1] * rate[1]))
			fail_msg("case %zu: %.2f and %.2f Mbit/s", n, rate[0] / MBIT,
				 rate[1] / MBIT);
		assert_true(rate[0] + rate[1] >= LEAST_USE * LINK);
	}
}

#define HOSTS 16

/* Of one network, whose addresses differ little: each has what the others have. */
static void test_many_hosts(void **state __attribute__((unused)))
{
	static const char *const policies[] = { ONE(", fairness: src-host"),
						ONE(", fairness: dst-host") };

	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		_cleanup_(sim_closep) struct sim *sim = sim_open(policies[i], 0);
		double sum = 0, squares = 0;

		for (unsigned int host = 0; host < HOSTS; host++) {
			char addr[32];
			struct source source = { .class = "a",
						 .kind = SOURCE_WINDOW,
						 .bytes = 2 * SIM_FRAME,
						 .src = i ? NULL : addr,
						 .dst = i ? addr : NULL };

			snprintf(addr, sizeof(addr), "10.1.0.%u", host + 1);
			add_flows(sim, host ? 1 : 32, source);
		}
		sim_run(sim, span.to);
		for (unsigned int host = 0; host < HOSTS; host++) {
			struct flows flows = { host ? 31 + host : 0, host ? 1 : 32 };
			double rate = sim_rate(sim, flows, span);

			sum += rate;
			squares += rate * rate;
		}
		if (sum * sum < JAIN * HOSTS * squares)
			fail_msg("%s: Jain's index is %.3f", policies[i],
				 sum * sum / (HOSTS * squares));
		assert_true(sum >= LEAST_USE * LINK);
	}
}

/* Flows that all begin at once: what they send too much is paid back soon, and then all is used. */
static void test_begin_together(void **state __attribute__((unused)))
{
	static const struct span first = { 0, SEC }, then = { SEC, 3 * SEC };
	_cleanup_(sim_closep) struct sim *sim = sim_open(SLOW, 0);
	struct flows flows;
	double sent, use;

	for (unsigned int i = 0; i < 32; i++)
		sim_add(sim, &(struct source){ .class = "a",
					       .kind = SOURCE_TCP,
					       .bytes = SIM_FRAME,
					       .window = 10 });
	sim_run(sim, then.to);
	flows = sim_flows(sim, "a");
	sent = sim_rate(sim, flows, first) / (10 * MBIT);
	use = sim_rate(sim, flows, then) / (10 * MBIT);
	if (sent > 1.04)
		fail_msg("in the first second they send %.1f %%", 100 * sent);
	if (use < LEAST_USE)
		fail_msg("then %.1f %% are used", 100 * use);
}

/* Each has its rate, no more, and no less where the class has it. */
static void test_per_flow(void **state __attribute__((unused)))
{
	_cleanup_(sim_closep) struct sim *sim = sim_open(ONE(", per-flow: 5mbit"), 0);
	struct flows flows;

	add_flows(sim, 4, (struct source){ .class = "a", .bytes = 2 * SIM_FRAME });
	add_flows(sim, 4,
		  (struct source){ .class = "a", .kind = SOURCE_CONSTANT, .rate = 20 * MBIT });
	sim_run(sim, span.to);
	flows = sim_flows(sim, "a");
	for (unsigned int i = 0; i < flows.count; i++) {
		double rate = sim_rate(sim, (struct flows){ i, 1 }, span) / MBIT;

		if (rate > 5.05 || rate < 4.85)
			fail_msg("flow %u has %.2f Mbit/s, not 5", i, rate);
	}
	assert_int_equal(sim_counts(sim, flows).reordered, 0);
}

/*
 * Flows of all kinds that come and go in classes that come and go, with so few records that
 * most of them share one: never is a packet given a time before that of the one before it.
 */
static void test_never_reordered(void **state __attribute__((unused)))
{
	static const char policy[] =
		"link: { rate: 100mbit }\ndefault: a\nclasses:\n"
		"  a: { rate: 10mbit, priority: high }\n"
		"  t:\n"
		"    rate: 40mbit\n"
		"    ceil: 60mbit\n"
		"    classes:\n"
		"      b: { rate: 10mbit, fairness: src-host }\n"
		"      c: { rate: 5mbit, per-flow: 3mbit }\n"
		"  d: { rate: 10mbit, ceil: 20mbit, fairness: none, priority: low }\n";
	static const char *const classes[] = { "a", "b", "c", "d" };
	static const uint32_t records[] = { 2, 8, 64, 0 };

	for (size_t r = 0; r < ARRAY_SIZE(records); r++) {
		_cleanup_(sim_closep) struct sim *sim = sim_open(policy, records[r]);

		for (unsigned int i = 0; i < 200; i++) {
			const struct source source = {
				.class = classes[i / 50],
				.kind = i % 4,
				.bytes = i % 3 ? SIM_FRAME : SIM_GSO,
				.window = 1 + i % 7,
				.rate = (1 + i % 5) * MBIT,
				.start = (i * 7919 % 1500) * MSEC,
				.stop = (500 + i * 104729 % 1500) * MSEC,
			};

			sim_add(sim, &source);
		}
		sim_run(sim, 2 * SEC);
		for (size_t c = 0; c < ARRAY_SIZE(classes); c++)
			assert_int_equal(sim_counts(sim, sim_flows(sim, classes[c])).reordered, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_shares),	  cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_udp_among_windows), cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_many_hosts),	  cmocka_unit_test(test_begin_together),
		cmocka_unit_test(test_per_flow),	  cmocka_unit_test(test_never_reordered),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
