/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keys of the language, as tables, and the one function that reads them. */
#include <stddef.h>
#include <string.h>

#include "model/draft.h"

#define FRAME	  1514 /* an Ethernet frame of 1500 bytes, without its checksum */
#define BURST_MAX (1 << 30)
#define GSO_MIN	  3000	    /* two packets, or nothing is gained */
#define GSO_MAX	  (1 << 19) /* the kernel's GSO_MAX_SIZE (include/linux/netdevice.h) */
#define US	  1000LL
#define MS	  1000000LL

static const struct key policy_keys[] = {
	{ .name = "interface", .read = read_interface },
	{ .name = "link", .read = read_link },
	{ .name = "classes", .read = read_classes },
	{ .name = "default", .read = read_default },
	{ .name = "rules", .read = read_rules },
	{ .name = "schedules" },
};

static const struct key link_keys[] = {
	{ .name = "rate", .read = value_rate, .offset = offsetof(struct draft, link_rate) },
	{ .name = "overhead", .read = read_overhead },
	{ .name = "mode", .read = read_mode, .names = &qos_names_mode },
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
	{ .name = "rate", .read = read_class_rate, .offset = offsetof(struct class_draft, rate) },
	{ .name = "ceil", .read = read_class_ceil, .offset = offsetof(struct class_draft, ceil) },
	{ .name = "weight", .read = read_weight, .min = 1, .max = 1000000 },
	{ .name = "burst",
	  .read = value_size,
	  .offset = offsetof(struct class_draft, c.burst),
	  .min = FRAME,
	  .max = BURST_MAX },
	{ .name = "classes", .read = read_members },
	{ .name = "priority",
	  .read = value_name,
	  .offset = offsetof(struct class_draft, c.priority),
	  .names = &qos_names_priority,
	  .leaf = true },
	{ .name = "limit",
	  .read = value_time,
	  .offset = offsetof(struct class_draft, c.limit),
	  .min = MS,
	  .max = 10000 * MS,
	  .leaf = true },
	{ .name = "dscp",
	  .read = value_dscp,
	  .offset = offsetof(struct class_draft, c.dscp),
	  .leaf = true },
	{ .name = "per-flow",
	  .read = value_rate,
	  .offset = offsetof(struct class_draft, per_flow),
	  .leaf = true },
	{ .name = "fairness", .read = read_fairness, .names = &qos_names_fairness, .leaf = true },
	{ .name = "latency",
	  .read = value_time,
	  .offset = offsetof(struct class_draft, c.latency),
	  .min = 100 * US,
	  .max = 1000 * MS,
	  .leaf = true },
	{ .name = "ecn",
	  .read = value_flag,
	  .offset = offsetof(struct class_draft, c.ecn),
	  .leaf = true },
};

static const struct key rule_keys[] = {
	{ .name = "class", .read = read_rule_class },
	{ .name = "action", .read = read_rule_action },
	{ .name = "match", .read = read_rule_match },
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
	{ .name = "mark" },
	{ .name = "cgroup" },
	{ .name = "uid" },
	{ .name = "vlan" },
	{ .name = "not" },
	{ .name = "length" },
	{ .name = "tcp-flags" },
	{ .name = "icmp-type" },
};

#define TABLE(text, list)                                              \
	{                                                              \
		.where = text, .keys = list, .count = ARRAY_SIZE(list) \
	}

/* The order counts: a class's percentages need its parent's rates, and rules
 * need the classes.
 */
const struct key_table keys_policy = TABLE("a policy", policy_keys);
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
	return table->inner && key->leaf;
}

/* The names of a table's keys, those that may be given; how many. */
static size_t list_keys(const struct key_table *table, const char *names[KEYS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < table->count; i++) {
		if (table->keys[i].read && !is_refused(table, &table->keys[i]))
			names[count++] = table->keys[i].name;
	}
	return count;
}

/* With the nearest name or, where none is near, all of them. */
static void unknown_key(struct draft *draft, const struct key_table *table,
			const struct qos_node *item)
{
	const char *names[KEYS_MAX] = { 0 }, *nearest;
	size_t count = list_keys(table, names), len = 0;
	char list[256] = "";

	nearest = qos_nearest(item->key, names, count);
	if (nearest) {
		draft_error(draft, item->key_loc, "unknown key `%s` in %s%s", QOS_BRIEF(item->key),
			    table->where, SUGGEST(nearest));
		return;
	}
	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", len ? ", " : "",
					names[i]);
	draft_error(draft, item->key_loc, "unknown key `%s` in %s, which has: %s",
		    QOS_BRIEF(item->key), table->where, list);
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

void keys_read(struct draft *draft, const struct key_table *table, const struct qos_node *map,
	       void *object)
{
	for (const struct qos_node *item = map->first; item; item = item->next) {
		const struct key *key = find_key(table, item->key);

		if (!key)
			unknown_key(draft, table, item);
		else if (!key->read)
			draft_error(draft, item->key_loc,
				    "`%s` is not supported by this version of qosctl", key->name);
	}
	for (size_t i = 0; i < table->count; i++) {
		const struct key *key = &table->keys[i];
		const struct qos_node *item = key->read ? qos_node_get(map, key->name) : NULL;

		if (item && is_refused(table, key))
			refuse_leaf_key(draft, item, object);
		else if (item)
			key->read(draft, key, item, object);
	}
}
