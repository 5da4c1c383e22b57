/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A packet as rules see it: all that they can ask for. Made from a frame, or from
 * what somebody wrote, by what the policy language says and nothing else: what the
 * program in the kernel does is tested against it.
 */
#ifndef QOS_MATCH_PACKET_H
#define QOS_MATCH_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/names.h"
#include "model/policy.h"

enum qos_fragment {
	QOS_FRAGMENT_NONE,
	QOS_FRAGMENT_FIRST,
	QOS_FRAGMENT_LATER,
};

struct qos_packet {
	uint8_t family;		  /* 4 or 6; 0: it is not IP and has nothing down to length */
	uint8_t proto;		  /* of what follows the extension headers */
	uint8_t dscp;		  /* 6 bits */
	uint8_t fragment;	  /* enum qos_fragment */
	struct in6_addr src, dst; /* IPv4 mapped */
	bool has_ports;		  /* … */
	uint16_t sport, dport;	  /* host order */
	bool has_tcp_flags;	  /* … */
	uint8_t tcp_flags;	  /* FIN is 1, CWR 128 */
	bool has_icmp;		  /* of the family: ICMP by IPv4, ICMPv6 by IPv6 */
	uint8_t icmp_type, icmp_code;
	uint32_t length;      /* of the IP packet, bytes; of GSO, of a full segment */
	uint16_t ethertype;   /* of what is not IP; 0: cut off before it */
	bool exempt;	      /* ARP or neighbour discovery: of the default class */
	uint16_t vlan;	      /* of the outermost tag, or QOS_VLAN_NONE */
	uint32_t fragment_id; /* if it is a fragment; as it is on the wire */
	uint32_t mark;
	bool has_uid; /* … */
	uint32_t uid;
	const char *cgroup; /* path, without a slash at either end; null: none; borrowed */
};

/* Walked at most; what is beyond them is no port, no tag. */
#define QOS_EXTENSIONS_MAX 8
#define QOS_VLAN_TAGS_MAX  2

struct qos_frame {
	const uint8_t *data;
	size_t len;	    /* bytes that there are of it */
	size_t wire_len;    /* and that it had; of GSO those of a full segment */
	uint16_t ethertype; /* of a packet, or its tag, without an Ethernet header; 0: it has one */
	int tag;	    /* VLAN that the kernel keeps beside it, 0…4095; -1: none */
};

/*
 * What a frame says of itself; what it does not say, mark, uid and cgroup, is 0 or none. inner:
 * of packets in VXLAN, GRE, or IP in IP that are whole, all down to the ICMP code is that of the
 * inner packet.
 */
void qos_packet_decode(const struct qos_frame *frame, bool inner, struct qos_packet *ret_packet);

/*
 * "udp 10.0.0.2:5000 > 1.1.1.1:53 dscp ef vlan 5 …", see qosctl(8). -EINVAL with a diagnostic
 * at the word that is wrong, the text being the source of diags then; -ENOMEM. *ret_words
 * is what strings of the packet point into, the caller's.
 */
int qos_packet_parse(const char *text, struct qos_diags *diags, struct qos_packet *ret_packet,
		     char **ret_words);

/*
 * What qos_packet_parse() reads, the shortest way; of a frame that is not whole, what it can say of
 * it. -ENOMEM.
 */
int qos_packet_print(const struct qos_packet *packet, char **ret_text);

/*
 * The headers of the packet, with an Ethernet header and without a tag; of what is not IP the
 * shortest frame. Returns their bytes.
 */
#define QOS_PACKET_HEADERS_MAX 128
size_t qos_packet_headers(const struct qos_packet *packet, uint8_t buf[QOS_PACKET_HEADERS_MAX]);

/* Whether IPv6 knows it as an extension header. */
bool qos_proto_is_extension(uint8_t proto);

/* Bytes of its headers alone: what it is long at least. */
uint32_t qos_packet_least(const struct qos_packet *packet);

/* Types of ICMP (4) or ICMPv6 (6). */
static inline const struct qos_names *qos_icmp_names(uint8_t family)
{
	return family == 6 ? &qos_names_icmpv6 : &qos_names_icmp;
}

#endif
