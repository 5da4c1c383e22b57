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

#include "pieces.h"

#define QOS_ABI_VERSION 11

/* Slot 0 of every per-class map is the link itself. */
#define QOS_SLOT_LINK	0
#define QOS_MAX_CLASSES 4096
/* Slots, the link's too: classes that take the place of as many others have theirs beside them. */
#define QOS_MAX_SLOTS (4 * QOS_MAX_CLASSES)

/*
 * Entries of the rules' table: a rule is one, or a few where it has `not` of several keys or
 * marks with several masks. Bits of a word, and most of both.
 */
#define QOS_RULE_BLOCK	      64
#define QOS_MAX_ENTRIES	      16384
#define QOS_MAX_CGROUP_LEVELS 32

#define QOS_FRAGMENTS	      4096 /* datagrams whose class is remembered for their later ones */

/* A cost is 2^-20 ns per byte: 1 kbit/s (8e6 ns a byte) times the largest
 * packet (2^20 bytes) still fits 64 bits, and at 100 Gbit/s the rounding is
 * 6e-6. A word of its own, so that it changes in one store.
 */
#define QOS_COST_SHIFT 20

/* TCP's own stamps are honoured so far ahead, as by fq. A longer one costs its own packet. */
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
	QOS_CLASS_LEAF = 1 << 8,     /* of struct qos_before: it has flows */
};

/* What flows are. */
#define QOS_CLASS_KIND (QOS_CLASS_FAIR | QOS_CLASS_SRC_HOST | QOS_CLASS_DST_HOST)

/* Priorities of borrowing: high, normal, low. */
#define QOS_LEVELS 3

/* The largest weight among siblings; others are in proportion to it. */
#define QOS_WEIGHT_BITS 19
#define QOS_WEIGHT_ONE	(1U << QOS_WEIGHT_BITS)

/* Virtual time is in 2^-16 bytes of weight QOS_WEIGHT_ONE, or in units 2^n times as large. */
#define QOS_VIRTUAL_SHIFT 16
#define QOS_COARSE_MAX	  19
#define QOS_SPEED_MAX	  (1ULL << 36) /* 2^-16 a ns: of weight QOS_WEIGHT_ONE, 128 Gbit/s */
#define QOS_SPEED_GOOD	  (1ULL << 34) /* so fast, no queue is as long as what is stale */

/* A leaf is said to be busy for so much longer, so that it need not be said for each packet. */
#define QOS_BUSY_STEP_NS (1ULL << 20)

#define QOS_COVERED_BITS 15
#define QOS_NO_SLOT	 0xffffffffU
#define QOS_DSCP_KEEP	 0xff

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
	__u16 flags;  /* enum qos_class_flag */
	__u8 coarse;  /* of an inner class: its children's virtual time is 2^n coarser */
	__u8 bare;    /* and bits of the levels below it that have leaves without guarantees */
	__u32 parent; /* slot, or QOS_NO_SLOT */
	__u32 hard;   /* nearest ancestor whose ceiling counts, or, as parent, QOS_NO_SLOT */
	__u32 packet_bytes; /* the largest packet that is to be expected */
	__u8 priority;	    /* for skb->priority */
	__u8 dscp;	    /* to write, or QOS_DSCP_KEEP */
	__u8 level;	    /* of borrowing */
	__u8 levels;	    /* of an inner class: bits of the levels below it */
	__u8 period_shift;  /* 2^n ns between two looks at shares, and a turn of the wheel */
	__u8 parent_shift;  /* the parent's */
	__u8 host6_len;	    /* of the IPv6 prefix that is one host */
	__u8 sample_shift;  /* of what leaves at once each 2^n bytes are told to a flow */
	__u64 zero;	    /* never written, but the verifier cannot know: see unknown_zero() */
	/* a line */
	__u64 share_cost;	   /* virtual time of a byte, in the parent's */
	__u64 flow_cost;	   /* cost of a byte at the rate that each flow may have */
	__u64 limit_ns;		   /* longest queue; of an inner class, of any leaf */
	__u64 latency_ns;	   /* queue aimed at */
	__u64 rate, ceil;	   /* bytes/s; ceil 0: none */
	__u32 weights[QOS_LEVELS]; /* of an inner class: of all children, by level */
	__u32 weight;		   /* of itself, among its siblings */
};

/* Turns of the wheel that knows who waits: near ones, and further away each 16th. */
#define QOS_NEAR      32
#define QOS_FAR	      16
#define QOS_FAR_SHIFT 4
#define QOS_WHEEL     (QOS_NEAR + QOS_FAR)

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
	__u64 share;		      /* bytes/s to share, at the last look */
	__u32 waiting;		      /* weight that waited at the last look */
	__u32 crowd;		      /* and with it, at the levels before this one */
	__s32 trim;		      /* of the rate, 1024ths, less 1024 */
	__u16 coarse;		      /* virtual time is in units so much larger: 2^n */
	__u16 far;		      /* turns that the wheel looks ahead, more than the least */
	__s64 debt;		      /* of a class without a ceiling: bytes sent beyond */
	__u64 due;		      /* bytes/s that it had */
	__u64 queued;  /* bytes that wait below, for QUEUED_NS each, since the last look */
	__u64 backlog; /* bytes, of late */
};

/*
 * Bytes/s that those below a class could borrow of it in all, who have a queue: told in this epoch,
 * and in the one before. And what the class itself has told its parent in this epoch.
 */
struct qos_needs {
	__u64 now, before, told;
	__u32 epoch, told_epoch;
};

/* Bytes of classes that are looked at seldom, which an inner class has not counted yet. */
struct qos_late {
	__u64 guaranteed;
	__u64 paced[QOS_LEVELS], other[QOS_LEVELS]; /* as of qos_pace */
};

/*
 * Written by the program; CLOCK_MONOTONIC, ns. What there is by level has room behind it, so that
 * two bits of a level are an index without a test.
 */
struct qos_clocks {
	struct qos_pace pace[QOS_LEVELS]; /* of a leaf the first: its flows */
	/* a line */
	__u64 rate;
	__u64 ceil[QOS_LEVELS]; /* of an inner class by level; of a leaf the first */
	__u64 busy;		/* of a leaf: no packet of it departs later */
	__u64 next;		/* look at its shares again then */
	__u64 sent_rate;  /* bytes since the last look: guaranteed (of an inner class, in it), */
	__u64 sent_share; /* and borrowed */
	/* a line */
	__u64 share;	 /* finish, in the parent's virtual time */
	__u32 until;	 /* turn of the parent's wheel that this class is at */
	__u32 contended; /* of an inner class: some wait in it, or above it */
	union {
		__u64 guaranteed_rate; /* of an inner class: bytes/s, of late */
		__u64 used_rate;       /* of a leaf: what it borrowed */
	};
	union {
		__u64 own_rate;	 /* of a leaf: bytes/s it sent of late, guaranteed */
		__u64 ceil_cost; /* of an inner class: what its ceilings' clocks count a byte as */
	};
	union {
		__u64 borrowed_rate; /* of a leaf: bytes/s it sent of late, borrowed */
		/* of an inner class by level: 2^-15 of its bytes that are on a guarantee, its own
		 * or one above it that is below the next ceiling */
		__u16 covered[QOS_LEVELS + 1];
	};
	union {
		/* of a leaf: clocks of flows below their share, of small packets and of others,
		 * and the cost of a byte of theirs: a quarter of what the class has */
		struct {
			__u64 sparse[2], sparse_cost;
		};
		/* of an inner class by level: bytes that wait for ceilings below it, were charged
		 * to its own clock while that was idle, and are not in it any more */
		__u64 forgotten[QOS_LEVELS];
	};
	union {
		__u64 credit;	      /* of an inner class: bytes of its guarantee not yet used */
		__u64 borrowed_until; /* of a leaf: what it borrowed last departs then */
	};
	__u64 beyond[QOS_LEVELS]; /* and those sent beyond what it has, of late */
	union {
		/* of a leaf: ns that its bytes leave before its clock, summed up; bytes that waited
		 * at the last look; and such ns of a byte, of late */
		struct {
			__s64 early;
			__u64 queued_rate, queued_share;
			__s64 hurry;
		};
		__u64 held[QOS_LEVELS]; /* of an inner class, as `queued`: for ceilings below it */
	};
	union {
		/* of an inner class: the least that any who sent since the last look was ahead,
		 * plus 1; of who did not pass only as what lends was idle, 0 */
		__u64 least[QOS_LEVELS];
		struct {
			__u64 since;	  /* of a leaf: on its parent's wheel without a break */
			__u64 unrecorded; /* its last packet that has no record departs then */
		};
	};
	union {
		__u32 placed[QOS_LEVELS]; /* with what weight it waits for what its parent has */
		__u32 weight;		  /* of a leaf: with which it is on its parent's wheel */
	};
	__u32 bounded[QOS_LEVELS]; /* in 2^20 ns: until then a ceiling bounds some below */
	union {
		__s64 over;	  /* of a class with a ceiling: bytes that left too many, of late */
		__u64 share_cost; /* of a leaf: what its finish counts a byte as */
	};
	__u32 spared; /* of a leaf: 2^-16 of its weight that it does not wait with */
	union {
		__u32 soon;   /* of an inner class: looks at it that come sooner */
		__u32 waited; /* of a leaf: 1: was on its parent's wheel at the last look */
	};
	struct qos_needs needs[QOS_LEVELS];
	struct qos_late late;
	__u16 own_covered[QOS_LEVELS + 1]; /* the same, on its own alone */
	__u64 queued, backlog;		   /* as of qos_pace: on guarantees, of those below */
	__u64 place; /* of a leaf: whose virtual time its finish is in (leaf.h); 0: not known */
	__u64 room;
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
	__u16 slot : 15;
	__u16 shared : 1; /* by others of the slot, which found no record and whose packets wait */
	__u16 generation; /* of the program that stamped its last packet */
	__u32 until;	  /* turn of the class's wheel */
	__u16 count;	  /* drops or marks of this time */
	__u16 largest;	  /* packet, in 16 bytes */
};

/* How the program before tells flows of a slot apart. */
struct qos_before {
	__u16 flags; /* enum qos_class_flag */
	__u8 host6_len;
	__u8 unsure; /* how long its queue is: its clocks are not this program's */
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
	QOS_EXEMPT,	  /* ARP, neighbour discovery: not held, charged while no queue is long */
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
	__u64 latest;	/* delay[latest] had the last packet that waited */
	struct qos_count by[QOS_VERDICTS];
	/* of what passed: [n] waited 2^(n + QOS_DELAY_SHIFT - 1) ns or more, below twice that;
	 * [0] is left to who reads it: the rest, which waited less */
	__u64 delay[QOS_DELAYS];
};

#define QOS_FAMILY_NONE 0
#define QOS_FAMILY_IPV4 4
#define QOS_FAMILY_IPV6 6

/* The small facts of a packet in one word. Family and protocol index a table as they are. */
#define QOS_KEY_PROTO(p)  ((__u32)(p))
#define QOS_KEY_FAMILY(f) ((__u32)(f) << 8)
#define QOS_KEY_PORTS	  (1U << 16) /* ports were read */
#define QOS_KEY_TCP	  (1U << 17) /* TCP's flags were */
#define QOS_KEY_ICMP	  (1U << 18) /* type and code were */
#define QOS_KEY_READ	  (1U << 23) /* always */

/* The program's constants (.rodata): what a policy does not use costs no instruction. */
struct qos_link_cfg {
	__u32 mode;		    /* enum qos_mode */
	__u32 rules;		    /* entries in use */
	__u32 words;		    /* of a set */
	__u32 used;		    /* bits of enum qos_piece */
	__u32 tables[QOS_PIECES];   /* where a piece's table begins, in values */
	__u32 masks[QOS_MAX_MASKS]; /* of marks */
	__u32 cgroup_levels;	    /* of the deepest cgroup that rules name */
	__u32 tunnel_inner;	    /* look into tunnels */
	__u32 default_slot;
	__u32 l2_len;	     /* 14, or 0 on a device without Ethernet header */
	__s32 overhead;	     /* bytes a packet adds to its IP length */
	__u32 mpu;	     /* least bytes a packet counts as */
	__u16 overhead_set;  /* else charge the frame as the kernel has it */
	__u16 hardware;	     /* packets leave the host here: nobody on it is told their stamps */
	__u32 framing;	     /* enum qos_framing */
	__u32 flow_mask;     /* flow records, less one */
	__u32 reads_sockets; /* for users and cgroups, rather than ask helpers */
	/* flows that this program has in other classes than the one before it keep their order */
	__u32 generation; /* counts programs that share flow records; 16 bits */
	__u32 slots;	  /* of classes that flows may have been in */
	__u64 settled;	  /* CLOCK_MONOTONIC: the other's packets have left; 0: there are none */
	__u32 longest_ms; /* queue that the other may have */
	__u32 spread_ns;  /* by which timers of the queues that a flow leaves by may be off; or 0 */
	__u64 net; /* the interface's, as the kernel has it, of the first user namespace; or 0 */
	__u64 salt[5]; /* of the flows' hash: of addresses, two words each, and of the rest */
};

#define QOS_EXPIRIES 16 /* times at which numbers that were put for a while end */

struct qos_expiry {
	__u64 timer[2];	    /* the kernel's */
	__u32 first, count; /* of qos_expiry_cfgs */
	__u64 at;	    /* CLOCK_BOOTTIME, ns; 0: unused */
	__u32 fired, pad;
};

/* What a class has from then on. */
struct qos_expiry_cfg {
	__u32 slot, pad;
	struct qos_class_cfg cfg;
};

#define QOS_CGROUPS_GONE 256 /* that are gone, and whose sockets' packets are still told */

/* qos_shape() has done nothing yet, and is called again for the packet. */
#define QOS_AGAIN     1000

#define QOS_FACTS_MAX 192 /* more than struct facts has */

/* What monitor.bpf.c tells of a packet. */
struct qos_event {
	__u64 time; /* CLOCK_MONOTONIC, ns */
	__u64 at;   /* when it leaves, of one that passed */
	__u32 listener;
	__u32 slot;
	__u32 segments, bytes; /* the frame's, of one that passed */
	/* struct facts of the program that shapes; where what is in it that program's BTF says */
	__u8 facts[QOS_FACTS_MAX];
};

/* What one who listens wants to be told. */
struct qos_listener_cfg {
	__u32 id;
	__u32 verdicts; /* bits: enum qos_verdict */
	__u32 sample;	/* of QOS_PASS one in so many */
	__u32 chosen;	/* only the slots of a map */
	__u32 verdict_at, facts_len;
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

/* Remembered per CPU. */
#define QOS_DECISION_BITS 10
#define QOS_DECISIONS	  (1U << QOS_DECISION_BITS)

/* All facts that rules read, what the rules said of them, and how often. */
struct qos_decision {
	__u64 src[2], dst[2];
	__u64 rest;    /* key, DSCP and ports; 0: unused */
	__u32 decided; /* QOS_DECIDED */
	__u32 pad;
	__u64 packets, bytes; /* since it is remembered; not in qos_hits yet */
	/* a line: what few rules ask for; what none does is 0, or none */
	__u64 cgroup;
	__u32 mark, uid;
	__u32 length_set, l4_set;
	__u32 vlan;
	__u32 pad_to_line[9];
};

/* A question to qos_explain(), in skb->cb: [0] which of the others are given, */
#define QOS_ASK_UID    1 /* [1] */
#define QOS_ASK_CGROUP 2 /* [2], [3]: id, its low half first; it is in qos_cgroups */
#define QOS_ASK_VLAN   4 /* [4] */
/*
 * and its answer: [0] QOS_DECIDED, [1] the class's slot, or QOS_DROP_SLOT, [2], [3] ns it would
 * wait for its class, [4] enum qos_verdict, with
 */
#define QOS_TOLD_EXEMPT (1U << 31) /* ARP or neighbour discovery */

_Static_assert(sizeof(struct qos_class_cfg) == 128 && sizeof(struct qos_pace) == 320, "abi");
_Static_assert(sizeof(struct qos_needs) == 32 && sizeof(struct qos_decision) == 128, "abi");
_Static_assert(sizeof(struct qos_clocks) == 22 * 64 && QOS_ABI_VERSION == 11, "a new layout");
_Static_assert(sizeof(struct qos_flow) == 64 && sizeof(struct qos_flow_name) == 64, "abi");
_Static_assert(sizeof(struct qos_counters) == 16 * QOS_VERDICTS + 16 + 8 * QOS_DELAYS, "abi");
_Static_assert(sizeof(struct qos_link_cfg) == 128 + 4 * (QOS_PIECES + QOS_MAX_MASKS), "abi");
_Static_assert(sizeof(struct qos_expiry) == 40 && sizeof(struct qos_expiry_cfg) == 136, "abi");
_Static_assert(sizeof(struct qos_event) == 32 + QOS_FACTS_MAX, "abi");
_Static_assert(sizeof(struct qos_frag_key) == 40 && sizeof(struct qos_before) == 4, "abi");
_Static_assert(QOS_MAX_CLASSES < QOS_DROP_SLOT && QOS_MAX_ENTRIES < 65535, "abi");

#endif
