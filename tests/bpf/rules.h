/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Entries of the rule table, as the controller writes them. */
#ifndef QOS_TESTS_BPF_RULES_H
#define QOS_TESTS_BPF_RULES_H

#include <stdint.h>

#include "abi.h"

/* A rule that takes everything, for the functions below to narrow. */
struct qos_rule rule_any(uint32_t slot);
struct qos_rule rule_drop(void);

struct qos_rule rule_proto(struct qos_rule rule, uint8_t proto);
struct qos_rule rule_family(struct qos_rule rule, uint8_t family);
struct qos_rule rule_dscp(struct qos_rule rule, uint64_t set);
struct qos_rule rule_sport(struct qos_rule rule, uint16_t min, uint16_t max);
struct qos_rule rule_dport(struct qos_rule rule, uint16_t min, uint16_t max);

/* "10.0.0.0/8" or "fd00::/8"; of its family only. */
struct qos_rule rule_src(struct qos_rule rule, const char *prefix);
struct qos_rule rule_dst(struct qos_rule rule, const char *prefix);

#endif
