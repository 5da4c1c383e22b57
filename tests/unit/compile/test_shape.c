/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plans.h"

#include "base/cleanup.h"

/* In this order: link, default, classes, rules. */
#define POLICY(link, fallback, classes, rules) \
	"link: { " link " }\ndefault: " fallback "\nclasses:\n" classes "rules:\n" rules
#define LINK	"rate: 100mbit, overhead: { bytes: 8, mpu: 64 }"
#define CLASSES "  a: { rate: 5mbit }\n  t: { classes: { b: {}, c: { ceil: 9mbit } } }\n"
#define RULES	"  - { class: a, match: { proto: udp } }\n"
#define BASE	POLICY(LINK, "b", CLASSES, RULES)

static bool is_same(const char *then, const char *now)
{
	_cleanup_(freep) char *a = print_policy(then), *b = print_policy(now);
	bool forth = qos_plan_same_shape(a, b);

	assert_int_equal(forth, qos_plan_same_shape(b, a));
	return forth;
}

/* What is of one class, or how fast the link is. */
static void test_numbers(void **state)
{
	static const char *const others[] = {
		BASE,
		POLICY("rate: 10gbit, overhead: { bytes: 8, mpu: 64 }", "b", CLASSES, RULES),
		POLICY("overhead: { bytes: 8, mpu: 64 }", "b", CLASSES, RULES),
		POLICY(LINK ", gso: 3028b", "b", CLASSES, RULES),
		POLICY(LINK ", gso: keep", "b", CLASSES, RULES),
		POLICY(LINK, "b",
		       "  a: { rate: 6mbit, ceil: 50%, burst: 9k, limit: 50ms, latency: 9ms, "
		       "priority: high, dscp: ef, per-flow: 1mbit, "
		       "ecn: false }\n"
		       "  t: { rate: 20mbit, ceil: 30mbit, burst: 10k, "
		       "classes: { b: {}, c: { ceil: 9mbit } } }\n",
		       RULES),
		POLICY(LINK, "b",
		       "  a: { weight: 1 }\n"
		       "  t: { weight: 2, classes: { b: { rate: 1mbit }, c: {} } }\n",
		       RULES),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (!is_same(BASE, others[i]))
			fail_msg("not the same: %s", others[i]);
	}
}

/* What may be set for a time keeps the program and the tree. */
static void test_overrides(void **state)
{
	static const char *const set[][3] = {
		{ "a", "rate", "6mbit" },     { "a", "ceil", "7mbit" },	  { "t", "weight", "9" },
		{ "a", "burst", "9k" },	      { "a", "priority", "low" }, { "a", "latency", "9ms" },
		{ "a", "per-flow", "1mbit" }, { "a", "limit", "50ms" },	  { "a", "ecn", "false" },
		{ "t", "rate", "10mbit" },    { "t", "ceil", "50mbit" },  { "t", "burst", "9k" },
		{ "link", "rate", "40mbit" },
	};
	/* weights go together */
	struct qos_node one = { .kind = QOS_NODE_SCALAR, .text = "1" };
	_cleanup_(freep) char *base = print_policy(BASE);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(set); i++) {
		struct qos_node value = { .kind = QOS_NODE_SCALAR, .text = (char *)set[i][2] };
		const struct qos_override overrides[] = { { set[i][0], set[i][1], &value },
							  { "a", "weight", &one } };
		size_t count = strcmp(set[i][1], "weight") ? 1 : 2;
		_cleanup_(freep) char *said = NULL, *text = NULL;
		_cleanup_(policy_freep) struct qos_policy *policy =
			load_with("eth0.yaml", BASE, overrides, count, &said);
		_cleanup_(plan_freep) struct qos_plan *plan = NULL;

		if (!policy)
			fail_msg("%s", said);
		plan = compile(policy);
		assert_int_equal(qos_plan_print(plan, &text), 0);
		assert_string_not_equal(text, base);
		assert_true(qos_plan_same_shape(base, text));
	}
}

/* All else is the program's, or a qdisc's. */
static void test_shape(void **state)
{
	static const char *const others[] = {
		POLICY("rate: 100mbit", "b", CLASSES, RULES),
		POLICY("rate: 100mbit, overhead: { bytes: 9, mpu: 64 }", "b", CLASSES, RULES),
		POLICY("rate: 100mbit, overhead: { bytes: 8, mpu: 65 }", "b", CLASSES, RULES),
		POLICY("rate: 100mbit, overhead: { bytes: 8, mpu: 64, atm: true }", "b", CLASSES,
		       RULES),
		POLICY(LINK ", mode: police", "b", CLASSES, RULES),
		POLICY(LINK, "a", CLASSES, RULES),
		POLICY(LINK, "b", CLASSES, "  - { class: c, match: { proto: udp } }\n"),
		POLICY(LINK, "b", CLASSES, "  - { class: a, match: { proto: tcp } }\n"),
		POLICY(LINK, "b", CLASSES, RULES RULES),
		/* records of flows are of one kind */
		POLICY(LINK, "b",
		       "  a: { rate: 5mbit, fairness: src-host }\n"
		       "  t: { classes: { b: {}, c: { ceil: 9mbit } } }\n",
		       RULES),
		/* a class more, one less, another name, another order, another parent */
		POLICY(LINK, "b", CLASSES "  d: {}\n", RULES),
		POLICY(LINK, "b", "  a: {}\n  t: { classes: { b: {} } }\n", RULES),
		POLICY(LINK, "b", "  a: {}\n  t: { classes: { b: {}, d: {} } }\n", RULES),
		POLICY(LINK, "b", "  a: {}\n  t: { classes: { c: {}, b: {} } }\n", RULES),
		POLICY(LINK, "b", "  a: {}\n  u: { classes: { b: {}, c: {} } }\n", RULES),
		POLICY(LINK, "b", "  a: {}\n  t: { classes: { b: {} } }\n  c: {}\n", RULES),
		/* a leaf that becomes an inner class */
		POLICY(LINK, "b",
		       "  a: {}\n  t: { classes: { b: {}, c: { classes: { d: {} } } } }\n", RULES),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (is_same(BASE, others[i]))
			fail_msg("the same: %s", others[i]);
	}
}

/* Names that are words of the text itself. */
static void test_names(void **state)
{
	(void)state;
	assert_true(qos_plan_same_shape("class in in inner inner rate 1mbit\n",
					"class in in inner inner rate 2mbit\n"));
	assert_true(qos_plan_same_shape("class rate priority high rate 1mbit\n",
					"class rate priority low\n"));
	assert_false(qos_plan_same_shape("class inner inner\n", "class inner\n"));
	assert_false(qos_plan_same_shape("class in in in inner\n", "class in in in\n"));
	assert_false(qos_plan_same_shape("class in in a\n", "class in in b\n"));
	assert_false(qos_plan_same_shape("class ab\n", "class a\n"));
	assert_true(qos_plan_same_shape("class fairness fairness none dscp ef\n",
					"class fairness rate 1mbit fairness none\n"));
	assert_false(qos_plan_same_shape("class a fairness src-host/56\n",
					 "class a fairness src-host/64\n"));
	assert_false(qos_plan_same_shape("default rate\n", "default burst\n"));
}

/* What is found changed by others is not in the text: the qdisc, or all. */
static void test_missing(void **state)
{
	(void)state;
	assert_true(qos_plan_same_shape("", ""));
	assert_false(qos_plan_same_shape("", "link mode fq\n"));
	assert_false(qos_plan_same_shape("link mode fq\n", ""));
	assert_false(qos_plan_same_shape("link mode fq\nclass a\n",
					 "link mode fq\nclass a\nqdisc fq\n"));
	assert_false(qos_plan_same_shape("link mode fq\nqdisc fq limit 1\n",
					 "link mode fq\nqdisc fq limit 2\n"));
	assert_true(qos_plan_same_shape("link mode fq\ngso 3028\nclass a\n",
					"link mode fq rate 1mbit burst 1k\nclass a\n"));
	assert_true(qos_plan_same_shape("link mode fq rate 1mbit overhead 8\n",
					"link mode fq burst 3k overhead 8\n"));
	assert_false(qos_plan_same_shape("link mode fq rate 1mbit overhead 8\n",
					 "link mode fq overhead 9\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_overrides),
		cmocka_unit_test(test_shape),	cmocka_unit_test(test_names),
		cmocka_unit_test(test_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
