/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rules → entries of the table. An entry holds one value of each key; a rule
 * whose keys are lists becomes the entries of their product, all of one family.
 */
#include "compile/compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* One combination of a rule's values; null: the key was not given. */
struct combination {
	const uint8_t *proto;
	const struct qos_prefix *src, *dst;
	const struct qos_port_range *sport, *dport;
};

/* Entry i of a list of count, or null where there is no list. */
#define ENTRY(list, count, i) ((count) ? &(list)[i] : NULL)

static size_t at_least_one(size_t count)
{
	return count ? count : 1;
}

/* The family that a combination is of: 0 any; -1: its parts exclude each other. */
static int combination_family(const struct qos_match *match, const struct combination *c)
{
	int family = match->family;
	const struct qos_prefix *prefixes[] = { c->src, c->dst };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		if (!prefixes[i])
			continue;
		if (family && family != prefixes[i]->family)
			return -1;
		family = prefixes[i]->family;
	}
	return family;
}

static void prefix_mask(const struct qos_prefix *prefix, uint8_t mask[16])
{
	unsigned int bits = prefix->len + (prefix->family == QOS_FAMILY_IPV4 ? 96 : 0);

	for (unsigned int i = 0; i < 16; i++) {
		unsigned int left = bits > i * 8 ? bits - i * 8 : 0;

		mask[i] = left >= 8 ? 0xff : (uint8_t)(0xff00 >> left);
	}
}

static void put_addr(const struct qos_prefix *prefix, struct qos_rule_addr *addr)
{
	uint8_t mask[16];

	prefix_mask(prefix, mask);
	memcpy(addr->value, &prefix->addr, sizeof(addr->value));
	memcpy(addr->mask, mask, sizeof(addr->mask));
}

static void put_ports(const struct qos_port_range *range, struct qos_rule *rule, uint32_t flag,
		      uint16_t *min, uint16_t *span)
{
	*min = range->min;
	*span = range->max - range->min;
	rule->flags |= flag;
	rule->key_mask |= QOS_KEY_PORTS;
	rule->key_value |= QOS_KEY_PORTS;
}

static void put_entry(const struct qos_rule_def *def, const struct combination *c, int family,
		      struct qos_rule *rule)
{
	*rule = (struct qos_rule){
		.dscp_set = def->match.dscp ? def->match.dscp : UINT64_MAX,
		.slot = def->drop ? QOS_SLOT_LINK : (uint32_t)def->class_index + 1,
		.flags = def->drop ? QOS_RULE_DROP : 0,
	};
	if (c->proto) {
		rule->key_mask |= QOS_KEY_PROTO(0xff);
		rule->key_value |= QOS_KEY_PROTO(*c->proto);
	}
	if (family) {
		rule->key_mask |= QOS_KEY_FAMILY(0xff);
		rule->key_value |= QOS_KEY_FAMILY(family);
	}
	if (c->src) {
		rule->flags |= QOS_RULE_SRC;
		put_addr(c->src, &rule->src);
	}
	if (c->dst) {
		rule->flags |= QOS_RULE_DST;
		put_addr(c->dst, &rule->dst);
	}
	if (c->sport)
		put_ports(c->sport, rule, QOS_RULE_SPORT, &rule->sport_min, &rule->sport_span);
	if (c->dport)
		put_ports(c->dport, rule, QOS_RULE_DPORT, &rule->dport_min, &rule->dport_span);
}

/* Room for one more entry. */
static int reserve(const struct qos_rule_def *def, struct qos_diags *diags, struct qos_plan *plan)
{
	struct qos_rule *rules;

	if (plan->rule_count == QOS_MAX_RULES) {
		qos_diag_at(diags, def->loc,
			    "the rules up to this one need more than %d entries in the kernel, "
			    "one for each combination of the values in a rule's lists; use "
			    "ranges and prefixes instead of long lists",
			    QOS_MAX_RULES);
		return -E2BIG;
	}
	if (plan->rule_count & (plan->rule_count - 1))
		return 0; /* the array doubles at powers of two */
	rules = reallocarray(plan->rules, plan->rule_count ? plan->rule_count * 2 : 1,
			     sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	plan->rules = rules;
	return 0;
}

static int add_combination(const struct qos_rule_def *def, const struct combination *c,
			   struct qos_diags *diags, struct qos_plan *plan)
{
	int family = combination_family(&def->match, c), r;

	if (family < 0)
		return 0;
	r = reserve(def, diags, plan);
	if (r < 0)
		return r;
	put_entry(def, c, family, &plan->rules[plan->rule_count++]);
	return 0;
}

int qos_compile_rule(const struct qos_rule_def *rule, struct qos_diags *diags,
		     struct qos_plan *plan)
{
	const struct qos_match *m = &rule->match;
	size_t counts[] = {
		at_least_one(m->proto_count), at_least_one(m->src_count),
		at_least_one(m->dst_count),   at_least_one(m->sport_count),
		at_least_one(m->dport_count),
	};
	size_t index[ARRAY_SIZE(counts)] = { 0 };
	size_t digit = 0;

	/* an odometer over the five lists */
	while (digit < ARRAY_SIZE(counts)) {
		struct combination c = {
			.proto = ENTRY(m->proto, m->proto_count, index[0]),
			.src = ENTRY(m->src, m->src_count, index[1]),
			.dst = ENTRY(m->dst, m->dst_count, index[2]),
			.sport = ENTRY(m->sport, m->sport_count, index[3]),
			.dport = ENTRY(m->dport, m->dport_count, index[4]),
		};
		int r = add_combination(rule, &c, diags, plan);

		if (r < 0)
			return r;
		for (digit = 0; digit < ARRAY_SIZE(counts); digit++) {
			if (++index[digit] < counts[digit])
				break;
			index[digit] = 0;
		}
	}
	return 0;
}
