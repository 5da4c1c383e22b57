/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The shaper by its formula, one packet after the other and in the plainest
 * way, to compare the program with:
 *
 *	D(link) = L			the link's clock
 *	D(c)    = max(U(c), min(A(c), D(link)))
 *
 * U and L are charged for each packet, A when it was A that let it go. A clock
 * that was idle has saved its burst and no more.
 */
#ifndef QOS_TESTS_BPF_MODEL_H
#define QOS_TESTS_BPF_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define MODEL_CLASSES 8
#define MODEL_DROPPED (-1)

/* A rate as ns a byte, and the time of a burst of it. 0 ns: there is no such clock. */
struct model_rate {
	int64_t ns_a_byte, burst, clock;
};

struct model_class {
	struct model_rate assured, ceiling;
	bool borrows; /* from the link */
	int64_t limit;
};

struct model {
	struct model_rate link;
	struct model_class classes[MODEL_CLASSES];
};

/* When a packet of class departs; or MODEL_DROPPED, and then nothing has changed. */
int64_t model_send(struct model *model, unsigned int class, int64_t now, int64_t bytes);

#endif
