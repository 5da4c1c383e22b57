/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "abi.h"
#include "base/cleanup.h"
#include "base/names.h"

/* RFC 2474, RFC 2597, RFC 3246 (ef), RFC 5865 (va), RFC 8622 (le). */
static const struct qos_name dscp[] = {
	{ "cs0", 0 },	{ "cs1", 8 },	{ "cs2", 16 },	{ "cs3", 24 },	{ "cs4", 32 },
	{ "cs5", 40 },	{ "cs6", 48 },	{ "cs7", 56 },	{ "af11", 10 }, { "af12", 12 },
	{ "af13", 14 }, { "af21", 18 }, { "af22", 20 }, { "af23", 22 }, { "af31", 26 },
	{ "af32", 28 }, { "af33", 30 }, { "af41", 34 }, { "af42", 36 }, { "af43", 38 },
	{ "ef", 46 },	{ "le", 1 },	{ "va", 44 },
};

/* IANA's protocol numbers. Its "ipv6" (41, a tunnel) is left out: who writes
 * that means the family.
 */
static const struct qos_name proto[] = {
	{ "tcp", 6 },	     { "udp", 17 },	    { "icmp", 1 },     { "icmpv6", 58 },
	{ "ipv6-icmp", 58 }, { "sctp", 132 },	    { "dccp", 33 },    { "udplite", 136 },
	{ "igmp", 2 },	     { "ipip", 4 },	    { "rsvp", 46 },    { "gre", 47 },
	{ "esp", 50 },	     { "ah", 51 },	    { "eigrp", 88 },   { "ospf", 89 },
	{ "etherip", 97 },   { "pim", 103 },	    { "ipcomp", 108 }, { "vrrp", 112 },
	{ "l2tp", 115 },     { "mpls-in-ip", 137 },
};

static const struct qos_name priority[] = {
	{ "high", QOS_PRIORITY_HIGH },
	{ "normal", QOS_PRIORITY_NORMAL },
	{ "low", QOS_PRIORITY_LOW },
};

static const struct qos_name fairness[] = {
	{ "flow", QOS_FAIR_FLOW },
	{ "src-host", QOS_FAIR_SRC_HOST },
	{ "dst-host", QOS_FAIR_DST_HOST },
	{ "none", QOS_FAIR_NONE },
};

static const struct qos_name gso[] = {
	{ "auto", QOS_GSO_AUTO },
	{ "keep", QOS_GSO_KEEP },
};

static const struct qos_name mode[] = {
	{ "fq", QOS_MODE_FQ },
	{ "police", QOS_MODE_POLICE },
};

static const struct qos_name family[] = {
	{ "ipv4", QOS_FAMILY_IPV4 },
	{ "ipv6", QOS_FAMILY_IPV6 },
};

static const struct qos_name tunnel[] = {
	{ "outer", QOS_TUNNEL_OUTER },
	{ "inner", QOS_TUNNEL_INNER },
};

/* RFC 9293, RFC 3168. */
static const struct qos_name tcp_flag[] = {
	{ "fin", 1 },  { "syn", 2 },  { "rst", 4 },  { "psh", 8 },
	{ "ack", 16 }, { "urg", 32 }, { "ece", 64 }, { "cwr", 128 },
};

/* IANA's types of ICMP and ICMPv6; what both have has one name. */
static const struct qos_name icmp[] = {
	{ "echo-reply", 0 },	       { "destination-unreachable", 3 },
	{ "source-quench", 4 },	       { "redirect", 5 },
	{ "echo-request", 8 },	       { "router-advertisement", 9 },
	{ "router-solicitation", 10 }, { "time-exceeded", 11 },
	{ "parameter-problem", 12 },   { "timestamp-request", 13 },
	{ "timestamp-reply", 14 },
};

static const struct qos_name icmpv6[] = {
	{ "destination-unreachable", 1 },
	{ "packet-too-big", 2 },
	{ "time-exceeded", 3 },
	{ "parameter-problem", 4 },
	{ "echo-request", 128 },
	{ "echo-reply", 129 },
	{ "mld-query", 130 },
	{ "mld-report", 131 },
	{ "mld-done", 132 },
	{ "router-solicitation", 133 },
	{ "router-advertisement", 134 },
	{ "neighbour-solicitation", 135 },
	{ "neighbour-advertisement", 136 },
	{ "redirect", 137 },
	{ "mld2-report", 143 },
};

#define TABLE(entries)                       \
	{                                    \
		entries, ARRAY_SIZE(entries) \
	}

const struct qos_names qos_names_dscp = TABLE(dscp);
const struct qos_names qos_names_proto = TABLE(proto);
const struct qos_names qos_names_priority = TABLE(priority);
const struct qos_names qos_names_fairness = TABLE(fairness);
const struct qos_names qos_names_gso = TABLE(gso);
const struct qos_names qos_names_mode = TABLE(mode);
const struct qos_names qos_names_family = TABLE(family);
const struct qos_names qos_names_tunnel = TABLE(tunnel);
const struct qos_names qos_names_tcp_flag = TABLE(tcp_flag);
const struct qos_names qos_names_icmp = TABLE(icmp);
const struct qos_names qos_names_icmpv6 = TABLE(icmpv6);

int qos_names_find(const struct qos_names *names, const char *text)
{
	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(names->entries[i].name, text) == 0)
			return names->entries[i].value;
	}
	return -ENOENT;
}

const char *qos_names_text(const struct qos_names *names, int value)
{
	for (size_t i = 0; i < names->count; i++) {
		if (names->entries[i].value == value)
			return names->entries[i].name;
	}
	return NULL;
}

/* Longer texts are no misspelling of anything here. */
#define NEAREST_MAX 64

static char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Optimal string alignment: Levenshtein's distance with transpositions of
 * neighbours, three rows of its matrix at a time.
 */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t rows[3][NEAREST_MAX + 1];
	size_t *prev2 = rows[0], *prev = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b_len; j++)
		prev[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *oldest = prev2;

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			char ca = fold(a[i - 1]), cb = fold(b[j - 1]);

			row[j] = min3(prev[j] + 1, row[j - 1] + 1, prev[j - 1] + (ca != cb));
			if (i > 1 && j > 1 && ca == fold(b[j - 2]) && cb == fold(a[i - 2]) &&
			    prev2[j - 2] + 1 < row[j])
				row[j] = prev2[j - 2] + 1;
		}
		prev2 = prev;
		prev = row;
		row = oldest;
	}
	return prev[b_len];
}

/* The best so far, for a walk over any kind of table. */
struct nearest {
	const char *text;
	size_t len;
	const char *name;
	size_t distance;
};

static void consider(struct nearest *best, const char *candidate)
{
	size_t len = strlen(candidate), allowed = len / 3, apart;

	if (len > NEAREST_MAX || best->len > NEAREST_MAX || best->len > len + allowed ||
	    len > best->len + allowed)
		return;
	apart = distance(best->text, best->len, candidate, len);
	if (apart > allowed || (best->name && apart >= best->distance))
		return;
	best->name = candidate;
	best->distance = apart;
}

const char *qos_nearest(const char *text, const char *const *candidates, size_t count)
{
	struct nearest best = { .text = text, .len = strlen(text) };

	for (size_t i = 0; i < count; i++)
		consider(&best, candidates[i]);
	return best.name;
}

const char *qos_names_nearest(const struct qos_names *names, const char *text)
{
	struct nearest best = { .text = text, .len = strlen(text) };

	for (size_t i = 0; i < names->count; i++)
		consider(&best, names->entries[i].name);
	return best.name;
}

/* The kernel's isspace(): ASCII's, and Latin 1's no-break space (lib/ctype.c). */
static bool is_kernel_space(unsigned char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xa0;
}

bool qos_ifname_valid(const char *name)
{
	size_t len = strnlen(name, IFNAMSIZ);

	if (len == 0 || len == IFNAMSIZ)
		return false;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (name[i] == '/' || name[i] == ':' || is_kernel_space((unsigned char)name[i]))
			return false;
	}
	return true;
}
