/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules of one value a key, as a policy has them. */
#ifndef QOS_TESTS_BPF_RULES_H
#define QOS_TESTS_BPF_RULES_H

#include <stdint.h>

#include "model/policy.h"

/* All zero: takes nothing, and is as if it were not there. */
struct rule {
	bool given, drop;
	uint32_t slot;
	uint64_t dscp;
	uint8_t family, proto;
	bool has_proto, has_sport, has_dport, has_src, has_dst;
	bool has_mark, has_vlan, has_length, has_tcp_flags, has_icmp_type;
	struct qos_port_range sport, dport;
	struct qos_prefix src, dst;
	struct qos_masked mark, tcp_flags;
	struct qos_range vlan, length;
	struct qos_icmp_type icmp_type;
};

/* A rule that takes everything, for the functions below to narrow. */
struct rule rule_any(uint32_t slot);
struct rule rule_drop(void);

struct rule rule_proto(struct rule rule, uint8_t proto);
struct rule rule_family(struct rule rule, uint8_t family);
struct rule rule_dscp(struct rule rule, uint64_t set);
struct rule rule_sport(struct rule rule, uint16_t min, uint16_t max);
struct rule rule_dport(struct rule rule, uint16_t min, uint16_t max);

struct rule rule_vlan(struct rule rule, uint16_t min, uint16_t max);
struct rule rule_length(struct rule rule, uint32_t min, uint32_t max);
struct rule rule_tcp_flags(struct rule rule, uint8_t value, uint8_t mask);
/* Of both families, with any code. */
struct rule rule_icmp_type(struct rule rule, uint8_t type);
/* The mask is one of the link's, too. */
struct rule rule_mark(struct rule rule, uint32_t value, uint32_t mask);

/* "10.0.0.0/8" or "fd00::/8"; of its family only. */
struct rule rule_src(struct rule rule, const char *prefix);
struct rule rule_dst(struct rule rule, const char *prefix);

/* Those that are given, which they point into; how many. The array is the caller's. */
size_t rules_define(struct rule *rules, size_t count, struct qos_rule_def **ret_defs);
/* Bits of enum qos_piece that they look at. */
uint32_t rules_used(const struct rule *rules, size_t count);

#endif
