// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rules: each match key, their order, their number, and the drop rule. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "fixture.h"
#include "rules.h"

#define SLOT_DEFAULT 1
#define SLOT_RULE    2
#define SLOT_OTHER   3
#define MANY_RULES   4096

struct match_case {
	const char *name;
	struct rule rule;
	struct spec spec;
	bool takes;
};

static void run_matches(const struct match_case *cases, size_t count)
{
	struct rule none[QOS_RULE_BLOCK] = { 0 };
	const struct setup setup = {
		.link = { .rules = QOS_RULE_BLOCK, .default_slot = SLOT_DEFAULT, .l2_len = 14 },
		.rules = none,
	};
	_cleanup_(shaper_closep) struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);

	for (size_t i = 0; i < count; i++) {
		struct packet packet;

		packet_build(&cases[i].spec, &packet);
		shaper_clear_counters(s);
		shaper_set_rules(s, &cases[i].rule, 1);
		assert_int_equal(shaper_run(s, &packet, &(struct input){ 0 }, NULL), TC_ACT_UNSPEC);
		shaper_expect(s, cases[i].name, cases[i].takes ? SLOT_RULE : SLOT_DEFAULT,
			      QOS_PASS);
	}
}

static void test_proto_and_family(void **state __attribute__((unused)))
{
	const struct rule any = rule_any(SLOT_RULE);
	const struct match_case cases[] = {
		{ "no key", any, { 0 }, true },
		{ "no key, not IP", any, { .ethertype = 0x88cc, .payload = 46 }, true },
		{ "not IP is not IPv4",
		  rule_family(any, QOS_FAMILY_IPV4),
		  { .ethertype = 0x88cc, .payload = 46 },
		  false },
		{ "TCP", rule_proto(any, IPPROTO_TCP), { 0 }, true },
		{ "TCP is not UDP", rule_proto(any, IPPROTO_UDP), { 0 }, false },
		{ "ICMP", rule_proto(any, IPPROTO_ICMP), { .proto = IPPROTO_ICMP }, true },
		{ "TCP by IPv6", rule_proto(any, IPPROTO_TCP), { .family = 6 }, true },
		{ "after an extension",
		  rule_proto(any, IPPROTO_TCP),
		  { .family = 6, .exts = { HOPOPTS } },
		  true },
		{ "protocol 255", rule_proto(any, 255), { .proto = 255 }, true },
		{ "IPv4", rule_family(any, QOS_FAMILY_IPV4), { 0 }, true },
		{ "IPv4 is not IPv6", rule_family(any, QOS_FAMILY_IPV6), { 0 }, false },
		{ "IPv6", rule_family(any, QOS_FAMILY_IPV6), { .family = 6 }, true },
		{ "IPv6 is not IPv4", rule_family(any, QOS_FAMILY_IPV4), { .family = 6 }, false },
	};

	run_matches(cases, ARRAY_SIZE(cases));
}

static void test_ports(void **state __attribute__((unused)))
{
	const struct rule any = rule_any(SLOT_RULE);
	const struct match_case cases[] = {
		{ "dport", rule_dport(any, 53, 53), { .dport = 53 }, true },
		{ "below", rule_dport(any, 53, 53), { .dport = 52 }, false },
		{ "above", rule_dport(any, 53, 53), { .dport = 54 }, false },
		{ "bytes swapped", rule_dport(any, 53, 53), { .dport = 53 << 8 }, false },
		{ "first of a range", rule_dport(any, 3478, 3481), { .dport = 3478 }, true },
		{ "last of a range", rule_dport(any, 3478, 3481), { .dport = 3481 }, true },
		{ "before a range", rule_dport(any, 3478, 3481), { .dport = 3477 }, false },
		{ "after a range", rule_dport(any, 3478, 3481), { .dport = 3482 }, false },
		{ "0", rule_dport(any, 0, 0), { .dport = 0 }, true },
		{ "0 alone", rule_dport(any, 0, 0), { .dport = 1 }, false },
		{ "65535", rule_dport(any, 65535, 65535), { .dport = 65535 }, true },
		{ "all, lowest", rule_dport(any, 0, 65535), { .dport = 0 }, true },
		{ "all, highest", rule_dport(any, 0, 65535), { .dport = 65535 }, true },
		{ "all, but none there",
		  rule_dport(any, 0, 65535),
		  { .proto = IPPROTO_ICMP },
		  false },
		{ "sport", rule_sport(any, 53, 53), { .sport = 53, .dport = 9 }, true },
		{ "sport is not dport",
		  rule_sport(any, 53, 53),
		  { .sport = 9, .dport = 53 },
		  false },
		{ "both",
		  rule_dport(rule_sport(any, 1, 5), 7, 9),
		  { .sport = 5, .dport = 7 },
		  true },
		{ "one of both",
		  rule_dport(rule_sport(any, 1, 5), 7, 9),
		  { .sport = 6, .dport = 7 },
		  false },
		{ "port and protocol",
		  rule_dport(rule_proto(any, IPPROTO_UDP), 53, 53),
		  { .dport = 53 },
		  false },
	};

	run_matches(cases, ARRAY_SIZE(cases));
}

static void test_dscp(void **state __attribute__((unused)))
{
	const struct rule any = rule_any(SLOT_RULE);
	const struct match_case cases[] = {
		{ "EF", rule_dscp(any, 1ULL << 46), { .tos = TOS(46, 0) }, true },
		{ "EF whatever its ECN", rule_dscp(any, 1ULL << 46), { .tos = TOS(46, 3) }, true },
		{ "not EF", rule_dscp(any, 1ULL << 46), { .tos = TOS(47, 0) }, false },
		{ "0", rule_dscp(any, 1), { .tos = TOS(0, 3) }, true },
		{ "not 0", rule_dscp(any, 1), { .tos = TOS(1, 0) }, false },
		{ "63", rule_dscp(any, 1ULL << 63), { .tos = TOS(63, 1) }, true },
		{ "one of a set",
		  rule_dscp(any, 1ULL << 46 | 1ULL << 40),
		  { .tos = TOS(40, 0) },
		  true },
		{ "IPv6", rule_dscp(any, 1ULL << 46), { .family = 6, .tos = TOS(46, 2) }, true },
		{ "IPv6, not the flow label",
		  rule_dscp(any, 1),
		  { .family = 6, .flow_label = 0xfffff },
		  true },
		{ "IPv6, not EF",
		  rule_dscp(any, 1ULL << 46),
		  { .family = 6, .tos = TOS(14, 2) },
		  false },
	};

	run_matches(cases, ARRAY_SIZE(cases));
}

static void test_ipv4_prefixes(void **state __attribute__((unused)))
{
	const struct rule any = rule_any(SLOT_RULE);
	const struct match_case cases[] = {
		{ "src /24", rule_src(any, "10.1.2.0/24"), { .src = "10.1.2.255" }, true },
		{ "src /24, next", rule_src(any, "10.1.2.0/24"), { .src = "10.1.3.0" }, false },
		{ "src is not dst", rule_src(any, "10.1.2.0/24"), { .dst = "10.1.2.1" }, false },
		{ "dst /24", rule_dst(any, "10.1.2.0/24"), { .dst = "10.1.2.0" }, true },
		{ "/32", rule_dst(any, "10.1.2.3/32"), { .dst = "10.1.2.3" }, true },
		{ "/32, last bit", rule_dst(any, "10.1.2.3/32"), { .dst = "10.1.2.2" }, false },
		{ "/31", rule_dst(any, "10.1.2.2/31"), { .dst = "10.1.2.3" }, true },
		{ "/1", rule_dst(any, "128.0.0.0/1"), { .dst = "255.255.255.255" }, true },
		{ "/1, other half", rule_dst(any, "128.0.0.0/1"), { .dst = "127.0.0.1" }, false },
		{ "/0", rule_dst(any, "0.0.0.0/0"), { .dst = "198.51.100.1" }, true },
		{ "/0 is not IPv6", rule_dst(any, "0.0.0.0/0"), { .family = 6 }, false },
		{ "mapped in IPv6 is not IPv4",
		  rule_src(any, "10.1.2.0/24"),
		  { .family = 6, .src = "::ffff:10.1.2.3" },
		  false },
		{ "src and dst",
		  rule_dst(rule_src(any, "10.1.0.0/16"), "10.2.0.0/16"),
		  { .src = "10.1.9.9", .dst = "10.2.9.9" },
		  true },
		{ "src without dst",
		  rule_dst(rule_src(any, "10.1.0.0/16"), "10.2.0.0/16"),
		  { .src = "10.1.9.9", .dst = "10.3.9.9" },
		  false },
	};

	run_matches(cases, ARRAY_SIZE(cases));
}

static void test_ipv6_prefixes(void **state __attribute__((unused)))
{
	const struct rule any = rule_any(SLOT_RULE);
	const struct match_case cases[] = {
		{ "src /64",
		  rule_src(any, "fd00:1::/64"),
		  { .family = 6, .src = "fd00:1::ffff:ffff:ffff:ffff" },
		  true },
		{ "src /64, next",
		  rule_src(any, "fd00:1::/64"),
		  { .family = 6, .src = "fd00:1:0:1::" },
		  false },
		{ "dst /65",
		  rule_dst(any, "fd00:1:0:0:8000::/65"),
		  { .family = 6, .dst = "fd00:1::8000:0:0:1" },
		  true },
		{ "dst /65, other half",
		  rule_dst(any, "fd00:1:0:0:8000::/65"),
		  { .family = 6, .dst = "fd00:1::7fff:0:0:1" },
		  false },
		{ "/128",
		  rule_dst(any, "2001:db8::5/128"),
		  { .family = 6, .dst = "2001:db8::5" },
		  true },
		{ "/128, last bit",
		  rule_dst(any, "2001:db8::5/128"),
		  { .family = 6, .dst = "2001:db8::4" },
		  false },
		{ "/7", rule_dst(any, "fc00::/7"), { .family = 6, .dst = "fdff::1" }, true },
		{ "/0", rule_dst(any, "::/0"), { .family = 6, .dst = "2001:db8::1" }, true },
		{ "/0 is not IPv4", rule_dst(any, "::/0"), { 0 }, false },
		{ "the mapped range is not IPv4",
		  rule_dst(any, "::ffff:0:0/96"),
		  { .dst = "10.0.0.1" },
		  false },
	};

	run_matches(cases, ARRAY_SIZE(cases));
}

static void expect_slot(struct shaper *s, const struct rule *rules, uint32_t count,
			const char *what, uint32_t slot)
{
	struct packet packet;

	packet_build(&(struct spec){ .dport = 443 }, &packet);
	shaper_clear_counters(s);
	shaper_set_rules(s, rules, count);
	assert_int_equal(shaper_run(s, &packet, &(struct input){ 0 }, NULL), TC_ACT_UNSPEC);
	shaper_expect(s, what, slot, QOS_PASS);
}

/* The only rule that matches may stand anywhere; of two, the first one counts. */
static void test_order(void **state __attribute__((unused)))
{
	static const uint32_t at[] = { 0, 1, 6, 7, 8, 9, 15, 16, 1000, 4087, 4088, 4095 };
	_cleanup_(freep) struct rule *rules = calloc(MANY_RULES, sizeof(*rules));
	struct setup setup = {
		.link = { .rules = MANY_RULES, .default_slot = SLOT_DEFAULT, .l2_len = 14 },
		.rules = rules,
	};
	_cleanup_(shaper_closep) struct shaper *s = NULL;

	assert_non_null(rules);
	for (uint32_t i = 0; i < MANY_RULES; i++)
		rules[i] = rule_dport(rule_any(SLOT_OTHER), 80, 80);
	s = shaper_open(PROGRAM_FAKE, &setup);
	expect_slot(s, rules, MANY_RULES, "no rule takes it", SLOT_DEFAULT);
	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		const struct rule other = rules[at[i]], last = rules[MANY_RULES - 1];
		char name[32];

		snprintf(name, sizeof(name), "rule %u", at[i]);
		rules[MANY_RULES - 1] = rule_any(SLOT_OTHER);
		rules[at[i]] = rule_dport(rule_any(SLOT_RULE), 443, 443);
		expect_slot(s, rules, MANY_RULES, name, SLOT_RULE);
		rules[MANY_RULES - 1] = last;
		rules[at[i]] = other;
	}
}

/* Of a block that is not full, the rest takes nothing, also where the maps hold something. */
static void test_part_of_a_block(void **state __attribute__((unused)))
{
	static const uint32_t counts[] = { 0,
					   1,
					   2,
					   QOS_RULE_BLOCK - 1,
					   QOS_RULE_BLOCK,
					   QOS_RULE_BLOCK + 1,
					   2 * QOS_RULE_BLOCK - 1,
					   2 * QOS_RULE_BLOCK,
					   2 * QOS_RULE_BLOCK + 1 };

	for (size_t n = 0; n < ARRAY_SIZE(counts); n++) {
		const uint32_t count = counts[n];
		struct rule rules[2 * QOS_RULE_BLOCK + 1];
		const struct setup setup = {
			.link = { .rules = count, .default_slot = SLOT_DEFAULT, .l2_len = 14 },
			.rules = rules,
		};
		_cleanup_(shaper_closep) struct shaper *s = NULL;

		for (uint32_t i = 0; i < count; i++)
			rules[i] = rule_dport(rule_any(SLOT_OTHER), 80, 80);
		s = shaper_open(PROGRAM_FAKE, &setup);
		expect_slot(s, rules, count, "none takes it", SLOT_DEFAULT);
		if (!count)
			continue;
		rules[count - 1] = rule_dport(rule_any(SLOT_RULE), 443, 443);
		expect_slot(s, rules, count, "the last one takes it", SLOT_RULE);
	}
}

/* Packets that differ in one fact, in turns: each gets its own answer each time. */
static void test_no_answer_for_another(void **state __attribute__((unused)))
{
	const struct rule rule = rule_dport(
		rule_dst(rule_src(rule_dscp(rule_proto(rule_any(SLOT_RULE), IPPROTO_TCP), 1),
				  "10.0.0.1/32"),
			 "10.0.0.2/32"),
		443, 443);
	static const struct spec others[] = {
		{ .dport = 444 },
		{ .dport = 443, .proto = IPPROTO_UDP },
		{ .dport = 443, .tos = TOS(1, 0) },
		{ .dport = 443, .src = "10.0.0.3" },
		{ .dport = 443, .dst = "10.0.0.3" },
		{ .dport = 443, .src = "10.0.0.2", .dst = "10.0.0.1" },
		{ .dport = 443, .family = 6, .src = "::ffff:10.0.0.1", .dst = "::ffff:10.0.0.2" },
		{ .dport = 443, .ihl = 4 },
	};
	const struct setup setup = {
		.link = { .rules = 1, .default_slot = SLOT_DEFAULT, .l2_len = 14 },
		.rules = &rule,
	};
	_cleanup_(shaper_closep) struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);
	struct packet packet, other;

	packet_build(&(struct spec){ .dport = 443, .tos = TOS(0, 1) }, &packet);
	for (size_t i = 0; i < 3 * ARRAY_SIZE(others); i++) {
		packet_build(&others[i % ARRAY_SIZE(others)], &other);
		shaper_clear_counters(s);
		shaper_run(s, &packet, &(struct input){ 0 }, NULL);
		shaper_expect(s, "the rule's", SLOT_RULE, QOS_PASS);
		shaper_clear_counters(s);
		shaper_run(s, &other, &(struct input){ 0 }, NULL);
		shaper_expect(s, "not the rule's", SLOT_DEFAULT, QOS_PASS);
	}
}

static void test_drop_rule(void **state __attribute__((unused)))
{
	const struct rule rules[] = {
		rule_dport(rule_proto(rule_drop(), IPPROTO_TCP), 25, 25),
		rule_any(SLOT_RULE),
	};
	const struct qos_class_cfg cls = { .flags = QOS_CLASS_CEIL, .ceil_cost = NS_A_BYTE(1) };
	const struct setup setup = {
		.link = { .rules = ARRAY_SIZE(rules), .default_slot = SLOT_DEFAULT, .l2_len = 14 },
		.classes = { cls, cls, cls },
		.rules = rules,
	};
	_cleanup_(shaper_closep) struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);
	struct packet packet;

	packet_build(&(struct spec){ .dport = 25 }, &packet);
	assert_int_equal(shaper_run(s, &packet, &(struct input){ 0 }, NULL), TC_ACT_SHOT);
	shaper_expect(s, "dropped by a rule", QOS_SLOT_LINK, QOS_DROP_RULE);
	for (uint32_t slot = 0; slot <= SLOT_RULE; slot++) {
		struct qos_clocks clocks = shaper_clocks(s, slot);

		assert_int_equal(clocks.ceil[0], 0);
		assert_int_equal(clocks.rate, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proto_and_family),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_dscp),
		cmocka_unit_test(test_ipv4_prefixes),
		cmocka_unit_test(test_ipv6_prefixes),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_part_of_a_block),
		cmocka_unit_test(test_no_answer_for_another),
		cmocka_unit_test(test_drop_rule),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
