/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Private to model/: what a match takes, as sets that can be compared. Whatever is said of two
 * of them is certain; where they cannot be told, it is not said.
 */
#ifndef QOS_MODEL_EXTENT_H
#define QOS_MODEL_EXTENT_H

#include "model/policy.h"

__extension__ typedef unsigned __int128 extent_value;

/* Both ends included; of an address or a type of ICMP with its family, else 0. */
struct span {
	extent_value min, max;
	uint8_t family;
};

/* In order, none of them touches another. Not given: any, also nothing. */
struct spans {
	struct span *list;
	size_t count;
	bool given;
};

enum dim {
	DIM_PROTO, /* also as other keys ask for it: one with ports, for example */
	DIM_SRC,
	DIM_DST,
	DIM_SPORT,
	DIM_DPORT,
	DIM_DSCP,
	DIM_UID,
	DIM_VLAN,
	DIM_LENGTH,
	DIM_TCP_FLAGS,
	DIM_ICMP, /* type, and in the low byte the code */
	DIMS,
};

struct extent {
	const struct qos_match *match;
	bool family4, family6; /* which it can be, as all keys have it; or it is not IP */
	struct spans dims[DIMS];
	struct extent *excluded; /* as many as the match has */
};

/* Of a match, which has to stay. -ENOMEM; to be released by extent_done() also then. */
int extent_init(struct extent *extent, const struct qos_match *match);
void extent_done(struct extent *extent);

/* Whether all that narrow takes, wide takes. */
bool extent_covers(const struct extent *wide, const struct extent *narrow);
/* Whether it takes nothing, for what it excludes. */
bool extent_is_empty(const struct extent *extent);
/* Whether it takes nothing, as what it asks for is shorter than an IP header. */
bool extent_is_too_short(const struct extent *extent);
/* Whether all that it takes is neighbour discovery. */
bool extent_is_discovery(const struct extent *extent);

#define SHADOW_NONE SIZE_MAX

/*
 * For each of count rules the first before it that takes all of its packets, or SHADOW_NONE,
 * into by. False in ret_complete: there were too many to compare, some may not be found.
 * -ENOMEM.
 */
int shadows_find(const struct extent *extents, size_t count, size_t *by, bool *ret_complete);

#endif
