// SPDX-License-Identifier: LGPL-2.1-or-later
/* Tables of rules: the first rule that matches a packet. The packets are worked out by hand. */
#include "read_tables.h"

#define HEAD MINIMAL "rules:\n"

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

/* Of these protocols each is of one family, whatever number the other's packets have. */
static void test_families(void **state)
{
	(void)state;
	EXPECT(("{ proto: [icmp, udp] }", "{ proto: icmpv6 }"), { "icmp", 1 }, { "udp6", 1 },
	       { "icmp6", 2 }, { "odd", 0 }, { "odd6", 0 });
	EXPECT(("{ not: { proto: [icmp, icmpv6] } }"), { "icmp", 0 }, { "icmp6", 0 }, { "odd", 1 },
	       { "odd6", 1 });
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

/* The last address of all, and what is on both sides of a word of an address. */
static void test_words(void **state)
{
	(void)state;
	EXPECT(("{ dst: 255.255.255.255 }", "{ dst: 255.255.255.254 }", "{ dst: 128.0.0.0/1 }"),
	       { "udp dst=255.255.255.255", 1 }, { "udp dst=255.255.255.254", 2 },
	       { "udp dst=255.255.255.253", 3 }, { "udp dst=127.255.255.255", 0 });
	EXPECT(("{ dst: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' }", "{ dst: 'ffff:ffff::/32' }",
		"{ dst: '::/128' }"),
	       { "udp6 dst=ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1 },
	       { "udp6 dst=ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", 2 },
	       { "udp6 dst=ffff:fffe:ffff:ffff:ffff:ffff:ffff:ffff", 0 }, { "udp6 dst=::", 3 },
	       { "udp6 dst=::1", 0 });
	EXPECT(("{ src: '2001:db8:ffff:ffff::/64' }", "{ src: '2001:db8:0:0:ffff:ffff::/96' }",
		"{ src: '2001:db9::1' }", "{ src: '2001:db8::/31' }", "{ src: '2001:dba::/128' }"),
	       { "udp6 src=2001:db8:ffff:ffff::", 1 },
	       { "udp6 src=2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 1 },
	       { "udp6 src=2001:db9::", 4 }, { "udp6 src=2001:db9::1", 3 },
	       { "udp6 src=2001:db9::2", 4 }, { "udp6 src=2001:db8::ffff:ffff:0:0", 2 },
	       { "udp6 src=2001:db8::ffff:ffff:ffff:ffff", 2 }, { "udp6 src=2001:db8:0:1::", 4 },
	       { "udp6 src=2001:db8:ffff:fffe:ffff:ffff:ffff:ffff", 4 },
	       { "udp6 src=2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", 0 },
	       { "udp6 src=2001:dba::", 5 }, { "udp6 src=2001:dba::1", 0 });
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_wins), cmocka_unit_test(test_lists),
		cmocka_unit_test(test_families),   cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_not),	   cmocka_unit_test(test_marks),
		cmocka_unit_test(test_uids),	   cmocka_unit_test(test_small),
		cmocka_unit_test(test_icmp),	   cmocka_unit_test(test_cgroups),
		cmocka_unit_test(test_many),	   cmocka_unit_test(test_layout),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
