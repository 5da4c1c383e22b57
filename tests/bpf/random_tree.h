/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Trees of classes that a seed decides: two to four levels, guarantees, ceilings and weights
 * as a policy may have them. What is sent in a leaf, and from or until when, is a comment behind
 * it, so that a policy that was changed by hand is loaded as before.
 */
#ifndef QOS_TESTS_BPF_RANDOM_TREE_H
#define QOS_TESTS_BPF_RANDOM_TREE_H

#include "random.h"

struct tree_kind {
	uint32_t link;	 /* Mbit/s */
	bool priorities; /* several, else all leaves are of one */
	uint64_t change; /* ms at which two thirds of the leaves begin or end; 0: never */
};

/* In YAML; the caller's. Of another kind the same tree, but for what the kind says. */
char *random_tree(struct random *r, const struct tree_kind *kind);

#endif
