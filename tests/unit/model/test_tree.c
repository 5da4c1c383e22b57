/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Classes in classes: the tree, its names, and what rates mean in it. */
#include "load.h"

#define MBIT 1000000ULL

#define TREE                                            \
	"link: { rate: 100mbit }\n"                     \
	"default: web\n"                                \
	"classes:\n"                                    \
	"  web: { rate: 60mbit }\n"                     \
	"  tenants:\n"                                  \
	"    rate: 30mbit\n"                            \
	"    classes:\n"                                \
	"      alice: { rate: 10mbit, ceil: 30mbit }\n" \
	"      carols:\n"                               \
	"        ceil: 50%\n"                           \
	"        classes:\n"                            \
	"          photos: { rate: 2mbit }\n"           \
	"          mail: { rate: 3mbit, ceil: 40% }\n"  \
	"      bob: { rate: 20% }\n"                    \
	"  last: {}\n"                                  \
	"rules:\n"                                      \
	"  - { class: mail, match: { dport: 25 } }\n"

static void test_preorder(void **state)
{
	static const struct {
		const char *name;
		int parent;
		unsigned int depth;
		bool inner;
		unsigned int line, column;
	} expected[] = {
		{ "web", QOS_PARENT_LINK, 1, false, 4, 3 },
		{ "tenants", QOS_PARENT_LINK, 1, true, 5, 3 },
		{ "alice", 1, 2, false, 8, 7 },
		{ "carols", 1, 2, true, 9, 7 },
		{ "photos", 3, 3, false, 12, 11 },
		{ "mail", 3, 3, false, 13, 11 },
		{ "bob", 1, 2, false, 14, 7 },
		{ "last", QOS_PARENT_LINK, 1, false, 15, 3 },
	};
	_cleanup_(policy_freep) struct qos_policy *policy = load_good(TREE);

	(void)state;
	assert_int_equal(policy->class_count, ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		const struct qos_class *class = &policy->classes[i];

		assert_string_equal(class->name, expected[i].name);
		if (class->parent != expected[i].parent || class->depth != expected[i].depth ||
		    class->inner != expected[i].inner || class->loc.line != expected[i].line ||
		    class->loc.column != expected[i].column)
			fail_msg("%s: parent %d depth %u inner %d at %u:%u", class->name,
				 class->parent, class->depth, class->inner, class->loc.line,
				 class->loc.column);
	}
	assert_int_equal(policy->rules[0].class_index, 5);
}

/* Percentages are of the parent; a rate that is not given is the sum of those in it. */
static void test_rates(void **state)
{
	static const struct {
		const char *name;
		uint64_t rate, ceil;
	} expected[] = {
		{ "web", 60 * MBIT, 100 * MBIT },  { "tenants", 30 * MBIT, 100 * MBIT },
		{ "alice", 10 * MBIT, 30 * MBIT }, { "carols", 5 * MBIT, 50 * MBIT },
		{ "photos", 2 * MBIT, 50 * MBIT }, { "mail", 3 * MBIT, 20 * MBIT },
		{ "bob", 6 * MBIT, 100 * MBIT },   { "last", 0, 100 * MBIT },
	};
	_cleanup_(policy_freep) struct qos_policy *policy = load_good(TREE);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		const struct qos_class *class = find_class(policy, expected[i].name);

		if (class->rate != expected[i].rate || class->ceil != expected[i].ceil)
			fail_msg("%s: rate %lu ceil %lu", class->name, class->rate, class->ceil);
	}
	assert_int_equal(find_class(policy, "tenants")->rate_loc.line, 6);
	assert_int_equal(find_class(policy, "carols")->rate_loc.line, 0);
}

/* Sums of sums, and none where nothing in it has a rate. */
static void test_summed(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_good("link: { rate: 100mbit }\ndefault: a\nclasses:\n"
			  "  top:\n    classes:\n"
			  "      mid: { classes: { a: { rate: 10mbit }, b: { rate: 7mbit } } }\n"
			  "      own: { rate: 20mbit, classes: { c: { rate: 5mbit } } }\n"
			  "      d: {}\n"
			  "  none: { classes: { e: {}, f: { ceil: 1mbit } } }\n");

	(void)state;
	assert_int_equal(find_class(policy, "mid")->rate, 17 * MBIT);
	assert_int_equal(find_class(policy, "own")->rate, 20 * MBIT);
	assert_int_equal(find_class(policy, "top")->rate, 37 * MBIT);
	assert_int_equal(find_class(policy, "none")->rate, 0);
}

/* Without a rate of the link each class of it is the root of a tree of its own. */
static void test_no_link_rate(void **state)
{
	static const struct {
		const char *name;
		uint64_t rate, ceil;
	} expected[] = {
		/* its ceiling is its rate, and the others' is its */
		{ "rated", 10 * MBIT, 10 * MBIT },
		{ "r1", 5 * MBIT, 10 * MBIT },
		{ "r2", 0, 2 * MBIT },
		{ "capped", 3 * MBIT, 20 * MBIT },
		{ "c1", 3 * MBIT, 10 * MBIT },
		{ "c2", 0, 20 * MBIT },
		/* nothing is said of the whole: as without it */
		{ "open", 5 * MBIT, 0 },
		{ "o1", 5 * MBIT, 5 * MBIT },
		{ "o2", 0, 0 },
		{ "o3", 0, 7 * MBIT },
	};
	_cleanup_(policy_freep) struct qos_policy *policy = load_good(
		"default: r1\nclasses:\n"
		"  rated: { rate: 10mbit, classes: { r1: { rate: 50% }, r2: { ceil: 20% } } "
		"}\n"
		"  capped: { ceil: 20mbit, classes: { c1: { rate: 3mbit, ceil: 50% }, c2: "
		"{} } }\n"
		"  open: { classes: { o1: { rate: 5mbit }, o2: {}, o3: { ceil: 7mbit } } "
		"}\n");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		const struct qos_class *class = find_class(policy, expected[i].name);

		if (class->rate != expected[i].rate || class->ceil != expected[i].ceil)
			fail_msg("%s: rate %lu ceil %lu", class->name, class->rate, class->ceil);
	}
}

static void test_percent_of_nothing(void **state)
{
	(void)state;
	expect_said(
		"link: { rate: 10mbit }\ndefault: a\nclasses:\n"
		"  in: { ceil: 1mbit, classes: { a: { rate: 10% }, b: { rate: 1mbit } } }\n",
		"policy:4:44: error: `rate: 10%` is a percentage of the rate of `in`: give `in` "
		"a `rate` of its own\n");
	expect_said(
		"default: a\nclasses:\n  in: { classes: { a: { ceil: 10% } } }\n",
		"policy:3:31: error: `ceil: 10%` is a percentage of the ceil of `in`: give `in` "
		"a `ceil` of its own\n");
	expect_said("default: a\nclasses:\n"
		    "  in: { rate: 10kbit, ceil: 20kbit,\n"
		    "        classes: { a: { rate: 1%, ceil: 2% }, b: { rate: 101% } } }\n",
		    "policy:4:31: error: `rate: 1%` of the 10kbit of `in` is too little: a rate is "
		    "from 1kbit to 1tbit\n"
		    "policy:4:41: error: `ceil: 2%` of the 20kbit of `in` is too little: a rate is "
		    "from 1kbit to 1tbit\n"
		    "policy:4:58: error: `rate: 101%` is more than the whole parent\n");
	/* of what is wrong itself nothing more can be said */
	expect_said("default: a\nclasses:\n"
		    "  in: { rate: 10, classes: { a: { rate: 1%, ceil: 2% }, b: { rate: 1gbit } } "
		    "}\n",
		    "policy:3:15: error: `rate: 10` has no unit, did you mean `10mbit`?\n");
}

static void test_sum(void **state)
{
	(void)state;
	expect_said("link: { rate: 100mbit }\ndefault: a\nclasses:\n"
		    "  in:\n    rate: 30mbit\n    classes:\n"
		    "      a: { rate: 20mbit }\n"
		    "      mid: { classes: { b: { rate: 8mbit }, c: { rate: 4mbit } } }\n"
		    "      d: { rate: 1mbit }\n",
		    "policy:5:11: error: the rates of the classes in `in` add up to 33mbit, more "
		    "than its `rate` of 30mbit: not all of them can be guaranteed\n"
		    "policy:8:56: note: with class `c` the sum goes over it\n");
	/* of the link too, through a class without a rate */
	expect_said("link: { rate: 10mbit }\ndefault: a\nclasses:\n"
		    "  in: { classes: { a: { rate: 6mbit }, b: { rate: 5mbit } } }\n",
		    "policy:1:15: error: the rates of the classes add up to 11mbit, more than the "
		    "link's 10mbit: not all of them can be guaranteed\n"
		    "policy:4:51: note: with class `b` the sum goes over it\n");
	/* what has no rate has its ceil for a bound */
	expect_said("default: a\nclasses:\n"
		    "  in: { ceil: 10mbit, classes: { a: { rate: 6mbit }, b: { rate: 5mbit } } }\n",
		    "policy:3:15: error: the rates of the classes in `in` add up to 11mbit, more "
		    "than its `ceil` of 10mbit: not all of them can be guaranteed\n"
		    "policy:3:65: note: with class `b` the sum goes over it\n");
}

/* Up to the bounds everything is allowed. */
static void test_exact(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy = load_good(
		"link: { rate: 10mbit }\ndefault: a\nclasses:\n"
		"  in: { rate: 4mbit, ceil: 8mbit,\n"
		"        classes: { a: { rate: 25%, ceil: 100% }, b: { rate: 3mbit } } }\n"
		"  c: { rate: 6mbit }\n");

	(void)state;
	assert_int_equal(find_class(policy, "a")->rate, MBIT);
	assert_int_equal(find_class(policy, "a")->ceil, 8 * MBIT);
}

/* One that is too much alone is one error, against the nearest bound. */
static void test_over_parent(void **state)
{
	(void)state;
	expect_said(
		"link: { rate: 10mbit }\ndefault: a\nclasses:\n"
		"  in: { rate: 4mbit, ceil: 8mbit,\n"
		"        classes: { a: { rate: 12mbit }, b: { rate: 3mbit, ceil: 9mbit } } }\n",
		"policy:5:31: error: `rate` of class `a` is 12mbit, more than the 4mbit of "
		"`in`\n"
		"policy:4:15: note: the `rate` of `in`\n"
		"policy:5:65: error: `ceil` of class `b` is 9mbit, more than the 8mbit of `in`\n"
		"policy:4:28: note: the `ceil` of `in`\n");
	/* the bound is where it was said */
	expect_said("link: { rate: 10mbit }\ndefault: a\nclasses:\n"
		    "  out: { ceil: 5mbit, classes: { in: { classes: {\n"
		    "    a: { rate: 6mbit }, b: { ceil: 7mbit }, c: { rate: 1mbit } } } } }\n",
		    "policy:5:16: error: `rate` of class `a` is 6mbit, more than the 5mbit of "
		    "`out`\n"
		    "policy:4:16: note: the `ceil` of `out`\n"
		    "policy:5:36: error: `ceil` of class `b` is 7mbit, more than the 5mbit of "
		    "`out`\n"
		    "policy:4:16: note: the `ceil` of `out`\n");
	expect_said("link: { rate: 10mbit }\ndefault: a\nclasses:\n"
		    "  in: { classes: { a: { ceil: 11mbit } } }\n",
		    "policy:4:31: error: `ceil` of class `a` is 11mbit, more than the link's "
		    "10mbit\n"
		    "policy:1:15: note: the link's rate\n");
}

static void test_names(void **state)
{
	(void)state;
	expect_said("default: a\nclasses:\n"
		    "  a: {}\n  in: { classes: { b: {}, a: {} } }\n"
		    "  more: { classes: { b: {}, more: {} } }\n",
		    "policy:4:27: error: class `a` is given twice: in the whole tree a name stands "
		    "for one class\n"
		    "policy:3:3: note: first given here\n"
		    "policy:5:22: error: class `b` is given twice: in the whole tree a name stands "
		    "for one class\n"
		    "policy:4:20: note: first given here\n"
		    "policy:5:29: error: class `more` is given twice: in the whole tree a name "
		    "stands for one class\n"
		    "policy:5:3: note: first given here\n");
	expect_said("default: a\nclasses:\n"
		    "  in: { classes: &same { a: {} } }\n  more: { classes: *same }\n",
		    "policy:3:26: error: an alias repeats class `a`: in the whole tree a name "
		    "stands for one class\n");
}

/* Rules and the default are for classes that have packets. */
static void test_leaves(void **state)
{
	(void)state;
	expect_said("default: two\nclasses:\n"
		    "  one: { classes: { a: {} } }\n"
		    "  two: { classes: { b: {}, mid: { classes: { c: {} } } } }\n"
		    "  three: { classes: { d: {}, e: {}, f: {} } }\n"
		    "rules:\n"
		    "  - { class: one, match: { dport: 1 } }\n"
		    "  - { class: three, match: { dport: 2 } }\n"
		    "  - { class: thre, match: { dport: 2 } }\n",
		    "policy:1:10: error: class `two` has no packets of its own: name one of the "
		    "classes in it, `b` or `c`\n"
		    "policy:7:14: error: class `one` has no packets of its own: name one of the "
		    "classes in it, `a`\n"
		    "policy:8:14: error: class `three` has no packets of its own: name one of the "
		    "classes in it, `d`, `e` or another\n"
		    "policy:9:14: error: no class `thre`\n");
}

static void test_depth(void **state)
{
#define LEVELS7                                                                                 \
	"default: h\nclasses: { a: { classes: { b: { classes: { c: { classes: { d: { classes: " \
	"{\n  e: { classes: { f: { classes: { g: { classes: { h: "
#define CLOSE7 " } } } } } } } } } } } } } } }\n"
	_cleanup_(policy_freep) struct qos_policy *policy = load_good(LEVELS7 "{}" CLOSE7);

	(void)state;
	assert_int_equal(policy->class_count, 8);
	assert_int_equal(policy->classes[7].depth, 8);
	/* and `default` may be one of those that were not read */
	expect_said(LEVELS7 "{ classes: { i: { classes: { j: { } } } } }" CLOSE7,
		    "policy:3:56: error: class `h` is at level 8, the last: it cannot have classes "
		    "in it\n");
}

static void test_empty(void **state)
{
	(void)state;
	expect_said("default: a\nclasses: { a: { classes: {} } }\n",
		    "policy:2:26: error: `classes` is empty: leave it out of `a` for a class with "
		    "packets of its own\n");
	expect_said("default: x\nclasses: { a: { classes: } }\n",
		    "policy:2:17: error: `classes` has no value\n");
	expect_said("default: x\nclasses: { a: { classes: [x] } }\n",
		    "policy:2:26: error: `classes` has to be a mapping, not a list\n");
	/* names that follow from what could not be read are not reported */
	expect_said(
		"default: x\nclasses: { a: { clases: { x: {} } } }\n",
		"policy:2:17: error: unknown key `clases` in a class, did you mean `classes`?\n");
	expect_said("default: x\nclasses: { a: [x] }\n",
		    "policy:2:15: error: `a` has to be a mapping, not a list\n");
}

static void test_leaf_keys(void **state)
{
	static const char *const keys[] = { "priority", "limit",   "dscp", "per-flow",
					    "fairness", "latency", "ecn" };

	(void)state;
	/* whatever their values are */
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		char text[128], expected[128];

		snprintf(text, sizeof(text),
			 "default: a\nclasses:\n  in: { %s: 1, classes: { a: {} } }\n", keys[i]);
		snprintf(expected, sizeof(expected),
			 "policy:3:9: error: `%s` is for classes with packets of their own; put it "
			 "on the classes in `in`\n",
			 keys[i]);
		expect_said(text, expected);
	}
	expect_said("default: a\nclasses:\n"
		    "  in: { rate: 2mbit, ceil: 3mbit, weight: 5, burst: 3k, dcsp: 3,\n"
		    "        classes: { a: {} } }\n",
		    "policy:3:57: error: unknown key `dcsp` in a class with classes in it, which "
		    "has: rate, ceil, weight, burst, classes\n");
}

/* On all levels together, and all errors of what was read. */
static void test_count(void **state)
{
	_cleanup_(freep) char *text = NULL, *said = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	fputs("default: none\nclasses:\n", f);
	for (int i = 0; i < 1366; i++)
		fprintf(f, "  t%d: { classes: { a%d: {}, b%d: {} } }\n", i, i, i);
	fputs("rules:\n  - { class: b1365, match: { dport: x } }\n", f);
	assert_int_equal(fclose(f), 0);
	/* 1365 * 3 = 4095 */
	assert_null(load_from("eth0.yaml", text, &said));
	assert_string_equal(said, "policy:1368:23: error: more than 4096 classes\n"
				  "policy:1370:37: error: `x` is not a service of this machine's "
				  "/etc/services: write the port's number\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_preorder),  cmocka_unit_test(test_rates),
		cmocka_unit_test(test_summed),	  cmocka_unit_test(test_no_link_rate),
		cmocka_unit_test(test_sum),	  cmocka_unit_test(test_percent_of_nothing),
		cmocka_unit_test(test_exact),	  cmocka_unit_test(test_over_parent),
		cmocka_unit_test(test_names),	  cmocka_unit_test(test_leaves),
		cmocka_unit_test(test_depth),	  cmocka_unit_test(test_empty),
		cmocka_unit_test(test_leaf_keys), cmocka_unit_test(test_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
