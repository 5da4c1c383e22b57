// SPDX-License-Identifier: LGPL-2.1-or-later
#include "wire_packet.h"

#include <linux/if_ether.h>
#include <linux/virtio_net.h>
#include <netinet/ip.h>
#include <string.h>

#define VLAN_HEADER 4u

struct cursor {
	const uint8_t *data;
	uint32_t len, at;
};

static uint16_t be16_at(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* The next bytes, or NULL when the frame is shorter. */
static const uint8_t *take(struct cursor *c, uint32_t size)
{
	const uint8_t *p = c->data + c->at;

	if (c->len - c->at < size)
		return NULL;
	c->at += size;
	return p;
}

static void read_transport(struct packet *p, struct cursor *c, uint8_t protocol)
{
	const uint8_t *h;

	p->proto = protocol == IPPROTO_UDP				  ? PROTO_UDP :
		   protocol == IPPROTO_TCP				  ? PROTO_TCP :
		   protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6 ? PROTO_ICMP :
									    PROTO_IP;
	if (p->proto != PROTO_UDP && p->proto != PROTO_TCP)
		return;
	h = take(c, 8);
	if (!h)
		return;
	p->sport = be16_at(h);
	p->dport = be16_at(h + 2);
	if (p->proto == PROTO_TCP) {
		h = take(c, 12);
		/* The data offset is the high half of the header's byte 12. */
		if (h)
			take(c, (uint32_t)(h[4] >> 4) * 4 - 20);
		return;
	}
	p->payload = c->data + c->at;
	p->payload_len = c->len - c->at;
}

static void read_ipv4(struct packet *p, struct cursor *c)
{
	const uint8_t *h = take(c, 20);

	if (!h || (h[0] & 15) < 5)
		return;
	p->family = 4;
	p->proto = PROTO_IP;
	p->tos = h[1];
	if (!take(c, (uint32_t)(h[0] & 15) * 4 - 20))
		return;
	if (be16_at(h + 6) & 0x1fff) {
		/* A later fragment has a protocol and no ports. */
		struct cursor none = { 0 };

		read_transport(p, &none, h[9]);
		return;
	}
	read_transport(p, c, h[9]);
}

static void read_ipv6(struct packet *p, struct cursor *c)
{
	const uint8_t *h = take(c, 40);
	struct cursor none = { 0 };
	bool fragment = false;
	uint8_t next;

	if (!h)
		return;
	p->family = 6;
	p->proto = PROTO_IP;
	p->tos = (uint8_t)(h[0] << 4 | h[1] >> 4);
	next = h[6];
	while (next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS ||
	       next == IPPROTO_FRAGMENT) {
		uint8_t this = next;

		h = take(c, 8);
		if (!h)
			return;
		next = h[0];
		if (this == IPPROTO_FRAGMENT)
			fragment |= be16_at(h + 2) & 0xfff8;
		else if (!take(c, h[1] * 8u))
			return;
	}
	read_transport(p, fragment ? &none : c, next);
}

static void read_frame(struct packet *p, struct cursor *c)
{
	const uint8_t *h = take(c, ETH_HEADER);
	uint16_t type;

	if (!h)
		return;
	type = be16_at(h + 12);
	while (type == ETH_P_8021Q || type == ETH_P_8021AD) {
		h = take(c, VLAN_HEADER);
		if (!h)
			return;
		if (p->vlan < 0)
			p->vlan = be16_at(h) & 0xfff;
		type = be16_at(h + 2);
	}
	if (type == ETH_P_ARP)
		p->proto = PROTO_ARP;
	else if (type == ETH_P_IP)
		read_ipv4(p, c);
	else if (type == ETH_P_IPV6)
		read_ipv6(p, c);
}

/* What the wire carried: the segments of a super-packet, and a tag that is beside the data. */
static void measure(struct packet *p, uint32_t len, const struct virtio_net_hdr *gso, bool tagged)
{
	uint32_t payload = len > p->headers ? len - p->headers : 0;

	p->segments = 1;
	p->bytes = len;
	if (gso->gso_type != VIRTIO_NET_HDR_GSO_NONE && gso->gso_size) {
		p->segments = (payload + gso->gso_size - 1) / gso->gso_size;
		if (!p->segments)
			p->segments = 1;
		p->bytes += (p->segments - 1) * p->headers;
	}
	if (tagged)
		p->bytes += p->segments * VLAN_HEADER;
}

struct packet packet_read(const struct tpacket3_hdr *header, int64_t monotonic)
{
	const uint8_t *frame = (const uint8_t *)header + header->tp_mac;
	struct cursor cursor = { .data = frame, .len = header->tp_snaplen };
	bool tagged = header->tp_status & TP_STATUS_VLAN_VALID;
	struct packet p = {
		.proto = PROTO_OTHER, .sport = -1, .dport = -1, .vlan = -1, .ns = monotonic
	};
	struct virtio_net_hdr gso;

	/* The kernel puts it right before the frame. */
	memcpy(&gso, frame - sizeof(gso), sizeof(gso));
	if (tagged)
		p.vlan = header->hv1.tp_vlan_tci & 0xfff;
	read_frame(&p, &cursor);
	p.headers = cursor.at;
	measure(&p, header->tp_len, &gso, tagged);
	return p;
}
