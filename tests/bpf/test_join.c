// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Shares that change: who comes has his guarantee within 20 ms and his share within 200 ms, and so
 * has everybody when rates or weights change under him.
 */
#include <math.h>

#include "base/cleanup.h"
#include "ideal.h"
#include "model/policy.h"
#include "share.h"
#include "sim.h"

#define JOIN  (1500 * MSEC)
#define LEAVE (2500 * MSEC)

/*
 * How late a guarantee was at worst: the least T for which t ms after span.from brought
 * rate * (t - T), in ms. The latency of the service curve (Le Boudec, Network Calculus, 1.3).
 */
static double lateness(const struct sim *sim, const char *class, double rate, struct span span)
{
	struct flows flows = sim_flows(sim, class);
	double sent = 0, worst = 0;

	for (uint64_t at = span.from; at < span.to; at += MSEC) {
		worst = fmax(worst, (double)(at - span.from) / (double)MSEC - sent);
		sent += sim_rate(sim, flows, (struct span){ at, at + MSEC }) / rate;
	}
	return worst;
}

/*
 * who joins the other one, and leaves again. At first it may have more than its share: what the
 * other had sent ahead. Both together never have more than the link.
 */
static void run_join(const struct source *who, const struct source *other, double guarantee,
		     double share)
{
	_cleanup_(sim_closep) struct sim *sim = sim_open(PAIR, 0);
	const struct span there = { JOIN, LEAVE }, soon = { JOIN + 200 * MSEC, LEAVE };
	struct source source = *who;
	double late, is;

	source.start = JOIN;
	source.stop = LEAVE;
	sim_add(sim, other);
	sim_add(sim, &source);
	sim_run(sim, LEAVE + SEC);
	late = lateness(sim, who->class, guarantee, there);
	if (late > 20)
		fail_msg("%s has its guarantee %.1f ms late", who->class, late);
	for (uint64_t at = soon.from; at + 200 * MSEC <= soon.to; at += 100 * MSEC) {
		is = sim_rate(sim, sim_flows(sim, who->class),
			      (struct span){ at, at + 200 * MSEC });
		if (is < (1 - SHARE_ERROR) * share ||
		    (at > soon.from && is > (1 + SHARE_ERROR) * share))
			fail_msg("%s has %.2f Mbit/s, %u ms after it came", who->class, is / MBIT,
				 (unsigned int)((at - JOIN) / MSEC));
	}
	is = sim_rate(sim, sim_flows(sim, who->class), soon) +
	     sim_rate(sim, sim_flows(sim, other->class), soon);
	if (is > MOST_USE * 100 * MBIT)
		fail_msg("%.2f Mbit/s of the link are used", is / MBIT);
	/* and all is the other's again */
	is = sim_rate(sim, sim_flows(sim, other->class),
		      (struct span){ LEAVE + 200 * MSEC, LEAVE + SEC });
	if (is < LEAST_USE * 100 * MBIT || is > MOST_USE * 100 * MBIT)
		fail_msg("%s has %.2f Mbit/s of what %s left", other->class, is / MBIT, who->class);
}

#define WINDOW .kind = SOURCE_WINDOW, .bytes = 2 * SIM_FRAME, .window = 8
static const struct source window_x = { .class = "x", WINDOW };
static const struct source window_y = { .class = "y", WINDOW };
static const struct source udp_x = { .class = "x", .kind = SOURCE_CONSTANT, .rate = 200 * MBIT };
static const struct source udp_y = { .class = "y", .kind = SOURCE_CONSTANT, .rate = 200 * MBIT };

static void test_smaller_joins(void **state __attribute__((unused)))
{
	run_join(&window_x, &window_y, 10 * MBIT, 25 * MBIT);
}

static void test_larger_joins(void **state __attribute__((unused)))
{
	run_join(&window_y, &window_x, 30 * MBIT, 75 * MBIT);
}

static void test_joins_a_flood(void **state __attribute__((unused)))
{
	run_join(&window_y, &udp_x, 30 * MBIT, 75 * MBIT);
}

static void test_flood_joins(void **state __attribute__((unused)))
{
	run_join(&udp_y, &window_x, 30 * MBIT, 75 * MBIT);
}

/* most: of his share, what nobody may have more than; INFINITY: who sent ahead keeps it. */
static void expect_within(const struct sim *sim, const double share[CLASSES], struct span span,
			  double most)
{
	const struct qos_policy *policy = sim_policy(sim);

	for (size_t i = 0; i < policy->class_count; i++) {
		struct flows flows = sim_flows(sim, policy->classes[i].name);
		double is = sim_rate(sim, flows, span);

		if (flows.count && (is < (1 - SHARE_ERROR) * share[i] || is > most * share[i]))
			fail_msg("%s has %.2f Mbit/s from %u to %u ms, not %.2f",
				 policy->classes[i].name, is / MBIT,
				 (unsigned int)(span.from / MSEC), (unsigned int)(span.to / MSEC),
				 share[i] / MBIT);
	}
}

static void expect_shares(const struct sim *sim, const double share[CLASSES], struct span span)
{
	expect_within(sim, share, span, 1 + SHARE_ERROR);
}

/*
 * All that a tree has come at once, and all of the link is guaranteed: what anybody sends beyond
 * his share at first is taken from the one that borrows.
 */
static void run_all_wake(enum source_kind kind)
{
	static const struct {
		const char *class;
		unsigned int flows;
	} loads[] = { { "a1", 4 }, { "a2", 1 }, { "b1", 1 }, { "b21", 8 } };
	_cleanup_(sim_closep) struct sim *sim = sim_open(THREE_LEVELS, 0);
	double demand[CLASSES] = { 0 }, share[CLASSES] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		struct source source = { .class = loads[i].class, .kind = kind };

		if (kind == SOURCE_WINDOW) {
			source.bytes = 2 * SIM_FRAME;
			source.window = 4;
		}
		demand[sim_slot(sim, source.class) - 1] = IDEAL_GREEDY;
		for (unsigned int n = 0; n < loads[i].flows; n++) {
			source.start = (1 + n) * MSEC / 8;
			sim_add(sim, &source);
		}
	}
	ideal_shares(sim_policy(sim), demand, share);
	sim_run(sim, 2 * SEC);
	/* what one sent ahead when all woke he pays back, and no more than that */
	expect_within(sim, share, (struct span){ 0, 200 * MSEC }, INFINITY);
	expect_within(sim, share, (struct span){ 0, 400 * MSEC }, INFINITY);
	for (uint64_t at = 400 * MSEC; at < 2 * SEC; at += 200 * MSEC)
		expect_shares(sim, share, (struct span){ at, at + 200 * MSEC });
	expect_shares(sim, share, (struct span){ 0, 2 * SEC });
}

static void test_all_wake(void **state __attribute__((unused)))
{
	run_all_wake(SOURCE_WINDOW);
}

static void test_all_wake_tcp(void **state __attribute__((unused)))
{
	run_all_wake(SOURCE_TCP);
}

/*
 * What many flows send as they begin comes within a moment, before it is known how many they are.
 * What of it leaves beyond the share is paid back soon, and no more than that, whether another
 * class is there from the first or comes when all of it has its stamps.
 */
static void run_begin_together(uint64_t late)
{
	_cleanup_(sim_closep) struct sim *sim = sim_open(PAIR, 0);
	static const double share[CLASSES] = { 25 * MBIT, 75 * MBIT };
	struct source y = window_y;
	double is;

	y.start = late;
	for (unsigned int i = 0; i < 32; i++)
		sim_add(sim, &(struct source){ .class = "x", .kind = SOURCE_TCP, .window = 10 });
	sim_add(sim, &y);
	sim_run(sim, 2 * SEC);
	is = sim_rate(sim, sim_flows(sim, "x"), (struct span){ 200 * MSEC, 400 * MSEC });
	if (is < 10 * MBIT)
		fail_msg("x has %.2f Mbit/s, less than its guarantee, when y comes %u ms later",
			 is / MBIT, (unsigned int)(late / MSEC));
	for (uint64_t at = 800 * MSEC; at < 2 * SEC; at += 200 * MSEC)
		expect_shares(sim, share, (struct span){ at, at + 200 * MSEC });
	is = sim_rate(sim, sim_flows(sim, "x"), (struct span){ 800 * MSEC, 2 * SEC });
	if (is < 0.98 * share[0])
		fail_msg("x still pays back: it has %.2f Mbit/s", is / MBIT);
}

static void test_begin_together(void **state __attribute__((unused)))
{
	run_begin_together(0);
	run_begin_together(7 * MSEC);
}

/*
 * The first looks at a link that was idle come sooner, and only these: not where another CPU has
 * just looked, at a time that is later than this one's.
 */
static void test_first_looks(void **state __attribute__((unused)))
{
	_cleanup_(sim_closep) struct sim *sim = sim_open(PAIR, 0);
	const struct shaper *shaper = sim_shaper(sim);
	struct qos_clocks link;

	sim_add(sim, &window_x);
	sim_run(sim, MSEC / 2);
	assert_in_range(shaper_clocks(shaper, QOS_SLOT_LINK).soon, 1, 10);
	sim_run(sim, 50 * MSEC);
	link = shaper_clocks(shaper, QOS_SLOT_LINK);
	assert_int_equal(link.soon, 0);
	link.pace[0].t = NOW + 60 * MSEC;
	shaper_put_clocks(shaper, QOS_SLOT_LINK, &link);
	sim_run(sim, 55 * MSEC);
	assert_int_equal(shaper_clocks(shaper, QOS_SLOT_LINK).soon, 0);
}

/* Queues of 120 ms hide for as long what the speed does; it settles without going far beyond. */
static void test_floods_wake(void **state __attribute__((unused)))
{
	_cleanup_(sim_closep) struct sim *sim = sim_open(PAIR, 0);
	static const double share[CLASSES] = { 25 * MBIT, 75 * MBIT };

	sim_add(sim, &udp_x);
	sim_add(sim, &udp_y);
	sim_run(sim, 2 * SEC);
	for (uint64_t at = 200 * MSEC; at < 2 * SEC; at += 200 * MSEC) {
		const struct span span = { at, at + 200 * MSEC };
		double all = sim_rate(sim, sim_flows(sim, "x"), span) +
			     sim_rate(sim, sim_flows(sim, "y"), span);

		expect_shares(sim, share, span);
		if (all < LEAST_USE * 100 * MBIT || all > MOST_USE * 100 * MBIT)
			fail_msg("%.2f Mbit/s of the link are used from %u ms on", all / MBIT,
				 (unsigned int)(at / MSEC));
	}
}

/* When the second one begins: nothing of what is asked may hang on where the looks fall. */
static void run_at_phases(void (*run)(uint64_t phase))
{
	static const uint64_t phases[] = { 0, 700000, 1500000, 2300000, 5 * MSEC, 9 * MSEC };

	for (size_t i = 0; i < ARRAY_SIZE(phases); i++)
		run(phases[i]);
}

/*
 * At another rate virtual time has another unit; nobody has to wait for that. What leaves at the
 * old rate until the next look, 4 ms of a gigabit, is 200 ms of the slow link, and paid for first.
 */
static void run_units(uint64_t phase)
{
	static const char *const policies[] = { OUTWEIGHED("1gbit"), OUTWEIGHED("20mbit") };
	_cleanup_(sim_closep) struct sim *sim = sim_open(policies[0], 0);

	sim_add(sim, &(struct source){ .class = "x", WINDOW });
	sim_add(sim, &(struct source){ .class = "y", WINDOW, .start = phase });
	for (uint64_t i = 0; i < 6; i++) {
		const struct span soon = { i * 2 * SEC + 1200 * MSEC, (i + 1) * 2 * SEC };
		double rate = i & 1 ? 20 * MBIT : 1000 * MBIT, is_x, is_y;

		sim_change(sim, policies[i & 1]);
		sim_run(sim, soon.to);
		is_x = sim_rate(sim, sim_flows(sim, "x"), soon) / (rate / 4);
		is_y = sim_rate(sim, sim_flows(sim, "y"), soon) / (rate * 3 / 4);
		if (fabs(is_x - 1) > SHARE_ERROR || fabs(is_y - 1) > SHARE_ERROR)
			fail_msg("at %.0f Mbit/s, change %u: %.2f and %.2f of what they ought to "
				 "have",
				 rate / MBIT, (unsigned int)i, is_x, is_y);
	}
}

static void test_unit_changes(void **state __attribute__((unused)))
{
	run_at_phases(run_units);
}

#define WEIGHTS(x, y)                                     \
	"link: { rate: 100mbit }\ndefault: x\nclasses:\n" \
	"  x: { weight: " x " }\n  y: { weight: " y " }\n"

/*
 * Who had little weight owes much when it was alone for moments; that is not held against all of
 * them when it has come to be worth hundreds of times as much.
 */
static void run_weights(const char *const policies[2], double most, const struct source *x,
			const struct source *y)
{
	_cleanup_(sim_closep) struct sim *sim = sim_open(policies[0], 0);

	sim_add(sim, x);
	sim_add(sim, y);
	for (uint64_t i = 0; i < 6; i++) {
		/* what has its stamp leaves by then */
		const struct span settled = { i * SEC + 400 * MSEC, (i + 1) * SEC };
		double is_x, is_y, heavy;

		sim_change(sim, policies[i & 1]);
		sim_run(sim, (i + 1) * SEC);
		is_x = sim_rate(sim, sim_flows(sim, "x"), settled);
		is_y = sim_rate(sim, sim_flows(sim, "y"), settled);
		heavy = i & 1 ? is_x : is_y;
		if (fabs(heavy - most) > SHARE_ERROR * most ||
		    is_x + is_y < LEAST_USE * 100 * MBIT || is_x + is_y > MOST_USE * 100 * MBIT)
			fail_msg("change %u: x has %.2f Mbit/s and y %.2f", (unsigned int)i,
				 is_x / MBIT, is_y / MBIT);
	}
}

static void run_all_weights(uint64_t phase)
{
	static const char *const far[] = { WEIGHTS("1", "500"), WEIGHTS("500", "1") };
	static const char *const near[] = { WEIGHTS("1", "20"), WEIGHTS("20", "1") };
	struct source y = window_y, flood = udp_y;

	y.start = flood.start = phase;
	run_weights(near, 100 * MBIT * 20 / 21, &window_x, &y);
	run_weights(far, 100 * MBIT * 500 / 501, &window_x, &y);
	run_weights(far, 100 * MBIT * 500 / 501, &udp_x, &flood);
}

static void test_weights_change(void **state __attribute__((unused)))
{
	run_at_phases(run_all_weights);
}

/* Nor is it where a class that its own ceiling holds sends beside them. */
static void run_weights_beside_a_ceiling(uint64_t phase)
{
#define BESIDE "  c: { weight: 1, ceil: 5mbit }\n"
	static const char *const policies[] = { WEIGHTS("1", "500") BESIDE,
						WEIGHTS("500", "1") BESIDE };
	_cleanup_(sim_closep) struct sim *sim = sim_open(policies[0], 0);

	sim_add(sim, &(struct source){ .class = "x", WINDOW });
	sim_add(sim, &(struct source){ .class = "y", WINDOW, .start = phase });
	sim_add(sim, &(struct source){ .class = "c", .kind = SOURCE_CONSTANT, .rate = 20 * MBIT });
	for (uint64_t i = 0; i < 6; i++) {
		const struct span settled = { i * SEC + 500 * MSEC, (i + 1) * SEC };
		double heavy;

		sim_change(sim, policies[i & 1]);
		sim_run(sim, (i + 1) * SEC);
		heavy = sim_rate(sim, sim_flows(sim, i & 1 ? "x" : "y"), settled);
		if (fabs(heavy - 99 * MBIT) > SHARE_ERROR * 99 * MBIT)
			fail_msg("change %u: the heavy one has %.2f Mbit/s", (unsigned int)i,
				 heavy / MBIT);
	}
}

static void test_weights_change_beside_a_ceiling(void **state __attribute__((unused)))
{
	run_at_phases(run_weights_beside_a_ceiling);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smaller_joins),
		cmocka_unit_test(test_larger_joins),
		cmocka_unit_test(test_joins_a_flood),
		cmocka_unit_test(test_flood_joins),
		cmocka_unit_test(test_unit_changes),
		cmocka_unit_test(test_weights_change),
		cmocka_unit_test(test_weights_change_beside_a_ceiling),
		cmocka_unit_test(test_all_wake),
		cmocka_unit_test(test_all_wake_tcp),
		cmocka_unit_test(test_begin_together),
		cmocka_unit_test(test_first_looks),
		cmocka_unit_test(test_floods_wake),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
