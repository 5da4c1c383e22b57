// SPDX-License-Identifier: LGPL-2.1-or-later
/* Records of flows: what they are told of, who keeps one, and who finds none. */
#include <netinet/in.h>
#include <string.h>

#include "base/cleanup.h"
#include "fixture.h"

#define SLOT 1

/*
 * A class without a queue asks for no record but once in so many bytes, which are then told to
 * the flow whose packet it is: nothing is told twice or lost, and each flow has its part.
 */
static void test_samples(void **state __attribute__((unused)))
{
	enum { ROUNDS = 1000, SHIFT = 13, SAMPLE = 1 << SHIFT };
	const struct setup setup = {
		.link = { .default_slot = SLOT, .l2_len = 14 },
		.classes = { [SLOT] = { .flags = QOS_CLASS_FAIR,
					.limit_ns = SEC,
					.sample_shift = SHIFT } },
	};
	_cleanup_(shaper_closep) struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);
	const struct spec specs[] = { { .sport = 1, .payload = 1400 },
				      { .sport = 2, .payload = 400 } };
	uint64_t told = 0, most = 0, sent;
	const struct qos_flow *flows;
	unsigned int used = 0;

	for (unsigned int i = 0; i < 2 * ROUNDS; i++) {
		struct packet packet;

		packet_build(&specs[i % 2], &packet);
		shaper_run(s, &packet, &(struct input){ 0 }, NULL);
	}
	for (uint32_t i = 0; i < shaper_flows(s, &flows); i++) {
		used += flows[i].tag != 0;
		told += flows[i].bytes;
		most = flows[i].bytes > most ? flows[i].bytes : most;
	}
	sent = shaper_counters(s, SLOT).by[QOS_PASS].bytes;
	assert_int_equal(used, 2);
	assert_int_equal(told, sent / SAMPLE * SAMPLE);
	/* of headers and payload, the first flow's part */
	assert_in_range(most * 1000 / told, 730, 800);
}

/* The class's speed for its flows, as many as wait now: bytes a ms. */
static void set_speed(struct shaper *s, uint32_t flows, uint64_t bytes)
{
	struct qos_clocks clocks = shaper_clocks(s, SLOT);

	clocks.next = NOW + SEC;
	clocks.pace[0].waiting = flows;
	clocks.pace[0].t = NOW;
	clocks.pace[0].speed = (bytes << 32) / MSEC;
	clocks.pace[0].inv = (1ULL << 44) / clocks.pace[0].speed;
	shaper_put_clocks(s, SLOT, &clocks);
}

/* A packet of the flow; when it leaves, after NOW. */
static uint64_t wait_of(struct shaper *s)
{
	struct packet packet;
	struct outcome out;

	packet_build(&(struct spec){ .payload = 1400 }, &packet);
	assert_int_equal(shaper_run(s, &packet, &(struct input){ 0 }, &out), TC_ACT_UNSPEC);
	return out.tstamp - NOW;
}

/*
 * In a record that flows share which found none, what they wait is not what the one whose record it
 * is has sent: it does not become seconds where many flows come to wait.
 */
static void test_shared_record(void **state __attribute__((unused)))
{
	const struct setup setup = {
		.link = { .default_slot = SLOT, .l2_len = 14 },
		.classes = { [SLOT] = { .flags = QOS_CLASS_FAIR | QOS_CLASS_CEIL,
					.ceil_cost = NS_A_BYTE(1),
					.limit_ns = SEC } },
	};
	_cleanup_(shaper_closep) struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);
	const struct qos_flow *flows;

	shaper_set_clocks(s, SLOT, &(struct qos_clocks){ .busy = NOW + SEC, .ceil = { NOW } });
	set_speed(s, 0, 1000000);
	wait_of(s); /* alone */
	for (uint32_t i = 0; i < shaper_flows(s, &flows); i++) {
		struct qos_flow *flow = (struct qos_flow *)&flows[i];

		if (!flow->tag)
			continue;
		flow->shared = 1;
		flow->last = NOW + 50 * MSEC;
	}
	set_speed(s, 2, 1000000);
	wait_of(s);
	set_speed(s, 500, 2000);
	assert_in_range(wait_of(s), 50 * MSEC, 60 * MSEC);
}

/* When a packet of so many bytes leaves, after NOW, that comes then; those of a port are a flow. */
static uint64_t leaves_at(struct shaper *s, uint16_t sport, size_t bytes, uint64_t now)
{
	const struct spec spec = { .proto = IPPROTO_UDP, .sport = sport, .payload = bytes - 42 };
	struct packet packet;
	struct outcome out;

	packet_build(&spec, &packet);
	assert_int_equal(shaper_run(s, &packet, &(struct input){ .now = NOW + now }, &out),
			 TC_ACT_UNSPEC);
	return out.tstamp ? out.tstamp - NOW : now;
}

/* What a flow has sent beyond its own rate is not forgotten as others look for a record. */
static void test_own_rate_is_kept(void **state __attribute__((unused)))
{
	const struct setup setup = {
		.link = { .default_slot = SLOT, .l2_len = 14, .flow_mask = 1 },
		.classes = { [SLOT] = { .flags = QOS_CLASS_FAIR | QOS_CLASS_CEIL |
						 QOS_CLASS_PER_FLOW,
					.ceil_cost = NS_A_BYTE(1),
					.flow_cost = NS_A_BYTE(100000),
					.limit_ns = SEC } },
	};
	_cleanup_(shaper_closep) struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);

	leaves_at(s, 1, 3000, 0); /* it is 300 ms ahead */
	for (uint16_t other = 2; other < 6; other++)
		leaves_at(s, other, 100, 150 * MSEC);
	assert_int_equal(leaves_at(s, 1, 3000, 250 * MSEC), 300 * MSEC);
}

/* Of 1,000 packets of 1,000 bytes, one a ms, of so many DSCPs: those that pass. */
static unsigned int count_passed(struct shaper *s, unsigned int dscps)
{
	unsigned int passed = 0;

	shaper_set_clocks(s, SLOT, &(struct qos_clocks){ 0 });
	for (unsigned int i = 0; i < 1000; i++) {
		const struct spec spec = { .proto = IPPROTO_UDP,
					   .tos = TOS(i % dscps, 0),
					   .payload = 1000 - 42 };
		struct packet packet;

		packet_build(&spec, &packet);
		if (shaper_run(s, &packet, &(struct input){ .now = NOW + i * MSEC }, NULL) ==
		    TC_ACT_UNSPEC)
			passed++;
	}
	return passed;
}

/* Nor does a flow of many DSCPs have more than its rate. */
static void test_own_rate_of_dscps(void **state __attribute__((unused)))
{
	const struct setup setup = {
		.link = { .default_slot = SLOT, .l2_len = 14 },
		.classes = { [SLOT] = { .flags = QOS_CLASS_FAIR | QOS_CLASS_CEIL |
						 QOS_CLASS_PER_FLOW,
					.ceil_cost = NS_A_BYTE(1),
					.flow_cost = NS_A_BYTE(100000),
					.dscp = QOS_DSCP_KEEP,
					.limit_ns = 10 * MSEC } },
	};
	_cleanup_(shaper_closep) struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);

	/* the first, and one each time that 10 ms are left to wait */
	assert_int_equal(count_passed(s, 1), 11);
	assert_int_equal(count_passed(s, 64), 11);
}

#define OTHER  2	   /* a class */
#define PLACES 4	   /* of a flow's record, and all records there are */
#define QUEUE  (50 * MSEC) /* of the class of SLOT */

/* Two classes, of which the first's flows 0 to 3, or fewer, have records and wait. */
static struct shaper *open_two(uint16_t waiting)
{
	static const struct rule none;
	const struct qos_class_cfg cls = { .flags = QOS_CLASS_FAIR | QOS_CLASS_CEIL,
					   .ceil_cost = NS_A_BYTE(1),
					   .dscp = QOS_DSCP_KEEP,
					   .limit_ns = SEC };
	const struct setup setup = {
		.link = { .default_slot = SLOT, .l2_len = 14, .rules = 1, .flow_mask = PLACES - 1 },
		.classes = { [SLOT] = cls, [OTHER] = cls },
		.rules = &none,
	};
	struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);
	const struct rule rule = rule_any(SLOT);

	shaper_set_clocks(s, SLOT, &(struct qos_clocks){ .ceil = { NOW + QUEUE } });
	shaper_set_rules(s, &rule, 1);
	for (uint16_t i = 0; i < waiting; i++)
		leaves_at(s, i, 3000, 0);
	return s;
}

/* A packet of the other class. */
static uint64_t other_at(struct shaper *s, uint16_t sport)
{
	const struct rule rule = rule_any(OTHER);

	shaper_set_rules(s, &rule, 1);
	return leaves_at(s, sport, 3000, 0);
}

static void set_queue_of_other(struct shaper *s, uint64_t queue)
{
	shaper_put_clocks(s, OTHER,
			  &(struct qos_clocks){ .ceil = { NOW + queue },
						.unrecorded = shaper_clocks(s, OTHER).unrecorded,
						.busy = NOW + SEC });
}

static struct qos_flow *record_of(struct shaper *s, uint32_t slot)
{
	const struct qos_flow *flows;
	uint32_t count = shaper_flows(s, &flows);

	for (uint32_t i = 0; i < count; i++)
		if (flows[i].tag && flows[i].slot == slot)
			return (struct qos_flow *)&flows[i];
	return NULL;
}

/* A flow that finds only others' records waits for nothing that is not of its class. */
static void test_records_of_another_class(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_two(PLACES);
	struct qos_flow before[PLACES];
	const struct qos_flow *flows;

	shaper_flows(s, &flows);
	memcpy(before, flows, sizeof(before));
	for (uint16_t i = 0; i < PLACES; i++)
		assert_int_equal(before[i].slot, SLOT);
	for (uint16_t i = 0; i < 8; i++) {
		set_queue_of_other(s, 0);
		assert_true(other_at(s, 100 + i) < MSEC);
	}
	set_queue_of_other(s, QUEUE / 2);
	assert_in_range(other_at(s, 200), QUEUE / 2, QUEUE / 2 + MSEC);
	/* nor has the queue of one become the other's */
	assert_memory_equal(flows, before, sizeof(before));
}

/* Its packets stay in order, whatever its class's time is; also when it comes to have a record. */
static void test_order_without_record(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_two(PLACES);
	uint64_t first, second;

	set_queue_of_other(s, 20 * MSEC);
	first = other_at(s, 100);
	assert_int_equal(first, 20 * MSEC);
	set_queue_of_other(s, 0);
	second = other_at(s, 100);
	assert_in_range(second, first, first + MSEC);
	record_of(s, SLOT)->last = NOW - SEC;
	assert_in_range(other_at(s, 100), second, second + MSEC);
	assert_non_null(record_of(s, OTHER));
}

/* One of its class is shared before others, wherever it is. */
static void test_record_of_the_class(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_two(PLACES - 1);
	uint64_t last;

	set_queue_of_other(s, 30 * MSEC);
	last = other_at(s, 100);
	assert_int_equal(last, 30 * MSEC);
	for (uint16_t i = 0; i < 8; i++) {
		uint64_t at;

		set_queue_of_other(s, 0);
		at = other_at(s, 200 + i);
		assert_in_range(at, last, last + MSEC);
		last = at;
	}
	assert_int_equal(record_of(s, OTHER)->shared, 1);
	assert_int_equal(record_of(s, OTHER)->last, NOW + last);
	assert_int_equal(shaper_clocks(s, OTHER).unrecorded, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_shared_record),
		cmocka_unit_test(test_own_rate_is_kept),
		cmocka_unit_test(test_own_rate_of_dscps),
		cmocka_unit_test(test_records_of_another_class),
		cmocka_unit_test(test_order_without_record),
		cmocka_unit_test(test_record_of_the_class),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
