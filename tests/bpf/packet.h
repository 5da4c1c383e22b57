/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames from a description, for tables of tests. */
#ifndef QOS_TESTS_BPF_PACKET_H
#define QOS_TESTS_BPF_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_MAX 3400 /* BPF_PROG_TEST_RUN: a page, less head and tail room */

#define TAGS_MAX   4
#define EXTS_MAX   12

struct spec {
	bool raw;		 /* no link-layer header */
	uint16_t tags[TAGS_MAX]; /* EtherTypes of VLAN tags, outermost first */
	uint16_t ethertype;	 /* of what is not IP; 0: family decides */
	int family;		 /* 4 or 6; 0: 4, unless ethertype is given */
	const char *src, *dst;	 /* null: 10.0.0.1, 10.0.0.2, fd00::1, fd00::2 */
	uint8_t tos;		 /* DSCP and ECN */
	uint32_t flow_label;
	uint8_t ttl;		/* 0: 64; neighbour discovery has 255 */
	uint8_t ihl;		/* as written; 0: 5. Above 5, options fill it */
	uint8_t proto;		/* 0: TCP */
	uint8_t exts[EXTS_MAX]; /* IPv6 extension headers, in order; 0 ends, see HOPOPTS */
	uint8_t ext_words;	/* length field of each extension header (8 more bytes each) */
	uint16_t sport, dport;
	uint8_t icmp_type;
	uint16_t frag_off; /* in units of 8 bytes */
	bool more;	   /* fragments follow */
	uint32_t id;
	size_t payload; /* bytes after the transport header */
	size_t keep;	/* cut the frame after so many bytes; 0: do not */
};

/* Hop-by-hop options are next header 0, which ends exts. */
#define HOPOPTS	       255

#define TOS(dscp, ecn) ((uint8_t)((dscp) << 2 | (ecn)))

struct packet {
	uint8_t data[PACKET_MAX];
	size_t len;
	size_t l3;	/* offset of what follows the link layer */
	size_t headers; /* bytes up to the payload */
};

void packet_build(const struct spec *spec, struct packet *ret_packet);

/* The Internet checksum (RFC 1071) over bytes: 0 for an IPv4 header that is right. */
uint16_t packet_checksum(const uint8_t *bytes, size_t len);

#endif
