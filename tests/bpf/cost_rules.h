/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules of the programs that bpf_cost measures, and packets that some of them take. */
#ifndef QOS_TESTS_BPF_COST_RULES_H
#define QOS_TESTS_BPF_COST_RULES_H

#include "rules.h"

#define COST_LEAVES	  3	/* classes of the rules: slots 1 to 3 */
#define COST_PREFIX_RULES 10000 /* the first of more; the others are of mixed kinds */

/* So many, of which none takes a packet to TCP port 443 but by its addresses. The caller's. */
struct rule *cost_rules(uint32_t count);

/* Source and destination, in networks of the prefix rules, or beside them. */
void cost_places(uint32_t (*places)[2], size_t count);

#endif
