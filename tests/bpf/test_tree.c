// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The clocks of a class and of those that lend to it: D = max(now, U, min(A, L)), and
 * what is charged for it. L is the latest of the ceilings on the way up, each by the
 * class's level. That is for a class that is alone; one that shares waits for its share
 * instead, in virtual time, and may leave as long before L as its queue may be. Worked out
 * by hand.
 */
#include <string.h>

#include "base/cleanup.h"
#include "fixture.h"

#define BYTES 1000
/* A packet of BYTES costs 4 µs of A, 2 of U, 1 of L. */
#define COST_A	      4000
#define COST_U	      2000
#define COST_L	      1000

#define INNER	      1 /* without a ceiling of its own */
#define HARD	      2 /* with one */
#define SLOT	      3

#define HIGH	      0
#define NORMAL	      1
#define LOW	      2

#define GUARANTEED    (QOS_CLASS_RATE | QOS_CLASS_BORROW)
#define SHARE(bytes)  ((uint64_t)(bytes) << QOS_VIRTUAL_SHIFT)
#define BYTE_A_NS     (1ULL << 32)
#define LONG_FROM_NOW (NOW + 3600 * SEC)

/* Virtual time that starts at NOW, goes a byte a ns, and is not looked at again. */
#define PACE                                                    \
	{                                                       \
		.t = NOW, .speed = BYTE_A_NS, .inv = 1ULL << 12 \
	}

#define LONGEST 60000 /* ns that any queue may be */

static struct qos_class_cfg lender(uint32_t parent, uint32_t hard)
{
	return (struct qos_class_cfg){
		.ceil_cost = NS_A_BYTE(1),
		.levels = 1 << HIGH | 1 << NORMAL | 1 << LOW,
		.period_shift = 22,
		.limit_ns = LONGEST,
		.parent = parent,
		.hard = hard,
	};
}

/* SLOT is below INNER, that below HARD, that below the link. */
static struct shaper *open_tree(void)
{
	const struct setup setup = {
		.link = { .default_slot = SLOT, .l2_len = 14 },
		.classes = {
			[QOS_SLOT_LINK] = lender(QOS_NO_SLOT, QOS_NO_SLOT),
			[HARD] = lender(QOS_SLOT_LINK, QOS_SLOT_LINK),
			[INNER] = lender(HARD, HARD),
		},
		.tree = true,
	};

	return shaper_open(PROGRAM_FAKE, &setup);
}

/* SLOT's flags, level, limit and place are cls's; below the link, unless it says. */
static void configure(struct shaper *s, struct qos_class_cfg cls)
{
	cls.rate_cost = NS_A_BYTE(4);
	cls.ceil_cost = NS_A_BYTE(2);
	cls.share_cost = SHARE(1);
	cls.weight = QOS_WEIGHT_ONE;
	cls.limit_ns = cls.limit_ns ? cls.limit_ns : SEC;
	cls.period_shift = cls.parent_shift = 22;
	cls.dscp = QOS_DSCP_KEEP;
	shaper_set_class(s, SLOT, &cls);
}

static void set_lender(struct shaper *s, uint32_t slot, const int64_t l[QOS_LEVELS])
{
	struct qos_clocks clocks = { .next = LONG_FROM_NOW, .pace = { PACE, PACE, PACE } };

	for (int level = 0; level < QOS_LEVELS; level++)
		clocks.ceil[level] = NOW + (uint64_t)l[level];
	shaper_set_clocks(s, slot, &clocks);
}

/* Others of the level wait for what the link lends. */
static void set_crowd(struct shaper *s)
{
	struct qos_clocks clocks = shaper_clocks(s, QOS_SLOT_LINK);

	clocks.pace[LOW].crowd = 2 * QOS_WEIGHT_ONE;
	clocks.contended = 1;
	shaper_put_clocks(s, QOS_SLOT_LINK, &clocks);
}

/* share: how far its finish is ahead, in bytes. */
static void set_clocks(struct shaper *s, int64_t a, int64_t u, uint64_t share)
{
	shaper_set_clocks(s, SLOT,
			  &(struct qos_clocks){ .rate = NOW + (uint64_t)a,
						.ceil = { NOW + (uint64_t)u },
						.next = LONG_FROM_NOW,
						.share = SHARE(share),
						.pace = { PACE } });
}

static int send_packet(struct shaper *s, struct outcome *out)
{
	struct packet packet;

	packet_build(&(struct spec){ .payload = BYTES - 54 }, &packet);
	return shaper_run(s, &packet, &(struct input){ 0 }, out);
}

/* Of a packet of BYTES. */
static uint64_t depart(struct shaper *s)
{
	struct outcome out;

	send_packet(s, &out);
	assert_int_equal(out.action, TC_ACT_UNSPEC);
	return out.tstamp ? out.tstamp : NOW;
}

static void expect_clock(const char *name, const char *clock, uint64_t is, int64_t want)
{
	if ((int64_t)(is - NOW) != want)
		fail_msg("%s: %s is at %lld, not %lld", name, clock, (long long)(is - NOW),
			 (long long)want);
}

static void expect_lender(struct shaper *s, const char *name, uint32_t slot,
			  const int64_t l[QOS_LEVELS])
{
	static const char *const names[] = { "L of high", "L of normal", "L of low" };
	struct qos_clocks clocks = shaper_clocks(s, slot);

	for (int level = 0; level < QOS_LEVELS; level++)
		expect_clock(name, names[level], clocks.ceil[level], l[level]);
}

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

/* Of a class that is alone, with something borrowed before: the formula, as it stands. */
static const struct tree_case cases[] = {
	{ "idle: its guarantee", GUARANTEED | QOS_CLASS_CEIL, -9000, -9000, 0, 0, COST_A, COST_U,
	  COST_L },
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
	{ "rate and ceiling the same: the link has no say, but is charged", QOS_CLASS_CEIL, -1,
	  3000, 5000, 3000, -1, 3000 + COST_U, 5000 + COST_L },
};

/*
 * A flow below its share goes ahead of the queue, and U counts its packet from then: not from when
 * the class's next one may go, which is never for a class that is left nothing.
 */
static void test_ahead_of_the_queue(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_tree();
	struct qos_clocks clocks;

	configure(s, (struct qos_class_cfg){ .flags = QOS_CLASS_BORROW | QOS_CLASS_CEIL |
						      QOS_CLASS_FAIR,
					     .level = LOW });
	set_lender(s, QOS_SLOT_LINK, (int64_t[]){ -1, -1, 10 * SEC });
	set_clocks(s, -1, 0, 1);
	clocks = shaper_clocks(s, SLOT);
	clocks.pace[0].waiting = 2;
	shaper_put_clocks(s, SLOT, &clocks);
	expect_clock("ahead of the queue", "D", depart(s), 0);
	expect_clock("ahead of the queue", "U", shaper_clocks(s, SLOT).ceil[0], COST_U);
}

static void test_departures(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_tree();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct tree_case *c = &cases[i];
		struct qos_clocks cls;

		configure(s, (struct qos_class_cfg){ .flags = c->flags, .level = LOW });
		set_lender(s, QOS_SLOT_LINK, (int64_t[]){ -1, -1, c->l });
		set_clocks(s, c->a, c->u, 1);
		expect_clock(c->name, "D", depart(s), c->at);
		cls = shaper_clocks(s, SLOT);
		expect_clock(c->name, "A", cls.rate, c->after_a);
		expect_clock(c->name, "U", cls.ceil[0], c->after_u);
		expect_clock(c->name, "L", shaper_clocks(s, QOS_SLOT_LINK).ceil[LOW], c->after_l);
	}
}

/* A borrower waits on the clock of its level and charges those that give way to it. */
static void test_levels(void **state __attribute__((unused)))
{
	static const int64_t before[QOS_LEVELS] = { 2000, 5000, 9000 };
	static const struct {
		const char *name;
		uint32_t flags;
		uint8_t level;
		int64_t a, at, after[QOS_LEVELS];
		/* clang-format off */
	} levels[] = {
		{ "high waits for high", QOS_CLASS_BORROW, HIGH, 0, 2000, { 3000, 6000, 10000 } },
		{ "normal", QOS_CLASS_BORROW, NORMAL, 0, 5000, { 2000, 6000, 10000 } },
		{ "low waits for all", QOS_CLASS_BORROW, LOW, 0, 9000, { 2000, 5000, 10000 } },
		{ "a guarantee goes first", GUARANTEED, LOW, 1000, 1000, { 3000, 6000, 10000 } },
		{ "all guaranteed", QOS_CLASS_CEIL, LOW, 0, 0, { 3000, 6000, 10000 } },
	};
	/* clang-format on */
	_cleanup_(shaper_closep) struct shaper *s = open_tree();

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		configure(s, (struct qos_class_cfg){ .flags = levels[i].flags,
						     .level = levels[i].level });
		set_lender(s, QOS_SLOT_LINK, before);
		set_clocks(s, levels[i].a, 0, 1);
		expect_clock(levels[i].name, "D", depart(s), levels[i].at);
		expect_lender(s, levels[i].name, QOS_SLOT_LINK, levels[i].after);
	}
}

/* A level that no class below has is not kept. */
static void test_levels_in_use(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_tree();
	struct qos_class_cfg link = lender(QOS_NO_SLOT, QOS_NO_SLOT);

	configure(s, (struct qos_class_cfg){ .flags = QOS_CLASS_BORROW, .level = HIGH });
	link.levels = 1 << HIGH | 1 << LOW;
	shaper_set_class(s, QOS_SLOT_LINK, &link);
	set_lender(s, QOS_SLOT_LINK, (int64_t[]){ 0, 0, 0 });
	set_clocks(s, 0, 0, 0);
	depart(s);
	expect_lender(s, "two levels", QOS_SLOT_LINK, (int64_t[]){ COST_L, 0, COST_L });
}

/* Every ceiling on the way up is asked and charged; what has none is neither. */
static void test_chain(void **state __attribute__((unused)))
{
	static const struct {
		const char *name;
		int64_t hard, link, at;
	} chains[] = {
		{ "the nearest holds", LONGEST + 3000, LONGEST + 1000, 3000 },
		{ "the link holds", LONGEST + 1000, LONGEST + 3000, 3000 },
		{ "none holds", -1, -1, 0 },
	};
	_cleanup_(shaper_closep) struct shaper *s = open_tree();

	configure(s,
		  (struct qos_class_cfg){
			  .flags = QOS_CLASS_BORROW, .level = LOW, .parent = INNER, .hard = HARD });
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		const int64_t hard = chains[i].hard, link = chains[i].link;

		set_lender(s, QOS_SLOT_LINK, (int64_t[]){ 0, 0, link });
		set_lender(s, HARD, (int64_t[]){ 0, 0, hard });
		set_lender(s, INNER, (int64_t[]){ 0, 0, 90000 });
		set_clocks(s, 0, 0, 0);
		expect_clock(chains[i].name, "D", depart(s), chains[i].at);
		expect_lender(s, "the link", QOS_SLOT_LINK,
			      (int64_t[]){ 0, 0, (link < 0 ? 0 : link) + COST_L });
		expect_lender(s, "above", HARD,
			      (int64_t[]){ 0, 0, (hard < 0 ? 0 : hard) + COST_L });
		expect_lender(s, "between", INNER, (int64_t[]){ 0, 0, 90000 });
	}
}

/* With others that wait: as its share is, and not longer before L than any queue may be. */
static void test_sharing(void **state __attribute__((unused)))
{
	static const struct {
		const char *name;
		int64_t l;
		uint64_t share; /* bytes, and ns, that it is ahead of virtual time */
		int64_t at;
		uint64_t after;
	} sharing[] = {
		{ "nobody waits for L", 0, 0, 0, BYTES },
		{ "below its share", 50000, 0, 0, BYTES },
		{ "above it", 50000, 10000, 10000, 10000 + BYTES },
		{ "above it, by more than L", 50000, 60000, 60000, 60000 + BYTES },
		{ "L is farther than any limit", 90000, 0, 30000, BYTES },
		{ "the same, and above its share", 90000, 10000, 30000, 10000 + BYTES },
		{ "the same, by more", 90000, 40000, 40000, 40000 + BYTES },
	};
	_cleanup_(shaper_closep) struct shaper *s = open_tree();

	configure(s, (struct qos_class_cfg){ .flags = QOS_CLASS_BORROW, .level = LOW });
	for (size_t i = 0; i < ARRAY_SIZE(sharing); i++) {
		set_lender(s, QOS_SLOT_LINK, (int64_t[]){ 0, 0, sharing[i].l });
		set_crowd(s);
		set_clocks(s, 0, 0, sharing[i].share);
		expect_clock(sharing[i].name, "D", depart(s), sharing[i].at);
		assert_int_equal(shaper_clocks(s, SLOT).share, SHARE(sharing[i].after));
	}
}

/* A guarantee is no borrowing, and does not count against the share. */
static void test_guarantee_is_no_share(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_tree();

	configure(s, (struct qos_class_cfg){ .flags = GUARANTEED, .level = LOW });
	set_lender(s, QOS_SLOT_LINK, (int64_t[]){ 0, 0, 50000 });
	set_crowd(s);
	set_clocks(s, 0, 0, 3000);
	assert_int_equal(depart(s), NOW);
	assert_int_equal(shaper_clocks(s, SLOT).share, SHARE(3000));
	assert_int_equal(shaper_clocks(s, SLOT).sent_rate, BYTES);
	assert_int_equal(shaper_clocks(s, SLOT).sent_share, 0);
	assert_int_equal(shaper_counters(s, SLOT).borrowed, 0);
	/* A is at 4000 now, its share before it */
	assert_int_equal(depart(s), NOW + 3000);
	assert_int_equal(shaper_clocks(s, SLOT).share, SHARE(3000 + BYTES));
	assert_int_equal(shaper_clocks(s, SLOT).sent_share, BYTES);
	assert_int_equal(shaper_counters(s, SLOT).borrowed, BYTES);
}

/* No link rate: nothing waits for the link's clock, and nothing moves it. */
static void test_no_link_rate(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_tree();
	const int64_t far[] = { 500000, 500000, 500000 };

	configure(s, (struct qos_class_cfg){
			     .flags = QOS_CLASS_CEIL, .parent = QOS_NO_SLOT, .hard = QOS_NO_SLOT });
	set_lender(s, QOS_SLOT_LINK, far);
	set_clocks(s, -1, 3000, 0);
	assert_int_equal(depart(s), NOW + 3000);
	expect_lender(s, "no link rate", QOS_SLOT_LINK, far);
}

/* A class that is guaranteed nothing gets what the link has, not everything. */
static void test_zero_rate_is_not_unlimited(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_tree();

	configure(s, (struct qos_class_cfg){ .flags = QOS_CLASS_BORROW, .level = LOW });
	set_lender(s, QOS_SLOT_LINK, (int64_t[]){ 0, 0, 0 });
	set_clocks(s, 0, 0, 1);
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(depart(s), NOW + i * COST_L);
}

/* Where a class is on its parent's wheel, and the wheel of the link. */
static void forget_place(struct qos_clocks *link, struct qos_clocks *clocks)
{
	memset(link->pace[LOW].wheel, 0, sizeof(link->pace[LOW].wheel));
	clocks->until = 0;
	clocks->since = 0;
	clocks->weight = 0;
}

/* What is dropped has cost nobody anything; but its class waits, as if it had passed. */
static void test_drop(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_tree();
	struct qos_clocks before[2], after[2];

	configure(s, (struct qos_class_cfg){ .flags = GUARANTEED | QOS_CLASS_CEIL,
					     .level = LOW,
					     .limit_ns = 4999 });
	set_lender(s, QOS_SLOT_LINK, (int64_t[]){ 0, 0, 5000 });
	set_clocks(s, 9000, 6000, 1);
	before[0] = shaper_clocks(s, QOS_SLOT_LINK);
	before[1] = shaper_clocks(s, SLOT);
	assert_int_equal(send_packet(s, NULL), TC_ACT_SHOT);
	shaper_expect(s, "over the limit", SLOT, QOS_DROP_LIMIT);
	after[0] = shaper_clocks(s, QOS_SLOT_LINK);
	after[1] = shaper_clocks(s, SLOT);
	assert_int_not_equal(after[1].until, before[1].until);
	forget_place(&before[0], &before[1]);
	forget_place(&after[0], &after[1]);
	assert_memory_equal(before, after, sizeof(before));
}

/*
 * A class that waits behind others' 50 ms of link saves up its burst of ceiling
 * there and no more: its packets leave as far apart as the ceiling says, not at
 * the link's speed, which would be all that it may send in 50 ms at once.
 */
static void test_ceiling_behind_the_link(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_tree();

	configure(s, (struct qos_class_cfg){ .flags = QOS_CLASS_BORROW | QOS_CLASS_CEIL,
					     .level = LOW });
	set_lender(s, QOS_SLOT_LINK, (int64_t[]){ 0, 0, 50 * MSEC });
	set_clocks(s, 0, 0, 1);
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(depart(s), NOW + 50 * MSEC + i * COST_U);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_departures),
		cmocka_unit_test(test_ahead_of_the_queue),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_levels_in_use),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_sharing),
		cmocka_unit_test(test_guarantee_is_no_share),
		cmocka_unit_test(test_no_link_rate),
		cmocka_unit_test(test_zero_rate_is_not_unlimited),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_ceiling_behind_the_link),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
