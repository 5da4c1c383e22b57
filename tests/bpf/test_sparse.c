// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Flows below their share go ahead of the others of their class: their packets do not wait, and a
 * flood of new ones, or one that sends as much as it may, gains nothing by it.
 */
#include "base/cleanup.h"
#include "fixture.h"
#include "flows.h"
#include "sim.h"

/* 100 request flows beside bulk: their packets wait 5 ms at most, 99 of 100 of them. */
static void run_sparse(const char *policy, double link, unsigned int bulk, uint8_t ecn,
		       uint32_t records)
{
	_cleanup_(sim_closep) struct sim *sim = sim_open(policy, records);
	struct source source = { .class = "a", .kind = SOURCE_TCP, .ecn = ecn };
	struct flows sparse = { bulk, 100 };
	unsigned long long drops;
	double p99, use;

	add_flows(sim, bulk, source);
	for (unsigned int i = 0; i < sparse.count; i++)
		sim_add(sim, &(struct source){ .class = "a",
					       .kind = SOURCE_SPARSE,
					       .bytes = 106,
					       .rate = 10 * 106 * 8 });
	sim_run(sim, span.to);
	p99 = sim_delay(sim, sparse, span, 0.99);
	drops = sim_counts(sim, sparse).drops;
	if (p99 > 5 || drops)
		fail_msg("%.0f Mbit/s, %u bulk flows: %.2f ms, %llu drops", link / MBIT, bulk, p99,
			 drops);
	use = sim_rate(sim, sim_flows(sim, "a"), span) / link;
	if (use < LEAST_USE)
		fail_msg("%.0f Mbit/s, %u bulk flows: %.1f %% are used", link / MBIT, bulk,
			 100 * use);
}

static void test_sparse(void **state __attribute__((unused)))
{
	static const unsigned int bulk[] = { 1, 4, 32 };

	for (size_t i = 0; i < ARRAY_SIZE(bulk); i++) {
		run_sparse(SLOW, 10 * MBIT, bulk[i], 0, 0);
		run_sparse(SLOW, 10 * MBIT, bulk[i], 2, 0);
		run_sparse(ONE(""), LINK, bulk[i], 0, 0);
		run_sparse(ONE(""), LINK, bulk[i], 2, 0);
	}
}

/* Nor for whom it has a place of records in common with. */
static void test_sparse_of_few_records(void **state __attribute__((unused)))
{
	run_sparse(SLOW, 10 * MBIT, 32, 0, 1024);
	run_sparse(ONE(""), LINK, 32, 0, 1024);
}

/* Nor does the first packet of a flow. */
static void test_first_of_few_records(void **state __attribute__((unused)))
{
	_cleanup_(sim_closep) struct sim *sim = sim_open(SLOW, 1024);
	double p99;

	add_flows(sim, 32, (struct source){ .class = "a", .kind = SOURCE_TCP });
	sim_add(sim, &(struct source){ .class = "a",
				       .kind = SOURCE_SPARSE,
				       .bytes = 106,
				       .rate = 500 * 106 * 8,
				       .fresh = true });
	sim_run(sim, span.to);
	p99 = sim_delay(sim, (struct flows){ 32, 1 }, span, 0.99);
	if (p99 > 5)
		fail_msg("it waits %.2f ms", p99);
}

/* A query does not wait for large packets of flows that are as sparse as it is. */
static void test_query_beside_new_flows(void **state __attribute__((unused)))
{
	_cleanup_(sim_closep) struct sim *sim = sim_open(ONE(""), 0);
	struct source flood = {
		.class = "a", .kind = SOURCE_CONSTANT, .rate = LINK, .fresh = true
	};
	double p99;

	sim_add(sim, &flood);
	sim_add(sim, &(struct source){ .class = "a", .bytes = 2 * SIM_FRAME, .window = 512 });
	sim_add(sim,
		&(struct source){
			.class = "a", .kind = SOURCE_SPARSE, .bytes = 106, .rate = 10 * 106 * 8 });
	sim_run(sim, span.to);
	p99 = sim_delay(sim, (struct flows){ 2, 1 }, span, 0.99);
	if (p99 > 1)
		fail_msg("it waits %.2f ms", p99);
}

/*
 * Nor for packets of many segments that leave when they come: of their flow nothing waits, but each
 * takes 19 ms of the class's time.
 */
static void test_query_beside_long_packets(void **state __attribute__((unused)))
{
	_cleanup_(sim_closep) struct sim *sim = sim_open(SLOW, 0);
	double p99;

	sim_add(sim, &(struct source){ .class = "a",
				       .kind = SOURCE_CONSTANT,
				       .bytes = 16 * SIM_FRAME,
				       .rate = 9 * MBIT });
	sim_add(sim,
		&(struct source){
			.class = "a", .kind = SOURCE_SPARSE, .bytes = 106, .rate = 10 * 106 * 8 });
	sim_run(sim, 10 * SEC);
	p99 = sim_delay(sim, (struct flows){ 1, 1 }, (struct span){ SEC, 10 * SEC }, 0.99);
	if (p99 > 1)
		fail_msg("it waits %.2f ms", p99);
}

/*
 * A flow of short packets that is alone, of which none waits, sends what the link has left and no
 * more, though what another class has from its guarantee puts the link's clock ahead.
 */
static void test_lone_short_packets(void **state __attribute__((unused)))
{
	_cleanup_(sim_closep) struct sim *sim =
		sim_open("link: { rate: 100mbit }\ndefault: a\nclasses:\n"
			 "  a: { rate: 10mbit, priority: high }\n"
			 "  b: { rate: 20mbit }\n",
			 0);
	double most = 0;

	sim_add(sim,
		&(struct source){
			.class = "a", .kind = SOURCE_WINDOW, .bytes = SIM_FRAME, .window = 1 });
	sim_add(sim, &(struct source){ .class = "b", .kind = SOURCE_CONSTANT, .rate = 30 * MBIT });
	sim_run(sim, 3 * SEC);
	for (uint64_t from = 0; from < 2 * SEC; from += 100 * MSEC) {
		double use =
			sim_rate(sim, (struct flows){ 0, 2 }, (struct span){ from, from + SEC }) /
			LINK;

		most = use > most ? use : most;
	}
	if (most > 1.02)
		fail_msg("in a second they send %.1f %% of the link", 100 * most);
}

/* Nor where there is nothing left for it, as others of its priority have it all by guarantees. */
static void test_short_packets_without_room(void **state __attribute__((unused)))
{
	static const struct source sources[] = {
		{ .class = "a", .bytes = SIM_FRAME, .window = 1, .start = 50 * MSEC },
		{ .class = "a", .bytes = 500, .window = 1, .start = 100 * MSEC },
		{ .class = "a", .bytes = 80, .window = 3, .start = 20 * MSEC },
		{ .class = "b", .kind = SOURCE_CONSTANT, .rate = 7 * MBIT, .start = 80 * MSEC },
		{ .class = "c", .bytes = SIM_FRAME, .window = 4, .start = 150 * MSEC },
	};
	static const struct span then = { 2 * SEC, 5 * SEC };
	_cleanup_(sim_closep) struct sim *sim =
		sim_open("link: { rate: 10mbit }\ndefault: a\n"
			 "classes:\n"
			 "  p:\n"
			 "    rate: 5mbit\n"
			 "    classes:\n"
			 "      a: { priority: low }\n"
			 "      b: { priority: low, rate: 1385kbit }\n"
			 "  c: { rate: 3333kbit }\n",
			 0);
	double use;

	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		sim_add(sim, &sources[i]);
	sim_run(sim, then.to);
	use = sim_rate(sim, (struct flows){ 0, ARRAY_SIZE(sources) }, then) / (10 * MBIT);
	if (use > 1.01)
		fail_msg("they send %.1f %% of the link", 100 * use);
}

/*
 * Who makes each packet a new flow has half of the class at most, and one flow the rest. One that
 * does not back off: what TCP has beside such a flood is among README's limits.
 */
static void test_new_flows(void **state __attribute__((unused)))
{
	_cleanup_(sim_closep) struct sim *sim = sim_open(ONE(""), 0);
	double rate;

	sim_add(sim,
		&(struct source){
			.class = "a", .kind = SOURCE_CONSTANT, .rate = 2 * LINK, .fresh = true });
	sim_add(sim, &(struct source){ .class = "a", .bytes = 2 * SIM_FRAME, .window = 512 });
	sim_run(sim, span.to);
	rate = sim_rate(sim, (struct flows){ 1, 1 }, span);
	if (rate < 0.45 * LINK)
		fail_msg("beside new flows one has %.2f Mbit/s", rate / MBIT);
}

/* Where new flows of one class have all records, the flows of another do not wait with them. */
static void test_new_flows_of_another_class(void **state __attribute__((unused)))
{
	static const struct source sources[] = {
		{ .class = "voice", .kind = SOURCE_SPARSE, .bytes = 200, .rate = MBIT },
		{ .class = "voice",
		  .kind = SOURCE_SPARSE,
		  .bytes = 200,
		  .rate = MBIT,
		  .fresh = true },
		{ .class = "bulk",
		  .kind = SOURCE_CONSTANT,
		  .bytes = 700,
		  .rate = 3 * LINK / 2,
		  .fresh = true },
	};
	static const struct span late = { SEC / 2, 2 * SEC };
	_cleanup_(sim_closep) struct sim *sim =
		sim_open("link: { rate: 100mbit }\ndefault: bulk\nclasses:\n"
			 "  voice: { priority: high, rate: 10mbit, limit: 60ms }\n"
			 "  bulk: { rate: 20mbit }\n",
			 1024);
	struct flows voice = { 0, 2 };
	struct sim_counts counts;
	double most;

	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		sim_add(sim, &sources[i]);
	sim_run(sim, late.to);
	counts = sim_counts(sim, voice);
	most = sim_delay(sim, voice, late, 1);
	assert_int_equal(counts.reordered, 0);
	if (counts.drops || most > 1)
		fail_msg("%llu of %llu are dropped, one waits %.2f ms",
			 (unsigned long long)counts.drops,
			 (unsigned long long)counts.packets + counts.drops, most);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_sparse_of_few_records),
		cmocka_unit_test(test_first_of_few_records),
		cmocka_unit_test(test_query_beside_new_flows),
		cmocka_unit_test(test_query_beside_long_packets),
		cmocka_unit_test(test_lone_short_packets),
		cmocka_unit_test(test_short_packets_without_room),
		cmocka_unit_test(test_new_flows),
		cmocka_unit_test(test_new_flows_of_another_class),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
