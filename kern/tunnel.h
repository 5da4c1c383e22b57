/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Into a tunnel (`tunnel: inner`): VXLAN (RFC 7348), GRE (RFC 2784, 2890), IP in IP (RFC 2003,
 * 2473, 4213), one level deep. The facts become those of the packet inside, where its IP
 * header can be read; what is written into a packet (DSCP, ECN) stays the outer's. Fragments of
 * the outer are not looked into: the later ones could not be.
 *
 * By copies, not packet pointers: only who asks for it pays, and the verifier walks it once.
 */
#ifndef QOS_TUNNEL_H
#define QOS_TUNNEL_H

#include "packet.h"

#define VXLAN_PORT	 4789
#define VXLAN_PORT_LINUX 8472 /* vxlan interfaces' default, older than the RFC */
#define VXLAN_BYTES	 16   /* with UDP's header */
#define VXLAN_FLAGS_AT	 8
#define VXLAN_VALID	 0x08
#define GRE_BYTES	 4
#define GRE_CHECKSUM	 0x8000
#define GRE_ROUTING	 0x4000
#define GRE_KEY		 0x2000
#define GRE_SEQUENCE	 0x1000
#define GRE_VERSION	 0x0007
#define ETH_P_TEB_	 0x6558

/* What the payload of a tunnel begins with: an EtherType and where, or 0. */
struct payload {
	__be16 proto;
	__u32 off;
};

static __always_inline void read_gre(struct __sk_buff *skb, __u32 off, struct payload *to)
{
	__be16 head[2];
	__u16 flags;

	if (bpf_skb_load_bytes(skb, off, head, sizeof(head)))
		return;
	flags = bpf_ntohs(head[0]);
	if (flags & (GRE_VERSION | GRE_ROUTING))
		return;
	to->off = off + GRE_BYTES + (flags & GRE_CHECKSUM ? 4 : 0) + (flags & GRE_KEY ? 4 : 0) +
		  (flags & GRE_SEQUENCE ? 4 : 0);
	to->proto = head[1];
}

static __always_inline void read_vxlan(struct __sk_buff *skb, __u32 off, struct payload *to)
{
	__u8 flags;

	if (bpf_skb_load_bytes(skb, off + VXLAN_FLAGS_AT, &flags, 1) || !(flags & VXLAN_VALID))
		return;
	to->off = off + VXLAN_BYTES;
	to->proto = bpf_htons(ETH_P_TEB_);
}

/* A frame becomes what it carries. */
static __always_inline void skip_ethernet(struct __sk_buff *skb, struct payload *to)
{
	to->off += offsetof(struct ethhdr, h_proto);
#pragma unroll
	for (int i = 0; i <= VLAN_TAGS; i++) {
		if (bpf_skb_load_bytes(skb, to->off, &to->proto, sizeof(to->proto))) {
			to->proto = 0;
			return;
		}
		to->off += sizeof(to->proto);
		if (to->proto != bpf_htons(ETH_P_8021Q) && to->proto != bpf_htons(ETH_P_8021AD))
			return;
		to->off += sizeof(__be16);
	}
}

static __always_inline void find_payload(struct __sk_buff *skb, const struct facts *f,
					 struct payload *to)
{
	switch (f->key & 0xff) {
	case IPPROTO_IPIP:
		to->proto = bpf_htons(ETH_P_IP);
		to->off = f->l4_off;
		return;
	case IPPROTO_IPV6:
		to->proto = bpf_htons(ETH_P_IPV6);
		to->off = f->l4_off;
		return;
	case IPPROTO_GRE:
		read_gre(skb, f->l4_off, to);
		break;
	case IPPROTO_UDP:
		if (f->key & QOS_KEY_PORTS &&
		    (f->dport == VXLAN_PORT || f->dport == VXLAN_PORT_LINUX))
			read_vxlan(skb, f->l4_off, to);
	}
	if (to->proto == bpf_htons(ETH_P_TEB_))
		skip_ethernet(skb, to);
}

/* As parse_ports(), from off. */
static __always_inline void read_ports(struct __sk_buff *skb, __u32 off, __u8 proto,
				       struct facts *f)
{
	struct icmp_head icmp;
	struct ports ports;
	struct tcp_head tcp;

	if (has_ports(proto) && !bpf_skb_load_bytes(skb, off, &ports, sizeof(ports)))
		note_ports(&ports, f);
	if (USES(QOS_PIECE_TCP) && proto == IPPROTO_TCP &&
	    !bpf_skb_load_bytes(skb, off, &tcp, sizeof(tcp)))
		note_tcp(&tcp, f);
	if (USES(QOS_PIECE_ICMP) && (kind_of(f) == KIND_ICMP || kind_of(f) == KIND_ICMPV6) &&
	    !bpf_skb_load_bytes(skb, off, &icmp, sizeof(icmp)))
		note_icmp(&icmp, f);
}

static __always_inline int read_ipv4(struct __sk_buff *skb, __u32 off, struct facts *f)
{
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, off, &ip, sizeof(ip)))
		return -1;
	f->key = QOS_KEY_READ | QOS_KEY_FAMILY(QOS_FAMILY_IPV4) | QOS_KEY_PROTO(ip.protocol);
	f->dscp = ip.tos >> 2;
	f->src[0] = 0;
	f->dst[0] = 0;
	f->src[1] = map_ipv4(ip.saddr);
	f->dst[1] = map_ipv4(ip.daddr);
	note_ipv4_fragment(bpf_ntohs(ip.frag_off), ip.id, f);
	if (f->fragment != FRAG_LATER && ip.ihl * 4 >= sizeof(ip))
		read_ports(skb, off + ip.ihl * 4, ip.protocol, f);
	return 0;
}

static __always_inline int read_ipv6(struct __sk_buff *skb, __u32 off, struct facts *f)
{
	struct ext_walk walk = { .skb = skb, .facts = f, .off = off + sizeof(struct ipv6hdr) };
	struct ipv6hdr ip;

	if (bpf_skb_load_bytes(skb, off, &ip, sizeof(ip)))
		return -1;
	f->key = QOS_KEY_READ | QOS_KEY_FAMILY(QOS_FAMILY_IPV6);
	f->dscp = (ip.priority << 4 | ip.flow_lbl[0] >> 4) >> 2;
	copy_ipv6(f->src, &ip.saddr);
	copy_ipv6(f->dst, &ip.daddr);
	walk.proto = ip.nexthdr;
	bpf_loop(EXT_HEADERS, walk_extension, &walk, 0);
	f->key |= QOS_KEY_PROTO(walk.proto);
	if (f->fragment != FRAG_LATER)
		read_ports(skb, walk.off, walk.proto, f);
	return 0;
}

/* A function of its own, which the verifier looks at once. */
__noinline int qos_look_inside(struct __sk_buff *skb, struct facts *f)
{
	struct payload to = { 0 };
	struct facts inner;
	int r = -1;

	if (!f || f->fragment != FRAG_NONE || !f->l4_off)
		return 0;
	find_payload(skb, f, &to);
	if (!to.proto)
		return 0;
	inner = *f;
	inner.sport = 0;
	inner.dport = 0;
	inner.fragment = FRAG_NONE;
	inner.outer = OUTER_IS | (f->dscp & OUTER_DSCP) |
		      (family_of(f) == QOS_FAMILY_IPV6 ? OUTER_IPV6 : 0);
	if (to.proto == bpf_htons(ETH_P_IP))
		r = read_ipv4(skb, to.off, &inner);
	else if (to.proto == bpf_htons(ETH_P_IPV6))
		r = read_ipv6(skb, to.off, &inner);
	if (!r)
		*f = inner;
	return 0;
}

#endif
