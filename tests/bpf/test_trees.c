// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Random trees of classes, and what each class has of the link beside what arithmetic says
 * that it ought to have.
 *
 *	bpf_trees [-v] [--link MBIT] [--priorities] [--changes] [--seeds FIRST-LAST | --policy FILE]
 *
 * Without either it is a test, of what holds for every tree. With seeds a line a tree says how
 * far off it is (of a link of 100 Mbit/s, or another; all leaves of one priority, or of several;
 * sending all the time, or two thirds of them from or until some moment), and with -v the policy is
 * printed with what each class has; such a policy can be changed and given as a file. What a leaf
 * sends is the comment behind it: "idle", "tcp FLOWS", "udp MBIT" or "window BYTES" (of a packet);
 * without one it is "tcp 1". "from MS" or "until MS" may follow: after the last such moment a class
 * is to have its guarantee within 20 ms, and its share within 200 ms.
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fixture.h"
#include "model/load.h"
#include "share.h"
#include "trees.h"

#define LINK	    100	   /* Mbit/s */
#define CHANGE	    3000   /* ms */
#define MOST_LINK   100000 /* Mbit/s */
#define MOST_BEYOND 1.01

#define SLOW	    "link: { rate: 10mbit }\ndefault: b\nclasses:\n"

/* What was found by chance, and made smaller: trees in which each class has its share. */
static const char *const found[] = {
	/* a leaf whose packets come more seldom than its parent is looked at */
	SLOW "  a:\n"
	     "    classes:\n"
	     "      aa: { rate: 140kbit } # window 3028\n"
	     "      ab: {} # udp 12\n"
	     "  b: { rate: 870kbit } # udp 13\n",
	SLOW "  a:\n"
	     "    classes:\n"
	     "      aa: {} # udp 13\n"
	     "      ab: { rate: 190kbit } # window 3028\n"
	     "  b: { rate: 4610kbit, ceil: 7680kbit } # udp 10\n",
	/* one that waits longer than the turns that a wheel has near */
	SLOW "  b: { rate: 1200kbit } # udp 13\n"
	     "  a:\n"
	     "    classes:\n"
	     "      aa:\n"
	     "        classes:\n"
	     "          aaa:\n"
	     "            classes:\n"
	     "              aaaa: { rate: 110kbit } # window 3028\n",
};

/* What an inner class is guaranteed stands above what others borrow, of whatever priority. */
static const char *const covered[] = {
	POLICY("b", "  b: { rate: 25mbit, priority: high } # tcp 4\n"
		    "  c:\n"
		    "    rate: 35mbit\n"
		    "    classes:\n"
		    "      ca: { rate: 8mbit, priority: low } # udp 120\n"
		    "      cb: { rate: 27mbit } # idle\n"),
	POLICY("b", "  b: { rate: 25mbit, priority: high } # tcp 4\n"
		    "  c:\n"
		    "    rate: 35mbit\n"
		    "    ceil: 80mbit\n"
		    "    classes:\n"
		    "      ca: { rate: 8mbit, priority: low } # tcp 1\n"
		    "      cb: { rate: 27mbit } # idle\n"),
	POLICY("b", "  b: { priority: high } # udp 120\n"
		    "  c:\n"
		    "    rate: 60mbit\n"
		    "    classes:\n"
		    "      ca:\n"
		    "        rate: 40mbit\n"
		    "        ceil: 90mbit\n"
		    "        classes:\n"
		    "          caa: { rate: 1mbit, priority: low } # tcp 4\n"
		    "      cb: { rate: 20mbit } # idle\n"),
};

/* After a flood alone, or one that ends: what it had queued is not paid back for a second. */
static const char *const flooded[] = {
	POLICY("aa",
	       "  a:\n"
	       "    rate: 30mbit\n"
	       "    classes:\n"
	       "      aa: { rate: 6900kbit, weight: 3 } # udp 121\n"
	       "      ac: { rate: 10400kbit, ceil: 19300kbit, weight: 1 } # udp 24 from 3000\n"
	       "  b: { rate: 45mbit } # window 12500 from 3000\n"),
	POLICY("aa", "  a:\n"
		     "    rate: 25700kbit\n"
		     "    ceil: 37500kbit\n"
		     "    classes:\n"
		     "      aa: { rate: 10mbit, ceil: 29500kbit } # tcp 1 from 3000\n"
		     "      ac: { rate: 8300kbit, ceil: 8800kbit } # tcp 1 until 3000\n"
		     "  b:\n"
		     "    ceil: 89600kbit\n"
		     "    classes:\n"
		     "      bb: { rate: 15400kbit } # window 12500 from 3000\n"
		     "  c: { rate: 25700kbit } # udp 121 until 3000\n"),
};

/* What a higher level owes that has gone is not paid out of what the class is guaranteed. */
static const char *const gone[] = {
	POLICY("aaaa",
	       "  a:\n"
	       "    rate: 26mbit\n"
	       "    ceil: 28200kbit\n"
	       "    classes:\n"
	       "      aa:\n"
	       "        rate: 7100kbit\n"
	       "        classes:\n"
	       "          aaa:\n"
	       "            classes:\n"
	       "              aaaa: { ceil: 23800kbit, priority: low } # udp 29 until 3000\n"
	       "              aaab: { priority: high } # idle\n"
	       "          aab:\n"
	       "            classes:\n"
	       "              aaba: { rate: 1300kbit } # idle\n"
	       "              aabb: { priority: high } # tcp 4\n"
	       "          aac: { rate: 2200kbit, priority: low } # idle\n"
	       "      ab: { rate: 2mbit } # window 3028\n"
	       "      ac:\n"
	       "        rate: 5mbit\n"
	       "        classes:\n"
	       "          aca: { rate: 1300kbit, ceil: 7200kbit } # window 3028 until 3000\n"
	       "          acb: { rate: 1mbit } # idle\n"
	       "          acc:\n"
	       "            classes:\n"
	       "              acca: { ceil: 26800kbit, weight: 8 } # idle\n"
	       "              accb: { ceil: 11600kbit, weight: 10, priority: high } # udp 14 until "
	       "3000\n"
	       "              accc: { weight: 5, priority: high } # udp 34 until 3000\n"
	       "              accd: { weight: 3, priority: high } # window 3028 until 3000\n"
	       "          acd:\n"
	       "            ceil: 27600kbit\n"
	       "            classes:\n"
	       "              acda: { ceil: 4700kbit, priority: low, limit: 20ms } # udp 6\n"
	       "              acdb: { priority: low } # idle\n"
	       "              acdc: { ceil: 27600kbit } # window 3028 until 3000\n"
	       "      ad: { rate: 9100kbit, ceil: 18200kbit, priority: high } # tcp 4 until 3000\n"
	       "  c: { rate: 29200kbit } # window 12500 until 3000\n"),
};

/*
 * Of a fast link and a slow one, with priorities, with changes, and what was found. As the tests
 * see it: all have run before the first of them.
 */
static struct {
	uint64_t count;
	const char *const *texts; /* or none: of so many seeds */
	struct trees trees;
} tested[] = { { 40, NULL, { .kind = { .link = LINK } } },
	       { 20, NULL, { .kind = { .link = LINK / 10 } } },
	       { 20, NULL, { .kind = { .link = LINK, .priorities = true } } },
	       { 20, NULL, { .kind = { .link = LINK, .change = CHANGE } } },
	       { ARRAY_SIZE(found), found, { .kind = { .link = LINK / 10 } } },
	       { ARRAY_SIZE(covered), covered, { .kind = { .link = LINK } } },
	       { ARRAY_SIZE(flooded), flooded, { .kind = { .link = LINK } } },
	       { ARRAY_SIZE(gone), gone, { .kind = { .link = LINK } } } };

typedef bool is_right(const struct qos_policy *policy, const struct result *result);

static int find_wrong(const struct trees *trees, const char *what, is_right *right)
{
	int failed = 0;

	for (size_t i = 0; i < trees->count; i++) {
		const struct tree *tree = &trees->trees[i];
		_cleanup_(policy_freep) struct qos_policy *policy = load_good(tree->text);

		if (right(policy, &trees->results[i]))
			continue;
		print_error("%s %llu, %u Mbit/s: %s\n", tree->seed ? "seed" : "found",
			    (unsigned long long)(tree->seed ? tree->seed : i), trees->kind.link,
			    what);
		failed++;
	}
	return failed;
}

static void expect(const char *what, is_right *right)
{
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tested); i++)
		failed += find_wrong(&tested[i].trees, what, right);
	assert_int_equal(failed, 0);
}

static bool has_result(const struct qos_policy *policy, const struct result *result)
{
	return result->count == policy->class_count;
}

static void test_all_have_run(void **state __attribute__((unused)))
{
	expect("it has not run", has_result);
}

static bool has_guarantees(const struct qos_policy *policy, const struct result *result)
{
	struct summary sum;

	trees_sum_up(policy, result, &sum);
	return sum.kept >= TREES_KEPT;
}

static void test_guarantees(void **state __attribute__((unused)))
{
	expect("a class has less than it is guaranteed", has_guarantees);
}

static bool is_used(const struct qos_policy *policy, const struct result *result)
{
	struct summary sum;

	trees_sum_up(policy, result, &sum);
	return sum.got >= LEAST_USE * sum.ideal;
}

static void test_use(void **state __attribute__((unused)))
{
	expect("the link is not used", is_used);
}

static bool leaves_keep_ceilings(const struct qos_policy *policy, const struct result *result)
{
	for (size_t i = 0; i < result->count; i++) {
		const struct class_result *class = &result->classes[i];

		if (!policy->classes[i].inner &&
		    class->got > MOST_BEYOND * (double)policy->classes[i].ceil + class->packet)
			return false;
	}
	return true;
}

static void test_ceilings(void **state __attribute__((unused)))
{
	expect("a leaf has more than its ceiling", leaves_keep_ceilings);
}

static bool link_is_kept(const struct qos_policy *policy, const struct result *result)
{
	struct summary sum;

	trees_sum_up(policy, result, &sum);
	return sum.got <= MOST_USE * (double)policy->link.rate;
}

static void test_link(void **state __attribute__((unused)))
{
	expect("more than the link has is used", link_is_kept);
}

static bool flows_are_in_order(const struct qos_policy *policy __attribute__((unused)),
			       const struct result *result)
{
	return result->reordered == 0;
}

static void test_order(void **state __attribute__((unused)))
{
	expect("packets of a flow overtake others", flows_are_in_order);
}

static bool has_shares(const struct qos_policy *policy, const struct result *result)
{
	struct summary sum;

	trees_sum_up(policy, result, &sum);
	return fabs(sum.deviation) <= SHARE_ERROR;
}

static void test_found(void **state __attribute__((unused)))
{
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tested); i++) {
		if (tested[i].texts)
			failed += find_wrong(&tested[i].trees, "a class is off its share",
					     has_shares);
	}
	assert_int_equal(failed, 0);
}

/* Of no seed: text, which the tree owns then. */
static void set_text(struct tree *tree, char *text)
{
	assert_non_null(text);
	free(tree->text);
	tree->text = text;
	tree->seed = 0;
}

static int run_as_test(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_have_run), cmocka_unit_test(test_guarantees),
		cmocka_unit_test(test_ceilings),     cmocka_unit_test(test_link),
		cmocka_unit_test(test_use),	     cmocka_unit_test(test_order),
		cmocka_unit_test(test_found),
	};
	int failed;

	for (size_t i = 0; i < ARRAY_SIZE(tested); i++) {
		trees_draw(&tested[i].trees, 1, tested[i].count);
		for (size_t t = 0; tested[i].texts && t < tested[i].count; t++)
			set_text(&tested[i].trees.trees[t], strdup(tested[i].texts[t]));
		trees_run(&tested[i].trees);
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(tested); i++)
		trees_free(&tested[i].trees);
	return failed;
}

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	if (!f || getdelim(&text, &size, '\0', f) < 0) {
		perror(path);
		exit(2);
	}
	fclose(f);
	return text;
}

struct options {
	uint64_t first, last; /* seeds; last 0: none */
	struct tree_kind kind;
	const char *policy;
	bool verbose;
};

/* "7" or "1-60"; seeds are from 1 on. */
static int read_seeds(const char *text, struct options *opts)
{
	char *end;

	opts->first = opts->last = strtoull(text, &end, 10);
	if (*end == '-')
		opts->last = strtoull(end + 1, &end, 10);
	return *end || !opts->first || opts->first > opts->last ? -1 : 0;
}

/* A whole number from 1 to MOST_LINK. */
static int read_link(const char *text, struct options *opts)
{
	char *end;
	unsigned long mbit = strtoul(text, &end, 10);

	opts->kind.link = (uint32_t)mbit;
	return *end || !mbit || mbit > MOST_LINK ? -1 : 0;
}

static int read_options(int argc, char **argv, struct options *opts)
{
	static const struct option table[] = {
		{ "link", required_argument, NULL, 'l' },
		{ "seeds", required_argument, NULL, 's' },
		{ "policy", required_argument, NULL, 'p' },
		{ "priorities", no_argument, NULL, 'o' },
		{ "changes", no_argument, NULL, 'c' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "v", table, NULL)) != -1) {
		if (c == 'v')
			opts->verbose = true;
		else if (c == 'p')
			opts->policy = optarg;
		else if (c == 'o')
			opts->kind.priorities = true;
		else if (c == 'c')
			opts->kind.change = CHANGE;
		else if (c == 'l' && read_link(optarg, opts) == 0)
			continue;
		else if (c != 's' || read_seeds(optarg, opts) < 0)
			return -1;
	}
	return optind == argc ? 0 : -1;
}

static int run_command(const struct options *opts)
{
	struct trees trees = { .kind = opts->kind };
	int failed;

	trees_draw(&trees, opts->first, opts->last);
	if (opts->policy)
		set_text(&trees.trees[0], read_file(opts->policy));
	trees_run(&trees);
	failed = trees_report(&trees, opts->verbose);
	trees_free(&trees);
	return failed;
}

int main(int argc, char **argv)
{
	struct options opts = { .kind.link = LINK };

	if (read_options(argc, argv, &opts) < 0) {
		fprintf(stderr, "usage: bpf_trees [-v] [--link MBIT] [--priorities] [--changes] "
				"[--seeds FIRST-LAST | --policy FILE]\n");
		return 2;
	}
	if (need_root(NULL) < 0)
		return 3;
	if (opts.last || opts.policy)
		return run_command(&opts);
	return run_as_test();
}
