/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why a key does not hold, in words. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "base/buffer.h"
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

static void put_named(struct qos_buffer *out, const struct qos_names *names, int value)
{
	const char *name = qos_names_text(names, value);

	if (name)
		qos_buffer_puts(out, name);
	else
		qos_buffer_printf(out, "%d", value);
}

static void put_addr(struct qos_buffer *out, const struct in6_addr *addr, uint8_t family)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(family == 4 ? AF_INET : AF_INET6,
		  family == 4 ? &addr->s6_addr[12] : addr->s6_addr, text, sizeof(text));
	qos_buffer_puts(out, text);
}

static void put_vlan(struct qos_buffer *out, uint32_t vlan)
{
	if (vlan == QOS_VLAN_NONE)
		qos_buffer_puts(out, "none");
	else
		qos_buffer_number(out, vlan);
}

static void put_flags(struct qos_buffer *out, int flags)
{
	const char *glue = "";

	if (!flags)
		qos_buffer_puts(out, "none");
	for (int bit = 1; bit < 256; bit <<= 1) {
		if (!(flags & bit))
			continue;
		qos_buffer_printf(out, "%s%s", glue, qos_names_text(&qos_names_tcp_flag, bit));
		glue = "+";
	}
}

/* family 0: no name is known. */
static void put_icmp(struct qos_buffer *out, uint8_t family, uint8_t type, int code)
{
	if (family)
		put_named(out, qos_icmp_names(family), type);
	else
		qos_buffer_number(out, type);
	if (code >= 0)
		qos_buffer_printf(out, "/%d", code);
}

/* By name where it is what the name says: 1 in IPv6 is not ICMP. */
static void put_proto(struct qos_buffer *out, const struct qos_packet *p)
{
	uint8_t only = qos_proto_family(p->proto);

	if (only && only != p->family)
		qos_buffer_number(out, p->proto);
	else
		put_named(out, &qos_names_proto, p->proto);
}

static void put_value(struct qos_buffer *out, const struct qos_packet *p, enum qos_match_key key)
{
	switch (key) {
	case QOS_MATCH_FAMILY:
		put_named(out, &qos_names_family, p->family);
		break;
	case QOS_MATCH_PROTO:
		put_proto(out, p);
		break;
	case QOS_MATCH_SRC:
		put_addr(out, &p->src, p->family);
		break;
	case QOS_MATCH_DST:
		put_addr(out, &p->dst, p->family);
		break;
	case QOS_MATCH_SPORT:
		qos_buffer_number(out, p->sport);
		break;
	case QOS_MATCH_DPORT:
		qos_buffer_number(out, p->dport);
		break;
	case QOS_MATCH_DSCP:
		put_named(out, &qos_names_dscp, p->dscp);
		break;
	case QOS_MATCH_MARK:
		qos_buffer_printf(out, "0x%" PRIx32, p->mark);
		break;
	case QOS_MATCH_CGROUP:
		qos_buffer_puts(out, *p->cgroup ? p->cgroup : "/");
		break;
	case QOS_MATCH_UID:
		qos_buffer_number(out, p->uid);
		break;
	case QOS_MATCH_VLAN:
		put_vlan(out, p->vlan);
		break;
	case QOS_MATCH_LENGTH:
		qos_buffer_number(out, p->length);
		break;
	case QOS_MATCH_TCP_FLAGS:
		put_flags(out, p->tcp_flags);
		break;
	case QOS_MATCH_ICMP_TYPE:
		put_icmp(out, p->family, p->icmp_type, p->icmp_code);
		break;
	default:
		break;
	}
}

static void put_prefix(struct qos_buffer *out, const struct qos_prefix *prefix)
{
	put_addr(out, &prefix->addr, prefix->family);
	if (prefix->len < (prefix->family == 4 ? 32 : 128))
		qos_buffer_printf(out, "/%u", prefix->len);
}

static void put_range(struct qos_buffer *out, uint32_t min, uint32_t max)
{
	qos_buffer_printf(out, min == max ? "%" PRIu32 : "%" PRIu32 "-%" PRIu32, min, max);
}

static void put_vlans(struct qos_buffer *out, const struct qos_range *range)
{
	if (range->min == QOS_VLAN_NONE)
		put_vlan(out, QOS_VLAN_NONE);
	else
		put_range(out, range->min, range->max);
}

static void put_mark(struct qos_buffer *out, const struct qos_masked *mark)
{
	qos_buffer_printf(out, "0x%" PRIx32, mark->value);
	if (mark->mask != UINT32_MAX)
		qos_buffer_printf(out, "/0x%" PRIx32, mark->mask);
}

static void put_tcp_flags(struct qos_buffer *out, const struct qos_masked *flags)
{
	put_flags(out, (int)flags->value);
	if (flags->mask == flags->value)
		return;
	qos_buffer_puts(out, "/");
	put_flags(out, (int)flags->mask);
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

/* A number is of each family: to a packet it says what it means in the packet's own. */
static void put_icmp_entry(struct qos_buffer *out, const struct qos_icmp_type *entry,
			   const struct qos_packet *p)
{
	put_icmp(out, entry->family ? entry->family : p->family, entry->type, entry->code);
}

/* A name that both families have was written once, and is an entry for each. */
static bool is_said_already(const struct qos_match *m, enum qos_match_key key, size_t i)
{
	const struct qos_icmp_type *entry, *before;
	const char *name, *name_before;

	if (key != QOS_MATCH_ICMP_TYPE || !i)
		return false;
	entry = &m->icmp_type[i];
	before = entry - 1;
	if (before->family != 4 || entry->family != 6 || before->code != entry->code)
		return false;
	name = qos_names_text(&qos_names_icmpv6, entry->type);
	name_before = qos_names_text(&qos_names_icmp, before->type);
	return name && name_before && strcmp(name, name_before) == 0;
}

static void put_entry(struct qos_buffer *out, const struct qos_match *m, enum qos_match_key key,
		      const struct qos_packet *p, size_t i)
{
	switch (key) {
	case QOS_MATCH_FAMILY:
		put_named(out, &qos_names_family, m->family);
		break;
	case QOS_MATCH_PROTO:
		put_named(out, &qos_names_proto, m->proto[i]);
		break;
	case QOS_MATCH_SRC:
		put_prefix(out, &m->src[i]);
		break;
	case QOS_MATCH_DST:
		put_prefix(out, &m->dst[i]);
		break;
	case QOS_MATCH_SPORT:
		put_range(out, m->sport[i].min, m->sport[i].max);
		break;
	case QOS_MATCH_DPORT:
		put_range(out, m->dport[i].min, m->dport[i].max);
		break;
	case QOS_MATCH_DSCP:
		put_named(out, &qos_names_dscp, (int)lowest_dscp(m->dscp, i));
		break;
	case QOS_MATCH_MARK:
		put_mark(out, &m->mark[i]);
		break;
	case QOS_MATCH_CGROUP:
		qos_buffer_puts(out, *m->cgroup[i] ? m->cgroup[i] : "/");
		break;
	case QOS_MATCH_UID:
		put_range(out, m->uid[i].min, m->uid[i].max);
		break;
	case QOS_MATCH_VLAN:
		put_vlans(out, &m->vlan[i]);
		break;
	case QOS_MATCH_LENGTH:
		put_range(out, m->length[i].min, m->length[i].max);
		break;
	case QOS_MATCH_TCP_FLAGS:
		put_tcp_flags(out, &m->tcp_flags[i]);
		break;
	case QOS_MATCH_ICMP_TYPE:
		put_icmp_entry(out, &m->icmp_type[i], p);
		break;
	default:
		break;
	}
}

/* "80, 443 or 8000-8010" */
static void put_wanted(struct qos_buffer *out, const struct qos_match *m, enum qos_match_key key,
		       const struct qos_packet *p)
{
	size_t entries = count_wanted(m, key), count = 0, shown = 0;

	for (size_t i = 0; i < entries; i++)
		count += !is_said_already(m, key, i);
	for (size_t i = 0; i < entries && shown < WANTED_MAX; i++) {
		if (is_said_already(m, key, i))
			continue;
		qos_buffer_puts(out, !shown ? "" : shown + 1 < count ? ", " : " or ");
		put_entry(out, m, key, p, i);
		shown++;
	}
	if (shown < count)
		qos_buffer_printf(out, " or %zu more", count - shown);
}

/* Of the first that the packet is, what it asks for. */
static void put_excluded(struct qos_buffer *out, const struct qos_match *m,
			 const struct qos_packet *p)
{
	const struct qos_match *excluded = m->excluded;
	const char *glue = "";

	while (qos_match_failed(excluded, p))
		excluded++;
	qos_buffer_puts(out, "it is excluded by `not`: ");
	for (enum qos_match_key key = 0; key < QOS_MATCH_NOT; key++) {
		if (!(qos_match_asked(excluded) >> key & 1))
			continue;
		qos_buffer_printf(out, "%s%s is ", glue, key_names[key]);
		put_value(out, p, key);
		glue = ", ";
	}
}

int qos_match_why(const struct qos_match *match, enum qos_match_key key,
		  const struct qos_packet *packet, char **ret_text)
{
	const char *lacking = lacks(packet, key);
	_cleanup_(qos_buffer_done) struct qos_buffer out = { 0 };

	if (key == QOS_MATCH_NOT) {
		put_excluded(&out, match, packet);
	} else if (lacking) {
		qos_buffer_printf(&out, "it has %s, and %s has to be ", lacking, key_names[key]);
		put_wanted(&out, match, key, packet);
	} else {
		qos_buffer_printf(&out, "%s is ", key_names[key]);
		put_value(&out, packet, key);
		qos_buffer_puts(&out, ", not ");
		put_wanted(&out, match, key, packet);
	}
	return qos_buffer_take(&out, ret_text);
}
