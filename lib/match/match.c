/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys are all-of, the entries of one any-of, the first rule that matches wins. */
#include <string.h>

#include "match/match.h"

static bool in_prefix(const struct in6_addr *addr, uint8_t family, const struct qos_prefix *prefix)
{
	unsigned int bits = prefix->len + (prefix->family == 4 ? 96U : 0U), bytes = bits / 8;
	uint8_t mask = (uint8_t)(0xff00 >> bits % 8);

	if (family != prefix->family || memcmp(addr, &prefix->addr, bytes) != 0)
		return false;
	return bits % 8 == 0 || !((addr->s6_addr[bytes] ^ prefix->addr.s6_addr[bytes]) & mask);
}

static bool in_prefixes(const struct in6_addr *addr, uint8_t family, const struct qos_prefix *list,
			size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (in_prefix(addr, family, &list[i]))
			return true;
	}
	return false;
}

static bool in_ports(uint16_t port, const struct qos_port_range *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (port >= list[i].min && port <= list[i].max)
			return true;
	}
	return false;
}

static bool in_ranges(uint32_t value, const struct qos_range *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (value >= list[i].min && value <= list[i].max)
			return true;
	}
	return false;
}

static bool in_masked(uint32_t value, const struct qos_masked *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if ((value & list[i].mask) == list[i].value)
			return true;
	}
	return false;
}

/* The cgroup itself, or one below it. */
static bool in_cgroups(const char *path, char *const *list, size_t count)
{
	for (size_t i = 0; path && i < count; i++) {
		size_t len = strlen(list[i]);

		if (!len || (strncmp(path, list[i], len) == 0 && (!path[len] || path[len] == '/')))
			return true;
	}
	return false;
}

static bool is_proto(const struct qos_packet *p, const struct qos_match *m)
{
	uint8_t only = qos_proto_family(p->proto);

	if (!p->family || (only && only != p->family))
		return false;
	return memchr(m->proto, p->proto, m->proto_count);
}

static bool is_icmp_type(const struct qos_packet *p, const struct qos_match *m)
{
	for (size_t i = 0; p->has_icmp && i < m->icmp_type_count; i++) {
		const struct qos_icmp_type *want = &m->icmp_type[i];

		if ((!want->family || want->family == p->family) && want->type == p->icmp_type &&
		    (want->code < 0 || want->code == p->icmp_code))
			return true;
	}
	return false;
}

static bool is_excluded(const struct qos_packet *p, const struct qos_match *m)
{
	for (size_t i = 0; i < m->excluded_count; i++) {
		if (!qos_match_failed(&m->excluded[i], p))
			return true;
	}
	return false;
}

static bool holds(const struct qos_match *m, enum qos_match_key key, const struct qos_packet *p)
{
	switch (key) {
	case QOS_MATCH_FAMILY:
		return p->family == m->family;
	case QOS_MATCH_PROTO:
		return is_proto(p, m);
	case QOS_MATCH_SRC:
		return in_prefixes(&p->src, p->family, m->src, m->src_count);
	case QOS_MATCH_DST:
		return in_prefixes(&p->dst, p->family, m->dst, m->dst_count);
	case QOS_MATCH_SPORT:
		return p->has_ports && in_ports(p->sport, m->sport, m->sport_count);
	case QOS_MATCH_DPORT:
		return p->has_ports && in_ports(p->dport, m->dport, m->dport_count);
	case QOS_MATCH_DSCP:
		return p->family && m->dscp >> p->dscp & 1;
	case QOS_MATCH_MARK:
		return in_masked(p->mark, m->mark, m->mark_count);
	case QOS_MATCH_CGROUP:
		return in_cgroups(p->cgroup, m->cgroup, m->cgroup_count);
	case QOS_MATCH_UID:
		return p->has_uid && in_ranges(p->uid, m->uid, m->uid_count);
	case QOS_MATCH_VLAN:
		return in_ranges(p->vlan, m->vlan, m->vlan_count);
	case QOS_MATCH_LENGTH:
		return p->family &&
		       in_ranges(p->length < QOS_LENGTH_LIMIT ? p->length : QOS_LENGTH_LIMIT,
				 m->length, m->length_count);
	case QOS_MATCH_TCP_FLAGS:
		return p->has_tcp_flags &&
		       in_masked(p->tcp_flags, m->tcp_flags, m->tcp_flags_count);
	case QOS_MATCH_ICMP_TYPE:
		return is_icmp_type(p, m);
	case QOS_MATCH_NOT:
		return !is_excluded(p, m);
	case QOS_MATCH_KEYS:
		break;
	}
	return true;
}

uint32_t qos_match_asked(const struct qos_match *m)
{
	return (uint32_t) !!m->family << QOS_MATCH_FAMILY |
	       (uint32_t) !!m->proto_count << QOS_MATCH_PROTO |
	       (uint32_t) !!m->src_count << QOS_MATCH_SRC |
	       (uint32_t) !!m->dst_count << QOS_MATCH_DST |
	       (uint32_t) !!m->sport_count << QOS_MATCH_SPORT |
	       (uint32_t) !!m->dport_count << QOS_MATCH_DPORT |
	       (uint32_t) !!m->dscp << QOS_MATCH_DSCP |
	       (uint32_t) !!m->mark_count << QOS_MATCH_MARK |
	       (uint32_t) !!m->cgroup_count << QOS_MATCH_CGROUP |
	       (uint32_t) !!m->uid_count << QOS_MATCH_UID |
	       (uint32_t) !!m->vlan_count << QOS_MATCH_VLAN |
	       (uint32_t) !!m->length_count << QOS_MATCH_LENGTH |
	       (uint32_t) !!m->tcp_flags_count << QOS_MATCH_TCP_FLAGS |
	       (uint32_t) !!m->icmp_type_count << QOS_MATCH_ICMP_TYPE |
	       (uint32_t) !!m->excluded_count << QOS_MATCH_NOT;
}

uint32_t qos_match_failed(const struct qos_match *match, const struct qos_packet *packet)
{
	uint32_t asked = qos_match_asked(match), failed = 0;

	for (enum qos_match_key key = 0; key < QOS_MATCH_KEYS; key++) {
		if (asked >> key & 1 && !holds(match, key, packet))
			failed |= 1U << key;
	}
	return failed;
}

/* How many keys hold of a rule that was kept. */
static int held(const struct qos_policy *policy, const struct qos_near *near)
{
	return __builtin_popcount(qos_match_asked(&policy->rules[near->rule].match)) - 1;
}

/* Keep it if there is room, or in place of the last of those that fewer keys hold of. */
static void keep_near(const struct qos_policy *policy, const struct qos_near *near,
		      struct qos_judgement *judgement)
{
	size_t least = 0;

	if (judgement->near_count < QOS_NEAR_MAX) {
		judgement->near[judgement->near_count++] = *near;
		return;
	}
	for (size_t i = 1; i < QOS_NEAR_MAX; i++) {
		if (held(policy, &judgement->near[i]) <= held(policy, &judgement->near[least]))
			least = i;
	}
	if (held(policy, near) <= held(policy, &judgement->near[least]))
		return;
	memmove(&judgement->near[least], &judgement->near[least + 1],
		(QOS_NEAR_MAX - 1 - least) * sizeof(*near));
	judgement->near[QOS_NEAR_MAX - 1] = *near;
}

void qos_packet_judge(const struct qos_policy *policy, const struct qos_packet *packet,
		      struct qos_judgement *ret_judgement)
{
	struct qos_judgement judgement = { .by_rule = false };

	for (size_t i = 0; !packet->exempt && i < policy->rule_count; i++) {
		uint32_t failed = qos_match_failed(&policy->rules[i].match, packet);
		struct qos_near near = { .rule = i };

		if (!failed) {
			judgement.by_rule = true;
			judgement.rule = i;
			break;
		}
		if (failed & (failed - 1))
			continue;
		near.key = (enum qos_match_key)__builtin_ctz(failed);
		keep_near(policy, &near, &judgement);
	}
	*ret_judgement = judgement;
}
