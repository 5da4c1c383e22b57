// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Tables of rules, read as the program reads them (kern/match.h): what the first rule is that
 * matches a packet. The packets are worked out by hand.
 */
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
	{ "udp", 4, IPPROTO_UDP },  { "udp6", 6, IPPROTO_UDP },	 { "tcp", 4, IPPROTO_TCP },
	{ "tcp6", 6, IPPROTO_TCP }, { "icmp", 4, IPPROTO_ICMP }, { "icmp6", 6, IPPROTO_ICMPV6 },
	{ "ip", 4, IPPROTO_GRE },   { "ip6", 6, IPPROTO_GRE },	 { "other", 0, 0 },
};

static struct packet packet_of(const struct kind *kind)
{
	bool ports = kind->proto == IPPROTO_UDP || kind->proto == IPPROTO_TCP;
	bool icmp = kind->proto == IPPROTO_ICMP || kind->proto == IPPROTO_ICMPV6;
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
static struct packet parse_packet(const char *text)
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

static bool same_bits(const void *a, const void *b, uint32_t bits)
{
	const uint8_t *x = a, *y = b;

	return memcmp(x, y, bits / 8) == 0 &&
	       (bits % 8 == 0 || !((x[bits / 8] ^ y[bits / 8]) >> (8 - bits % 8)));
}

/* As a trie of longest prefixes. */
static uint32_t set_of_address(const struct qos_tables *t, uint32_t piece, const struct packet *p)
{
	const struct qos_set_of_prefix *list = piece == QOS_PIECE_SRC ? t->src : t->dst,
				       *best = NULL;
	size_t count = piece == QOS_PIECE_SRC ? t->src_count : t->dst_count;
	struct qos_prefix_key key = { .family = p->family };

	memcpy(key.addr, piece == QOS_PIECE_SRC ? &p->src : &p->dst, sizeof(key.addr));
	for (size_t i = 0; p->family && i < count; i++)
		if (same_bits(&key.family, &list[i].key.family, list[i].key.len) &&
		    (!best || list[i].key.len > best->key.len))
			best = &list[i];
	return best ? best->set : set_in_table(t, piece, 0);
}

static uint32_t set_of_uid(const struct qos_tables *t, uint32_t uid)
{
	const struct qos_set_of_uid *best = NULL;
	uint32_t key = htonl(uid);

	for (size_t i = 0; uid != QOS_NO_UID && i < t->uid_count; i++)
		if (same_bits(&key, &t->uids[i].key.uid, t->uids[i].key.len) &&
		    (!best || t->uids[i].key.len > best->key.len))
			best = &t->uids[i];
	return best ? best->set : set_in_table(t, QOS_PIECE_UID, 0);
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
	for (size_t i = 0; i < t->mark_value_count; i++)
		if (t->marks[i].key.mask == number &&
		    t->marks[i].key.value == (mark & t->masks[number]))
			return t->marks[i].set;
	return set_in_table(t, QOS_PIECE_MARK + number, 0);
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

/* --- tests -------------------------------------------------------------------------------- */

#define HEAD	   MINIMAL "rules:\n"
#define HEAD_LINES 3

struct compiled {
	struct qos_policy *policy;
	struct qos_plan *plan;
};

static void compiled_done(struct compiled *c)
{
	qos_plan_free(c->plan);
	qos_policy_free(c->policy);
}

/* Rules whose matches are given, a line each. */
static struct compiled compile_matches(const char *const *matches, size_t count)
{
	struct compiled c = { 0 };
	_cleanup_(freep) char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fputs(HEAD, f);
	for (size_t i = 0; i < count; i++)
		fprintf(f, "  - { class: a, match: %s }\n", matches[i]);
	fclose(f);
	c.policy = load_good(text);
	c.plan = compile(c.policy);
	return c;
}

struct expected {
	const char *packet;
	uint32_t rule;
};

static void expect_rule(const struct qos_tables *t, const char *packet, uint32_t rule)
{
	struct packet p = parse_packet(packet);
	uint32_t found = first_rule(t, &p);

	if (found != rule)
		fail_msg("%s: rule %u, expected %u", packet, found, rule);
}

static void expect_rules(const char *const *matches, size_t match_count,
			 const struct expected *expected, size_t count)
{
	_cleanup_(compiled_done) struct compiled c = compile_matches(matches, match_count);

	for (size_t i = 0; i < count; i++)
		expect_rule(c.plan->tables, expected[i].packet, expected[i].rule);
}

/* EXPECT((MATCH, …), { PACKET, RULE }, …) */
#define LIST(...)           \
	{                   \
		__VA_ARGS__ \
	}
#define EXPECT(matches, ...)                                                                    \
	do {                                                                                    \
		static const char *const matches_[] = LIST matches;                             \
		static const struct expected expected_[] = { __VA_ARGS__ };                     \
		expect_rules(matches_, ARRAY_SIZE(matches_), expected_, ARRAY_SIZE(expected_)); \
	} while (0)

static void test_first_wins(void **state)
{
	(void)state;
	EXPECT(("{ proto: udp, dport: 53 }", "{ dport: 53 }", "{ proto: udp }"),
	       { "udp dport=53", 1 }, { "tcp dport=53", 2 }, { "udp dport=54", 3 },
	       { "tcp dport=54", 0 }, { "udp6 dport=53", 1 }, { "icmp", 0 }, { "other", 0 });
}

static void test_lists(void **state)
{
	(void)state;
	/* ranges that touch and overlap, each once and twice */
	EXPECT(("{ dport: [10-20, 15-30, 31, 7] }", "{ sport: [0, 65535], dport: 40001 }"),
	       { "udp dport=6", 0 }, { "udp dport=7", 1 }, { "udp dport=8", 0 },
	       { "udp dport=9", 0 }, { "udp dport=10", 1 }, { "udp dport=17", 1 },
	       { "udp dport=20", 1 }, { "udp dport=30", 1 }, { "udp dport=31", 1 },
	       { "udp dport=32", 0 }, { "tcp sport=0", 2 }, { "tcp sport=65535", 2 },
	       { "tcp sport=1", 0 }, { "tcp sport=0 dport=40002", 0 });
	EXPECT(("{ dport: 0-65535 }", "{ proto: [udp, 47] }"), { "udp dport=0", 1 },
	       { "tcp dport=65535", 1 }, { "ip", 2 }, { "ip6", 2 }, { "icmp", 0 });
	EXPECT(("{ dscp: [0, ef] }", "{ family: ipv6, dscp: 63 }"), { "udp", 1 },
	       { "udp6 dscp=46", 1 }, { "udp dscp=1", 0 }, { "udp6 dscp=63", 2 },
	       { "udp dscp=63", 0 }, { "other", 0 });
}

static void test_prefixes(void **state)
{
	(void)state;
	/* the shorter ones say what the longer ones do too */
	EXPECT(("{ dst: 10.1.2.3, dport: 1 }", "{ dst: 10.1.0.0/16, dport: [1, 2] }",
		"{ dst: 10.0.0.0/8 }", "{ dst: 0.0.0.0/0, dport: 9 }", "{ dst: 10.1.2.0/23 }"),
	       { "udp dst=10.1.2.3 dport=1", 1 }, { "udp dst=10.1.2.3 dport=2", 2 },
	       { "udp dst=10.1.2.3 dport=3", 3 }, { "udp dst=10.1.3.0 dport=2", 2 },
	       { "udp dst=10.2.0.0 dport=1", 3 }, { "udp dst=11.0.0.0 dport=9", 4 },
	       { "udp dst=11.0.0.0 dport=8", 0 }, { "udp6 dport=9", 0 }, { "other", 0 });
	EXPECT(("{ src: [2001:db8::/32, 10.0.0.0/8], dst: 2001:db8:1::1 }",
		"{ src: [10.0.0.0/8, fd00::/8] }", "{ dst: \"::/0\" }"),
	       { "udp6 dst=2001:db8:1::1", 1 }, { "udp6 dst=2001:db8:1::2", 3 },
	       { "udp src=10.255.255.255", 2 }, { "udp6 src=fdff::1", 2 },
	       { "udp6 src=fe00::1", 3 }, { "udp", 0 });
	/* an address of one family is none of the other's */
	EXPECT(("{ src: 0.0.0.0/8 }", "{ src: \"::/96\" }"), { "udp src=0.1.2.3", 1 },
	       { "udp6 src=::0.1.2.3", 2 }, { "udp6 src=::ffff:0.1.2.3", 0 });
	/* half a byte, and neighbours */
	EXPECT(("{ dst: 10.0.0.128/25 }", "{ dst: 10.0.0.64/26 }", "{ dst: fd00::8/125 }"),
	       { "udp dst=10.0.0.127", 2 }, { "udp dst=10.0.0.128", 1 }, { "udp dst=10.0.0.63", 0 },
	       { "udp dst=10.0.1.0", 0 }, { "udp6 dst=fd00::f", 3 }, { "udp6 dst=fd00::10", 0 });
}

static void test_not(void **state)
{
	(void)state;
	EXPECT(("{ not: { dport: 53 } }"), { "udp dport=53", 0 }, { "udp dport=54", 1 },
	       { "icmp", 1 }, { "other", 1 });
	/* everything but TCP to 10/8 */
	EXPECT(("{ not: { dst: 10.0.0.0/8, proto: tcp } }"), { "tcp dst=10.0.0.1", 0 },
	       { "udp dst=10.0.0.1", 1 }, { "tcp dst=11.0.0.1", 1 }, { "tcp6", 1 }, { "other", 1 });
	/* none of a list */
	EXPECT(("{ proto: [tcp, udp], not: [{ dst: 10.0.0.0/8, dport: 1-9 }, { uid: 0, sport: 7 }] "
		"}"),
	       { "udp dst=10.0.0.1 dport=5", 0 }, { "udp dst=10.0.0.1 dport=10", 1 },
	       { "udp dst=11.0.0.1 dport=5", 1 }, { "udp uid=0 sport=7", 0 },
	       { "udp uid=1 sport=7", 1 }, { "udp uid=0 sport=8", 1 }, { "udp sport=7", 1 },
	       { "udp dst=10.0.0.1 dport=5 uid=1", 0 }, { "icmp", 0 });
	/* lists within */
	EXPECT(("{ family: ipv4, not: { proto: [tcp, udp], dscp: [8, 10, 11, 12] } }"),
	       { "tcp dscp=8", 0 }, { "udp dscp=11", 0 }, { "udp dscp=9", 1 }, { "icmp dscp=8", 1 },
	       { "udp6 dscp=8", 0 }, { "other", 0 });
	/* what a key of the rule asks for, and `not` takes away from */
	EXPECT(("{ dst: 10.0.0.0/8, not: { dst: [10.1.0.0/16, 10.2.0.0/16] } }",
		"{ dst: 10.1.0.0/24 }"),
	       { "udp dst=10.0.0.1", 1 }, { "udp dst=10.1.0.1", 2 }, { "udp dst=10.2.0.1", 0 },
	       { "udp dst=11.0.0.1", 0 });
	EXPECT(("{ not: { family: ipv4 } }"), { "udp", 0 }, { "udp6", 1 }, { "other", 1 });
}

static void test_marks(void **state)
{
	(void)state;
	EXPECT(("{ mark: [0x10/0xf0, 0x3] }", "{ mark: 0x0/0x1 }",
		"{ mark: 0x80000000/0x80000000 }"),
	       { "udp mark=0x10", 1 }, { "udp mark=0x11f", 1 }, { "udp mark=3", 1 },
	       { "udp mark=0x20", 2 }, { "udp", 2 }, { "udp mark=0x21", 0 },
	       { "udp mark=0x80000021", 3 }, { "udp mark=0x103", 0 }, { "other mark=3", 1 });
	/* one through its own mask, another through others */
	EXPECT(("{ mark: 0x1/0x1, dport: 1 }", "{ mark: [0x2/0x2, 0x4/0x4], dport: 1-2 }",
		"{ not: { mark: [0x1/0x1, 0x2/0x2, 0x8/0x8] } }"),
	       { "udp mark=3 dport=1", 1 }, { "udp mark=2 dport=1", 2 },
	       { "udp mark=4 dport=2", 2 }, { "udp mark=1 dport=2", 0 },
	       { "udp mark=8 dport=1", 0 }, { "udp mark=12 dport=1", 2 },
	       { "udp mark=4 dport=3", 3 }, { "udp", 3 });
}

static void test_uids(void **state)
{
	(void)state;
	EXPECT(("{ uid: 0 }", "{ uid: [1000-1999, 4294967294] }", "{ uid: 0-4294967294 }"),
	       { "udp uid=0", 1 }, { "udp uid=1", 3 }, { "udp uid=999", 3 }, { "udp uid=1000", 2 },
	       { "udp uid=1536", 2 }, { "udp uid=1999", 2 }, { "udp uid=2000", 3 },
	       { "udp uid=4294967293", 3 }, { "udp uid=4294967294", 2 }, { "udp", 0 });
	EXPECT(("{ uid: 0-4294967294 }"), { "udp uid=0", 1 }, { "udp uid=4294967294", 1 },
	       { "udp", 0 });
	EXPECT(("{ not: { uid: 0-99 } }"), { "udp uid=0", 0 }, { "udp uid=99", 0 },
	       { "udp uid=100", 1 }, { "udp", 1 });
}

static void test_small(void **state)
{
	(void)state;
	EXPECT(("{ vlan: none }", "{ vlan: [0, 4095] }", "{ vlan: 100-200, length: 0-99 }"),
	       { "udp", 1 }, { "other", 1 }, { "udp vlan=0", 2 }, { "other vlan=4095", 2 },
	       { "udp vlan=100", 0 }, { "udp vlan=100 length=99", 3 },
	       { "udp vlan=201 length=9", 0 });
	EXPECT(("{ not: { vlan: none } }"), { "udp", 0 }, { "udp vlan=0", 1 });
	EXPECT(("{ length: 65535 }", "{ length: 65536-65575 }", "{ length: 0-64 }",
		"{ length: 1500 }"),
	       { "udp length=65535", 1 }, { "udp6 length=65575", 2 }, { "udp length=0", 3 },
	       { "udp length=64", 3 }, { "udp length=65", 0 }, { "udp length=1500", 4 },
	       { "other", 0 });
	EXPECT(("{ length: 65536-65575 }", "{ length: 1000-65575 }"), { "udp6 length=65575", 1 },
	       { "udp length=65534", 2 }, { "udp length=999", 0 });
	EXPECT(("{ tcp-flags: syn/syn+ack+fin+rst }", "{ tcp-flags: [rst, syn+ack] }",
		"{ tcp-flags: none/fin+syn }"),
	       { "tcp flags=0x02", 1 }, { "tcp flags=0xc2", 1 }, { "tcp flags=0x12", 2 },
	       { "tcp flags=0x06", 2 }, { "tcp flags=0x10", 3 }, { "tcp flags=0x11", 0 },
	       { "tcp flags=0x14", 2 }, { "udp", 0 });
}

static void test_icmp(void **state)
{
	(void)state;
	EXPECT(("{ icmp-type: echo-request }", "{ icmp-type: [packet-too-big, 3/4] }",
		"{ icmp-type: destination-unreachable }"),
	       { "icmp type=8", 1 }, { "icmp type=8 code=255", 1 }, { "icmp6 type=128", 1 },
	       { "icmp type=128", 0 }, { "icmp6 type=8", 0 }, { "icmp6 type=2", 2 },
	       { "icmp type=2", 0 }, { "icmp type=3 code=4", 2 }, { "icmp6 type=3 code=4", 2 },
	       { "icmp type=3 code=3", 3 }, { "icmp6 type=1 code=0", 3 }, { "icmp6 type=3", 0 },
	       { "udp", 0 });
	EXPECT(("{ family: ipv6, icmp-type: 255/255 }", "{ icmp-type: [0, 255] }"),
	       { "icmp6 type=255 code=255", 1 }, { "icmp type=255 code=255", 2 },
	       { "icmp6 type=0 code=1", 2 }, { "icmp type=0", 2 }, { "icmp type=1", 0 });
	EXPECT(("{ not: { icmp-type: 8 } }"), { "icmp type=8", 0 }, { "icmp type=0", 1 },
	       { "udp", 1 });
}

static void test_cgroups(void **state)
{
	(void)state;
	EXPECT(("{ cgroup: a/b }", "{ cgroup: a }", "{ cgroup: [a/bc, a-b/c] }",
		"{ cgroup: b/c/d }"),
	       { "udp cgroup=a/b", 1 }, { "udp cgroup=a/b/c/d/e", 1 }, { "udp cgroup=a/bc", 2 },
	       { "udp cgroup=a", 2 }, { "udp cgroup=ab", 0 }, { "udp cgroup=a-b", 0 },
	       { "udp cgroup=a-b/c/d", 3 }, { "udp cgroup=b/c/d", 4 }, { "udp cgroup=b/c", 0 },
	       { "udp", 0 });
	/* what sorts between a path and what is below it is around neither */
	EXPECT(("{ cgroup: a }", "{ cgroup: a.b }", "{ cgroup: a/c, not: { uid: 0 } }"),
	       { "udp cgroup=a.b", 2 }, { "udp cgroup=a/c", 1 }, { "udp cgroup=a.b/c", 2 });
	EXPECT(("{ cgroup: x, not: { cgroup: x/y } }"), { "udp cgroup=x", 1 },
	       { "udp cgroup=x/y/z", 0 }, { "udp cgroup=x/z", 1 }, { "udp", 0 });
}

/* --- many --------------------------------------------------------------------------------- */

/* Of each four a port, a prefix, both, and a port with `not`. Rule i (from 0) is of its own. */
static char *many_text(uint32_t count)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fputs(HEAD, f);
	for (uint32_t i = 0; i < count; i++) {
		fputs("  - { class: a, match: ", f);
		if (i % 4 == 0)
			fprintf(f, "{ dport: %u } }\n", 1 + i);
		else if (i % 4 == 1)
			fprintf(f, "{ dst: 10.%u.%u.0/24 } }\n", i >> 8, i & 255);
		else if (i % 4 == 2)
			fprintf(f, "{ dst: 10.%u.%u.0/24, sport: %u } }\n", i >> 8, i & 255, 1 + i);
		else
			fprintf(f, "{ sport: %u, not: { dst: 10.0.0.0/8, proto: udp } } }\n",
				1 + i);
	}
	fclose(f);
	return text;
}

/* A packet of what rule i asks for, and no other rule; and one that just misses it. */
static void expect_each(const struct qos_tables *t, uint32_t count)
{
	char packet[80], other[120];

	for (uint32_t i = 0; i < count; i++) {
		uint32_t a = i >> 8, b = i & 255;

		if (i % 4 == 0) {
			snprintf(packet, sizeof(packet), "udp dport=%u", 1 + i);
			snprintf(other, sizeof(other), "udp sport=%u", 1 + i);
		} else if (i % 4 == 1) {
			snprintf(packet, sizeof(packet), "udp dst=10.%u.%u.9", a, b);
			snprintf(other, sizeof(other), "udp src=10.%u.%u.9", a, b);
		} else if (i % 4 == 2) {
			snprintf(packet, sizeof(packet), "udp dst=10.%u.%u.9 sport=%u", a, b,
				 1 + i);
			snprintf(other, sizeof(other), "udp dst=10.%u.%u.9", a, b);
		} else {
			snprintf(packet, sizeof(packet), "udp sport=%u", 1 + i);
			snprintf(other, sizeof(other), "udp dst=10.255.0.1 sport=%u", 1 + i);
		}
		expect_rule(t, packet, i + 1);
		expect_rule(t, other, 0);
		/* the first of two that match, whichever group each is in */
		if (i >= 4) {
			snprintf(other, sizeof(other), "%s%s", packet,
				 i % 4 ? " dport=1" : " dst=10.0.1.1");
			expect_rule(t, other, i % 4 ? 1 : 2);
		}
	}
}

static void test_many(void **state)
{
	/* a word that is full, and one more; two; as many as have groups; as in the kernel's tests
	 */
	static const uint32_t counts[] = { 63, 64, 65, 128, 129, 400, 2000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		_cleanup_(freep) char *text = many_text(counts[i]);
		_cleanup_(policy_freep) struct qos_policy *policy = load_good(text);
		_cleanup_(plan_freep) struct qos_plan *plan = compile(policy);

		assert_int_equal(policy->rule_count, counts[i]);
		expect_each(plan->tables, counts[i]);
	}
}

/* Words, summaries and groups are what they say. */
static void test_layout(void **state)
{
	_cleanup_(freep) char *text = many_text(2000);
	_cleanup_(policy_freep) struct qos_policy *policy = load_good(text);
	_cleanup_(plan_freep) struct qos_plan *plan = compile(policy);
	const struct qos_tables *t = plan->tables;
	uint32_t summary = qos_set_words(t->words) - t->words, last = 0;

	(void)state;
	/* of `not` with two keys, two entries */
	assert_int_equal(t->entries, 2000 + 500);
	/* 500 ports, 500 prefixes, 500 of both, 1000 of a port and `not` */
	assert_int_equal(t->words, 8 + 8 + 8 + 16);
	for (size_t set = 0; set < t->set_count; set++) {
		const uint64_t *words = t->sets + set * qos_set_words(t->words);

		for (uint32_t i = 0; i < t->words; i++)
			assert_int_equal(words[i / 64] >> i % 64 & 1, words[summary + i] != 0);
	}
	/* within a group in the rules' order; its end is its words' skip */
	for (uint32_t i = 0; i < t->words * QOS_RULE_BLOCK; i++) {
		uint32_t rule = QOS_DECIDED_RULE(t->decided[i]), word = i / QOS_RULE_BLOCK;

		assert_in_range(t->skip[word], word + 1, t->words);
		if (i && t->skip[word] != t->skip[(i - 1) / QOS_RULE_BLOCK])
			last = 0;
		if (rule)
			assert_in_range(rule, last, 2000);
		last = rule ? rule : UINT32_MAX;
	}
}

/* --- what is too much --------------------------------------------------------------------- */

/* Rules and then one more, which there is no room for; said at line, 0: at any rule. */
static void expect_too_much(const char *text, unsigned int line, const char *message)
{
	_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
	_cleanup_(node_freep) struct qos_node *root = NULL;
	_cleanup_(policy_freep) struct qos_policy *policy = NULL;
	_cleanup_(plan_freep) struct qos_plan *plan = NULL;
	_cleanup_(freep) char *said = NULL;
	unsigned int found = 0;
	int r;

	assert_int_equal(qos_doc_read(text, strlen(text), diags, &root), 0);
	r = qos_policy_build(root, "eth0.yaml", NULL, 0, diags, &policy);
	if (r == 0)
		r = qos_plan_compile(policy, diags, &plan);
	assert_true(r == -E2BIG || r == -EINVAL);
	assert_null(plan);
	assert_int_equal(qos_diags_status(diags), QOS_INVALID);
	assert_int_equal(qos_diags_text(diags, &said), 0);
	assert_int_equal(sscanf(said, "policy:%u:", &found), 1);
	if (line)
		assert_int_equal(found, line);
	else
		assert_in_range(found, HEAD_LINES + 1, UINT32_MAX);
	if (!strstr(said, message))
		fail_msg("%s", said);
}

static void test_too_many_rules(void **state)
{
	_cleanup_(freep) char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	fputs(HEAD, f);
	for (uint32_t i = 0; i < QOS_MAX_ENTRIES + 5; i++)
		fprintf(f, "  - { class: a, match: { dport: %u } }\n", i);
	fclose(f);
	expect_too_much(text, HEAD_LINES + QOS_MAX_ENTRIES + 1, "more than 16384 rules");
}

/* Each `not` of five keys multiplies: 5^7 is too many, 5^5 is not. */
static void test_too_many_ways(void **state)
{
	_cleanup_(freep) char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	fputs(HEAD "  - { class: a, match: { dport: 7 } }\n", f);
	for (uint32_t nots = 5; nots <= 7; nots += 2) {
		fputs("  - { class: a, match: { not: [", f);
		for (uint32_t i = 0; i < nots; i++)
			fprintf(f, "%s{ proto: udp, dport: %u, uid: %u, dscp: %u, mark: %u }",
				i ? ", " : "", i + 1, i, i, i);
		fputs("] } }\n", f);
	}
	fclose(f);
	expect_too_much(text, HEAD_LINES + 3, "16384 entries");
}

static void test_too_many_masks(void **state)
{
	(void)state;
	expect_too_much(HEAD "  - { class: a, match: { mark: [1/1, 2/2] } }\n"
			     "  - { class: a, match: { mark: 4/4, not: { mark: [3/3, 7/7] } } }\n",
			HEAD_LINES + 2, "masks");
}

static void test_too_deep(void **state)
{
	char path[QOS_CGROUP_NAME] = "", text[2 * QOS_CGROUP_NAME];

	(void)state;
	for (uint32_t i = 0; i <= QOS_MAX_CGROUP_LEVELS; i++)
		strcat(path, i ? "/x" : "x");
	/* one less is not too deep */
	snprintf(text, sizeof(text),
		 HEAD "  - { class: a, match: { cgroup: %s } }\n"
		      "  - { class: a, match: { cgroup: %s } }\n",
		 path + 2, path);
	expect_too_much(text, HEAD_LINES + 2, "more than 32 levels deep");
}

/*
 * Ranges of 10,000 rules, each with the ends of its own and all mixed up: 120,000 ports at
 * which the rules that are possible change, 1,280 bytes for each.
 */
static void test_too_many_sets(void **state)
{
	static const uint32_t times[] = { 7, 1009, 4001, 31, 503, 2003 };
	_cleanup_(freep) char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	fputs(HEAD, f);
	for (uint32_t i = 0; i < 10000; i++) {
		fputs("  - { class: a, match: { ", f);
		for (uint32_t k = 0; k < 6; k++) {
			uint32_t begin = k % 3 * 21000 + i * times[k] % 10007;

			fprintf(f, "%s%u-%u%s",
				k % 3 ? ", " :
				k     ? ", dport: [" :
					"sport: [",
				begin, begin + 10100 + 100 * k, k % 3 == 2 ? "]" : "");
		}
		fputs(" } }\n", f);
	}
	fclose(f);
	expect_too_much(text, 0, "more than 128 MiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_wins),    cmocka_unit_test(test_lists),
		cmocka_unit_test(test_prefixes),      cmocka_unit_test(test_not),
		cmocka_unit_test(test_marks),	      cmocka_unit_test(test_uids),
		cmocka_unit_test(test_small),	      cmocka_unit_test(test_icmp),
		cmocka_unit_test(test_cgroups),	      cmocka_unit_test(test_many),
		cmocka_unit_test(test_layout),	      cmocka_unit_test(test_too_many_rules),
		cmocka_unit_test(test_too_many_ways), cmocka_unit_test(test_too_many_masks),
		cmocka_unit_test(test_too_deep),      cmocka_unit_test(test_too_many_sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
