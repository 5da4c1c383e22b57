// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rules.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "abi.h"

struct rule rule_any(uint32_t slot)
{
	return (struct rule){ .given = true, .slot = slot };
}

struct rule rule_drop(void)
{
	return (struct rule){ .given = true, .drop = true };
}

struct rule rule_proto(struct rule rule, uint8_t proto)
{
	rule.has_proto = true;
	rule.proto = proto;
	return rule;
}

struct rule rule_family(struct rule rule, uint8_t family)
{
	rule.family = family;
	return rule;
}

struct rule rule_dscp(struct rule rule, uint64_t set)
{
	rule.dscp = set;
	return rule;
}

struct rule rule_sport(struct rule rule, uint16_t min, uint16_t max)
{
	rule.has_sport = true;
	rule.sport = (struct qos_port_range){ min, max };
	return rule;
}

struct rule rule_dport(struct rule rule, uint16_t min, uint16_t max)
{
	rule.has_dport = true;
	rule.dport = (struct qos_port_range){ min, max };
	return rule;
}

struct rule rule_vlan(struct rule rule, uint16_t min, uint16_t max)
{
	rule.has_vlan = true;
	rule.vlan = (struct qos_range){ min, max };
	return rule;
}

struct rule rule_length(struct rule rule, uint32_t min, uint32_t max)
{
	rule.has_length = true;
	rule.length = (struct qos_range){ min, max };
	return rule;
}

struct rule rule_tcp_flags(struct rule rule, uint8_t value, uint8_t mask)
{
	rule.has_tcp_flags = true;
	rule.tcp_flags = (struct qos_masked){ value, mask };
	return rule;
}

struct rule rule_icmp_type(struct rule rule, uint8_t type)
{
	rule.has_icmp_type = true;
	rule.icmp_type = (struct qos_icmp_type){ .type = type, .code = -1 };
	return rule;
}

struct rule rule_mark(struct rule rule, uint32_t value, uint32_t mask)
{
	rule.has_mark = true;
	rule.mark = (struct qos_masked){ value, mask };
	return rule;
}

static struct qos_prefix read_prefix(const char *text)
{
	struct qos_prefix prefix = { .family = 6 };
	char host[64];
	unsigned int bits;

	assert_int_equal(sscanf(text, "%63[^/]/%u", host, &bits), 2);
	prefix.len = (uint8_t)bits;
	if (strchr(host, '.')) {
		prefix.family = 4;
		prefix.addr.s6_addr[10] = prefix.addr.s6_addr[11] = 0xff;
		assert_int_equal(inet_pton(AF_INET, host, &prefix.addr.s6_addr[12]), 1);
	} else {
		assert_int_equal(inet_pton(AF_INET6, host, &prefix.addr), 1);
	}
	return prefix;
}

struct rule rule_src(struct rule rule, const char *prefix)
{
	rule.has_src = true;
	rule.src = read_prefix(prefix);
	return rule;
}

struct rule rule_dst(struct rule rule, const char *prefix)
{
	rule.has_dst = true;
	rule.dst = read_prefix(prefix);
	return rule;
}

size_t rules_define(struct rule *rules, size_t count, struct qos_rule_def **ret_defs)
{
	struct qos_rule_def *defs = calloc(count + 1, sizeof(*defs));
	size_t given = 0;

	assert_non_null(defs);
	for (size_t i = 0; i < count; i++) {
		struct rule *rule = &rules[i];

		if (!rule->given)
			continue;
		defs[given++] = (struct qos_rule_def){
			.drop = rule->drop,
			.class_index = rule->slot - 1,
			.match = {
				.family = rule->family,
				.dscp = rule->dscp,
				.proto = &rule->proto,
				.proto_count = rule->has_proto,
				.src = &rule->src,
				.src_count = rule->has_src,
				.dst = &rule->dst,
				.dst_count = rule->has_dst,
				.sport = &rule->sport,
				.sport_count = rule->has_sport,
				.dport = &rule->dport,
				.dport_count = rule->has_dport,
				.mark = &rule->mark,
				.mark_count = rule->has_mark,
				.vlan = &rule->vlan,
				.vlan_count = rule->has_vlan,
				.length = &rule->length,
				.length_count = rule->has_length,
				.tcp_flags = &rule->tcp_flags,
				.tcp_flags_count = rule->has_tcp_flags,
				.icmp_type = &rule->icmp_type,
				.icmp_type_count = rule->has_icmp_type,
			},
		};
	}
	*ret_defs = defs;
	return given;
}

uint32_t rules_used(const struct rule *rules, size_t count)
{
	uint32_t used = QOS_USED(QOS_PIECE_KIND);

	for (size_t i = 0; i < count; i++) {
		used |= rules[i].dscp ? QOS_USED(QOS_PIECE_DSCP) : 0;
		used |= rules[i].has_sport ? QOS_USED(QOS_PIECE_SPORT) : 0;
		used |= rules[i].has_dport ? QOS_USED(QOS_PIECE_DPORT) : 0;
		used |= rules[i].has_src ? QOS_USED(QOS_PIECE_SRC) : 0;
		used |= rules[i].has_dst ? QOS_USED(QOS_PIECE_DST) : 0;
		used |= rules[i].has_mark ? QOS_USED(QOS_PIECE_MARK) : 0;
		used |= rules[i].has_vlan ? QOS_USED(QOS_PIECE_VLAN) : 0;
		used |= rules[i].has_length ? QOS_USED(QOS_PIECE_LENGTH) : 0;
		used |= rules[i].has_tcp_flags ? QOS_USED(QOS_PIECE_TCP) : 0;
		used |= rules[i].has_icmp_type ? QOS_USED(QOS_PIECE_ICMP) : 0;
	}
	return used;
}
