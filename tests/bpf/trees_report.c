// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trees.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/load.h"
#include "share.h"
#include "sim.h"

#define OFF	0.05
#define FAR_OFF 0.2
/* Of less than this a deviation is said in percent of it: a packet more or less is not much. */
#define LITTLE (1.0 * MBIT)

static double deviation(const struct class_result *class)
{
	double more = class->got - class->ideal;

	/* of a level that is left nothing TCP does not stop */
	if (class->ideal <= 0)
		more = fmax(more - class->trickle, 0);
	return more / fmax(class->ideal, LITTLE);
}

/* How much of what is sure it has, but for a packet. */
static double kept(const struct class_result *class)
{
	return (class->soon + class->packet) / class->sure;
}

void trees_sum_up(const struct qos_policy *policy, const struct result *result,
		  struct summary *ret_sum)
{
	*ret_sum = (struct summary){ .leaf_kept = INFINITY, .inner_kept = INFINITY };
	for (size_t i = 0; i < result->count; i++) {
		const struct class_result *class = &result->classes[i];
		bool inner = policy->classes[i].inner;
		double *least = inner ? &ret_sum->inner_kept : &ret_sum->leaf_kept;

		if (fabs(deviation(class)) > fabs(ret_sum->deviation)) {
			ret_sum->deviation = deviation(class);
			ret_sum->worst = i;
		}
		if (class->sure > 0) {
			if (kept(class) < fmin(ret_sum->inner_kept, ret_sum->leaf_kept))
				ret_sum->least = i;
			*least = fmin(*least, kept(class));
		}
		if (!inner) {
			ret_sum->got += class->got;
			ret_sum->ideal += class->ideal;
		}
	}
	ret_sum->kept = fmin(ret_sum->inner_kept, ret_sum->leaf_kept);
}

static void print_line(const struct tree *tree, const struct qos_policy *policy,
		       const struct result *result)
{
	const struct class_result *worst;
	struct summary sum;

	trees_sum_up(policy, result, &sum);
	worst = &result->classes[sum.worst];
	if (tree->seed)
		printf("seed %llu: ", (unsigned long long)tree->seed);
	printf("%zu classes, worst %s %+.1f %% (%.2f of %.2f)", result->count,
	       policy->classes[sum.worst].name, 100 * sum.deviation, worst->got / MBIT,
	       worst->ideal / MBIT);
	if (isfinite(sum.kept))
		printf(", least guarantee %.3f (%s)", sum.kept, policy->classes[sum.least].name);
	if (sum.ideal > 0)
		printf(", use %.1f %%", 100 * sum.got / sum.ideal);
	if (result->beyond > 0 || result->wasted > 0)
		printf(", %.1f ms beyond, %.1f ms wasted", result->beyond / MSEC,
		       result->wasted / MSEC);
	if (result->reordered)
		printf(", %llu reordered", (unsigned long long)result->reordered);
	printf(", %.2f s\n", result->seconds);
}

/* Behind a class's line, which has said what is sent there. */
static void print_class(const struct class_result *class)
{
	printf(": %.2f of %.2f Mbit/s, %+.1f %%", class->got / MBIT, class->ideal / MBIT,
	       100 * deviation(class));
	if (class->sure > 0 && kept(class) < TREES_KEPT)
		printf(", %.1f %% of what is guaranteed", 100 * kept(class));
}

/* Without what a run before has said. */
static void print_own(const char *line, size_t len, bool inner)
{
	const char *comment = memchr(line, '#', len), *colon = NULL;

	if (comment)
		colon = memchr(comment, ':', len - (size_t)(comment - line));
	printf("%.*s", (int)(colon ? (size_t)(colon - line) : len), line);
	if (!comment)
		fputs(inner ? " # inner" : " # tcp 1", stdout);
}

static void print_row(const char *text, const char *line, size_t len,
		      const struct qos_policy *policy, const struct result *result)
{
	const char *key = line + strspn(line, " ");
	size_t own = 0;

	printf("    ");
	for (size_t i = 0; i < result->count; i++) {
		if (trees_find_line(text, policy->classes[i].name, &own) != key)
			continue;
		print_own(line, len, policy->classes[i].inner);
		print_class(&result->classes[i]);
		putchar('\n');
		return;
	}
	printf("%.*s\n", (int)len, line);
}

static void print_policy(const char *text, const struct qos_policy *policy,
			 const struct result *result)
{
	const char *line = text;

	while (*line) {
		size_t len = strcspn(line, "\n");

		print_row(text, line, len, policy, result);
		line += len + (line[len] == '\n');
	}
}

/* Trees with something that is not as it ought to be. */
struct tally {
	size_t failed, off, far_off, leaf_missed, inner_missed, unused, beyond, reordered;
};

static void count_tree(const struct qos_policy *policy, const struct result *result,
		       struct tally *tally)
{
	struct summary sum;

	trees_sum_up(policy, result, &sum);
	tally->off += fabs(sum.deviation) > OFF;
	tally->far_off += fabs(sum.deviation) > FAR_OFF;
	tally->leaf_missed += sum.leaf_kept < TREES_KEPT;
	tally->inner_missed += sum.inner_kept < TREES_KEPT;
	tally->unused += sum.got < LEAST_USE * sum.ideal;
	tally->beyond += sum.got > MOST_USE * sum.ideal;
	tally->reordered += result->reordered > 0;
}

static void print_tally(size_t count, const struct tally *tally)
{
	printf("%zu trees: a class more than 5 %% off in %zu, more than 20 %% in %zu; a guarantee "
	       "missed of a leaf in %zu, of an inner class in %zu; use below 97 %% in %zu, above "
	       "101 %% in %zu; reordered in %zu; no result of %zu\n",
	       count, tally->off, tally->far_off, tally->leaf_missed, tally->inner_missed,
	       tally->unused, tally->beyond, tally->reordered, tally->failed);
}

int trees_report(const struct trees *trees, bool verbose)
{
	struct tally tally = { 0 };

	for (size_t i = 0; i < trees->count; i++) {
		const struct tree *tree = &trees->trees[i];
		const struct result *result = &trees->results[i];
		_cleanup_(policy_freep) struct qos_policy *policy = load_good(tree->text);

		if (!result->count) {
			tally.failed++;
			continue;
		}
		print_line(tree, policy, result);
		if (verbose)
			print_policy(tree->text, policy, result);
		count_tree(policy, result, &tally);
	}
	print_tally(trees->count, &tally);
	return tally.failed ? 1 : 0;
}
