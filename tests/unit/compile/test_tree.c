/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What classes are to each other: parents, ceilings above, levels, weights. */
#include "plans.h"

#define ONE QOS_WEIGHT_ONE

static const char policy_text[] = "link: { rate: 100mbit }\n"
				  "default: web\n"
				  "classes:\n"
				  "  calls: { rate: 10mbit, priority: high }\n" /* slot 1 */
				  "  web: { rate: 20mbit }\n"
				  "  tenants:\n" /* 3 */
				  "    rate: 40mbit\n"
				  "    ceil: 60mbit\n"
				  "    classes:\n"
				  "      alice: { rate: 10mbit, ceil: 50mbit }\n" /* 4 */
				  "      bob:\n"
				  "        rate: 30mbit\n" /* 5, up to what tenants may have */
				  "        classes:\n"
				  "          shop: { rate: 10mbit, priority: low }\n" /* 6 */
				  "          mail: { rate: 5mbit, ceil: 5mbit }\n";

static const struct {
	const char *name;
	uint32_t parent, hard, weight;
	uint8_t level, levels;
	uint32_t clocks;
} classes[] = {
	{ "calls", 0, 0, ONE / 4, 0, 1, QOS_CLASS_RATE | QOS_CLASS_BORROW },
	{ "web", 0, 0, ONE / 2, 1, 2, QOS_CLASS_RATE | QOS_CLASS_BORROW },
	{ "tenants", 0, 0, ONE, 1, 2 | 4, QOS_CLASS_CEIL },
	{ "alice", 3, 3, ONE / 3, 1, 2, QOS_CLASS_RATE | QOS_CLASS_CEIL | QOS_CLASS_BORROW },
	{ "bob", 3, 3, ONE, 1, 2 | 4, 0 },
	{ "shop", 5, 3, ONE, 2, 4, QOS_CLASS_RATE | QOS_CLASS_BORROW },
	{ "mail", 5, 3, ONE / 2, 1, 2, QOS_CLASS_CEIL },
};

static void test_tree(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy = load_good(policy_text);
	_cleanup_(plan_freep) struct qos_plan *plan = compile(policy);

	(void)state;
	assert_int_equal(plan->class_count, ARRAY_SIZE(classes));
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		const struct qos_class_cfg *cfg = &plan->classes[i].cfg;
		uint32_t clocks = QOS_CLASS_RATE | QOS_CLASS_CEIL | QOS_CLASS_BORROW;

		assert_string_equal(plan->classes[i].name, classes[i].name);
		assert_int_equal(cfg->parent, classes[i].parent);
		assert_int_equal(cfg->hard, classes[i].hard);
		assert_int_equal(cfg->weight, classes[i].weight);
		assert_int_equal(cfg->share_cost,
				 ((uint64_t)ONE << QOS_VIRTUAL_SHIFT) / classes[i].weight);
		assert_int_equal(cfg->levels, classes[i].levels);
		assert_int_equal(cfg->flags & clocks, classes[i].clocks);
		if (!policy->classes[i].inner)
			assert_int_equal(cfg->level, classes[i].level);
	}
}

/* Of all children that have someone at the level; tenants and bob have two levels each. */
static void test_weights(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy = load_good(policy_text);
	_cleanup_(plan_freep) struct qos_plan *plan = compile(policy);
	const uint32_t link[] = { ONE / 4, ONE / 2 + ONE, ONE };
	const uint32_t tenants[] = { 0, ONE / 3 + ONE, ONE }, bob[] = { 0, ONE / 2, ONE };

	(void)state;
	assert_int_equal(plan->link_class.levels, 1 | 2 | 4);
	assert_memory_equal(plan->link_class.weights, link, sizeof(link));
	assert_memory_equal(plan->classes[2].cfg.weights, tenants, sizeof(tenants));
	assert_memory_equal(plan->classes[4].cfg.weights, bob, sizeof(bob));
}

/* The levels of leaves that have no guarantee, whatever those above them have. */
static void test_bare(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_good("link: { rate: 100mbit }\ndefault: a\nclasses:\n"
			  "  a: { rate: 1mbit }\n"
			  "  t: { rate: 20mbit, classes: { b: { priority: low },"
			  " c: { rate: 5mbit, priority: high } } }\n"
			  "  u: { classes: { d: { rate: 5mbit } } }\n");
	_cleanup_(plan_freep) struct qos_plan *plan = compile(policy);

	(void)state;
	assert_int_equal(plan->link_class.bare, 4);
	assert_int_equal(plan->classes[1].cfg.bare, 4);
	assert_int_equal(plan->classes[4].cfg.bare, 0);
}

/* Where nothing above has a rate there is nothing to borrow, and nobody to ask. */
static void test_no_link_rate(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_good("default: a\nclasses:\n"
			  "  a: { ceil: 10mbit }\n"
			  "  t: { ceil: 20mbit, classes: { b: { rate: 5mbit }, c: {} } }\n");
	_cleanup_(plan_freep) struct qos_plan *plan = compile(policy);

	(void)state;
	assert_int_equal(plan->classes[0].cfg.parent, QOS_NO_SLOT);
	assert_int_equal(plan->classes[0].cfg.hard, QOS_NO_SLOT);
	assert_int_equal(plan->classes[1].cfg.parent, QOS_NO_SLOT);
	assert_int_equal(plan->classes[1].cfg.hard, QOS_NO_SLOT);
	assert_int_equal(plan->classes[2].cfg.parent, 2);
	assert_int_equal(plan->classes[2].cfg.hard, 2);
	assert_int_equal(plan->classes[3].cfg.parent, 2);
}

/* The largest among siblings is ONE, whatever the numbers; none is nothing. */
static void test_far_weights(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_good("link: { rate: 100gbit }\ndefault: a\nclasses:\n"
			  "  a: { rate: 1kbit }\n  b: { rate: 90gbit }\n");
	_cleanup_(plan_freep) struct qos_plan *plan = compile(policy);

	(void)state;
	assert_int_equal(plan->classes[0].cfg.weight, 1);
	assert_int_equal(plan->classes[1].cfg.weight, ONE);
}

/*
 * Virtual time that is too fast is coarser: not that of bob's children, whose weights are near. At
 * 1 Gbit/s it is 2^29 a ns for the heaviest, and 2^39.8 is twice that for one of 900.
 */
static void test_units(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_good("link: { rate: 1gbit }\ndefault: a\nclasses:\n"
			  "  a: { weight: 1 }\n  b: { weight: 900 }\n"
			  "  bob: { rate: 1mbit, weight: 30, classes: { c: { weight: 2 }, d: { "
			  "weight: 1 } } }\n");
	_cleanup_(plan_freep) struct qos_plan *plan = compile(policy);

	(void)state;
	assert_int_equal(plan->link_class.coarse, 6);
	assert_int_equal(plan->classes[0].cfg.coarse, 0);
	assert_int_equal(plan->classes[2].cfg.coarse, 0);
}

/* Children read their parent's wheel by its own period. */
static void test_parent_shift(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_good("link: { rate: 1mbit }\ndefault: a\nclasses:\n"
			  "  t: { rate: 100kbit, ceil: 200kbit, classes: { a: {} } }\n"
			  "  b: {}\n");
	_cleanup_(plan_freep) struct qos_plan *plan = compile(policy);

	(void)state;
	/* 12 frames at 1 mbit are 145 ms, at 200 kbit 727 ms; 30 periods are as long */
	assert_int_equal(plan->link_class.period_shift, 23);
	assert_int_equal(plan->classes[0].cfg.period_shift, 25);
	assert_int_equal(plan->classes[0].cfg.parent_shift, 23);
	assert_int_equal(plan->classes[1].cfg.parent_shift, 25);
	assert_int_equal(plan->classes[2].cfg.parent_shift, 23);
}

/* Who lends has the longest limit of any leaf, below it or not. */
static void test_longest_limit(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_good("link: { rate: 1gbit }\ndefault: a\nclasses:\n"
			  "  t: { rate: 10mbit, classes: { a: { limit: 120ms } } }\n"
			  "  b: { limit: 300ms }\n");
	_cleanup_(plan_freep) struct qos_plan *plan = compile(policy);

	(void)state;
	assert_int_equal(plan->link_class.limit_ns, 300000000);
	assert_int_equal(plan->classes[0].cfg.limit_ns, 300000000);
	assert_int_equal(plan->classes[1].cfg.limit_ns, 120000000);
	assert_int_equal(plan->classes[2].cfg.limit_ns, 300000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),	     cmocka_unit_test(test_weights),
		cmocka_unit_test(test_no_link_rate), cmocka_unit_test(test_far_weights),
		cmocka_unit_test(test_parent_shift), cmocka_unit_test(test_units),
		cmocka_unit_test(test_bare),	     cmocka_unit_test(test_longest_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
