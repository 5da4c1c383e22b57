// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a packet is changed in: priority and DSCP, and nothing else. */
#include <netinet/in.h>
#include <string.h>

#include "base/cleanup.h"
#include "fixture.h"

#define SLOT 1
#define ECNS 4

static struct shaper *open_writer(uint32_t l2_len, uint8_t dscp)
{
	const struct setup setup = {
		.link = { .default_slot = SLOT, .l2_len = l2_len },
		.classes = { [SLOT] = { .dscp = dscp, .limit_ns = SEC, .priority = 6 } },
	};

	return shaper_open(PROGRAM_FAKE, &setup);
}

/* The packet again, with another DSCP, byte for byte. */
static void expect_rewritten(const struct spec *spec, uint8_t dscp, const struct outcome *out)
{
	struct spec want_spec = *spec;
	struct packet want;

	want_spec.tos = TOS(dscp, spec->tos & 3);
	packet_build(&want_spec, &want);
	assert_int_equal(out->len, want.len);
	if (memcmp(out->data, want.data, want.len) != 0)
		fail_msg("DSCP %u written over %#x: not the packet that was expected", dscp,
			 spec->tos);
	if (spec->family != 6)
		assert_int_equal(
			packet_checksum(out->data + want.l3, (spec->ihl > 5 ? spec->ihl : 5) * 4U),
			0);
}

static void rewrite(struct shaper *s, const struct spec *spec, uint8_t dscp)
{
	struct packet packet;
	struct outcome out;

	packet_build(spec, &packet);
	assert_int_equal(shaper_run(s, &packet, &(struct input){ 0 }, &out), TC_ACT_UNSPEC);
	expect_rewritten(spec, dscp, &out);
}

/* Every DSCP, written over every ECN; and one, over every first byte there is. */
static void rewrite_all(struct spec spec)
{
	_cleanup_(shaper_closep) struct shaper *s = open_writer(14, 0);

	for (uint8_t dscp = 0; dscp < 64; dscp++) {
		shaper_set_class(s, SLOT, &(struct qos_class_cfg){ .dscp = dscp });
		for (uint8_t ecn = 0; ecn < ECNS; ecn++) {
			spec.tos = TOS(21, ecn);
			rewrite(s, &spec, dscp);
		}
	}
	shaper_set_class(s, SLOT, &(struct qos_class_cfg){ .dscp = 46 });
	for (unsigned int tos = 0; tos < 256; tos++) {
		spec.tos = (uint8_t)tos;
		rewrite(s, &spec, 46);
	}
}

static void test_ipv4(void **state __attribute__((unused)))
{
	rewrite_all((struct spec){ .sport = 1, .dport = 2, .id = 0xbeef, .payload = 9 });
}

static void test_ipv6(void **state __attribute__((unused)))
{
	rewrite_all((struct spec){ .family = 6, .sport = 1, .dport = 2, .flow_label = 0xfedcb });
}

/* Sums that wrap: the checksum's field near 0 and near 0xffff. */
static void test_ipv4_checksums(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_writer(14, 46);

	for (uint32_t id = 0; id < 65536; id += 13)
		rewrite(s, &(struct spec){ .id = id, .tos = TOS(id % 64, id % 4) }, 46);
}

static void test_where_the_header_is(void **state __attribute__((unused)))
{
	static const struct spec specs[] = {
		{ .tags = { 0x8100 } },
		{ .tags = { 0x88a8, 0x8100 } },
		{ .tags = { 0x8100 }, .family = 6, .flow_label = 0x12345 },
		{ .tags = { 0x88a8, 0x8100 }, .family = 6 },
		{ .ihl = 15 },
		{ .family = 6, .exts = { HOPOPTS, IPPROTO_DSTOPTS } },
		{ .frag_off = 9, .id = 7, .payload = 64 },
		{ .family = 6,
		  .exts = { IPPROTO_FRAGMENT },
		  .frag_off = 9,
		  .id = 7,
		  .payload = 64 },
		{ .proto = IPPROTO_ICMP, .icmp_type = 8 },
	};
	_cleanup_(shaper_closep) struct shaper *s = open_writer(14, 46);

	for (size_t i = 0; i < ARRAY_SIZE(specs); i++)
		rewrite(s, &specs[i], 46);
}

/* See test_parse.c for the addresses. */
static void test_no_link_header(void **state __attribute__((unused)))
{
	static const struct spec specs[] = {
		{ .raw = true, .src = "8.0.0.1", .payload = 64, .tos = TOS(1, 2) },
		{ .raw = true,
		  .src = "2001:db8:86dd::1",
		  .family = 6,
		  .payload = 64,
		  .tos = TOS(1, 2),
		  .flow_label = 0xabcde },
	};
	_cleanup_(shaper_closep) struct shaper *s = open_writer(0, 46);

	for (size_t i = 0; i < ARRAY_SIZE(specs); i++)
		rewrite(s, &specs[i], 46);
}

/* What is not IP has no DSCP; a class that writes none leaves it. */
static void test_left_alone(void **state __attribute__((unused)))
{
	static const struct {
		struct spec spec;
		uint8_t dscp;
	} cases[] = {
		{ { .ethertype = 0x88cc, .payload = 60 }, 46 },
		{ { .ethertype = 0x0806, .payload = 28 }, 46 },
		{ { .tags = { 0x8100, 0x8100, 0x8100 } }, 46 },
		{ { .tags = { 0x8100 }, .keep = 18 + 19 }, 46 },
		{ { .tos = TOS(5, 1) }, QOS_DSCP_KEEP },
		{ { .family = 6, .tos = TOS(5, 1) }, QOS_DSCP_KEEP },
	};
	_cleanup_(shaper_closep) struct shaper *s = open_writer(14, 46);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct packet packet;
		struct outcome out;

		shaper_set_class(s, SLOT, &(struct qos_class_cfg){ .dscp = cases[i].dscp });
		packet_build(&cases[i].spec, &packet);
		shaper_run(s, &packet, &(struct input){ 0 }, &out);
		assert_int_equal(out.action, TC_ACT_UNSPEC);
		assert_int_equal(out.len, packet.len);
		assert_memory_equal(out.data, packet.data, packet.len);
	}
}

/*
 * The class's, whatever came: a socket's SO_PRIORITY 7 would otherwise leave at
 * once through fq before Linux 6.7. The mark is others' and stays.
 */
static void test_priority(void **state __attribute__((unused)))
{
	static const uint32_t given[] = { 0, 1, 6, 7, 15, 0x10007, UINT32_MAX };
	static const uint32_t classes[] = { 0, 2, 6 };
	_cleanup_(shaper_closep) struct shaper *s = open_writer(14, QOS_DSCP_KEEP);
	struct packet packet;

	packet_build(&(struct spec){ 0 }, &packet);
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		shaper_set_class(
			s, SLOT,
			&(struct qos_class_cfg){ .priority = classes[i], .dscp = QOS_DSCP_KEEP });
		for (size_t j = 0; j < ARRAY_SIZE(given); j++) {
			const struct input input = { .priority = given[j], .mark = 0xabcd };
			struct outcome out;

			shaper_run(s, &packet, &input, &out);
			assert_int_equal(out.priority, classes[i]);
			assert_int_equal(out.mark, 0xabcd);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4),	       cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_ipv4_checksums), cmocka_unit_test(test_where_the_header_is),
		cmocka_unit_test(test_no_link_header), cmocka_unit_test(test_left_alone),
		cmocka_unit_test(test_priority),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
