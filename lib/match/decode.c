/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames, as the standards have them: IEEE 802.1Q, RFC 791, RFC 8200, RFC 2784, RFC 7348. */
#include <string.h>

#include "match/packet.h"

#define ETHER_LEN	 14
#define TAG_LEN		 4
#define ETHERTYPE_IPV4	 0x0800
#define ETHERTYPE_ARP	 0x0806
#define ETHERTYPE_TEB	 0x6558 /* Ethernet in GRE */
#define ETHERTYPE_8021Q	 0x8100
#define ETHERTYPE_IPV6	 0x86dd
#define ETHERTYPE_8021AD 0x88a8

#define IPV4_LEN	 20
#define IPV6_LEN	 40
#define MORE_FRAGMENTS	 0x2000
#define OFFSET_MASK	 0x1fff
#define TCP_FLAGS_AT	 13
#define VXLAN_LEN	 8
#define VXLAN_HAS_VNI	 0x08
#define UDP_LEN		 8

enum {
	PROTO_HOPOPTS = 0,
	PROTO_ICMP = 1,
	PROTO_IPIP = 4,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_DCCP = 33,
	PROTO_IPV6 = 41,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_GRE = 47,
	PROTO_AH = 51,
	PROTO_ICMPV6 = 58,
	PROTO_DSTOPTS = 60,
	PROTO_SCTP = 132,
	PROTO_MOBILITY = 135,
	PROTO_UDPLITE = 136,
	PROTO_HIP = 139,
	PROTO_SHIM6 = 140,
};

/* Solicitations, advertisements and redirects from this link (RFC 4861). */
#define ND_FIRST     133
#define ND_LAST	     137
#define ND_HOP_LIMIT 255

/* What is left of a frame. */
struct bytes {
	const uint8_t *at;
	size_t left;
};

static void skip(struct bytes *b, size_t len)
{
	len = len < b->left ? len : b->left;
	b->at += len;
	b->left -= len;
}

static uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t be32(const uint8_t *at)
{
	return (uint32_t)be16(at) << 16 | be16(at + 2);
}

static bool is_tag(uint16_t ethertype)
{
	return ethertype == ETHERTYPE_8021Q || ethertype == ETHERTYPE_8021AD;
}

/* Past tags, if that is what ethertype says; the type of what follows, 0 when it is cut off. */
static uint16_t read_tags(struct bytes *b, uint16_t ethertype, uint16_t *vlan)
{
	for (int i = 0; i < QOS_VLAN_TAGS_MAX && is_tag(ethertype); i++) {
		if (b->left < TAG_LEN)
			return 0;
		if (*vlan == QOS_VLAN_NONE)
			*vlan = be16(b->at) & 0xfff;
		ethertype = be16(b->at + 2);
		skip(b, TAG_LEN);
	}
	return ethertype;
}

/* The same from the Ethernet header on. */
static uint16_t read_ethernet(struct bytes *b, uint16_t *vlan)
{
	uint16_t ethertype;

	if (b->left < ETHER_LEN)
		return 0;
	ethertype = be16(b->at + 12);
	skip(b, ETHER_LEN);
	return read_tags(b, ethertype, vlan);
}

static bool has_ports(uint8_t proto)
{
	return proto == PROTO_TCP || proto == PROTO_UDP || proto == PROTO_SCTP ||
	       proto == PROTO_DCCP || proto == PROTO_UDPLITE;
}

static bool is_icmp(const struct qos_packet *p)
{
	return p->family == 4 ? p->proto == PROTO_ICMP : p->proto == PROTO_ICMPV6;
}

static void read_transport(const struct bytes *b, struct qos_packet *p)
{
	if (p->fragment == QOS_FRAGMENT_LATER)
		return;
	if (has_ports(p->proto) && b->left >= 4) {
		p->has_ports = true;
		p->sport = be16(b->at);
		p->dport = be16(b->at + 2);
	}
	if (p->proto == PROTO_TCP && b->left > TCP_FLAGS_AT) {
		p->has_tcp_flags = true;
		p->tcp_flags = b->at[TCP_FLAGS_AT];
	}
	if (is_icmp(p) && b->left >= 2) {
		p->has_icmp = true;
		p->icmp_type = b->at[0];
		p->icmp_code = b->at[1];
	}
}

static void map_ipv4(const uint8_t *from, struct in6_addr *to)
{
	*to = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff } };
	memcpy(&to->s6_addr[12], from, 4);
}

/* Past the header; false when it is cut off: there is no packet then. */
static bool read_ipv4(struct bytes *b, struct qos_packet *p)
{
	const uint8_t *ip = b->at;
	uint16_t fragment;
	size_t len;

	if (b->left < IPV4_LEN)
		return false;
	p->family = 4;
	p->dscp = ip[1] >> 2;
	p->proto = ip[9];
	map_ipv4(ip + 12, &p->src);
	map_ipv4(ip + 16, &p->dst);
	fragment = be16(ip + 6);
	p->fragment = fragment & OFFSET_MASK	? QOS_FRAGMENT_LATER :
		      fragment & MORE_FRAGMENTS ? QOS_FRAGMENT_FIRST :
						  QOS_FRAGMENT_NONE;
	p->fragment_id = p->fragment ? be16(ip + 4) : 0;
	len = 4 * (size_t)(ip[0] & 0xf);
	/* with a shorter header than there is nobody knows what follows */
	skip(b, len < IPV4_LEN ? b->left : len);
	return true;
}

/* The length of an extension header, or 0 for what is none. */
static size_t extension_len(uint8_t proto, const uint8_t *at)
{
	switch (proto) {
	case PROTO_HOPOPTS:
	case PROTO_ROUTING:
	case PROTO_DSTOPTS:
	case PROTO_MOBILITY:
	case PROTO_HIP:
	case PROTO_SHIM6:
		return 8 + at[1] * 8U;
	case PROTO_FRAGMENT:
		return 8;
	case PROTO_AH: /* counts in fours, RFC 4302 */
		return 8 + at[1] * 4U;
	default:
		return 0;
	}
}

bool qos_proto_is_extension(uint8_t proto)
{
	return extension_len(proto, (const uint8_t[2]){ 0 }) > 0;
}

static void read_extensions(struct bytes *b, struct qos_packet *p)
{
	for (int i = 0; i < QOS_EXTENSIONS_MAX && b->left >= 8; i++) {
		const uint8_t *at = b->at;
		size_t len = extension_len(p->proto, at);

		if (!len)
			return;
		if (p->proto == PROTO_FRAGMENT) {
			p->fragment = be16(at + 2) & 0xfff8 ? QOS_FRAGMENT_LATER :
				      at[3] & 1		    ? QOS_FRAGMENT_FIRST :
							      QOS_FRAGMENT_NONE;
			p->fragment_id = be32(at + 4);
		}
		p->proto = at[0];
		skip(b, len);
		if (p->fragment == QOS_FRAGMENT_LATER)
			return;
	}
}

static bool read_ipv6(struct bytes *b, struct qos_packet *p)
{
	const uint8_t *ip = b->at;

	if (b->left < IPV6_LEN)
		return false;
	p->family = 6;
	p->dscp = (uint8_t)((be16(ip) >> 4 & 0xff) >> 2);
	p->proto = ip[6];
	memcpy(&p->src, ip + 8, sizeof(p->src));
	memcpy(&p->dst, ip + 24, sizeof(p->dst));
	skip(b, IPV6_LEN);
	read_extensions(b, p);
	/* nodes heed it whole only, and from this link (RFC 6980) */
	p->exempt = p->proto == PROTO_ICMPV6 && !p->fragment && b->left && b->at[0] >= ND_FIRST &&
		    b->at[0] <= ND_LAST && ip[7] == ND_HOP_LIMIT;
	return true;
}

/* Addresses to ICMP code, and b past the headers up to the transport's; false: no IP packet. */
static bool read_ip(uint16_t ethertype, struct bytes *b, struct qos_packet *p)
{
	bool found = ethertype == ETHERTYPE_IPV4 ? read_ipv4(b, p) :
		     ethertype == ETHERTYPE_IPV6 ? read_ipv6(b, p) :
						   false;

	if (found)
		read_transport(b, p);
	return found;
}

/* The type of what is in GRE (RFC 2784, RFC 2890), b past its header; 0: not to be read. */
static uint16_t enter_gre(struct bytes *b)
{
	uint16_t flags;
	size_t len = 4;

	if (b->left < len)
		return 0;
	flags = be16(b->at);
	if (flags & 0x4007) /* routing, or version 1: PPTP */
		return 0;
	len += (flags & 0x8000 ? 4U : 0) + (flags & 0x2000 ? 4U : 0) + (flags & 0x1000 ? 4U : 0);
	if (b->left < len)
		return 0;
	flags = be16(b->at + 2);
	skip(b, len);
	return flags;
}

static uint16_t enter_vxlan(struct bytes *b)
{
	if (b->left < UDP_LEN + VXLAN_LEN || !(b->at[UDP_LEN] & VXLAN_HAS_VNI))
		return 0;
	skip(b, UDP_LEN + VXLAN_LEN);
	return ETHERTYPE_TEB;
}

/* The type of what a packet carries, b past what is around it; 0: it is no tunnel's. */
static uint16_t enter_tunnel(const struct qos_packet *p, struct bytes *b)
{
	uint16_t inside = 0, vlan = QOS_VLAN_NONE;

	/* not of the first fragment either: the later ones could not follow it */
	if (p->fragment)
		return 0;
	if (p->proto == PROTO_IPIP)
		return ETHERTYPE_IPV4;
	if (p->proto == PROTO_IPV6)
		return ETHERTYPE_IPV6;
	if (p->proto == PROTO_GRE)
		inside = enter_gre(b);
	else if (p->proto == PROTO_UDP && p->has_ports && (p->dport == 4789 || p->dport == 8472))
		inside = enter_vxlan(b);
	return inside == ETHERTYPE_TEB ? read_ethernet(b, &vlan) : inside;
}

static void take_inner(struct bytes *b, struct qos_packet *p)
{
	struct qos_packet inner = { .length = p->length, .vlan = p->vlan };

	if (!read_ip(enter_tunnel(p, b), b, &inner))
		return;
	inner.exempt = false; /* it is not this link's */
	*p = inner;
}

void qos_packet_decode(const struct qos_frame *frame, bool inner, struct qos_packet *ret_packet)
{
	struct bytes b = { .at = frame->data, .left = frame->len };
	struct qos_packet p = {
		.vlan = frame->tag < 0 ? QOS_VLAN_NONE : (uint16_t)(frame->tag & 0xfff),
	};
	uint16_t ethertype = frame->ethertype ? read_tags(&b, frame->ethertype, &p.vlan) :
						read_ethernet(&b, &p.vlan);
	uint32_t length = (uint32_t)(frame->wire_len - (frame->len - b.left));

	if (read_ip(ethertype, &b, &p)) {
		p.length = length;
		if (inner && !p.exempt)
			take_inner(&b, &p);
	} else {
		p.ethertype = ethertype;
		p.exempt = ethertype == ETHERTYPE_ARP;
	}
	*ret_packet = p;
}
