// SPDX-License-Identifier: LGPL-2.1-or-later
/* The clock of one class: when packets start, what they cost, what idling gives. */
#include "base/cleanup.h"
#include "fixture.h"

#define SLOT   1
#define PACKET 1000 /* bytes of frame */
#define COST   MSEC /* of one, at 1000 ns a byte */

static struct qos_class_cfg class_of(uint64_t cost, uint64_t burst, uint64_t limit)
{
	return (struct qos_class_cfg){
		.flags = QOS_CLASS_CEIL,
		.ceil_cost = cost,
		.ceil_burst_ns = burst,
		.limit_ns = limit,
	};
}

static struct shaper *open_class(uint64_t cost, uint64_t burst, uint64_t limit)
{
	const struct setup setup = {
		.link = { .default_slot = SLOT, .l2_len = 14 },
		.classes = { [SLOT] = class_of(cost, burst, limit) },
	};

	return shaper_open(PROGRAM_FAKE, &setup);
}

static void build(size_t bytes, struct packet *packet)
{
	packet_build(&(struct spec){ .payload = bytes - 54 }, packet);
}

/* The time at which a packet of PACKET bytes may leave; 0: dropped. */
static uint64_t departure(struct shaper *s, uint64_t now)
{
	struct packet packet;
	struct outcome out;

	build(PACKET, &packet);
	shaper_run(s, &packet, &(struct input){ .now = now }, &out);
	if (out.action == TC_ACT_SHOT)
		return 0;
	assert_int_equal(out.action, TC_ACT_UNSPEC);
	return out.tstamp ? out.tstamp : now;
}

/* A packet waits for those before it, not for itself. */
static void test_start_is_tested(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_class(NS_A_BYTE(1000), 0, SEC);

	for (uint64_t i = 0; i < 5; i++)
		assert_int_equal(departure(s, NOW), NOW + i * COST);
	assert_int_equal(departure(s, NOW + 2 * COST), NOW + 5 * COST);
	assert_int_equal(departure(s, NOW + 9 * COST), NOW + 9 * COST);
	assert_int_equal(departure(s, NOW + 9 * COST), NOW + 10 * COST);
}

/* 65,536 bytes at 64 kbit/s take 8.192 s: they leave at once, the ACK after them later. */
static void test_large_packet(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_class(NS_A_BYTE(125000), 0, 10 * SEC);
	struct packet packet;
	struct outcome out;

	build(PACKET, &packet);
	shaper_run(s, &packet,
		   &(struct input){ .wire_len = 65536, .gso_size = 1448, .gso_segs = 45 }, &out);
	assert_int_equal(out.action, TC_ACT_UNSPEC);
	assert_int_equal(out.tstamp, 0);
	assert_int_equal(departure(s, NOW), NOW + 8192 * MSEC);
}

/* An idle clock is as far behind as burst, however long it was idle. */
static void test_burst(void **state __attribute__((unused)))
{
	static const uint64_t idle[] = { 0, 10 * SEC, 3600 * SEC };
	_cleanup_(shaper_closep) struct shaper *s = open_class(NS_A_BYTE(1000), 5 * COST, SEC);

	for (size_t round = 0; round < ARRAY_SIZE(idle); round++) {
		uint64_t now = NOW + idle[round];

		/* starts from 5 before now to now: six packets */
		for (int i = 0; i < 6; i++)
			assert_int_equal(departure(s, now), now);
		for (uint64_t i = 1; i < 4; i++)
			assert_int_equal(departure(s, now), now + i * COST);
	}
}

/* Idle for less than the burst: what was saved, and no more. */
static void test_part_of_burst(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_class(NS_A_BYTE(1000), 5 * COST, SEC);

	shaper_set_clocks(s, SLOT, &(struct qos_clocks){ .ceil = { NOW - 2 * COST } });
	for (int i = 0; i < 3; i++)
		assert_int_equal(departure(s, NOW), NOW);
	assert_int_equal(departure(s, NOW), NOW + COST);
}

/* The queue may be as long as limit, to the nanosecond; what is dropped has cost nothing. */
static void test_limit(void **state __attribute__((unused)))
{
	static const struct {
		int64_t offset;
		bool dropped;
	} cases[] = { { -1, false }, { 0, false }, { 1, true }, { (int64_t)SEC, true } };
	const uint64_t limit = 100 * MSEC;
	_cleanup_(shaper_closep) struct shaper *s = open_class(NS_A_BYTE(1000), 0, limit);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t clock = NOW + limit + (uint64_t)cases[i].offset;

		shaper_clear_counters(s);
		shaper_set_clocks(s, SLOT, &(struct qos_clocks){ .ceil = { clock } });
		assert_int_equal(departure(s, NOW), cases[i].dropped ? 0 : clock);
		assert_int_equal(shaper_clocks(s, SLOT).ceil[0],
				 cases[i].dropped ? clock : clock + COST);
		shaper_expect(s, "limit", SLOT, cases[i].dropped ? QOS_DROP_LIMIT : QOS_PASS);
	}
}

/* A flood of drops does not lengthen the queue of those who come after. */
static void test_drops_cost_nothing(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_class(NS_A_BYTE(1000), 0, 3 * COST);

	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(departure(s, NOW), NOW + i * COST);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(departure(s, NOW), 0);
	assert_int_equal(departure(s, NOW + COST), NOW + 4 * COST);
	assert_int_equal(shaper_counters(s, SLOT).by[QOS_DROP_LIMIT].packets, 1000);
	assert_int_equal(shaper_counters(s, SLOT).by[QOS_DROP_LIMIT].bytes, 1000 * PACKET);
}

/* cost is 2^20 × ns a byte; the charge is rounded to the nearest ns. */
static void test_cost(void **state __attribute__((unused)))
{
	static const struct {
		const char *name;
		uint64_t cost;
		uint32_t bytes;
		uint64_t ns;
	} cases[] = {
		{ "1 kbit/s", NS_A_BYTE(8000000), 1514, 12112000000 },
		{ "64 kbit/s", NS_A_BYTE(125000), 1514, 189250000 },
		{ "64 kbit/s, 64 KB", NS_A_BYTE(125000), 65536, 8192000000 },
		{ "1 Gbit/s", NS_A_BYTE(8), 1514, 12112 },
		/* 0.8 × 2^20 is 838860.8 */
		{ "10 Gbit/s", 838861, 1514, 1211 },
		/* 0.08 × 2^20 is 83886.08: 1514 × 83886 / 2^20 is 121.12 */
		{ "100 Gbit/s", 83886, 1514, 121 },
		/* 0.02 × 2^20 is 20971.52: 65536 × 20972 / 2^20 is 1310.75 */
		{ "400 Gbit/s, 64 KB", 20972, 65536, 1311 },
		{ "400 Gbit/s, 60 bytes", 20972, 60, 1 },
		{ "half a ns up", 1 << 19, 61, 31 },
		{ "less than half down", (1 << 19) - 1, 61, 30 },
	};
	_cleanup_(shaper_closep) struct shaper *s = open_class(0, 0, SEC);
	struct packet packet;

	build(60, &packet);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct qos_class_cfg cls = class_of(cases[i].cost, 0, SEC);
		uint64_t charged;

		shaper_set_class(s, SLOT, &cls);
		shaper_set_clocks(s, SLOT, &(struct qos_clocks){ .ceil = { NOW } });
		shaper_run(s, &packet, &(struct input){ .wire_len = cases[i].bytes }, NULL);
		charged = shaper_clocks(s, SLOT).ceil[0] - NOW;
		if (charged != cases[i].ns)
			fail_msg("%s: %llu ns, not %llu", cases[i].name,
				 (unsigned long long)charged, (unsigned long long)cases[i].ns);
	}
}

/* 524,288 bytes (BIG TCP's largest) at 1 kbit/s are 4194.304 s, and no overflow. */
static void test_largest_charge(void **state __attribute__((unused)))
{
	const struct setup setup = {
		/* 106 bytes of IP, and the rest as overhead */
		.link = { .default_slot = SLOT,
			  .l2_len = 14,
			  .overhead_set = 1,
			  .overhead = 524288 - 106 },
		.classes = { [SLOT] = { .flags = QOS_CLASS_CEIL,
					.ceil_cost = NS_A_BYTE(8000000),
					.limit_ns = 10 * SEC } },
	};
	_cleanup_(shaper_closep) struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);
	struct packet packet;

	build(120, &packet);
	assert_int_equal(shaper_run(s, &packet, &(struct input){ 0 }, NULL), TC_ACT_UNSPEC);
	assert_int_equal(shaper_clocks(s, SLOT).ceil[0], NOW + 4194304 * MSEC);
	assert_int_equal(shaper_run(s, &packet, &(struct input){ 0 }, NULL), TC_ACT_SHOT);
	/* and when its time has come, the next one goes */
	assert_int_equal(departure(s, NOW + 4194 * SEC), NOW + 4194304 * MSEC);
}

/* Just booted, with an uptime shorter than the burst, and up for thirty years. */
static void test_uptimes(void **state __attribute__((unused)))
{
	static const uint64_t uptimes[] = { 1, MSEC, SEC, 30ULL * 365 * 86400 * SEC };
	_cleanup_(shaper_closep) struct shaper *s = open_class(NS_A_BYTE(1000), 2 * SEC, SEC);

	for (size_t i = 0; i < ARRAY_SIZE(uptimes); i++) {
		uint64_t now = uptimes[i], clock, sent = 0;

		shaper_set_clocks(s, SLOT, &(struct qos_clocks){ 0 });
		while (sent < 5000 && departure(s, now) == now)
			sent++;
		/* a burst is 2000 packets; a clock cannot be before 0 */
		assert_int_equal(sent, now < 2 * SEC ? now / COST + 1 : 2001);
		clock = shaper_clocks(s, SLOT).ceil[0];
		assert_true(clock > now && clock <= now + 2 * COST);
	}
}

/* Nothing is gained or lost over many packets at an odd cost. */
static void test_long_run(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_class(NS_A_BYTE(333) + 12345, 0, SEC);
	uint64_t now = NOW, at = NOW;
	/* 333 × 1000 + 12345 × 1000 / 2^20 = 333011.77 */
	const uint64_t ns = 333012;

	for (int i = 0; i < 10000; i++) {
		assert_int_equal(departure(s, now), at > now ? at : now);
		at += ns;
		now = at - ns / 2;
	}
	assert_int_equal(shaper_clocks(s, SLOT).ceil[0], NOW + 10000 * ns);
}

#define DAYS  (86400 * SEC)
#define SHIFT 22 /* of a turn, ns */

/*
 * What waited in turns that are over is forgotten, also by a wheel that has never been turned at an
 * uptime of more than 2^31 turns, and by one whose turns were shorter before.
 */
static void test_wheel_turns(void **state __attribute__((unused)))
{
	static const struct {
		const char *name;
		uint64_t now, turn;
	} cases[] = {
		{ "a new wheel", NOW, 0 },
		{ "a new wheel, after 150 days", 150 * DAYS, 0 },
		{ "turns were shorter", NOW, NOW >> (SHIFT - 5) },
		{ "turns were longer", NOW, NOW >> (SHIFT + 5) },
		{ "it was turned just now", NOW, NOW >> SHIFT },
	};
	struct qos_class_cfg cls = class_of(NS_A_BYTE(1), 0, SEC);
	_cleanup_(shaper_closep) struct shaper *s = open_class(NS_A_BYTE(1), 0, SEC);

	cls.period_shift = SHIFT;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct qos_clocks clocks = { .next = cases[i].now - SEC };
		uint32_t all = cases[i].turn == cases[i].now >> SHIFT ? 1 : 0;

		clocks.pace[0].turn = (uint32_t)cases[i].turn;
		clocks.pace[0].wheel[(cases[i].turn + 7) % QOS_NEAR] = 1;
		shaper_set_class(s, SLOT, &cls);
		shaper_set_clocks(s, SLOT, &clocks);
		departure(s, cases[i].now);
		if (shaper_clocks(s, SLOT).pace[0].waiting != all)
			fail_msg("%s: %u wait, not %u", cases[i].name,
				 shaper_clocks(s, SLOT).pace[0].waiting, all);
	}
}

/* Far away each 16th turn is told from the others: until it is over who is there waits. */
static void test_far_turns(void **state __attribute__((unused)))
{
	const uint32_t here = NOW >> SHIFT, last = (here - 1) >> QOS_FAR_SHIFT;
	static const struct {
		uint32_t later; /* than the last that is over, far turns */
		uint32_t waiting;
	} cases[] = { { 0, 0 }, { 1, 1 }, { QOS_FAR - 1, 1 } };
	struct qos_class_cfg cls = class_of(NS_A_BYTE(1), 0, SEC);
	_cleanup_(shaper_closep) struct shaper *s = open_class(NS_A_BYTE(1), 0, SEC);

	cls.period_shift = SHIFT;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct qos_clocks clocks = { .next = NOW - SEC };

		clocks.pace[0].turn = (last << QOS_FAR_SHIFT) - 1;
		clocks.pace[0].wheel[QOS_NEAR + (last + cases[i].later) % QOS_FAR] = 1;
		shaper_set_class(s, SLOT, &cls);
		shaper_set_clocks(s, SLOT, &clocks);
		departure(s, NOW);
		if (shaper_clocks(s, SLOT).pace[0].waiting != cases[i].waiting)
			fail_msg("%u far turns later: %u wait", cases[i].later,
				 shaper_clocks(s, SLOT).pace[0].waiting);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start_is_tested),
		cmocka_unit_test(test_large_packet),
		cmocka_unit_test(test_burst),
		cmocka_unit_test(test_part_of_burst),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_drops_cost_nothing),
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_largest_charge),
		cmocka_unit_test(test_uptimes),
		cmocka_unit_test(test_long_run),
		cmocka_unit_test(test_wheel_turns),
		cmocka_unit_test(test_far_turns),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
