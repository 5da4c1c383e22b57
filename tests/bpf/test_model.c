// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Random traffic in random trees through the program and through the formula of model.h:
 * the same departures to the nanosecond where the formula says them, the same clocks
 * everywhere, and of the departures what a shaper promises. The seed of a failure is in
 * its message.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fixture.h"
#include "model.h"
#include "rules.h"

#define SEEDS	    24
#define PACKETS	    3000
#define INNER_COUNT 2 /* slots 1 and 2 */
#define FIRST_LEAF  3
#define LEAF_COUNT  6 /* slots 3 to 8, each chosen by its number as DSCP */
#define SLOTS	    (FIRST_LEAF + LEAF_COUNT)
#define WIRE_MAX    65536
#define DROPPED	    (-1)

_Static_assert(SLOTS <= MODEL_CLASSES, "model");

struct sent {
	int64_t at, bytes;
};

struct run {
	unsigned int seed;
	uint64_t random;
	struct model model;
	struct shaper *shaper;
	struct sent sent[SLOTS][PACKETS]; /* by slot */
	size_t count[SLOTS];
	int64_t settled[SLOTS]; /* ns that a guarantee was moved on, of all the time */
	uint64_t forgotten[SLOTS][MODEL_LEVELS]; /* as of the last packet, of inner classes */
};

/* Marsaglia's xorshift64: the same numbers everywhere. */
static uint64_t next(struct run *run, uint64_t below)
{
	run->random ^= run->random << 13;
	run->random ^= run->random >> 7;
	run->random ^= run->random << 17;
	return run->random % below;
}

static struct model_rate draw_rate(struct run *run, uint64_t slowest)
{
	int64_t ns = 1 + (int64_t)next(run, slowest);

	return (struct model_rate){ ns, (int64_t)next(run, 20000) * ns, { 0 } };
}

/* The nearest one above with a ceiling. */
static unsigned int lender(const struct run *run, unsigned int class)
{
	unsigned int up = run->model.classes[class].parent;

	while (up != MODEL_NONE && !run->model.classes[up].ceiling.ns_a_byte)
		up = run->model.classes[up].parent;
	return up;
}

static void draw_leaf(struct run *run, unsigned int slot)
{
	struct model_class *c = &run->model.classes[slot];

	c->parent = (unsigned int)next(run, FIRST_LEAF);
	c->level = (unsigned int)next(run, MODEL_LEVELS);
	c->limit = (int64_t)next(run, 100 * MSEC);
	c->borrows = lender(run, slot) != MODEL_NONE && next(run, 4) != 0;
	if (c->borrows && run->seed % 2 == 0 && next(run, 3) != 0)
		c->assured = draw_rate(run, 500);
	if (!c->borrows || next(run, 2))
		c->ceiling = draw_rate(run, 100);
}

/* Odd seeds have no guarantees; one in four no link. */
static void draw_model(struct run *run)
{
	run->model.classes[QOS_SLOT_LINK].parent = MODEL_NONE;
	if (run->seed % 4 != 3)
		run->model.classes[QOS_SLOT_LINK].ceiling = draw_rate(run, 20);
	for (unsigned int slot = 1; slot <= INNER_COUNT; slot++) {
		struct model_class *c = &run->model.classes[slot];

		c->parent = (unsigned int)next(run, slot);
		if (next(run, 2))
			c->ceiling = draw_rate(run, 40);
	}
	for (unsigned int slot = FIRST_LEAF; slot < SLOTS; slot++)
		draw_leaf(run, slot);
}

static uint64_t bytes_per_second(const struct model_rate *rate)
{
	return rate->ns_a_byte ? SEC / (uint64_t)rate->ns_a_byte : 0;
}

/* All of the same weight, and no latency. */
static struct qos_class_cfg configure(const struct run *run, unsigned int slot)
{
	const struct model_class *c = &run->model.classes[slot];
	unsigned int hard = lender(run, slot);

	return (struct qos_class_cfg){
		.rate_cost = NS_A_BYTE(c->assured.ns_a_byte),
		.ceil_cost = NS_A_BYTE(c->ceiling.ns_a_byte),
		.share_cost = 1ULL << QOS_VIRTUAL_SHIFT,
		.rate_burst_ns = (uint64_t)c->assured.burst,
		.ceil_burst_ns = (uint64_t)c->ceiling.burst,
		.limit_ns = (uint64_t)c->limit,
		.rate = bytes_per_second(&c->assured),
		.ceil = bytes_per_second(&c->ceiling),
		.weight = QOS_WEIGHT_ONE,
		.weights = { QOS_WEIGHT_ONE, QOS_WEIGHT_ONE, QOS_WEIGHT_ONE },
		.flags = (c->assured.ns_a_byte ? QOS_CLASS_RATE : 0U) |
			 (c->ceiling.ns_a_byte ? QOS_CLASS_CEIL : 0U) |
			 (c->borrows ? QOS_CLASS_BORROW : 0U),
		.parent = hard == MODEL_NONE ? QOS_NO_SLOT : c->parent,
		.hard = hard == MODEL_NONE ? QOS_NO_SLOT : hard,
		.packet_bytes = WIRE_MAX,
		.dscp = QOS_DSCP_KEEP,
		.level = (uint8_t)c->level,
		.levels = (1 << MODEL_LEVELS) - 1,
		.period_shift = 22,
		.parent_shift = 22,
	};
}

static struct shaper *open_program(void)
{
	struct rule rules[LEAF_COUNT];
	const struct setup setup = {
		.link = { .rules = LEAF_COUNT, .default_slot = FIRST_LEAF, .l2_len = 14 },
		.tree = true,
		.rules = rules,
	};

	for (unsigned int i = 0; i < LEAF_COUNT; i++)
		rules[i] = rule_dscp(rule_any(FIRST_LEAF + i), 1ULL << (FIRST_LEAF + i));
	return shaper_open(PROGRAM_FAKE, &setup);
}

static void set_program(const struct run *run)
{
	for (unsigned int slot = 0; slot < SLOTS; slot++) {
		const struct qos_class_cfg cls = configure(run, slot);

		shaper_set_class(run->shaper, slot, &cls);
		shaper_set_clocks(run->shaper, slot, &(struct qos_clocks){ 0 });
	}
}

/* One packet of wire bytes through the program, as a flow that is new; its departure. */
static int64_t send_one(struct run *run, unsigned int class, int64_t now, uint32_t wire)
{
	struct packet packet;
	struct outcome out;

	shaper_forget_flows(run->shaper);
	packet_build(&(struct spec){ .tos = TOS(class, 0) }, &packet);
	shaper_run(run->shaper, &packet, &(struct input){ .now = (uint64_t)now, .wire_len = wire },
		   &out);
	if (out.action == TC_ACT_SHOT)
		return DROPPED;
	assert_int_equal(out.action, TC_ACT_UNSPEC);
	return out.tstamp ? (int64_t)out.tstamp : now;
}

/* Mostly bursts, sometimes a pause, sometimes a long one. */
static int64_t draw_pause(struct run *run)
{
	switch (next(run, 20)) {
	case 0:
		return (int64_t)next(run, 200 * MSEC);
	case 1:
	case 2:
		return (int64_t)next(run, 5 * MSEC);
	case 3:
	case 4:
	case 5:
		return (int64_t)next(run, 50000);
	default:
		return 0;
	}
}

static uint32_t draw_size(struct run *run)
{
	switch (next(run, 3)) {
	case 0:
		return 54 + (uint32_t)next(run, WIRE_MAX - 54);
	case 1:
		return 1514;
	default:
		return 60;
	}
}

/* The departure is one that the formula allows; own: by the class's guarantee. */
static void expect_departure(const struct run *run, unsigned int class, int64_t now, int64_t is,
			     bool own)
{
	struct model_range range = model_ask(&run->model, class, now);
	int64_t limit = run->model.classes[class].limit;
	bool fine = is >= range.least && is <= range.most;

	if (is == DROPPED)
		fine = range.most - now > limit;
	else if (is - now > limit || !(own ? range.own : range.borrowed))
		fine = false;
	else if (own && is != range.most)
		fine = false;
	if (!fine)
		fail_msg("seed %u, packet %zu of class %u: departs at %lld%s, not %lld to %lld",
			 run->seed, run->count[class], class, (long long)is,
			 own ? " by its guarantee" : "", (long long)range.least,
			 (long long)range.most);
}

static void expect_clock(const struct run *run, unsigned int slot, const char *clock, uint64_t is,
			 int64_t want)
{
	if ((int64_t)is != want)
		fail_msg("seed %u, slot %u: %s is at %lld, not %lld", run->seed, slot, clock,
			 (long long)is, (long long)want);
}

/*
 * Where more has left than a class has, a look may move a level's clock on, but not beyond that of
 * all levels (kern/share.h). The model goes on from there.
 */
static void settle(int64_t *clock, uint64_t is, int64_t most)
{
	if ((int64_t)is > *clock && (int64_t)is <= most)
		*clock = (int64_t)is;
}

static void settle_class(struct run *run, unsigned int slot, const struct qos_clocks *is)
{
	struct model_class *c = &run->model.classes[slot];

	if (is->over > 0)
		for (unsigned int level = 0; level < MODEL_LEVELS; level++)
			settle(&c->ceiling.clock[level], is->ceil[level],
			       c->ceiling.clock[MODEL_LEVELS - 1]);
}

/*
 * And a clock that is not idle any more has, once, what it forgot of what waits for ceilings. A
 * last byte of that may as well be forgotten for good.
 */
static void remember(struct run *run, unsigned int slot, const struct qos_clocks *is)
{
	struct model_rate *ceiling = &run->model.classes[slot].ceiling;

	for (unsigned int level = 0; level < MODEL_LEVELS; level++) {
		int64_t bytes = (int64_t)run->forgotten[slot][level];
		int64_t moved = ceiling->clock[level] + bytes * ceiling->ns_a_byte;

		run->forgotten[slot][level] = is->forgotten[level];
		if (!is->forgotten[level] && (bytes > 1 || is->ceil[level] == (uint64_t)moved))
			ceiling->clock[level] = moved;
	}
}

/*
 * The look before a packet of a class that has a queue on its guarantee may move that on too: by a
 * 16th of the time for what the class itself has borrowed, and by a 128th for what nobody else pays
 * (leaf.h). own: the packet was charged to it.
 */
static void settle_guarantee(struct run *run, unsigned int slot, int64_t now, uint32_t wire,
			     bool own)
{
	struct model_rate *a = &run->model.classes[slot].assured;
	int64_t is = (int64_t)shaper_clocks(run->shaper, slot).rate, before = a->clock[0];

	if (own)
		is -= wire * a->ns_a_byte;
	if (before <= now)
		return;
	settle(&a->clock[0], (uint64_t)is,
	       before + (now - (int64_t)NOW) * 9 / 128 - run->settled[slot]);
	run->settled[slot] += a->clock[0] - before;
}

/* All that the packet has charged, or not. */
static void expect_clocks(struct run *run, unsigned int class)
{
	for (unsigned int slot = class; slot != MODEL_NONE;
	     slot = run->model.classes[slot].parent) {
		const struct model_class *c = &run->model.classes[slot];
		struct qos_clocks clocks = shaper_clocks(run->shaper, slot);

		if (slot != class) {
			remember(run, slot, &clocks);
			settle_class(run, slot, &clocks);
		}
		expect_clock(run, slot, "A", clocks.rate, c->assured.clock[0]);
		for (unsigned int level = 0; level < MODEL_LEVELS; level++)
			expect_clock(run, slot, "U", clocks.ceil[level], c->ceiling.clock[level]);
	}
}

static void run_packet(struct run *run, unsigned int class, int64_t now, uint32_t wire)
{
	uint64_t borrowed = shaper_counters(run->shaper, class).borrowed;
	int64_t is = send_one(run, class, now, wire);
	bool own = shaper_counters(run->shaper, class).borrowed == borrowed;
	size_t n = run->count[class];

	settle_guarantee(run, class, now, wire, own && is != DROPPED);
	expect_departure(run, class, now, is, own);
	if (is != DROPPED) {
		if (n && !run->model.classes[class].borrows && is < run->sent[class][n - 1].at)
			fail_msg("seed %u: class %u is reordered at packet %zu", run->seed, class,
				 n);
		model_charge(&run->model, class, now, is, wire, own);
		run->sent[class][n] = (struct sent){ is, wire };
		run->count[class]++;
	}
	expect_clocks(run, class);
}

/*
 * In every window that starts with a packet, at most what the rate allows and
 * slack (ns) besides; the packet that ends the window has only started.
 */
static void expect_rate(const struct run *run, const char *what, const struct sent *sent,
			size_t count, int64_t ns_a_byte, int64_t slack)
{
	for (size_t i = 0; i < count; i++) {
		int64_t bytes = 0;

		for (size_t j = i + 1; j < count; j++) {
			bytes += sent[j - 1].bytes;
			if (bytes * ns_a_byte > sent[j].at - sent[i].at + slack)
				fail_msg("seed %u: %s: %lld bytes in %lld ns", run->seed, what,
					 (long long)bytes, (long long)(sent[j].at - sent[i].at));
		}
	}
}

static int by_time(const void *a, const void *b)
{
	const struct sent *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

/*
 * A borrower's departures need not be in the order of its packets (a flow's are: that is
 * not for here), so it may be the last one in the window that was charged before another.
 */
static void expect_ceilings(struct run *run)
{
	for (unsigned int slot = FIRST_LEAF; slot < SLOTS; slot++) {
		const struct model_class *c = &run->model.classes[slot];
		int64_t slack = c->ceiling.burst;
		char what[32];

		if (!c->ceiling.ns_a_byte)
			continue;
		if (c->borrows) {
			qsort(run->sent[slot], run->count[slot], sizeof(struct sent), by_time);
			slack += WIRE_MAX * c->ceiling.ns_a_byte;
		}
		snprintf(what, sizeof(what), "ceiling of class %u", slot);
		expect_rate(run, what, run->sent[slot], run->count[slot], c->ceiling.ns_a_byte,
			    slack);
	}
}

static bool is_below(const struct run *run, unsigned int slot, unsigned int above)
{
	while (slot != MODEL_NONE && slot != above)
		slot = run->model.classes[slot].parent;
	return slot == above;
}

/*
 * All classes below one together. Packets that stand behind a ceiling, or wait for their
 * share, have a slot of it that is up to limit before they leave, and a guarantee, or a
 * share, goes before a queue of up to limit: so much, and what guarantees may save up, is
 * the slack.
 */
static void expect_lender(const struct run *run, unsigned int above)
{
	_cleanup_(freep) struct sent *all = calloc(PACKETS, sizeof(*all));
	const struct model_rate *ceiling = &run->model.classes[above].ceiling;
	int64_t limit = 0, saved = 0;
	size_t count = 0;

	assert_non_null(all);
	for (unsigned int slot = FIRST_LEAF; slot < SLOTS; slot++) {
		const struct model_class *c = &run->model.classes[slot];

		if (!is_below(run, slot, above))
			continue;
		memcpy(all + count, run->sent[slot], run->count[slot] * sizeof(*all));
		count += run->count[slot];
		limit = c->limit > limit ? c->limit : limit;
		saved += WIRE_MAX;
		if (c->assured.ns_a_byte)
			saved += (c->assured.burst + c->limit) / c->assured.ns_a_byte;
		else if (!c->borrows)
			saved += (c->ceiling.burst + c->limit) / c->ceiling.ns_a_byte;
	}
	qsort(all, count, sizeof(*all), by_time);
	expect_rate(run, "lender", all, count, ceiling->ns_a_byte,
		    ceiling->burst + 3 * limit + saved * ceiling->ns_a_byte);
}

static void run_seed(struct shaper *s, unsigned int seed)
{
	_cleanup_(freep) struct run *run = calloc(1, sizeof(*run));
	int64_t now = NOW;

	assert_non_null(run);
	run->seed = seed;
	run->random = 0x9e3779b97f4a7c15ULL * (seed + 1);
	draw_model(run);
	run->shaper = s;
	set_program(run);
	for (int i = 0; i < PACKETS; i++) {
		unsigned int class = FIRST_LEAF + (unsigned int)next(run, LEAF_COUNT);

		now += draw_pause(run);
		run_packet(run, class, now, draw_size(run));
	}
	expect_ceilings(run);
	for (unsigned int slot = 0; slot <= INNER_COUNT; slot++) {
		if (run->model.classes[slot].ceiling.ns_a_byte)
			expect_lender(run, slot);
	}
}

static void test_seeds(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_program();

	for (unsigned int seed = 0; seed < SEEDS; seed++)
		run_seed(s, seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seeds),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
