/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Numbers that end by themselves: what the classes have then is in maps beside the program's, and
 * timers of the kernel put it in place (kern/expire.bpf.c). They live as long as the map is
 * pinned or open.
 */
#ifndef QOS_KERNEL_EXPIRY_H
#define QOS_KERNEL_EXPIRY_H

#include "kernel/bpf.h"

/* CLOCK_BOOTTIME, ns: the time that goes on while the machine sleeps. */
uint64_t qos_expiry_now(void);
/* When such a time is, in seconds since 1970, as the clock is set now. */
int64_t qos_expiry_wall(uint64_t at);

/* When it returns none fires any more, until qos_expiry_start(). 0 where there never was one. */
int qos_expiry_stop(const struct qos_bpf *bpf);
/* Those that are not done; at once, where it was time meanwhile. */
int qos_expiry_start(const struct qos_bpf *bpf);

/* For the first plan ever that has steps: makes the maps and binds them; they are to be pinned. */
int qos_expiry_prepare(struct qos_bpf *bpf, const struct qos_plan *plan);
/*
 * The plan's steps, in place of those there were; slots: of its classes. Nothing is started.
 * -E2BIG: more numbers change than there is room for.
 */
int qos_expiry_put(const struct qos_bpf *bpf, const struct qos_plan *plan, const uint32_t *slots);

/* Whether step n has been done. */
bool qos_expiry_is_done(const struct qos_bpf *bpf, uint32_t n);

/* What is there now, to be put back. */
struct qos_expiry_copy {
	void *expiries, *classes;
	uint32_t count; /* of classes */
};

int qos_expiry_copy(const struct qos_bpf *bpf, struct qos_expiry_copy *ret_copy);
int qos_expiry_put_back(const struct qos_bpf *bpf, const struct qos_expiry_copy *copy);
void qos_expiry_copy_done(struct qos_expiry_copy *copy);

#endif
