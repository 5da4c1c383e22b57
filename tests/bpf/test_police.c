// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Mode police: what is over burst is marked where it can be and dropped where
 * not, and no flood of markable packets gets past the rate for that.
 */
#include <netinet/in.h>
#include <string.h>

#include "base/cleanup.h"
#include "fixture.h"

#define SLOT	1
#define COST	MSEC /* of 1000 bytes, at 1000 ns each */
#define BURST	(20 * COST)
#define LIMIT	(10 * COST) /* over burst by so much, a mark is not enough */

#define NOT_ECT 0
#define ECT1	1
#define ECT0	2
#define CE	3

static struct shaper *open_policer(uint32_t l2_len, uint8_t dscp, uint32_t ecn)
{
	const struct setup setup = {
		.link = { .mode = QOS_MODE_POLICE, .default_slot = SLOT, .l2_len = l2_len },
		.classes = { [SLOT] = { .flags = QOS_CLASS_CEIL | ecn,
					.ceil_cost = NS_A_BYTE(1000),
					.ceil_burst_ns = BURST,
					.limit_ns = LIMIT,
					.dscp = dscp,
					.priority = 2 } },
	};

	return shaper_open(PROGRAM_FAKE, &setup);
}

struct police_case {
	const char *name;
	uint64_t clock;
	uint8_t ecn;
	enum qos_verdict verdict;
	uint8_t ecn_out;
};

static const struct police_case cases[] = {
	{ "within burst", NOW - BURST, NOT_ECT, QOS_PASS, NOT_ECT },
	{ "at its end", NOW, NOT_ECT, QOS_PASS, NOT_ECT },
	{ "at its end, ECT", NOW, ECT0, QOS_PASS, ECT0 },
	{ "at its end, CE", NOW, CE, QOS_PASS, CE },
	{ "over", NOW + 1, NOT_ECT, QOS_DROP_POLICE, 0 },
	{ "over, ECT(0)", NOW + 1, ECT0, QOS_MARK, CE },
	{ "over, ECT(1)", NOW + 1, ECT1, QOS_MARK, CE },
	{ "over, marked by another", NOW + 1, CE, QOS_MARK, CE },
	{ "at the limit, ECT(0)", NOW + LIMIT, ECT0, QOS_MARK, CE },
	{ "beyond it, ECT(0)", NOW + LIMIT + 1, ECT0, QOS_DROP_POLICE, 0 },
	{ "beyond it, ECT(1)", NOW + LIMIT + 1, ECT1, QOS_DROP_POLICE, 0 },
	{ "beyond it, CE", NOW + LIMIT + 1, CE, QOS_DROP_POLICE, 0 },
};

/* A packet of the shape of spec, over burst or not, with dscp written or not. */
static void run_case(struct shaper *s, const struct police_case *c, struct spec spec, uint8_t dscp)
{
	bool dropped = c->verdict == QOS_DROP_POLICE;
	struct packet packet, want;
	struct outcome out;

	spec.tos = TOS(10, c->ecn);
	packet_build(&spec, &packet);
	shaper_clear_counters(s);
	shaper_set_clocks(s, SLOT, &(struct qos_clocks){ .ceil = { c->clock } });
	shaper_run(s, &packet, &(struct input){ .priority = 7 }, &out);
	shaper_expect(s, c->name, SLOT, c->verdict);
	assert_int_equal(shaper_clocks(s, SLOT).ceil[0],
			 c->clock + (dropped ? 0 : packet.len * 1000));
	assert_int_equal(out.action, dropped ? TC_ACT_SHOT : TC_ACT_UNSPEC);
	assert_int_equal(out.tstamp, 0); /* nobody would hold it */
	if (dropped)
		return;
	assert_int_equal(out.priority, 2);
	spec.tos = TOS(dscp == QOS_DSCP_KEEP ? 10 : dscp, c->ecn_out);
	packet_build(&spec, &want);
	if (out.len != want.len || memcmp(out.data, want.data, want.len) != 0)
		fail_msg("%s: not the packet that was expected", c->name);
}

static void run_cases(uint32_t l2_len, const struct spec *specs, size_t count)
{
	static const uint8_t dscps[] = { QOS_DSCP_KEEP, 46, 10 };

	for (size_t d = 0; d < ARRAY_SIZE(dscps); d++) {
		_cleanup_(shaper_closep) struct shaper *s =
			open_policer(l2_len, dscps[d], QOS_CLASS_ECN);

		for (size_t i = 0; i < count; i++)
			for (size_t j = 0; j < ARRAY_SIZE(cases); j++)
				run_case(s, &cases[j], specs[i], dscps[d]);
	}
}

static void test_verdicts(void **state __attribute__((unused)))
{
	static const struct spec specs[] = {
		{ .payload = 100 },
		{ .ihl = 15 },
		{ .proto = IPPROTO_UDP },
		{ .family = 6, .flow_label = 0xfedcb },
		{ .family = 6, .exts = { HOPOPTS } },
	};

	run_cases(14, specs, ARRAY_SIZE(specs));
}

/*
 * With tags in the data the kernel's idea of where the IP header is can be that
 * of the first tag: so it is on a bridge that passes QinQ. The tag of these
 * packets (VLAN 101) would read as ECT(1).
 */
static void test_in_a_vlan(void **state __attribute__((unused)))
{
	static const struct spec specs[] = {
		{ .tags = { 0x8100 } },
		{ .tags = { 0x88a8, 0x8100 } },
		{ .tags = { 0x8100 }, .family = 6 },
		{ .tags = { 0x88a8, 0x8100 }, .family = 6 },
	};

	run_cases(14, specs, ARRAY_SIZE(specs));
}

/* See test_parse.c for the addresses. */
static void test_no_link_header(void **state __attribute__((unused)))
{
	static const struct spec specs[] = {
		{ .raw = true, .src = "8.0.0.1", .payload = 64 },
		{ .raw = true, .src = "2001:db8:86dd::1", .family = 6, .payload = 64 },
	};

	run_cases(0, specs, ARRAY_SIZE(specs));
}

/* What is not IP cannot be marked. */
static void test_not_ip(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_policer(14, 46, QOS_CLASS_ECN);
	struct packet packet;

	packet_build(&(struct spec){ .ethertype = 0x88cc, .payload = 60 }, &packet);
	shaper_set_clocks(s, SLOT, &(struct qos_clocks){ .ceil = { NOW + 1 } });
	assert_int_equal(shaper_run(s, &packet, &(struct input){ 0 }, NULL), TC_ACT_SHOT);
	shaper_expect(s, "not IP", SLOT, QOS_DROP_POLICE);
}

/* With ecn: false none is marked. */
static void test_without_ecn(void **state __attribute__((unused)))
{
	static const uint8_t ecns[] = { NOT_ECT, ECT1, ECT0, CE };
	_cleanup_(shaper_closep) struct shaper *s = open_policer(14, QOS_DSCP_KEEP, 0);

	for (size_t i = 0; i < ARRAY_SIZE(ecns); i++) {
		const struct police_case over = { "ecn: false, over", NOW + 1, ecns[i],
						  QOS_DROP_POLICE, 0 };

		run_case(s, &over, (struct spec){ .payload = 100 }, QOS_DSCP_KEEP);
	}
}

/* Ten seconds of twice the rate; returns the bytes that passed. */
static uint64_t flood(struct shaper *s, uint8_t ecn)
{
	struct qos_counters counters;
	struct packet packet;

	packet_build(&(struct spec){ .payload = 946, .tos = TOS(0, ecn) }, &packet);
	for (uint64_t t = 0; t < 10 * SEC; t += COST / 2)
		shaper_run(s, &packet, &(struct input){ .now = NOW + t }, NULL);
	counters = shaper_counters(s, SLOT);
	return counters.by[QOS_PASS].bytes + counters.by[QOS_MARK].bytes;
}

/* The rate, and what may stand ahead of it once: burst, limit, the packet that ends them. */
static void test_flood(void **state __attribute__((unused)))
{
	static const uint8_t ecns[] = { NOT_ECT, ECT1, ECT0, CE };
	const uint64_t rate = 10 * 1000000; /* bytes in ten seconds */

	for (size_t i = 0; i < ARRAY_SIZE(ecns); i++) {
		_cleanup_(shaper_closep) struct shaper *s =
			open_policer(14, QOS_DSCP_KEEP, QOS_CLASS_ECN);
		uint64_t most = rate + (BURST + (ecns[i] ? LIMIT : 0)) / 1000 + 1000;
		uint64_t passed = flood(s, ecns[i]);

		if (passed > most || passed < rate)
			fail_msg("ECN %u: %llu bytes passed, of at most %llu", ecns[i],
				 (unsigned long long)passed, (unsigned long long)most);
	}
}

/* Nothing of a guarantee is left, and the link is idle. */
static void test_borrowed(void **state __attribute__((unused)))
{
	const struct setup setup = {
		.link = { .mode = QOS_MODE_POLICE, .default_slot = SLOT, .l2_len = 14 },
		.classes = { [QOS_SLOT_LINK] = { .flags = QOS_CLASS_CEIL,
						 .ceil_cost = NS_A_BYTE(1),
						 .levels = 1 << 0,
						 .parent = QOS_NO_SLOT,
						 .hard = QOS_NO_SLOT },
			     [SLOT] = { .flags = QOS_CLASS_RATE | QOS_CLASS_BORROW,
					.rate_cost = NS_A_BYTE(1000),
					.limit_ns = LIMIT,
					.dscp = QOS_DSCP_KEEP,
					.parent = QOS_SLOT_LINK,
					.hard = QOS_SLOT_LINK } },
		.tree = true,
	};
	_cleanup_(shaper_closep) struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);
	struct packet packet;

	packet_build(&(struct spec){ .payload = 946 }, &packet);
	shaper_set_clocks(s, QOS_SLOT_LINK, &(struct qos_clocks){ .ceil = { NOW - SEC } });
	shaper_set_clocks(s, SLOT, &(struct qos_clocks){ .rate = NOW + SEC, .next = NOW + SEC });
	shaper_run(s, &packet, &(struct input){ 0 }, NULL);
	shaper_expect(s, "it borrows", SLOT, QOS_PASS);
	assert_int_equal(shaper_counters(s, SLOT).borrowed, packet.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),       cmocka_unit_test(test_in_a_vlan),
		cmocka_unit_test(test_no_link_header), cmocka_unit_test(test_not_ip),
		cmocka_unit_test(test_without_ecn),    cmocka_unit_test(test_flood),
		cmocka_unit_test(test_borrowed),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
