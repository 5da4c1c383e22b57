/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Weights among siblings, and what is kept fair and short within a class. */
#include <inttypes.h>

#include "load.h"

/* All classes with their weights, as "name weight, name weight". */
static void expect_weights(const char *text, const char *expected)
{
	_cleanup_(policy_freep) struct qos_policy *policy = load_good(text);
	char got[512];
	size_t len = 0;

	for (size_t i = 0; i < policy->class_count; i++)
		len += (size_t)snprintf(got + len, sizeof(got) - len, "%s%s %" PRIu64,
					len ? ", " : "", policy->classes[i].name,
					policy->classes[i].weight);
	assert_string_equal(got, expected);
}

/* What is wrong with a class that has that written in it, from its column on. */
static void expect_class(const char *keys, const char *expected)
{
	char text[256], said[512];

	snprintf(text, sizeof(text), "default: a\nclasses:\n  a: { %s }\n", keys);
	snprintf(said, sizeof(said), "policy:3:%s\n", expected);
	expect_said(text, said);
}

static void test_weight(void **state)
{
	(void)state;
	/* its own, by the family: those in `in` have none */
	expect_weights("default: a\nclasses:\n"
		       "  a: { weight: 1, rate: 5mbit }\n  b: { weight: 1000000 }\n"
		       "  in: { weight: 3, classes: { c: { rate: 4mbit }, d: { rate: 2mbit }, "
		       "e: {} } }\n",
		       "a 1, b 1000000, in 3, c 4000000, d 2000000, e 2000000");
	/* without any rate all are equal */
	expect_weights("link: { rate: 9mbit }\ndefault: a\nclasses: { a: {}, b: { ceil: 2mbit } "
		       "}\n",
		       "a 1, b 1");
	/* the sum of what is in it is its rate here as well */
	expect_weights("link: { rate: 100mbit }\ndefault: a\nclasses:\n"
		       "  in: { classes: { a: { rate: 4mbit }, b: { rate: 3mbit } } }\n"
		       "  c: { rate: 10% }\n  d: {}\n",
		       "in 7000000, a 4000000, b 3000000, c 10000000, d 7000000");
}

static void test_weight_errors(void **state)
{
	static const char *const wrong[] = { "0",  "1000001", "4294967297", "1.5",
					     "-1", "3mbit",   "010",	    "20%" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		char keys[64], expected[128];

		snprintf(keys, sizeof(keys), "weight: %s", wrong[i]);
		snprintf(expected, sizeof(expected),
			 "16: error: `weight` is a whole number from 1 to 1000000, not `%s`",
			 wrong[i]);
		expect_class(keys, expected);
	}
	expect_class("weight: [1]", "16: error: `weight` has to be a single value, not a list");
}

/* Each family for itself. */
static void test_weight_all_or_none(void **state)
{
	(void)state;
	expect_said(
		"default: a\nclasses:\n"
		"  a: {}\n  b: { weight: 2 }\n"
		"  in: { weight: 3, classes: { c: { weight: 7 }, d: {}, e: { weight: 8 } } }\n"
		"  out: { weight: 3, classes: { f: { weight: 1 }, g: { weight: 2 } } }\n",
		"policy:3:3: error: class `a` has no `weight`, but `b` beside it has: give one "
		"to all of them or to none\n"
		"policy:4:16: note: the `weight` of `b`\n"
		"policy:5:49: error: class `d` has no `weight`, but `c` beside it has: give one "
		"to all of them or to none\n"
		"policy:5:44: note: the `weight` of `c`\n");
	/* one that is wrong is given */
	expect_said("default: a\nclasses: { a: { weight: x }, b: { weight: 2 } }\n",
		    "policy:2:25: error: `weight` is a whole number from 1 to 1000000, not `x`\n");
}

static void test_fairness(void **state)
{
	static const struct {
		const char *text;
		enum qos_fairness fairness;
		unsigned int len;
	} cases[] = {
		{ "flow", QOS_FAIR_FLOW, 64 },
		{ "src-host", QOS_FAIR_SRC_HOST, 64 },
		{ "dst-host", QOS_FAIR_DST_HOST, 64 },
		{ "none", QOS_FAIR_NONE, 64 },
		{ "src-host/56", QOS_FAIR_SRC_HOST, 56 },
		{ "dst-host/1", QOS_FAIR_DST_HOST, 1 },
		{ "dst-host/128", QOS_FAIR_DST_HOST, 128 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(policy_freep) struct qos_policy *policy = NULL;
		char text[256];

		snprintf(text, sizeof(text), "default: a\nclasses: { a: { fairness: %s } }\n",
			 cases[i].text);
		policy = load_good(text);
		if (policy->classes[0].fairness != cases[i].fairness ||
		    policy->classes[0].host6_len != cases[i].len)
			fail_msg("%s: %d/%u", cases[i].text, policy->classes[0].fairness,
				 policy->classes[0].host6_len);
	}
}

static void test_fairness_errors(void **state)
{
	static const struct {
		const char *keys, *expected;
	} cases[] = {
		{ "fairness: src-hots",
		  "18: error: `fairness` is flow, src-host, dst-host or none, "
		  "not `src-hots`, did you mean `src-host`?" },
		{ "fairness: dsthost/56", "18: error: `fairness` is flow, src-host, dst-host or "
					  "none, not `dsthost`, did you mean `dst-host`?" },
		{ "fairness: /64",
		  "18: error: `fairness` is flow, src-host, dst-host or none, not ``" },
		{ "fairness: src-host/0",
		  "18: error: `0` is no prefix length: the IPv6 prefix that "
		  "counts as one host has 1 to 128 bits" },
		{ "fairness: dst-host/129", "18: error: `129` is no prefix length: the IPv6 prefix "
					    "that counts as one host has 1 to 128 bits" },
		{ "fairness: dst-host/", "18: error: `` is no prefix length: the IPv6 prefix that "
					 "counts as one host has 1 to 128 bits" },
		{ "fairness: flow/64",
		  "18: error: `flow/64`: only `src-host` and `dst-host` have a prefix length" },
		{ "fairness: none/",
		  "18: error: `none/`: only `src-host` and `dst-host` have a prefix length" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_class(cases[i].keys, cases[i].expected);
}

static void test_flows(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_good("link: { rate: 10mbit }\ndefault: a\nclasses:\n"
			  "  a: { per-flow: 1kbit, latency: 100us, ecn: off }\n"
			  "  b: { per-flow: 10mbit, latency: 1s, ecn: yes }\n"
			  "  c: { ceil: 5mbit, per-flow: 5mbit, fairness: dst-host }\n");

	(void)state;
	assert_int_equal(policy->classes[0].per_flow, 1000);
	assert_int_equal(policy->classes[0].latency, 100000);
	assert_false(policy->classes[0].ecn);
	assert_int_equal(policy->classes[1].per_flow, 10000000);
	assert_int_equal(policy->classes[1].latency, 1000000000);
	assert_true(policy->classes[1].ecn);
	assert_int_equal(policy->classes[2].per_flow, 5000000);
}

static void test_flow_errors(void **state)
{
	(void)state;
	expect_said(
		"default: a\nclasses:\n"
		"  a: { per-flow: 20% }\n  b: { per-flow: 5 }\n  c: { per-flow: 0bit }\n"
		"  d: { latency: 99us }\n  e: { latency: 1001ms }\n  f: { latency: 0s }\n"
		"  g: { ecn: 1 }\n  h: { ecn: \"yea\" }\n  i: { per-flow: 999bit }\n",
		"policy:3:18: error: `per-flow` cannot be a percentage: write a rate such as "
		"5mbit\n"
		"policy:4:18: error: `per-flow: 5` has no unit, did you mean `5mbit`?\n"
		"policy:5:18: error: `per-flow` of zero: leave it out where flows have no limit of "
		"their own\n"
		"policy:6:17: error: `latency` is from 100us to 1s, not 99us\n"
		"policy:7:17: error: `latency` is from 100us to 1s, not 1001ms\n"
		"policy:8:17: error: `latency` of zero: leave the key out for the default, or "
		"write "
		"100us to 1s\n"
		"policy:9:13: error: `ecn` is true or false, not `1`\n"
		"policy:10:13: error: `ecn` is true or false, not `yea`\n"
		"policy:11:18: error: `per-flow` is from 1kbit to 1tbit, not 999bit\n");
}

/* A limit that nothing ever reaches is a mistake. */
static void test_per_flow_over(void **state)
{
	(void)state;
	expect_said("link: { rate: 10mbit }\ndefault: a\nclasses:\n"
		    "  a: { ceil: 5mbit, per-flow: 6mbit }\n"
		    "  in: { ceil: 3mbit, classes: { b: { per-flow: 4mbit } } }\n"
		    "  c: { per-flow: 11mbit }\n"
		    "  d: { fairness: none, per-flow: 1mbit }\n",
		    "policy:4:31: error: `per-flow` of class `a` is 6mbit, more than its `ceil` of "
		    "5mbit: no flow ever gets there\n"
		    "policy:4:14: note: its `ceil`\n"
		    "policy:5:48: error: `per-flow` of class `b` is 4mbit, more than the 3mbit of "
		    "`in`: no flow ever gets there\n"
		    "policy:5:15: note: the `ceil` of `in`\n"
		    "policy:6:18: error: `per-flow` of class `c` is 11mbit, more than the link's "
		    "10mbit: no flow ever gets there\n"
		    "policy:1:15: note: the link's rate\n"
		    "policy:7:34: error: `per-flow` of class `d` needs flows or hosts to tell "
		    "apart, and its `fairness` is none\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_weight),
		cmocka_unit_test(test_weight_errors),
		cmocka_unit_test(test_weight_all_or_none),
		cmocka_unit_test(test_fairness),
		cmocka_unit_test(test_fairness_errors),
		cmocka_unit_test(test_flows),
		cmocka_unit_test(test_flow_errors),
		cmocka_unit_test(test_per_flow_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
