// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packet.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>

#include "../unit/unit.h"

static void put(struct packet *p, const void *bytes, size_t len)
{
	assert_true(p->len + len <= PACKET_MAX);
	memcpy(p->data + p->len, bytes, len);
	p->len += len;
}

static void put8(struct packet *p, uint8_t value)
{
	put(p, &value, 1);
}

static void put16(struct packet *p, uint16_t value)
{
	uint16_t wire = htons(value);

	put(p, &wire, sizeof(wire));
}

static void put32(struct packet *p, uint32_t value)
{
	uint32_t wire = htonl(value);

	put(p, &wire, sizeof(wire));
}

static void put_fill(struct packet *p, uint8_t value, size_t len)
{
	assert_true(p->len + len <= PACKET_MAX);
	memset(p->data + p->len, value, len);
	p->len += len;
}

static void put_addr(struct packet *p, int family, const char *text)
{
	struct in6_addr addr = { 0 };

	assert_int_equal(inet_pton(family, text, &addr), 1);
	put(p, &addr, family == AF_INET ? 4 : 16);
}

uint16_t packet_checksum(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* The EtherType of what follows the link layer. */
static uint16_t payload_type(const struct spec *spec)
{
	if (spec->ethertype)
		return spec->ethertype;
	return spec->family == 6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP;
}

static void put_link(struct packet *p, const struct spec *spec)
{
	static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };

	put(p, macs, sizeof(macs));
	for (size_t i = 0; i < TAGS_MAX && spec->tags[i]; i++) {
		put16(p, spec->tags[i]);
		put16(p, 0x2065); /* priority 1, VLAN 101: its low bits are ECT(1)'s */
	}
	put16(p, payload_type(spec));
}

static uint8_t transport(const struct spec *spec)
{
	return spec->proto ? spec->proto : IPPROTO_TCP;
}

static void put_ipv4(struct packet *p, const struct spec *spec)
{
	uint8_t ihl = spec->ihl ? spec->ihl : 5;
	uint16_t sum;

	put8(p, 0x40 | ihl);
	put8(p, spec->tos);
	put16(p, (uint16_t)((ihl < 5 ? 5 : ihl) * 4 + 20 + spec->payload));
	put16(p, (uint16_t)spec->id);
	put16(p, (uint16_t)((spec->more ? 0x2000 : 0) | spec->frag_off));
	put8(p, spec->ttl ? spec->ttl : 64);
	put8(p, transport(spec));
	put16(p, 0);
	put_addr(p, AF_INET, spec->src ? spec->src : "10.0.0.1");
	put_addr(p, AF_INET, spec->dst ? spec->dst : "10.0.0.2");
	for (uint8_t i = 5; i < ihl; i++)
		put32(p, 0x01010101); /* no-operation options (RFC 791) */
	sum = htons(packet_checksum(p->data + p->l3, p->len - p->l3));
	memcpy(p->data + p->l3 + 10, &sum, sizeof(sum));
}

static uint8_t ext_number(uint8_t ext)
{
	return ext == HOPOPTS ? IPPROTO_HOPOPTS : ext;
}

static void put_ext(struct packet *p, const struct spec *spec, uint8_t ext, uint8_t next)
{
	put8(p, next);
	if (ext == IPPROTO_FRAGMENT) {
		put8(p, 0);
		put16(p, (uint16_t)(spec->frag_off << 3 | spec->more));
		put32(p, spec->id);
		return;
	}
	put8(p, spec->ext_words);
	if (ext == IPPROTO_AH) /* counts 4 bytes, and two of them less (RFC 4302) */
		put_fill(p, 0xaa, 6 + spec->ext_words * 4U);
	else
		put_fill(p, 0, 6 + spec->ext_words * 8U);
}

static void put_ipv6(struct packet *p, const struct spec *spec)
{
	put32(p, 0x60000000U | (uint32_t)spec->tos << 20 | spec->flow_label);
	put16(p, (uint16_t)(20 + spec->payload));
	put8(p, spec->exts[0] ? ext_number(spec->exts[0]) : transport(spec));
	put8(p, spec->ttl ? spec->ttl : 64);
	put_addr(p, AF_INET6, spec->src ? spec->src : "fd00::1");
	put_addr(p, AF_INET6, spec->dst ? spec->dst : "fd00::2");
	for (size_t i = 0; i < EXTS_MAX && spec->exts[i]; i++) {
		uint8_t next = i + 1 < EXTS_MAX ? spec->exts[i + 1] : 0;

		put_ext(p, spec, spec->exts[i], next ? ext_number(next) : transport(spec));
	}
}

static void put_transport(struct packet *p, const struct spec *spec)
{
	uint8_t proto = transport(spec);

	if (spec->frag_off)
		return;
	if (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6) {
		put8(p, spec->icmp_type);
		put_fill(p, 0, 7);
		return;
	}
	put16(p, spec->sport);
	put16(p, spec->dport);
	put_fill(p, 0, proto == IPPROTO_TCP ? 16 : 4);
}

void packet_build(const struct spec *spec, struct packet *ret_packet)
{
	struct packet p = { 0 };

	if (!spec->raw)
		put_link(&p, spec);
	p.l3 = p.len;
	if (payload_type(spec) == ETHERTYPE_IP)
		put_ipv4(&p, spec);
	else if (payload_type(spec) == ETHERTYPE_IPV6)
		put_ipv6(&p, spec);
	if (payload_type(spec) == ETHERTYPE_IP || payload_type(spec) == ETHERTYPE_IPV6)
		put_transport(&p, spec);
	p.headers = p.len;
	put_fill(&p, 0x5a, spec->payload);
	if (spec->keep) {
		assert_true(spec->keep <= p.len);
		p.len = spec->keep;
	}
	*ret_packet = p;
}
