/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * What the program in the kernel and the controller agree on: map keys and
 * values, verdicts, counters. The one header both sides include; everything in
 * it is fixed-width and its size asserted, so a change of layout is a change of
 * QOS_ABI_VERSION and never a silent misreading of a running program's maps.
 */
#ifndef QOS_ABI_H
#define QOS_ABI_H

#include <linux/types.h>

#define QOS_ABI_VERSION 1

/* Slot 0 of every per-class map is the link itself. */
#define QOS_SLOT_LINK	0
#define QOS_MAX_CLASSES 1023

/* Rules that one block of the index tells apart: bits of a word. */
#define QOS_RULE_BLOCK 64
#define QOS_MAX_RULES  4096

/* Fragmented datagrams whose class is remembered for their later fragments. */
#define QOS_FRAGMENTS 4096

/* A cost is 2^-20 ns per byte: 1 kbit/s (8e6 ns a byte) times the largest
 * packet (2^20 bytes) still fits 64 bits, and at 100 Gbit/s the rounding is
 * 6e-6. A word of its own, so that it changes in one store.
 */
#define QOS_COST_SHIFT 20

/* Stamps of TCP's own pacing are honoured this far ahead, as fq's default
 * horizon does. A longer one costs its own packet.
 */
#define QOS_HORIZON_NS 10000000000ULL

enum qos_mode {
	QOS_MODE_FQ,	 /* stamp departures, fq holds the packets */
	QOS_MODE_POLICE, /* no fq: mark or drop what is over burst */
};

enum qos_class_flag {
	QOS_CLASS_RATE = 1 << 0,   /* the assured clock counts */
	QOS_CLASS_CEIL = 1 << 1,   /* the ceiling clock counts */
	QOS_CLASS_BORROW = 1 << 2, /* may depart on the link's clock */
};

#define QOS_DSCP_KEEP 0xff

/* Written by the controller, read by the program. */
struct qos_class_cfg {
	__u64 rate_cost;     /* cost of a byte at the guaranteed rate */
	__u64 ceil_cost;     /* cost of a byte at the ceiling */
	__u64 rate_burst_ns; /* how far an idle clock stays behind now */
	__u64 ceil_burst_ns;
	__u64 limit_ns; /* longest queue */
	__u32 priority; /* for skb->priority */
	__u32 flags;	/* enum qos_class_flag */
	__u8 dscp;	/* to write, or QOS_DSCP_KEEP */
	__u8 pad[15];
};

/* Written by the program on every packet; CLOCK_MONOTONIC, ns. */
struct qos_clocks {
	__u64 rate;
	__u64 ceil;
	__u64 pad[6]; /* a cache line: neighbours do not share it */
};

enum qos_verdict {
	QOS_PASS,	  /* in time, as it came */
	QOS_MARK,	  /* passed, congestion experienced set */
	QOS_EXEMPT,	  /* ARP, neighbour discovery: charged, not held */
	QOS_DROP_LIMIT,	  /* the class's queue is longer than its limit */
	QOS_DROP_HORIZON, /* asked to leave too far in the future */
	QOS_DROP_POLICE,  /* over burst, mode police */
	QOS_DROP_RULE,	  /* a rule said drop (counted on the link's slot) */
	QOS_VERDICTS
};

/* Per CPU. */
struct qos_counters {
	__u64 packets[QOS_VERDICTS]; /* wire packets: a GSO packet's segments */
	__u64 bytes[QOS_VERDICTS];   /* as charged, overhead included */
};

#define QOS_FAMILY_NONE 0
#define QOS_FAMILY_IPV4 4
#define QOS_FAMILY_IPV6 6

/* The small facts of a packet in one word, so that one masked compare tests
 * them all.
 */
#define QOS_KEY_PROTO(p)  ((__u32)(p))
#define QOS_KEY_FAMILY(f) ((__u32)(f) << 8)
#define QOS_KEY_PORTS	  (1U << 16) /* ports were read */

/* Of a rule; and in qos_link_cfg.used of any rule: pieces that no rule looks at are
 * not looked at.
 */
enum qos_rule_flag {
	QOS_RULE_SRC = 1 << 0,
	QOS_RULE_DST = 1 << 1,
	QOS_RULE_SPORT = 1 << 2,
	QOS_RULE_DPORT = 1 << 3,
	QOS_RULE_DROP = 1 << 4,
	QOS_RULE_PROTO = 1 << 5,
	QOS_RULE_DSCP = 1 << 6,
};

/* Addresses are 128 bits in network order, IPv4 mapped (::ffff:a.b.c.d). */
struct qos_rule_addr {
	__u64 value[2];
	__u64 mask[2];
};

struct qos_rule {
	__u32 key_mask;
	__u32 key_value;
	__u64 dscp_set;		     /* bit n: DSCP n matches */
	__u32 flags;		     /* enum qos_rule_flag */
	__u32 slot;		     /* class that it gives; QOS_SLOT_LINK with drop */
	__u16 sport_min, sport_span; /* host order; span is max - min */
	__u16 dport_min, dport_span;
	struct qos_rule_addr src;
	struct qos_rule_addr dst;
	__u64 pad[4];
};

/*
 * Which of a block's rules may match a packet, by each small piece of it: bit n
 * of a word is rule n. The rules that may match are the AND over the pieces, so
 * 64 rules cost a load each piece (bit vectors: Lakshman and Stiliadis,
 * SIGCOMM 1998). Exact but for ranges of ports and the rest of addresses, which
 * the rule itself then decides. Unused bits are in no word.
 */
struct qos_rule_index {
	__u64 family[2]; /* IPv4, IPv6 */
	__u64 portless;	 /* rules that ask for no port */
	__u64 pad;
	__u64 proto[256];
	__u64 dscp[64];
	__u64 sport_high[256], sport_low[256];
	__u64 dport_high[256], dport_low[256];
	__u64 src_high[256], src_low[256]; /* QOS_ADDR_HIGH and _LOW of the family */
	__u64 dst_high[256], dst_low[256];
};

/* Bytes of an address (IPv4 mapped) that tell networks apart best. */
#define QOS_ADDR4_HIGH 12
#define QOS_ADDR4_LOW  14
#define QOS_ADDR6_HIGH 3
#define QOS_ADDR6_LOW  7

/* The program's constants (.rodata): frozen at load, so what a policy does not
 * use costs no instruction.
 */
struct qos_link_cfg {
	__u32 mode;  /* enum qos_mode */
	__u32 rules; /* entries in use */
	__u32 default_slot;
	__u32 l2_len;	    /* 14, or 0 on a device without Ethernet header */
	__s32 overhead;	    /* bytes a packet adds to its IP length */
	__u32 mpu;	    /* least bytes a packet counts as */
	__u32 overhead_set; /* else charge the frame as the kernel has it */
	__u32 framing;	    /* enum qos_framing */
	__u32 rate_set;	    /* the link's clock counts */
	__u32 used;	    /* enum qos_rule_flag of all rules */
};

enum qos_framing {
	QOS_FRAMING_NONE,
	QOS_FRAMING_ATM, /* 48 bytes of payload in 53-byte cells */
	QOS_FRAMING_PTM, /* 64b/65b */
};

struct qos_frag_key {
	__u64 src[2];
	__u64 dst[2];
	__u32 id;
	__u32 key; /* QOS_KEY_PROTO | QOS_KEY_FAMILY */
};

/* Remembered per CPU: 16 KB, which stay in its cache. */
#define QOS_DECISION_BITS 8
#define QOS_DECISIONS	  (1 << QOS_DECISION_BITS)

/* All facts that rules read, and what the rules said of them. */
struct qos_decision {
	__u64 src[2], dst[2];
	__u64 rest; /* key, DSCP and ports; 0, which has no family: unused */
	__u32 slot; /* or the program's word for a drop */
	__u32 pad[5];
};

_Static_assert(sizeof(struct qos_class_cfg) == 64, "abi");
_Static_assert(sizeof(struct qos_clocks) == 64, "abi");
_Static_assert(sizeof(struct qos_counters) == 16 * QOS_VERDICTS, "abi");
_Static_assert(sizeof(struct qos_rule) == 128, "abi");
_Static_assert(sizeof(struct qos_rule_index) == 8 * (4 + 64 + 9 * 256), "abi");
_Static_assert(sizeof(struct qos_link_cfg) == 40, "abi");
_Static_assert(sizeof(struct qos_frag_key) == 40, "abi");
_Static_assert(sizeof(struct qos_decision) == 64, "abi");

#endif
