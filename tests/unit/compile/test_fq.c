/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plans.h"

static struct qos_fq_params params_of(const char *text)
{
	_cleanup_(policy_freep) struct qos_policy *policy = load_good(text);
	_cleanup_(plan_freep) struct qos_plan *plan = compile(policy);

	return plan->fq;
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
	assert_int_equal(fq.quantum, 3028);
	assert_int_equal(fq.initial_quantum, 15140);
	/* one flow may be the whole queue: fq drops after the program has charged */
	assert_int_equal(fq.limit, 1 << 20);
	assert_int_equal(fq.flow_limit, 1 << 20);
}

/* The longest limit of the language, seen by fq a while after the program. */
static void test_horizon(void **state)
{
	(void)state;
	assert_true(
		params_of("default: a\nclasses: { a: { ceil: 1mbit, limit: 10s } }\n").horizon_us >=
		10500000);
}

/* Other numbers of a policy change no qdisc. */
static void test_the_same_for_all(void **state)
{
	static const char *const texts[] = {
		"default: a\nclasses: { a: { ceil: 100mbit } }\n",
		"default: a\nclasses: { a: { ceil: 1tbit, limit: 10s } }\n",
		"link: { rate: 1kbit }\ndefault: a\nclasses: { a: {} }\n",
		"link: { rate: 1tbit }\ndefault: a\nclasses: { a: { limit: 1ms }, b: {} }\n",
	};
	struct qos_fq_params first = params_of("default: a\nclasses: { a: {} }\n");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct qos_fq_params fq = params_of(texts[i]);

		assert_memory_equal(&fq, &first, sizeof(fq));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_constants),
		cmocka_unit_test(test_horizon),
		cmocka_unit_test(test_the_same_for_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
