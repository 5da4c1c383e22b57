// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Random traffic through the program and through the formula of model.h: the
 * same departures to the nanosecond, and of those what a shaper promises. The
 * seed of a failure is in its message.
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
#define CLASS_COUNT 6 /* slots 1 to 6, each chosen by its number as DSCP */
#define WIRE_MAX    65536

struct sent {
	int64_t at, bytes;
};

struct run {
	unsigned int seed;
	uint64_t random;
	struct model model;
	struct shaper *shaper;
	struct sent sent[CLASS_COUNT + 1][PACKETS]; /* by slot */
	size_t count[CLASS_COUNT + 1];
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

	return (struct model_rate){ ns, (int64_t)next(run, 20000) * ns, 0 };
}

/* Odd seeds have no guarantees, so that the link's rate can be held to; one in four no link. */
static void draw_model(struct run *run)
{
	bool link = run->seed % 4 != 3;

	if (link)
		run->model.link = draw_rate(run, 20);
	for (unsigned int i = 1; i <= CLASS_COUNT; i++) {
		struct model_class *c = &run->model.classes[i];

		c->limit = (int64_t)next(run, 100 * MSEC);
		c->borrows = link && next(run, 4) != 0;
		if (c->borrows && run->seed % 2 == 0 && next(run, 3) != 0)
			c->assured = draw_rate(run, 500);
		if (!c->borrows || next(run, 2))
			c->ceiling = draw_rate(run, 100);
	}
}

static struct qos_class_cfg configure(const struct model_class *c)
{
	return (struct qos_class_cfg){
		.rate_cost = NS_A_BYTE(c->assured.ns_a_byte),
		.ceil_cost = NS_A_BYTE(c->ceiling.ns_a_byte),
		.rate_burst_ns = (uint64_t)c->assured.burst,
		.ceil_burst_ns = (uint64_t)c->ceiling.burst,
		.limit_ns = (uint64_t)c->limit,
		.flags = (c->assured.ns_a_byte ? QOS_CLASS_RATE : 0U) |
			 (c->ceiling.ns_a_byte ? QOS_CLASS_CEIL : 0U) |
			 (c->borrows ? QOS_CLASS_BORROW : 0U),
		.dscp = QOS_DSCP_KEEP,
	};
}

static void open_program(struct run *run)
{
	const struct model_rate *link = &run->model.link;
	struct qos_rule rules[CLASS_COUNT];
	struct setup setup = {
		.link = { .rules = CLASS_COUNT,
			  .default_slot = 1,
			  .l2_len = 14,
			  .rate_set = link->ns_a_byte != 0 },
		.classes = { { .ceil_cost = NS_A_BYTE(link->ns_a_byte),
			       .ceil_burst_ns = (uint64_t)link->burst } },
		.rules = rules,
	};

	for (unsigned int i = 1; i <= CLASS_COUNT; i++) {
		setup.classes[i] = configure(&run->model.classes[i]);
		rules[i - 1] = rule_dscp(rule_any(i), 1ULL << i);
	}
	run->shaper = shaper_open(PROGRAM_FAKE, &setup);
}

/* One packet of wire bytes through the program; its departure. */
static int64_t send(struct run *run, unsigned int class, int64_t now, uint32_t wire)
{
	struct packet packet;
	struct outcome out;

	packet_build(&(struct spec){ .tos = TOS(class, 0) }, &packet);
	shaper_run(run->shaper, &packet, &(struct input){ .now = (uint64_t)now, .wire_len = wire },
		   &out);
	if (out.action == TC_ACT_SHOT)
		return MODEL_DROPPED;
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

static void run_packet(struct run *run, unsigned int class, int64_t now, uint32_t wire)
{
	int64_t want = model_send(&run->model, class, now, wire);
	int64_t is = send(run, class, now, wire);
	size_t n = run->count[class];

	if (is != want)
		fail_msg("seed %u, packet %zu of class %u: departs at %lld, not %lld", run->seed, n,
			 class, (long long)is, (long long)want);
	if (is == MODEL_DROPPED)
		return;
	if (n && is < run->sent[class][n - 1].at)
		fail_msg("seed %u: class %u is reordered at packet %zu", run->seed, class, n);
	run->sent[class][n] = (struct sent){ is, wire };
	run->count[class]++;
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

static void expect_ceilings(const struct run *run)
{
	for (unsigned int i = 1; i <= CLASS_COUNT; i++) {
		const struct model_rate *ceiling = &run->model.classes[i].ceiling;
		char what[32];

		if (!ceiling->ns_a_byte)
			continue;
		snprintf(what, sizeof(what), "ceiling of class %u", i);
		expect_rate(run, what, run->sent[i], run->count[i], ceiling->ns_a_byte,
			    ceiling->burst);
	}
}

static int by_time(const void *a, const void *b)
{
	const struct sent *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

/*
 * All classes together. Packets that stand behind a ceiling have a slot of the
 * link that is up to limit before they leave, and a guarantee goes before a
 * queue of up to limit: so much, and what guarantees may save up, is the slack.
 */
static void expect_link(const struct run *run)
{
	_cleanup_(freep) struct sent *all = calloc(PACKETS, sizeof(*all));
	int64_t limit = 0, saved = 0;
	size_t count = 0;

	assert_non_null(all);
	if (!run->model.link.ns_a_byte)
		return;
	for (unsigned int i = 1; i <= CLASS_COUNT; i++) {
		const struct model_class *c = &run->model.classes[i];

		memcpy(all + count, run->sent[i], run->count[i] * sizeof(*all));
		count += run->count[i];
		if (c->limit > limit)
			limit = c->limit;
		saved += WIRE_MAX;
		if (c->assured.ns_a_byte)
			saved += (c->assured.burst + c->limit) / c->assured.ns_a_byte;
	}
	qsort(all, count, sizeof(*all), by_time);
	expect_rate(run, "link", all, count, run->model.link.ns_a_byte,
		    run->model.link.burst + 2 * limit + saved * run->model.link.ns_a_byte);
}

static void run_seed(unsigned int seed)
{
	_cleanup_(freep) struct run *run = calloc(1, sizeof(*run));
	int64_t now = NOW;

	assert_non_null(run);
	run->seed = seed;
	run->random = 0x9e3779b97f4a7c15ULL * (seed + 1);
	draw_model(run);
	open_program(run);
	for (int i = 0; i < PACKETS; i++) {
		unsigned int class = 1 + (unsigned int)next(run, CLASS_COUNT);

		now += draw_pause(run);
		run_packet(run, class, now, draw_size(run));
	}
	shaper_close(run->shaper);
	expect_ceilings(run);
	expect_link(run);
}

static void test_seeds(void **state __attribute__((unused)))
{
	for (unsigned int seed = 0; seed < SEEDS; seed++)
		run_seed(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seeds),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
