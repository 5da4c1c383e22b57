/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* Of abi.h: what rules look at, and what they say. */
#ifndef QOS_PIECES_H
#define QOS_PIECES_H

#include <linux/types.h>

#define QOS_MAX_MASKS 4 /* that marks are looked at through */

/*
 * What rules look at, piece by piece. Each value of a piece has a set: the entries that it
 * leaves possible. The entries that match a packet are the AND of its pieces' sets, and the
 * first of them wins (bit vectors: Lakshman and Stiliadis, SIGCOMM 1998; with a summary, a
 * bit for each word that is not 0: Baboescu and Varghese, SIGCOMM 2001). Pieces that no rule
 * looks at (qos_link_cfg.used) are not looked at.
 */
enum qos_piece {
	QOS_PIECE_KIND, /* family and protocol; always in use */
	QOS_PIECE_DSCP,
	QOS_PIECE_SPORT,
	QOS_PIECE_DPORT,
	QOS_PIECE_VLAN,
	QOS_PIECE_LENGTH,
	QOS_PIECE_TCP,
	QOS_PIECE_ICMP,
	/* too many values for a table: it has the set of packets that have none, and, of all but
	 * cgroups, which have a map of their own, where to look for the others (QOS_RANGES) */
	QOS_PIECE_SRC,
	QOS_PIECE_DST,
	QOS_PIECE_UID,
	QOS_PIECE_CGROUP,
	QOS_PIECE_MARK, /* through each mask */
	QOS_PIECES = QOS_PIECE_MARK + QOS_MAX_MASKS,
};

#define QOS_USED(piece) (1U << (piece))

/*
 * Entries of a piece's table: a set for each value, and one for packets that have none
 * (QOS_NO_…, the last).
 */
#define QOS_KINDS      (1U << 11) /* families and protocols, as in a key */
#define QOS_NO_DSCP    64
#define QOS_NO_PORT    65536
#define QOS_NO_VLAN    4096
#define QOS_NO_LENGTH  65576
#define QOS_LENGTH_MAX 65575 /* IPv6, without jumbograms; longer ones count as that */
#define QOS_NO_TCP     256
#define QOS_ICMP_V6    65536 /* type and code of ICMPv6 are after those of ICMP */
#define QOS_NO_ICMP    (QOS_ICMP_V6 + 65536)

/* Values of tables are in the map by lines. */
#define QOS_VALUES 16

struct qos_values {
	__u32 set[QOS_VALUES];
};

/* No socket, or none with a user. */
#define QOS_NO_UID 0xffffffffU

/* No helper has this number: the call that the controller makes one of bpf_cast_to_kern_ctx(). */
#define QOS_CALL_KERNEL_SKB 0x716f73

/* Offsets that no struct has: the controller puts those of the kernel's structs in their place. */
enum qos_member {
	QOS_MEMBERS_BEGIN = 0x7100,
	QOS_SKB_SOCK = QOS_MEMBERS_BEGIN,
	QOS_SOCK_STATE,
	QOS_SOCK_UID,
	QOS_SOCK_NET,
	QOS_NET_USER_NS,
	QOS_USER_NS_LEVEL,
	QOS_SOCK_CGROUP,
	QOS_CGROUP_NODE,
	QOS_NODE_ID,
	QOS_MEMBERS_END
};

/* In the table of a piece that has ranges: of IPv4 addresses, users, marks; of IPv6 addresses. */
#define QOS_RANGES  1
#define QOS_RANGES6 2

/*
 * Ranges of 32-bit numbers, sixteen a node, and where each leads: to a set, or a node for the same
 * number, or one for the next 32 bits of an address (multiway and multicolumn search: Lampson,
 * Srinivasan and Varghese, INFOCOM 1998). The first of the numbers that may come to a node is
 * always in its first range; what ranges there are not are as the last.
 */
#define QOS_FANOUT  16
#define QOS_WORDS   4 /* of an address; IPv4 has the last */

#define QOS_TO_SET  (1U << 31)
#define QOS_TO_NEXT (1U << 30)
#define QOS_TO(to)  ((to) & (QOS_TO_NEXT - 1))

/* Nodes from a root to a set, at most: there are 2^20, so a word has 5 levels, and a last one. */
#define QOS_STEPS     (6 * QOS_WORDS)
#define QOS_MAX_NODES (1U << 20)

struct qos_ranges {
	__u32 first[QOS_FANOUT];
	__u32 to[QOS_FANOUT];
};

/* Longest path of a cgroup, with its final zero. */
#define QOS_CGROUP_NAME 256

/* What an entry says: the class's slot, or QOS_DROP_SLOT, and its rule's number, from 1 on. */
#define QOS_DECIDED(slot, rule) ((__u32)(rule) << 16 | (slot))
#define QOS_DECIDED_SLOT(word)	((word)&0xffff)
#define QOS_DECIDED_RULE(word)	((word) >> 16) /* 0: none, so the default class */
#define QOS_DROP_SLOT		0xffffU

/* By bit of the sets. */
struct qos_entry {
	__u32 decided;
	__u32 skip; /* the first word of the next group: entries of one are in the rules' order */
};

/* Per CPU, by a rule's number; what is remembered for a flow (struct qos_decision) is not in it. */
struct qos_hits {
	__u64 packets;
	__u64 bytes; /* of frames, without overhead */
};

_Static_assert(sizeof(struct qos_values) == 64, "abi");
_Static_assert(sizeof(struct qos_ranges) == 128, "abi");
_Static_assert(sizeof(struct qos_entry) == 8, "abi");
_Static_assert(sizeof(struct qos_hits) == 16, "abi");

#endif
