// SPDX-License-Identifier: LGPL-2.1-or-later
/* Frames: right ones, odd ones, cut ones, and any bytes at all. */
#include <stdlib.h>
#include <string.h>

#include "random.h"

#define LEAST 15 /* what a test run takes */

/* Bytes as they are appended; what finds no room is left out. */
struct builder {
	struct random *r;
	uint8_t *data;
	uint32_t len;
	uint32_t headers;
	uint32_t depth; /* of tunnels */
	bool gso;	/* whole, and of a protocol that is sent in one piece */
};

static uint8_t *grow(struct builder *b, uint32_t len)
{
	static uint8_t nowhere[RANDOM_FRAME_MAX];
	uint8_t *at = b->data + b->len;

	if (len > RANDOM_FRAME_MAX - b->len)
		return nowhere;
	memset(at, 0, len);
	b->len += len;
	return at;
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put_payload(struct builder *b)
{
	static const uint32_t lens[] = { 0, 0, 1, 8, 20, 60, 500, 1400, 1472, 2900 };
	uint32_t len = RANDOM_OF(b->r, lens);

	b->headers = b->len;
	if (len)
		memset(grow(b, len), (int)random_below(b->r, 256), 1);
}

static void put_packet(struct builder *b, uint16_t ethertype);

/* Ethernet, with up to three tags of which two are looked at. */
static void put_ethernet(struct builder *b)
{
	static const uint16_t types[] = { 0x0800, 0x0800, 0x0800, 0x0800, 0x86dd,
					  0x86dd, 0x86dd, 0x0806, 0x88cc, 0x0000 };
	uint32_t tags = random_one_in(b->r, 3) ? random_below(b->r, 4) : 0;
	uint16_t type = RANDOM_OF(b->r, types);
	uint8_t *at = grow(b, 12);

	at[0] = at[6] = 2;
	for (uint32_t i = 0; i < tags; i++) {
		at = grow(b, 4);
		put16(at, random_one_in(b->r, 2) ? 0x8100 : 0x88a8);
		put16(at + 2, random_vlan(b->r) | random_below(b->r, 16) << 12);
	}
	put16(grow(b, 2), type);
	put_packet(b, type);
}

static void put_tcp(struct builder *b)
{
	uint8_t *at = grow(b, 20);

	put16(at, random_port(b->r));
	put16(at + 2, random_port(b->r));
	at[12] = (uint8_t)(random_one_in(b->r, 10) ? random_below(b->r, 256) : 0x50);
	at[13] = random_tcp_flags(b->r);
	b->gso = b->depth == 0;
}

static void put_vxlan(struct builder *b)
{
	uint8_t *at = grow(b, 8);

	at[0] = random_one_in(b->r, 6) ? (uint8_t)random_below(b->r, 256) : 8;
	b->depth++;
	put_ethernet(b);
}

static void put_udp(struct builder *b)
{
	uint8_t *at = grow(b, 8);
	uint16_t dport = random_port(b->r);

	put16(at, random_port(b->r));
	put16(at + 2, dport);
	if ((dport == 4789 || dport == 8472) && b->depth < 2)
		put_vxlan(b);
	else
		put_payload(b);
}

static void put_icmp(struct builder *b)
{
	uint8_t *at = grow(b, 8);

	at[0] = random_icmp_type(b->r);
	at[1] = (uint8_t)random_below(b->r, 3);
	put_payload(b);
}

static void put_gre(struct builder *b)
{
	static const uint16_t types[] = { 0x0800, 0x0800, 0x86dd, 0x6558, 0x0806, 0x8100, 0x88be };
	uint32_t flags = (uint32_t)(random_next(b->r) >> 16) & 0xb000, words;
	uint16_t type = RANDOM_OF(b->r, types);
	uint8_t *at = grow(b, 4);

	if (random_one_in(b->r, 8))
		flags |= (uint32_t)(random_next(b->r) >> 16) & 0x4fff;
	put16(at, flags);
	put16(at + 2, type);
	words = (flags >> 15 & 1) + (flags >> 13 & 1) + (flags >> 12 & 1);
	grow(b, 4 * words);
	b->depth++;
	if (type == 0x6558)
		put_ethernet(b);
	else
		put_packet(b, type);
}

static void put_transport(struct builder *b, uint8_t proto)
{
	switch (proto) {
	case 6:
		put_tcp(b);
		put_payload(b);
		break;
	case 17:
		put_udp(b);
		break;
	case 1:
	case 58:
		put_icmp(b);
		break;
	case 47:
		if (b->depth < 2) {
			put_gre(b);
			break;
		}
		/* fall through */
	case 4:
	case 41:
		if (b->depth < 2 && proto != 47) {
			b->depth++;
			put_packet(b, proto == 4 ? 0x0800 : 0x86dd);
			break;
		}
		/* fall through */
	default: /* ports of some, nothing of others */
		put16(grow(b, 2), random_port(b->r));
		put16(grow(b, 2), random_port(b->r));
		put_payload(b);
	}
}

/* Whole mostly; else the first fragment, or a later one. */
static uint32_t random_fragment(struct builder *b, uint32_t more, uint32_t shift)
{
	switch (random_below(b->r, 12)) {
	case 0:
		return more;
	case 1:
		return (1 + random_below(b->r, 0x1fff)) << shift;
	case 2:
		return (1 + random_below(b->r, 0x1fff)) << shift | more;
	default:
		return 0;
	}
}

static void put_ipv4(struct builder *b)
{
	uint32_t options = random_one_in(b->r, 5) ? random_below(b->r, 11) : 0;
	uint32_t start = b->len, src = random_ipv4(b->r), dst = random_ipv4(b->r);
	uint8_t proto = random_proto(b->r), *at = grow(b, 20 + 4 * options);

	at[0] = (uint8_t)(0x45 + options);
	if (random_one_in(b->r, 20))
		at[0] = (uint8_t)random_below(b->r, 256);
	at[1] = (uint8_t)(random_dscp(b->r) << 2 | random_below(b->r, 4));
	put16(at + 4, random_below(b->r, 65536));
	put16(at + 6, random_fragment(b, 0x2000, 0) | (random_one_in(b->r, 2) ? 0x4000 : 0));
	at[8] = 64;
	at[9] = proto;
	put16(at + 12, src >> 16);
	put16(at + 14, src);
	put16(at + 16, dst >> 16);
	put16(at + 18, dst);
	put_transport(b, proto);
	/* nobody reads what it says of its length */
	if (b->len > start + 4 && !random_one_in(b->r, 8))
		put16(b->data + start + 2, b->len - start);
}

/* A chain of extension headers; at names the first of them. Returns what follows the last. */
static uint8_t put_extensions(struct builder *b, uint8_t *at)
{
	static const uint8_t kinds[] = { 0, 43, 44, 44, 51, 60, 60, 135, 139, 140 };
	uint32_t count = random_one_in(b->r, 3) ? random_below(b->r, 12) : 0;
	uint8_t proto = random_proto(b->r);

	for (uint32_t i = 0; i < count; i++) {
		uint8_t kind = RANDOM_OF(b->r, kinds);
		uint8_t words = (uint8_t)(random_one_in(b->r, 4) ? random_below(b->r, 4) : 0);
		uint32_t len = kind == 44 ? 8U : kind == 51 ? 8 + 4U * words : 8 + 8U * words;
		uint8_t *ext = grow(b, len);

		*at = kind;
		at = ext;
		ext[1] = random_one_in(b->r, 30) ? 255 : words;
		if (kind != 44)
			continue;
		put16(ext + 2, random_fragment(b, 1, 3));
		put16(ext + 4, random_below(b->r, 65536));
		put16(ext + 6, random_below(b->r, 65536));
	}
	*at = proto;
	return proto;
}

static void put_ipv6(struct builder *b)
{
	uint8_t *at = grow(b, 40), tclass;

	tclass = (uint8_t)(random_dscp(b->r) << 2 | random_below(b->r, 4));
	at[0] = (uint8_t)(0x60 | tclass >> 4);
	at[1] = (uint8_t)(tclass << 4 | random_below(b->r, 16));
	at[7] = random_one_in(b->r, 2) ? 255 : 64;
	random_ipv6(b->r, at + 8);
	random_ipv6(b->r, at + 24);
	put_transport(b, put_extensions(b, at + 6));
}

static void put_packet(struct builder *b, uint16_t ethertype)
{
	if (ethertype == 0x0800)
		put_ipv4(b);
	else if (ethertype == 0x86dd)
		put_ipv6(b);
	else
		memset(grow(b, 46), (int)random_below(b->r, 256), 28);
}

/* Bits that nobody sent, and an end where nobody expects it. */
static void spoil(struct builder *b)
{
	if (random_one_in(b->r, 8)) {
		for (uint32_t n = 1 + random_below(b->r, 4); n > 0; n--)
			b->data[random_below(b->r, b->len)] ^=
				(uint8_t)(1U << random_below(b->r, 8));
		b->gso = false;
	}
	if (random_one_in(b->r, 6)) {
		b->len = random_below(b->r, b->len < 120 ? b->len : 120);
		b->gso = false;
	}
}

void random_frame(struct random *r, struct random_frame *ret_frame)
{
	struct builder b = { .r = r, .data = ret_frame->data };

	put_ethernet(&b);
	spoil(&b);
	if (b.len < LEAST)
		memset(b.data + b.len, 0, LEAST - b.len);
	ret_frame->len = b.len < LEAST ? LEAST : b.len;
	ret_frame->headers = b.headers;
	ret_frame->gso_size = 0;
	if (b.gso && b.len > b.headers + 100 && random_one_in(r, 2))
		ret_frame->gso_size = 50 + random_below(r, b.len - b.headers - 60);
}
