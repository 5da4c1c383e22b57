/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The programs and packets that bpf_cost measures. */
#ifndef QOS_TESTS_BPF_COST_CASES_H
#define QOS_TESTS_BPF_COST_CASES_H

#include "fixture.h"

/* At COST_PACKET_NS each, clocks stay within every horizon. */
#define COST_PACKETS_MAX 1900000
#define COST_PACKET_NS	 1000

enum cost_packet { COST_TCP4, COST_UDP4, COST_TCP6, COST_PACKETS };

struct minimal_edt_bpf;
struct ours;

struct cost_case {
	const char *name;
	uint32_t load; /* ns that the link takes for a frame */
	enum cost_packet packet;
	bool minimal;	     /* the program to compare with, */
	uint32_t aggregates; /* of which packets are at random; 0: of one */
	struct shaper *shaper;
	struct minimal_edt_bpf *edt;
	const struct ours *ours;
	bool shared;	/* the program is another case's */
	uint32_t slots; /* of classes, the link's included */
};

/* Every case loaded; the minimal program before ours for each packet. Returns their number. */
size_t cost_cases_open(struct cost_case **ret_cases);
void cost_cases_close(struct cost_case *cases, size_t count);

/* ns a packet. */
uint32_t cost_case_run(struct cost_case *c, uint32_t packets);

int cost_case_fd(const struct cost_case *c);
/* Whether that makes a queue. */
const char *cost_load_name(uint32_t load);
const char *cost_packet_name(enum cost_packet packet);

#endif
