/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a frame is, and what the wire carried of it. */
#ifndef HARNESS_WIRE_PACKET_H
#define HARNESS_WIRE_PACKET_H

#include <linux/if_packet.h>

#include "common.h"

enum proto { PROTO_ANY, PROTO_ARP, PROTO_IP, PROTO_UDP, PROTO_TCP, PROTO_ICMP, PROTO_OTHER };

struct packet {
	enum proto proto;
	int family;	  /* 4, 6, or 0 */
	int sport, dport; /* -1: none, or a later fragment */
	int vlan;	  /* -1: none */
	uint8_t tos;
	uint32_t headers; /* Ethernet to TCP or UDP, which each segment has */
	uint64_t segments, bytes;
	int64_t ns;		/* CLOCK_MONOTONIC */
	const uint8_t *payload; /* of UDP, or NULL */
	size_t payload_len;
};

/* Reads a frame that a ring of version 3 has; monotonic: its time. */
struct packet packet_read(const struct tpacket3_hdr *header, int64_t monotonic);

#endif
