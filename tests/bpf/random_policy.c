// SPDX-License-Identifier: LGPL-2.1-or-later
/* Policies: each rule is tried by itself, as one that no packet can match is an error. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "base/cleanup.h"
#include "model/policy.h"
#include "parse/doc.h"
#include "random.h"

#define CLASSES	  6
#define RULES_FEW 1500 /* of a large policy, at least */

DEFINE_CLEANUP(struct qos_node *, node_freep, qos_node_free)
DEFINE_CLEANUP(struct qos_policy *, policy_freep, qos_policy_free)
DEFINE_CLEANUP(struct qos_diags *, diags_freep, qos_diags_free)

typedef void put_entry(FILE *f, struct random *r);

static void put_family(FILE *f, struct random *r)
{
	fputs(random_one_in(r, 2) ? "ipv4" : "ipv6", f);
}

static void put_proto(FILE *f, struct random *r)
{
	fprintf(f, "%u", random_proto(r));
}

static void put_ipv4(FILE *f, struct random *r)
{
	static const uint8_t lens[] = { 0, 1, 7, 8, 15, 16, 22, 23, 24, 30, 31, 32, 32 };
	uint8_t len = RANDOM_OF(r, lens);
	uint32_t addr = htonl(len ? random_ipv4(r) & ~0U << (32 - len) : 0);
	char text[INET_ADDRSTRLEN];

	fprintf(f, "%s/%u", inet_ntop(AF_INET, &addr, text, sizeof(text)), len);
}

static void put_ipv6(FILE *f, struct random *r)
{
	static const uint8_t lens[] = { 0, 1, 8, 32, 63, 64, 65, 95, 120, 127, 128, 128 };
	uint8_t len = RANDOM_OF(r, lens), addr[16];
	char text[INET6_ADDRSTRLEN];

	random_ipv6(r, addr);
	for (uint32_t bit = len; bit < 128; bit++)
		addr[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	fprintf(f, "\"%s/%u\"", inet_ntop(AF_INET6, addr, text, sizeof(text)), len);
}

static void put_prefix(FILE *f, struct random *r)
{
	if (random_one_in(r, 3))
		put_ipv6(f, r);
	else
		put_ipv4(f, r);
}

static void put_range(FILE *f, struct random *r, uint32_t a, uint32_t b)
{
	if (random_one_in(r, 2))
		fprintf(f, "%u", a);
	else
		fprintf(f, "%u-%u", a < b ? a : b, a < b ? b : a);
}

static void put_port(FILE *f, struct random *r)
{
	uint32_t a = random_port(r);

	put_range(f, r, a, random_port(r));
}

static void put_dscp(FILE *f, struct random *r)
{
	fprintf(f, "%u", random_dscp(r));
}

static void put_mark(FILE *f, struct random *r)
{
	static const uint32_t masks[] = { 0xffffffff, 0xf0, 0xff, 0x80000001 };
	uint32_t mask = RANDOM_OF(r, masks), mark = random_mark(r) & mask;

	if (mask == 0xffffffff)
		fprintf(f, "%u", mark);
	else
		fprintf(f, "0x%x/0x%x", mark, mask);
}

static void put_cgroup(FILE *f, struct random *r)
{
	fputs(random_cgroup(r), f);
}

static void put_uid(FILE *f, struct random *r)
{
	uint32_t a = random_uid(r);

	put_range(f, r, a, random_uid(r));
}

static void put_vlan(FILE *f, struct random *r)
{
	uint32_t a = random_vlan(r);

	if (random_one_in(r, 4))
		fputs("none", f);
	else
		put_range(f, r, a, random_vlan(r));
}

static void put_length(FILE *f, struct random *r)
{
	static const uint32_t lengths[] = { 0,	 20,  28,   40,	  48,	60,   61,    100,
					    500, 576, 1000, 1400, 1500, 3000, 65535, 65575 };
	uint32_t a = RANDOM_OF(r, lengths), b = RANDOM_OF(r, lengths);

	fprintf(f, "%u-%u", a < b ? a : b, a < b ? b : a);
}

static void put_flags(FILE *f, uint8_t flags)
{
	static const char *const names[] = {
		"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"
	};
	const char *glue = "";

	if (!flags)
		fputs("none", f);
	for (int i = 0; i < 8; i++) {
		if (!(flags >> i & 1))
			continue;
		fprintf(f, "%s%s", glue, names[i]);
		glue = "+";
	}
}

static void put_tcp_flags(FILE *f, struct random *r)
{
	uint8_t mask = (uint8_t)(random_tcp_flags(r) | 0x12), flags = random_tcp_flags(r) & mask;

	if (flags && random_one_in(r, 2)) {
		put_flags(f, flags);
		return;
	}
	put_flags(f, flags);
	fputc('/', f);
	put_flags(f, mask);
}

static void put_icmp(FILE *f, struct random *r)
{
	static const char *const names[] = {
		"echo-request",	  "echo-reply",	   "destination-unreachable",
		"packet-too-big", "source-quench", "time-exceeded"
	};

	if (random_one_in(r, 2))
		fputs(RANDOM_OF(r, names), f);
	else
		fprintf(f, "%u", random_icmp_type(r));
	if (random_one_in(r, 3))
		fprintf(f, "/%u", random_below(r, 3));
}

static const struct {
	const char *name;
	put_entry *put;
	bool list;
} keys[] = {
	{ "family", put_family, false },      { "proto", put_proto, true },
	{ "src", put_prefix, true },	      { "dst", put_prefix, true },
	{ "sport", put_port, true },	      { "dport", put_port, true },
	{ "dscp", put_dscp, true },	      { "mark", put_mark, true },
	{ "cgroup", put_cgroup, true },	      { "uid", put_uid, true },
	{ "vlan", put_vlan, true },	      { "length", put_length, true },
	{ "tcp-flags", put_tcp_flags, true }, { "icmp-type", put_icmp, true },
};

static void put_key(FILE *f, struct random *r, size_t i)
{
	uint32_t count = keys[i].list && random_one_in(r, 3) ? 2 + random_below(r, 4) : 1;

	fprintf(f, "%s: %s", keys[i].name, count > 1 ? "[" : "");
	for (uint32_t j = 0; j < count; j++) {
		fputs(j ? ", " : "", f);
		keys[i].put(f, r);
	}
	fputs(count > 1 ? "]" : "", f);
}

/* Of one to most keys. */
static void put_keys(FILE *f, struct random *r, uint32_t most)
{
	uint32_t count = 1 + random_below(r, most), used = 0;

	for (uint32_t n = 0; n < count; n++) {
		uint32_t i = random_below(r, sizeof(keys) / sizeof(keys[0]));

		if (used >> i & 1)
			continue;
		fputs(used ? ", " : "", f);
		used |= 1U << i;
		put_key(f, r, i);
	}
}

static void put_not(FILE *f, struct random *r)
{
	uint32_t count = 1 + random_below(r, 2);

	fprintf(f, "not: %s", count > 1 ? "[" : "");
	for (uint32_t i = 0; i < count; i++) {
		fputs(i ? ", { " : "{ ", f);
		put_keys(f, r, 2);
		fputs(" }", f);
	}
	fputs(count > 1 ? "]" : "", f);
}

/* "match: { … }" */
static char *random_match(struct random *r)
{
	bool alone = random_one_in(r, 12), with = alone || random_one_in(r, 4);
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	fputs("match: { ", f);
	if (!alone)
		put_keys(f, r, 4);
	if (with) {
		fputs(alone ? "" : ", ", f);
		put_not(f, r);
	}
	fputs(" }", f);
	fclose(f);
	return text;
}

static void put_head(FILE *f, bool inner, uint32_t classes)
{
	fprintf(f, "link: { mode: police%s }\ndefault: c0\nclasses: {",
		inner ? ", tunnel: inner" : "");
	for (uint32_t i = 0; i < classes; i++)
		fprintf(f, "%s c%u: {}", i ? "," : "", i);
	fputs(" }\nrules:\n", f);
}

/* Whether a policy with a rule of it alone is good. */
static bool is_good(const char *match)
{
	_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
	_cleanup_(policy_freep) struct qos_policy *policy = NULL;
	_cleanup_(node_freep) struct qos_node *root = NULL;
	_cleanup_(freep) char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	put_head(f, false, 1);
	fprintf(f, "  - { action: drop, %s }\n", match);
	fclose(f);
	return qos_doc_read(text, len, diags, &root) == 0 &&
	       qos_policy_build(root, "eth0.yaml", NULL, 0, diags, &policy) == 0;
}

static void put_good_match(FILE *f, struct random *r)
{
	for (int tries = 0; tries < 100; tries++) {
		_cleanup_(freep) char *match = random_match(r);

		if (!is_good(match))
			continue;
		fputs(match, f);
		return;
	}
	fail_msg("no random match is good");
}

static void put_rule(FILE *f, struct random *r, uint32_t class)
{
	if (random_one_in(r, 8))
		fputs("  - { action: drop, ", f);
	else
		fprintf(f, "  - { class: c%u, ", class);
	put_good_match(f, r);
	fputs(" }\n", f);
}

static uint32_t random_rules(struct random *r)
{
	static const uint32_t most[] = { 1, 3, 10, 30, 80, 200 };

	if (random_one_in(r, 50))
		return RULES_FEW + random_below(r, 2 * RULES_FEW);
	return 1 + random_below(r, RANDOM_OF(r, most));
}

char *random_policy(struct random *r)
{
	uint32_t rules = random_rules(r);
	/* with a class of its own for each rule the class says which rule it was */
	bool own = random_one_in(r, 2);
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	put_head(f, random_one_in(r, 3), own ? rules + 1 : CLASSES);
	for (uint32_t i = 0; i < rules; i++)
		put_rule(f, r, own ? i + 1 : random_below(r, CLASSES));
	fclose(f);
	return text;
}
