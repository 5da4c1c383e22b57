// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which packets are one flow, and that nothing else gives two of them the same record. */
#include <netinet/in.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "fixture.h"

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
		/* though rules may tell them apart */
		{ "DSCP", { .tos = 4 }, { .tos = 8 }, { 1, 1, 1, 1 } },
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
		.link = { .default_slot = SLOT, .l2_len = 14 },
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

/*
 * Nobody has another's record by a choice of addresses and ports, whatever the salt is: neither
 * where bits of two words are the same ones nor where they are after a multiplication.
 */
static void test_chosen_facts(void **state __attribute__((unused)))
{
	static const uint32_t flags[] = { QOS_CLASS_FAIR | QOS_CLASS_CEIL,
					  QOS_CLASS_FAIR | QOS_CLASS_CEIL | QOS_CLASS_SRC_HOST };
	static const struct {
		const char *name;
		struct spec a, b;
		bool hosts;
	} pairs[] = {
		{ "IPv4, source and ports",
		  { .src = "192.168.1.10", .sport = 50000, .dport = 443 },
		  { .src = "203.0.113.77", .sport = 33824, .dport = 43440 },
		  false },
		{ "the words of a source",
		  { .family = 6, .src = "fd00:0:0:1::2" },
		  { .family = 6, .src = "::2:fd00:0:0:1" },
		  false },
		{ "both words of a destination",
		  { .family = 6, .dst = "fd00:0:0:1::1" },
		  { .family = 6, .dst = "fd00:0:0:2::2" },
		  false },
		{ "the highest bits of source and port",
		  { .family = 6, .src = "fd00::1", .sport = 1 },
		  { .family = 6, .src = "fd00::81", .sport = 0x8001 },
		  false },
		{ "those of the source, and where they come to be in the destination",
		  { .family = 6, .src = "fd00::1", .dst = "fd00::2" },
		  { .family = 6, .src = "fd00:0:0:80::1", .dst = "fd00:80:0:80::2" },
		  false },
		{ "a network, and where it comes to be in the host",
		  { .family = 6, .src = "fd00::1" },
		  { .family = 6, .src = "fd00:0:0:1:0:2d:0:2c" },
		  true },
	};

	for (uint64_t salt = 1; salt < 4; salt++) {
		const uint64_t word = salt * 0x9e3779b97f4a7c15ULL;
		const struct setup setup = {
			.link = { .default_slot = SLOT,
				  .l2_len = 14,
				  .salt = { word, word * word, ~word, word ^ word >> 9, -word } },
		};
		_cleanup_(shaper_closep) struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);

		for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
			shaper_set_class(s, SLOT,
					 &(struct qos_class_cfg){ .flags = flags[pairs[i].hosts],
								  .host6_len = 128,
								  .limit_ns = SEC });
			if (count_flows(s, &pairs[i].a, &pairs[i].b) != 2)
				fail_msg("%s: one flow", pairs[i].name);
		}
	}
}

#define MANY 2000

/* The i-th of many flows that differ by steps. */
static void step(unsigned int kind, unsigned int i, struct spec *spec, char src[32])
{
	snprintf(src, 32, "10.0.%u.%u", i / 256, i % 256);
	spec->sport = (uint16_t)(kind == 0 ? 32768 + i : kind == 1 ? 32768 + 2 * i : 5000);
	spec->dport = 443;
	spec->src = kind == 2 ? src : NULL;
}

/* Flows of ports or hosts one after the other have records of their own, whatever the salt is. */
static void test_steps(void **state __attribute__((unused)))
{
	for (uint64_t salt = 1; salt < 7; salt++) {
		const uint64_t word = salt * 0x9e3779b97f4a7c15ULL;
		const struct setup setup = {
			.link = { .default_slot = SLOT,
				  .l2_len = 14,
				  .flow_mask = 16383,
				  .salt = { word, word * word, ~word, word ^ word >> 9, -word } },
			.classes = { [SLOT] = { .flags = QOS_CLASS_FAIR | QOS_CLASS_CEIL,
						.limit_ns = SEC } },
		};
		_cleanup_(shaper_closep) struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);

		for (unsigned int kind = 0; kind < 3; kind++) {
			const struct qos_flow *flows;
			unsigned int used = 0;

			shaper_set_clocks(s, SLOT, &(struct qos_clocks){ .ceil = { NOW + MSEC } });
			for (unsigned int i = 0; i < MANY; i++) {
				struct spec spec = { .proto = IPPROTO_UDP };
				struct packet packet;
				char src[32];

				step(kind, i, &spec, src);
				packet_build(&spec, &packet);
				shaper_run(s, &packet, &(struct input){ 0 }, NULL);
			}
			for (uint32_t i = 0; i < shaper_flows(s, &flows); i++)
				used += flows[i].tag != 0;
			/* one in 3,000 has none, in the mean */
			if (used < MANY - 10)
				fail_msg("salt %llu, kind %u: %u of %u have none",
					 (unsigned long long)salt, kind, MANY - used, MANY);
		}
	}
}

/* Where the record of a packet's flow is, of a program whose rules look at these pieces. */
static uint32_t place_of(const struct spec *spec, uint32_t used)
{
	const struct setup setup = {
		.link = { .default_slot = SLOT, .l2_len = 14, .used = used },
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
		.link = { .default_slot = SLOT, .l2_len = 14 },
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
		cmocka_unit_test(test_what_is_a_flow), cmocka_unit_test(test_chosen_facts),
		cmocka_unit_test(test_steps),	       cmocka_unit_test(test_kept_by_other_rules),
		cmocka_unit_test(test_host6_len),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
