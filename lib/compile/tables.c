/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compile/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "compile/pieces.h"

DEFINE_CLEANUP(struct qos_tables *, tables_freep, qos_tables_free)

void qos_tables_free(struct qos_tables *tables)
{
	if (!tables)
		return;
	free(tables->decided);
	free(tables->sets);
	free(tables->values);
	free(tables->nodes);
	free(tables->cgroups);
	free(tables);
}

static uint32_t pieces_used(const struct entries *entries)
{
	static const struct {
		uint32_t key;
		enum qos_piece piece;
	} map[] = {
		{ KEY_DSCP, QOS_PIECE_DSCP },	  { KEY_SPORT, QOS_PIECE_SPORT },
		{ KEY_DPORT, QOS_PIECE_DPORT },	  { KEY_VLAN, QOS_PIECE_VLAN },
		{ KEY_LENGTH, QOS_PIECE_LENGTH }, { KEY_TCP, QOS_PIECE_TCP },
		{ KEY_ICMP, QOS_PIECE_ICMP },	  { KEY_SRC, QOS_PIECE_SRC },
		{ KEY_DST, QOS_PIECE_DST },	  { KEY_UID, QOS_PIECE_UID },
		{ KEY_CGROUP, QOS_PIECE_CGROUP },
	};
	uint32_t keys = qos_entries_keys(entries), used = QOS_USED(QOS_PIECE_KIND);

	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		used |= keys & map[i].key ? QOS_USED(map[i].piece) : 0;
	for (uint32_t i = 0; i < entries->mask_count; i++)
		used |= QOS_USED(QOS_PIECE_MARK + i);
	return used;
}

static int compile_piece(struct sweep *sweep, uint32_t piece)
{
	switch (piece) {
	case QOS_PIECE_SRC:
	case QOS_PIECE_DST:
		return qos_piece_prefixes(sweep, piece);
	case QOS_PIECE_CGROUP:
		return qos_piece_cgroups(sweep);
	default:
		return piece < QOS_PIECE_SRC ? qos_piece_table(sweep, piece) :
					       qos_piece_ranges(sweep, piece);
	}
}

/* Values fill whole lines of the map. */
static int fill_line(struct qos_tables *t)
{
	size_t count = (t->value_count + QOS_VALUES - 1) / QOS_VALUES * QOS_VALUES;
	uint32_t *values = reallocarray(t->values, count, sizeof(*values));

	if (!values)
		return -ENOMEM;
	memset(values + t->value_count, 0, (count - t->value_count) * sizeof(*values));
	t->values = values;
	t->value_count = count;
	return 0;
}

static int compile_pieces(const struct entries *entries, struct qos_diags *diags,
			  struct qos_tables *t)
{
	_cleanup_(qos_sweep_done) struct sweep sweep = { 0 };
	int r = qos_sweep_init(&sweep, entries, t, diags);

	for (uint32_t piece = 0; r == 0 && piece < QOS_PIECES; piece++)
		if (t->used & QOS_USED(piece))
			r = compile_piece(&sweep, piece);
	return r < 0 ? r : fill_line(t);
}

static int decide(const struct entries *entries, struct qos_tables *t)
{
	t->decided = calloc(t->words * QOS_RULE_BLOCK + 1, sizeof(*t->decided));
	if (!t->decided)
		return -ENOMEM;
	for (uint32_t i = 0; i < entries->count; i++) {
		const struct qos_rule_def *rule = &entries->rules[entries->rule[i]];
		uint32_t slot = rule->drop ? QOS_DROP_SLOT : (uint32_t)rule->class_index + 1;

		t->decided[entries->place[i]] = QOS_DECIDED(slot, entries->rule[i] + 1);
	}
	return 0;
}

static uint32_t at_least(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

int qos_tables_compile(const struct qos_rule_def *rules, size_t count,
		       const struct qos_tables_shape *least, struct qos_diags *diags,
		       struct qos_tables **ret_tables)
{
	_cleanup_(qos_entries_done) struct entries entries = { 0 };
	_cleanup_(tables_freep) struct qos_tables *t = calloc(1, sizeof(*t));
	int r = t ? qos_entries_make(rules, count, diags, &entries) : -ENOMEM;

	if (r < 0)
		return r;
	t->entries = entries.count;
	r = qos_entries_place(&entries);
	if (r < 0)
		return r;
	t->words = at_least(entries.words, least ? least->words : 1);
	memcpy(t->skip, entries.skip, sizeof(t->skip));
	t->used = pieces_used(&entries) | (least ? least->used : 0);
	memcpy(t->masks, entries.masks, sizeof(t->masks));
	r = decide(&entries, t);
	if (r == 0 && (entries.count || least))
		r = compile_pieces(&entries, diags, t);
	if (r < 0)
		return r;
	*ret_tables = TAKE_PTR(t);
	return 0;
}
