/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the classes of a program do now, by what the program last wrote of it. */
#ifndef QOS_KERNEL_LIVE_H
#define QOS_KERNEL_LIVE_H

#include "kernel/bpf.h"

struct qos_live {
	struct qos_class_cfg *classes; /* by slot, capacity of them */
	struct qos_clocks *clocks;
	uint32_t capacity;
	uint64_t now; /* CLOCK_MONOTONIC, ns */
	bool police;
};

int qos_live_read(const struct qos_bpf *bpf, struct qos_live *ret_live);
void qos_live_done(struct qos_live *live);

bool qos_live_is_police(const struct qos_bpf *bpf);

/* CLOCK_MONOTONIC, ns: the program's own. */
uint64_t qos_live_now(void);

/*
 * bits/s that a class with packets of its own sent of late, and what of it was
 * borrowed. The program follows them at its every look at the class, each 4 to 270 ms
 * while it sends; 0 for one that has sent nothing for a second.
 */
struct qos_live_rate {
	uint64_t all, borrowed;
};

struct qos_live_rate qos_live_rate(const struct qos_live *live, uint32_t slot);

/*
 * ns that a packet of a class would wait that came now, in a flow that has no
 * queue of its own; of an inner class, and of the link, how long what it has
 * promised keeps it busy.
 */
uint64_t qos_live_backlog(const struct qos_live *live, uint32_t slot, bool inner);

#endif
