/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A link in virtual time: sources of packets, and the program that gives each its
 * departure. The policy goes the way that every policy goes, from its text to the
 * program's maps; time goes from event to event, so a run is the same each time and
 * takes as long as its packets. Packets leave when the program said so, as from fq on a
 * device that is never the bottleneck.
 */
#ifndef QOS_TESTS_BPF_SIM_H
#define QOS_TESTS_BPF_SIM_H

#include "fixture.h"

#define MBIT	   1000000ULL
#define SIM_RTT_NS 100000 /* from a departure until its source knows of it */
#define SIM_FRAME  1514
#define SIM_GSO	   12500 /* a millisecond at 100 Mbit/s */

enum source_kind {
	SOURCE_WINDOW,	 /* as many packets outstanding as its window, like TCP with TSQ */
	SOURCE_TCP,	 /* the same, and its window follows losses and marks (AIMD) */
	SOURCE_CONSTANT, /* a rate, whatever happens */
	SOURCE_SPARSE,	 /* a mean rate, of packets that come at random (Poisson) */
};

/* A flow. What is 0 has its default. */
struct source {
	const char *class; /* a leaf's name */
	enum source_kind kind;
	uint32_t bytes;	       /* of a packet on the wire; 0: SIM_GSO of a window, else SIM_FRAME */
	uint32_t window;       /* packets; 0: 2 */
	uint64_t rate;	       /* bit/s, of SOURCE_CONSTANT and SOURCE_SPARSE */
	uint8_t ecn;	       /* codepoint */
	const char *src, *dst; /* IPv4; null: one that all have */
	bool fresh;	       /* each packet is another flow, of a port of its own */
	uint64_t start, stop;  /* ns; stop 0: never */
};

struct sim;

/*
 * A class's packets are told by their port, so the policy needs no rules. records: of flows,
 * a power of two; 0: far more than flows. Never null; a policy that is wrong fails the test.
 */
struct sim *sim_open(const char *policy, uint32_t records);
/* The same; sim_replace() may follow. */
struct sim *sim_open_replaced(const char *policy, uint32_t records);
void sim_close(struct sim *sim);

static inline void sim_closep(struct sim **sim)
{
	if (*sim)
		sim_close(*sim);
}

/* A flow of its own; its number, from 0 on. */
unsigned int sim_add(struct sim *sim, const struct source *source);
/* Other numbers for the same classes, as apply writes them to the program that runs. */
void sim_change(struct sim *sim, const char *policy);
/* The same classes of another kind, as apply makes a new program for them. */
void sim_replace(struct sim *sim, const char *policy);
/* Go on until time, in ns from the beginning. */
void sim_run(struct sim *sim, uint64_t until);

/* A span of a run, in ns: [from, to). */
struct span {
	uint64_t from, to;
};

/* Flows [first, first + count). */
struct flows {
	unsigned int first, count;
};

/* The flows of a class; they were added one after the other. */
struct flows sim_flows(const struct sim *sim, const char *class);

/* bit/s that departed in a span of whole milliseconds, of all of the flows together. */
double sim_rate(const struct sim *sim, struct flows flows, struct span span);
/* Jain's index of the flows' rates: 1 when all are equal, 1/n when one has all. */
double sim_fairness(const struct sim *sim, struct flows flows, struct span span);
/* ms between coming and departing that a part (0…1) of the packets of a span does not exceed. */
double sim_delay(const struct sim *sim, struct flows flows, struct span span, double part);

/* Of the whole run. */
struct sim_counts {
	uint64_t packets, drops, marks; /* packets: marked or not, that departed */
	uint64_t reordered;		/* depart before one of their flow that came before */
};
struct sim_counts sim_counts(const struct sim *sim, struct flows flows);

const struct qos_policy *sim_policy(const struct sim *sim);
/* The program's; slot of the policy's class i: i + 1. */
struct shaper *sim_shaper(const struct sim *sim);
uint32_t sim_slot(const struct sim *sim, const char *class);

#endif
