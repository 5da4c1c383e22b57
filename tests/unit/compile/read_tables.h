/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables of rules, read as the program reads them (kern/match.h): what the first rule is that
 * matches a packet.
 */
#ifndef QOS_TESTS_UNIT_READ_TABLES_H
#define QOS_TESTS_UNIT_READ_TABLES_H

#include <arpa/inet.h>
#include <netinet/in.h>

#include "plans.h"

/* --- packets ------------------------------------------------------------------------------ */

struct packet {
	uint32_t family, proto;
	struct in6_addr src, dst; /* of IPv4 the first four bytes */
	uint32_t sport, dport, dscp, vlan, length, tcp, icmp, uid, mark;
	char cgroup[QOS_CGROUP_NAME]; /* empty: none */
};

static void set_address(const struct packet *p, struct in6_addr *ret, const char *text)
{
	int family = p->family == QOS_FAMILY_IPV6 ? AF_INET6 : AF_INET;

	*ret = (struct in6_addr){ 0 };
	assert_int_equal(inet_pton(family, text, ret), 1);
}

static void set_number(struct packet *p, const char *key, uint32_t value)
{
	const struct {
		const char *key;
		uint32_t *value;
	} fields[] = {
		{ "sport", &p->sport }, { "dport", &p->dport },	  { "dscp", &p->dscp },
		{ "vlan", &p->vlan },	{ "length", &p->length }, { "flags", &p->tcp },
		{ "uid", &p->uid },	{ "mark", &p->mark },	  { "proto", &p->proto },
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (strcmp(fields[i].key, key) == 0) {
			*fields[i].value = value;
			return;
		}
	}
	if (strcmp(key, "type") == 0)
		p->icmp = value << 8 | (p->icmp & 0xff) |
			  (p->family == QOS_FAMILY_IPV6 ? QOS_ICMP_V6 : 0);
	else if (strcmp(key, "code") == 0)
		p->icmp |= value;
	else
		fail_msg("%s of a packet", key);
}

static const struct kind {
	const char *name;
	uint32_t family, proto;
} kinds[] = {
	{ "udp", 4, IPPROTO_UDP },
	{ "udp6", 6, IPPROTO_UDP },
	{ "tcp", 4, IPPROTO_TCP },
	{ "tcp6", 6, IPPROTO_TCP },
	{ "icmp", 4, IPPROTO_ICMP },
	{ "icmp6", 6, IPPROTO_ICMPV6 },
	{ "ip", 4, IPPROTO_GRE },
	{ "ip6", 6, IPPROTO_GRE },
	{ "other", 0, 0 },
	/* with a number that is another protocol's there */
	{ "odd", 4, IPPROTO_ICMPV6 },
	{ "odd6", 6, IPPROTO_ICMP },
};

static struct packet packet_of(const struct kind *kind)
{
	bool ports = kind->proto == IPPROTO_UDP || kind->proto == IPPROTO_TCP;
	bool icmp = kind->family && kind->family == qos_proto_family((uint8_t)kind->proto);
	struct packet p = {
		.family = kind->family,
		.proto = kind->proto,
		.sport = ports ? 40000 : QOS_NO_PORT,
		.dport = ports ? 40001 : QOS_NO_PORT,
		.dscp = kind->family ? 0 : QOS_NO_DSCP,
		.length = kind->family ? 100 : QOS_NO_LENGTH,
		.tcp = kind->proto == IPPROTO_TCP ? 0x10 : QOS_NO_TCP,
		.icmp = icmp ? 0 : QOS_NO_ICMP,
		.vlan = QOS_NO_VLAN,
		.uid = QOS_NO_UID,
	};

	if (kind->family) {
		set_address(&p, &p.src, kind->family == 6 ? "2001:db8::1" : "192.0.2.1");
		set_address(&p, &p.dst, kind->family == 6 ? "2001:db8::2" : "192.0.2.2");
	}
	return p;
}

/* "udp dst=10.0.0.1 dport=53 uid=33": a kind, and what is not as usual. */
static inline struct packet parse_packet(const char *text)
{
	_cleanup_(freep) char *copy = strdup(text);
	char *rest = copy, *word = strsep(&rest, " ");
	struct packet p = { 0 };
	size_t i = 0;

	while (i < ARRAY_SIZE(kinds) && strcmp(kinds[i].name, word) != 0)
		i++;
	assert_true(i < ARRAY_SIZE(kinds));
	p = packet_of(&kinds[i]);
	while ((word = strsep(&rest, " "))) {
		char *key = strsep(&word, "=");

		assert_non_null(word);
		if (strcmp(key, "src") == 0)
			set_address(&p, &p.src, word);
		else if (strcmp(key, "dst") == 0)
			set_address(&p, &p.dst, word);
		else if (strcmp(key, "cgroup") == 0)
			snprintf(p.cgroup, sizeof(p.cgroup), "%s", word);
		else
			set_number(&p, key, (uint32_t)strtoul(word, NULL, 0));
	}
	return p;
}

/* --- what the program does ---------------------------------------------------------------- */

/* The set of a value in a piece's table. */
static uint32_t set_in_table(const struct qos_tables *t, uint32_t piece, uint32_t value)
{
	assert_true(t->begin[piece] + value < t->value_count);
	return t->values[t->begin[piece] + value];
}

/* The set that a number's ranges lead to; next: the words of an address that come after it. */
static uint32_t follow(const struct qos_tables *t, uint32_t to, uint32_t number,
		       const uint32_t *next)
{
	uint32_t steps = 0;

	while (!(to & QOS_TO_SET)) {
		const struct qos_ranges *node = &t->nodes[QOS_TO(to)];
		uint32_t i = QOS_FANOUT - 1;

		assert_true(QOS_TO(to) < t->node_count && ++steps <= QOS_STEPS);
		if (to & QOS_TO_NEXT)
			number = ntohl(*next++);
		assert_true(node->first[0] <= number);
		while (node->first[i] > number)
			i--;
		to = node->to[i];
	}
	return QOS_TO(to);
}

static uint32_t set_of_address(const struct qos_tables *t, uint32_t piece, const struct packet *p)
{
	uint32_t words[QOS_WORDS], ranges = p->family == QOS_FAMILY_IPV6 ? QOS_RANGES6 : QOS_RANGES;

	memcpy(words, piece == QOS_PIECE_SRC ? &p->src : &p->dst, sizeof(words));
	return p->family ? follow(t, set_in_table(t, piece, ranges), 0, words) :
			   set_in_table(t, piece, 0);
}

static uint32_t set_of_uid(const struct qos_tables *t, uint32_t uid)
{
	return uid == QOS_NO_UID ? set_in_table(t, QOS_PIECE_UID, 0) :
				   follow(t, set_in_table(t, QOS_PIECE_UID, QOS_RANGES), uid, NULL);
}

static const struct qos_plan_cgroup *find_cgroup(const struct qos_tables *t, const char *path)
{
	for (size_t i = 0; i < t->cgroup_count; i++)
		if (strcmp(t->cgroups[i].path, path) == 0)
			return &t->cgroups[i];
	return NULL;
}

/* Of the cgroup, or the nearest above it that is there; those deeper than rules name are not
 * looked for. */
static uint32_t set_of_cgroup(const struct qos_tables *t, const char *path)
{
	const struct qos_plan_cgroup *found = *path ? find_cgroup(t, path) : NULL;
	_cleanup_(freep) char *above = strdup(path);
	uint32_t level = 1;
	char *slash;

	for (const char *at = path; *at; at++)
		level += *at == '/';
	while (!found && (slash = strrchr(above, '/'))) {
		*slash = '\0';
		if (--level <= t->cgroup_levels)
			found = find_cgroup(t, above);
	}
	return found ? found->set : set_in_table(t, QOS_PIECE_CGROUP, 0);
}

static uint32_t set_of_mark(const struct qos_tables *t, uint32_t number, uint32_t mark)
{
	return follow(t, set_in_table(t, QOS_PIECE_MARK + number, QOS_RANGES),
		      mark & t->masks[number], NULL);
}

static uint32_t set_of(const struct qos_tables *t, uint32_t piece, const struct packet *p)
{
	const uint32_t values[] = {
		[QOS_PIECE_KIND] = QOS_KEY_FAMILY(p->family) | QOS_KEY_PROTO(p->proto),
		[QOS_PIECE_DSCP] = p->dscp,
		[QOS_PIECE_SPORT] = p->sport,
		[QOS_PIECE_DPORT] = p->dport,
		[QOS_PIECE_VLAN] = p->vlan,
		/* longer ones count as the longest, but for those that have none */
		[QOS_PIECE_LENGTH] =
			p->family && p->length > QOS_LENGTH_MAX ? QOS_LENGTH_MAX : p->length,
		[QOS_PIECE_TCP] = p->tcp,
		[QOS_PIECE_ICMP] = p->icmp,
	};

	switch (piece) {
	case QOS_PIECE_SRC:
	case QOS_PIECE_DST:
		return set_of_address(t, piece, p);
	case QOS_PIECE_UID:
		return set_of_uid(t, p->uid);
	case QOS_PIECE_CGROUP:
		return set_of_cgroup(t, p->cgroup);
	default:
		return piece < QOS_PIECE_MARK ? set_in_table(t, piece, values[piece]) :
						set_of_mark(t, piece - QOS_PIECE_MARK, p->mark);
	}
}

/* What all pieces have in common of word i, summary and all. */
static uint64_t common(const struct qos_tables *t, const uint32_t *sets, uint32_t i)
{
	uint64_t word = ~0ULL;

	for (uint32_t piece = 0; piece < QOS_PIECES; piece++)
		if (t->used & QOS_USED(piece))
			word &= t->sets[(size_t)sets[piece] * qos_set_words(t->words) + i];
	return word;
}

/* The number of the rule that takes a packet; 0: the default. */
static uint32_t first_rule(const struct qos_tables *t, const struct packet *p)
{
	uint32_t sets[QOS_PIECES] = { 0 }, summary = qos_set_words(t->words) - t->words;
	uint32_t best = UINT32_MAX, skip = 0;

	for (uint32_t piece = 0; piece < QOS_PIECES; piece++) {
		if (!(t->used & QOS_USED(piece)))
			continue;
		sets[piece] = set_of(t, piece, p);
		assert_true(sets[piece] < t->set_count);
	}
	for (uint32_t i = 0; i < t->words; i++) {
		uint64_t word = common(t, sets, summary + i);

		if (i < skip || (summary && !(common(t, sets, i / 64) >> i % 64 & 1)) || !word)
			continue;
		skip = t->skip[i];
		word = t->decided[i * QOS_RULE_BLOCK + (uint32_t)__builtin_ctzll(word)];
		assert_int_not_equal(QOS_DECIDED_RULE(word), 0);
		if (QOS_DECIDED_RULE(word) < best)
			best = QOS_DECIDED_RULE(word);
	}
	return best == UINT32_MAX ? 0 : best;
}

#endif
