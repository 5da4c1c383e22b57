/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names ↔ numbers, the nearest name to a misspelt one, and interfaces' names. */
#ifndef QOS_BASE_NAMES_H
#define QOS_BASE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct qos_name {
	const char *name;
	int value;
};

/* In names.h, not policy.h, so that its table need not look up a stage. */
enum qos_priority {
	QOS_PRIORITY_HIGH,
	QOS_PRIORITY_NORMAL,
	QOS_PRIORITY_LOW,
};

/* Between what a class keeps the balance. */
enum qos_fairness {
	QOS_FAIR_FLOW,
	QOS_FAIR_SRC_HOST,
	QOS_FAIR_DST_HOST,
	QOS_FAIR_NONE,
};

/* What becomes of the device's gso_max_size. */
enum qos_gso {
	QOS_GSO_AUTO, /* by the link's rate */
	QOS_GSO_KEEP, /* left as it is */
	QOS_GSO_SIZE, /* as the policy says */
};

/* Whose headers rules go by. */
enum qos_tunnel {
	QOS_TUNNEL_OUTER,
	QOS_TUNNEL_INNER,
};

/* A table and its length; several names may share a value, the first is the
 * one that is printed. */
struct qos_names {
	const struct qos_name *entries;
	size_t count;
};

extern const struct qos_names qos_names_dscp;	  /* cs0…cs7 af11…af43 ef le va */
extern const struct qos_names qos_names_proto;	  /* tcp udp icmp icmpv6 sctp … */
extern const struct qos_names qos_names_priority; /* enum qos_priority */
extern const struct qos_names qos_names_fairness; /* enum qos_fairness */
extern const struct qos_names qos_names_gso;	  /* enum qos_gso, those with a name */
extern const struct qos_names qos_names_mode;	  /* enum qos_mode of abi.h */
extern const struct qos_names qos_names_family;	  /* ipv4 = 4, ipv6 = 6 */
extern const struct qos_names qos_names_tunnel;	  /* enum qos_tunnel */
extern const struct qos_names qos_names_tcp_flag; /* fin = 1 … cwr = 128 */
extern const struct qos_names qos_names_icmp;	  /* types of ICMP */
extern const struct qos_names qos_names_icmpv6;	  /* types of ICMPv6 */

/* The value, or -ENOENT. Letters count as they are written: "EF" is not "ef". */
int qos_names_find(const struct qos_names *names, const char *text);
/* The name of a value, or null. */
const char *qos_names_text(const struct qos_names *names, int value);
/* The candidate at most a third of its letters away from text (edits with
 * transposition; upper and lower case are no edit), or null; the first of
 * several as near. candidates: count pointers to strings. */
const char *qos_nearest(const char *text, const char *const *candidates, size_t count);
/* The same among the names of a table. */
const char *qos_names_nearest(const struct qos_names *names, const char *text);

/* Whether the kernel would take it as a name (dev_valid_name(), net/core/dev.c). */
bool qos_ifname_valid(const char *name);

#endif
