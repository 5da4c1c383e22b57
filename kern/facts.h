/* SPDX-License-Identifier: GPL-2.0-only */
/* What is known of a packet: of its headers (packet.h, tunnel.h), and beside them (more.h). */
#ifndef QOS_FACTS_H
#define QOS_FACTS_H

#include <linux/bpf.h>
#include <linux/in.h>

#include "abi.h"
#include "maps.h"

#define IPPROTO_ICMPV6_ 58

/* Family and protocol of a key. */
#define KIND_ICMP   (QOS_KEY_FAMILY(QOS_FAMILY_IPV4) | IPPROTO_ICMP)
#define KIND_ICMPV6 (QOS_KEY_FAMILY(QOS_FAMILY_IPV6) | IPPROTO_ICMPV6_)

/* Whether any rule looks at a piece. */
#define USES(piece) (qos_link.used & QOS_USED(piece))

enum fragment {
	FRAG_NONE,
	FRAG_FIRST,
	FRAG_LATER,
};

#define OUTER_IS   0x80
#define OUTER_IPV6 0x40
#define OUTER_DSCP 0x3f

/* What few rules ask for: see more.h. */
struct more_facts {
	__u64 cgroup;
	__u32 mark, uid;
	__u32 length_set;
	__u32 l4_set; /* of l4, and one; 0: it has neither */
	__u16 vlan;
	__u16 l4; /* TCP's flags, or type and code of ICMP */
	__u32 pad;
};

struct facts {
	__u32 key;	    /* QOS_KEY_… */
	__u16 sport, dport; /* host order, if QOS_KEY_PORTS */
	__u8 dscp;
	__u8 ecn;
	__u8 fragment; /* enum fragment */
	__u8 exempt;   /* ARP or neighbour discovery */
	__u32 l3_off;  /* of the IP header, or of what is none */
	__u32 frag_id;
	__u16 l4_off;	      /* of what the IP header is followed by */
	__u8 outer;	      /* of a tunnel that was looked into: OUTER_…; else 0 */
	__u8 verdict;	      /* enum qos_verdict, of a drop or a mark: see report() */
	__u64 src[2], dst[2]; /* network order, IPv4 mapped */
	union {
		struct more_facts more; /* until there is a class */
		struct {
			/* when the shares of its class were looked at for it, or 0; and how long
			 * the class's next packet waited then, or it waits, or would: a drop, a
			 * mark */
			__u64 renewed, lead;
			/* bytes that its flow is to be told of, or 0; and when */
			__u64 sample, sampled;
		};
	};
};

static __always_inline __u32 kind_of(const struct facts *f)
{
	return f->key & (QOS_KINDS - 1);
}

static __always_inline __u32 family_of(const struct facts *f)
{
	return kind_of(f) >> 8;
}

#endif
