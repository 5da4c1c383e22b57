/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program loaded for a test: classes and rules as the controller writes
 * them, packets through BPF_PROG_TEST_RUN, clocks and counters read back.
 * Whatever the kernel refuses fails the running test.
 */
#ifndef QOS_TESTS_BPF_FIXTURE_H
#define QOS_TESTS_BPF_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/pkt_cls.h>

#include "../unit/unit.h"
#include "abi.h"
#include "packet.h"
#include "rules.h"

/* A cost of the class table: whole ns a byte. 8 ns a byte is 1 Gbit/s. */
#define NS_A_BYTE(ns) ((uint64_t)(ns) << QOS_COST_SHIFT)
#define MSEC	      1000000ULL
#define SEC	      1000000000ULL
#define NOW	      (1000 * SEC) /* an uptime */

#define CLASSES_MAX   16
#define GENERATION    65536 /* after one whose flows' records have 0, as 16 bits are kept */
#define FLOWS	      1024

/*
 * A policy in the kernel's terms. classes[0] is the link. A class without ceil, in bytes/s,
 * has no idea of how long a packet takes, so no queue of it is too long: for CoDel, not limit.
 */
struct setup {
	struct qos_link_cfg link; /* flow_mask 0: of FLOWS; salt 0: one */
	struct qos_class_cfg classes[CLASSES_MAX];
	bool tree;		 /* parent and hard are given; else no class has any */
	uint32_t capacity;	 /* slots, CLASSES_MAX at least; 0: that */
	uint32_t random_classes; /* of PROGRAM_NEW_CLASS: from slot 1 on; a power of two */
	/* of PROGRAM_NEW_FLOW: pairs of addresses, source and destination, to go between; a
	 * power of two */
	uint32_t place_count;
	const uint32_t (*places)[2];
	uint32_t ports; /* of these a packet has one at random, a power of two; 0: another each */
	const struct rule *rules; /* as many as link.rules */
};

/* The program behind a test. */
enum program {
	PROGRAM_FAKE,	   /* time is what run() says */
	PROGRAM_REAL,	   /* as shipped */
	PROGRAM_NEW_FLOW,  /* as shipped, and each run of a packet is another flow */
	PROGRAM_NEW_CLASS, /* as shipped, and each run is of another class, whatever the rules say
			    */
};

enum entry {
	ENTRY_PLAIN,
	ENTRY_DELIVERY,	     /* the stamp is marked as a departure time */
	ENTRY_OFFLOADED_TAG, /* a VLAN tag stands beside the data */
};

struct shaper;

/* Nothing sent yet, nothing remembered. Never null. */
struct shaper *shaper_open(enum program program, const struct setup *setup);
void shaper_close(struct shaper *shaper);

static inline void shaper_closep(struct shaper **shaper)
{
	shaper_close(*shaper);
}

/* What a packet goes in with, besides its bytes. Zero: as the kernel has it then. */
struct input {
	enum entry entry;
	uint64_t now, tstamp;
	uint32_t wire_len, gso_size, gso_segs, priority, mark;
};

struct outcome {
	int action;
	uint64_t tstamp;
	uint32_t priority, mark;
	uint8_t data[PACKET_MAX];
	size_t len;
};

/* One packet. outcome may be null. Returns the action. */
int shaper_run(struct shaper *shaper, const struct packet *packet, const struct input *input,
	       struct outcome *outcome);

/* The packet times times, one after the other, the same buffer; ns of each, averaged. */
uint32_t shaper_repeat(struct shaper *shaper, const struct packet *packet, uint32_t times);

struct qos_clocks shaper_clocks(const struct shaper *shaper, uint32_t slot);
/* These alone. */
void shaper_put_clocks(const struct shaper *shaper, uint32_t slot, const struct qos_clocks *clocks);
/* All flows of all classes are forgotten too, and when their last packets departed. */
void shaper_set_clocks(const struct shaper *shaper, uint32_t slot, const struct qos_clocks *clocks);
/* Of all slots. */
void shaper_set_all_clocks(const struct shaper *shaper, const struct qos_clocks *clocks);
void shaper_forget_flows(const struct shaper *shaper);
/* Their number, and *ret_flows: the records, in the kernel's own memory. */
uint32_t shaper_flows(const struct shaper *shaper, const struct qos_flow **ret_flows);
/*
 * As if the program had been put in the place of another with these classes, flows and clocks, and
 * had seen no packet; its classes may then be set to others. link.generation says that it may.
 */
void shaper_replace(const struct shaper *shaper);
/* The same where the other had less room for classes: flows are the same, clocks begin anew. */
void shaper_replace_grown(const struct shaper *shaper);
/* Whether the program knows that nothing waits in a class that the other has stamped. */
bool shaper_has_left(const struct shaper *shaper, uint32_t slot);
void shaper_set_class(const struct shaper *shaper, uint32_t slot, const struct qos_class_cfg *cls);

/* In place of those before; at most as many as link.rules, of pieces in link.used. */
void shaper_set_rules(const struct shaper *shaper, const struct rule *rules, uint32_t count);

/* The rules take nothing any more; what is remembered of them stays. */
void shaper_forget_rules(const struct shaper *shaper);
/* The one decision that is remembered, on any CPU, becomes every entry's on all of them. */
void shaper_spread_decision(const struct shaper *shaper);

/* Summed over the CPUs. */
struct qos_counters shaper_counters(const struct shaper *shaper, uint32_t slot);

/* The only slot with counts, and it has one packet of verdict; else fails, naming what. */
void shaper_expect(const struct shaper *shaper, const char *what, uint32_t slot,
		   enum qos_verdict verdict);
void shaper_clear_counters(const struct shaper *shaper);

int shaper_prog_fd(const struct shaper *shaper);

/* One CPU throughout: per-CPU data and caches stay where they are. */
void stay_on_cpu(void);

/* For cmocka_run_group_tests(): one clear line, and failure, without root. */
int need_root(void **state);

#endif
