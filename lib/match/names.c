/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* IANA's types of ICMP and ICMPv6, and the flags of TCP. */
#include <errno.h>

#include "base/cleanup.h"
#include "match/packet.h"

static const struct qos_name icmp4[] = {
	{ "echo-reply", 0 },	       { "destination-unreachable", 3 },
	{ "source-quench", 4 },	       { "redirect", 5 },
	{ "echo-request", 8 },	       { "router-advertisement", 9 },
	{ "router-solicitation", 10 }, { "time-exceeded", 11 },
	{ "parameter-problem", 12 },   { "timestamp-request", 13 },
	{ "timestamp-reply", 14 },
};

static const struct qos_name icmp6[] = {
	{ "destination-unreachable", 1 },
	{ "packet-too-big", 2 },
	{ "time-exceeded", 3 },
	{ "parameter-problem", 4 },
	{ "echo-request", 128 },
	{ "echo-reply", 129 },
	{ "router-solicitation", 133 },
	{ "router-advertisement", 134 },
	{ "neighbour-solicitation", 135 },
	{ "neighbour-advertisement", 136 },
	{ "redirect", 137 },
};

static const struct qos_names icmp[2] = {
	{ icmp4, ARRAY_SIZE(icmp4) },
	{ icmp6, ARRAY_SIZE(icmp6) },
};

const struct qos_names *qos_icmp_names(uint8_t family)
{
	return &icmp[family == 6];
}

const char *const qos_tcp_flag_names[8] = {
	"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr",
};
