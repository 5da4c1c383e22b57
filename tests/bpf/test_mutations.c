// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Frames of a corpus, with bytes changed, cut off and put in between, through the whole program:
 *each is passed or dropped, and counted once.
 *
 *	bpf_mutations [--packets N] [--seed N]
 *
 * The seed of the round that fails is printed.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fixture.h"
#include "random.h"

#define MARK_MASK 0xf
#define CLASSES	  10   /* the default and each rule's, from slot 1 on */
#define ROUND	  1000 /* packets, after which the counters are looked at */
#define FRAME_MIN 15   /* what the kernel runs a program with: a header and a byte */

static uint64_t packets = 500000, seed = 1, trying;

/* clang-format off */
static const struct spec corpus[] = {
	{ .dport = 443, .payload = 64 },
	{ .proto = IPPROTO_UDP, .dport = 53, .tos = TOS(46, 1), .payload = 32 },
	{ .ihl = 15, .dport = 22 },
	{ .frag_off = 0, .more = true, .id = 7, .proto = IPPROTO_UDP, .payload = 40 },
	{ .frag_off = 5, .id = 7, .proto = IPPROTO_UDP, .payload = 40 },
	{ .proto = IPPROTO_ICMP, .icmp_type = 8, .payload = 8 },
	{ .family = 6, .dport = 443, .payload = 64 },
	{ .family = 6, .exts = { HOPOPTS, IPPROTO_ROUTING, IPPROTO_DSTOPTS }, .dport = 80 },
	{ .family = 6, .exts = { IPPROTO_FRAGMENT }, .more = true, .id = 9, .payload = 40 },
	{ .family = 6, .exts = { IPPROTO_AH, IPPROTO_FRAGMENT }, .frag_off = 3, .id = 9 },
	{ .family = 6, .proto = IPPROTO_ICMPV6, .icmp_type = 135, .ttl = 255, .payload = 24 },
	{ .tags = { 0x88a8, 0x8100 }, .dport = 443 },
	{ .tags = { 0x8100, 0x8100, 0x8100 }, .dport = 443 },
	{ .ethertype = 0x0806, .payload = 46 },
	{ .ethertype = 0x88cc, .payload = 46 },
	{ .proto = IPPROTO_GRE, .payload = 60 },
	{ .proto = IPPROTO_IPIP, .payload = 60 },
	{ .proto = IPPROTO_UDP, .dport = 4789, .payload = 80 },
	{ .payload = 1460 },
};
/* clang-format on */

static uint8_t interesting(struct random *r)
{
	static const uint8_t bytes[] = { 0x00, 0x01, 0x04, 0x06, 0x08, 0x11, 0x29, 0x2c, 0x2f,
					 0x45, 0x46, 0x4f, 0x60, 0x7f, 0x80, 0x86, 0xdd, 0xff };

	return random_one_in(r, 2) ? RANDOM_OF(r, bytes) : (uint8_t)random_next(r);
}

static void insert_byte(struct random *r, struct packet *packet)
{
	size_t at = random_below(r, (uint32_t)packet->len);

	if (packet->len == PACKET_MAX)
		return;
	memmove(packet->data + at + 1, packet->data + at, packet->len - at);
	packet->data[at] = interesting(r);
	packet->len++;
}

static void mutate(struct random *r, struct packet *packet)
{
	uint32_t changes = random_below(r, 6);

	for (uint32_t i = 0; i < changes; i++) {
		if (random_one_in(r, 8))
			insert_byte(r, packet);
		else /* headers, as a rule */
			packet->data[random_below(r, packet->len < 96 ? (uint32_t)packet->len :
									96)] = interesting(r);
	}
	if (random_one_in(r, 8))
		packet->len = FRAME_MIN + random_below(r, (uint32_t)packet->len);
	if (packet->len > PACKET_MAX)
		packet->len = PACKET_MAX;
}

/* Whether the kernel runs the program at all: newer ones want the IP header that a frame promises.
 */
static bool run(const struct shaper *s, struct random *r, const struct packet *packet)
{
	struct __sk_buff in = {
		.mark = (uint32_t)random_next(r),
		.wire_len = (uint32_t)packet->len,
		.tstamp = random_one_in(r, 8) ? random_next(r) : 0,
	};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet->data,
		    .data_size_in = (__u32)packet->len, .ctx_in = &in, .ctx_size_in = sizeof(in),
		    .repeat = 1);

	if (bpf_prog_test_run_opts(shaper_prog_fd(s), &opts)) {
		assert_int_equal(errno, EINVAL);
		return false;
	}
	if (opts.retval != (__u32)TC_ACT_UNSPEC && opts.retval != TC_ACT_SHOT)
		fail_msg("action %d", (int)opts.retval);
	return true;
}

static uint64_t counted_by(const struct shaper *s, uint32_t slot)
{
	struct qos_counters c = shaper_counters(s, slot);
	uint64_t sum = 0;

	for (int v = 0; v < QOS_VERDICTS; v++)
		sum += c.by[v].packets;
	return sum;
}

static uint64_t counted(const struct shaper *s)
{
	uint64_t sum = 0;

	for (uint32_t slot = 0; slot < CLASSES_MAX; slot++)
		sum += counted_by(s, slot);
	return sum;
}

static void try_round(const struct shaper *s, uint64_t count)
{
	struct random r = { trying };
	uint64_t run_by_kernel = 0;

	shaper_clear_counters(s);
	for (uint64_t i = 0; i < count; i++) {
		struct packet packet;

		packet_build(&RANDOM_OF(&r, corpus), &packet);
		mutate(&r, &packet);
		run_by_kernel += run(s, &r, &packet);
	}
	assert_int_equal(counted(s), run_by_kernel);
	/* a round of refused frames would say nothing, and one without any for a rule little */
	assert_true(run_by_kernel > count / 2);
	for (uint32_t slot = 1; slot <= CLASSES && count == ROUND; slot++)
		assert_true(counted_by(s, slot));
}

static void test_mutations(void **state __attribute__((unused)))
{
	const struct rule rules[] = {
		rule_drop(),
		rule_mark(rule_any(2), 1, MARK_MASK),
		rule_vlan(rule_any(3), 0, 4095),
		rule_icmp_type(rule_any(4), 8),
		rule_tcp_flags(rule_dport(rule_any(5), 80, 80), 0, 0x12),
		rule_dscp(rule_any(6), 0xff00ff00ff00ff00ULL),
		rule_dport(rule_any(7), 443, 500),
		rule_dst(rule_sport(rule_any(8), 0, 1000), "10.0.0.0/9"),
		rule_length(rule_any(9), 60, 100),
		rule_src(rule_any(10), "fd00::/8"),
	};
	struct rule dropped[ARRAY_SIZE(rules)];
	const struct setup setup = {
		.link = { .rules = ARRAY_SIZE(rules),
			  .masks = { MARK_MASK },
			  .default_slot = 1,
			  .l2_len = 14,
			  .tunnel_inner = 1 },
		.rules = dropped,
	};
	_cleanup_(shaper_closep) struct shaper *s = NULL;

	memcpy(dropped, rules, sizeof(rules));
	dropped[0] = rule_dport(rules[0], 25, 25);
	s = shaper_open(PROGRAM_REAL, &setup);
	for (trying = seed; packets; trying++) {
		uint64_t count = packets < ROUND ? packets : ROUND;

		try_round(s, count);
		packets -= count;
	}
}

static int say_seed(void **state __attribute__((unused)))
{
	if (packets)
		print_error("again: bpf_mutations --packets %d --seed %" PRIu64 "\n", ROUND,
			    trying);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "packets", required_argument, NULL, 'n' },
		{ "seed", required_argument, NULL, 's' },
		{ 0 },
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_mutations, say_seed),
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == '?')
			return 2;
		*(option == 'n' ? &packets : &seed) = strtoull(optarg, NULL, 10);
	}
	return cmocka_run_group_tests(tests, need_root, NULL);
}
