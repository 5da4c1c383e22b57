// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rules.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"

struct qos_rule rule_any(uint32_t slot)
{
	return (struct qos_rule){ .dscp_set = UINT64_MAX, .slot = slot };
}

struct qos_rule rule_drop(void)
{
	return (struct qos_rule){
		.dscp_set = UINT64_MAX,
		.slot = QOS_SLOT_LINK,
		.flags = QOS_RULE_DROP,
	};
}

struct qos_rule rule_proto(struct qos_rule rule, uint8_t proto)
{
	rule.key_mask |= 0xff;
	rule.key_value |= proto;
	return rule;
}

struct qos_rule rule_family(struct qos_rule rule, uint8_t family)
{
	rule.key_mask |= 0xff00;
	rule.key_value |= (uint32_t)family << 8;
	return rule;
}

struct qos_rule rule_dscp(struct qos_rule rule, uint64_t set)
{
	rule.dscp_set = set;
	return rule;
}

struct qos_rule rule_sport(struct qos_rule rule, uint16_t min, uint16_t max)
{
	rule.key_mask |= QOS_KEY_PORTS;
	rule.key_value |= QOS_KEY_PORTS;
	rule.flags |= QOS_RULE_SPORT;
	rule.sport_min = min;
	rule.sport_span = (uint16_t)(max - min);
	return rule;
}

struct qos_rule rule_dport(struct qos_rule rule, uint16_t min, uint16_t max)
{
	rule.key_mask |= QOS_KEY_PORTS;
	rule.key_value |= QOS_KEY_PORTS;
	rule.flags |= QOS_RULE_DPORT;
	rule.dport_min = min;
	rule.dport_span = (uint16_t)(max - min);
	return rule;
}

/* "::ffff:10.0.0.0/8": 128 bits in network order, and the mask of their first ones. */
static uint8_t read_prefix(const char *text, struct qos_rule_addr *addr)
{
	char host[64];
	uint8_t value[16] = { 0 }, mask[16] = { 0 };
	unsigned int bits, v4;

	assert_int_equal(sscanf(text, "%63[^/]/%u", host, &bits), 2);
	v4 = strchr(host, '.') != NULL;
	if (v4) {
		value[10] = value[11] = 0xff;
		assert_int_equal(inet_pton(AF_INET, host, value + 12), 1);
		bits += 96;
	} else {
		assert_int_equal(inet_pton(AF_INET6, host, value), 1);
	}
	for (unsigned int i = 0; i < bits; i++)
		mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
	memcpy(addr->value, value, sizeof(value));
	memcpy(addr->mask, mask, sizeof(mask));
	return v4 ? QOS_FAMILY_IPV4 : QOS_FAMILY_IPV6;
}

struct qos_rule rule_src(struct qos_rule rule, const char *prefix)
{
	uint8_t family = read_prefix(prefix, &rule.src);

	rule.flags |= QOS_RULE_SRC;
	return rule_family(rule, family);
}

struct qos_rule rule_dst(struct qos_rule rule, const char *prefix)
{
	uint8_t family = read_prefix(prefix, &rule.dst);

	rule.flags |= QOS_RULE_DST;
	return rule_family(rule, family);
}
