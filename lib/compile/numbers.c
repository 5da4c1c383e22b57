/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pieces whose values are numbers, and what is asked of them ranges: a sweep from the lowest
 * value to the highest, which stops where a range begins or ends.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "compile/pieces.h"

#define TCP_FLAGS 256
#define ICMP_ALL  256 /* codes of a type */

_Static_assert(QOS_VLAN_NONE == QOS_NO_VLAN && QOS_LENGTH_LIMIT == QOS_LENGTH_MAX,
	       "the model's are the table's");

/* A range of a demand begins, or has ended. */
struct stop {
	uint64_t at;
	const struct demand *demand;
	int by;
};

struct stops {
	struct stop *list;
	size_t count, room;
};

static int add_range(struct stops *stops, const struct demand *demand, uint32_t min, uint32_t max)
{
	struct stop *list;

	for (int end = 0; end <= 1; end++) {
		list = qos_room(stops->list, stops->count, &stops->room, sizeof(*list));
		if (!list)
			return -ENOMEM;
		stops->list = list;
		list[stops->count++] = (struct stop){
			.at = end ? (uint64_t)max + 1 : min,
			.demand = demand,
			.by = end ? -1 : 1,
		};
	}
	return 0;
}

static int add_kind(struct stops *stops, const struct demand *d, uint32_t family)
{
	const struct qos_match *m = d->match;
	uint32_t first = QOS_KEY_FAMILY(family);
	int r = 0;

	if (d->keys & KEY_FAMILY && m->family != family)
		return 0;
	if (!(d->keys & KEY_PROTO))
		return add_range(stops, d, first, first | 0xff);
	for (size_t i = 0; r == 0 && i < m->proto_count; i++) {
		uint8_t only = qos_proto_family(m->proto[i]);

		if (!only || only == family)
			r = add_range(stops, d, first | m->proto[i], first | m->proto[i]);
	}
	return r;
}

static int add_kinds(struct stops *stops, const struct demand *d)
{
	int r = add_kind(stops, d, QOS_FAMILY_IPV4);

	return r < 0 ? r : add_kind(stops, d, QOS_FAMILY_IPV6);
}

static int add_dscps(struct stops *stops, const struct demand *d)
{
	int r = 0;

	for (uint32_t dscp = 0; r == 0 && dscp < 64; dscp++)
		if (d->match->dscp >> dscp & 1)
			r = add_range(stops, d, dscp, dscp);
	return r;
}

static int add_ports(struct stops *stops, const struct demand *d, const struct qos_port_range *list,
		     size_t count)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = add_range(stops, d, list[i].min, list[i].max);
	return r;
}

/* No value of the table is above most. */
static int add_ranges(struct stops *stops, const struct demand *d, const struct qos_range *list,
		      size_t count, uint32_t most)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = add_range(stops, d, list[i].min < most ? list[i].min : most,
			      list[i].max < most ? list[i].max : most);
	return r;
}

/* A value of flags is one of a list's once, however many of the list take it. */
static int add_tcp(struct stops *stops, const struct demand *d)
{
	int r = 0;

	for (uint32_t flags = 0; r == 0 && flags < TCP_FLAGS; flags++) {
		for (size_t i = 0; i < d->match->tcp_flags_count; i++) {
			const struct qos_masked *want = &d->match->tcp_flags[i];

			if ((flags & want->mask) != want->value)
				continue;
			r = add_range(stops, d, flags, flags);
			break;
		}
	}
	return r;
}

static int add_icmp_type(struct stops *stops, const struct demand *d,
			 const struct qos_icmp_type *type, uint32_t base)
{
	uint32_t first = base + type->type * ICMP_ALL;

	if (type->code < 0)
		return add_range(stops, d, first, first + ICMP_ALL - 1);
	return add_range(stops, d, first + (uint32_t)type->code, first + (uint32_t)type->code);
}

static int add_icmp(struct stops *stops, const struct demand *d)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < d->match->icmp_type_count; i++) {
		const struct qos_icmp_type *type = &d->match->icmp_type[i];

		if (type->family != 6)
			r = add_icmp_type(stops, d, type, 0);
		if (r == 0 && type->family != 4)
			r = add_icmp_type(stops, d, type, QOS_ICMP_V6);
	}
	return r;
}

static int add_marks(struct stops *stops, const struct demand *d, uint32_t mask)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < d->match->mark_count; i++)
		if (d->match->mark[i].mask == mask)
			r = add_range(stops, d, d->match->mark[i].value, d->match->mark[i].value);
	return r;
}

static const struct {
	uint32_t keys;
	uint64_t values; /* of packets that have one */
} pieces[QOS_PIECES] = {
	[QOS_PIECE_KIND] = { KEY_FAMILY | KEY_PROTO, QOS_KINDS },
	[QOS_PIECE_DSCP] = { KEY_DSCP, QOS_NO_DSCP },
	[QOS_PIECE_SPORT] = { KEY_SPORT, QOS_NO_PORT },
	[QOS_PIECE_DPORT] = { KEY_DPORT, QOS_NO_PORT },
	[QOS_PIECE_VLAN] = { KEY_VLAN, QOS_NO_VLAN + 1 }, /* which can be asked for */
	[QOS_PIECE_LENGTH] = { KEY_LENGTH, QOS_NO_LENGTH },
	[QOS_PIECE_TCP] = { KEY_TCP, QOS_NO_TCP },
	[QOS_PIECE_ICMP] = { KEY_ICMP, QOS_NO_ICMP },
	[QOS_PIECE_UID] = { KEY_UID, QOS_NO_UID },
	[QOS_PIECE_MARK] = { KEY_MARK, 1ULL << 32 },
	[QOS_PIECE_MARK + 1] = { KEY_MARK, 1ULL << 32 },
	[QOS_PIECE_MARK + 2] = { KEY_MARK, 1ULL << 32 },
	[QOS_PIECE_MARK + 3] = { KEY_MARK, 1ULL << 32 },
};

/* The number of the mask that marks are looked at through; -1: it is another piece. */
static int mask_of(uint32_t piece)
{
	return piece < QOS_PIECE_MARK ? -1 : (int)(piece - QOS_PIECE_MARK);
}

static int add_demand(const struct sweep *sweep, struct stops *stops, const struct demand *d,
		      uint32_t piece)
{
	const struct qos_match *m = d->match;

	switch (piece) {
	case QOS_PIECE_KIND:
		return add_kinds(stops, d);
	case QOS_PIECE_DSCP:
		return add_dscps(stops, d);
	case QOS_PIECE_SPORT:
		return add_ports(stops, d, m->sport, m->sport_count);
	case QOS_PIECE_DPORT:
		return add_ports(stops, d, m->dport, m->dport_count);
	case QOS_PIECE_VLAN:
		return add_ranges(stops, d, m->vlan, m->vlan_count, QOS_NO_VLAN);
	case QOS_PIECE_LENGTH:
		return add_ranges(stops, d, m->length, m->length_count, QOS_LENGTH_MAX);
	case QOS_PIECE_TCP:
		return add_tcp(stops, d);
	case QOS_PIECE_ICMP:
		return add_icmp(stops, d);
	case QOS_PIECE_UID:
		return add_ranges(stops, d, m->uid, m->uid_count, QOS_NO_UID - 1);
	default:
		return add_marks(stops, d, sweep->tables->masks[mask_of(piece)]);
	}
}

static int by_place(const void *a, const void *b)
{
	const struct stop *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static void free_stops(struct stops *stops)
{
	free(stops->list);
}

static int find_stops(const struct sweep *sweep, enum qos_piece piece, struct stops *ret)
{
	const struct entries *e = sweep->entries;
	int r = 0;

	for (size_t i = 0; r == 0 && i < e->demand_count; i++)
		if (qos_demand_has(&e->demands[i], pieces[piece].keys, mask_of(piece)))
			r = add_demand(sweep, ret, &e->demands[i], piece);
	if (r == 0 && ret->count)
		qsort(ret->list, ret->count, sizeof(*ret->list), by_place);
	return r;
}

/* The values from first on, to before end, have a set. */
typedef int (*put_fn)(struct sweep *sweep, uint64_t first, uint64_t end, uint32_t set);

static int sweep_values(struct sweep *sweep, enum qos_piece piece, put_fn put)
{
	_cleanup_(free_stops) struct stops stops = { 0 };
	uint64_t at = 0, values = pieces[piece].values;
	uint32_t set = 0;
	int r = find_stops(sweep, piece, &stops);

	qos_sweep_start(sweep, pieces[piece].keys, mask_of(piece));
	if (r == 0)
		r = qos_sweep_set(sweep, 0, &set);
	for (size_t i = 0; r == 0 && i < stops.count;) {
		uint64_t here = stops.list[i].at;

		r = put(sweep, at, here, set);
		at = here;
		for (; i < stops.count && stops.list[i].at == here; i++)
			qos_sweep_move(sweep, stops.list[i].demand, stops.list[i].by);
		if (r == 0)
			r = qos_sweep_set(sweep, stops.list[i - 1].demand->entry, &set);
	}
	return r < 0 ? r : put(sweep, at, values, set);
}

int qos_piece_value(struct sweep *sweep, uint32_t value)
{
	struct qos_tables *t = sweep->tables;
	uint32_t *values = qos_room(t->values, t->value_count, &sweep->value_room, sizeof(*values));

	if (!values)
		return -ENOMEM;
	t->values = values;
	values[t->value_count++] = value;
	return 0;
}

static int put_values(struct sweep *sweep, uint64_t first, uint64_t end, uint32_t set)
{
	int r = 0;

	for (uint64_t i = first; r == 0 && i < end; i++)
		r = qos_piece_value(sweep, set);
	return r;
}

static int put_border(struct sweep *sweep, uint64_t first, uint64_t end, uint32_t set)
{
	const uint32_t word[QOS_WORDS] = { [QOS_WORDS - 1] = (uint32_t)first };

	return first < end ? qos_border_add(sweep, word, set) : 0;
}

int qos_piece_none(struct sweep *sweep, enum qos_piece piece)
{
	uint32_t set;
	int r = qos_sweep_set(sweep, 0, &set);

	sweep->tables->begin[piece] = (uint32_t)sweep->tables->value_count;
	return r < 0 ? r : qos_piece_value(sweep, set);
}

int qos_piece_table(struct sweep *sweep, enum qos_piece piece)
{
	uint32_t begin = (uint32_t)sweep->tables->value_count, set;
	int r;

	sweep->tables->begin[piece] = begin;
	r = sweep_values(sweep, piece, put_values);
	if (r < 0)
		return r;
	/* the last one: packets that have none, as before the first value */
	qos_sweep_start(sweep, pieces[piece].keys, -1);
	r = qos_sweep_set(sweep, 0, &set);
	return r < 0 ? r : qos_piece_value(sweep, set);
}

int qos_piece_ranges(struct sweep *sweep, enum qos_piece piece)
{
	int r;

	qos_sweep_start(sweep, pieces[piece].keys, mask_of(piece));
	r = qos_piece_none(sweep, piece);
	if (r == 0)
		r = sweep_values(sweep, piece, put_border);
	return r < 0 ? r : qos_borders_end(sweep, QOS_WORDS - 1, 0);
}
