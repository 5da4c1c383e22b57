/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keys of the language, as tables, and the one function that reads them. */
#include <stddef.h>
#include <string.h>

#include "model/draft.h"

#define FRAME	  1514 /* an Ethernet frame of 1500 bytes, without its checksum */
#define BURST_MAX (1 << 30)
#define GSO_MIN	  3000		   /* two packets, or nothing is gained */
#define GSO_MAX	  524280	   /* the kernel's GSO_MAX_SIZE (include/linux/netdevice.h) */
#define UID_MAX	  (UINT32_MAX - 1) /* what is left is no user: (uid_t)-1 */
#define US	  1000LL
#define MS	  1000000LL

static const struct key policy_keys[] = {
	{ .name = "interface", .read = read_interface },
	{ .name = "link", .read = read_link },
	{ .name = "classes", .read = read_classes },
	{ .name = "default", .read = read_default },
	{ .name = "rules", .read = read_rules },
	{ .name = "schedules", .read = read_schedules },
};

static const struct key number_keys[] = {
	{ .name = "link", .read = read_link },
	{ .name = "classes", .read = read_classes },
};

static const struct key link_keys[] = {
	{ .name = "rate",
	  .read = value_rate,
	  .offset = offsetof(struct draft, link_rate),
	  .live = true },
	{ .name = "overhead", .read = read_overhead },
	{ .name = "mode", .read = read_mode, .names = &qos_names_mode },
	{ .name = "tunnel", .read = read_tunnel, .names = &qos_names_tunnel },
	{ .name = "gso",
	  .read = read_gso,
	  .names = &qos_names_gso,
	  .min = GSO_MIN,
	  .max = GSO_MAX },
};

/* The bounds are CAKE's: tc-cake(8), "Manual Overhead Specification". */
static const struct key overhead_keys[] = {
	{ .name = "bytes",
	  .read = value_integer,
	  .offset = offsetof(struct qos_link, overhead),
	  .min = -64,
	  .max = 256 },
	{ .name = "mpu",
	  .read = value_integer,
	  .offset = offsetof(struct qos_link, mpu),
	  .min = 0,
	  .max = 256 },
	{ .name = "atm", .read = read_atm },
};

/* No `limit` may be longer than fq's horizon, or fq drops what was charged. */
static const struct key class_keys[] = {
	{ .name = "rate",
	  .read = read_class_rate,
	  .offset = offsetof(struct class_draft, rate),
	  .live = true },
	{ .name = "ceil",
	  .read = read_class_ceil,
	  .offset = offsetof(struct class_draft, ceil),
	  .live = true },
	{ .name = "weight", .read = read_weight, .min = 1, .max = 1000000, .live = true },
	{ .name = "burst",
	  .read = value_size,
	  .offset = offsetof(struct class_draft, c.burst),
	  .min = FRAME,
	  .max = BURST_MAX,
	  .live = true },
	{ .name = "classes", .read = read_members },
	{ .name = "priority",
	  .read = value_name,
	  .offset = offsetof(struct class_draft, c.priority),
	  .names = &qos_names_priority,
	  .leaf = true,
	  .live = true },
	{ .name = "limit",
	  .read = value_time,
	  .offset = offsetof(struct class_draft, c.limit),
	  .min = MS,
	  .max = 10000 * MS,
	  .leaf = true,
	  .live = true },
	{ .name = "dscp",
	  .read = value_dscp,
	  .offset = offsetof(struct class_draft, c.dscp),
	  .leaf = true },
	{ .name = "per-flow",
	  .read = value_rate,
	  .offset = offsetof(struct class_draft, per_flow),
	  .leaf = true,
	  .live = true },
	{ .name = "fairness", .read = read_fairness, .names = &qos_names_fairness, .leaf = true },
	{ .name = "latency",
	  .read = value_time,
	  .offset = offsetof(struct class_draft, c.latency),
	  .min = 100 * US,
	  .max = QOS_POLICY_LATENCY_MAX,
	  .leaf = true,
	  .live = true },
	{ .name = "ecn",
	  .read = value_flag,
	  .offset = offsetof(struct class_draft, c.ecn),
	  .leaf = true,
	  .live = true },
};

static const struct key rule_keys[] = {
	{ .name = "class", .read = read_rule_class },
	{ .name = "action", .read = read_rule_action },
	{ .name = "match", .read = read_rule_match },
};

static const struct key schedule_keys[] = {
	{ .name = "name", .read = read_schedule_name },
	{ .name = "cron", .read = read_schedule_cron },
	{ .name = "set", .read = read_schedule_set },
};

static const struct key match_keys[] = {
	{ .name = "family",
	  .read = value_family,
	  .offset = offsetof(struct qos_match, family),
	  .names = &qos_names_family },
	{ .name = "proto",
	  .read = read_protos,
	  .offset = offsetof(struct qos_match, proto),
	  .count = offsetof(struct qos_match, proto_count) },
	{ .name = "src",
	  .read = read_prefixes,
	  .offset = offsetof(struct qos_match, src),
	  .count = offsetof(struct qos_match, src_count) },
	{ .name = "dst",
	  .read = read_prefixes,
	  .offset = offsetof(struct qos_match, dst),
	  .count = offsetof(struct qos_match, dst_count) },
	{ .name = "sport",
	  .read = read_ports,
	  .offset = offsetof(struct qos_match, sport),
	  .count = offsetof(struct qos_match, sport_count) },
	{ .name = "dport",
	  .read = read_ports,
	  .offset = offsetof(struct qos_match, dport),
	  .count = offsetof(struct qos_match, dport_count) },
	{ .name = "dscp", .read = read_dscps, .offset = offsetof(struct qos_match, dscp) },
	{ .name = "mark",
	  .read = read_marks,
	  .offset = offsetof(struct qos_match, mark),
	  .count = offsetof(struct qos_match, mark_count) },
	{ .name = "cgroup",
	  .read = read_cgroups,
	  .offset = offsetof(struct qos_match, cgroup),
	  .count = offsetof(struct qos_match, cgroup_count) },
	{ .name = "uid",
	  .read = read_uids,
	  .offset = offsetof(struct qos_match, uid),
	  .count = offsetof(struct qos_match, uid_count),
	  .max = UID_MAX },
	{ .name = "vlan",
	  .read = read_vlans,
	  .offset = offsetof(struct qos_match, vlan),
	  .count = offsetof(struct qos_match, vlan_count),
	  .max = QOS_VLAN_NONE - 1 },
	{ .name = "length",
	  .read = read_lengths,
	  .offset = offsetof(struct qos_match, length),
	  .count = offsetof(struct qos_match, length_count),
	  .max = QOS_LENGTH_LIMIT },
	{ .name = "tcp-flags",
	  .read = read_tcp_flags,
	  .offset = offsetof(struct qos_match, tcp_flags),
	  .count = offsetof(struct qos_match, tcp_flags_count),
	  .names = &qos_names_tcp_flag },
	{ .name = "icmp-type",
	  .read = read_icmp_types,
	  .offset = offsetof(struct qos_match, icmp_type),
	  .count = offsetof(struct qos_match, icmp_type_count) },
	{ .name = "not",
	  .read = read_excluded,
	  .offset = offsetof(struct qos_match, excluded),
	  .count = offsetof(struct qos_match, excluded_count) },
};

#define TABLE(text, list)                                              \
	{                                                              \
		.where = text, .keys = list, .count = ARRAY_SIZE(list) \
	}

/* The order counts: a class's percentages need its parent's rates, and rules
 * need the classes.
 */
const struct key_table keys_policy = TABLE("a policy", policy_keys);
static const struct key_table keys_numbers = TABLE("a policy", number_keys);
const struct key_table keys_link = TABLE("`link`", link_keys);
const struct key_table keys_overhead = TABLE("`overhead`", overhead_keys);
const struct key_table keys_class = TABLE("a class", class_keys);
const struct key_table keys_inner = {
	.where = "a class with classes in it",
	.keys = class_keys,
	.count = ARRAY_SIZE(class_keys),
	.inner = true,
};
const struct key_table keys_rule = TABLE("a rule", rule_keys);
const struct key_table keys_match = TABLE("`match`", match_keys);
/* the last of them is `not` */
const struct key_table keys_excluded = {
	.where = "`not`",
	.keys = match_keys,
	.count = ARRAY_SIZE(match_keys) - 1,
};
const struct key_table keys_schedule = TABLE("a schedule", schedule_keys);
const struct key_table keys_live_class = {
	.where = "what is set of a class",
	.keys = class_keys,
	.count = ARRAY_SIZE(class_keys),
	.live = true,
};
const struct key_table keys_live_inner = {
	.where = "what is set of a class with classes in it",
	.keys = class_keys,
	.count = ARRAY_SIZE(class_keys),
	.inner = true,
	.live = true,
};
const struct key_table keys_live_link = {
	.where = "what is set of the link",
	.keys = link_keys,
	.count = ARRAY_SIZE(link_keys),
	.live = true,
};

#define KEYS_MAX ARRAY_SIZE(match_keys)
_Static_assert(ARRAY_SIZE(class_keys) <= KEYS_MAX, "match has the most keys");

static const struct key *find_key(const struct key_table *table, const char *name)
{
	for (size_t i = 0; i < table->count; i++) {
		if (strcmp(table->keys[i].name, name) == 0)
			return &table->keys[i];
	}
	return NULL;
}

/* Whether a table has a key for nothing but a better error. */
static bool is_refused(const struct key_table *table, const struct key *key)
{
	return (table->inner && key->leaf) || (table->live && !key->live);
}

/* The names of a table's keys, those that may be given; how many. */
static size_t list_keys(const struct key_table *table, const char *names[KEYS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < table->count; i++) {
		if (!is_refused(table, &table->keys[i]))
			names[count++] = table->keys[i].name;
	}
	return count;
}

/* "rate, ceil, weight" */
#define LIST_LEN 256
static const char *list_text(const char *const *names, size_t count, char *buf)
{
	size_t len = 0;

	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(buf + len, LIST_LEN - len, "%s%s", len ? ", " : "",
					names[i]);
	return buf;
}

/* What others call a key, tc among them; and a name that is as near to two. */
static const char *meant_key(const struct key_table *table, const char *name)
{
	static const struct {
		const char *name, *key, *said;
	} slips[] = {
		{ "prio", "priority", "priority" },
		{ "bandwidth", "rate", "rate" },
		{ "port", "dport", "dport` or `sport" },
		{ "ports", "dport", "dport` or `sport" },
		{ "protocol", "proto", "proto" },
		{ "tos", "dscp", "dscp" },
		{ "fwmark", "mark", "mark" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(slips); i++) {
		if (strcmp(slips[i].name, name) == 0 && find_key(table, slips[i].key))
			return slips[i].said;
	}
	return NULL;
}

/* With the nearest name or, where none is near, all of them. */
static void unknown_key(struct draft *draft, const struct key_table *table, const char *name,
			struct qos_loc loc)
{
	const char *names[KEYS_MAX] = { 0 }, *nearest;
	size_t count = list_keys(table, names);
	char list[LIST_LEN] = "";

	nearest = meant_key(table, name);
	if (!nearest)
		nearest = qos_nearest(name, names, count);
	if (nearest)
		draft_error(draft, loc, "unknown key `%s` in %s%s", QOS_BRIEF(name), table->where,
			    SUGGEST(nearest));
	else
		draft_error(draft, loc, "unknown key `%s` in %s, which has: %s", QOS_BRIEF(name),
			    table->where, list_text(names, count, list));
	if (strchr(name, ':'))
		qos_diag_hint(draft->diags, "behind a key's `:` belongs a space, and not what only "
					    "looks like one");
}

bool keys_expect_live(struct draft *draft, const struct key_table *table, const char *name,
		      struct qos_loc loc)
{
	const struct key *key = find_key(table, name);
	const char *names[KEYS_MAX] = { 0 };
	char list[LIST_LEN] = "";

	if (!key)
		unknown_key(draft, table, name, loc);
	else if (!key->live)
		draft_error(draft, loc, "`%s` cannot be set for a time; what can: %s", key->name,
			    list_text(names, list_keys(table, names), list));
	return key && key->live;
}

bool keys_given(const struct key_table *table, const struct qos_node *map, const char *name)
{
	const char *names[KEYS_MAX] = { 0 }, *nearest;
	size_t count = list_keys(table, names);

	for (const struct qos_node *item = map->first; item; item = item->next) {
		if (strcmp(item->key, name) == 0)
			return true;
		if (find_key(table, item->key))
			continue;
		nearest = qos_nearest(item->key, names, count);
		if (nearest && strcmp(nearest, name) == 0)
			return true;
	}
	return false;
}

static void refuse_unknown(struct draft *draft, const struct key_table *table,
			   const struct qos_node *map)
{
	for (const struct qos_node *item = map->first; item; item = item->next) {
		if (!find_key(table, item->key))
			unknown_key(draft, table, item->key, item->key_loc);
	}
}

static void read_value(struct draft *draft, const struct key_table *table, const struct key *key,
		       const struct qos_node *value, void *object)
{
	if (is_refused(table, key))
		refuse_leaf_key(draft, key, key_place(value), object);
	else
		key->read(draft, key, value, object);
}

static void read_override(struct draft *draft, const struct key_table *table, const struct key *key,
			  const struct qos_override *override, void *object)
{
	struct qos_diags *diags = draft->diags;

	draft->diags = draft->override_diags;
	draft->reading = override;
	read_value(draft, table, key, override->value, object);
	draft->reading = NULL;
	draft->diags = diags;
}

/* What of a map a table has. */
static void read_known(struct draft *draft, const struct key_table *table,
		       const struct qos_node *map, struct overlay over, void *object)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct key *key = &table->keys[i];
		const struct qos_override *override =
			key->live ? overlay_get(over, key->name) : NULL;
		const struct qos_node *item = qos_node_get(map, key->name);

		if (override)
			read_override(draft, table, key, override, object);
		else if (item)
			read_value(draft, table, key, item, object);
	}
}

void keys_read_over(struct draft *draft, const struct key_table *table, const struct qos_node *map,
		    struct overlay over, void *object)
{
	refuse_unknown(draft, table, map);
	read_known(draft, table, map, over, object);
}

void keys_read(struct draft *draft, const struct key_table *table, const struct qos_node *map,
	       void *object)
{
	keys_read_over(draft, table, map, (struct overlay){ 0 }, object);
}

void keys_read_numbers(struct draft *draft)
{
	read_known(draft, &keys_numbers, draft->root, (struct overlay){ 0 }, draft);
}
