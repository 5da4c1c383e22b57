/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rules → what the program finds them by: for each piece of a packet (enum qos_piece) the
 * set of entries that each of its values leaves possible.
 */
#ifndef QOS_COMPILE_TABLES_H
#define QOS_COMPILE_TABLES_H

#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "base/diag.h"
#include "model/policy.h"

/* Most that sets may take in the kernel. */
#define QOS_SETS_BYTES (128ULL << 20)

struct qos_plan_cgroup {
	const char *path; /* the policy's */
	uint32_t set;
};

struct qos_tables {
	uint32_t used;	  /* bits of enum qos_piece */
	uint32_t entries; /* of rules; at most QOS_MAX_ENTRIES */
	uint32_t words;	  /* of a set: a bit for each entry, and those that are none */
	uint32_t skip[QOS_MAX_ENTRIES / QOS_RULE_BLOCK]; /* by word: see struct qos_entry */
	uint32_t begin[QOS_PIECES];			 /* of a piece's table, in values */
	uint32_t masks[QOS_MAX_MASKS];
	uint32_t cgroup_levels;
	/* by bit: QOS_DECIDED, slots as the plan has them; 0: none */
	uint32_t *decided;

	/* set n is at sets + n * qos_set_words(words) */
	uint64_t *sets;
	size_t set_count;
	uint32_t *values;
	size_t value_count;	  /* a multiple of QOS_VALUES */
	struct qos_ranges *nodes; /* at most QOS_MAX_NODES */
	size_t node_count;
	struct qos_plan_cgroup *cgroups;
	size_t cgroup_count;
};

/* Of a set in memory: its summary, where it has one, and itself. */
uint32_t qos_set_words(uint32_t words);

/* Pieces that a set of rules has to have a table for though no rule looks at them, and words. */
struct qos_tables_shape {
	uint32_t used;
	uint32_t words;
};

/*
 * least: may be null. -E2BIG with a diagnostic at the rule for which there is no room any more,
 * -ENOMEM. The tables point into the rules.
 */
int qos_tables_compile(const struct qos_rule_def *rules, size_t count,
		       const struct qos_tables_shape *least, struct qos_diags *diags,
		       struct qos_tables **ret_tables);
void qos_tables_free(struct qos_tables *tables);

#endif
