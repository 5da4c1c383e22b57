// SPDX-License-Identifier: LGPL-2.1-or-later
/* What is remembered of the rules' decisions: about the same facts, and no others. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "fixture.h"
#include "lcg.h"
#include "rules.h"

#define SLOT_DEFAULT 1
#define SLOT_RULE    2
#define RULES	     100

static struct shaper *open_rules(const struct rule *rules, uint32_t count)
{
	const struct setup setup = {
		.link = { .rules = count, .default_slot = SLOT_DEFAULT, .l2_len = 14 },
		.rules = rules,
	};

	return shaper_open(PROGRAM_FAKE, &setup);
}

static void expect(struct shaper *s, const char *what, const struct spec *spec, uint32_t slot)
{
	struct packet packet;

	packet_build(spec, &packet);
	shaper_clear_counters(s);
	assert_int_equal(shaper_run(s, &packet, &(struct input){ 0 }, NULL), TC_ACT_UNSPEC);
	shaper_expect(s, what, slot, QOS_PASS);
}

/* The same packet gets the same answer without the rules. */
static void test_remembered(void **state __attribute__((unused)))
{
	const struct rule rule = rule_dport(rule_any(SLOT_RULE), 443, 443);
	_cleanup_(shaper_closep) struct shaper *s = open_rules(&rule, 1);

	expect(s, "by the rules", &(struct spec){ .dport = 443 }, SLOT_RULE);
	shaper_forget_rules(s);
	expect(s, "remembered", &(struct spec){ .dport = 443 }, SLOT_RULE);
	expect(s, "another", &(struct spec){ .dport = 444 }, SLOT_DEFAULT);
}

/* Whatever entry a packet comes to, it holds an answer for a packet that differs in one fact. */
static void test_not_for_another(void **state __attribute__((unused)))
{
	static const struct spec here = { .sport = 1000, .dport = 443, .tos = TOS(1, 0) };
	static const struct spec here6 = {
		.family = 6, .sport = 1000, .dport = 443, .src = "fd00::1", .dst = "fd00::2"
	};
	static const struct {
		const char *what;
		const struct spec *known, spec;
	} cases[] = {
		{ "sport", &here, { .sport = 1001, .dport = 443, .tos = TOS(1, 0) } },
		{ "dport", &here, { .sport = 1000, .dport = 444, .tos = TOS(1, 0) } },
		{ "ports swapped", &here, { .sport = 443, .dport = 1000, .tos = TOS(1, 0) } },
		{ "DSCP", &here, { .sport = 1000, .dport = 443, .tos = TOS(2, 0) } },
		{ "protocol",
		  &here,
		  { .proto = IPPROTO_UDP, .sport = 1000, .dport = 443, .tos = TOS(1, 0) } },
		{ "source",
		  &here,
		  { .src = "10.0.0.3", .sport = 1000, .dport = 443, .tos = TOS(1, 0) } },
		{ "destination",
		  &here,
		  { .dst = "10.0.0.3", .sport = 1000, .dport = 443, .tos = TOS(1, 0) } },
		{ "no ports", &here, { .ihl = 4, .sport = 1000, .dport = 443, .tos = TOS(1, 0) } },
		{ "family",
		  &here,
		  { .family = 6,
		    .src = "::ffff:10.0.0.1",
		    .dst = "::ffff:10.0.0.2",
		    .sport = 1000,
		    .dport = 443,
		    .tos = TOS(1, 0) } },
		{ "source, high",
		  &here6,
		  { .family = 6,
		    .sport = 1000,
		    .dport = 443,
		    .src = "fd01::1",
		    .dst = "fd00::2" } },
		{ "source, low",
		  &here6,
		  { .family = 6,
		    .sport = 1000,
		    .dport = 443,
		    .src = "fd00::3",
		    .dst = "fd00::2" } },
		{ "destination, high",
		  &here6,
		  { .family = 6,
		    .sport = 1000,
		    .dport = 443,
		    .src = "fd00::1",
		    .dst = "fd01::2" } },
		{ "destination, low",
		  &here6,
		  { .family = 6,
		    .sport = 1000,
		    .dport = 443,
		    .src = "fd00::1",
		    .dst = "fd00::3" } },
	};
	const struct rule rule = rule_any(SLOT_RULE);
	_cleanup_(shaper_closep) struct shaper *s = open_rules(&rule, 1);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		shaper_set_rules(s, &rule, 1);
		expect(s, cases[i].what, cases[i].known, SLOT_RULE);
		shaper_spread_decision(s);
		shaper_forget_rules(s);
		expect(s, cases[i].what, cases[i].known, SLOT_RULE);
		expect(s, cases[i].what, &cases[i].spec, SLOT_DEFAULT);
	}
}

/* More flows than entries, in an order that leaves none: right all the same. */
static void test_thrash(void **state __attribute__((unused)))
{
	struct rule rules[RULES];
	_cleanup_(shaper_closep) struct shaper *s = NULL;

	for (uint16_t i = 0; i < RULES; i++)
		rules[i] = rule_dport(rule_any(SLOT_RULE + i % 8), i, i);
	s = open_rules(rules, RULES);
	for (uint32_t i = 0; i < 4 * QOS_DECISIONS; i++) {
		const struct spec spec = { .sport = (uint16_t)(i * 7919),
					   .dport = (uint16_t)(i * 31 % (2 * RULES)) };

		expect(s, "one of many", &spec,
		       spec.dport < RULES ? SLOT_RULE + spec.dport % 8 : SLOT_DEFAULT);
	}
}

#define FLOOD	    1000000U
#define PLACES	    4096 /* in 64 networks, half of which rules name */
#define NETWORKS    32
#define LOW_PORTS   32768
#define FIRST_SPORT 1000

static uint32_t network_of(const uint32_t place[2])
{
	return ntohl(place[1]) >> 8 & 0xff;
}

/* Addresses to go between, and how often each slot is due, by the program's own generator. */
static void expect_flood(uint32_t (*places)[2], uint64_t *due)
{
	uint32_t random = 0;

	for (uint32_t i = 0; i < PLACES; i++) {
		places[i][0] = htonl(0x0a010000 + i * 7);
		places[i][1] = htonl(0x0a000000 | (i % (2 * NETWORKS)) << 8 | i / (2 * NETWORKS));
	}
	for (uint32_t i = 0; i < FLOOD; i++) {
		/* the program counts in the packet's byte order */
		uint16_t sport = ntohs((uint16_t)(htons(FIRST_SPORT) + 1 + i));
		uint32_t network = network_of(places[lcg_next(&random) & (PLACES - 1)]);

		if (network >= NETWORKS)
			due[SLOT_DEFAULT]++;
		else
			due[(sport < LOW_PORTS ? SLOT_RULE : SLOT_RULE + 4) + network % 4]++;
	}
}

/* A flood of flows, none of them twice, thrashes all that is remembered: each is in its class. */
static void test_flood(void **state __attribute__((unused)))
{
	static uint32_t places[PLACES][2];
	struct rule rules[2 * NETWORKS];
	uint64_t due[CLASSES_MAX] = { 0 };
	const struct setup setup = {
		.link = { .rules = 2 * NETWORKS, .default_slot = SLOT_DEFAULT, .l2_len = 14 },
		.rules = rules,
		.place_count = PLACES,
		.places = (const uint32_t(*)[2])places,
	};
	_cleanup_(shaper_closep) struct shaper *s = NULL;
	struct packet packet;

	for (uint32_t i = 0; i < NETWORKS; i++) {
		char net[24];

		snprintf(net, sizeof(net), "10.0.%u.0/24", i);
		rules[i] = rule_sport(rule_dst(rule_any(SLOT_RULE + i % 4), net), 0, LOW_PORTS - 1);
		rules[NETWORKS + i] = rule_dst(rule_any(SLOT_RULE + 4 + i % 4), net);
	}
	expect_flood(places, due);
	s = shaper_open(PROGRAM_NEW_FLOW, &setup);
	packet_build(&(struct spec){ .sport = FIRST_SPORT, .dport = 9 }, &packet);
	shaper_repeat(s, &packet, FLOOD);
	for (uint32_t slot = 0; slot < CLASSES_MAX; slot++)
		assert_int_equal(shaper_counters(s, slot).by[QOS_PASS].packets, due[slot]);
}

/* A rule's drop is a decision like another. */
static void test_drop(void **state __attribute__((unused)))
{
	const struct rule rule = rule_dport(rule_drop(), 25, 25);
	_cleanup_(shaper_closep) struct shaper *s = open_rules(&rule, 1);
	struct packet packet;

	packet_build(&(struct spec){ .dport = 25 }, &packet);
	for (int i = 0; i < 3; i++) {
		shaper_clear_counters(s);
		assert_int_equal(shaper_run(s, &packet, &(struct input){ 0 }, NULL), TC_ACT_SHOT);
		shaper_expect(s, "dropped by a rule", QOS_SLOT_LINK, QOS_DROP_RULE);
		if (i == 1)
			shaper_forget_rules(s);
	}
}

#define PEERS 64

/* One that sends to many hosts of a network, from one port to one: few of them meet in an entry. */
static void test_peers(void **state __attribute__((unused)))
{
	const struct rule rule = rule_dport(rule_any(SLOT_RULE), 443, 443);
	_cleanup_(shaper_closep) struct shaper *s = open_rules(&rule, 1);
	uint64_t remembered;

	for (int again = 0; again < 2; again++) {
		shaper_clear_counters(s);
		for (unsigned int i = 0; i < PEERS; i++) {
			char dst[32];
			struct packet packet;

			snprintf(dst, sizeof(dst), "10.1.0.%u", i);
			packet_build(&(struct spec){ .sport = 443, .dport = 443, .dst = dst },
				     &packet);
			assert_int_equal(shaper_run(s, &packet, &(struct input){ 0 }, NULL),
					 TC_ACT_UNSPEC);
		}
		remembered = shaper_counters(s, SLOT_RULE).by[QOS_PASS].packets;
		shaper_forget_rules(s);
	}
	if (remembered < PEERS * 3 / 4)
		fail_msg("%llu of %d are remembered", (unsigned long long)remembered, PEERS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_remembered), cmocka_unit_test(test_not_for_another),
		cmocka_unit_test(test_thrash),	   cmocka_unit_test(test_flood),
		cmocka_unit_test(test_drop),	   cmocka_unit_test(test_peers),
	};

	stay_on_cpu(); /* each remembers for itself */
	return cmocka_run_group_tests(tests, need_root, NULL);
}
