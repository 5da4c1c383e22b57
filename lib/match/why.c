/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why a key does not hold, in words. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "match/match.h"

/* Of a long list, so many. */
#define WANTED_MAX 4

static const char *const key_names[QOS_MATCH_KEYS] = {
	[QOS_MATCH_FAMILY] = "family",
	[QOS_MATCH_PROTO] = "proto",
	[QOS_MATCH_SRC] = "src",
	[QOS_MATCH_DST] = "dst",
	[QOS_MATCH_SPORT] = "sport",
	[QOS_MATCH_DPORT] = "dport",
	[QOS_MATCH_DSCP] = "dscp",
	[QOS_MATCH_MARK] = "mark",
	[QOS_MATCH_CGROUP] = "cgroup",
	[QOS_MATCH_UID] = "uid",
	[QOS_MATCH_VLAN] = "vlan",
	[QOS_MATCH_LENGTH] = "length",
	[QOS_MATCH_TCP_FLAGS] = "tcp-flags",
	[QOS_MATCH_ICMP_TYPE] = "icmp-type",
	[QOS_MATCH_NOT] = "not",
};

const char *qos_match_key_text(enum qos_match_key key)
{
	return key_names[key];
}

/* What a packet has not, or null when it has it. */
static const char *lacks(const struct qos_packet *p, enum qos_match_key key)
{
	switch (key) {
	case QOS_MATCH_SPORT:
	case QOS_MATCH_DPORT:
		return p->has_ports ? NULL : "no ports";
	case QOS_MATCH_CGROUP:
		return p->cgroup ? NULL : "no cgroup";
	case QOS_MATCH_UID:
		return p->has_uid ? NULL : "no uid";
	case QOS_MATCH_TCP_FLAGS:
		return p->has_tcp_flags ? NULL : "no TCP flags";
	case QOS_MATCH_ICMP_TYPE:
		return p->has_icmp ? NULL : "no ICMP type";
	case QOS_MATCH_MARK:
	case QOS_MATCH_VLAN:
	case QOS_MATCH_NOT:
		return NULL;
	default:
		return p->family ? NULL : "no IP header";
	}
}

static void put_named(FILE *f, const struct qos_names *names, int value)
{
	const char *name = qos_names_text(names, value);

	if (name)
		fputs(name, f);
	else
		fprintf(f, "%d", value);
}

static void put_addr(FILE *f, const struct in6_addr *addr, uint8_t family)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(family == 4 ? AF_INET : AF_INET6,
		  family == 4 ? &addr->s6_addr[12] : addr->s6_addr, text, sizeof(text));
	fputs(text, f);
}

static void put_vlan(FILE *f, uint32_t vlan)
{
	if (vlan == QOS_VLAN_NONE)
		fputs("none", f);
	else
		fprintf(f, "%" PRIu32, vlan);
}

static void put_flags(FILE *f, int flags)
{
	const char *glue = "";

	if (!flags)
		fputs("none", f);
	for (int bit = 1; bit < 256; bit <<= 1) {
		if (!(flags & bit))
			continue;
		fprintf(f, "%s%s", glue, qos_names_text(&qos_names_tcp_flag, bit));
		glue = "+";
	}
}

static void put_icmp(FILE *f, uint8_t family, uint8_t type, int code)
{
	put_named(f, qos_icmp_names(family), type);
	if (code >= 0)
		fprintf(f, "/%d", code);
}

static void put_value(FILE *f, const struct qos_packet *p, enum qos_match_key key)
{
	switch (key) {
	case QOS_MATCH_FAMILY:
		put_named(f, &qos_names_family, p->family);
		break;
	case QOS_MATCH_PROTO:
		put_named(f, &qos_names_proto, p->proto);
		break;
	case QOS_MATCH_SRC:
		put_addr(f, &p->src, p->family);
		break;
	case QOS_MATCH_DST:
		put_addr(f, &p->dst, p->family);
		break;
	case QOS_MATCH_SPORT:
		fprintf(f, "%u", p->sport);
		break;
	case QOS_MATCH_DPORT:
		fprintf(f, "%u", p->dport);
		break;
	case QOS_MATCH_DSCP:
		put_named(f, &qos_names_dscp, p->dscp);
		break;
	case QOS_MATCH_MARK:
		fprintf(f, "0x%" PRIx32, p->mark);
		break;
	case QOS_MATCH_CGROUP:
		fprintf(f, "%s", *p->cgroup ? p->cgroup : "/");
		break;
	case QOS_MATCH_UID:
		fprintf(f, "%" PRIu32, p->uid);
		break;
	case QOS_MATCH_VLAN:
		put_vlan(f, p->vlan);
		break;
	case QOS_MATCH_LENGTH:
		fprintf(f, "%" PRIu32, p->length);
		break;
	case QOS_MATCH_TCP_FLAGS:
		put_flags(f, p->tcp_flags);
		break;
	case QOS_MATCH_ICMP_TYPE:
		put_icmp(f, p->family, p->icmp_type, p->icmp_code);
		break;
	default:
		break;
	}
}

static void put_prefix(FILE *f, const struct qos_prefix *prefix)
{
	put_addr(f, &prefix->addr, prefix->family);
	if (prefix->len < (prefix->family == 4 ? 32 : 128))
		fprintf(f, "/%u", prefix->len);
}

static void put_range(FILE *f, uint32_t min, uint32_t max)
{
	fprintf(f, min == max ? "%" PRIu32 : "%" PRIu32 "-%" PRIu32, min, max);
}

static void put_vlans(FILE *f, const struct qos_range *range)
{
	if (range->min == QOS_VLAN_NONE)
		put_vlan(f, QOS_VLAN_NONE);
	else
		put_range(f, range->min, range->max);
}

static void put_mark(FILE *f, const struct qos_masked *mark)
{
	fprintf(f, "0x%" PRIx32, mark->value);
	if (mark->mask != UINT32_MAX)
		fprintf(f, "/0x%" PRIx32, mark->mask);
}

static void put_tcp_flags(FILE *f, const struct qos_masked *flags)
{
	put_flags(f, (int)flags->value);
	if (flags->mask == flags->value)
		return;
	fputc('/', f);
	put_flags(f, (int)flags->mask);
}

static size_t lowest_dscp(uint64_t set, size_t index)
{
	while (index--)
		set &= set - 1;
	return (size_t)__builtin_ctzll(set);
}

static size_t count_wanted(const struct qos_match *m, enum qos_match_key key)
{
	const size_t counts[QOS_MATCH_KEYS] = {
		[QOS_MATCH_FAMILY] = m->family ? 1 : 0,
		[QOS_MATCH_PROTO] = m->proto_count,
		[QOS_MATCH_SRC] = m->src_count,
		[QOS_MATCH_DST] = m->dst_count,
		[QOS_MATCH_SPORT] = m->sport_count,
		[QOS_MATCH_DPORT] = m->dport_count,
		[QOS_MATCH_DSCP] = (size_t)__builtin_popcountll(m->dscp),
		[QOS_MATCH_MARK] = m->mark_count,
		[QOS_MATCH_CGROUP] = m->cgroup_count,
		[QOS_MATCH_UID] = m->uid_count,
		[QOS_MATCH_VLAN] = m->vlan_count,
		[QOS_MATCH_LENGTH] = m->length_count,
		[QOS_MATCH_TCP_FLAGS] = m->tcp_flags_count,
		[QOS_MATCH_ICMP_TYPE] = m->icmp_type_count,
	};

	return counts[key];
}

static void put_entry(FILE *f, const struct qos_match *m, enum qos_match_key key, size_t i)
{
	switch (key) {
	case QOS_MATCH_FAMILY:
		put_named(f, &qos_names_family, m->family);
		break;
	case QOS_MATCH_PROTO:
		put_named(f, &qos_names_proto, m->proto[i]);
		break;
	case QOS_MATCH_SRC:
		put_prefix(f, &m->src[i]);
		break;
	case QOS_MATCH_DST:
		put_prefix(f, &m->dst[i]);
		break;
	case QOS_MATCH_SPORT:
		put_range(f, m->sport[i].min, m->sport[i].max);
		break;
	case QOS_MATCH_DPORT:
		put_range(f, m->dport[i].min, m->dport[i].max);
		break;
	case QOS_MATCH_DSCP:
		put_named(f, &qos_names_dscp, (int)lowest_dscp(m->dscp, i));
		break;
	case QOS_MATCH_MARK:
		put_mark(f, &m->mark[i]);
		break;
	case QOS_MATCH_CGROUP:
		fputs(*m->cgroup[i] ? m->cgroup[i] : "/", f);
		break;
	case QOS_MATCH_UID:
		put_range(f, m->uid[i].min, m->uid[i].max);
		break;
	case QOS_MATCH_VLAN:
		put_vlans(f, &m->vlan[i]);
		break;
	case QOS_MATCH_LENGTH:
		put_range(f, m->length[i].min, m->length[i].max);
		break;
	case QOS_MATCH_TCP_FLAGS:
		put_tcp_flags(f, &m->tcp_flags[i]);
		break;
	case QOS_MATCH_ICMP_TYPE:
		put_icmp(f, m->icmp_type[i].family, m->icmp_type[i].type, m->icmp_type[i].code);
		break;
	default:
		break;
	}
}

/* "80, 443 or 8000-8010" */
static void put_wanted(FILE *f, const struct qos_match *m, enum qos_match_key key)
{
	size_t count = count_wanted(m, key), shown = count > WANTED_MAX ? WANTED_MAX : count;

	for (size_t i = 0; i < shown; i++) {
		fputs(!i ? "" : i + 1 < count ? ", " : " or ", f);
		put_entry(f, m, key, i);
	}
	if (shown < count)
		fprintf(f, " or %zu more", count - shown);
}

/* Of the first that the packet is, what it asks for. */
static void put_excluded(FILE *f, const struct qos_match *m, const struct qos_packet *p)
{
	const struct qos_match *excluded = m->excluded;
	const char *glue = "";

	while (qos_match_failed(excluded, p))
		excluded++;
	fputs("it is excluded by `not`: ", f);
	for (enum qos_match_key key = 0; key < QOS_MATCH_NOT; key++) {
		if (!(qos_match_asked(excluded) >> key & 1))
			continue;
		fprintf(f, "%s%s is ", glue, key_names[key]);
		put_value(f, p, key);
		glue = ", ";
	}
}

int qos_match_why(const struct qos_match *match, enum qos_match_key key,
		  const struct qos_packet *packet, char **ret_text)
{
	const char *lacking = lacks(packet, key);
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return -ENOMEM;
	if (key == QOS_MATCH_NOT) {
		put_excluded(f, match, packet);
	} else if (lacking) {
		fprintf(f, "it has %s, and %s has to be ", lacking, key_names[key]);
		put_wanted(f, match, key);
	} else {
		fprintf(f, "%s is ", key_names[key]);
		put_value(f, packet, key);
		fputs(", not ", f);
		put_wanted(f, match, key);
	}
	if (fclose(f) != 0) {
		free(text);
		return -ENOMEM;
	}
	*ret_text = text;
	return 0;
}
