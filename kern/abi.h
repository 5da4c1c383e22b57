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

#define QOS_ABI_VERSION 3

/* Slot 0 of every per-class map is the link itself. */
#define QOS_SLOT_LINK	0
#define QOS_MAX_CLASSES 4096

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
	QOS_CLASS_RATE = 1 << 0,     /* the assured clock counts */
	QOS_CLASS_CEIL = 1 << 1,     /* the ceiling clock counts */
	QOS_CLASS_BORROW = 1 << 2,   /* may depart on what the parent has to share */
	QOS_CLASS_FAIR = 1 << 3,     /* its flows share it */
	QOS_CLASS_SRC_HOST = 1 << 4, /* a flow is a source host */
	QOS_CLASS_DST_HOST = 1 << 5,
	QOS_CLASS_PER_FLOW = 1 << 6, /* a flow has a rate */
	QOS_CLASS_ECN = 1 << 7,	     /* marks rather than drops */
};

#define QOS_DSCP_KEEP 0xff

/* Priorities of borrowing: high, normal, low. */
#define QOS_LEVELS 3

/* The largest weight among siblings; others are in proportion to it. */
#define QOS_WEIGHT_BITS 19
#define QOS_WEIGHT_ONE	(1U << QOS_WEIGHT_BITS)

/* Virtual time is in 2^-16 bytes of weight QOS_WEIGHT_ONE. */
#define QOS_VIRTUAL_SHIFT 16

/* A leaf is said to be busy for so much longer, so that it need not be said for each packet. */
#define QOS_BUSY_STEP_NS (1ULL << 20)

#define QOS_NO_SLOT	 0xffffffffU

/*
 * Written by the controller, read by the program. Of an inner class, as of the
 * link, only what its children need: rates, weight, parents, period.
 */
struct qos_class_cfg {
	/* the first line is all that a packet needs which waits for nobody */
	__u64 rate_cost;     /* cost of a byte at the guaranteed rate */
	__u64 ceil_cost;     /* cost of a byte at the ceiling */
	__u64 rate_burst_ns; /* how far an idle clock stays behind now */
	__u64 ceil_burst_ns;
	__u32 flags;	    /* enum qos_class_flag */
	__u32 parent;	    /* slot, or QOS_NO_SLOT */
	__u32 hard;	    /* nearest ancestor whose ceiling counts, or QOS_NO_SLOT */
	__u32 priority;	    /* for skb->priority */
	__u32 packet_bytes; /* the largest packet that is to be expected */
	__u8 dscp;	    /* to write, or QOS_DSCP_KEEP */
	__u8 level;	    /* of borrowing */
	__u8 levels;	    /* of an inner class: bits of the levels below it */
	__u8 period_shift;  /* 2^n ns between two looks at shares, and a turn of the wheel */
	__u8 parent_shift;  /* the parent's */
	__u8 host6_len;	    /* of the IPv6 prefix that is one host */
	__u8 pad[6];
	/* a line */
	__u64 share_cost;	   /* virtual time of a byte, in the parent's */
	__u64 flow_cost;	   /* cost of a byte at the rate that each flow may have */
	__u64 limit_ns;		   /* longest queue */
	__u64 latency_ns;	   /* queue aimed at */
	__u64 rate, ceil;	   /* bytes/s; ceil 0: none */
	__u32 weights[QOS_LEVELS]; /* of an inner class: of all children, by level */
	__u32 weight;		   /* of itself, among its siblings */
};

/* Turns of the wheel that knows which flows and classes wait. */
#define QOS_WHEEL 32

/*
 * How fast virtual time goes for the children of a class that wait at one
 * level, or for the flows of a class.
 */
struct qos_pace {
	__u64 v, t;		/* virtual time v was at time t, */
	__u64 speed;		/* and goes so fast: 2^-16 a ns */
	__u64 inv;		/* 2^-28 ns it takes for one */
	__u64 paced;		/* bytes since the last look: of children that waited for it, */
	__u64 other;		/* and of those that did not */
	__u32 wheel[QOS_WHEEL]; /* weight of those that wait until then */
	__u64 paced_rate, other_rate; /* bytes/s, of late */
	__u32 turn;		      /* of the wheel, looked at last */
	__u32 until;		      /* turn of the parent's wheel that this class is at */
	__u64 share;		      /* bytes/s to share, for people */
	__u32 waiting;		      /* weight that waited at the last look */
	__u32 crowd;		      /* and with it, at the levels before this one */
	__s64 trim;		      /* of the rate, 1024ths, less 1024 */
	__s64 debt;		      /* of a class without a ceiling: bytes sent beyond */
	__u64 due;		      /* bytes/s that it had */
	__u64 queued;  /* bytes that wait below, for QUEUED_NS each, since the last look */
	__u64 backlog; /* bytes, of late */
};

/* Written by the program; CLOCK_MONOTONIC, ns. */
struct qos_clocks {
	__u64 rate;
	__u64 ceil[QOS_LEVELS]; /* of an inner class by level; of a leaf the first */
	__u64 busy;		/* of a leaf: no packet of it departs later */
	__u64 next;		/* look at its shares again then */
	__u64 sent_rate;  /* bytes since the last look: guaranteed (of an inner class, in it), */
	__u64 sent_share; /* and borrowed */
	/* a line */
	__u64 share;			  /* finish, in the parent's virtual time */
	__u32 until;			  /* turn of the parent's wheel that this class is at */
	__u32 contended;		  /* of an inner class: some wait in it, or above it */
	struct qos_pace pace[QOS_LEVELS]; /* of a leaf the first: its flows */
	__u64 guaranteed_rate;
	__u64 own_rate, borrowed_rate; /* of a leaf: bytes/s it sent of late */
	__u64 sparse;		       /* clock of flows that are below their share */
	__u64 sparse_cost;	       /* of a byte of theirs: half of what the class has */
	__u64 credit;		       /* of an inner class: bytes of its guarantee not yet used */
	__u64 beyond[QOS_LEVELS];      /* and those sent beyond what it has, of late */
	__u64 latest;		       /* of a leaf: its flows have sent all they had then */
	__u64 queued_rate, queued_share; /* of a leaf: bytes that waited at the last look */
	__u64 zero; /* never written, but the verifier cannot know: see unknown_zero() */
	__u64 pad[1];
};

/* A flow of a class, or a host. */
struct qos_flow {
	__u64 finish; /* in the class's virtual time */
	__u64 last;   /* departure of its last packet */
	__u64 cap;    /* its own rate's clock */
	__u64 above;  /* since when its queue is too long; 0: it is not */
	__u64 next;   /* next drop or mark (CoDel) */
	__u64 bytes;
	__u32 tag;
	__u32 slot;
	__u32 until;   /* turn of the class's wheel */
	__u16 count;   /* drops or marks of this time */
	__u16 largest; /* packet, in 16 bytes */
};

/* Whose record it is, for people. */
struct qos_flow_name {
	__u64 src[2], dst[2];
	__u32 key; /* QOS_KEY_… */
	__u16 sport, dport;
	__u8 pad[24];
};

enum qos_verdict {
	QOS_PASS,	  /* in time, as it came */
	QOS_MARK,	  /* passed, congestion experienced set: CoDel, or over burst */
	QOS_MARK_L4S,	  /* the same, for ECT(1) */
	QOS_EXEMPT,	  /* ARP, neighbour discovery: charged, not held */
	QOS_DROP_LIMIT,	  /* the class's queue is longer than its limit */
	QOS_DROP_AQM,	  /* the flow's queue was too long for too long (CoDel) */
	QOS_DROP_HORIZON, /* asked to leave too far in the future */
	QOS_DROP_POLICE,  /* over burst, mode police */
	QOS_DROP_RULE,	  /* a rule said drop (counted on the link's slot) */
	QOS_VERDICTS
};

#define QOS_DELAYS	24
#define QOS_DELAY_SHIFT 10 /* the first is below 1 us, the last 4.3 s or more */

struct qos_count {
	__u64 packets; /* wire packets: a GSO packet's segments */
	__u64 bytes;   /* as charged, overhead included */
};

/* Per CPU. */
struct qos_counters {
	__u64 borrowed; /* bytes, of what passed */
	struct qos_count by[QOS_VERDICTS];
	/* of what passed: [n] waited 2^(n + QOS_DELAY_SHIFT - 1) ns or more, below twice that;
	 * [0] is left to who reads it: the rest, which waited less */
	__u64 delay[QOS_DELAYS];
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
	__u32 flow_mask;    /* flow records, less one */
	__u32 salt;	    /* of the flows' hash */
	__u32 used;	    /* enum qos_rule_flag of all rules */
};

/* Times at which numbers that were put for a while end. */
#define QOS_EXPIRIES 16

struct qos_expiry {
	__u64 timer[2];	    /* the kernel's */
	__u32 first, count; /* of qos_expiry_cfgs */
	__u64 at;	    /* CLOCK_BOOTTIME, ns; 0: unused */
	__u32 fired;
	__u32 pad;
};

/* What a class has from then on. */
struct qos_expiry_cfg {
	__u32 slot;
	__u32 pad;
	struct qos_class_cfg cfg;
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
#define QOS_DECISIONS 256

/* All facts that rules read, and what the rules said of them. */
struct qos_decision {
	__u64 src[2], dst[2];
	__u64 rest; /* key, DSCP and ports; 0, which has no family: unused */
	__u32 slot; /* or the program's word for a drop */
	__u32 pad[5];
};

_Static_assert(sizeof(struct qos_class_cfg) == 128, "abi");
_Static_assert(sizeof(struct qos_pace) == 256, "abi");
_Static_assert(sizeof(struct qos_clocks) == 960, "abi");
_Static_assert(sizeof(struct qos_flow) == 64, "abi");
_Static_assert(sizeof(struct qos_flow_name) == 64, "abi");
_Static_assert(sizeof(struct qos_counters) == 16 * QOS_VERDICTS + 8 + 8 * QOS_DELAYS, "abi");
_Static_assert(sizeof(struct qos_rule) == 128, "abi");
_Static_assert(sizeof(struct qos_rule_index) == 8 * (4 + 64 + 9 * 256), "abi");
_Static_assert(sizeof(struct qos_link_cfg) == 44, "abi");
_Static_assert(sizeof(struct qos_expiry) == 40, "abi");
_Static_assert(sizeof(struct qos_expiry_cfg) == 136, "abi");
_Static_assert(sizeof(struct qos_frag_key) == 40, "abi");
_Static_assert(sizeof(struct qos_decision) == 64, "abi");

#endif
