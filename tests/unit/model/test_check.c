/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "load.h"

static void test_ceil_default(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *with =
		load_good("link: { rate: 10mbit }\ndefault: a\nclasses:\n"
			  "  a: {}\n  b: { rate: 1mbit }\n  c: { rate: 1mbit, ceil: 2mbit }\n"
			  "  d: { ceil: 3mbit }\n");
	_cleanup_(policy_freep) struct qos_policy *without =
		load_good("default: a\nclasses:\n"
			  "  a: {}\n  b: { rate: 1mbit }\n  c: { rate: 1mbit, ceil: 2mbit }\n"
			  "  d: { ceil: 3mbit }\n");

	(void)state;
	assert_int_equal(with->classes[0].ceil, 10000000);
	assert_int_equal(with->classes[1].ceil, 10000000);
	assert_int_equal(with->classes[2].ceil, 2000000);
	assert_int_equal(with->classes[3].ceil, 3000000);
	assert_int_equal(with->classes[3].rate, 0);
	assert_int_equal(without->classes[0].ceil, 0);
	assert_int_equal(without->classes[1].ceil, 1000000);
	assert_int_equal(without->classes[2].ceil, 2000000);
	assert_int_equal(without->classes[3].ceil, 3000000);
}

/* Up to the bounds everything is allowed. */
static void test_exact(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_good("link: { rate: 10mbit }\ndefault: a\nclasses:\n"
			  "  a: { rate: 40%, ceil: 4mbit }\n  b: { rate: 6mbit, ceil: 10mbit }\n");
	_cleanup_(policy_freep) struct qos_policy *no_link =
		load_good("default: a\nclasses:\n  a: { rate: 1tbit }\n  b: { rate: 1tbit }\n");

	(void)state;
	assert_int_equal(policy->classes[0].rate, 4000000);
	assert_int_equal(no_link->classes[1].rate, 1000000000000);
}

static void test_sum(void **state)
{
	(void)state;
	expect_said("link: { rate: 10mbit }\ndefault: a\nclasses:\n"
		    "  a: { rate: 4mbit }\n  b: { rate: 6mbit }\n  c: { rate: 1kbit }\n"
		    "  d: { rate: 1kbit }\n",
		    "policy:1:15: error: the rates of the classes add up to 10002kbit, more than "
		    "the link's 10mbit: not all of them can be guaranteed\n"
		    "policy:6:14: note: with class `c` the sum goes over it\n");
}

static void test_order(void **state)
{
	(void)state;
	expect_said("default: a\nclasses:\n  a: { ceil: 1mbit, rate: 2mbit }\n",
		    "policy:3:14: error: `ceil` of class `a` is 1mbit, less than its `rate` of "
		    "2mbit\n"
		    "policy:3:27: note: its `rate`\n");
}

/* One that is too much alone is one error: the sum follows from it. */
static void test_over_link(void **state)
{
	(void)state;
	expect_said("link: { rate: 10mbit }\ndefault: a\nclasses:\n"
		    "  a: { rate: 11mbit }\n  b: { ceil: 12mbit, rate: 10mbit }\n",
		    "policy:4:14: error: `rate` of class `a` is 11mbit, more than the link's "
		    "10mbit\n"
		    "policy:1:15: note: the link's rate\n"
		    "policy:5:14: error: `ceil` of class `b` is 12mbit, more than the link's "
		    "10mbit\n"
		    "policy:1:15: note: the link's rate\n");
}

/* What could not be read is not compared with. */
static void test_bad_values(void **state)
{
	(void)state;
	expect_said("link: { rate: 10 }\ndefault: a\nclasses:\n  a: { rate: 11mbit, ceil: 1% }\n",
		    "policy:1:15: error: `rate: 10` has no unit, did you mean `10mbit`?\n");
	expect_said("link: { rate: 10mbit }\ndefault: a\nclasses:\n  a: { rate: 1, ceil: 1mbit }\n",
		    "policy:4:14: error: `rate: 1` has no unit, did you mean `1mbit`?\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ceil_default), cmocka_unit_test(test_exact),
		cmocka_unit_test(test_sum),	     cmocka_unit_test(test_order),
		cmocka_unit_test(test_over_link),    cmocka_unit_test(test_bad_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
