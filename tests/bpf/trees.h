/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policies that are run in the simulator, and what each class has beside what it ought to have. */
#ifndef QOS_TESTS_BPF_TREES_H
#define QOS_TESTS_BPF_TREES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/policy.h"
#include "abi.h"
#include "random_tree.h"

#define TREES_CLASSES QOS_RULE_BLOCK
#define TREES_KEPT    0.99 /* of a guarantee, at least */

struct class_result {
	double got, ideal; /* bit/s */
	double soon;	   /* and got since the bar for guarantees; got: for shares */
	double sure;	   /* its rate, or less where what is below cannot use that; 0: nothing */
	double packet;	   /* bit/s that one packet more of each leaf would have been */
	double trickle;	   /* bit/s that its leaves keep where higher levels want all */
};

struct result {
	size_t count;
	struct class_result classes[TREES_CLASSES];
	uint64_t reordered;
	/*
	 * Since a change, ns of the link: the longest queue that the network behind it had; and
	 * what was not sent, of what those that send at the end could have, while there was none.
	 */
	double beyond, wasted;
	double seconds;
};

/* A policy that is run; its number is that of its result. */
struct tree {
	uint64_t seed; /* 0: of none */
	char *text;
};

struct trees {
	struct tree_kind kind; /* of those that seeds draw */
	struct tree *trees;
	size_t count;
	struct result *results; /* by number */
	struct shared *shared;	/* where they are, for the processes that run them */
};

/* The trees of seeds, of the kind, not run yet. */
void trees_draw(struct trees *trees, uint64_t first, uint64_t last);
/*
 * All of them, by several processes. What fails in one of these has said so itself; its tree
 * has no result (of no classes) then.
 */
void trees_run(struct trees *trees);
void trees_free(struct trees *trees);

/* The line of a class in its policy, behind the blanks; its length in *ret_len. */
const char *trees_find_line(const char *text, const char *class, size_t *ret_len);

/* Of a tree. */
struct summary {
	size_t worst, least;	      /* class furthest off; with the least of what is sure to it */
	double deviation, kept;	      /* of these; kept may be more than 1 */
	double leaf_kept, inner_kept; /* the least of each */
	double got, ideal;	      /* of all leaves */
};

void trees_sum_up(const struct qos_policy *policy, const struct result *result,
		  struct summary *ret_sum);
/* A line a tree, with its policy if verbose, and one for all. Failure: 1. */
int trees_report(const struct trees *trees, bool verbose);

#endif
