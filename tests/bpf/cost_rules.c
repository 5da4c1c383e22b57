// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cost_rules.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"
#include "lcg.h"

/* What a household or an office writes; none of it takes packets to TCP port 443. */
static struct rule realistic(uint32_t i)
{
	switch (i % 10) {
	case 0:
		return rule_dscp(rule_any(2), 1ULL << 46 | 1ULL << 40); /* EF, CS5 */
	case 1:
		return rule_dport(rule_proto(rule_any(2), IPPROTO_UDP), 3478, 3481);
	case 2:
		return rule_dport(rule_proto(rule_any(2), IPPROTO_UDP), 53, 53);
	case 3:
		return rule_dport(rule_proto(rule_any(2), IPPROTO_TCP), 22, 22);
	case 4:
		return rule_src(rule_any(3), "10.1.0.0/24");
	case 5:
		return rule_src(rule_any(3), "fd00:1::/64");
	case 6:
		return rule_dst(rule_any(3), "192.168.0.0/16");
	case 7:
		return rule_sport(rule_proto(rule_any(3), IPPROTO_TCP), 873, 873);
	case 8:
		return rule_dport(rule_dst(rule_any(3), "203.0.113.0/24"), 8000, 8999);
	default:
		return rule_dscp(rule_any(3), 1ULL << 8); /* CS1 */
	}
}

/* A network for each, of those that packets of PROGRAM_NEW_FLOW go between. */
static struct rule prefix_rule(uint32_t i)
{
	char text[32];

	snprintf(text, sizeof(text), "%u.%u.%u.0/24", i % 2 ? 172 : 100, i >> 8 & 0xff, i & 0xff);
	return i % 2 ? rule_dst(rule_any(1 + i % COST_LEAVES), text) :
		       rule_src(rule_any(1 + i % COST_LEAVES), text);
}

/* As realistic(), and no two the same. */
static struct rule mixed_rule(uint32_t i)
{
	struct rule rule = realistic(i);

	if (rule.has_dport)
		rule.dport.min = rule.dport.max = (uint16_t)(1024 + i);
	else
		rule = rule_sport(rule, (uint16_t)(1024 + i), (uint16_t)(1030 + i));
	return rule;
}

struct rule *cost_rules(uint32_t count)
{
	struct rule *rules = calloc(count + 1, sizeof(*rules));

	assert_non_null(rules);
	for (uint32_t i = 0; i < count; i++) {
		if (count <= COST_PREFIX_RULES)
			rules[i] = realistic(i);
		else
			rules[i] = i < COST_PREFIX_RULES ? prefix_rule(i) : mixed_rule(i);
	}
	return rules;
}

/* An address in one of a hundred hundreds of networks. */
static uint32_t address(uint32_t first, uint32_t *random)
{
	return htonl(first << 24 | lcg_next(random) % COST_PREFIX_RULES << 8 | 7);
}

void cost_places(uint32_t (*places)[2], size_t count)
{
	uint32_t random = 1;

	for (size_t i = 0; i < count; i++) {
		places[i][0] = address(100, &random);
		places[i][1] = address(172, &random);
	}
}
