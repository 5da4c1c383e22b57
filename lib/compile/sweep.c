/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which entries are possible while a piece's values are gone through, and their sets. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compile/pieces.h"

uint32_t qos_set_words(uint32_t words)
{
	return words > 1 ? (words + 63) / 64 + words : words;
}

static uint32_t summary_words(uint32_t words)
{
	return qos_set_words(words) - words;
}

int qos_sweep_init(struct sweep *sweep, const struct entries *entries, struct qos_tables *tables,
		   struct qos_diags *diags)
{
	size_t count = entries->count + 1;

	*sweep = (struct sweep){
		.entries = entries,
		.tables = tables,
		.diags = diags,
		.now = calloc(qos_set_words(tables->words), sizeof(*sweep->now)),
		.held = calloc(count, sizeof(*sweep->held)),
		.refused = calloc(count, sizeof(*sweep->refused)),
		.asks = calloc(count, sizeof(*sweep->asks)),
		.index_bits = 10,
		.index = calloc(1U << 10, sizeof(*sweep->index)),
	};
	if (sweep->now && sweep->held && sweep->refused && sweep->asks && sweep->index)
		return 0;
	qos_sweep_done(sweep);
	return -ENOMEM;
}

void qos_sweep_done(struct sweep *sweep)
{
	free(sweep->now);
	free(sweep->held);
	free(sweep->refused);
	free(sweep->asks);
	free(sweep->index);
	free(sweep->borders.list);
}

bool qos_demand_has(const struct demand *demand, uint32_t keys, int mask)
{
	return demand->keys & keys &&
	       (!(keys & KEY_MARK) || demand->mask < 0 || demand->mask == mask);
}

static void put_bit(struct sweep *sweep, uint32_t entry)
{
	uint32_t place = sweep->entries->place[entry];
	uint64_t bit = 1ULL << place % 64;
	uint64_t *word = &sweep->now[summary_words(sweep->tables->words) + place / 64];
	bool possible = (!sweep->asks[entry] || sweep->held[entry]) && !sweep->refused[entry];

	*word = possible ? *word | bit : *word & ~bit;
}

void qos_sweep_start(struct sweep *sweep, uint32_t keys, int mask)
{
	const struct entries *e = sweep->entries;

	memset(sweep->held, 0, e->count * sizeof(*sweep->held));
	memset(sweep->refused, 0, e->count * sizeof(*sweep->refused));
	memset(sweep->asks, 0, e->count * sizeof(*sweep->asks));
	for (size_t i = 0; i < e->demand_count; i++) {
		const struct demand *demand = &e->demands[i];

		if (!demand->refused && qos_demand_has(demand, keys, mask))
			sweep->asks[demand->entry] = true;
	}
	for (uint32_t i = 0; i < e->count; i++)
		put_bit(sweep, i);
}

void qos_sweep_move(struct sweep *sweep, const struct demand *demand, int by)
{
	uint32_t *count = demand->refused ? sweep->refused : sweep->held;

	count[demand->entry] += (uint32_t)by;
	put_bit(sweep, demand->entry);
}

static void summarize(struct sweep *sweep)
{
	uint32_t words = sweep->tables->words, summary = summary_words(words);

	memset(sweep->now, 0, summary * sizeof(*sweep->now));
	for (uint32_t i = 0; summary && i < words; i++)
		if (sweep->now[summary + i])
			sweep->now[i / 64] |= 1ULL << i % 64;
}

/* Of a set in memory. */
static uint64_t hash_set(const uint64_t *set, uint32_t words)
{
	uint64_t hash = words;

	for (uint32_t i = 0; i < words; i++) {
		hash = (hash ^ set[i]) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 32;
	}
	return hash;
}

/* Where in the index a set is, or is to be. Numbers are kept one higher, so that 0 is free. */
static uint32_t *find_set(const struct sweep *sweep, const uint64_t *set)
{
	uint32_t size = qos_set_words(sweep->tables->words);
	size_t mask = ((size_t)1 << sweep->index_bits) - 1, at = hash_set(set, size) & mask;

	while (sweep->index[at] &&
	       memcmp(sweep->tables->sets + (size_t)(sweep->index[at] - 1) * size, set,
		      size * sizeof(*set)) != 0)
		at = (at + 1) & mask;
	return &sweep->index[at];
}

static int grow_index(struct sweep *sweep)
{
	const struct qos_tables *t = sweep->tables;
	uint32_t *old = sweep->index, *more;

	if (t->set_count * 2 < (size_t)1 << sweep->index_bits)
		return 0;
	more = calloc((size_t)4 << sweep->index_bits, sizeof(*more));
	if (!more)
		return -ENOMEM;
	sweep->index = more;
	sweep->index_bits += 2;
	for (uint32_t i = 0; i < t->set_count; i++)
		*find_set(sweep, t->sets + (size_t)i * qos_set_words(t->words)) = i + 1;
	free(old);
	return 0;
}

void qos_sweep_refuse(const struct sweep *sweep, uint32_t entry, unsigned long long bytes)
{
	qos_diag_at(sweep->diags, sweep->entries->rules[sweep->entries->rule[entry]].loc,
		    "the rules need more than %llu MiB of tables in the kernel, for what this one "
		    "lists; use ranges and prefixes instead of long lists",
		    bytes >> 20);
}

/* Room for as many sets as there are, and one more; doubled at powers of two. */
static int grow_sets(struct sweep *sweep, uint32_t entry)
{
	struct qos_tables *t = sweep->tables;
	size_t bytes = qos_set_words(t->words) * sizeof(*t->sets);
	uint64_t *sets;

	if ((t->set_count + 1) * bytes > QOS_SETS_BYTES) {
		qos_sweep_refuse(sweep, entry, QOS_SETS_BYTES);
		return -E2BIG;
	}
	if (t->set_count & (t->set_count - 1))
		return 0;
	sets = reallocarray(t->sets, t->set_count ? t->set_count * 2 : 1, bytes);
	if (!sets)
		return -ENOMEM;
	t->sets = sets;
	return 0;
}

int qos_sweep_set(struct sweep *sweep, uint32_t entry, uint32_t *ret_set)
{
	struct qos_tables *t = sweep->tables;
	uint32_t size = qos_set_words(t->words), *at;
	int r;

	sweep->entry = entry;
	summarize(sweep);
	at = find_set(sweep, sweep->now);
	if (!*at) {
		r = grow_sets(sweep, entry);
		if (r == 0)
			r = grow_index(sweep);
		if (r < 0)
			return r;
		at = find_set(sweep, sweep->now);
		memcpy(t->sets + t->set_count * size, sweep->now, size * sizeof(*t->sets));
		*at = (uint32_t)++t->set_count;
	}
	*ret_set = *at - 1;
	return 0;
}
