/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files that build tables share: see tables.h. */
#ifndef QOS_COMPILE_PIECES_H
#define QOS_COMPILE_PIECES_H

#include <stdbool.h>

#include "compile/tables.h"

/* Keys of a match, as bits. */
enum key {
	KEY_FAMILY = 1 << 0,
	KEY_PROTO = 1 << 1,
	KEY_SRC = 1 << 2,
	KEY_DST = 1 << 3,
	KEY_SPORT = 1 << 4,
	KEY_DPORT = 1 << 5,
	KEY_DSCP = 1 << 6,
	KEY_VLAN = 1 << 7,
	KEY_LENGTH = 1 << 8,
	KEY_TCP = 1 << 9,
	KEY_ICMP = 1 << 10,
	KEY_UID = 1 << 11,
	KEY_CGROUP = 1 << 12,
	KEY_MARK = 1 << 13,
};

/* Those that a match asks for. */
uint32_t qos_match_keys(const struct qos_match *match);

/*
 * What an entry asks for: the keys of a match, or, refused, that the only one of them does not
 * hold. Entries are the alternatives of a rule that one AND over pieces cannot say.
 */
struct demand {
	const struct qos_match *match;
	uint32_t keys;
	bool refused;
	int mask; /* number of the mask that marks are asked for through; -1: through each */
	uint32_t entry;
};

struct entries {
	const struct qos_rule_def *rules;
	struct demand *demands; /* by entry */
	size_t demand_count;
	uint32_t *rule; /* of each entry */
	uint32_t count;
	uint32_t masks[QOS_MAX_MASKS];
	uint32_t mask_count;
	uint32_t *place;				 /* the bit of each */
	uint32_t words;					 /* of all bits */
	uint32_t skip[QOS_MAX_ENTRIES / QOS_RULE_BLOCK]; /* by word: the first of the next group */
};

/* After an error too, entries are to be freed. */
int qos_entries_make(const struct qos_rule_def *rules, size_t count, struct qos_diags *diags,
		     struct entries *ret_entries);
/* place, words and skip; -ENOMEM. */
int qos_entries_place(struct entries *entries);
void qos_entries_done(struct entries *entries);
/* Keys that any demand has. */
uint32_t qos_entries_keys(const struct entries *entries);

/* From this number on, of which the first word counts most, it is another set. */
struct border {
	uint32_t word[QOS_WORDS];
	uint32_t set;
	uint32_t entry;
};

/* In order. */
struct borders {
	struct border *list;
	size_t count, room;
};

/*
 * The entries that are possible now, while the values of a piece are gone through: those
 * that ask for a value of it are when one of those that they list is there (held), and none of
 * those that they refuse.
 */
struct sweep {
	const struct entries *entries;
	struct qos_tables *tables;
	struct qos_diags *diags;
	uint64_t *now; /* as a set in memory */
	uint32_t *held, *refused;
	bool *asks;
	uint32_t *index; /* of sets, by their hash: 2^index_bits places */
	unsigned int index_bits;
	uint32_t entry; /* that the last set was for */
	struct borders borders;
	size_t value_room, node_room, cgroup_room;
};

int qos_sweep_init(struct sweep *sweep, const struct entries *entries, struct qos_tables *tables,
		   struct qos_diags *diags);
void qos_sweep_done(struct sweep *sweep);
/* Before a piece: who asks for any of the keys. Then nothing of it is there. */
void qos_sweep_start(struct sweep *sweep, uint32_t keys, int mask);
/* A value of a demand is there, or is not any longer (by -1). */
void qos_sweep_move(struct sweep *sweep, const struct demand *demand, int by);
/* The set of those that are possible. -E2BIG with a diagnostic at the rule of entry, -ENOMEM. */
int qos_sweep_set(struct sweep *sweep, uint32_t entry, uint32_t *ret_set);

/* Whether a demand has to do with the keys, through a mask. */
bool qos_demand_has(const struct demand *demand, uint32_t keys, int mask);

/* Room for one more of size bytes; null: no memory. room: of how many there is. */
void *qos_room(void *list, size_t count, size_t *room, size_t size);

/* Says at the rule of entry that there are not that many bytes. */
void qos_sweep_refuse(const struct sweep *sweep, uint32_t entry, unsigned long long bytes);

/*
 * A border more: not before the last one; at the same place, instead of it. -ENOMEM. Then, of all
 * that have come and differ from word first on, the ranges, put into the piece's table; flag:
 * QOS_TO_NEXT where the program has to read that word, of an address. -E2BIG with a diagnostic,
 * -ENOMEM.
 */
int qos_border_add(struct sweep *sweep, const uint32_t word[QOS_WORDS], uint32_t set);
int qos_borders_end(struct sweep *sweep, uint32_t first, uint32_t flag);

/* Pieces whose values are numbers, each with a table; and those with ranges: users and marks. */
int qos_piece_table(struct sweep *sweep, enum qos_piece piece);
int qos_piece_ranges(struct sweep *sweep, enum qos_piece piece);
/* Table of a piece that has none for all values: of packets that have nothing of it. */
int qos_piece_none(struct sweep *sweep, enum qos_piece piece);
/* A value more in the table. -ENOMEM. */
int qos_piece_value(struct sweep *sweep, uint32_t value);
/* Pieces whose values are in others: addresses and cgroups. */
int qos_piece_prefixes(struct sweep *sweep, enum qos_piece piece);
int qos_piece_cgroups(struct sweep *sweep);

#endif
