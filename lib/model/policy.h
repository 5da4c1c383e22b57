/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A policy, typed and found consistent; what the file said, defaults resolved. */
#ifndef QOS_MODEL_POLICY_H
#define QOS_MODEL_POLICY_H

#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>

#include "base/diag.h"
#include "base/names.h"

struct qos_node;

/* Letters, digits, '-', '_' and '.'; starts with a letter or digit; not "link". */
#define QOS_CLASS_NAME_MAX 63

struct qos_class {
	char *name;
	struct qos_loc loc; /* of its name */
	enum qos_priority priority;
	uint64_t rate; /* bits/s guaranteed; 0: nothing is */
	struct qos_loc rate_loc;
	uint64_t ceil;	/* bits/s never exceeded; 0: no ceiling and no link rate */
	uint64_t burst; /* bytes; 0: left to the default */
	uint64_t limit; /* ns; 0: left to the default */
	int dscp;	/* to write, or -1 */
};

struct qos_port_range {
	uint16_t min, max;
};

struct qos_prefix {
	uint8_t family;	      /* 4 or 6 */
	uint8_t len;	      /* of the family: 0…32 or 0…128 */
	struct in6_addr addr; /* IPv4 mapped (::ffff:a.b.c.d); host bits are zero */
};

/* What a rule asks for: keys are all-of, the entries of one are any-of, none is any. */
struct qos_match {
	/* clang-format off */
	uint8_t *proto;			size_t proto_count;
	struct qos_prefix *src;		size_t src_count;
	struct qos_prefix *dst;		size_t dst_count;
	struct qos_port_range *sport;	size_t sport_count;
	struct qos_port_range *dport;	size_t dport_count;
	/* clang-format on */
	uint64_t dscp;	/* bit n: DSCP n; 0: any */
	uint8_t family; /* 0, 4 or 6 */
};

struct qos_rule_def {
	struct qos_loc loc;
	bool drop;
	size_t class_index; /* into classes; unless drop */
	struct qos_match match;
};

enum qos_link_framing {
	QOS_LINK_PLAIN,
	QOS_LINK_ATM,
	QOS_LINK_PTM,
};

struct qos_link {
	uint64_t rate; /* bits/s; 0: no aggregate limit */
	struct qos_loc rate_loc;
	bool overhead_set;
	int32_t overhead; /* bytes added to the IP packet, as CAKE counts: -64…256 */
	uint32_t mpu;	  /* 0…256 */
	enum qos_link_framing framing;
	bool police; /* mode: police */
};

struct qos_policy {
	char *path; /* as given */
	char *interface;
	struct qos_link link;
	struct qos_class *classes; /* in the file's order, at least one */
	size_t class_count;
	size_t default_class; /* index */
	struct qos_rule_def *rules;
	size_t rule_count;
};

/*
 * From tree to policy: keys and values (build), then what they say together
 * (check). All errors are reported; -EINVAL if there was any, those that
 * qos_doc_read() left in diags included, and then no policy. -ENOMEM. path gives the
 * interface's name where the file does not.
 */
int qos_policy_build(const struct qos_node *root, const char *path, struct qos_diags *diags,
		     struct qos_policy **ret_policy);

#endif
