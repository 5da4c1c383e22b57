/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rules that an earlier one takes everything from, without comparing each with all. A rule that
 * covers another takes every packet of it, so also the first: the least port, address and so
 * on. Of each rule one key is cut into aligned blocks, as prefixes are, that key whose blocks
 * the fewest rules share; the few blocks in which a rule's first packet lies find all rules that
 * can cover it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/extent.h"

#define BITS	    128
#define BLOCKS_MAX  1024	/* of one key of one rule; with more it is another key's turn */
#define PIECES_MAX  (1U << 22)	/* of all rules */
#define COMPARE_MAX (10U << 20) /* comparisons in all: a second, at worst */

/* After the dimensions, what is no range. */
enum {
	KEY_MARK = DIMS,
	KEY_CGROUP,
	KEY_NONE, /* a rule without any of those */
	KEYS,
};

struct piece {
	uint64_t hash;
	uint32_t rule, key;
};

struct pieces {
	struct piece *list;
	size_t count, room;
	bool no_memory;
};

struct index {
	const struct extent *extents;
	struct pieces pieces;		  /* by hash and then by rule */
	bool length[DIMS][BITS + 1];	  /* the blocks that there are */
	uint32_t masks[QOS_POLICY_MASKS]; /* of marks */
	size_t mask_count;
	size_t compared;
};

static void index_done(struct index *index)
{
	free(index->pieces.list);
}

/* Two that are the same by chance cost a comparison. */
static uint64_t hash(uint64_t key, uint64_t a, extent_value value)
{
	const uint64_t parts[] = { key, a, (uint64_t)value, (uint64_t)(value >> 64) };
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		h = (h ^ parts[i]) * 0x9e3779b97f4a7c15;
		h ^= h >> 29;
	}
	return h;
}

static uint64_t hash_path(const char *path, size_t len)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)path[i]) * 0x100000001b3;
	return hash(KEY_CGROUP, len, h);
}

static uint64_t hash_block(size_t dim, unsigned int len, const struct span *span)
{
	extent_value hosts = len ? ((extent_value)1 << (BITS - len)) - 1 : ~(extent_value)0;

	return hash(dim, (uint64_t)len << 8 | span->family, span->min & ~hosts);
}

static void add(struct pieces *pieces, size_t rule, uint32_t key, uint64_t value)
{
	if (pieces->count == pieces->room) {
		size_t room = pieces->room ? pieces->room * 2 : 1024;
		struct piece *list = reallocarray(pieces->list, room, sizeof(*list));

		if (!list) {
			pieces->no_memory = true;
			return;
		}
		pieces->list = list;
		pieces->room = room;
	}
	pieces->list[pieces->count++] =
		(struct piece){ .hash = value, .rule = (uint32_t)rule, .key = key };
}

/* The longest block that begins where span does and ends in it; its length as a prefix's. */
static unsigned int first_block(const struct span *span, extent_value *ret_last)
{
	unsigned int len = BITS;

	*ret_last = span->min;
	while (len > 0) {
		extent_value bit = (extent_value)1 << (BITS - len);
		extent_value last = *ret_last | bit;

		if ((span->min & bit) || last > span->max)
			break;
		*ret_last = last;
		len--;
	}
	return len;
}

/* False: they are too many; then what was added is left over. */
static bool add_blocks(struct index *index, size_t rule, size_t dim)
{
	const struct spans *spans = &index->extents[rule].dims[dim];
	size_t first = index->pieces.count;

	for (size_t i = 0; i < spans->count; i++) {
		struct span left = spans->list[i];
		extent_value last;

		do {
			unsigned int len = first_block(&left, &last);

			if (index->pieces.count - first == BLOCKS_MAX ||
			    index->pieces.count >= PIECES_MAX || index->pieces.no_memory)
				return false;
			add(&index->pieces, rule, (uint32_t)dim, hash_block(dim, len, &left));
			index->length[dim][len] = true;
			left.min = last + 1;
		} while (last < spans->list[i].max);
	}
	return true;
}

static void add_marks(struct index *index, size_t rule)
{
	const struct qos_match *match = index->extents[rule].match;

	for (size_t i = 0; i < match->mark_count; i++) {
		size_t at = 0;

		while (at < index->mask_count && index->masks[at] != match->mark[i].mask)
			at++;
		if (at == index->mask_count)
			index->masks[index->mask_count++] = match->mark[i].mask;
		add(&index->pieces, rule, KEY_MARK,
		    hash(KEY_MARK, match->mark[i].mask, match->mark[i].value));
	}
}

static void add_rule(struct index *index, size_t rule)
{
	const struct qos_match *match = index->extents[rule].match;
	struct pieces *pieces = &index->pieces;

	for (size_t dim = 0; dim < DIMS; dim++) {
		size_t before = pieces->count;

		if (!add_blocks(index, rule, dim))
			pieces->count = before;
	}
	if (pieces->count < PIECES_MAX) {
		add_marks(index, rule);
		for (size_t i = 0; i < match->cgroup_count; i++)
			add(pieces, rule, KEY_CGROUP,
			    hash_path(match->cgroup[i], strlen(match->cgroup[i])));
	}
	add(pieces, rule, KEY_NONE, hash(KEY_NONE, 0, 0));
}

static int compare(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->rule < y->rule ? -1 : x->rule > y->rule;
}

/* The most rules that share one piece, of each key of each rule. */
static void weigh(const struct pieces *pieces, uint32_t (*most)[KEYS])
{
	for (size_t i = 0, end; i < pieces->count; i = end) {
		for (end = i;
		     end < pieces->count && pieces->list[end].hash == pieces->list[i].hash;)
			end++;
		for (size_t j = i; j < end; j++) {
			uint32_t *weight = &most[pieces->list[j].rule][pieces->list[j].key];

			*weight = end - i > *weight ? (uint32_t)(end - i) : *weight;
		}
	}
}

static uint32_t lightest(const uint32_t *weight)
{
	uint32_t best = KEY_NONE;

	for (uint32_t key = 0; key < KEY_NONE; key++) {
		if (weight[key] && weight[key] < weight[best])
			best = key;
	}
	return best;
}

/* Of each rule one key is enough. */
static int choose(struct pieces *pieces, size_t count)
{
	_cleanup_(freep) uint32_t(*most)[KEYS] = calloc(count, sizeof(*most));
	size_t kept = 0;

	if (!most)
		return -ENOMEM;
	weigh(pieces, most);
	for (size_t i = 0; i < pieces->count; i++) {
		const struct piece *piece = &pieces->list[i];

		if (piece->key == lightest(most[piece->rule]))
			pieces->list[kept++] = *piece;
	}
	pieces->count = kept;
	return 0;
}

/* The first of the rules with that piece, before best, that covers rule; or best. */
static size_t look_up(struct index *index, uint64_t value, size_t rule, size_t best)
{
	const struct piece *list = index->pieces.list;
	size_t low = 0, high = index->pieces.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list[middle].hash < value)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < index->pieces.count && list[low].hash == value; low++) {
		size_t other = list[low].rule;

		if (other >= best || other >= rule || index->compared >= COMPARE_MAX)
			break;
		index->compared++;
		if (extent_covers(&index->extents[other], &index->extents[rule]))
			return other;
	}
	return best;
}

static size_t look_up_dim(struct index *index, size_t dim, size_t rule, size_t best)
{
	const struct spans *spans = &index->extents[rule].dims[dim];

	for (unsigned int len = 0; spans->count && len <= BITS; len++) {
		if (index->length[dim][len])
			best = look_up(index, hash_block(dim, len, &spans->list[0]), rule, best);
	}
	return best;
}

static size_t look_up_mark(struct index *index, size_t rule, size_t best)
{
	const struct qos_masked *mark = index->extents[rule].match->mark;

	for (size_t i = 0; mark && i < index->mask_count; i++) {
		uint32_t mask = index->masks[i];

		if (!(mask & ~mark->mask))
			best = look_up(index, hash(KEY_MARK, mask, mark->value & mask), rule, best);
	}
	return best;
}

/* It, and all above it. */
static size_t look_up_cgroup(struct index *index, size_t rule, size_t best)
{
	const struct qos_match *match = index->extents[rule].match;
	const char *path = match->cgroup_count ? match->cgroup[0] : "";

	for (size_t len = 1; *path && len <= strlen(path); len++) {
		if (!path[len] || path[len] == '/')
			best = look_up(index, hash_path(path, len), rule, best);
	}
	return best;
}

static size_t find(struct index *index, size_t rule)
{
	size_t best = look_up(index, hash(KEY_NONE, 0, 0), rule, SHADOW_NONE);

	for (size_t dim = 0; dim < DIMS; dim++)
		best = look_up_dim(index, dim, rule, best);
	best = look_up_mark(index, rule, best);
	return look_up_cgroup(index, rule, best);
}

int shadows_find(const struct extent *extents, size_t count, size_t *by, bool *ret_complete)
{
	_cleanup_(index_done) struct index index = { .extents = extents };
	struct pieces *pieces = &index.pieces;

	for (size_t i = 0; i < count; i++)
		add_rule(&index, i);
	if (pieces->no_memory)
		return -ENOMEM;
	if (pieces->count)
		qsort(pieces->list, pieces->count, sizeof(*pieces->list), compare);
	if (count && choose(pieces, count) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		by[i] = find(&index, i);
	*ret_complete = index.compared < COMPARE_MAX;
	return 0;
}
