// SPDX-License-Identifier: LGPL-2.1-or-later
/* Fragments: the later ones follow the first, and none is taken for what it does not show. */
#include <netinet/in.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "fixture.h"
#include "rules.h"

#define SLOT_DEFAULT 1
#define SLOT_PORT    2 /* UDP to port 53 */
#define SLOT_HOST    3 /* to 10.9.0.0/16 or fd09::/16, whatever the port */
#define STEPS_MAX    4

struct step {
	struct spec spec;
	uint32_t slot;
	enum qos_verdict verdict;
};

struct scenario {
	const char *name;
	struct step steps[STEPS_MAX];
	size_t count;
};

#define V4(...)                                                               \
	{                                                                     \
		.proto = IPPROTO_UDP, .dport = 53, .payload = 64, __VA_ARGS__ \
	}
#define V6(...)                                                                \
	{                                                                      \
		.family = 6, .proto = IPPROTO_UDP, .dport = 53, .payload = 64, \
		.exts = { IPPROTO_FRAGMENT }, __VA_ARGS__                      \
	}

static const struct scenario ipv4_scenarios[] = {
	{ "later ones follow the first",
	  { { V4(.id = 1, .more = true), SLOT_PORT, QOS_PASS },
	    { V4(.id = 1, .more = true, .frag_off = 9), SLOT_PORT, QOS_PASS },
	    { V4(.id = 1, .frag_off = 18), SLOT_PORT, QOS_PASS } },
	  3 },
	{ "the first unknown: no port rule takes it",
	  { { V4(.id = 2, .frag_off = 9), SLOT_DEFAULT, QOS_PASS } },
	  1 },
	{ "the first unknown: a rule without ports does",
	  { { V4(.id = 3, .frag_off = 9, .dst = "10.9.0.1"), SLOT_HOST, QOS_PASS } },
	  1 },
	{ "the first known: it outweighs that",
	  { { V4(.id = 4, .more = true, .dst = "10.9.0.1"), SLOT_PORT, QOS_PASS },
	    { V4(.id = 4, .frag_off = 9, .dst = "10.9.0.1"), SLOT_PORT, QOS_PASS } },
	  2 },
	{ "another datagram",
	  { { V4(.id = 5, .more = true), SLOT_PORT, QOS_PASS },
	    { V4(.id = 6, .frag_off = 9), SLOT_DEFAULT, QOS_PASS } },
	  2 },
	{ "the same number from another host",
	  { { V4(.id = 7, .more = true), SLOT_PORT, QOS_PASS },
	    { V4(.id = 7, .frag_off = 9, .src = "10.0.0.3"), SLOT_DEFAULT, QOS_PASS } },
	  2 },
	{ "the same number to another host",
	  { { V4(.id = 8, .more = true), SLOT_PORT, QOS_PASS },
	    { V4(.id = 8, .frag_off = 9, .dst = "10.0.0.3"), SLOT_DEFAULT, QOS_PASS } },
	  2 },
	{ "the same number of another protocol (RFC 791)",
	  { { V4(.id = 9, .more = true), SLOT_PORT, QOS_PASS },
	    { V4(.id = 9, .frag_off = 9, .proto = IPPROTO_TCP), SLOT_DEFAULT, QOS_PASS } },
	  2 },
	{ "a number used again",
	  { { V4(.id = 10, .more = true), SLOT_PORT, QOS_PASS },
	    { V4(.id = 10, .more = true, .dport = 54), SLOT_DEFAULT, QOS_PASS },
	    { V4(.id = 10, .frag_off = 9), SLOT_DEFAULT, QOS_PASS } },
	  3 },
	{ "a datagram that is whole is not remembered",
	  { { V4(.id = 11), SLOT_PORT, QOS_PASS },
	    { V4(.id = 11, .frag_off = 9), SLOT_DEFAULT, QOS_PASS } },
	  2 },
	{ "after a drop",
	  { { V4(.id = 12, .more = true, .dport = 25), QOS_SLOT_LINK, QOS_DROP_RULE },
	    { V4(.id = 12, .frag_off = 9), QOS_SLOT_LINK, QOS_DROP_RULE } },
	  2 },
	{ "a first one with options",
	  { { V4(.id = 13, .more = true, .ihl = 15), SLOT_PORT, QOS_PASS },
	    { V4(.id = 13, .frag_off = 9), SLOT_PORT, QOS_PASS } },
	  2 },
	{ "in a VLAN",
	  { { V4(.id = 14, .more = true, .tags = { 0x8100 }), SLOT_PORT, QOS_PASS },
	    { V4(.id = 14, .frag_off = 9, .tags = { 0x8100 }), SLOT_PORT, QOS_PASS } },
	  2 },
	{ "too short for its ports",
	  { { V4(.id = 15, .more = true, .keep = 14 + 20 + 3), SLOT_DEFAULT, QOS_PASS },
	    { V4(.id = 15, .frag_off = 9), SLOT_DEFAULT, QOS_PASS } },
	  2 },
};

static const struct scenario ipv6_scenarios[] = {
	{ "later ones follow the first",
	  { { V6(.id = 0x10001, .more = true), SLOT_PORT, QOS_PASS },
	    { V6(.id = 0x10001, .more = true, .frag_off = 9), SLOT_PORT, QOS_PASS },
	    { V6(.id = 0x10001, .frag_off = 18), SLOT_PORT, QOS_PASS } },
	  3 },
	{ "the number has 32 bits",
	  { { V6(.id = 0x20001, .more = true), SLOT_PORT, QOS_PASS },
	    { V6(.id = 0x30001, .frag_off = 9), SLOT_DEFAULT, QOS_PASS } },
	  2 },
	{ "the first unknown: no port rule takes it",
	  { { V6(.id = 4, .frag_off = 9), SLOT_DEFAULT, QOS_PASS } },
	  1 },
	{ "the first unknown: a rule without ports does",
	  { { V6(.id = 5, .frag_off = 9, .dst = "fd09::1"), SLOT_HOST, QOS_PASS } },
	  1 },
	{ "headers before and after the fragment's",
	  { { V6(.id = 6, .more = true, .exts = { HOPOPTS, IPPROTO_FRAGMENT, IPPROTO_DSTOPTS }),
	      SLOT_PORT, QOS_PASS },
	    { V6(.id = 6, .frag_off = 9, .exts = { HOPOPTS, IPPROTO_FRAGMENT }), SLOT_PORT,
	      QOS_PASS } },
	  2 },
	{ "next headers that differ (RFC 8200, 4.5)",
	  { { V6(.id = 7, .more = true), SLOT_PORT, QOS_PASS },
	    { V6(.id = 7, .frag_off = 9, .proto = IPPROTO_TCP), SLOT_PORT, QOS_PASS } },
	  2 },
	{ "a later one's bytes are not headers",
	  { { V6(.id = 8, .frag_off = 9, .exts = { IPPROTO_FRAGMENT, IPPROTO_DSTOPTS }),
	      SLOT_DEFAULT, QOS_PASS } },
	  1 },
	{ "an atomic fragment is whole (RFC 6946)",
	  { { V6(.id = 9), SLOT_PORT, QOS_PASS },
	    { V6(.id = 9, .frag_off = 9), SLOT_DEFAULT, QOS_PASS } },
	  2 },
	{ "after a drop",
	  { { V6(.id = 10, .more = true, .dport = 25), QOS_SLOT_LINK, QOS_DROP_RULE },
	    { V6(.id = 10, .frag_off = 9), QOS_SLOT_LINK, QOS_DROP_RULE } },
	  2 },
};

static void run_scenarios(const struct scenario *scenarios, size_t count)
{
	const struct rule rules[] = {
		rule_dport(rule_drop(), 25, 25),
		rule_dport(rule_proto(rule_any(SLOT_PORT), IPPROTO_UDP), 53, 53),
		rule_dst(rule_any(SLOT_HOST), "10.9.0.0/16"),
		rule_dst(rule_any(SLOT_HOST), "fd09::/16"),
	};
	const struct setup setup = {
		.link = { .rules = ARRAY_SIZE(rules), .default_slot = SLOT_DEFAULT, .l2_len = 14 },
		.rules = rules,
	};
	_cleanup_(shaper_closep) struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);

	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < scenarios[i].count; j++) {
			const struct step *step = &scenarios[i].steps[j];
			struct packet packet;
			char what[128];

			snprintf(what, sizeof(what), "%s, packet %zu", scenarios[i].name, j);
			packet_build(&step->spec, &packet);
			shaper_clear_counters(s);
			shaper_run(s, &packet, &(struct input){ 0 }, NULL);
			shaper_expect(s, what, step->slot, step->verdict);
		}
	}
}

static void test_ipv4(void **state __attribute__((unused)))
{
	run_scenarios(ipv4_scenarios, ARRAY_SIZE(ipv4_scenarios));
}

static void test_ipv6(void **state __attribute__((unused)))
{
	run_scenarios(ipv6_scenarios, ARRAY_SIZE(ipv6_scenarios));
}

/* A rule for every port takes no fragment that has none. */
static void test_no_port_is_not_port_0(void **state __attribute__((unused)))
{
	const struct rule rules[] = {
		rule_sport(rule_any(SLOT_PORT), 0, 65535),
		rule_dport(rule_any(SLOT_PORT), 0, 65535),
	};
	const struct setup setup = {
		.link = { .rules = ARRAY_SIZE(rules), .default_slot = SLOT_DEFAULT, .l2_len = 14 },
		.rules = rules,
	};
	static const struct spec later[] = { V4(.id = 1, .frag_off = 1),
					     V6(.id = 1, .frag_off = 1) };
	_cleanup_(shaper_closep) struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);

	for (size_t i = 0; i < ARRAY_SIZE(later); i++) {
		struct packet packet;

		packet_build(&later[i], &packet);
		shaper_clear_counters(s);
		shaper_run(s, &packet, &(struct input){ 0 }, NULL);
		shaper_expect(s, i ? "IPv6" : "IPv4", SLOT_DEFAULT, QOS_PASS);
	}
}

/* As many datagrams as are remembered, and more: none is lost to an error. */
static void test_many(void **state __attribute__((unused)))
{
	const struct rule rule = rule_dport(rule_any(SLOT_PORT), 53, 53);
	const struct setup setup = {
		.link = { .rules = 1, .default_slot = SLOT_DEFAULT, .l2_len = 14 },
		.rules = &rule,
	};
	_cleanup_(shaper_closep) struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);
	struct packet packet;

	for (uint32_t id = 0; id < 2 * QOS_FRAGMENTS; id++) {
		packet_build(&(struct spec)V4(.id = id, .more = true), &packet);
		assert_int_equal(shaper_run(s, &packet, &(struct input){ 0 }, NULL), TC_ACT_UNSPEC);
		packet_build(&(struct spec)V4(.id = id, .frag_off = 9), &packet);
		assert_int_equal(shaper_run(s, &packet, &(struct input){ 0 }, NULL), TC_ACT_UNSPEC);
	}
	assert_int_equal(shaper_counters(s, SLOT_PORT).by[QOS_PASS].packets, 4 * QOS_FRAGMENTS);
}

static size_t known_flows(const struct shaper *s)
{
	const struct qos_flow *flows;
	size_t known = 0;

	for (uint32_t i = shaper_flows(s, &flows); i-- > 0;)
		known += flows[i].tag != 0;
	return known;
}

/* All fragments of a datagram are of one flow, so what caps and orders flows holds for them. */
static void expect_one_flow(const struct rule *rules, uint32_t count)
{
	static const struct spec fragments[][2] = {
		{ V4(.id = 1, .more = true), V4(.id = 1, .frag_off = 9) },
		{ V6(.id = 1, .more = true), V6(.id = 1, .frag_off = 9) },
	};
	const struct setup setup = {
		.link = { .rules = count, .default_slot = SLOT_DEFAULT, .l2_len = 14 },
		.classes = { [SLOT_DEFAULT] = { .flags = QOS_CLASS_CEIL | QOS_CLASS_FAIR,
						.ceil_cost = NS_A_BYTE(1),
						.limit_ns = SEC,
						.dscp = QOS_DSCP_KEEP } },
		.rules = rules,
	};
	_cleanup_(shaper_closep) struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);

	shaper_set_clocks(s, SLOT_DEFAULT, &(struct qos_clocks){ .ceil = { NOW + 20 * MSEC } });
	for (size_t i = 0; i < ARRAY_SIZE(fragments); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(fragments[i]); j++) {
			struct packet packet;

			packet_build(&fragments[i][j], &packet);
			assert_int_equal(
				shaper_run(s, &packet, &(struct input){ .now = NOW }, NULL),
				TC_ACT_UNSPEC);
		}
		assert_int_equal(known_flows(s), i + 1);
	}
}

static void test_one_flow(void **state __attribute__((unused)))
{
	static const struct rule none;

	expect_one_flow(&none, 0);
	expect_one_flow(&none, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_no_port_is_not_port_0),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_one_flow),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
