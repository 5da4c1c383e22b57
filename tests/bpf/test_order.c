// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * New rules move a flow to a class without a queue while packets of it wait in the one before:
 * the next ones do not overtake them.
 */
#include <netinet/in.h>

#include "base/cleanup.h"
#include "fixture.h"
#include "rules.h"

#define FULL	   1
#define EMPTY	   2
#define WAITS	   (20 * MSEC) /* in FULL */
#define GENERATION 65536       /* of the flows 0, as 16 bits are kept */

static const struct spec flow = { .proto = IPPROTO_UDP, .sport = 1, .dport = 2 };
static const struct spec other = { .proto = IPPROTO_UDP, .sport = 3, .dport = 2 };

static struct shaper *open_after(uint64_t settled, uint32_t fairness)
{
	static const struct rule none;
	const struct qos_class_cfg cls = { .flags = QOS_CLASS_CEIL | fairness,
					   .ceil_cost = NS_A_BYTE(1),
					   .limit_ns = SEC,
					   .dscp = QOS_DSCP_KEEP };
	const struct setup setup = {
		.link = { .default_slot = FULL,
			  .l2_len = 14,
			  .rules = 1,
			  .generation = GENERATION,
			  .slots = CLASSES_MAX,
			  .settled = settled },
		.classes = { [FULL] = cls, [EMPTY] = cls },
		.rules = &none,
	};
	struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);

	shaper_set_clocks(s, FULL, &(struct qos_clocks){ .ceil = { NOW + WAITS } });
	return s;
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
		shaper_age_flows(s);
		after = departure(s, &flow, EMPTY, NOW + MSEC);
		assert_true(after > before);
		/* and so on */
		assert_true(departure(s, &flow, EMPTY, NOW + 2 * MSEC) > after);
		/* what comes when they have left waits for nothing */
		assert_int_equal(departure(s, &flow, EMPTY, after + MSEC), after + MSEC);
	}
}

static void test_moved_there_and_back(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_after(NOW + SEC, QOS_CLASS_FAIR);
	uint64_t before;

	/* two programs ago it was where it is sent now */
	departure(s, &flow, EMPTY, NOW);
	shaper_age_flows(s);
	before = departure(s, &flow, FULL, NOW);
	shaper_age_flows(s);
	assert_true(departure(s, &flow, EMPTY, NOW + MSEC) > before);
}

static void test_others_do_not_wait(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_after(NOW + SEC, QOS_CLASS_FAIR);

	departure(s, &flow, FULL, NOW);
	shaper_age_flows(s);
	assert_int_equal(departure(s, &other, EMPTY, NOW + MSEC), NOW + MSEC);
}

/* Rules that send packets of a flow to two classes, by their length say, mean it. */
static void test_split_flows_do_not_wait(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_after(NOW + SEC, QOS_CLASS_FAIR);

	departure(s, &flow, FULL, NOW);
	assert_int_equal(departure(s, &flow, EMPTY, NOW + MSEC), NOW + MSEC);
	shaper_age_flows(s);
	departure(s, &flow, FULL, NOW + 2 * MSEC);
	assert_int_equal(departure(s, &flow, EMPTY, NOW + 3 * MSEC), NOW + 3 * MSEC);
}

static void test_settled(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_after(NOW + MSEC, QOS_CLASS_FAIR);

	departure(s, &flow, FULL, NOW);
	shaper_age_flows(s);
	assert_int_equal(departure(s, &flow, EMPTY, NOW + MSEC), NOW + MSEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_moved_there_and_back),
		cmocka_unit_test(test_others_do_not_wait),
		cmocka_unit_test(test_split_flows_do_not_wait),
		cmocka_unit_test(test_settled),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
