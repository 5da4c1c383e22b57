/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules → the index that finds them: see struct qos_rule_index. */
#include "compile/plan.h"

#include <string.h>

/* Which rules look at a piece of a packet. */
static uint32_t pieces(const struct qos_rule *rule)
{
	uint32_t used =
		rule->flags & (QOS_RULE_SRC | QOS_RULE_DST | QOS_RULE_SPORT | QOS_RULE_DPORT);

	if (rule->key_mask & QOS_KEY_PROTO(0xff))
		used |= QOS_RULE_PROTO;
	if (rule->dscp_set != UINT64_MAX)
		used |= QOS_RULE_DSCP;
	return used;
}

uint32_t qos_rules_used(const struct qos_rule *rules, size_t count)
{
	uint32_t used = 0;

	for (size_t i = 0; i < count; i++)
		used |= pieces(&rules[i]);
	return used;
}

static void add_all(__u64 *words, size_t count, __u64 bit)
{
	for (size_t i = 0; i < count; i++)
		words[i] |= bit;
}

static void add_family(const struct qos_rule *rule, __u64 bit, struct qos_rule_index *index)
{
	bool any = !(rule->key_mask & QOS_KEY_FAMILY(0xff));
	uint32_t family = rule->key_value & QOS_KEY_FAMILY(0xff);

	if (any || family == QOS_KEY_FAMILY(QOS_FAMILY_IPV4))
		index->family[0] |= bit;
	if (any || family == QOS_KEY_FAMILY(QOS_FAMILY_IPV6))
		index->family[1] |= bit;
}

static void add_proto(const struct qos_rule *rule, __u64 bit, struct qos_rule_index *index)
{
	if (rule->key_mask & QOS_KEY_PROTO(0xff))
		index->proto[rule->key_value & 0xff] |= bit;
	else
		add_all(index->proto, 256, bit);
}

static void add_dscp(const struct qos_rule *rule, __u64 bit, struct qos_rule_index *index)
{
	for (unsigned int dscp = 0; dscp < 64; dscp++)
		if (rule->dscp_set >> dscp & 1)
			index->dscp[dscp] |= bit;
}

static void add_ports(unsigned int min, unsigned int span, __u64 bit, __u64 high[256],
		      __u64 low[256])
{
	for (unsigned int byte = min >> 8; byte <= (min + span) >> 8; byte++)
		high[byte] |= bit;
	for (unsigned int i = 0; i <= span && i < 256; i++)
		low[(min + i) & 0xff] |= bit;
}

/* All values of a byte of an address that its mask leaves open. */
static void add_byte(const struct qos_rule_addr *addr, size_t byte, __u64 bit, __u64 words[256])
{
	uint8_t value[16], mask[16];

	memcpy(value, addr->value, sizeof(value));
	memcpy(mask, addr->mask, sizeof(mask));
	for (unsigned int i = 0; i < 256; i++)
		if (((i ^ value[byte]) & mask[byte]) == 0)
			words[i] |= bit;
}

/* A rule with an address has a family. */
static void add_addr(const struct qos_rule *rule, const struct qos_rule_addr *addr, __u64 bit,
		     __u64 high[256], __u64 low[256])
{
	bool v6 = (rule->key_value & QOS_KEY_FAMILY(0xff)) == QOS_KEY_FAMILY(QOS_FAMILY_IPV6);

	add_byte(addr, v6 ? QOS_ADDR6_HIGH : QOS_ADDR4_HIGH, bit, high);
	add_byte(addr, v6 ? QOS_ADDR6_LOW : QOS_ADDR4_LOW, bit, low);
}

/* An address that is not asked for has mask zero, which leaves all open. */
static void add_rule(const struct qos_rule *rule, __u64 bit, struct qos_rule_index *index)
{
	uint32_t ports = rule->flags & (QOS_RULE_SPORT | QOS_RULE_DPORT);

	add_family(rule, bit, index);
	add_proto(rule, bit, index);
	add_dscp(rule, bit, index);
	if (!ports)
		index->portless |= bit;
	add_ports(rule->sport_min, ports & QOS_RULE_SPORT ? rule->sport_span : 0xffff, bit,
		  index->sport_high, index->sport_low);
	add_ports(rule->dport_min, ports & QOS_RULE_DPORT ? rule->dport_span : 0xffff, bit,
		  index->dport_high, index->dport_low);
	add_addr(rule, &rule->src, bit, index->src_high, index->src_low);
	add_addr(rule, &rule->dst, bit, index->dst_high, index->dst_low);
}

void qos_rules_index(const struct qos_rule *rules, size_t count, struct qos_rule_index *ret_index)
{
	memset(ret_index, 0, sizeof(*ret_index));
	for (size_t i = 0; i < count && i < QOS_RULE_BLOCK; i++)
		add_rule(&rules[i], 1ULL << i, ret_index);
}
