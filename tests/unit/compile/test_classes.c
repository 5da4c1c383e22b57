/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <linux/pkt_sched.h>

#include "plans.h"

#define KBIT 1000ULL
#define MBIT 1000000ULL
#define GBIT 1000000000ULL
#define TBIT 1000000000000ULL
#define MS   1000000ULL
#define SEC  1000000000ULL

/* A leaf of the link. */
static struct qos_plan_class compile_class(struct qos_class cls, struct qos_link link)
{
	const struct qos_policy policy = { .link = link, .classes = &cls, .class_count = 1 };
	struct qos_plan_class compiled;

	cls.parent = QOS_PARENT_LINK;
	qos_compile_class(&policy, &cls, &compiled);
	return compiled;
}

#define CLOCKS (QOS_CLASS_RATE | QOS_CLASS_CEIL | QOS_CLASS_BORROW)

/*
 * Which clocks can decide D = max(now, U, min(A, L)), for every relation of
 * rate, ceil and the link's rate that the language has (rate <= ceil <= link,
 * any of them 0 for absent; with a link's rate ceil is always given).
 */
static void test_flags(void **state)
{
	static const struct {
		uint64_t rate, ceil, link;
		uint32_t flags;
	} cases[] = {
		/* no link: nothing to borrow, so U alone, or nothing */
		{ 0, 0, 0, 0 },
		{ 0, 2 * MBIT, 0, QOS_CLASS_CEIL },
		{ MBIT, MBIT, 0, QOS_CLASS_CEIL },
		{ MBIT, 2 * MBIT, 0, QOS_CLASS_CEIL },
		/* the ceiling is the link: L says that already */
		{ 0, 10 * MBIT, 10 * MBIT, QOS_CLASS_BORROW },
		{ MBIT, 10 * MBIT, 10 * MBIT, QOS_CLASS_RATE | QOS_CLASS_BORROW },
		/* a ceiling below it */
		{ 0, 2 * MBIT, 10 * MBIT, QOS_CLASS_CEIL | QOS_CLASS_BORROW },
		{ MBIT, 2 * MBIT, 10 * MBIT, QOS_CLASS_CEIL | QOS_CLASS_RATE | QOS_CLASS_BORROW },
		{ MBIT, 10 * MBIT - 1, 10 * MBIT,
		  QOS_CLASS_CEIL | QOS_CLASS_RATE | QOS_CLASS_BORROW },
		/* guaranteed all that it may have: it never borrows */
		{ 2 * MBIT, 2 * MBIT, 10 * MBIT, QOS_CLASS_CEIL },
		{ 10 * MBIT, 10 * MBIT, 10 * MBIT, QOS_CLASS_CEIL },
	};

	(void)state;
	for (int police = 0; police < 2; police++) {
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			struct qos_plan_class got = compile_class(
				(struct qos_class){ .rate = cases[i].rate, .ceil = cases[i].ceil },
				(struct qos_link){ .rate = cases[i].link, .police = police });

			if ((got.cfg.flags & CLOCKS) != cases[i].flags)
				fail_msg("case %zu: flags %#x, not %#x", i, got.cfg.flags,
					 cases[i].flags);
		}
	}
}

/*
 * By hand: cost 8e9 * 2^20 / bps; burst 1 ms of bps, two frames of 1514 bytes
 * at least (police: 20 ms, ten frames); limit ten frames, 100 ms to 10 s.
 */
static const struct {
	uint64_t bps, cost;
	uint64_t burst, burst_ns, limit_ns;
	uint64_t police_burst, police_ns;
} numbers[] = {
	{ KBIT, 8388608000000, 3028, 24224 * MS, 10 * SEC, 15140, 121120 * MS },
	{ 64 * KBIT, 131072000000, 3028, 378500000, 1892500000, 15140, 1892500000 },
	{ MBIT, 8388608000, 3028, 24224000, 121120000, 15140, 121120000 },
	{ 100 * MBIT, 83886080, 12500, MS, 100 * MS, 250000, 20 * MS },
	{ 10 * GBIT, 838861, 1250000, MS, 100 * MS, 25000000, 20 * MS },
	{ 400 * GBIT, 20972, 50000000, MS, 100 * MS, 1000000000, 20 * MS },
	{ TBIT, 8389, 125000000, MS, 100 * MS, 2500000000, 20 * MS },
};

static void test_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct qos_plan_class got =
			compile_class((struct qos_class){ .ceil = numbers[i].bps, .dscp = -1 },
				      (struct qos_link){ .rate = 0 });

		assert_int_equal(got.cfg.rate_cost, 0);
		assert_int_equal(got.cfg.rate_burst_ns, 0);
		assert_int_equal(got.cfg.ceil_cost, numbers[i].cost);
		assert_int_equal(got.burst, numbers[i].burst);
		assert_int_equal(got.cfg.ceil_burst_ns, numbers[i].burst_ns);
		assert_int_equal(got.cfg.limit_ns, numbers[i].limit_ns);
		assert_int_equal(got.rate, 0);
		assert_int_equal(got.ceil, numbers[i].bps);
	}
}

/* What a policer lets pass over burst, it marks: as much again as the burst. */
static void test_police(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct qos_plan_class got =
			compile_class((struct qos_class){ .ceil = numbers[i].bps, .limit = SEC },
				      (struct qos_link){ .police = true });

		assert_int_equal(got.cfg.ceil_cost, numbers[i].cost);
		assert_int_equal(got.burst, numbers[i].police_burst);
		assert_int_equal(got.cfg.ceil_burst_ns, numbers[i].police_ns);
		assert_int_equal(got.cfg.limit_ns, numbers[i].police_ns);
	}
}

/* The burst is one number of bytes: its times differ with the clocks' rates. */
static void test_two_clocks(void **state)
{
	struct qos_plan_class got =
		compile_class((struct qos_class){ .rate = MBIT, .ceil = 100 * MBIT },
			      (struct qos_link){ .rate = 10 * GBIT });

	(void)state;
	assert_int_equal(got.burst, 12500);
	assert_int_equal(got.cfg.rate_cost, 8388608000);
	assert_int_equal(got.cfg.rate_burst_ns, 100 * MS);
	assert_int_equal(got.cfg.ceil_cost, 83886080);
	assert_int_equal(got.cfg.ceil_burst_ns, MS);
	/* TCP's first window has to fit at the guarantee, the least that it gets */
	assert_int_equal(got.cfg.limit_ns, 121120000);
}

/* The furthest apart that the language allows, with the largest burst. */
static void test_extremes(void **state)
{
	struct qos_plan_class got =
		compile_class((struct qos_class){ .rate = KBIT, .ceil = TBIT, .burst = 1 << 30 },
			      (struct qos_link){ .rate = TBIT });
	struct qos_plan_class police =
		compile_class((struct qos_class){ .rate = KBIT, .ceil = TBIT },
			      (struct qos_link){ .rate = TBIT, .police = true });

	(void)state;
	assert_int_equal(got.cfg.rate_burst_ns, 8589934592000000);
	assert_int_equal(got.cfg.ceil_burst_ns, 8589934);
	/* 2.5e9 bytes at 1 kbit/s: 2e16 ns, though 2e19 ns bits/s do not fit 64 bits */
	assert_int_equal(police.cfg.rate_burst_ns, 20000000 * SEC);
}

static void test_given(void **state)
{
	struct qos_plan_class got = compile_class(
		(struct qos_class){ .ceil = MBIT, .burst = 1514, .limit = 50 * MS, .dscp = 46 },
		(struct qos_link){ .rate = 0 });

	(void)state;
	assert_int_equal(got.burst, 1514);
	assert_int_equal(got.cfg.ceil_burst_ns, 12112000);
	assert_int_equal(got.cfg.limit_ns, 50 * MS);
	assert_int_equal(got.cfg.dscp, 46);
}

/* A class without any rate in a policy without one: nothing to wait for. */
static void test_unlimited(void **state)
{
	struct qos_plan_class got =
		compile_class((struct qos_class){ .name = (char *)"a", .dscp = -1 },
			      (struct qos_link){ .rate = 0 });

	(void)state;
	assert_string_equal(got.name, "a");
	assert_int_equal(got.cfg.flags & CLOCKS, 0);
	assert_int_equal(got.cfg.ceil_cost, 0);
	assert_int_equal(got.cfg.limit_ns, 100 * MS);
	assert_int_equal(got.cfg.dscp, QOS_DSCP_KEEP);
}

/* DSCP 0 is a value to write, not the absence of one. */
static void test_dscp_zero(void **state)
{
	struct qos_plan_class got =
		compile_class((struct qos_class){ .dscp = 0 }, (struct qos_link){ .rate = 0 });

	(void)state;
	assert_int_equal(got.cfg.dscp, 0);
}

static void test_priority(void **state)
{
	static const struct {
		enum qos_priority priority;
		uint32_t skb;
	} cases[] = {
		{ QOS_PRIORITY_HIGH, TC_PRIO_INTERACTIVE },
		{ QOS_PRIORITY_NORMAL, TC_PRIO_BESTEFFORT },
		{ QOS_PRIORITY_LOW, TC_PRIO_BULK },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct qos_plan_class got =
			compile_class((struct qos_class){ .priority = cases[i].priority },
				      (struct qos_link){ .rate = 0 });

		assert_int_equal(got.cfg.priority, cases[i].skb);
		/* fq before 6.7 sends that at once (fq_classify()) */
		assert_int_not_equal(got.cfg.priority & 15, TC_PRIO_CONTROL);
	}
}

/* What its flows are, and what becomes of them. */
static void test_flows(void **state)
{
	static const struct {
		struct qos_class cls;
		uint32_t flags;
	} cases[] = {
		{ { .fairness = QOS_FAIR_NONE }, 0 },
		{ { .fairness = QOS_FAIR_FLOW }, QOS_CLASS_FAIR },
		{ { .fairness = QOS_FAIR_SRC_HOST }, QOS_CLASS_FAIR | QOS_CLASS_SRC_HOST },
		{ { .fairness = QOS_FAIR_DST_HOST }, QOS_CLASS_FAIR | QOS_CLASS_DST_HOST },
		{ { .fairness = QOS_FAIR_NONE, .per_flow = MBIT }, QOS_CLASS_PER_FLOW },
		{ { .fairness = QOS_FAIR_NONE, .ecn = true }, QOS_CLASS_ECN },
		/* an inner class has no packets of its own */
		{ { .fairness = QOS_FAIR_FLOW, .ecn = true, .inner = true }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct qos_plan_class got =
			compile_class(cases[i].cls, (struct qos_link){ .rate = 0 });

		assert_int_equal(got.cfg.flags, cases[i].flags);
	}
}

static void test_copied(void **state)
{
	struct qos_plan_class got =
		compile_class((struct qos_class){ .rate = 8 * MBIT,
						  .ceil = 16 * MBIT,
						  .per_flow = MBIT,
						  .latency = 7 * MS,
						  .host6_len = 56,
						  .priority = QOS_PRIORITY_LOW },
			      (struct qos_link){ .rate = 100 * MBIT });

	(void)state;
	assert_int_equal(got.cfg.rate, 1000000); /* bytes/s */
	assert_int_equal(got.cfg.ceil, 2000000);
	assert_int_equal(got.cfg.flow_cost, 8388608000);
	assert_int_equal(got.cfg.latency_ns, 7 * MS);
	assert_int_equal(got.cfg.host6_len, 56);
	assert_int_equal(got.cfg.level, 2);
	/* without a ceiling of its own the link's */
	assert_int_equal(compile_class((struct qos_class){ .rate = 0 },
				       (struct qos_link){ .rate = 100 * MBIT })
				 .cfg.ceil,
			 12500000);
}

/*
 * 30 periods are as long as a dozen frames at the rate, and 100 ms, at least. By hand: 2^22 ns
 * are 4.19 ms, 30 of them 126 ms; 12 frames are 145344 bits.
 */
static void test_period(void **state)
{
	static const struct {
		uint64_t ceil;
		uint8_t shift;
	} cases[] = {
		{ 100 * GBIT, 22 }, { 100 * MBIT, 22 }, { 1156 * KBIT, 22 }, { 1155 * KBIT, 23 },
		{ MBIT, 23 },	    { 200 * KBIT, 25 }, { 64 * KBIT, 27 },   { 8 * KBIT, 28 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct qos_plan_class got =
			compile_class((struct qos_class){ .ceil = cases[i].ceil, .limit = 8 * SEC },
				      (struct qos_link){ .rate = 0 });

		assert_int_equal(got.cfg.period_shift, cases[i].shift);
	}
}

static void compile_link(const struct qos_link *link, struct qos_plan *ret)
{
	const struct qos_policy policy = { .link = *link };

	*ret = (struct qos_plan){ 0 };
	qos_compile_link(&policy, ret);
}

static void test_link(void **state)
{
	const struct qos_link link = { .rate = 100 * MBIT,
				       .overhead_set = true,
				       .overhead = -20,
				       .mpu = 64,
				       .framing = QOS_LINK_ATM };
	struct qos_plan plan;

	(void)state;
	compile_link(&link, &plan);
	assert_int_equal(plan.link.mode, QOS_MODE_FQ);
	assert_int_equal(plan.link.overhead_set, 1);
	assert_int_equal(plan.link.overhead, -20);
	assert_int_equal(plan.link.mpu, 64);
	assert_int_equal(plan.link.framing, QOS_FRAMING_ATM);
	assert_int_equal(plan.link_burst, 12500);
	assert_int_equal(plan.link_class.flags, QOS_CLASS_CEIL);
	assert_int_equal(plan.link_class.rate, 12500000);
	assert_int_equal(plan.link_class.ceil, 12500000);
	assert_int_equal(plan.link_class.ceil_cost, 83886080);
	assert_int_equal(plan.link_class.ceil_burst_ns, MS);
	assert_int_equal(plan.link_class.parent, QOS_NO_SLOT);
	assert_int_equal(plan.link_class.hard, QOS_NO_SLOT);
	assert_int_equal(plan.link_class.dscp, QOS_DSCP_KEEP);
}

/* A millisecond of the link, two frames and the largest GSO packet of old kernels apart. */
static void test_packet_bytes(void **state)
{
	static const struct {
		uint64_t rate;
		uint32_t bytes;
	} cases[] = {
		{ 0, 3028 },
		{ MBIT, 3028 },
		{ 24224 * KBIT, 3028 },
		{ 24232 * KBIT, 3029 },
		{ 100 * MBIT, 12500 },
		{ 10 * GBIT, 65536 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct qos_link link = { .rate = cases[i].rate };
		struct qos_plan plan;

		compile_link(&link, &plan);
		assert_int_equal(plan.link_class.packet_bytes, cases[i].bytes);
		assert_int_equal(compile_class((struct qos_class){ 0 }, link).cfg.packet_bytes,
				 cases[i].bytes);
	}
}

/* A millisecond of what a class may have at most, 2 to 128 KiB, rounded down to a power of two. */
static void test_sample(void **state)
{
	static const struct {
		uint64_t ceil, link;
		uint8_t shift;
	} cases[] = {
		{ 64 * KBIT, 0, 11 },	 { 16384 * KBIT, 0, 11 },
		{ 32767 * KBIT, 0, 11 }, { 32768 * KBIT, 0, 12 },
		{ 100 * MBIT, 0, 13 },	 { GBIT, 0, 16 },
		{ 100 * GBIT, 0, 17 },	 { 0, 100 * MBIT, 13 },
		{ 10 * MBIT, GBIT, 11 }, { 0, 0, 17 }, /* who knows */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct qos_plan_class got =
			compile_class((struct qos_class){ .ceil = cases[i].ceil },
				      (struct qos_link){ .rate = cases[i].link });

		assert_int_equal(got.cfg.sample_shift, cases[i].shift);
	}
}

static void test_framing(void **state)
{
	static const uint32_t framing[][2] = {
		{ QOS_LINK_PLAIN, QOS_FRAMING_NONE },
		{ QOS_LINK_ATM, QOS_FRAMING_ATM },
		{ QOS_LINK_PTM, QOS_FRAMING_PTM },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(framing); i++) {
		const struct qos_link link = { .framing = (enum qos_link_framing)framing[i][0] };
		struct qos_plan plan;

		compile_link(&link, &plan);
		assert_int_equal(plan.link.framing, framing[i][1]);
	}
}

static void test_link_without_rate(void **state)
{
	const struct qos_link link = { .police = true };
	struct qos_plan plan;

	(void)state;
	compile_link(&link, &plan);
	assert_int_equal(plan.link.mode, QOS_MODE_POLICE);
	assert_int_equal(plan.link.overhead_set, 0);
	assert_int_equal(plan.link_class.flags, 0);
	assert_int_equal(plan.link_class.ceil_cost, 0);
	assert_int_equal(plan.link_class.ceil_burst_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_police),
		cmocka_unit_test(test_two_clocks),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_given),
		cmocka_unit_test(test_unlimited),
		cmocka_unit_test(test_dscp_zero),
		cmocka_unit_test(test_priority),
		cmocka_unit_test(test_flows),
		cmocka_unit_test(test_copied),
		cmocka_unit_test(test_period),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_packet_bytes),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_framing),
		cmocka_unit_test(test_link_without_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
