/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A rule as a line of the plan: its keys in one order, whatever the policy's. */
#include <arpa/inet.h>
#include <inttypes.h>

#include "base/names.h"
#include "compile/compile.h"

void qos_print_dscp(FILE *out, int dscp)
{
	const char *name = qos_names_text(&qos_names_dscp, dscp);

	if (name)
		fputs(name, out);
	else
		fprintf(out, "%d", dscp);
}

/* Before entry i of a list: the key, or a comma. */
static void begin(FILE *out, const char *key, size_t i)
{
	if (i == 0)
		fprintf(out, " %s ", key);
	else
		fputc(',', out);
}

static void print_protos(FILE *out, const struct qos_match *m)
{
	for (size_t i = 0; i < m->proto_count; i++) {
		const char *name = qos_names_text(&qos_names_proto, m->proto[i]);

		begin(out, "proto", i);
		if (name)
			fputs(name, out);
		else
			fprintf(out, "%u", m->proto[i]);
	}
}

static void print_prefixes(FILE *out, const char *key, const struct qos_prefix *list, size_t count)
{
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < count; i++) {
		const struct in6_addr *addr = &list[i].addr;
		bool v4 = list[i].family == QOS_FAMILY_IPV4;

		begin(out, key, i);
		fprintf(out, "%s/%u",
			inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? &addr->s6_addr[12] : addr->s6_addr,
				  text, sizeof(text)),
			list[i].len);
	}
}

static void print_range(FILE *out, const char *key, size_t i, uint32_t min, uint32_t max)
{
	begin(out, key, i);
	fprintf(out, "%u", min);
	if (max != min)
		fprintf(out, "-%u", max);
}

static void print_ports(FILE *out, const char *key, const struct qos_port_range *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		print_range(out, key, i, list[i].min, list[i].max);
}

static void print_ranges(FILE *out, const char *key, const struct qos_range *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		print_range(out, key, i, list[i].min, list[i].max);
}

static void print_vlans(FILE *out, const struct qos_match *m)
{
	for (size_t i = 0; i < m->vlan_count; i++) {
		if (m->vlan[i].min != QOS_VLAN_NONE) {
			print_range(out, "vlan", i, m->vlan[i].min, m->vlan[i].max);
			continue;
		}
		begin(out, "vlan", i);
		fputs("none", out);
	}
}

static void print_masked(FILE *out, const char *key, const struct qos_masked *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		begin(out, key, i);
		fprintf(out, "0x%" PRIx32 "/0x%" PRIx32, list[i].value, list[i].mask);
	}
}

static void print_dscps(FILE *out, uint64_t set)
{
	size_t count = 0;

	for (int dscp = 0; dscp < 64; dscp++) {
		if (!(set >> dscp & 1))
			continue;
		begin(out, "dscp", count++);
		qos_print_dscp(out, dscp);
	}
}

static void print_icmp(FILE *out, const struct qos_match *m)
{
	for (size_t i = 0; i < m->icmp_type_count; i++) {
		const struct qos_icmp_type *type = &m->icmp_type[i];

		begin(out, "icmp-type", i);
		if (type->family)
			fprintf(out, "v%u:", type->family);
		fprintf(out, "%u", type->type);
		if (type->code >= 0)
			fprintf(out, "/%d", type->code);
	}
}

static void print_cgroups(FILE *out, const struct qos_match *m)
{
	for (size_t i = 0; i < m->cgroup_count; i++) {
		begin(out, "cgroup", i);
		fputs(m->cgroup[i], out);
	}
}

static void print_match(FILE *out, const struct qos_match *m)
{
	if (m->family)
		fprintf(out, " family %s", qos_names_text(&qos_names_family, m->family));
	print_protos(out, m);
	print_prefixes(out, "src", m->src, m->src_count);
	print_prefixes(out, "dst", m->dst, m->dst_count);
	print_ports(out, "sport", m->sport, m->sport_count);
	print_ports(out, "dport", m->dport, m->dport_count);
	print_dscps(out, m->dscp);
	print_masked(out, "mark", m->mark, m->mark_count);
	print_cgroups(out, m);
	print_ranges(out, "uid", m->uid, m->uid_count);
	print_vlans(out, m);
	print_ranges(out, "length", m->length, m->length_count);
	print_masked(out, "tcp-flags", m->tcp_flags, m->tcp_flags_count);
	print_icmp(out, m);
}

void qos_print_rule(FILE *out, const struct qos_policy *policy, const struct qos_rule_def *rule)
{
	const struct qos_match *m = &rule->match;

	if (rule->drop)
		fputs("rule drop", out);
	else
		fprintf(out, "rule class %s", policy->classes[rule->class_index].name);
	print_match(out, m);
	for (size_t i = 0; i < m->excluded_count; i++) {
		fputs(" not (", out);
		print_match(out, &m->excluded[i]);
		fputs(" )", out);
	}
	fputc('\n', out);
}
