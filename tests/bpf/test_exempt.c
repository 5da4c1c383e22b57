// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ARP and neighbour discovery: of the default class, charged to it where it has no long queue, and
 * through it at once whatever stands in it. Nothing else has that, however it is made.
 */
#include <netinet/in.h>

#include "base/cleanup.h"
#include "fixture.h"
#include "rules.h"

#define SLOT_DEFAULT 1
#define LIMIT	     (100 * MSEC)
#define LATENCY	     (5 * MSEC)
#define CLOCK	     (NOW + LIMIT + LIMIT / 2) /* over the limit */

struct exempt_case {
	const char *name;
	struct spec spec;
	bool exempt;
};

#define ND(type, ...)                                                                  \
	{                                                                              \
		.family = 6, .proto = IPPROTO_ICMPV6, .icmp_type = (type), .ttl = 255, \
		.payload = 16, __VA_ARGS__                                             \
	}

static const struct exempt_case cases[] = {
	{ "ARP", { .ethertype = 0x0806, .payload = 28 }, true },
	{ "ARP in a VLAN", { .tags = { 0x8100 }, .ethertype = 0x0806, .payload = 28 }, true },
	{ "ARP in QinQ", { .tags = { 0x88a8, 0x8100 }, .ethertype = 0x0806, .payload = 28 }, true },
	{ "RARP", { .ethertype = 0x8035, .payload = 28 }, false },
	{ "router solicitation", ND(133), true },
	{ "router advertisement", ND(134), true },
	{ "neighbour solicitation", ND(135), true },
	{ "neighbour advertisement", ND(136), true },
	{ "redirect", ND(137), true },
	{ "neighbour solicitation in a VLAN", ND(135, .tags = { 0x8100 }), true },
	{ "neighbour solicitation after options", ND(135, .exts = { HOPOPTS }), true },
	{ "echo request", ND(128), false },
	{ "multicast listener report", ND(131), false },
	{ "type 132", ND(132), false },
	{ "type 138", ND(138), false },
	{ "multicast listener report, version 2", ND(143), false },
	/* receivers drop what is not from the link (RFC 4861, 7.1), or in
	 * fragments (RFC 6980): to let it pass would serve the wrong ones only */
	{ "forwarded", ND(135, .ttl = 254), false },
	{ "a fragment", ND(135, .exts = { IPPROTO_FRAGMENT }, .more = true), false },
	{ "ICMP of IPv4, type 135",
	  { .proto = IPPROTO_ICMP, .icmp_type = 135, .ttl = 255 },
	  false },
	{ "TCP with such a port", { .family = 6, .sport = 135 << 8, .ttl = 255 }, false },
};

static struct shaper *open_full(uint32_t mode)
{
	const struct qos_class_cfg cls = {
		.flags = QOS_CLASS_CEIL,
		.ceil_cost = NS_A_BYTE(1000),
		.limit_ns = LIMIT,
		.latency_ns = mode == QOS_MODE_FQ ? LATENCY : 0,
		.priority = 2,
		.dscp = 46,
	};
	const struct setup setup = {
		.link = { .mode = mode, .default_slot = SLOT_DEFAULT, .l2_len = 14 },
		.classes = { [SLOT_DEFAULT] = cls },
	};

	return shaper_open(PROGRAM_FAKE, &setup);
}

/* All cases against a default class that is full. */
static void run_cases(uint32_t mode, enum qos_verdict dropped)
{
	_cleanup_(shaper_closep) struct shaper *s = open_full(mode);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct exempt_case *c = &cases[i];
		struct packet packet;
		struct outcome out;
		uint64_t clock;

		packet_build(&c->spec, &packet);
		shaper_clear_counters(s);
		shaper_set_clocks(s, SLOT_DEFAULT, &(struct qos_clocks){ .ceil = { CLOCK } });
		shaper_run(s, &packet, &(struct input){ 0 }, &out);
		clock = shaper_clocks(s, SLOT_DEFAULT).ceil[0];
		shaper_expect(s, c->name, SLOT_DEFAULT, c->exempt ? QOS_EXEMPT : dropped);
		if (!c->exempt) {
			assert_int_equal(out.action, TC_ACT_SHOT);
			assert_int_equal(clock, CLOCK);
			continue;
		}
		assert_int_equal(out.action, TC_ACT_UNSPEC);
		assert_int_equal(clock, CLOCK);
		assert_int_equal(out.tstamp, 0);
		assert_int_equal(out.priority, 7);
		assert_memory_equal(out.data, packet.data, packet.len);
	}
}

static void test_full_class(void **state __attribute__((unused)))
{
	run_cases(QOS_MODE_FQ, QOS_DROP_LIMIT);
}

static void test_police(void **state __attribute__((unused)))
{
	run_cases(QOS_MODE_POLICE, QOS_DROP_POLICE);
}

/* No rule takes them, a drop rule least of all. */
static void test_no_rule_takes_them(void **state __attribute__((unused)))
{
	const struct rule rule = rule_drop();
	const struct setup setup = {
		.link = { .rules = 1, .default_slot = SLOT_DEFAULT, .l2_len = 14 },
		.rules = &rule,
	};
	_cleanup_(shaper_closep) struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct packet packet;

		if (!cases[i].exempt)
			continue;
		packet_build(&cases[i].spec, &packet);
		shaper_clear_counters(s);
		assert_int_equal(shaper_run(s, &packet, &(struct input){ 0 }, NULL), TC_ACT_UNSPEC);
		shaper_expect(s, cases[i].name, SLOT_DEFAULT, QOS_EXEMPT);
	}
}

/* Charged while the class has no queue that is too long. */
static void charged_until(uint32_t mode, uint64_t longest)
{
	_cleanup_(shaper_closep) struct shaper *s = open_full(mode);
	const uint64_t waits[] = { 0, longest, longest + 1 };
	struct packet packet;

	packet_build(&cases[0].spec, &packet);
	for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
		const uint64_t clock = NOW + waits[i];

		shaper_set_clocks(s, SLOT_DEFAULT, &(struct qos_clocks){ .ceil = { clock } });
		shaper_run(s, &packet, &(struct input){ 0 }, NULL);
		assert_int_equal(shaper_clocks(s, SLOT_DEFAULT).ceil[0],
				 clock + (waits[i] > longest ? 0 : packet.len * 1000));
	}
}

static void test_charged(void **state __attribute__((unused)))
{
	charged_until(QOS_MODE_FQ, LATENCY);
	charged_until(QOS_MODE_POLICE, 0);
}

/*
 * A flood of them, of twenty times what the class has and of a little more, and beside it a packet
 * each 4 ms, of a seventh: all of these pass, and none waits for longer than the class aims at.
 */
static void others_pass(uint64_t interval)
{
	_cleanup_(shaper_closep) struct shaper *s = open_full(QOS_MODE_FQ);
	struct packet arp, other;
	struct outcome out;
	uint64_t now = NOW;

	packet_build(&cases[0].spec, &arp);
	packet_build(&(struct spec){ .dport = 80, .payload = 500 }, &other);
	for (uint64_t next = NOW; now < NOW + SEC; now += interval) {
		shaper_run(s, &arp, &(struct input){ .now = now }, &out);
		assert_int_equal(out.action, TC_ACT_UNSPEC);
		if (now < next)
			continue;
		next += 4 * MSEC;
		shaper_run(s, &other, &(struct input){ .now = now }, &out);
		assert_int_equal(out.action, TC_ACT_UNSPEC);
		assert_true(!out.tstamp || out.tstamp <= now + LATENCY + arp.len * 1000);
	}
}

static void test_flood(void **state __attribute__((unused)))
{
	others_pass(2000);
	others_pass(40000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_class),
		cmocka_unit_test(test_police),
		cmocka_unit_test(test_no_rule_takes_them),
		cmocka_unit_test(test_charged),
		cmocka_unit_test(test_flood),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
