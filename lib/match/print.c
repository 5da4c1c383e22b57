/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A packet as text and as headers. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "match/packet.h"

#define ETHER_LEN      14
#define FRAME_LEAST    60 /* without its checksum */
#define IPV4_LEN       20
#define IPV6_LEN       40
#define FRAGMENT_LEN   8
#define TCP_ACK	       16
#define LATER_OFFSET   185 /* of a second fragment, in units of 8 bytes */

#define PROTO_FRAGMENT 44
#define ND_HOP_LIMIT   255
#define HOP_LIMIT      64

/* Headers of protocols that have ports, or types. */
static const struct {
	uint8_t proto, len;
} transports[] = {
	{ IPPROTO_TCP, 20 },	{ IPPROTO_UDP, 8 },  { IPPROTO_SCTP, 12 },  { IPPROTO_DCCP, 12 },
	{ IPPROTO_UDPLITE, 8 }, { IPPROTO_ICMP, 8 }, { IPPROTO_ICMPV6, 8 },
};

/* Of a whole packet of its protocol; 0 where nothing of it is asked for. */
static uint32_t whole_len(const struct qos_packet *p)
{
	uint8_t other_icmp = p->family == 4 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;

	if (p->fragment == QOS_FRAGMENT_LATER || p->proto == other_icmp)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(transports); i++) {
		if (transports[i].proto == p->proto)
			return transports[i].len;
	}
	return 0;
}

static bool is_truncated(const struct qos_packet *p)
{
	return whole_len(p) && !p->has_ports && !p->has_icmp;
}

static uint32_t transport_len(const struct qos_packet *p)
{
	return is_truncated(p) ? 0 : whole_len(p);
}

uint32_t qos_packet_least(const struct qos_packet *p)
{
	uint32_t len = p->family == 4 ? IPV4_LEN : IPV6_LEN + (p->fragment ? FRAGMENT_LEN : 0);

	return p->family ? len + transport_len(p) : 0;
}

static void put_end(struct qos_buffer *out, const struct qos_packet *p, const struct in6_addr *addr,
		    uint16_t port)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(p->family == 4 ? AF_INET : AF_INET6,
		  p->family == 4 ? &addr->s6_addr[12] : addr->s6_addr, text, sizeof(text));
	if (p->has_ports)
		qos_buffer_printf(out, p->family == 4 ? "%s:%u" : "[%s]:%u", text, port);
	else
		qos_buffer_puts(out, text);
}

static void put_named(struct qos_buffer *out, const char *key, const struct qos_names *names,
		      int value)
{
	const char *name = qos_names_text(names, value);

	qos_buffer_puts(out, key);
	if (name)
		qos_buffer_puts(out, name);
	else
		qos_buffer_printf(out, "%d", value);
}

static void put_flags(struct qos_buffer *out, uint8_t flags)
{
	const char *glue = " flags ";

	if (!flags)
		qos_buffer_puts(out, " flags none");
	for (int bit = 1; bit < 256; bit <<= 1) {
		if (!(flags & bit))
			continue;
		qos_buffer_printf(out, "%s%s", glue, qos_names_text(&qos_names_tcp_flag, bit));
		glue = "+";
	}
}

static void put_ip(struct qos_buffer *out, const struct qos_packet *p)
{
	put_named(out, "", &qos_names_proto, p->proto);
	qos_buffer_puts(out, " ");
	put_end(out, p, &p->src, p->sport);
	qos_buffer_puts(out, " > ");
	put_end(out, p, &p->dst, p->dport);
	if (p->fragment)
		qos_buffer_printf(out, " fragment %s",
				  p->fragment == QOS_FRAGMENT_FIRST ? "first" : "later");
	if (is_truncated(p))
		qos_buffer_puts(out, " truncated");
	if (p->has_tcp_flags && p->tcp_flags != TCP_ACK)
		put_flags(out, p->tcp_flags);
	if (p->has_icmp)
		put_named(out, " type ", qos_icmp_names(p->family), p->icmp_type);
	if (p->has_icmp && p->icmp_code)
		qos_buffer_printf(out, " code %u", p->icmp_code);
	if (p->dscp)
		put_named(out, " dscp ", &qos_names_dscp, p->dscp);
	if (p->length != qos_packet_least(p))
		qos_buffer_printf(out, " length %" PRIu32, p->length);
}

int qos_packet_print(const struct qos_packet *p, char **ret_text)
{
	_cleanup_(qos_buffer_done) struct qos_buffer out = { 0 };

	if (p->family)
		put_ip(&out, p);
	else if (p->exempt)
		qos_buffer_puts(&out, "arp");
	else
		qos_buffer_printf(&out, "ethertype 0x%04x", p->ethertype);
	if (p->vlan != QOS_VLAN_NONE)
		qos_buffer_printf(&out, " vlan %u", p->vlan);
	if (p->mark)
		qos_buffer_printf(&out, " mark 0x%" PRIx32, p->mark);
	if (p->has_uid)
		qos_buffer_printf(&out, " uid %" PRIu32, p->uid);
	if (p->cgroup)
		qos_buffer_printf(&out, " cgroup %s", *p->cgroup ? p->cgroup : "/");
	return qos_buffer_take(&out, ret_text);
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint16_t checksum(const uint8_t *at, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)at[i] << 8 | at[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static size_t put_ipv4(const struct qos_packet *p, uint8_t *at)
{
	uint32_t fragment = p->fragment == QOS_FRAGMENT_FIRST ? 0x2000 :
			    p->fragment == QOS_FRAGMENT_LATER ? LATER_OFFSET :
								0;

	at[0] = 0x45;
	at[1] = (uint8_t)(p->dscp << 2);
	put16(at + 2, p->length);
	put16(at + 4, p->fragment_id);
	put16(at + 6, fragment);
	at[8] = HOP_LIMIT;
	at[9] = p->proto;
	memcpy(at + 12, &p->src.s6_addr[12], 4);
	memcpy(at + 16, &p->dst.s6_addr[12], 4);
	put16(at + 10, checksum(at, IPV4_LEN));
	return IPV4_LEN;
}

static size_t put_ipv6(const struct qos_packet *p, uint8_t *at)
{
	uint8_t *ext = at + IPV6_LEN;

	at[0] = (uint8_t)(0x60 | p->dscp >> 2);
	at[1] = (uint8_t)(p->dscp << 6);
	put16(at + 4, p->length - IPV6_LEN);
	at[6] = p->fragment ? PROTO_FRAGMENT : p->proto;
	at[7] = p->exempt ? ND_HOP_LIMIT : HOP_LIMIT;
	memcpy(at + 8, &p->src, sizeof(p->src));
	memcpy(at + 24, &p->dst, sizeof(p->dst));
	if (!p->fragment)
		return IPV6_LEN;
	ext[0] = p->proto;
	put16(ext + 2, p->fragment == QOS_FRAGMENT_FIRST ? 1 : LATER_OFFSET << 3);
	put16(ext + 4, p->fragment_id >> 16);
	put16(ext + 6, p->fragment_id);
	return IPV6_LEN + FRAGMENT_LEN;
}

static size_t put_transport(const struct qos_packet *p, uint8_t *at)
{
	size_t len = transport_len(p);

	if (p->has_icmp) {
		at[0] = p->icmp_type;
		at[1] = p->icmp_code;
	} else if (p->has_ports) {
		put16(at, p->sport);
		put16(at + 2, p->dport);
	}
	if (p->has_tcp_flags) {
		at[12] = 5 << 4;
		at[13] = p->tcp_flags;
	}
	return len;
}

size_t qos_packet_headers(const struct qos_packet *p, uint8_t buf[QOS_PACKET_HEADERS_MAX])
{
	static const uint8_t local[2] = { 0x02, 0x02 }; /* administered locally */
	uint8_t *at = buf + ETHER_LEN;

	memset(buf, 0, QOS_PACKET_HEADERS_MAX);
	buf[0] = local[0];
	buf[6] = local[1];
	put16(buf + 12, p->family == 4 ? 0x0800 :
			p->family == 6 ? 0x86dd :
			p->exempt      ? 0x0806 :
					 p->ethertype);
	if (!p->family)
		return FRAME_LEAST;
	at += p->family == 4 ? put_ipv4(p, at) : put_ipv6(p, at);
	return (size_t)(at + put_transport(p, at) - buf);
}
