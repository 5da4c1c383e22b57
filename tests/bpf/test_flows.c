// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The flows of a class: equal shares, none reordered, sparse ones in front, a flood of new
 * ones without gain, a rate for each; and which packets are one flow.
 */
#include <netinet/in.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "fixture.h"
#include "rules.h"
#include "sim.h"

#define LINK	  (100 * MBIT)
#define LEAST_USE 0.97
#define JAIN	  0.95
#define ONE(keys) "link: { rate: 100mbit }\ndefault: a\nclasses: { a: { rate: 100mbit" keys " } }\n"

static const struct span span = { SEC, 3 * SEC };

static void add_flows(struct sim *sim, unsigned int count, struct source source)
{
	for (unsigned int i = 0; i < count; i++) {
		source.start = (i + 1) * MSEC / 8;
		sim_add(sim, &source);
	}
}

/* Fair to its flows, the link in use, nothing reordered; what: for who reads of a failure. */
static void expect_fair(const struct sim *sim, const char *what, unsigned int count)
{
	struct flows flows = sim_flows(sim, "a");
	double jain = sim_fairness(sim, flows, span), use = sim_rate(sim, flows, span) / LINK;

	if (jain < JAIN)
		fail_msg("%u flows, %s: Jain's index is %.3f", count, what, jain);
	if (use < LEAST_USE)
		fail_msg("%u flows, %s: %.1f %% of the link are used", count, what, 100 * use);
	assert_int_equal(sim_counts(sim, flows).reordered, 0);
}

static void test_equal_shares(void **state __attribute__((unused)))
{
	static const unsigned int counts[] = { 2, 8, 32, 128 };
	static const struct {
		const char *name;
		struct source source;
	} kinds[] = {
		{ "windows", { .kind = SOURCE_WINDOW, .bytes = 2 * SIM_FRAME } },
		{ "TCP", { .kind = SOURCE_TCP } },
		{ "TCP with ECN", { .kind = SOURCE_TCP, .ecn = 2 } },
	};

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
			_cleanup_(sim_closep) struct sim *sim = sim_open(ONE(""), 0);
			struct source source = kinds[k].source;

			source.class = "a";
			add_flows(sim, counts[i], source);
			sim_run(sim, span.to);
			expect_fair(sim, kinds[k].name, counts[i]);
		}
	}
}

/* By bytes, not by packets. */
static void test_sizes(void **state __attribute__((unused)))
{
	_cleanup_(sim_closep) struct sim *sim = sim_open(ONE(""), 0);

	add_flows(sim, 4, (struct source){ .class = "a", .bytes = SIM_GSO });
	add_flows(sim, 4, (struct source){ .class = "a", .bytes = SIM_FRAME, .window = 16 });
	sim_run(sim, span.to);
	expect_fair(sim, "of two sizes", 8);
}

/* One that sends ten times its share takes nothing from the others. */
static void test_udp_among_windows(void **state __attribute__((unused)))
{
	_cleanup_(sim_closep) struct sim *sim = sim_open(ONE(""), 0);

	sim_add(sim, &(struct source){ .class = "a", .kind = SOURCE_CONSTANT, .rate = 2 * LINK });
	add_flows(sim, 4, (struct source){ .class = "a", .bytes = 2 * SIM_FRAME, .window = 8 });
	sim_run(sim, span.to);
	expect_fair(sim, "one of them a flood", 5);
}

/* A host with 32 flows and one with 1 have the same, by source and by destination. */
static void test_hosts(void **state __attribute__((unused)))
{
	static const char *const policies[] = { ONE(", fairness: src-host"),
						ONE(", fairness: dst-host") };
	static const struct source kinds[] = {
		{ .class = "a", .kind = SOURCE_TCP },
		/* one host's packets must not wait for the queue of the other */
		{ .class = "a", .kind = SOURCE_WINDOW, .bytes = 2 * SIM_FRAME },
	};

	for (size_t n = 0; n < ARRAY_SIZE(policies) * ARRAY_SIZE(kinds); n++) {
		size_t i = n % ARRAY_SIZE(policies);
		_cleanup_(sim_closep) struct sim *sim = sim_open(policies[i], 0);
		const char *many = "10.1.0.1", *one = "10.1.0.2";
		struct source source = kinds[n / ARRAY_SIZE(policies)];
		double rate[2];

		source.src = i ? NULL : many;
		source.dst = i ? many : NULL;
		add_flows(sim, 32, source);
		source.src = i ? NULL : one;
		source.dst = i ? one : NULL;
		add_flows(sim, 1, source);
		sim_run(sim, span.to);
		rate[0] = sim_rate(sim, (struct flows){ 0, 32 }, span);
		rate[1] = sim_rate(sim, (struct flows){ 32, 1 }, span);
		if ((rate[0] + rate[1]) * (rate[0] + rate[1]) <
		    JAIN * 2 * (rate[0] * rate[0] + rate[1] * rate[1]))
			fail_msg("case %zu: %.2f and %.2f Mbit/s", n, rate[0] / MBIT,
				 rate[1] / MBIT);
		assert_true(rate[0] + rate[1] >= LEAST_USE * LINK);
	}
}

/* 100 request flows beside bulk: their packets wait 5 ms at most, 99 of 100 of them. */
static void run_sparse(const char *policy, double link, unsigned int bulk, uint8_t ecn)
{
	_cleanup_(sim_closep) struct sim *sim = sim_open(policy, 0);
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
	static const char slow[] = "link: { rate: 10mbit }\ndefault: a\n"
				   "classes: { a: { rate: 10mbit } }\n";
	static const unsigned int bulk[] = { 1, 4, 32 };

	for (size_t i = 0; i < ARRAY_SIZE(bulk); i++) {
		run_sparse(slow, 10 * MBIT, bulk[i], 0);
		run_sparse(slow, 10 * MBIT, bulk[i], 2);
		run_sparse(ONE(""), LINK, bulk[i], 0);
		run_sparse(ONE(""), LINK, bulk[i], 2);
	}
}

/* Who makes each packet a new flow has half of the class at most, and one flow the rest. */
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

/* Each has its rate, no more, and no less where the class has it. */
static void test_per_flow(void **state __attribute__((unused)))
{
	_cleanup_(sim_closep) struct sim *sim = sim_open(ONE(", per-flow: 5mbit"), 0);
	struct flows flows;

	add_flows(sim, 4, (struct source){ .class = "a", .bytes = 2 * SIM_FRAME });
	add_flows(sim, 4,
		  (struct source){ .class = "a", .kind = SOURCE_CONSTANT, .rate = 20 * MBIT });
	sim_run(sim, span.to);
	flows = sim_flows(sim, "a");
	for (unsigned int i = 0; i < flows.count; i++) {
		double rate = sim_rate(sim, (struct flows){ i, 1 }, span) / MBIT;

		if (rate > 5.05 || rate < 4.85)
			fail_msg("flow %u has %.2f Mbit/s, not 5", i, rate);
	}
	assert_int_equal(sim_counts(sim, flows).reordered, 0);
}

/*
 * Flows of all kinds that come and go in classes that come and go, with so few records that
 * most of them share one: never is a packet given a time before that of the one before it.
 */
static void test_never_reordered(void **state __attribute__((unused)))
{
	static const char policy[] =
		"link: { rate: 100mbit }\ndefault: a\nclasses:\n"
		"  a: { rate: 10mbit, priority: high }\n"
		"  t:\n"
		"    rate: 40mbit\n"
		"    ceil: 60mbit\n"
		"    classes:\n"
		"      b: { rate: 10mbit, fairness: src-host }\n"
		"      c: { rate: 5mbit, per-flow: 3mbit }\n"
		"  d: { rate: 10mbit, ceil: 20mbit, fairness: none, priority: low }\n";
	static const char *const classes[] = { "a", "b", "c", "d" };
	static const uint32_t records[] = { 2, 64, 0 };

	for (size_t r = 0; r < ARRAY_SIZE(records); r++) {
		_cleanup_(sim_closep) struct sim *sim = sim_open(policy, records[r]);

		for (unsigned int i = 0; i < 200; i++) {
			const struct source source = {
				.class = classes[i / 50],
				.kind = i % 4,
				.bytes = i % 3 ? SIM_FRAME : SIM_GSO,
				.window = 1 + i % 7,
				.rate = (1 + i % 5) * MBIT,
				.start = (i * 7919 % 1500) * MSEC,
				.stop = (500 + i * 104729 % 1500) * MSEC,
			};

			sim_add(sim, &source);
		}
		sim_run(sim, 2 * SEC);
		for (size_t c = 0; c < ARRAY_SIZE(classes); c++)
			assert_int_equal(sim_counts(sim, sim_flows(sim, classes[c])).reordered, 0);
	}
}

#define SLOT 1

/* Records in use after one packet of each, of a class that has a queue: others need none. */
static unsigned int count_flows(struct shaper *s, const struct spec *a, const struct spec *b)
{
	const struct spec *specs[] = { a, b };
	const struct qos_flow *flows;
	unsigned int used = 0;

	shaper_forget_flows(s);
	shaper_set_clocks(s, SLOT, &(struct qos_clocks){ .ceil = { NOW + MSEC } });
	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		struct packet packet;

		packet_build(specs[i], &packet);
		shaper_run(s, &packet, &(struct input){ 0 }, NULL);
	}
	for (uint32_t i = 0; i < shaper_flows(s, &flows); i++)
		used += flows[i].tag != 0;
	return used;
}

/*
 * A class without a queue asks for no record but once in so many bytes, which are then told to
 * the flow whose packet it is: nothing is told twice or lost, and each flow has its part.
 */
static void test_samples(void **state __attribute__((unused)))
{
	enum { ROUNDS = 1000, SHIFT = 13, SAMPLE = 1 << SHIFT };
	const struct setup setup = {
		.link = { .default_slot = SLOT, .l2_len = 14, .salt = 1 },
		.classes = { [SLOT] = { .flags = QOS_CLASS_FAIR,
					.limit_ns = SEC,
					.sample_shift = SHIFT } },
	};
	_cleanup_(shaper_closep) struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);
	const struct spec specs[] = { { .sport = 1, .payload = 1400 },
				      { .sport = 2, .payload = 400 } };
	uint64_t told = 0, most = 0, sent;
	const struct qos_flow *flows;
	unsigned int used = 0;

	for (unsigned int i = 0; i < 2 * ROUNDS; i++) {
		struct packet packet;

		packet_build(&specs[i % 2], &packet);
		shaper_run(s, &packet, &(struct input){ 0 }, NULL);
	}
	for (uint32_t i = 0; i < shaper_flows(s, &flows); i++) {
		used += flows[i].tag != 0;
		told += flows[i].bytes;
		most = flows[i].bytes > most ? flows[i].bytes : most;
	}
	sent = shaper_counters(s, SLOT).by[QOS_PASS].bytes;
	assert_int_equal(used, 2);
	assert_int_equal(told, sent / SAMPLE * SAMPLE);
	/* of headers and payload, the first flow's part */
	assert_in_range(most * 1000 / told, 730, 800);
}

/* Packets that differ in one thing, and whether they are two flows by each kind of fairness. */
static void test_what_is_a_flow(void **state __attribute__((unused)))
{
	static const uint32_t flags[] = { QOS_CLASS_FAIR, QOS_CLASS_FAIR | QOS_CLASS_SRC_HOST,
					  QOS_CLASS_FAIR | QOS_CLASS_DST_HOST, 0 };
	static const char *const names[] = { "flow", "src-host", "dst-host", "none" };
	static const struct {
		const char *name;
		struct spec a, b;
		unsigned int flows[4];
	} pairs[] = {
		{ "the same", { .sport = 1 }, { .sport = 1 }, { 1, 1, 1, 1 } },
		/* rules may tell them apart */
		{ "DSCP", { .tos = 4 }, { .tos = 8 }, { 2, 1, 1, 1 } },
		{ "ECN", { .tos = 1 }, { .tos = 2 }, { 1, 1, 1, 1 } },
		{ "source port", { .sport = 1 }, { .sport = 2 }, { 2, 1, 1, 1 } },
		{ "destination port", { .dport = 1 }, { .dport = 2 }, { 2, 1, 1, 1 } },
		{ "ports swapped",
		  { .sport = 1, .dport = 2 },
		  { .sport = 2, .dport = 1 },
		  { 2, 1, 1, 1 } },
		{ "protocol", { .proto = IPPROTO_TCP }, { .proto = IPPROTO_UDP }, { 2, 1, 1, 1 } },
		{ "source", { .src = "10.0.0.1" }, { .src = "10.0.0.3" }, { 2, 2, 1, 1 } },
		{ "destination", { .dst = "10.0.0.2" }, { .dst = "10.0.0.3" }, { 2, 1, 2, 1 } },
		{ "the two swapped",
		  { .src = "10.0.0.1", .dst = "10.0.0.2" },
		  { .src = "10.0.0.2", .dst = "10.0.0.1" },
		  { 2, 2, 2, 1 } },
		{ "IPv6, in a /64",
		  { .family = 6, .src = "fd00::1", .dst = "fd00:1::1" },
		  { .family = 6, .src = "fd00::2", .dst = "fd00:1::2" },
		  { 2, 1, 1, 1 } },
		{ "IPv6, of two /64",
		  { .family = 6, .src = "fd00::1", .dst = "fd00:1::1" },
		  { .family = 6, .src = "fd00:0:0:1::1", .dst = "fd00:1:0:1::1" },
		  { 2, 2, 2, 1 } },
	};
	const struct setup setup = {
		.link = { .default_slot = SLOT, .l2_len = 14, .salt = 1 },
	};
	_cleanup_(shaper_closep) struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);

	for (size_t f = 0; f < ARRAY_SIZE(flags); f++) {
		shaper_set_class(s, SLOT,
				 &(struct qos_class_cfg){ .flags = flags[f] | QOS_CLASS_CEIL,
							  .host6_len = 64,
							  .limit_ns = SEC });
		for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
			unsigned int is = count_flows(s, &pairs[i].a, &pairs[i].b);

			if (is != pairs[i].flows[f])
				fail_msg("%s, fairness %s: %u flows", pairs[i].name, names[f], is);
		}
	}
}

/* Where the record of a packet's flow is, of a program whose rules look at these pieces. */
static uint32_t place_of(const struct spec *spec, uint32_t used)
{
	const struct setup setup = {
		.link = { .default_slot = SLOT, .l2_len = 14, .salt = 1, .used = used },
		.classes = { [SLOT] = { .flags = QOS_CLASS_FAIR | QOS_CLASS_CEIL,
					.limit_ns = SEC } },
	};
	_cleanup_(shaper_closep) struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);
	const struct qos_flow *flows;
	uint32_t count;

	assert_int_equal(count_flows(s, spec, spec), 1);
	count = shaper_flows(s, &flows);
	for (uint32_t i = 0; i < count; i++)
		if (flows[i].tag)
			return i;
	return count;
}

/* A flow keeps its record, and so its order, when other rules look at more of its packets. */
static void test_kept_by_other_rules(void **state __attribute__((unused)))
{
	static const struct spec specs[] = {
		{ .proto = IPPROTO_TCP, .sport = 1 },
		{ .proto = IPPROTO_UDP, .sport = 1 },
		{ .proto = IPPROTO_ICMP },
		{ .family = 6, .proto = IPPROTO_TCP, .sport = 1 },
		{ .family = 6, .proto = IPPROTO_ICMPV6 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		uint32_t place = place_of(&specs[i], QOS_USED(QOS_PIECE_KIND));

		for (uint32_t piece = QOS_PIECE_DSCP; piece < QOS_PIECES; piece++) {
			uint32_t used = QOS_USED(QOS_PIECE_KIND) | QOS_USED(piece);

			if (place_of(&specs[i], used) != place)
				fail_msg("packet %zu, piece %u: another record", i, piece);
		}
	}
}

/* A host is as much of an IPv6 address as its class says. */
static void test_host6_len(void **state __attribute__((unused)))
{
	static const struct {
		const char *a, *b;
		uint8_t len; /* they are the same so far, and no farther */
	} pairs[] = {
		{ "8000::", "::", 0 },
		{ "fd00::", "fd00:8000::", 16 },
		{ "fd00:0:0:1::", "fd00::", 63 },
		{ "fd00::8000:0:0:0", "fd00::", 64 },
		{ "fd00::4000:0:0:0", "fd00::", 65 },
		{ "fd00::1", "fd00::", 127 },
	};
	static const uint8_t lens[] = { 1, 16, 17, 63, 64, 65, 66, 127, 128 };
	const struct setup setup = {
		.link = { .default_slot = SLOT, .l2_len = 14, .salt = 1 },
	};
	_cleanup_(shaper_closep) struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);

	for (size_t l = 0; l < ARRAY_SIZE(lens); l++) {
		shaper_set_class(s, SLOT,
				 &(struct qos_class_cfg){ .flags = QOS_CLASS_FAIR |
								   QOS_CLASS_SRC_HOST |
								   QOS_CLASS_CEIL,
							  .host6_len = lens[l],
							  .limit_ns = SEC });
		for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
			const struct spec a = { .family = 6, .src = pairs[i].a };
			const struct spec b = { .family = 6, .src = pairs[i].b };

			if (count_flows(s, &a, &b) != (lens[l] > pairs[i].len ? 2 : 1))
				fail_msg("%s and %s by /%u", pairs[i].a, pairs[i].b, lens[l]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_shares),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_udp_among_windows),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_new_flows),
		cmocka_unit_test(test_per_flow),
		cmocka_unit_test(test_never_reordered),
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_what_is_a_flow),
		cmocka_unit_test(test_kept_by_other_rules),
		cmocka_unit_test(test_host6_len),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
