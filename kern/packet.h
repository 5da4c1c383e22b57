/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bounded walk from the link layer to the ports: frame → facts.
 *
 * Reads the linear part only. A header that lies beyond it, in a packet that
 * is long enough to have it, asks for a pull (rare: headers are linear in what
 * sockets and drivers make); one that the packet is too short for is not there.
 */
#ifndef QOS_PACKET_H
#define QOS_PACKET_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#include "facts.h"

#define VLAN_TAGS	   2 /* 802.1ad and 802.1Q */
#define VLAN_ID_MASK	   0xfff
#define EXT_HEADERS	   8	  /* as many as are walked */
#define PULL_BYTES	   256	  /* covers VLAN, IPv6 and its usual extensions */
#define PACKET_OFF_MASK	   0x7fff /* more than EXT_HEADERS can take */

#define IP_OFFSET_MASK	   0x1fff
#define IP_MORE_FRAGMENTS  0x2000
#define IP6_OFFSET_MASK	   0xfff8
#define IP6_MORE_FRAGMENTS 0x0001

#define IPPROTO_HOPOPTS_   0
#define IPPROTO_ROUTING_   43
#define IPPROTO_FRAGMENT_  44
#define IPPROTO_ICMPV6_	   58
#define IPPROTO_DSTOPTS_   60
#define IPPROTO_MOBILITY_  135
#define IPPROTO_HIP_	   139
#define IPPROTO_SHIM6_	   140

#define ND_FIRST	   133 /* router solicitation (RFC 4861) */
#define ND_LAST		   137 /* redirect */
#define ND_HOP_LIMIT	   255 /* else it is not from this link, and not heeded */

struct cursor {
	void *data, *pos, *end;
};

/* The header at the cursor, or null when it is not in the linear part. */
#define HEADER(cur, type)                                       \
	({                                                      \
		type *_h = (cur)->pos;                          \
		(void *)(_h + 1) > (cur)->end ? (type *)0 : _h; \
	})

struct vlan_tag {
	__be16 tci;
	__be16 proto;
};

struct ports {
	__be16 src, dst;
};

struct ext_header {
	__u8 next;
	__u8 len;
	__be16 frag_off; /* of a fragment header */
	__be32 frag_id;
};

/* The outermost tag is the one beside the data, where there is one. */
static __always_inline void note_vlan(struct __sk_buff *skb, const struct vlan_tag *tag, int number,
				      struct facts *f)
{
	if (USES(QOS_PIECE_VLAN) && number == 0 && !skb->vlan_present)
		f->more.vlan = bpf_ntohs(tag->tci) & VLAN_ID_MASK;
}

/* The EtherType of the payload, with the cursor moved on to it; 0: too short. */
static __always_inline __be16 parse_link(struct __sk_buff *skb, struct cursor *cur, struct facts *f)
{
	struct ethhdr *eth;
	struct vlan_tag *tag;
	__be16 proto;

	if (USES(QOS_PIECE_VLAN))
		f->more.vlan = skb->vlan_present ? skb->vlan_tci & VLAN_ID_MASK : QOS_NO_VLAN;
	if (!qos_link.l2_len)
		return skb->protocol;
	eth = HEADER(cur, struct ethhdr);
	if (!eth)
		return 0;
	proto = eth->h_proto;
	cur->pos += sizeof(*eth);
#pragma unroll
	for (int i = 0; i < VLAN_TAGS; i++) {
		if (proto != bpf_htons(ETH_P_8021Q) && proto != bpf_htons(ETH_P_8021AD))
			break;
		tag = HEADER(cur, struct vlan_tag);
		if (!tag)
			return 0;
		note_vlan(skb, tag, i, f);
		proto = tag->proto;
		cur->pos += sizeof(*tag);
	}
	return proto;
}

struct tcp_head {
	struct ports ports;
	__be32 seq, ack;
	__u8 offset, flags;
} __attribute__((packed)); /* no more than that is read */

struct icmp_head {
	__u8 type, code;
};

static __always_inline int has_ports(__u8 proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP ||
	       proto == IPPROTO_DCCP || proto == IPPROTO_UDPLITE;
}

static __always_inline void note_ports(const struct ports *ports, struct facts *f)
{
	f->sport = bpf_ntohs(ports->src);
	f->dport = bpf_ntohs(ports->dst);
	f->key |= QOS_KEY_PORTS;
}

static __always_inline void note_tcp(const struct tcp_head *tcp, struct facts *f)
{
	f->more.l4 = tcp->flags;
	f->key |= QOS_KEY_TCP;
}

static __always_inline void note_icmp(const struct icmp_head *icmp, struct facts *f)
{
	f->more.l4 = icmp->type << 8 | icmp->code;
	f->key |= QOS_KEY_ICMP;
}

/* 0, or -1 when the header is not in the linear part. */
static __always_inline int parse_ports(struct cursor *cur, __u8 proto, struct facts *f)
{
	struct ports *ports;
	struct tcp_head *tcp;
	struct icmp_head *icmp;

	if (USES(QOS_PIECE_ICMP) && kind_of(f) == KIND_ICMP) {
		icmp = HEADER(cur, struct icmp_head);
		if (icmp)
			note_icmp(icmp, f);
		return icmp ? 0 : -1;
	}
	if (!has_ports(proto))
		return 0;
	ports = HEADER(cur, struct ports);
	if (!ports)
		return -1;
	note_ports(ports, f);
	if (!USES(QOS_PIECE_TCP) || proto != IPPROTO_TCP)
		return 0;
	tcp = HEADER(cur, struct tcp_head);
	if (tcp)
		note_tcp(tcp, f);
	return tcp ? 0 : -1;
}

static __always_inline void note_l4(const struct cursor *cur, struct facts *f)
{
	if (qos_link.tunnel_inner)
		f->l4_off = cur->pos - cur->data;
}

/* The low half of ::ffff:a.b.c.d, as memory has it. */
static __always_inline __u64 map_ipv4(__be32 addr)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return (__u64)addr << 32 | 0xffff0000U;
#else
	return 0xffff00000000ULL | addr;
#endif
}

static __always_inline void note_ipv4_fragment(__u16 off, __be16 id, struct facts *f)
{
	f->fragment = off & IP_OFFSET_MASK    ? FRAG_LATER :
		      off & IP_MORE_FRAGMENTS ? FRAG_FIRST :
						FRAG_NONE;
	if (f->fragment != FRAG_NONE)
		f->frag_id = id;
}

static __always_inline int parse_ipv4(struct cursor *cur, struct facts *f)
{
	struct iphdr *ip = HEADER(cur, struct iphdr);
	__u32 len;

	if (!ip)
		return -1;
	f->key |= QOS_KEY_FAMILY(QOS_FAMILY_IPV4) | QOS_KEY_PROTO(ip->protocol);
	f->dscp = ip->tos >> 2;
	f->ecn = ip->tos & 3;
	note_ipv4_fragment(bpf_ntohs(ip->frag_off), ip->id, f);
	f->src[1] = map_ipv4(ip->saddr);
	f->dst[1] = map_ipv4(ip->daddr);
	if (f->fragment == FRAG_LATER)
		return 0;
	len = ip->ihl * 4;
	if (len < sizeof(*ip))
		return 0;
	cur->pos += len;
	note_l4(cur, f);
	return parse_ports(cur, ip->protocol, f);
}

static __always_inline void copy_ipv6(__u64 to[2], const struct in6_addr *from)
{
	const __u32 *w = from->in6_u.u6_addr32;

	__builtin_memcpy(&to[0], w, 8);
	__builtin_memcpy(&to[1], w + 2, 8);
}

struct ext_walk {
	struct __sk_buff *skb;
	struct facts *facts;
	__u32 off;
	__u8 proto; /* of the header at off */
};

/*
 * One extension header (RFC 8200); 1 ends the loop. Offsets and copies, not
 * packet pointers: the verifier walks this once, and it is not the common path.
 */
static long walk_extension(__u32 index __attribute__((unused)), struct ext_walk *walk)
{
	struct ext_header ext;
	__u16 frag_off;

	if (bpf_skb_load_bytes(walk->skb, walk->off, &ext, sizeof(ext)))
		return 1;
	switch (walk->proto) {
	case IPPROTO_HOPOPTS_:
	case IPPROTO_ROUTING_:
	case IPPROTO_DSTOPTS_:
	case IPPROTO_MOBILITY_:
	case IPPROTO_HIP_:
	case IPPROTO_SHIM6_:
		walk->off += 8 + ext.len * 8;
		break;
	case IPPROTO_AH: /* in units of 4 bytes, RFC 4302 */
		walk->off += 8 + ext.len * 4;
		break;
	case IPPROTO_FRAGMENT_:
		walk->off += sizeof(ext);
		frag_off = bpf_ntohs(ext.frag_off);
		walk->facts->frag_id = ext.frag_id;
		walk->facts->fragment = frag_off & IP6_OFFSET_MASK    ? FRAG_LATER :
					frag_off & IP6_MORE_FRAGMENTS ? FRAG_FIRST :
									FRAG_NONE;
		break;
	default:
		return 1;
	}
	walk->proto = ext.next;
	return walk->facts->fragment == FRAG_LATER;
}

static __always_inline int is_extension(__u8 proto)
{
	return proto == IPPROTO_HOPOPTS_ || proto == IPPROTO_ROUTING_ ||
	       proto == IPPROTO_FRAGMENT_ || proto == IPPROTO_AH || proto == IPPROTO_DSTOPTS_ ||
	       proto == IPPROTO_MOBILITY_ || proto == IPPROTO_HIP_ || proto == IPPROTO_SHIM6_;
}

/* Move the cursor to the upper layer; returns its protocol. */
static __always_inline __u8 skip_extensions(struct __sk_buff *skb, struct cursor *cur,
					    struct facts *f, __u8 proto)
{
	struct ext_walk walk = {
		.skb = skb,
		.facts = f,
		.off = cur->pos - cur->data,
		.proto = proto,
	};

	bpf_loop(EXT_HEADERS, walk_extension, &walk, 0);
	cur->pos = cur->data + (walk.off & PACKET_OFF_MASK);
	return walk.proto;
}

/* Nodes ignore neighbour discovery that was routed, or is in fragments (RFC 6980). */
static __always_inline int parse_icmpv6(struct cursor *cur, __u8 hop_limit, struct facts *f)
{
	__u8 *type = HEADER(cur, __u8);
	struct icmp_head *icmp;

	if (!type)
		return -1;
	if (USES(QOS_PIECE_ICMP)) {
		icmp = HEADER(cur, struct icmp_head);
		if (icmp)
			note_icmp(icmp, f);
	}
	f->exempt = *type >= ND_FIRST && *type <= ND_LAST && hop_limit == ND_HOP_LIMIT &&
		    f->fragment == FRAG_NONE;
	return 0;
}

static __always_inline int parse_ipv6(struct __sk_buff *skb, struct cursor *cur, struct facts *f)
{
	struct ipv6hdr *ip = HEADER(cur, struct ipv6hdr);
	__u8 proto, tclass, hop_limit;

	if (!ip)
		return -1;
	tclass = ip->priority << 4 | ip->flow_lbl[0] >> 4;
	f->key |= QOS_KEY_FAMILY(QOS_FAMILY_IPV6);
	f->dscp = tclass >> 2;
	f->ecn = tclass & 3;
	copy_ipv6(f->src, &ip->saddr);
	copy_ipv6(f->dst, &ip->daddr);
	proto = ip->nexthdr;
	hop_limit = ip->hop_limit;
	cur->pos += sizeof(*ip);
	if (is_extension(proto))
		proto = skip_extensions(skb, cur, f, proto);
	f->key |= QOS_KEY_PROTO(proto);
	if (f->fragment == FRAG_LATER)
		return 0;
	note_l4(cur, f);
	if (proto == IPPROTO_ICMPV6_)
		return parse_icmpv6(cur, hop_limit, f);
	return parse_ports(cur, proto, f);
}

/* One attempt. -1: a header lies beyond the linear part. */
static __always_inline int parse_linear(struct __sk_buff *skb, struct facts *f)
{
	struct cursor cur = {
		.data = (void *)(long)skb->data,
		.pos = (void *)(long)skb->data,
		.end = (void *)(long)skb->data_end,
	};
	__be16 proto = parse_link(skb, &cur, f);

	f->key = QOS_KEY_READ;
	f->l3_off = cur.pos - cur.data;
	switch (proto) {
	case 0:
		return -1;
	case bpf_htons(ETH_P_IP):
		return parse_ipv4(&cur, f);
	case bpf_htons(ETH_P_IPV6):
		return parse_ipv6(skb, &cur, f);
	case bpf_htons(ETH_P_ARP):
		f->exempt = 1;
	}
	return 0;
}

/*
 * Facts of any packet. What is truncated keeps the facts found until there:
 * it is of the class that those give.
 */
static __always_inline void parse(struct __sk_buff *skb, struct facts *f)
{
	for (int i = 0; i < 2; i++) {
		__builtin_memset(f, 0, sizeof(*f));
		if (parse_linear(skb, f) == 0)
			return;
		/* 0 asks for the whole, when that is less */
		if (bpf_skb_pull_data(skb, skb->len < PULL_BYTES ? skb->len : PULL_BYTES))
			return;
	}
}

#endif
