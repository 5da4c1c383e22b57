/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plans.h"

static struct qos_fq_params params_of(const char *text)
{
	_cleanup_(policy_freep) struct qos_policy *policy = load_good(text);
	_cleanup_(plan_freep) struct qos_plan *plan = compile(policy);

	return plan->fq;
}

/*
 * By hand: 10000 packets of fq's own default, and for each class what its limit
 * may hold of the smallest packets and one of GSO's: (ceil/8 * limit + 65536) / 34.
 */
static void test_limit(void **state)
{
	static const struct {
		const char *text;
		uint32_t limit;
	} cases[] = {
		/* 100mbit for 100 ms: 1250000 bytes */
		{ "default: a\nclasses: { a: { ceil: 100mbit } }\n", 10000 + 38692 },
		/* 100mbit for 1 s: 12500000 bytes */
		{ "default: a\nclasses: { a: { ceil: 100mbit, limit: 1s } }\n", 10000 + 369574 },
		/* the link's rate is the ceiling: 10mbit for 100 ms, 125000 bytes */
		{ "link: { rate: 10mbit }\ndefault: a\nclasses: { a: {} }\n", 10000 + 5604 },
		/* one after the other: 125000 bytes, and 1mbit for 200 ms, 25000 bytes */
		{ "link: { rate: 10mbit }\ndefault: a\n"
		  "classes: { a: {}, b: { ceil: 1mbit, limit: 200ms } }\n",
		  10000 + 5604 + 2662 },
		/* no rate at all: nothing waits, but for one packet */
		{ "default: a\nclasses: { a: {} }\n", 10000 + 1927 },
		/* 10gbit for 100 ms would be 3.7 million: fq's memory has a bound */
		{ "default: a\nclasses: { a: { ceil: 10gbit } }\n", 1 << 20 },
		{ "default: a\nclasses: { a: { ceil: 1tbit, limit: 10s } }\n", 1 << 20 },
		{ "default: a\nclasses: { a: { ceil: 5gbit }, b: { ceil: 5gbit } }\n", 1 << 20 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct qos_fq_params fq = params_of(cases[i].text);

		assert_int_equal(fq.limit, cases[i].limit);
		/* one flow may be the whole queue */
		assert_int_equal(fq.flow_limit, cases[i].limit);
	}
}

/* 100 us of the link, two frames at least, a GSO packet at most. */
static void test_quantum(void **state)
{
	static const struct {
		const char *text;
		uint32_t quantum, initial;
	} cases[] = {
		{ "default: a\nclasses: { a: { ceil: 1tbit } }\n", 3028, 15140 },
		{ "link: { rate: 1kbit }\ndefault: a\nclasses: { a: {} }\n", 3028, 15140 },
		{ "link: { rate: 242mbit }\ndefault: a\nclasses: { a: {} }\n", 3028, 15140 },
		{ "link: { rate: 1gbit }\ndefault: a\nclasses: { a: {} }\n", 12500, 62500 },
		{ "link: { rate: 5gbit }\ndefault: a\nclasses: { a: {} }\n", 62500, 312500 },
		{ "link: { rate: 1tbit }\ndefault: a\nclasses: { a: {} }\n", 65536, 327680 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct qos_fq_params fq = params_of(cases[i].text);

		assert_int_equal(fq.quantum, cases[i].quantum);
		assert_int_equal(fq.initial_quantum, cases[i].initial);
	}
}

/* Beyond the longest limit by a second, and not below fq's own 10 s. */
static void test_horizon(void **state)
{
	(void)state;
	assert_int_equal(params_of("default: a\nclasses: { a: { ceil: 1mbit } }\n").horizon_us,
			 10000000);
	assert_int_equal(
		params_of("default: a\nclasses: { a: { ceil: 1mbit, limit: 9s } }\n").horizon_us,
		10000000);
	assert_int_equal(params_of("default: a\nclasses:\n  a: { ceil: 1mbit }\n"
				   "  b: { ceil: 1mbit, limit: 9500ms }\n")
				 .horizon_us,
			 10500000);
	assert_int_equal(
		params_of("default: a\nclasses: { a: { ceil: 1mbit, limit: 10s } }\n").horizon_us,
		11000000);
}

static void test_constants(void **state)
{
	/* fq_prio2band of net/sched/sch_fq.c, and its default weights */
	static const uint8_t priomap[16] = { 1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1 };
	static const int32_t weights[3] = { 589824, 196608, 65536 };
	struct qos_fq_params fq = params_of("default: a\nclasses: { a: {} }\n");

	(void)state;
	assert_memory_equal(fq.priomap, priomap, sizeof(priomap));
	assert_memory_equal(fq.weights, weights, sizeof(weights));
	assert_int_equal(fq.buckets_log, 14);
	assert_int_equal(fq.orphan_mask, 0xfffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_quantum),
		cmocka_unit_test(test_horizon),
		cmocka_unit_test(test_constants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
