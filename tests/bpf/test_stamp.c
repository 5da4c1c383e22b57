// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Stamps that packets come with. They may delay their own packet, those that are not TCP's by as
 * much as a queue of the class may be long for long; or cost it. The class's clock never hears of
 * them.
 */
#include <netinet/in.h>

#include "base/cleanup.h"
#include "fixture.h"

#define SLOT  1
#define COST  MSEC /* of 1000 bytes, at 1000 ns each */
#define LIMIT (100 * MSEC)
#define LATE  (5 * MSEC)	     /* latency */
#define WALL  1700000000000000000ULL /* November 2023 */

struct stamp_case {
	const char *name;
	uint8_t proto;
	enum entry entry;
	uint64_t clock, stamp; /* before */
	uint64_t out;	       /* the stamp it leaves with; unless dropped */
	bool dropped;
};

static const struct stamp_case cases[] = {
	{ "none, free", IPPROTO_TCP, 0, NOW, 0, 0, false },
	{ "none, queued", IPPROTO_TCP, 0, NOW + 5, 0, NOW + 5, false },
	{ "TCP's is later", IPPROTO_TCP, 0, NOW + 5, NOW + 9, NOW + 9, false },
	{ "TCP's is earlier", IPPROTO_TCP, 0, NOW + 5, NOW + 3, NOW + 5, false },
	{ "TCP's is past", IPPROTO_TCP, 0, NOW, NOW - 1, NOW, false },
	{ "TCP's is past, queued", IPPROTO_TCP, 0, NOW + 5, 1, NOW + 5, false },
	{ "TCP's is now", IPPROTO_TCP, 0, NOW, NOW, NOW, false },
	{ "TCP's, marked", IPPROTO_TCP, ENTRY_DELIVERY, NOW + 5, NOW + 9, NOW + 9, false },
	{ "TCP's beyond the class's limit", IPPROTO_TCP, 0, NOW, NOW + LIMIT + 1, NOW + LIMIT + 1,
	  false },
	{ "TCP's in 10 s", IPPROTO_TCP, 0, NOW, NOW + 10 * SEC, NOW + 10 * SEC, false },
	{ "TCP's in more", IPPROTO_TCP, 0, NOW, NOW + 10 * SEC + 1, 0, true },
	{ "TCP's in more, marked", IPPROTO_TCP, ENTRY_DELIVERY, NOW, NOW + 10 * SEC + 1, 0, true },
	{ "TCP's in an hour", IPPROTO_TCP, 0, NOW, NOW + 3600 * SEC, 0, true },
	{ "UDP's is later", IPPROTO_UDP, 0, NOW + 5, NOW + 9, NOW + 9, false },
	{ "UDP's is earlier", IPPROTO_UDP, 0, NOW + 5, NOW + 3, NOW + 5, false },
	{ "TCP's beyond the class's latency", IPPROTO_TCP, 0, NOW, NOW + LATE + 1, NOW + LATE + 1,
	  false },
	{ "UDP's at the latency", IPPROTO_UDP, 0, NOW, NOW + LATE, NOW + LATE, false },
	{ "UDP's beyond it", IPPROTO_UDP, 0, NOW, NOW + LATE + 1, NOW + LATE, false },
	{ "UDP's beyond it, marked", IPPROTO_UDP, ENTRY_DELIVERY, NOW, NOW + LATE + 1, NOW + LATE,
	  false },
	{ "UDP's at the latency, queued", IPPROTO_UDP, 0, NOW + 5, NOW + 5 + LATE, NOW + 5 + LATE,
	  false },
	{ "UDP's beyond it, queued", IPPROTO_UDP, 0, NOW + 5, NOW + 6 + LATE, NOW + 5 + LATE,
	  false },
	{ "UDP's at the limit", IPPROTO_UDP, 0, NOW, NOW + LIMIT, NOW + LATE, false },
	{ "UDP's beyond the limit", IPPROTO_UDP, 0, NOW, NOW + LIMIT + 1, 0, true },
	{ "UDP's beyond the limit, marked", IPPROTO_UDP, ENTRY_DELIVERY, NOW, NOW + LIMIT + 1, 0,
	  true },
	{ "UDP's in an hour, queued", IPPROTO_UDP, 0, NOW + 5, NOW + 3600 * SEC, 0, true },
	{ "all ones", IPPROTO_UDP, ENTRY_DELIVERY, NOW, UINT64_MAX, 0, true },
	{ "just no wall clock", IPPROTO_UDP, 0, NOW, 999999999999999999ULL, 0, true },
	{ "a receive stamp, free", IPPROTO_UDP, 0, NOW, WALL, NOW, false },
	{ "a receive stamp, queued", IPPROTO_UDP, 0, NOW + 5, WALL, NOW + 5, false },
	{ "TCP forwarded with a receive stamp", IPPROTO_TCP, 0, NOW + 5, WALL, NOW + 5, false },
	{ "wall-clock time marked as departure", IPPROTO_TCP, ENTRY_DELIVERY, NOW, WALL, 0, true },
};

static struct shaper *open_device(uint64_t limit, bool hardware)
{
	const struct setup setup = {
		.link = { .default_slot = SLOT, .l2_len = 14, .hardware = hardware },
		.classes = { [SLOT] = { .flags = QOS_CLASS_CEIL,
					.ceil_cost = NS_A_BYTE(1000),
					.limit_ns = limit,
					.latency_ns = LATE } },
	};

	return shaper_open(PROGRAM_FAKE, &setup);
}

static struct shaper *open_class(uint64_t limit)
{
	return open_device(limit, false);
}

static void build(int family, uint8_t proto, struct packet *packet)
{
	packet_build(&(struct spec){ .family = family, .proto = proto }, packet);
	packet->len = 1000; /* what follows the headers does not matter */
}

static void run_case(struct shaper *s, const struct stamp_case *c, int family)
{
	struct packet packet;
	struct outcome out;
	uint64_t clock;

	build(family, c->proto, &packet);
	shaper_clear_counters(s);
	shaper_set_clocks(s, SLOT, &(struct qos_clocks){ .ceil = { c->clock } });
	shaper_run(s, &packet, &(struct input){ .entry = c->entry, .tstamp = c->stamp }, &out);
	shaper_expect(s, c->name, SLOT, c->dropped ? QOS_DROP_HORIZON : QOS_PASS);
	clock = shaper_clocks(s, SLOT).ceil[0];
	/* charged for its bytes, whatever its stamp; or for nothing */
	if (clock != c->clock + (c->dropped ? 0 : COST))
		fail_msg("%s: the clock is at %lld", c->name, (long long)(clock - NOW));
	assert_int_equal(out.action, c->dropped ? TC_ACT_SHOT : TC_ACT_UNSPEC);
	if (!c->dropped && out.tstamp != c->out)
		fail_msg("%s: leaves at %lld, not %lld", c->name, (long long)(out.tstamp - NOW),
			 (long long)(c->out - NOW));
	/* the next packet of the class is where it would be without the stamp */
	shaper_run(s, &packet, &(struct input){ 0 }, &out);
	assert_int_equal(out.action, TC_ACT_UNSPEC);
	assert_int_equal(out.tstamp ? out.tstamp : NOW, clock);
}

static void test_ipv4(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_class(LIMIT);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		run_case(s, &cases[i], 4);
}

static void test_ipv6(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_class(LIMIT);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		run_case(s, &cases[i], 6);
}

/* Where a stamp's kind is not said it is the same time. */
static void test_hardware(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_device(LIMIT, true);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		run_case(s, &cases[i], 4);
}

/* A limit above TCP's ten seconds is TCP's too. */
static void test_longer_limit(void **state __attribute__((unused)))
{
	static const struct stamp_case longer[] = {
		{ "at 12 s", IPPROTO_TCP, 0, NOW, NOW + 12 * SEC, NOW + 12 * SEC, false },
		{ "beyond", IPPROTO_TCP, 0, NOW, NOW + 12 * SEC + 1, 0, true },
	};
	_cleanup_(shaper_closep) struct shaper *s = open_class(12 * SEC);

	for (size_t i = 0; i < ARRAY_SIZE(longer); i++)
		run_case(s, &longer[i], 4);
}

/*
 * A packet a ms, as many as the class may send, all to leave at the same time: no more do, within
 * a ms, than come in its latency.
 */
static void test_burst(void **state __attribute__((unused)))
{
	const uint64_t all = NOW + LIMIT;
	_cleanup_(shaper_closep) struct shaper *s = open_class(LIMIT);
	struct packet packet;
	unsigned int burst = 0;

	build(4, IPPROTO_UDP, &packet);
	for (uint64_t now = NOW; now < all; now += COST) {
		struct outcome out;

		shaper_run(s, &packet, &(struct input){ .now = now, .tstamp = all }, &out);
		assert_int_equal(out.action, TC_ACT_UNSPEC);
		burst += out.tstamp > all - COST && out.tstamp <= all;
	}
	assert_in_range(burst, 1, LATE / COST + 1);
}

/* What the kernel does not let a program mark as a departure time is held too. */
static void test_not_ip(void **state __attribute__((unused)))
{
	static const struct spec specs[] = {
		{ .ethertype = 0x88cc, .payload = 46 },
		{ .tags = { 0x8100 }, .payload = 100 },
	};
	_cleanup_(shaper_closep) struct shaper *s = open_class(LIMIT);

	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		struct packet packet;
		struct outcome out;

		packet_build(&specs[i], &packet);
		shaper_set_clocks(s, SLOT, &(struct qos_clocks){ .ceil = { NOW + 5 } });
		shaper_run(s, &packet, &(struct input){ 0 }, &out);
		assert_int_equal(out.action, TC_ACT_UNSPEC);
		assert_int_equal(out.tstamp, NOW + 5);
	}
}

/* A thousand stamps an hour ahead: all dropped, and the class is as free as before. */
static void test_poisoning(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_class(LIMIT);
	struct packet packet;
	struct outcome out;

	build(4, IPPROTO_UDP, &packet);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(
			shaper_run(s, &packet, &(struct input){ .tstamp = NOW + 3600 * SEC }, NULL),
			TC_ACT_SHOT);
	shaper_run(s, &packet, &(struct input){ 0 }, &out);
	assert_int_equal(out.action, TC_ACT_UNSPEC);
	assert_int_equal(out.tstamp, 0);
	assert_int_equal(shaper_clocks(s, SLOT).ceil[0], NOW + COST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4),	  cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_hardware),  cmocka_unit_test(test_longer_limit),
		cmocka_unit_test(test_not_ip),	  cmocka_unit_test(test_burst),
		cmocka_unit_test(test_poisoning),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
