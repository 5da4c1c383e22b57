/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A rule as a line of the plan: its keys in one order, whatever the policy's. */
#include <arpa/inet.h>

#include "base/buffer.h"
#include "base/names.h"
#include "compile/compile.h"

void qos_print_dscp(struct qos_buffer *out, int dscp)
{
	const char *name = qos_names_text(&qos_names_dscp, dscp);

	if (name)
		qos_buffer_puts(out, name);
	else
		qos_buffer_number(out, (uint64_t)dscp);
}

/* Before entry i of a list: the key, or a comma. */
static void begin(struct qos_buffer *out, const char *key, size_t i)
{
	if (i) {
		qos_buffer_puts(out, ",");
		return;
	}
	qos_buffer_puts(out, " ");
	qos_buffer_puts(out, key);
	qos_buffer_puts(out, " ");
}

static void print_protos(struct qos_buffer *out, const struct qos_match *m)
{
	for (size_t i = 0; i < m->proto_count; i++) {
		const char *name = qos_names_text(&qos_names_proto, m->proto[i]);

		begin(out, "proto", i);
		if (name)
			qos_buffer_puts(out, name);
		else
			qos_buffer_number(out, m->proto[i]);
	}
}

/* As inet_ntop() does, which formats for a while. */
static void print_ipv4(struct qos_buffer *out, const uint8_t *bytes)
{
	for (size_t i = 0; i < 4; i++) {
		if (i)
			qos_buffer_puts(out, ".");
		qos_buffer_number(out, bytes[i]);
	}
}

static void print_prefixes(struct qos_buffer *out, const char *key, const struct qos_prefix *list,
			   size_t count)
{
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < count; i++) {
		const struct in6_addr *addr = &list[i].addr;

		begin(out, key, i);
		if (list[i].family == QOS_FAMILY_IPV4)
			print_ipv4(out, &addr->s6_addr[12]);
		else
			qos_buffer_puts(out, inet_ntop(AF_INET6, addr, text, sizeof(text)));
		qos_buffer_puts(out, "/");
		qos_buffer_number(out, list[i].len);
	}
}

static void print_range(struct qos_buffer *out, const char *key, size_t i, uint32_t min,
			uint32_t max)
{
	begin(out, key, i);
	qos_buffer_number(out, min);
	if (max == min)
		return;
	qos_buffer_puts(out, "-");
	qos_buffer_number(out, max);
}

static void print_ports(struct qos_buffer *out, const char *key, const struct qos_port_range *list,
			size_t count)
{
	for (size_t i = 0; i < count; i++)
		print_range(out, key, i, list[i].min, list[i].max);
}

static void print_ranges(struct qos_buffer *out, const char *key, const struct qos_range *list,
			 size_t count)
{
	for (size_t i = 0; i < count; i++)
		print_range(out, key, i, list[i].min, list[i].max);
}

static void print_vlans(struct qos_buffer *out, const struct qos_match *m)
{
	for (size_t i = 0; i < m->vlan_count; i++) {
		if (m->vlan[i].min != QOS_VLAN_NONE) {
			print_range(out, "vlan", i, m->vlan[i].min, m->vlan[i].max);
			continue;
		}
		begin(out, "vlan", i);
		qos_buffer_puts(out, "none");
	}
}

static void print_masked(struct qos_buffer *out, const char *key, const struct qos_masked *list,
			 size_t count)
{
	for (size_t i = 0; i < count; i++) {
		begin(out, key, i);
		qos_buffer_printf(out, "0x%x/0x%x", list[i].value, list[i].mask);
	}
}

static void print_dscps(struct qos_buffer *out, uint64_t set)
{
	size_t count = 0;

	for (int dscp = 0; dscp < 64; dscp++) {
		if (!(set >> dscp & 1))
			continue;
		begin(out, "dscp", count++);
		qos_print_dscp(out, dscp);
	}
}

static void print_icmp(struct qos_buffer *out, const struct qos_match *m)
{
	for (size_t i = 0; i < m->icmp_type_count; i++) {
		const struct qos_icmp_type *type = &m->icmp_type[i];

		begin(out, "icmp-type", i);
		if (type->family)
			qos_buffer_printf(out, "v%u:", type->family);
		qos_buffer_number(out, type->type);
		if (type->code >= 0)
			qos_buffer_printf(out, "/%d", type->code);
	}
}

static void print_cgroups(struct qos_buffer *out, const struct qos_match *m)
{
	for (size_t i = 0; i < m->cgroup_count; i++) {
		begin(out, "cgroup", i);
		qos_buffer_puts(out, m->cgroup[i]);
	}
}

static void print_match(struct qos_buffer *out, const struct qos_match *m)
{
	if (m->family) {
		qos_buffer_puts(out, " family ");
		qos_buffer_puts(out, qos_names_text(&qos_names_family, m->family));
	}
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

void qos_print_rule(struct qos_buffer *out, const struct qos_policy *policy,
		    const struct qos_rule_def *rule)
{
	const struct qos_match *m = &rule->match;

	qos_buffer_puts(out, rule->drop ? "rule drop" : "rule class ");
	if (!rule->drop)
		qos_buffer_puts(out, policy->classes[rule->class_index].name);
	print_match(out, m);
	for (size_t i = 0; i < m->excluded_count; i++) {
		qos_buffer_puts(out, " not (");
		print_match(out, &m->excluded[i]);
		qos_buffer_puts(out, " )");
	}
	qos_buffer_puts(out, "\n");
}
