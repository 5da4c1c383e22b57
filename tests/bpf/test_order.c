// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A new program sends a flow to a class without a queue while packets of it wait in the one before,
 * or tells the flows of a class apart by something else: the next ones do not overtake them.
 */
#include <netinet/in.h>

#include "base/cleanup.h"
#include "fixture.h"
#include "rules.h"
#include "sim.h"

#define SLOTS 1000
#define FULL  (SLOTS - 1)
#define EMPTY 2
#define WAITS (20 * MSEC) /* in FULL */

/* Too long to go ahead of the class's queue as a flow that has sent nothing. */
#define LONG 2048

static const struct spec flow = { .proto = IPPROTO_UDP, .sport = 1, .dport = 2, .payload = LONG };
static const struct spec other = { .proto = IPPROTO_UDP, .sport = 3, .dport = 2, .payload = LONG };

static struct shaper *open_slots(uint32_t slots, uint32_t full, uint64_t settled, uint32_t fairness)
{
	static const struct rule none;
	const struct qos_class_cfg cls = { .flags = QOS_CLASS_CEIL | fairness,
					   .ceil_cost = NS_A_BYTE(1),
					   .limit_ns = SEC,
					   .dscp = QOS_DSCP_KEEP };
	const struct setup setup = {
		.link = { .default_slot = full,
			  .l2_len = 14,
			  .rules = 1,
			  .generation = GENERATION,
			  .slots = slots,
			  .settled = settled,
			  .longest_ms = 1000 },
		.capacity = slots,
		.rules = &none,
	};
	struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);

	shaper_set_class(s, full, &cls);
	shaper_set_class(s, EMPTY, &cls);
	shaper_set_clocks(s, full, &(struct qos_clocks){ .ceil = { NOW + WAITS } });
	return s;
}

static struct shaper *open_after(uint64_t settled, uint32_t fairness)
{
	return open_slots(SLOTS, FULL, settled, fairness);
}

/* When a packet departs that comes at now; the rules send it to slot. */
static uint64_t departure(struct shaper *s, const struct spec *spec, uint32_t slot, uint64_t now)
{
	struct rule rule = rule_any(slot);
	struct packet packet;
	struct outcome out;

	shaper_set_rules(s, &rule, 1);
	packet_build(spec, &packet);
	assert_int_equal(shaper_run(s, &packet, &(struct input){ .now = now }, &out),
			 TC_ACT_UNSPEC);
	return out.tstamp ? out.tstamp : now;
}

static void test_moved(void **state __attribute__((unused)))
{
	static const uint32_t kinds[] = { QOS_CLASS_FAIR, QOS_CLASS_FAIR | QOS_CLASS_SRC_HOST,
					  QOS_CLASS_FAIR | QOS_CLASS_DST_HOST, 0 };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		_cleanup_(shaper_closep) struct shaper *s = open_after(NOW + SEC, kinds[i]);
		uint64_t before = departure(s, &flow, FULL, NOW), after;

		assert_int_equal(before, NOW + WAITS);
		shaper_replace(s);
		after = departure(s, &flow, EMPTY, NOW + MSEC);
		assert_true(after > before);
		/* and so on */
		assert_true(departure(s, &flow, EMPTY, NOW + 2 * MSEC) > after);
		/* what comes when they have left waits for nothing */
		assert_int_equal(departure(s, &flow, EMPTY, after + MSEC), after + MSEC);
	}
}

/* Many flows become one: each may be the first that has packets elsewhere. */
static void test_moved_together(void **state __attribute__((unused)))
{
	static const uint32_t kinds[] = { QOS_CLASS_FAIR | QOS_CLASS_SRC_HOST,
					  QOS_CLASS_FAIR | QOS_CLASS_DST_HOST, 0 };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		_cleanup_(shaper_closep) struct shaper *s = open_after(NOW + SEC, QOS_CLASS_FAIR);
		uint64_t first = departure(s, &flow, FULL, NOW), second, after;

		shaper_put_clocks(s, FULL,
				  &(struct qos_clocks){ .ceil = { NOW + 2 * WAITS },
							.busy = NOW + 2 * WAITS });
		second = departure(s, &other, FULL, NOW);
		assert_true(second > first + MSEC);
		shaper_replace(s);
		shaper_set_class(s, EMPTY,
				 &(struct qos_class_cfg){ .flags = QOS_CLASS_CEIL | kinds[i],
							  .ceil_cost = NS_A_BYTE(1),
							  .limit_ns = SEC,
							  .dscp = QOS_DSCP_KEEP });
		after = departure(s, &flow, EMPTY, NOW + MSEC);
		assert_true(after > first && after < second);
		assert_true(departure(s, &other, EMPTY, NOW + MSEC) > second);
	}
}

static void test_moved_there_and_back(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_after(NOW + SEC, QOS_CLASS_FAIR);
	uint64_t before;

	/* two programs ago it was where it is sent now */
	departure(s, &flow, EMPTY, NOW);
	shaper_replace(s);
	before = departure(s, &flow, FULL, NOW);
	shaper_replace(s);
	assert_true(departure(s, &flow, EMPTY, NOW + MSEC) > before);
}

/* Whether packets wait there nobody knows, as its clocks were others. */
static void test_moved_of_grown(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_after(NOW + SEC, QOS_CLASS_FAIR);
	uint64_t before = departure(s, &flow, FULL, NOW);

	shaper_replace_grown(s);
	assert_int_equal(departure(s, &other, EMPTY, NOW + MSEC), NOW + MSEC);
	assert_true(departure(s, &flow, EMPTY, NOW + 2 * MSEC) > before);
}

/* A host is another where it is of a longer prefix, or a shorter one. */
static void test_prefix(void **state __attribute__((unused)))
{
	static const struct spec host = { .family = 6, .proto = IPPROTO_UDP, .payload = LONG };
	static const uint8_t lens[] = { 64, 128, 56 };

	for (size_t i = 0; i + 1 < ARRAY_SIZE(lens); i++) {
		_cleanup_(shaper_closep) struct shaper *s = open_after(NOW + SEC, 0);
		struct qos_class_cfg cls = { .flags = QOS_CLASS_CEIL | QOS_CLASS_FAIR |
						      QOS_CLASS_SRC_HOST,
					     .host6_len = lens[i],
					     .ceil_cost = NS_A_BYTE(1),
					     .limit_ns = SEC,
					     .dscp = QOS_DSCP_KEEP };
		uint64_t before;

		shaper_set_class(s, FULL, &cls);
		before = departure(s, &host, FULL, NOW);
		assert_int_equal(before, NOW + WAITS);
		shaper_replace(s);
		cls.host6_len = lens[i + 1];
		shaper_set_class(s, FULL, &cls);
		/* only records can say it */
		shaper_put_clocks(s, FULL, &(struct qos_clocks){ .busy = NOW + 2 * WAITS });
		assert_true(departure(s, &host, FULL, NOW + MSEC) > before);
	}
}

#define SWAPPED (NOW + 11 * MSEC) /* the program before stamps nothing any more */

/* Of the classes only those that have a queue are looked at again. */
static void test_looks_once(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_after(NOW + SEC, QOS_CLASS_FAIR);
	uint64_t before = departure(s, &flow, FULL, NOW);

	shaper_replace(s);
	departure(s, &other, EMPTY, NOW);
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		assert_false(shaper_has_left(s, slot));
	departure(s, &other, EMPTY + 1, SWAPPED);
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		assert_int_equal(shaper_has_left(s, slot), slot != FULL);
	assert_true(departure(s, &flow, EMPTY, SWAPPED) > before);
}

/* What the program before may have stamped meanwhile is not missed. */
static void test_stamped_meanwhile(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_after(NOW + SEC, QOS_CLASS_FAIR);
	struct qos_clocks empty = { .busy = NOW };
	uint64_t before = departure(s, &flow, FULL, NOW);

	shaper_replace(s);
	shaper_put_clocks(s, FULL, &empty);
	departure(s, &other, EMPTY, NOW + MSEC);
	shaper_put_clocks(s, FULL, &(struct qos_clocks){ .busy = before });
	assert_true(departure(s, &flow, EMPTY, NOW + MSEC) > before);
}

/* Of a policy that took the place of one as large, whose classes had other names. */
static void test_most_slots(void **state __attribute__((unused)))
{
	for (uint32_t full = QOS_MAX_CLASSES; full < QOS_MAX_SLOTS; full += 4099) {
		_cleanup_(shaper_closep) struct shaper *s =
			open_slots(QOS_MAX_SLOTS, full, NOW + SEC, QOS_CLASS_FAIR);
		uint64_t before = departure(s, &flow, full, NOW);

		shaper_replace(s);
		departure(s, &other, EMPTY, NOW);
		assert_true(departure(s, &flow, EMPTY, SWAPPED) > before);
	}
}

static void test_others_do_not_wait(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_after(NOW + SEC, QOS_CLASS_FAIR);

	departure(s, &flow, FULL, NOW);
	shaper_replace(s);
	assert_int_equal(departure(s, &other, EMPTY, NOW + MSEC), NOW + MSEC);
}

/* Rules that send packets of a flow to two classes, by their length say, mean it. */
static void test_split_flows_do_not_wait(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_after(NOW + SEC, QOS_CLASS_FAIR);

	departure(s, &flow, FULL, NOW);
	assert_int_equal(departure(s, &flow, EMPTY, NOW + MSEC), NOW + MSEC);
	/* the first of the new program is there, whose record of FULL is of the one before */
	shaper_replace(s);
	assert_int_equal(departure(s, &flow, EMPTY, NOW + 2 * MSEC), NOW + 2 * MSEC);
	departure(s, &flow, FULL, NOW + 3 * MSEC);
	assert_int_equal(departure(s, &flow, EMPTY, NOW + 4 * MSEC), NOW + 4 * MSEC);
}

#define ONE(fairness) \
	"link: { rate: 20mbit }\ndefault: a\nclasses: { a: { fairness: " fairness " } }\n"

/* Flows that wait and flows that come and go, in a class whose flows are something else next. */
static void told_apart_anew(const char *before, const char *after, uint32_t records)
{
	_cleanup_(sim_closep) struct sim *sim = sim_open_replaced(before, records);
	struct sim_counts counts;

	for (unsigned int i = 0; i < 60; i++) {
		char src[32], dst[32];
		const struct source source = {
			.class = "a",
			.kind = i % 4,
			.bytes = i % 3 ? SIM_FRAME : SIM_GSO,
			.window = 1 + i % 7,
			.rate = (1 + i % 3) * MBIT,
			.src = src,
			.dst = dst,
		};

		snprintf(src, sizeof(src), "10.0.1.%u", i % 7);
		snprintf(dst, sizeof(dst), "10.0.2.%u", i % 5);
		sim_add(sim, &source);
	}
	sim_run(sim, 500 * MSEC);
	sim_replace(sim, after);
	sim_run(sim, 1000 * MSEC);
	counts = sim_counts(sim, sim_flows(sim, "a"));
	if (counts.reordered)
		fail_msg("%llu of %llu packets are reordered, %u records, from %s to %s",
			 (unsigned long long)counts.reordered, (unsigned long long)counts.packets,
			 records, before, after);
}

static void test_told_apart_anew(void **state __attribute__((unused)))
{
	static const char *const kinds[] = { ONE("flow"), ONE("src-host"), ONE("dst-host"),
					     ONE("none") };
	static const uint32_t records[] = { 0, 64 };

	for (size_t i = 0; i < ARRAY_SIZE(kinds) * ARRAY_SIZE(kinds); i++)
		for (size_t r = 0; r < ARRAY_SIZE(records); r++)
			told_apart_anew(kinds[i / ARRAY_SIZE(kinds)], kinds[i % ARRAY_SIZE(kinds)],
					records[r]);
}

static void test_settled(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_after(NOW + MSEC, QOS_CLASS_FAIR);

	departure(s, &flow, FULL, NOW);
	shaper_replace(s);
	assert_int_equal(departure(s, &flow, EMPTY, NOW + MSEC), NOW + MSEC);
}

/* Packets of a flow that leave by two queues are further apart than the queues' timers are off. */
static void test_spread(void **state __attribute__((unused)))
{
	static const struct rule none;
	static const uint32_t spread = 16000;
	static const struct {
		uint32_t spread;
		int after, expected; /* than the first packet: the class's time, the second's */
	} cases[] = {
		{ 0, 4000, 4000 },	   { spread, 4000, 20000 },  { spread, -5000, 20000 },
		{ spread, spread, 20000 }, { spread, 19000, 19000 }, { 0, -5000, 20000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct setup setup = {
			.link = { .default_slot = 1,
				  .l2_len = 14,
				  .rules = 1,
				  .spread_ns = cases[i].spread },
			.classes = { [1] = { .flags = QOS_CLASS_CEIL,
					     .limit_ns = SEC,
					     .ceil_cost = NS_A_BYTE(20),
					     .dscp = QOS_DSCP_KEEP } },
			.rules = &none,
		};
		const struct spec spec = { .proto = IPPROTO_UDP, .payload = 1000 - 14 - 20 - 8 };
		_cleanup_(shaper_closep) struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);
		uint64_t first;

		shaper_set_clocks(s, 1, &(struct qos_clocks){ .ceil = { NOW + WAITS } });
		first = departure(s, &spec, 1, NOW);
		shaper_put_clocks(s, 1, &(struct qos_clocks){ .ceil = { first + cases[i].after } });
		assert_int_equal(departure(s, &spec, 1, NOW) - first, cases[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_moved_together),
		cmocka_unit_test(test_moved_there_and_back),
		cmocka_unit_test(test_moved_of_grown),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_looks_once),
		cmocka_unit_test(test_stamped_meanwhile),
		cmocka_unit_test(test_most_slots),
		cmocka_unit_test(test_others_do_not_wait),
		cmocka_unit_test(test_split_flows_do_not_wait),
		cmocka_unit_test(test_told_apart_anew),
		cmocka_unit_test(test_settled),
		cmocka_unit_test(test_spread),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
