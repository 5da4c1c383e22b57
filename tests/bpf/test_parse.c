// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the program sees of a frame, told by rules that ask for it. Headers
 * beyond the linear part are in test_nonlinear.c: BPF_PROG_TEST_RUN makes
 * linear packets only.
 */
#include <netinet/in.h>

#include "base/cleanup.h"
#include "fixture.h"
#include "rules.h"

#define SLOT_NEITHER 1 /* the default: not IP */
#define SLOT_PORT    2 /* destination port 443 */
#define SLOT_IPV4    3 /* IPv4 without it */
#define SLOT_IPV6    4

#define VLAN	     0x8100
#define SVLAN	     0x88a8

struct parse_case {
	const char *name;
	struct spec spec;
	uint32_t slot;
};

static const struct parse_case link_cases[] = {
	{ "plain", { .dport = 443 }, SLOT_PORT },
	{ "VLAN", { .tags = { VLAN }, .dport = 443 }, SLOT_PORT },
	{ "VLAN with 802.1ad's type", { .tags = { SVLAN }, .dport = 443 }, SLOT_PORT },
	{ "QinQ", { .tags = { SVLAN, VLAN }, .dport = 443 }, SLOT_PORT },
	{ "two 802.1Q tags", { .tags = { VLAN, VLAN }, .dport = 443 }, SLOT_PORT },
	{ "QinQ, IPv6", { .tags = { SVLAN, VLAN }, .family = 6, .dport = 443 }, SLOT_PORT },
	{ "three tags", { .tags = { SVLAN, VLAN, VLAN }, .dport = 443 }, SLOT_NEITHER },
	{ "LLDP", { .ethertype = 0x88cc, .payload = 60 }, SLOT_NEITHER },
	{ "802.3 with a length", { .ethertype = 0x0040, .payload = 64 }, SLOT_NEITHER },
	{ "MPLS", { .ethertype = 0x8847, .payload = 64 }, SLOT_NEITHER },
	{ "PPPoE session", { .ethertype = 0x8864, .payload = 64 }, SLOT_NEITHER },
	{ "jumbo", { .dport = 443, .payload = 3300 }, SLOT_PORT },
};

static const struct parse_case ipv4_cases[] = {
	{ "UDP", { .proto = IPPROTO_UDP, .dport = 443 }, SLOT_PORT },
	{ "SCTP", { .proto = IPPROTO_SCTP, .dport = 443 }, SLOT_PORT },
	{ "DCCP", { .proto = IPPROTO_DCCP, .dport = 443 }, SLOT_PORT },
	{ "UDP-Lite", { .proto = IPPROTO_UDPLITE, .dport = 443 }, SLOT_PORT },
	{ "another port", { .dport = 444 }, SLOT_IPV4 },
	{ "the port as source", { .sport = 443, .dport = 1 }, SLOT_IPV4 },
	{ "ICMP has none", { .proto = IPPROTO_ICMP, .icmp_type = 8, .dport = 443 }, SLOT_IPV4 },
	{ "GRE has none", { .proto = IPPROTO_GRE, .dport = 443 }, SLOT_IPV4 },
	{ "ESP has none", { .proto = IPPROTO_ESP, .dport = 443 }, SLOT_IPV4 },
	{ "options, one word", { .ihl = 6, .dport = 443 }, SLOT_PORT },
	{ "options, ten words", { .ihl = 15, .dport = 443 }, SLOT_PORT },
	{ "VLAN and options", { .tags = { VLAN }, .ihl = 15, .dport = 443 }, SLOT_PORT },
	/* 0.0.1.187 would read as port 443 */
	{ "header length 1", { .ihl = 1, .dport = 443 }, SLOT_IPV4 },
	{ "header length 3", { .ihl = 3, .src = "10.0.1.187", .dport = 443 }, SLOT_IPV4 },
	{ "header length 4", { .ihl = 4, .dst = "10.0.1.187", .dport = 443 }, SLOT_IPV4 },
	{ "header length past the end", { .ihl = 15, .dport = 443, .keep = 14 + 40 }, SLOT_IPV4 },
};

#define IPV6(...)                                      \
	{                                              \
		.family = 6, .dport = 443, __VA_ARGS__ \
	}

static const struct parse_case ipv6_cases[] = {
	{ "TCP", IPV6(0), SLOT_PORT },
	{ "UDP", IPV6(.proto = IPPROTO_UDP), SLOT_PORT },
	{ "no next header", IPV6(.proto = IPPROTO_NONE), SLOT_IPV6 },
	{ "hop-by-hop", IPV6(.exts = { HOPOPTS }), SLOT_PORT },
	{ "routing", IPV6(.exts = { IPPROTO_ROUTING }), SLOT_PORT },
	{ "destination options", IPV6(.exts = { IPPROTO_DSTOPTS }), SLOT_PORT },
	{ "mobility", IPV6(.exts = { IPPROTO_MH }), SLOT_PORT },
	{ "HIP", IPV6(.exts = { 139 }), SLOT_PORT },
	{ "shim6", IPV6(.exts = { 140 }), SLOT_PORT },
	{ "authentication", IPV6(.exts = { IPPROTO_AH }, .ext_words = 1), SLOT_PORT },
	{ "authentication, longer", IPV6(.exts = { IPPROTO_AH }, .ext_words = 5), SLOT_PORT },
	{ "encrypted: no further", IPV6(.exts = { IPPROTO_ESP }), SLOT_IPV6 },
	{ "hop-by-hop of 32 bytes", IPV6(.exts = { HOPOPTS }, .ext_words = 3), SLOT_PORT },
	{ "options of 2048 bytes", IPV6(.exts = { IPPROTO_DSTOPTS }, .ext_words = 255), SLOT_PORT },
	{ "an atomic fragment", IPV6(.exts = { IPPROTO_FRAGMENT }), SLOT_PORT },
	{ "all kinds at once",
	  IPV6(.exts = { HOPOPTS, IPPROTO_DSTOPTS, IPPROTO_ROUTING, IPPROTO_FRAGMENT, IPPROTO_AH,
			 IPPROTO_DSTOPTS },
	       .ext_words = 2),
	  SLOT_PORT },
	{ "as many as are walked", IPV6(.exts = { HOPOPTS, 60, 60, 60, 60, 60, 60, 60 }),
	  SLOT_PORT },
	{ "one more", IPV6(.exts = { HOPOPTS, 60, 60, 60, 60, 60, 60, 60, 60 }), SLOT_IPV6 },
	{ "VLAN and hop-by-hop", IPV6(.tags = { VLAN }, .exts = { HOPOPTS }), SLOT_PORT },
};

/*
 * What a short frame is known to be, it is; the rest is not guessed. Those short
 * of an IP header are in a VLAN, since BPF_PROG_TEST_RUN refuses them otherwise.
 */
static const struct parse_case truncated_cases[] = {
	{ "Ethernet and a byte", { .ethertype = 0x88cc, .payload = 1 }, SLOT_NEITHER },
	{ "a VLAN tag short", { .tags = { VLAN }, .keep = 17 }, SLOT_NEITHER },
	{ "the second tag short", { .tags = { SVLAN, VLAN }, .keep = 21 }, SLOT_NEITHER },
	{ "IPv4 short", { .tags = { VLAN }, .dport = 443, .keep = 18 + 19 }, SLOT_NEITHER },
	{ "IPv4 alone", { .dport = 443, .keep = 14 + 20 }, SLOT_IPV4 },
	{ "ports short", { .dport = 443, .keep = 14 + 20 + 3 }, SLOT_IPV4 },
	{ "ports alone", { .dport = 443, .keep = 14 + 20 + 4 }, SLOT_PORT },
	{ "IPv6 short", IPV6(.tags = { VLAN }, .keep = 18 + 39), SLOT_NEITHER },
	{ "IPv6 alone", IPV6(.keep = 14 + 40), SLOT_IPV6 },
	{ "IPv6 ports short", IPV6(.keep = 14 + 40 + 3), SLOT_IPV6 },
	{ "extension short", IPV6(.exts = { HOPOPTS }, .keep = 14 + 40 + 7), SLOT_IPV6 },
	{ "ports after it short", IPV6(.exts = { HOPOPTS }, .keep = 14 + 40 + 8 + 3), SLOT_IPV6 },
	{ "ports after it alone", IPV6(.exts = { HOPOPTS }, .keep = 14 + 40 + 8 + 4), SLOT_PORT },
	{ "ICMPv6 without a type", IPV6(.proto = IPPROTO_ICMPV6, .keep = 14 + 40), SLOT_IPV6 },
};

/*
 * Without a link header the kernel's skb->protocol says what it is. The frame
 * that BPF_PROG_TEST_RUN makes of the bytes takes it from bytes 12 and 13: so
 * the source addresses have an EtherType there.
 */
#define RAW4(...)                                                                       \
	{                                                                               \
		.raw = true, .src = "8.0.0.1", .dport = 443, .payload = 64, __VA_ARGS__ \
	}
#define RAW6(...)                                                                                 \
	{                                                                                         \
		.raw = true, .src = "2001:db8:86dd::1", .family = 6, .dport = 443, .payload = 64, \
		__VA_ARGS__                                                                       \
	}

static const struct parse_case raw_cases[] = {
	{ "IPv4", RAW4(0), SLOT_PORT },
	{ "IPv4 with options", RAW4(.ihl = 8), SLOT_PORT },
	{ "IPv4 without the port", RAW4(.proto = IPPROTO_ICMP), SLOT_IPV4 },
	{ "IPv6", RAW6(0), SLOT_PORT },
	{ "IPv6 with an extension", RAW6(.exts = { HOPOPTS }), SLOT_PORT },
	{ "IPv6 without the port", RAW6(.proto = IPPROTO_UDP, .sport = 443, .dport = 1),
	  SLOT_IPV6 },
	{ "neither", { .raw = true, .src = "12.34.0.1", .dport = 443 }, SLOT_NEITHER },
};

static void run_cases(const struct parse_case *cases, size_t count, uint32_t l2_len)
{
	const struct rule rules[] = {
		rule_dport(rule_any(SLOT_PORT), 443, 443),
		rule_family(rule_any(SLOT_IPV4), QOS_FAMILY_IPV4),
		rule_family(rule_any(SLOT_IPV6), QOS_FAMILY_IPV6),
	};
	const struct setup setup = {
		.link = { .rules = ARRAY_SIZE(rules),
			  .default_slot = SLOT_NEITHER,
			  .l2_len = l2_len },
		.rules = rules,
	};
	_cleanup_(shaper_closep) struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);

	for (size_t i = 0; i < count; i++) {
		struct packet packet;

		packet_build(&cases[i].spec, &packet);
		shaper_clear_counters(s);
		assert_int_equal(shaper_run(s, &packet, &(struct input){ 0 }, NULL), TC_ACT_UNSPEC);
		shaper_expect(s, cases[i].name, cases[i].slot, QOS_PASS);
	}
}

static void test_link(void **state __attribute__((unused)))
{
	run_cases(link_cases, ARRAY_SIZE(link_cases), 14);
}

static void test_ipv4(void **state __attribute__((unused)))
{
	run_cases(ipv4_cases, ARRAY_SIZE(ipv4_cases), 14);
}

static void test_ipv6(void **state __attribute__((unused)))
{
	run_cases(ipv6_cases, ARRAY_SIZE(ipv6_cases), 14);
}

static void test_truncated(void **state __attribute__((unused)))
{
	run_cases(truncated_cases, ARRAY_SIZE(truncated_cases), 14);
}

static void test_no_link_header(void **state __attribute__((unused)))
{
	run_cases(raw_cases, ARRAY_SIZE(raw_cases), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link),	       cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_ipv6),	       cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_no_link_header),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
