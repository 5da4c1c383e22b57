// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The clocks of class and link together: D = max(now, U, min(A, L)), what is
 * charged for it, and what two CPUs at once make of it. Worked out by hand.
 */
#include "base/cleanup.h"
#include "fixture.h"

#define SLOT  1
#define BYTES 1000
/* A packet of BYTES costs 4 µs of A, 2 of U, 1 of L. */
#define COST_A	   4000
#define COST_U	   2000
#define COST_L	   1000

#define GUARANTEED (QOS_CLASS_RATE | QOS_CLASS_BORROW)

/*
 * Times in ns from NOW. With no burst, A and L are pulled up to it from before,
 * and U to the time at which the other two let the packet go.
 */
struct tree_case {
	const char *name;
	uint32_t flags;
	int64_t a, u, l; /* before */
	int64_t at;
	int64_t after_a, after_u, after_l;
};

static const struct tree_case cases[] = {
	{ "idle: its guarantee", GUARANTEED | QOS_CLASS_CEIL, -9000, -9000, -9000, 0, COST_A,
	  COST_U, COST_L },
	{ "guarantee before the link", GUARANTEED | QOS_CLASS_CEIL, 0, 0, 5000, 0, COST_A, COST_U,
	  5000 + COST_L },
	{ "a later guarantee, still before the link", GUARANTEED | QOS_CLASS_CEIL, 3000, 0, 5000,
	  3000, 3000 + COST_A, 3000 + COST_U, 5000 + COST_L },
	{ "at the same time: the guarantee", GUARANTEED | QOS_CLASS_CEIL, 5000, 0, 5000, 5000,
	  5000 + COST_A, 5000 + COST_U, 5000 + COST_L },
	{ "borrowed", GUARANTEED | QOS_CLASS_CEIL, 9000, 0, 5000, 5000, 9000, 5000 + COST_U,
	  5000 + COST_L },
	{ "borrowed at once", GUARANTEED | QOS_CLASS_CEIL, 9000, -1, -1, 0, 9000, COST_U, COST_L },
	{ "the ceiling holds what is borrowed", GUARANTEED | QOS_CLASS_CEIL, 9000, 7000, 5000, 7000,
	  9000, 7000 + COST_U, 5000 + COST_L },
	{ "the ceiling holds a guarantee", GUARANTEED | QOS_CLASS_CEIL, 1000, 7000, 5000, 7000,
	  1000 + COST_A, 7000 + COST_U, 5000 + COST_L },
	{ "no ceiling of its own", GUARANTEED, 9000, 70000, 5000, 5000, 9000, 70000,
	  5000 + COST_L },
	{ "nothing guaranteed", QOS_CLASS_BORROW, -1, 0, 5000, 5000, -1, 0, 5000 + COST_L },
	{ "nothing guaranteed, below a ceiling", QOS_CLASS_BORROW | QOS_CLASS_CEIL, -1, 3000, 5000,
	  5000, -1, 5000 + COST_U, 5000 + COST_L },
	{ "nothing guaranteed, at a ceiling", QOS_CLASS_BORROW | QOS_CLASS_CEIL, -1, 8000, 5000,
	  8000, -1, 8000 + COST_U, 5000 + COST_L },
	{ "rate and ceiling the same: the link has no say", QOS_CLASS_CEIL, -1, 3000, 5000, 3000,
	  -1, 3000 + COST_U, 5000 + COST_L },
};

static struct shaper *open_tree(uint32_t flags, uint32_t rate_set, uint64_t limit)
{
	const struct setup setup = {
		.link = { .default_slot = SLOT, .l2_len = 14, .rate_set = rate_set },
		.classes = {
			[QOS_SLOT_LINK] = { .ceil_cost = NS_A_BYTE(1) },
			[SLOT] = { .flags = flags, .rate_cost = NS_A_BYTE(4),
				   .ceil_cost = NS_A_BYTE(2), .limit_ns = limit },
		},
	};

	return shaper_open(PROGRAM_FAKE, &setup);
}

static void set(struct shaper *s, int64_t a, int64_t u, int64_t l)
{
	shaper_set_clocks(
		s, SLOT,
		&(struct qos_clocks){ .rate = NOW + (uint64_t)a, .ceil = NOW + (uint64_t)u });
	shaper_set_clocks(s, QOS_SLOT_LINK, &(struct qos_clocks){ .ceil = NOW + (uint64_t)l });
}

static void expect_clock(const char *name, char clock, uint64_t is, int64_t want)
{
	if ((int64_t)(is - NOW) != want)
		fail_msg("%s: %c is at %lld, not %lld", name, clock, (long long)(is - NOW),
			 (long long)want);
}

static void expect_clocks(struct shaper *s, const struct tree_case *c)
{
	struct qos_clocks cls = shaper_clocks(s, SLOT), link = shaper_clocks(s, QOS_SLOT_LINK);

	expect_clock(c->name, 'A', cls.rate, c->after_a);
	expect_clock(c->name, 'U', cls.ceil, c->after_u);
	expect_clock(c->name, 'L', link.ceil, c->after_l);
}

static void test_departures(void **state __attribute__((unused)))
{
	struct packet packet;

	packet_build(&(struct spec){ .payload = BYTES - 54 }, &packet);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct tree_case *c = &cases[i];
		_cleanup_(shaper_closep) struct shaper *s = open_tree(c->flags, 1, SEC);
		struct outcome out;

		set(s, c->a, c->u, c->l);
		shaper_run(s, &packet, &(struct input){ 0 }, &out);
		assert_int_equal(out.action, TC_ACT_UNSPEC);
		expect_clock(c->name, 'D', out.tstamp ? out.tstamp : NOW, c->at);
		expect_clocks(s, c);
	}
}

/* No link rate: nothing waits for the link's clock, and nothing moves it. */
static void test_no_link_rate(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_tree(QOS_CLASS_CEIL, 0, SEC);
	const struct tree_case after = {
		.name = "no link rate",
		.after_a = -1,
		.after_u = 3000 + COST_U,
		.after_l = 500000,
	};
	struct packet packet;
	struct outcome out;

	packet_build(&(struct spec){ .payload = BYTES - 54 }, &packet);
	set(s, -1, 3000, 500000);
	shaper_run(s, &packet, &(struct input){ 0 }, &out);
	assert_int_equal(out.tstamp, NOW + 3000);
	expect_clocks(s, &after);
}

/* A class that is guaranteed nothing gets what the link has, not everything. */
static void test_zero_rate_is_not_unlimited(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_tree(QOS_CLASS_BORROW, 1, SEC);
	struct packet packet;
	struct outcome out;

	packet_build(&(struct spec){ .payload = BYTES - 54 }, &packet);
	for (int i = 0; i < 1000; i++) {
		shaper_run(s, &packet, &(struct input){ 0 }, &out);
		assert_int_equal(out.tstamp ? out.tstamp : NOW, NOW + (uint64_t)i * COST_L);
	}
}

/* What is dropped has cost neither class nor link anything. */
static void test_drop(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_tree(GUARANTEED | QOS_CLASS_CEIL, 1, 4999);
	const struct tree_case after = {
		.name = "dropped",
		.after_a = 9000,
		.after_u = 6000,
		.after_l = 5000,
	};
	struct packet packet;

	packet_build(&(struct spec){ .payload = BYTES - 54 }, &packet);
	set(s, 9000, 6000, 5000);
	assert_int_equal(shaper_run(s, &packet, &(struct input){ 0 }, NULL), TC_ACT_SHOT);
	shaper_expect(s, "over the limit", SLOT, QOS_DROP_LIMIT);
	expect_clocks(s, &after);
}

/* Two CPUs that saw the same ceiling: one after the other, both paid. */
static void test_two_cpus_ceiling(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_tree(QOS_CLASS_CEIL, 0, SEC);
	uint64_t at[2];

	shaper_two_cpus(s, NOW, SLOT, BYTES, at);
	assert_int_equal(at[0], NOW);
	assert_int_equal(at[1], NOW + COST_U);
	assert_int_equal(shaper_clocks(s, SLOT).ceil, NOW + 2 * COST_U);
}

/* The same with what is borrowed. */
static void test_two_cpus_borrowing(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_tree(GUARANTEED, 1, SEC);
	uint64_t at[2];

	set(s, 900000, 0, 5000);
	shaper_two_cpus(s, NOW, SLOT, BYTES, at);
	assert_int_equal(at[0], NOW + 5000);
	assert_int_equal(at[1], NOW + 5000 + COST_L);
	assert_int_equal(shaper_clocks(s, SLOT).rate, NOW + 900000);
}

/*
 * Two CPUs that saw the same guarantee. Only one can have it; the other must not
 * wait for the guarantee's next slot, which for 64 KB of a small guarantee is
 * seconds away and beyond every limit, when the link would lend to it.
 */
static void test_two_cpus_guarantee(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_tree(GUARANTEED, 1, SEC);
	uint64_t at[2];

	shaper_set_class(s, SLOT,
			 &(struct qos_class_cfg){ .flags = GUARANTEED,
						  .rate_cost = NS_A_BYTE(125000),
						  .limit_ns = SEC });
	shaper_two_cpus(s, NOW, SLOT, 65536, at);
	assert_int_equal(at[0], NOW);
	assert_int_equal(at[1], NOW + 65536);				  /* the link's next slot */
	assert_int_equal(shaper_clocks(s, SLOT).rate, NOW + 8192 * MSEC); /* of one */
	assert_int_equal(shaper_clocks(s, QOS_SLOT_LINK).ceil, NOW + 2 * 65536);
}

/*
 * A class that waits behind others' 50 ms of link saves up its burst of ceiling
 * there and no more: its packets leave as far apart as the ceiling says, not at
 * the link's speed, which would be all that it may send in 50 ms at once.
 */
static void test_ceiling_behind_the_link(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s =
		open_tree(QOS_CLASS_BORROW | QOS_CLASS_CEIL, 1, SEC);
	struct packet packet;
	struct outcome out;

	packet_build(&(struct spec){ .payload = BYTES - 54 }, &packet);
	set(s, 0, 0, 50 * MSEC);
	for (uint64_t i = 0; i < 100; i++) {
		shaper_run(s, &packet, &(struct input){ 0 }, &out);
		assert_int_equal(out.tstamp, NOW + 50 * MSEC + i * COST_U);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_departures),
		cmocka_unit_test(test_no_link_rate),
		cmocka_unit_test(test_zero_rate_is_not_unlimited),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_ceiling_behind_the_link),
		cmocka_unit_test(test_two_cpus_ceiling),
		cmocka_unit_test(test_two_cpus_borrowing),
		cmocka_unit_test(test_two_cpus_guarantee),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
