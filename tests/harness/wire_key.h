/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What to count, and what was counted. */
#ifndef HARNESS_WIRE_KEY_H
#define HARNESS_WIRE_KEY_H

#include "wire_packet.h"

#define MAX_KEYS 64

struct flow {
	uint32_t id;
	uint64_t first, next, received, late;
};

struct key {
	const char *text;
	/* What it asks for: -1 and PROTO_ANY for anything. */
	enum proto proto;
	int family, port, sport, dscp, vlan;
	bool rest; /* "other": what no other key took */

	uint64_t packets, bytes, largest; /* the largest as it came: a GSO packet whole */
	int64_t first_ns, last_ns, max_gap_ns;
	uint64_t *interval;
	size_t intervals;
	uint64_t dscps[64], ecns[4];

	struct flow *flow;
	size_t flows, last_flow;
	uint64_t gaps;
	struct hist delay;
};

struct keys {
	struct key key[MAX_KEYS];
	size_t count;
	int64_t interval_ns, from_ns; /* of the intervals; 0: from a key's first packet on */
};

/* One more: [4:|6:]PROTO[:PORT][,CONDITION=N]... 0 or -errno. */
int keys_add(struct keys *keys, const char *text);
/* Counts a packet in each key that takes it. */
void keys_count(struct keys *keys, const struct packet *p);

#endif
