/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Trees of classes that a seed decides: two to four levels, guarantees, ceilings and weights
 * as a policy may have them. What is sent in a leaf is a comment behind it, so that a policy
 * that was changed by hand is loaded as before.
 */
#ifndef QOS_TESTS_BPF_RANDOM_TREE_H
#define QOS_TESTS_BPF_RANDOM_TREE_H

#include "random.h"

/*
 * Of a link of so many Mbit/s, in YAML; the caller's. Of another link the same with other rates,
 * and so with priorities, or all of one.
 */
char *random_tree(struct random *r, uint32_t link, bool priorities);

#endif
