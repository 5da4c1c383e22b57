/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the program of an interface would do with a packet: another program of the same
 * code, over the same maps, says it (BPF_PROG_TEST_RUN). Nothing is sent, charged or counted.
 */
#ifndef QOS_KERNEL_EXPLAIN_H
#define QOS_KERNEL_EXPLAIN_H

#include "compile/plan.h"

struct qos_device;
struct qos_asker;

struct qos_question {
	const uint8_t *frame; /* with an Ethernet header */
	size_t len;	      /* bytes that there are of it */
	size_t wire_len;      /* and that it has, at least len */
	uint32_t mark;
	bool has_uid;
	uint32_t uid;
	const char *cgroup; /* path from the root, or null */
	int vlan;	    /* of a tag beside the frame; -1: none */
};

struct qos_answer {
	uint32_t slot;	  /* or QOS_NO_SLOT: a rule drops it */
	uint32_t rule;	  /* its number, from 1 on; 0: of the default class */
	uint64_t wait_ns; /* where packets wait */
	const char *drop; /* why its class would drop it now, or null: "limit", "police" */
	bool exempt;
};

/* -ENOENT with a diagnostic when nothing of ours is there; -EOPNOTSUPP. */
int qos_asker_open(const struct qos_device *device, struct qos_diags *diags,
		   struct qos_asker **ret_asker);
void qos_asker_close(struct qos_asker *asker);

/* -EINVAL, without a diagnostic: the kernel takes no such frame, as one without a whole header. */
int qos_asker_ask(const struct qos_asker *asker, const struct qos_question *question,
		  struct qos_diags *diags, struct qos_answer *ret_answer);

/* Rates in force of a class, bits/s; 0: none. */
int qos_asker_rates(const struct qos_asker *asker, const char *class_name, uint64_t *ret_rate,
		    uint64_t *ret_ceil);

#endif
