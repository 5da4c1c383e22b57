/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to parse/: from bytes to tree. */
#ifndef QOS_PARSE_LOAD_H
#define QOS_PARSE_LOAD_H

#include <stddef.h>

#include "base/cleanup.h"
#include "parse/doc.h"

#define DOC_LEVELS     64
#define DOC_NODES      1000000
#define DOC_ALIAS_TEXT (16U << 20)
#define DOC_ANCHORS    256

/* Bounds of what a document may grow to. */
struct doc_size {
	size_t nodes;
	size_t alias_text; /* bytes that aliases repeated */
};

/*
 * UTF-8 of printable characters, with LF or CR LF for line breaks: YAML 1.1
 * counts more characters as breaks than editors do, and then no line number
 * would be right. -EINVAL with a diagnostic for the first that is not.
 */
int doc_check_text(const char *text, size_t len, struct qos_diags *diags);

/* -ENOMEM as null. Takes no ownership of its arguments. */
struct qos_node *doc_node_new(enum qos_node_kind kind, struct qos_loc loc);

/* A copy with its items but without key and successor; depth is the level that
 * it will have. -E2BIG over the bounds, -ENOMEM. */
int doc_node_copy(const struct qos_node *node, size_t depth, struct doc_size *size,
		  struct qos_node **ret_copy);

/* Take duplicate and merge keys out of a complete map, with their diagnostics;
 * what was taken out is put in front of *removed (anchors may still point to
 * it). -ENOMEM. */
int doc_map_prune(struct qos_node *map, struct qos_diags *diags, struct qos_node **removed);

DEFINE_CLEANUP(struct qos_node *, doc_node_freep, qos_node_free)

#endif
