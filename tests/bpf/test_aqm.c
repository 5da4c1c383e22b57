// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Short queues: CoDel's law (RFC 8289) on the delay that a packet will have, a step for
 * ECT(1), and nothing for who keeps his queue short. Marks where the packet and its class
 * allow it, else drops; each counted as what it is.
 */
#include <math.h>
#include <netinet/in.h>

#include "base/cleanup.h"
#include "fixture.h"
#include "sim.h"

#define SLOT	1
#define BYTES	1000
#define COST	MSEC /* of a packet, at 1000 ns a byte */
#define LATENCY (5 * MSEC)
#define STEP	MSEC /* for ECT(1) */

#define NOT_ECT 0
#define ECT1	1
#define ECT0	2
#define CE	3

/* One flow, whose delay is its class's. */
static struct shaper *open_queue_at(uint32_t flags, uint64_t latency, uint64_t ns_a_byte)
{
	const struct setup setup = {
		.link = { .default_slot = SLOT, .l2_len = 14 },
		.classes = { [SLOT] = { .flags = QOS_CLASS_CEIL | flags,
					.ceil_cost = NS_A_BYTE(ns_a_byte),
					.ceil = SEC / ns_a_byte,
					.packet_bytes = BYTES,
					.limit_ns = SEC,
					.latency_ns = latency,
					.dscp = QOS_DSCP_KEEP,
					.period_shift = 22 } },
	};

	return shaper_open(PROGRAM_FAKE, &setup);
}

static struct shaper *open_queue(uint32_t flags)
{
	return open_queue_at(flags, LATENCY, COST / BYTES);
}

/* The queue is delay long at time. */
static void set_queue(struct shaper *s, uint64_t time, uint64_t delay)
{
	/* a packet and a half are 1.5 µs here, but for what is looked at later */
	const struct qos_pace pace = { .t = time, .speed = 1ULL << 32, .inv = 1 << 12 };

	shaper_set_clocks(s, SLOT,
			  &(struct qos_clocks){ .ceil = { time + delay },
						.next = time + 3600 * SEC,
						.pace = { pace } });
}

struct sent {
	bool dropped, marked;
};

static struct sent send_packet(struct shaper *s, uint64_t now, uint8_t ecn)
{
	struct packet packet;
	struct outcome out;

	packet_build(&(struct spec){ .tos = TOS(10, ecn), .payload = BYTES - 54 }, &packet);
	shaper_run(s, &packet, &(struct input){ .now = now }, &out);
	return (struct sent){ .dropped = out.action == TC_ACT_SHOT,
			      .marked = ecn != CE && (out.data[15] & 3) == CE };
}

/* ECT(1) is marked above 1 ms at once; others never at once, however long the queue is. */
static void test_step(void **state __attribute__((unused)))
{
	static const struct {
		uint64_t delay;
		uint8_t ecn;
		enum qos_verdict verdict;
	} cases[] = {
		{ 0, ECT1, QOS_PASS },
		{ STEP, ECT1, QOS_PASS },
		{ STEP + 1, ECT1, QOS_MARK_L4S },
		{ 500 * MSEC, ECT1, QOS_MARK_L4S },
		{ STEP + 1, ECT0, QOS_PASS },
		{ 500 * MSEC, ECT0, QOS_PASS },
		{ 500 * MSEC, NOT_ECT, QOS_PASS },
		{ 500 * MSEC, CE, QOS_PASS },
	};
	_cleanup_(shaper_closep) struct shaper *s = open_queue(QOS_CLASS_ECN);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sent sent;

		shaper_clear_counters(s);
		set_queue(s, NOW, cases[i].delay);
		sent = send_packet(s, NOW, cases[i].ecn);
		shaper_expect(s, "the step", SLOT, cases[i].verdict);
		assert_int_equal(sent.marked, cases[i].verdict == QOS_MARK_L4S);
	}
}

/* With ecn: false ECT(1) is a packet like others. */
static void test_step_without_ecn(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_queue(0);

	set_queue(s, NOW, 500 * MSEC);
	assert_false(send_packet(s, NOW, ECT1).marked);
	shaper_expect(s, "no ECN", SLOT, QOS_PASS);
}

/*
 * When CoDel tells of a queue that is too long all the time, packets coming a ms apart:
 * after an interval (100 ms) for the first time, then each interval / sqrt(count) later.
 */
static unsigned int codel_times(uint64_t end, uint64_t *times)
{
	unsigned int count = 0;
	double next = 100;

	for (uint64_t ms = 0; ms < end; ms++) {
		if ((double)ms < next)
			continue;
		times[count++] = ms;
		next = (double)ms + 100 / sqrt(count);
	}
	return count;
}

#define LONG 3000 /* ms */

/* Somebody else's packet takes the place of one that was dropped. */
static void refill(struct shaper *s)
{
	struct qos_clocks clocks = shaper_clocks(s, SLOT);

	clocks.ceil[0] += COST;
	shaper_put_clocks(s, SLOT, &clocks);
}

/*
 * A queue of 20 ms that stays, as each packet takes as long as the next one is away. The
 * clock takes no part of what is dropped: it is put where it would be.
 */
static void expect_law(uint32_t flags, uint8_t ecn, enum qos_verdict verdict)
{
	_cleanup_(shaper_closep) struct shaper *s = open_queue(flags);
	uint64_t times[LONG];
	unsigned int count = codel_times(LONG, times), told = 0;

	set_queue(s, NOW, 20 * MSEC);
	for (uint64_t ms = 0; ms < LONG; ms++) {
		struct sent sent = send_packet(s, NOW + ms * MSEC, ecn);

		if (!sent.dropped && !sent.marked)
			continue;
		assert_int_equal(sent.marked, verdict == QOS_MARK);
		assert_true(told < count);
		/* the root may be rounded to the other side of a packet */
		if (ms + told / 16 + 1 < times[told] || ms > times[told] + told / 16 + 1)
			fail_msg("number %u comes at %llu ms, not %llu", told,
				 (unsigned long long)ms, (unsigned long long)times[told]);
		told++;
		if (sent.dropped)
			refill(s);
	}
	assert_in_range(told, count - 2, count);
	assert_int_equal(shaper_counters(s, SLOT).by[verdict].packets, told);
}

static void test_marks(void **state __attribute__((unused)))
{
	expect_law(QOS_CLASS_ECN, ECT0, QOS_MARK);
}

static void test_drops(void **state __attribute__((unused)))
{
	expect_law(QOS_CLASS_ECN, NOT_ECT, QOS_DROP_AQM);
	expect_law(0, NOT_ECT, QOS_DROP_AQM);
	expect_law(0, ECT0, QOS_DROP_AQM);
	expect_law(0, ECT1, QOS_DROP_AQM);
}

/* Not beyond latency, or not long enough: nobody is told. */
static void test_short_queues(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_queue(0);

	set_queue(s, NOW, LATENCY);
	for (uint64_t ms = 0; ms < 10000; ms++)
		assert_false(send_packet(s, NOW + ms * MSEC, NOT_ECT).dropped);
	/* 99 ms too long, a moment of not, and again */
	for (int i = 0; i < 20; i++) {
		uint64_t now = NOW + (20 + (uint64_t)i) * SEC;

		set_queue(s, now, 20 * MSEC);
		for (uint64_t ms = 0; ms < 100; ms++)
			assert_false(send_packet(s, now + ms * MSEC, NOT_ECT).dropped);
		assert_false(send_packet(s, now + 200 * MSEC, NOT_ECT).dropped);
	}
	assert_int_equal(shaper_counters(s, SLOT).by[QOS_DROP_AQM].packets, 0);
}

/* A latency below the 1 ms of ECT(1)'s step is heeded too, and the step stays where it is. */
static void test_low_latency(void **state __attribute__((unused)))
{
	static const struct {
		uint8_t ecn;
		enum qos_verdict verdict;
		uint64_t told;
	} cases[] = {
		{ NOT_ECT, QOS_DROP_AQM, 1 }, /* after which the queue is short */
		{ ECT0, QOS_MARK, 1 },
		{ ECT1, QOS_MARK_L4S, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(shaper_closep) struct shaper *s =
			open_queue_at(QOS_CLASS_ECN, MSEC / 10, COST / BYTES / 10);

		set_queue(s, NOW, MSEC / 2);
		for (uint64_t time = 0; time < 150 * MSEC; time += COST / 10)
			send_packet(s, NOW + time, cases[i].ecn);
		assert_int_equal(shaper_counters(s, SLOT).by[cases[i].verdict].packets,
				 cases[i].told);
	}
}

static const struct span span = { SEC, 4 * SEC };

struct told {
	uint64_t marks, l4s, aqm, limit;
};

static struct told told_of(const struct sim *sim)
{
	struct qos_counters c = shaper_counters(sim_shaper(sim), sim_slot(sim, "a"));

	return (struct told){ c.by[QOS_MARK].packets, c.by[QOS_MARK_L4S].packets,
			      c.by[QOS_DROP_AQM].packets, c.by[QOS_DROP_LIMIT].packets };
}

/* What senders see is what is counted, and nothing is told twice or in another way. */
static void run_tcp(const char *policy, uint8_t ecn, struct told *ret)
{
	_cleanup_(sim_closep) struct sim *sim = sim_open(policy, 0);
	struct flows flows = { 0, 8 };
	struct sim_counts counts;

	for (unsigned int i = 0; i < flows.count; i++)
		sim_add(sim,
			&(struct source){
				.class = "a", .kind = SOURCE_TCP, .ecn = ecn, .start = i * MSEC });
	sim_run(sim, span.to);
	*ret = told_of(sim);
	counts = sim_counts(sim, flows);
	assert_int_equal(ret->marks + ret->l4s, counts.marks);
	assert_int_equal(ret->aqm + ret->limit, counts.drops);
	assert_true(sim_rate(sim, flows, span) >= 0.97 * 100 * MBIT);
	/* 8 sources that answer: a queue of three times what is aimed at, at most */
	if (sim_delay(sim, flows, span, 0.5) > 15)
		fail_msg("ECN %u: half of the packets wait %.1f ms", ecn,
			 sim_delay(sim, flows, span, 0.5));
}

static void test_tcp(void **state __attribute__((unused)))
{
	static const char with[] = "link: { rate: 100mbit }\ndefault: a\n"
				   "classes: { a: { rate: 100mbit } }\n";
	static const char without[] = "link: { rate: 100mbit }\ndefault: a\n"
				      "classes: { a: { rate: 100mbit, ecn: false } }\n";
	struct told told;

	run_tcp(with, NOT_ECT, &told);
	assert_true(told.aqm > 0 && !told.marks && !told.l4s && !told.limit);
	run_tcp(with, ECT0, &told);
	assert_true(told.marks > 0 && !told.l4s && !told.aqm && !told.limit);
	run_tcp(with, ECT1, &told);
	assert_true(told.l4s > 0 && !told.marks && !told.aqm && !told.limit);
	run_tcp(without, ECT0, &told);
	assert_true(told.aqm > 0 && !told.marks && !told.l4s && !told.limit);
	run_tcp(without, ECT1, &told);
	assert_true(told.aqm > 0 && !told.marks && !told.l4s && !told.limit);
}

/* At 1 Mbit/s a packet takes 12 ms: who has one in the queue and one coming is not told. */
static void test_slow_class(void **state __attribute__((unused)))
{
	_cleanup_(sim_closep) struct sim *sim =
		sim_open("link: { rate: 1mbit }\ndefault: a\nclasses: { a: { rate: 1mbit } }\n", 0);
	struct told told;

	sim_add(sim, &(struct source){ .class = "a", .bytes = SIM_FRAME, .window = 2 });
	sim_run(sim, 10 * SEC);
	told = told_of(sim);
	assert_int_equal(told.marks + told.l4s + told.aqm + told.limit, 0);
	assert_true(sim_rate(sim, sim_flows(sim, "a"), (struct span){ SEC, 10 * SEC }) >=
		    0.97 * MBIT);
}

/* Who does not answer is held by limit: no packet waits longer. */
static void test_limit(void **state __attribute__((unused)))
{
	_cleanup_(sim_closep) struct sim *sim =
		sim_open("link: { rate: 10mbit }\ndefault: a\n"
			 "classes: { a: { rate: 10mbit, limit: 50ms } }\n",
			 0);
	struct told told;

	sim_add(sim, &(struct source){ .class = "a", .kind = SOURCE_CONSTANT, .rate = 50 * MBIT });
	sim_run(sim, span.to);
	told = told_of(sim);
	assert_true(told.limit > 0);
	assert_true(sim_delay(sim, sim_flows(sim, "a"), span, 1) <= 50);
	assert_true(sim_rate(sim, sim_flows(sim, "a"), span) >= 0.97 * 10 * MBIT);
}

/* Who goes on does not keep that queue: after seconds it is twice what is aimed at, and a packet.
 */
static void test_deaf(void **state __attribute__((unused)))
{
	static const struct span first = { SEC / 2, SEC }, late = { 5 * SEC, 6 * SEC };
	static const uint8_t codepoints[] = { NOT_ECT, ECT0, ECT1 };

	for (size_t i = 0; i < ARRAY_SIZE(codepoints); i++) {
		_cleanup_(sim_closep) struct sim *sim = sim_open(
			"link: { rate: 10mbit }\ndefault: a\nclasses: { a: { rate: 10mbit } }\n",
			0);
		struct flows flows;

		sim_add(sim, &(struct source){ .class = "a",
					       .kind = SOURCE_CONSTANT,
					       .rate = 50 * MBIT,
					       .ecn = codepoints[i] });
		sim_run(sim, late.to);
		flows = sim_flows(sim, "a");
		assert_true(sim_delay(sim, flows, first, 0.5) > 90);
		assert_true(sim_delay(sim, flows, late, 1) <= 12);
		assert_true(sim_rate(sim, flows, late) >= 0.97 * 10 * MBIT);
	}
}

/* Many that listen, told as one flow, use all that there is. */
static void test_not_deaf(void **state __attribute__((unused)))
{
	static const struct span late = { 4 * SEC, 8 * SEC };
	_cleanup_(sim_closep) struct sim *sim =
		sim_open("link: { rate: 100mbit }\ndefault: a\n"
			 "classes: { a: { rate: 100mbit, fairness: none } }\n",
			 0);

	for (unsigned int i = 0; i < 64; i++)
		sim_add(sim,
			&(struct source){ .class = "a", .kind = SOURCE_TCP, .start = i * MSEC });
	sim_run(sim, late.to);
	assert_true(sim_rate(sim, sim_flows(sim, "a"), late) >= 0.97 * 100 * MBIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_step),	     cmocka_unit_test(test_step_without_ecn),
		cmocka_unit_test(test_marks),	     cmocka_unit_test(test_drops),
		cmocka_unit_test(test_short_queues), cmocka_unit_test(test_low_latency),
		cmocka_unit_test(test_tcp),	     cmocka_unit_test(test_slow_class),
		cmocka_unit_test(test_limit),	     cmocka_unit_test(test_deaf),
		cmocka_unit_test(test_not_deaf),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
