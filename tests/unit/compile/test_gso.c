/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plans.h"

#define LINK(rate) "link: { rate: " rate " }\ndefault: a\nclasses: { a: {} }\n"

/* One ms of the rate in bytes, two frames of 1514 at least. */
static void test_auto(void **state)
{
	static const struct {
		const char *text;
		uint32_t size;
	} cases[] = {
		{ LINK("100mbit"), 12500 },
		{ LINK("1gbit"), 125000 },
		{ LINK("1kbit"), 3028 },
		{ LINK("24224kbit"), 3028 },
		{ LINK("24232kbit"), 3029 },
		/* no device has packets of more than 524280 bytes: nothing to lower */
		{ LINK("4194mbit"), 524250 },
		{ LINK("4195mbit"), 0 },
		{ LINK("1tbit"), 0 },
		/* without a rate of the link that of the fastest class, if each has one */
		{ "default: a\nclasses: { a: { ceil: 80mbit }, b: { ceil: 200mbit } }\n", 25000 },
		{ "default: a\nclasses: { a: { ceil: 80mbit }, b: {} }\n", 0 },
		/* a class that is divided sends nothing itself */
		{ "default: a\nclasses: { b: { classes: { a: { ceil: 80mbit } } } }\n", 10000 },
		{ "default: a\nclasses: { a: {} }\n", 0 },
		/* a policer drops whole packets */
		{ "link: { rate: 100mbit, mode: police }\ndefault: a\nclasses: { a: {} }\n",
		  12500 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(policy_freep) struct qos_policy *policy = load_good(cases[i].text);
		_cleanup_(plan_freep) struct qos_plan *plan = compile(policy);

		assert_int_equal(plan->gso_max_size, cases[i].size);
	}
}

/* link, MTU and what the device has → what it gets; 0: what it has. */
static void test_device(void **state)
{
	static const struct {
		const char *text;
		uint32_t mtu, has, size;
	} cases[] = {
		{ LINK("100mbit"), 1500, 65536, 12500 },
		{ LINK("100mbit"), 9000, 65536, 18028 },
		{ LINK("1kbit"), 1500, 65536, 3028 },
		{ LINK("1kbit"), 68, 65536, 3028 },
		{ LINK("1kbit"), 65536, 65536, 0 },
		{ LINK("100mbit"), 1500, 12500, 0 },
		{ LINK("100mbit"), 1500, 5000, 0 },
		{ LINK("1gbit"), 1500, 65536, 0 },
		{ LINK("1gbit"), 1500, 262144, 125000 },
		{ "default: a\nclasses: { a: {} }\n", 9000, 65536, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(policy_freep) struct qos_policy *policy = load_good(cases[i].text);
		_cleanup_(plan_freep) struct qos_plan *plan = compile(policy);

		assert_int_equal(qos_plan_gso(plan, cases[i].mtu, cases[i].has), cases[i].size);
	}
}

/* What the policy says holds whatever rate and device are. */
static void test_told(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy = load_good(LINK("100mbit"));
	_cleanup_(plan_freep) struct qos_plan *keep = NULL, *size = NULL;

	(void)state;
	policy->link.gso = QOS_GSO_KEEP;
	keep = compile(policy);
	assert_int_equal(keep->gso_max_size, 0);
	assert_int_equal(qos_plan_gso(keep, 1500, 65536), 0);

	policy->link.gso = QOS_GSO_SIZE;
	policy->link.gso_size = 131072;
	size = compile(policy);
	assert_int_equal(size->gso_max_size, 131072);
	assert_int_equal(qos_plan_gso(size, 1500, 65536), 131072);
	assert_int_equal(qos_plan_gso(size, 9000, 131072), 131072);
}

/* A line of its own, or none. */
static void test_print(void **state)
{
	_cleanup_(freep) char *with = print_policy(LINK("100mbit"));
	_cleanup_(freep) char *without = print_policy("default: a\nclasses: { a: {} }\n");

	(void)state;
	assert_non_null(strstr(with, "\ngso 12500\n"));
	assert_null(strstr(without, "gso"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_auto),
		cmocka_unit_test(test_device),
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_print),
	};

	return cmocka_run_group_tests_name("compile/gso", tests, NULL, NULL);
}
