/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The shaper's formula, one packet after the other and in the plainest way, to compare
 * the program with:
 *
 *	D(c) = max(now, U(c), min(A(c), B))
 *
 * B is when the ones above lend: the latest of their ceilings' clocks, by the class's level,
 * when that is not after now. When it is, B is not modelled here: as the class's share of
 * what they have is, but no earlier than limit before that clock. Ceilings are charged for
 * each packet, A when it was A that let it go, and those above on the levels that give way:
 * all of them to a guarantee. A clock that was idle has saved its burst and no more.
 */
#ifndef QOS_TESTS_BPF_MODEL_H
#define QOS_TESTS_BPF_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define MODEL_CLASSES 10
#define MODEL_LEVELS  3
#define MODEL_NONE    0xffffffffU
#define MODEL_FOREVER INT64_MAX

/* A rate as ns a byte, and the time of a burst of it. 0 ns: there is no such clock. */
struct model_rate {
	int64_t ns_a_byte, burst, clock[MODEL_LEVELS]; /* of a leaf: the first */
};

struct model_class {
	struct model_rate assured, ceiling;
	bool borrows;
	unsigned int level, parent; /* parent: MODEL_NONE or a class before it */
	int64_t limit;
};

struct model {
	struct model_class classes[MODEL_CLASSES]; /* 0 is the link */
};

/* What may become of a packet. */
struct model_range {
	int64_t least, most; /* departure; most may be MODEL_FOREVER */
	bool own, borrowed;  /* may it be its guarantee that lets it go, may it be B */
};

struct model_range model_ask(const struct model *model, unsigned int class, int64_t now);

/* A packet of class has departed at time at, by its own guarantee or what it borrowed. */
void model_charge(struct model *model, unsigned int class, int64_t now, int64_t at, int64_t bytes,
		  bool own);

#endif
