/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Flows of one class: what the tests of them have in common. */
#ifndef QOS_TESTS_BPF_FLOWS_H
#define QOS_TESTS_BPF_FLOWS_H

#include "share.h"
#include "sim.h"

#define LINK	  (100 * MBIT)
#define ONE(keys) "link: { rate: 100mbit }\ndefault: a\nclasses: { a: { rate: 100mbit" keys " } }\n"
#define SLOW	  "link: { rate: 10mbit }\ndefault: a\nclasses: { a: { rate: 10mbit } }\n"

/* What counts: not the beginning. */
static const struct span span = { SEC, 3 * SEC };

/* So many of a kind, that begin one soon after the other. */
static inline void add_flows(struct sim *sim, unsigned int count, struct source source)
{
	for (unsigned int i = 0; i < count; i++) {
		source.start = (i + 1) * MSEC / 8;
		sim_add(sim, &source);
	}
}

#endif
