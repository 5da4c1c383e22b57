/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The program of a policy, loaded as it is, and asked what it would do. */
#ifndef QOS_TESTS_BPF_ASKED_H
#define QOS_TESTS_BPF_ASKED_H

#include "compile/plan.h"

struct asked;

/*
 * A plan's program and tables; what cannot be loaded fails the running test. The cgroups that
 * rules name have to be there. reads: it reads sockets' owners, where this kernel lets it, rather
 * than ask helpers.
 */
struct asked *asked_open(const struct qos_plan *plan, bool reads);
void asked_close(struct asked *asked);

static inline void asked_closep(struct asked **asked)
{
	asked_close(*asked);
}

struct asked_packet {
	const uint8_t *data;
	uint32_t len, wire_len, gso_size, gso_segs, mark, uid;
	bool has_uid;
	const char *cgroup; /* or null */
	int vlan;	    /* of a tag beside the frame, or -1 */
};

#define ASKED_DROP UINT32_MAX

struct asked_answer {
	uint32_t class; /* its index, or ASKED_DROP */
	uint32_t rule;	/* its number, from 1 on; 0: none */
	bool exempt;
};

/* qos_explain() */
struct asked_answer asked_explain(const struct asked *asked, const struct asked_packet *packet);

/*
 * qos_egress(): of the socket that test runs have (senders.h), and without a tag beside. No rule
 * is said,
 */
struct asked_answer asked_send(const struct asked *asked, const struct asked_packet *packet);
/* but by what rules have counted, by their numbers; the array is the caller's. */
struct qos_hits *asked_hits(const struct asked *asked);

#endif
