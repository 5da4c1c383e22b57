/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A YAML document as a located tree: what the text says and where, nothing of
 * what it means. Anchors and aliases are resolved (an aliased node keeps the
 * place where it was written); merge keys (<<), several documents, tags and
 * duplicate keys are errors with their place.
 */
#ifndef QOS_PARSE_DOC_H
#define QOS_PARSE_DOC_H

#include "base/diag.h"

#define QOS_DOC_MAX (4U << 20)

enum qos_node_kind {
	QOS_NODE_SCALAR,
	QOS_NODE_LIST,
	QOS_NODE_MAP,
};

struct qos_node {
	enum qos_node_kind kind;
	struct qos_loc loc;
	/* scalar: its text; whether it was quoted (then it is never null, a number …) */
	char *text;
	int quoted;
	/* list and map: items in the order of the file, linked; in a map each has a key */
	struct qos_node *first;
	struct qos_node *next;
	char *key;
	struct qos_loc key_loc;
};

/* Open a policy file, a regular one. -EINVAL, or the errno of opening it, with a diagnostic. */
int qos_file_open(const char *path, struct qos_diags *diags, int *ret_fd);
/*
 * The text of an open one, the caller's and ended by a NUL, and the source of diags set to it.
 * At most QOS_DOC_MAX bytes; a byte order mark is taken off. -EFBIG, -ENOMEM, or
 * the errno of reading it, with a diagnostic.
 */
int qos_file_read(int fd, const char *path, struct qos_diags *diags, char **ret_text,
		  size_t *ret_len);

/*
 * Bounded for hostile input: at most QOS_DOC_MAX bytes of text, 64 levels, and
 * after aliases are expanded 1,000,000 nodes with 16 MiB of text. An empty file
 * is an empty map.
 * -EINVAL with diagnostics where the text cannot be read as a tree; -ENOMEM.
 * Where it can, but is wrong (duplicate and merge keys, tags, a second
 * document), 0, the diagnostics, and the tree without those, so that the rest
 * of the file can be judged as well: qos_policy_build() fails then.
 * The tree is the caller's.
 */
int qos_doc_read(const char *text, size_t len, struct qos_diags *diags, struct qos_node **ret_root);
void qos_node_free(struct qos_node *root);

/* A copy, without key and successor. -E2BIG over the bounds of aliases, -ENOMEM. */
int qos_node_copy(const struct qos_node *node, struct qos_node **ret_copy);

/* The item of a map with that key, or null; null for what is no map. */
const struct qos_node *qos_node_get(const struct qos_node *map, const char *key);
/* "a mapping", "a list", "a text": for messages. */
const char *qos_node_kind_text(const struct qos_node *node);

#endif
