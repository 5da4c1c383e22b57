/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `link`: what a packet costs on the wire, in CAKE's words and numbers. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "abi.h"
#include "model/draft.h"

#define FRAMING_ANY (-1) /* leaves it to the keywords beside it */

/* tc-cake(8), "Overhead compensation parameters"; tc/q_cake.c of iproute2. */
static const struct overhead {
	const char *name;
	int32_t bytes;
	uint32_t mpu;
	int framing;
} overheads[] = {
	{ "conservative", 48, 0, QOS_LINK_ATM },  { "ethernet", 38, 84, FRAMING_ANY },
	{ "ether-vlan", 4, 0, FRAMING_ANY },	  { "docsis", 18, 64, QOS_LINK_PLAIN },
	{ "pppoe-ptm", 30, 0, QOS_LINK_PTM },	  { "bridged-ptm", 22, 0, QOS_LINK_PTM },
	{ "pppoa-vcmux", 10, 0, QOS_LINK_ATM },	  { "pppoa-llc", 14, 0, QOS_LINK_ATM },
	{ "pppoe-vcmux", 32, 0, QOS_LINK_ATM },	  { "pppoe-llcsnap", 40, 0, QOS_LINK_ATM },
	{ "bridged-vcmux", 24, 0, QOS_LINK_ATM }, { "bridged-llcsnap", 32, 0, QOS_LINK_ATM },
	{ "ipoa-vcmux", 8, 0, QOS_LINK_ATM },	  { "ipoa-llcsnap", 16, 0, QOS_LINK_ATM },
};

static const char raw[] = "raw";

#define OVERHEAD_MAX 256 /* bytes, CAKE's bound */

/* The keywords of a list, added up. */
struct sum {
	struct qos_link link;
	int framing;
	const char *framing_name; /* the keyword that chose it */
	const char *alone;	  /* a keyword that stands for all there is */
	size_t count;
};

static const struct overhead *find_overhead(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(overheads); i++) {
		if (strcmp(overheads[i].name, name) == 0)
			return &overheads[i];
	}
	return NULL;
}

static void hint_names(struct draft *draft, const char *const names[], size_t count)
{
	char list[256] = "";
	size_t len = 0;

	for (size_t i = 0; i < count && len < sizeof(list); i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "",
					names[i]);
	qos_diag_hint(draft->diags, "these are %s", list);
}

static void unknown_overhead(struct draft *draft, const struct qos_node *value)
{
	const char *names[ARRAY_SIZE(overheads) + 1] = { raw }, *nearest;
	unsigned int number;

	for (size_t i = 0; i < ARRAY_SIZE(overheads); i++)
		names[i + 1] = overheads[i].name;
	if (value_decimal(value->text, OVERHEAD_MAX, &number) == 0) {
		draft_error(draft, value->loc, "`overhead` as a number is written `{bytes: %u}`",
			    number);
		return;
	}
	nearest = qos_nearest(value->text, names, ARRAY_SIZE(names));
	draft_error(draft, value_place(value),
		    "`%s` is not one of the overhead keywords of tc-cake(8)%s",
		    QOS_BRIEF(value->text), SUGGEST(nearest));
	if (!nearest)
		hint_names(draft, names, ARRAY_SIZE(names));
}

static void add_overhead(struct draft *draft, const struct qos_node *value,
			 const struct overhead *o, struct sum *sum)
{
	if (o->framing != FRAMING_ANY && sum->framing != FRAMING_ANY &&
	    sum->framing != o->framing) {
		draft_error(draft, value->loc, "`%s` and `%s` are different kinds of link", o->name,
			    sum->framing_name);
		return;
	}
	if (o->framing != FRAMING_ANY) {
		sum->framing = o->framing;
		sum->framing_name = o->name;
		sum->link.framing = (enum qos_link_framing)o->framing;
	}
	if (sum->link.overhead + o->bytes > OVERHEAD_MAX) {
		draft_error(draft, value->loc, "with `%s` the overhead is more than %d bytes",
			    o->name, OVERHEAD_MAX);
		return;
	}
	sum->link.overhead_set = true;
	sum->link.overhead += o->bytes;
	sum->link.mpu = o->mpu > sum->link.mpu ? o->mpu : sum->link.mpu;
}

static void read_keyword(struct draft *draft, const struct key *key, const struct qos_node *value,
			 void *object)
{
	const struct overhead *o = find_overhead(value->text);
	bool is_raw = strcmp(value->text, raw) == 0;
	struct sum *sum = object;

	(void)key;
	if (!o && !is_raw) {
		unknown_overhead(draft, value);
		return;
	}
	if (is_raw || o == find_overhead("conservative"))
		sum->alone = value->text;
	if (sum->alone && sum->count > 0) {
		draft_error(draft, value->loc, "`%s` does not go together with other keywords",
			    sum->alone);
		return;
	}
	sum->count++;
	if (o)
		add_overhead(draft, value, o, sum);
}

static void read_overhead_map(struct draft *draft, const struct qos_node *map,
			      struct qos_link *link)
{
	if (!keys_given(&keys_overhead, map, "bytes"))
		draft_error(draft, map->loc,
			    "`bytes` is missing: it is what the link adds to each "
			    "IP packet, 0 for nothing");
	keys_read(draft, &keys_overhead, map, link);
	link->overhead_set = true;
}

void read_overhead(struct draft *draft, const struct key *key, const struct qos_node *value,
		   void *object)
{
	struct sum sum = { .framing = FRAMING_ANY };
	struct qos_link *link = &draft->policy->link;

	(void)object;
	if (value->kind == QOS_NODE_MAP) {
		read_overhead_map(draft, value, link);
		return;
	}
	value_each(draft, key, value, read_keyword, &sum);
	link->overhead_set = sum.link.overhead_set;
	link->overhead = sum.link.overhead;
	link->mpu = sum.link.mpu;
	link->framing = sum.link.framing;
}

void read_atm(struct draft *draft, const struct key *key, const struct qos_node *value,
	      void *object)
{
	struct qos_link *link = object;
	bool atm;

	if (!value_expect(draft, key->name, value, QOS_NODE_SCALAR))
		return;
	if (value_bool(value, &atm) == 0)
		link->framing = atm ? QOS_LINK_ATM : QOS_LINK_PLAIN;
	else if (strcmp(value->text, "ptm") == 0)
		link->framing = QOS_LINK_PTM;
	else
		draft_error(draft, value_place(value), "`atm` is true, false or ptm, not `%s`",
			    QOS_BRIEF(value->text));
}

void read_mode(struct draft *draft, const struct key *key, const struct qos_node *value,
	       void *object)
{
	int mode = QOS_MODE_FQ;

	(void)object;
	value_name(draft, key, value, &mode);
	draft->policy->link.police = mode == QOS_MODE_POLICE;
}

void read_tunnel(struct draft *draft, const struct key *key, const struct qos_node *value,
		 void *object)
{
	int tunnel = QOS_TUNNEL_OUTER;

	(void)object;
	value_name(draft, key, value, &tunnel);
	draft->policy->link.tunnel_inner = tunnel == QOS_TUNNEL_INNER;
}

/* What begins with a digit is a size, well or badly written. */
void read_gso(struct draft *draft, const struct key *key, const struct qos_node *value,
	      void *object)
{
	struct qos_link *link = &draft->policy->link;
	uint64_t size = 0;
	int found;

	(void)object;
	if (!value_expect(draft, key->name, value, QOS_NODE_SCALAR))
		return;
	found = qos_names_find(key->names, value->text);
	if (found >= 0) {
		link->gso = (enum qos_gso)found;
	} else if (value->text[0] >= '0' && value->text[0] <= '9') {
		value_size(draft, key, value, &size);
		link->gso = QOS_GSO_SIZE;
		link->gso_size = (uint32_t)size;
	} else {
		draft_error(draft, value_place(value),
			    "`gso` is auto, keep or a size such as 16k, not `%s`%s",
			    QOS_BRIEF(value->text),
			    SUGGEST(draft_nearest(draft, key->names, value->text)));
	}
}

void read_link(struct draft *draft, const struct key *key, const struct qos_node *value,
	       void *object)
{
	(void)object;
	if (value_expect(draft, key->name, value, QOS_NODE_MAP))
		keys_read_over(draft, &keys_link, value, overlay_of(draft, "link"), draft);
	else
		draft->link_rate.state = RATE_BAD;
}
