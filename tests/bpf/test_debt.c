// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a look does to the clocks of who owes: a leaf pays with its guarantee for what it borrowed
 * beyond its share, and at another weight or ceiling what is owed is the same bytes. By hand.
 */
#include "base/cleanup.h"
#include "fixture.h"

#define SLOT	     1
#define SHIFT	     22
#define PERIOD	     (1ULL << SHIFT)
#define SHARE(bytes) ((uint64_t)(bytes) << QOS_VIRTUAL_SHIFT)
/* What a 16th of a period is of the guarantee, 0.25 bytes a ns, in the units of bytes_in() */
#define A_16TH_NS    (PERIOD / 16)
#define A_16TH_BYTES (A_16TH_NS / 4)

struct debt {
	const char *name;
	enum qos_mode mode;
	uint64_t owes; /* bytes that its finish is ahead */
	int64_t rate,
		borrowed;  /* from NOW: the guarantee's clock; the last departure on borrowing */
	uint64_t pays;	   /* bytes of the guarantee, */
	uint64_t forgiven; /* and for nothing */
};

/* A leaf below a link of a byte a ns, of which it has a quarter; packets are up to 1,000 bytes. */
static struct shaper *open_leaf(enum qos_mode mode)
{
	const struct setup setup = {
		.link = { .default_slot = SLOT, .l2_len = 14, .mode = mode },
		.classes = {
			[QOS_SLOT_LINK] = {
				.ceil_cost = NS_A_BYTE(1),
				.ceil = SEC,
				.flags = QOS_CLASS_CEIL,
				.levels = 1 << 0,
				.period_shift = SHIFT,
				.parent = QOS_NO_SLOT,
				.hard = QOS_NO_SLOT,
			},
			[SLOT] = {
				.rate_cost = NS_A_BYTE(4),
				.rate = SEC / 4,
				.share_cost = SHARE(1),
				.weight = QOS_WEIGHT_ONE,
				.limit_ns = 10 * MSEC,
				.packet_bytes = 1000,
				.flags = QOS_CLASS_RATE | QOS_CLASS_BORROW,
				.period_shift = SHIFT,
				.parent_shift = SHIFT,
				.parent = QOS_SLOT_LINK,
				.hard = QOS_SLOT_LINK,
				.dscp = QOS_DSCP_KEEP,
			},
		},
		.tree = true,
	};

	return shaper_open(PROGRAM_FAKE, &setup);
}

/* A packet that is dropped charges nothing: what changes is the look's. */
static void look(struct shaper *s)
{
	struct packet packet;

	packet_build(&(struct spec){ .payload = 946 }, &packet);
	shaper_run(s, &packet, &(struct input){ 0 }, NULL);
}

/* Virtual time hardly goes: who borrows waits longer than his queue may be. */
static void put_clocks(const struct shaper *s, const struct debt *debt)
{
	const struct qos_pace slow = { .t = NOW - PERIOD, .speed = 1, .inv = 1ULL << 44 };
	struct qos_clocks link = { .next = NOW + SEC,
				   .ceil = { NOW + 20 * MSEC },
				   .pace = { slow } };
	const struct qos_clocks leaf = {
		.rate = NOW + (uint64_t)debt->rate,
		.share = SHARE(debt->owes),
		.borrowed_until = NOW + (uint64_t)debt->borrowed,
		.share_cost = SHARE(1),
		.next = NOW,
		.pace = { slow },
	};

	link.pace[0].crowd = 2 * QOS_WEIGHT_ONE;
	link.contended = 1;
	shaper_set_clocks(s, QOS_SLOT_LINK, &link);
	shaper_set_clocks(s, SLOT, &leaf);
}

static void run_debt(const struct debt *debt)
{
	_cleanup_(shaper_closep) struct shaper *s = open_leaf(debt->mode);
	struct qos_clocks is;
	uint64_t paid, left;

	put_clocks(s, debt);
	look(s);
	is = shaper_clocks(s, SLOT);
	paid = is.rate - (NOW + (uint64_t)debt->rate);
	left = is.share >> QOS_VIRTUAL_SHIFT;
	/* rates are followed in steps of a 1,000th; bytes are whole ones */
	if (paid > 4 * debt->pays || paid + 4 * (debt->pays / 500 + 1) < 4 * debt->pays)
		fail_msg("%s: %llu ns of the guarantee, not %llu", debt->name,
			 (unsigned long long)paid, (unsigned long long)(4 * debt->pays));
	if (left + paid / 4 + debt->forgiven > debt->owes + debt->owes / 100 ||
	    left + paid / 4 + debt->forgiven + debt->owes / 100 < debt->owes)
		fail_msg("%s: still owes %llu bytes of %llu", debt->name, (unsigned long long)left,
			 (unsigned long long)debt->owes);
}

#define QUEUED (20 * MSEC)
#define LEFT   (-MSEC)

static void test_guarantee_pays(void **state __attribute__((unused)))
{
	static const struct debt debts[] = {
		{ "it owes", QOS_MODE_FQ, 1000000, QUEUED, LEFT, A_16TH_BYTES, 0 },
		{ "little", QOS_MODE_FQ, 1000 + 400, QUEUED, LEFT, 400, 0 },
		{ "a packet", QOS_MODE_FQ, 1000, QUEUED, LEFT, 0, 0 },
		{ "it has not left yet", QOS_MODE_FQ, 1000000, QUEUED, MSEC, 0, 0 },
		/* 10 ms of the link is the longest queue */
		{ "more than a queue", QOS_MODE_FQ, 30000000, QUEUED, LEFT, A_16TH_BYTES,
		  30000000 - 1000 - 10000000 },
		{ "a policer", QOS_MODE_POLICE, 1000000, QUEUED, LEFT, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(debts); i++)
		run_debt(&debts[i]);
}

/* Worth more, it owes the same bytes; worth less, what it had queued leaves as it was stamped. */
static void test_weight(void **state __attribute__((unused)))
{
	static const struct {
		uint64_t was, owes;
	} cases[] = { { SHARE(4), 1000000 / 4 }, { SHARE(1), 1000000 }, { SHARE(1) / 4, 1000000 } };
	const struct debt debt = { .owes = 1000000, .rate = QUEUED, .borrowed = MSEC };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(shaper_closep) struct shaper *s = open_leaf(QOS_MODE_FQ);
		struct qos_clocks clocks;
		uint64_t owes;

		put_clocks(s, &debt);
		clocks = shaper_clocks(s, SLOT);
		clocks.share_cost = cases[i].was;
		shaper_put_clocks(s, SLOT, &clocks);
		look(s);
		owes = shaper_clocks(s, SLOT).share >> QOS_VIRTUAL_SHIFT;
		assert_in_range(owes, cases[i].owes - 1, cases[i].owes + 1);
	}
}

/*
 * So it is of a ceiling's clock. Of what it is ahead where the ceiling is lower now, no more than
 * it was at the last looks: the rest was charged since, at the new cost.
 */
static void test_ceiling(void **state __attribute__((unused)))
{
	static const struct {
		uint64_t was;
		int64_t ahead, beyond, then;
	} cases[] = { { NS_A_BYTE(4), QUEUED, 0, QUEUED / 4 },
		      { NS_A_BYTE(4), 8 * SEC, 0, 2 * SEC },
		      { NS_A_BYTE(1), QUEUED, QUEUED, QUEUED },
		      { NS_A_BYTE(1) / 4, QUEUED, 4 * QUEUED, 4 * QUEUED },
		      { NS_A_BYTE(1) / 4, QUEUED, 8 * QUEUED, 4 * QUEUED },
		      { NS_A_BYTE(1) / 4, QUEUED, 4 * MSEC, QUEUED + 3 * MSEC },
		      { NS_A_BYTE(1) / 4, QUEUED, 0, QUEUED } };
	const struct debt debt = { .rate = QUEUED, .borrowed = MSEC };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(shaper_closep) struct shaper *s = open_leaf(QOS_MODE_FQ);
		struct qos_clocks clocks;

		put_clocks(s, &debt);
		clocks = shaper_clocks(s, QOS_SLOT_LINK);
		clocks.ceil[0] = NOW + (uint64_t)cases[i].ahead;
		clocks.beyond[0] = (uint64_t)cases[i].beyond;
		clocks.ceil_cost = cases[i].was;
		clocks.next = NOW;
		shaper_put_clocks(s, QOS_SLOT_LINK, &clocks);
		look(s);
		assert_in_range(shaper_clocks(s, QOS_SLOT_LINK).ceil[0] - NOW,
				cases[i].then - cases[i].then / 1000,
				cases[i].then + cases[i].then / 1000);
	}
}

/* What is far behind virtual time is not ahead of it where that has gone round meanwhile. */
static void test_stale_finish(void **state __attribute__((unused)))
{
	static const uint64_t owed = SHARE(1000000);
	static const struct {
		const char *name;
		uint64_t silent, share, then;
	} cases[] = {
		{ "it sends", PERIOD, owed, owed },
		{ "for 10 s it did not", 10 * SEC, owed, owed },
		{ "for long it did not", 20 * SEC, owed, 0 },
		{ "virtual time has gone round", 20 * SEC, 1ULL << 51, 0 },
		{ "it borrowed nothing", PERIOD, -owed, -owed },
		{ "for long it borrowed nothing", PERIOD, -(1ULL << 60), 0 },
	};
	const struct debt debt = { .rate = -MSEC, .borrowed = -MSEC };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(shaper_closep) struct shaper *s = open_leaf(QOS_MODE_FQ);
		struct qos_clocks clocks;

		put_clocks(s, &debt);
		clocks = shaper_clocks(s, SLOT);
		clocks.share = cases[i].share;
		clocks.pace[0].t = NOW - cases[i].silent;
		shaper_put_clocks(s, SLOT, &clocks);
		look(s);
		clocks = shaper_clocks(s, SLOT);
		/* virtual time has gone on by little */
		if (clocks.share - cases[i].then > SHARE(1))
			fail_msg("%s: its finish is %lld bytes ahead", cases[i].name,
				 (long long)clocks.share >> QOS_VIRTUAL_SHIFT);
	}
}

#define PLACE(slot, level) (((slot) << 2 | (level)) + 1)

/*
 * Below another parent, or of another priority, what its finish says is nothing, nor the turn of
 * the wheel that it was on; where it was is not known of one that is looked at first.
 */
static void test_moved(void **state __attribute__((unused)))
{
	static const struct {
		uint64_t was, owes;
	} cases[] = { { 0, 1000000 },
		      { PLACE(QOS_SLOT_LINK, 0), 1000000 },
		      { PLACE(QOS_SLOT_LINK, 1), 0 },
		      { PLACE(2, 0), 0 } };
	const struct debt debt = { .owes = 1000000, .rate = QUEUED, .borrowed = MSEC };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(shaper_closep) struct shaper *s = open_leaf(QOS_MODE_FQ);
		struct qos_clocks clocks;
		int turns;

		put_clocks(s, &debt);
		clocks = shaper_clocks(s, SLOT);
		clocks.place = cases[i].was;
		clocks.until = (NOW >> SHIFT) + 2;
		shaper_put_clocks(s, SLOT, &clocks);
		look(s);
		clocks = shaper_clocks(s, SLOT);
		assert_in_range(clocks.share >> QOS_VIRTUAL_SHIFT, cases[i].owes,
				cases[i].owes + 1);
		assert_int_equal(clocks.place, PLACE(QOS_SLOT_LINK, 0));
		/* it goes on waiting, or is on no wheel: in a turn that is over */
		turns = (int)(clocks.until - (uint32_t)(NOW >> SHIFT));
		if (cases[i].owes ? turns < 2 : turns != -1)
			fail_msg("on the wheel for %d turns", turns);
	}
}

/* A CPU that was held up looks when another one has, at a later time: that pays and counts nothing.
 */
static void test_late_look(void **state __attribute__((unused)))
{
	const struct debt debt = { .owes = 1000000, .rate = QUEUED, .borrowed = LEFT };
	_cleanup_(shaper_closep) struct shaper *s = open_leaf(QOS_MODE_FQ);
	struct qos_clocks link, leaf;

	put_clocks(s, &debt);
	leaf = shaper_clocks(s, SLOT);
	leaf.pace[0].t = NOW + MSEC;
	shaper_put_clocks(s, SLOT, &leaf);
	link = shaper_clocks(s, QOS_SLOT_LINK);
	link.next = NOW;
	link.over = 1000000;
	link.late.guaranteed = 10;
	link.pace[0].t = NOW + MSEC;
	shaper_put_clocks(s, QOS_SLOT_LINK, &link);
	look(s);
	leaf = shaper_clocks(s, SLOT);
	assert_int_equal(leaf.rate, NOW + QUEUED);
	assert_int_equal(leaf.share, SHARE(1000000));
	link = shaper_clocks(s, QOS_SLOT_LINK);
	assert_int_equal(link.late.guaranteed, 10);
	assert_int_equal(link.sent_rate, 0);
	assert_int_equal(link.pace[0].t, NOW + MSEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guarantee_pays), cmocka_unit_test(test_weight),
		cmocka_unit_test(test_ceiling),	       cmocka_unit_test(test_stale_finish),
		cmocka_unit_test(test_moved),	       cmocka_unit_test(test_late_look),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
