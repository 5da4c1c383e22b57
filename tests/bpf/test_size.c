// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Bytes that a packet is charged, segments that it counts as, its length. All numbers
 * worked out by hand: a TCP packet over IPv4 has 14 bytes of Ethernet header and
 * 40 of IP and TCP; wire_len is what qdisc_pkt_len_init() (net/core/dev.c) sets.
 */
#include <netinet/in.h>

#include "base/cleanup.h"
#include "fixture.h"

#define SLOT 1

struct size_case {
	const char *name;
	struct spec spec;
	struct input input;
	uint64_t packets, bytes;
};

static void run_cases(struct qos_link_cfg link, const struct size_case *cases, size_t count)
{
	struct setup setup = {
		.link = link,
		.classes = { [SLOT] = { .flags = QOS_CLASS_CEIL,
					.ceil_cost = NS_A_BYTE(1),
					.limit_ns = 1000 * SEC } },
	};
	_cleanup_(shaper_closep) struct shaper *s = NULL;

	setup.link.default_slot = SLOT;
	s = shaper_open(PROGRAM_FAKE, &setup);
	for (size_t i = 0; i < count; i++) {
		const struct size_case *c = &cases[i];
		struct qos_counters counters;
		struct packet packet;
		uint64_t charged;

		packet_build(&c->spec, &packet);
		shaper_clear_counters(s);
		shaper_set_clocks(s, SLOT, &(struct qos_clocks){ .ceil = { NOW } });
		assert_int_equal(shaper_run(s, &packet, &c->input, NULL), TC_ACT_UNSPEC);
		counters = shaper_counters(s, SLOT);
		charged = shaper_clocks(s, SLOT).ceil[0] - NOW;
		if (counters.by[QOS_PASS].packets != c->packets ||
		    counters.by[QOS_PASS].bytes != c->bytes)
			fail_msg("%s: %llu packets of %llu bytes, not %llu of %llu", c->name,
				 (unsigned long long)counters.by[QOS_PASS].packets,
				 (unsigned long long)counters.by[QOS_PASS].bytes,
				 (unsigned long long)c->packets, (unsigned long long)c->bytes);
		if (charged != c->bytes)
			fail_msg("%s: %llu bytes charged, not %llu", c->name,
				 (unsigned long long)charged, (unsigned long long)c->bytes);
	}
}

/* 2554 bytes in three segments of 1000, 1000 and 500, 54 of headers each. */
#define GSO .gso_size = 1000, .gso_segs = 3, .wire_len = 2554 + 2 * 54
#define GSO_SPEC                \
	{                       \
		.payload = 2500 \
	}
/*
 * Of VXLAN, with 104 bytes of headers, of which wire_len may have the outer 34 in the second and
 * the third segment; of 1000 bytes, but the last of which SHORT are missing.
 */
#define TUNNEL_SPEC(SHORT)                                                                   \
	{                                                                                    \
		.proto = IPPROTO_UDP, .dport = 4789, .payload = 8 + 14 + 40 + 3000 - (SHORT) \
	}
#define TUNNEL(SHORT) .gso_size = 1000, .gso_segs = 3, .wire_len = 104 + 3000 - (SHORT) + 2 * 34
/* Two segments of 700 and 2100 bytes; wire_len has no header of SCTP's in the second. */
#define SCTP_SPEC                                      \
	{                                              \
		.proto = IPPROTO_SCTP, .payload = 2800 \
	}
#define SCTP   .gso_size = 0xffff, .gso_segs = 2, .wire_len = 46 + 2800 + 34
#define TAGGED .entry = ENTRY_OFFLOADED_TAG
#define VLAN   .tags = { 0x8100 }

/* As the kernel has the frame. */
static void test_plain(void **state __attribute__((unused)))
{
	static const struct size_case cases[] = {
		{ "a frame", { .payload = 100 }, { 0 }, 1, 154 },
		{ "full", { .payload = 1460 }, { 0 }, 1, 1514 },
		{ "a VLAN tag in it", { VLAN, .payload = 100 }, { 0 }, 1, 158 },
		{ "a VLAN tag beside it", { .payload = 100 }, { TAGGED }, 1, 158 },
		{ "not IP", { .ethertype = 0x88cc, .payload = 46 }, { 0 }, 1, 60 },
		{ "GSO", GSO_SPEC, { GSO }, 3, 2662 },
		{ "GSO, a VLAN tag beside it", GSO_SPEC, { GSO, TAGGED }, 3, 2674 },
		{ "GSO of one segment",
		  { .payload = 900 },
		  { .gso_size = 1000, .gso_segs = 1, .wire_len = 954 },
		  1,
		  954 },
		{ "GSO from a guest, not counted yet",
		  GSO_SPEC,
		  { .gso_size = 1000, .wire_len = 2662 },
		  3,
		  2662 },
		{ "GSO in a tunnel", TUNNEL_SPEC(0), { TUNNEL(0) }, 3, 3 * 1104 },
		{ "GSO in a tunnel, the last is short by 50: so much is not known of each header",
		  TUNNEL_SPEC(50),
		  { TUNNEL(50) },
		  3,
		  2 * 1054 + 1054 },
		{ "GSO in a tunnel, the last is shorter than what is not known",
		  TUNNEL_SPEC(500),
		  { TUNNEL(500) },
		  3,
		  604 + 2 * 1034 },
		{ "GSO in a tunnel, all of whose headers the kernel knows",
		  TUNNEL_SPEC(500),
		  { .gso_size = 1000, .gso_segs = 3, .wire_len = 2604 + 2 * 104 },
		  3,
		  2 * 1104 + 604 },
		{ "GSO of SCTP", SCTP_SPEC, { SCTP }, 2, 2800 + 2 * 46 },
		{ "the largest",
		  GSO_SPEC,
		  { .gso_size = 1448, .gso_segs = 45, .wire_len = 65536 },
		  45,
		  65536 },
	};

	run_cases((struct qos_link_cfg){ .l2_len = 14 }, cases, ARRAY_SIZE(cases));
}

/* The keywords of tc-cake(8) count from the IP packet on. */
static void test_overhead(void **state __attribute__((unused)))
{
	static const struct size_case cases[] = {
		{ "a frame", { .payload = 100 }, { 0 }, 1, 140 + 44 },
		{ "a VLAN tag in it", { VLAN, .payload = 100 }, { 0 }, 1, 140 + 44 },
		{ "QinQ", { .tags = { 0x88a8, 0x8100 }, .payload = 100 }, { 0 }, 1, 140 + 44 },
		{ "a VLAN tag beside it", { .payload = 100 }, { TAGGED }, 1, 140 + 44 },
		{ "not IP", { .ethertype = 0x88cc, .payload = 46 }, { 0 }, 1, 46 + 44 },
		{ "GSO", GSO_SPEC, { GSO }, 3, 2 * (1040 + 44) + 540 + 44 },
		{ "GSO in a VLAN",
		  { VLAN, .payload = 2500 },
		  { .gso_size = 1000, .gso_segs = 3, .wire_len = 2558 + 2 * 58 },
		  3,
		  2 * (1040 + 44) + 540 + 44 },
		{ "GSO, all segments full",
		  { .payload = 3000 },
		  { .gso_size = 1000, .gso_segs = 3, .wire_len = 3054 + 2 * 54 },
		  3,
		  3 * (1040 + 44) },
		{ "GSO, a last segment of one byte",
		  { .payload = 1001 },
		  { .gso_size = 1000, .gso_segs = 2, .wire_len = 1055 + 54 },
		  2,
		  1040 + 44 + 41 + 44 },
		{ "GSO in a tunnel", TUNNEL_SPEC(0), { TUNNEL(0) }, 3, 3 * (1090 + 44) },
		{ "GSO in a tunnel, the last is short by 50",
		  TUNNEL_SPEC(50),
		  { TUNNEL(50) },
		  3,
		  2 * (1040 + 44) + 1040 + 44 },
		{ "GSO of SCTP", SCTP_SPEC, { SCTP }, 2, 2800 + 2 * (32 + 44) },
		{ "GSO from a guest",
		  GSO_SPEC,
		  { .gso_size = 1000, .wire_len = 2662 },
		  3,
		  2 * (1040 + 44) + 540 + 44 },
	};

	run_cases((struct qos_link_cfg){ .l2_len = 14, .overhead_set = 1, .overhead = 44 }, cases,
		  ARRAY_SIZE(cases));
}

static void test_no_overhead(void **state __attribute__((unused)))
{
	static const struct size_case cases[] = {
		{ "the IP packet", { .payload = 100 }, { 0 }, 1, 140 },
		{ "GSO", GSO_SPEC, { GSO }, 3, 1040 + 1040 + 540 },
	};

	run_cases((struct qos_link_cfg){ .l2_len = 14, .overhead_set = 1 }, cases,
		  ARRAY_SIZE(cases));
}

static void test_negative_overhead(void **state __attribute__((unused)))
{
	static const struct size_case cases[] = {
		{ "less", { .payload = 100 }, { 0 }, 1, 140 - 64 },
		{ "GSO", GSO_SPEC, { GSO }, 3, 2 * (1040 - 64) + 540 - 64 },
		{ "never below mpu", { .payload = 0 }, { 0 }, 1, 20 },
		{ "never below mpu, last segment",
		  { .payload = 1001 },
		  { .gso_size = 1000, .gso_segs = 2, .wire_len = 1055 + 54 },
		  2,
		  1040 - 64 + 20 },
	};

	run_cases(
		(struct qos_link_cfg){
			.l2_len = 14, .overhead_set = 1, .overhead = -64, .mpu = 20 },
		cases, ARRAY_SIZE(cases));
}

static void test_mpu(void **state __attribute__((unused)))
{
	static const struct size_case cases[] = {
		{ "40 and 18 are 58", { 0 }, { 0 }, 1, 64 },
		{ "45 and 18 are 63", { .payload = 5 }, { 0 }, 1, 64 },
		{ "46 and 18 are 64", { .payload = 6 }, { 0 }, 1, 64 },
		{ "47 and 18 are 65", { .payload = 7 }, { 0 }, 1, 65 },
		{ "GSO, a last segment of 41",
		  { .payload = 1001 },
		  { .gso_size = 1000, .gso_segs = 2, .wire_len = 1055 + 54 },
		  2,
		  1058 + 64 },
	};

	run_cases(
		(struct qos_link_cfg){ .l2_len = 14, .overhead_set = 1, .overhead = 18, .mpu = 64 },
		cases, ARRAY_SIZE(cases));
}

/* Cells of 53 bytes for every 48 begun. */
static void test_atm(void **state __attribute__((unused)))
{
	static const struct size_case cases[] = {
		{ "96 bytes: 2 cells", { .payload = 46 }, { 0 }, 1, 106 },
		{ "97 bytes: 3 cells", { .payload = 47 }, { 0 }, 1, 159 },
		{ "95 bytes: 2 cells", { .payload = 45 }, { 0 }, 1, 106 },
		{ "1510 bytes: 32 cells", { .payload = 1460 }, { 0 }, 1, 1696 },
		{ "1050, 1050 and 550 bytes: 22, 22 and 12 cells", GSO_SPEC, { GSO }, 3, 56 * 53 },
	};

	run_cases((struct qos_link_cfg){ .l2_len = 14,
					 .overhead_set = 1,
					 .overhead = 10,
					 .framing = QOS_FRAMING_ATM },
		  cases, ARRAY_SIZE(cases));
}

/* A byte of sync for every 64 begun. */
static void test_ptm(void **state __attribute__((unused)))
{
	static const struct size_case cases[] = {
		{ "64 bytes", { .payload = 2 }, { 0 }, 1, 65 },
		{ "65 bytes", { .payload = 3 }, { 0 }, 1, 67 },
		{ "63 bytes", { .payload = 1 }, { 0 }, 1, 64 },
		{ "1522 bytes: 24 blocks", { .payload = 1460 }, { 0 }, 1, 1546 },
		{ "1062, 1062 and 562 bytes: 17, 17 and 9 blocks",
		  GSO_SPEC,
		  { GSO },
		  3,
		  1079 + 1079 + 571 },
	};

	run_cases((struct qos_link_cfg){ .l2_len = 14,
					 .overhead_set = 1,
					 .overhead = 22,
					 .framing = QOS_FRAMING_PTM },
		  cases, ARRAY_SIZE(cases));
}

/* See test_parse.c for the addresses. */
static void test_no_link_header(void **state __attribute__((unused)))
{
	static const struct size_case plain = {
		"a packet", { .raw = true, .src = "8.0.0.1", .payload = 100 }, { 0 }, 1, 140
	};
	static const struct size_case more = {
		"a packet and 8", { .raw = true, .src = "8.0.0.1", .payload = 100 }, { 0 }, 1, 148
	};

	run_cases((struct qos_link_cfg){ .l2_len = 0 }, &plain, 1);
	run_cases((struct qos_link_cfg){ .l2_len = 0, .overhead_set = 1, .overhead = 8 }, &more, 1);
}

/* The IP packet's, of a full segment: what a rule for lengths sees. */
static void test_lengths(void **state __attribute__((unused)))
{
	static const struct {
		struct spec spec;
		struct input input;
		uint32_t length;
	} cases[] = {
		{ { .payload = 100 }, { 0 }, 140 },
		{ GSO_SPEC, { GSO }, 1040 },
		{ TUNNEL_SPEC(0), { TUNNEL(0) }, 1090 },
		{ SCTP_SPEC, { SCTP }, 1432 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct rule rule =
			rule_length(rule_any(SLOT), cases[i].length, cases[i].length);
		const struct setup setup = {
			.link = { .rules = 1, .default_slot = SLOT + 1, .l2_len = 14 },
			.classes = { [SLOT] = { .limit_ns = SEC },
				     [SLOT + 1] = { .limit_ns = SEC } },
			.rules = &rule,
		};
		_cleanup_(shaper_closep) struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);
		struct packet packet;

		packet_build(&cases[i].spec, &packet);
		shaper_run(s, &packet, &cases[i].input, NULL);
		if (!shaper_counters(s, SLOT).by[QOS_PASS].packets)
			fail_msg("case %zu is not %u bytes long", i, cases[i].length);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),	    cmocka_unit_test(test_overhead),
		cmocka_unit_test(test_no_overhead), cmocka_unit_test(test_negative_overhead),
		cmocka_unit_test(test_mpu),	    cmocka_unit_test(test_atm),
		cmocka_unit_test(test_ptm),	    cmocka_unit_test(test_no_link_header),
		cmocka_unit_test(test_lengths),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
