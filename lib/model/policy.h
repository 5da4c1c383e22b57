/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A policy, typed and found consistent; what the file said, defaults resolved. */
#ifndef QOS_MODEL_POLICY_H
#define QOS_MODEL_POLICY_H

#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>

#include "base/diag.h"
#include "base/names.h"
#include "model/cron.h"

struct qos_node;

/* Letters, digits, '-', '_' and '.'; starts with a letter or digit; not "link". */
#define QOS_CLASS_NAME_MAX     63

#define QOS_POLICY_CLASSES     4096 /* at most, on all levels together */
#define QOS_POLICY_DEPTH       8

#define QOS_POLICY_SCHEDULES   256 /* at most */

#define QOS_POLICY_MASKS       4 /* different ones, of marks */

#define QOS_POLICY_LATENCY     5000000ULL    /* ns; the default: CoDel's target (RFC 8289) */
#define QOS_POLICY_LATENCY_MAX 1000000000ULL /* ns */

#define QOS_PARENT_LINK	       (-1)

/* What is not for inner classes has its default there, and no meaning. */
struct qos_class {
	char *name;	    /* the only one of its name in the tree */
	struct qos_loc loc; /* of its name */
	int parent;	    /* its index, or QOS_PARENT_LINK */
	unsigned int depth; /* 1 for the classes of the link, to QOS_POLICY_DEPTH */
	bool inner;	    /* divided among its classes, without packets of its own */

	/* bits/s guaranteed; 0: nothing is. Of an inner class that does not say it: the
	 * sum of what its classes are guaranteed, and rate_loc is no place. */
	uint64_t rate;
	struct qos_loc rate_loc;
	/* bits/s never exceeded, at most the parent's. Where nothing above has a limit, a
	 * rate that is given is the ceiling too, one that is a sum is not; 0: no limit. */
	uint64_t ceil;
	uint64_t weight; /* of what is borrowed, among its siblings; never 0 */
	uint64_t burst;	 /* bytes; 0: left to the default */

	enum qos_priority priority;
	enum qos_fairness fairness;
	uint8_t host6_len; /* of the IPv6 prefix that counts as one host, 1…128 */
	bool ecn;	   /* mark, where the packet allows it, before dropping */
	int dscp;	   /* to write, or -1 */
	uint64_t per_flow; /* bits/s that no flow, or host, exceeds; 0: no such limit */
	uint64_t latency;  /* ns of queue aimed at */
	uint64_t limit;	   /* ns; 0: left to the default */
};

struct qos_port_range {
	uint16_t min, max;
};

struct qos_prefix {
	uint8_t family;	      /* 4 or 6 */
	uint8_t len;	      /* of the family: 0…32 or 0…128 */
	struct in6_addr addr; /* IPv4 mapped (::ffff:a.b.c.d); host bits are zero */
};

struct qos_range {
	uint32_t min, max;
};

/* Matches x where (x & mask) == value; value has no bit that mask has not. */
struct qos_masked {
	uint32_t value, mask;
};

/* The only family, 4 or 6, whose packets are of a protocol; 0: both are. */
static inline uint8_t qos_proto_family(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_ICMP:
	case IPPROTO_IGMP:
		return 4;
	case IPPROTO_ICMPV6:
		return 6;
	default:
		return 0;
	}
}

struct qos_icmp_type {
	uint8_t family; /* 4: of ICMP, 6: of ICMPv6, 0: of either */
	uint8_t type;
	int16_t code; /* -1: any */
};

/* The outermost tag's identifier is 0…4095; this stands for a frame without a tag. */
#define QOS_VLAN_NONE 4096

/* Longest packet of IPv6, with its header; jumbograms count as that. */
#define QOS_LENGTH_LIMIT 65575

/* Longest path of a cgroup, with its final zero; how many names it has at most. */
#define QOS_CGROUP_PATH	  256
#define QOS_CGROUP_LEVELS 32

/*
 * What a rule asks for: keys are all-of, the entries of one are any-of, none is any. A key
 * asks for what it is of: a packet without ports (a later fragment, say) has no port that
 * is in a list, one without a socket here no uid and no cgroup, a packet that is not IP no
 * address, DSCP, protocol, family or length.
 */
struct qos_match {
	/* clang-format off */
	uint8_t *proto;			size_t proto_count;	/* of qos_proto_family() */
	struct qos_prefix *src;		size_t src_count;
	struct qos_prefix *dst;		size_t dst_count;
	struct qos_port_range *sport;	size_t sport_count;
	struct qos_port_range *dport;	size_t dport_count;
	struct qos_masked *mark;	size_t mark_count;
	/* paths in cgroup v2, from its root, without a slash at either end; of the cgroup
	 * and of all below it */
	char **cgroup;			size_t cgroup_count;
	struct qos_range *uid;		size_t uid_count;
	struct qos_range *vlan;		size_t vlan_count;	/* 0…4095, QOS_VLAN_NONE */
	struct qos_range *length;	size_t length_count;	/* of the IP packet, bytes;
								 * of GSO, of a full segment */
	struct qos_masked *tcp_flags;	size_t tcp_flags_count;	/* 8 bits, FIN is 1, CWR 128 */
	struct qos_icmp_type *icmp_type; size_t icmp_type_count;
	struct qos_match *excluded;	size_t excluded_count;	/* `not`: it is none of these,
								 * which exclude nothing */
	/* clang-format on */
	uint64_t dscp;	/* bit n: DSCP n; 0: any */
	uint8_t family; /* 0, 4 or 6 */
};

struct qos_rule_def {
	struct qos_loc loc;
	bool drop;
	size_t class_index; /* of a leaf in classes; unless drop */
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
	/* `tunnel: inner`: of a packet in VXLAN, GRE or IP in IP, rules and flows go by the
	 * addresses, protocol, ports and DSCP of the inner packet */
	bool tunnel_inner;
	enum qos_gso gso;
	uint32_t gso_size; /* bytes, with QOS_GSO_SIZE; else 0 */
};

/*
 * One value put over the file's, by a schedule or by hand: of a class or of "link", of
 * one of the keys that are numbers in the tables of a running program. A value without
 * a place (line 0) is from no file.
 */
struct qos_override {
	const char *class;
	const char *key;
	const struct qos_node *value;
};

struct qos_schedule {
	char *name; /* of letters as those of classes; the only one of its name */
	struct qos_loc loc;
	char *cron_text; /* as written, on one line */
	struct qos_cron cron;
	struct qos_override *overrides; /* what it sets, in the file's order; may be none */
	size_t override_count;
	struct qos_node *set; /* that those point into */
};

/* A value that somebody put over the file's, with `set`. */
struct qos_set {
	char *class; /* or "link" */
	char *key, *value;
	uint64_t ends; /* CLOCK_BOOTTIME, ns; 0: not by itself */
};

struct qos_policy {
	char *path;   /* as given */
	char *source; /* what was read there */
	char *interface;
	struct qos_link link;
	struct qos_class *classes; /* a parent before its children, else in the file's order */
	size_t class_count;	   /* at least one */
	size_t default_class;	   /* index of a leaf */
	struct qos_rule_def *rules;
	size_t rule_count;
	const struct qos_set *sets; /* that are in it; borrowed */
	size_t set_count;
	/* who besides root can write the file, and what to do about it; null: nobody, or it
	 * does not matter. Of who opened it: qos_policy_build() leaves it out */
	char *writers, *writers_hint;
	struct qos_schedule *schedules;
	size_t schedule_count;
	/* One of schedules, whose values the others here are, and since when; null: the file's. */
	const struct qos_schedule *schedule;
	time_t schedule_since;
	const char *applied; /* when it was, of one in force (UTC); borrowed; null: it is now */
};

/*
 * From tree to policy: keys and values (build), then what they say together
 * (check). All errors are reported; -EINVAL if there was any, those that
 * qos_doc_read() left in diags included, and then no policy. -ENOMEM. path gives the
 * interface's name where the file does not.
 *
 * Overrides count as if the file said them (the last of several for one key). Without
 * any, the policy is built with each of its schedules as well, so that all of them are
 * known to be good; with some, schedules are read and not tried.
 */
int qos_policy_build(const struct qos_node *root, const char *path,
		     const struct qos_override *overrides, size_t count, struct qos_diags *diags,
		     struct qos_policy **ret_policy);

/*
 * Warn of what is right and surely not meant: rules that never match, classes that get nothing,
 * a default that surprises. At places in the policy's source, which diags have to have.
 * -ENOMEM.
 */
int qos_policy_warn(const struct qos_policy *policy, struct qos_diags *diags);

/*
 * The schedule that holds at a time: that which fired last, the later one in the file
 * where two fired at once. Null: none ever did. Of the clock alone: it does not matter
 * what the machine did then, nor since when there is the policy.
 */
const struct qos_schedule *qos_policy_schedule_at(const struct qos_policy *policy, time_t when,
						  time_t *ret_since);

#endif
