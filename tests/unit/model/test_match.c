/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>

#include "load.h"

static void expect_prefix(const struct qos_prefix *prefix, int family, int len, const char *addr)
{
	struct in6_addr expected;

	assert_int_equal(inet_pton(AF_INET6, addr, &expected), 1);
	assert_int_equal(prefix->family, family);
	assert_int_equal(prefix->len, len);
	assert_memory_equal(&prefix->addr, &expected, sizeof(expected));
}

static void test_single(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_match("{ proto: udp, src: 10.1.0.0/16, dst: 192.0.2.1, sport: 5060, "
			   "dport: 3478-3481, dscp: ef, family: ipv4 }");
	const struct qos_match *m = &policy->rules[0].match;

	(void)state;
	assert_int_equal(m->proto_count, 1);
	assert_int_equal(m->proto[0], 17);
	assert_int_equal(m->src_count, 1);
	expect_prefix(&m->src[0], 4, 16, "::ffff:10.1.0.0");
	assert_int_equal(m->dst_count, 1);
	expect_prefix(&m->dst[0], 4, 32, "::ffff:192.0.2.1");
	assert_int_equal(m->sport_count, 1);
	assert_int_equal(m->sport[0].min, 5060);
	assert_int_equal(m->sport[0].max, 5060);
	assert_int_equal(m->dport_count, 1);
	assert_int_equal(m->dport[0].min, 3478);
	assert_int_equal(m->dport[0].max, 3481);
	assert_true(m->dscp == 1ULL << 46);
	assert_int_equal(m->family, 4);
}

static void test_lists(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_match("{ proto: [tcp, 132, 0, 255], dport: [0, 65535, 1-2, \"80\", 5-5], "
			   "dscp: [cs0, 63, af41] }");
	const struct qos_match *m = &policy->rules[0].match;

	(void)state;
	assert_int_equal(m->proto_count, 4);
	assert_int_equal(m->proto[0], 6);
	assert_int_equal(m->proto[1], 132);
	assert_int_equal(m->proto[2], 0);
	assert_int_equal(m->proto[3], 255);
	assert_int_equal(m->dport_count, 5);
	assert_int_equal(m->dport[0].max, 0);
	assert_int_equal(m->dport[1].min, 65535);
	assert_int_equal(m->dport[2].max, 2);
	assert_int_equal(m->dport[3].min, 80);
	assert_int_equal(m->dport[4].max, 5);
	assert_true(m->dscp == (1ULL | 1ULL << 63 | 1ULL << 34));
	assert_int_equal(m->src_count, 0);
	assert_int_equal(m->family, 0);
}

static void test_prefixes(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_match("{ src: [0.0.0.0/0, 10.0.0.0/8, 10.128.0.0/9, 255.255.255.255, "
			   "10.0.0.254/31], dst: [\"::/0\", \"fd00:1::/64\", 2001:db8::1, "
			   "\"fe80::/10\", \"::1\", 10.0.0.0/8] }");
	const struct qos_match *m = &policy->rules[0].match;

	(void)state;
	assert_int_equal(m->src_count, 5);
	expect_prefix(&m->src[0], 4, 0, "::ffff:0.0.0.0");
	expect_prefix(&m->src[1], 4, 8, "::ffff:10.0.0.0");
	expect_prefix(&m->src[2], 4, 9, "::ffff:10.128.0.0");
	expect_prefix(&m->src[3], 4, 32, "::ffff:255.255.255.255");
	expect_prefix(&m->src[4], 4, 31, "::ffff:10.0.0.254");
	assert_int_equal(m->dst_count, 6);
	expect_prefix(&m->dst[0], 6, 0, "::");
	expect_prefix(&m->dst[1], 6, 64, "fd00:1::");
	expect_prefix(&m->dst[2], 6, 128, "2001:db8::1");
	expect_prefix(&m->dst[3], 6, 10, "fe80::");
	expect_prefix(&m->dst[4], 6, 128, "::1");
	expect_prefix(&m->dst[5], 4, 8, "::ffff:10.0.0.0");
}

static void test_host_bits(void **state)
{
	(void)state;
	expect_match_said("{ src: [10.0.0.1/31, 10.0.0.1/0, \"fd00::1/127\", \"8000::/0\"] }",
			  "policy:3:36: error: `10.0.0.1/31` has bits set beyond its length: write "
			  "`10.0.0.0/31` for the network, or `10.0.0.1` for the host\n"
			  "policy:3:49: error: `10.0.0.1/0` has bits set beyond its length: write "
			  "`0.0.0.0/0` for the network, or `10.0.0.1` for the host\n"
			  "policy:3:61: error: `fd00::1/127` has bits set beyond its length: write "
			  "`fd00::/127` for the network, or `fd00::1` for the host\n"
			  "policy:3:76: error: `8000::/0` has bits set beyond its length: write "
			  "`::/0` for the network, or `8000::` for the host\n");
}

/* A named list in another list stands for its items. */
static void test_named_lists(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_good(MINIMAL "rules:\n"
				  "  - { class: a, match: { dport: &web [80, 443] } }\n"
				  "  - { class: a, match: { dport: [*web, 8080, [22, [23]]] } }\n");
	const struct qos_match *m = &policy->rules[1].match;
	static const uint16_t ports[] = { 80, 443, 8080, 22, 23 };

	(void)state;
	assert_int_equal(m->dport_count, ARRAY_SIZE(ports));
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		assert_int_equal(m->dport[i].min, ports[i]);
}

/* Families that leave something to match are no contradiction. */
static void test_possible(void **state)
{
	static const char *const matches[] = {
		"{ src: 10.0.0.0/8, dst: [\"fd00::/8\", 10.0.0.0/8] }",
		"{ proto: [icmp, icmpv6], family: ipv6 }",
		"{ proto: icmp, src: [10.0.0.0/8, \"fd00::/8\"] }",
		"{ proto: icmpv6, family: ipv6, dst: \"ff02::/16\" }",
		"{ proto: [icmp, tcp], dport: 22 }",
		"{ dport: 22 }",
		"{ proto: [sctp, dccp, udplite], sport: 1-65535 }",
		"{ proto: gre, family: ipv6 }",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(matches); i++) {
		_cleanup_(policy_freep) struct qos_policy *policy = load_match(matches[i]);

		assert_int_equal(policy->rule_count, 1);
	}
}

static void test_impossible(void **state)
{
	(void)state;
	expect_match_said("{ proto: igmp, family: ipv6 }",
			  "policy:3:37: error: `proto` is IPv4 only and `family` IPv6 only: no "
			  "packet is both\n"
			  "policy:3:51: note: `family` is given here\n");
	expect_match_said(
		"{ dst: \"fd00::/8\", src: [10.0.0.0/8, 10.1.1.1] }",
		"policy:3:35: error: `dst` is IPv6 only and `src` IPv4 only: no packet is "
		"both\n"
		"policy:3:52: note: `src` is given here\n");
	expect_match_said("{ proto: [esp, 47], sport: 1 }",
			  "policy:3:55: error: `sport` goes with tcp, udp, udplite, sctp or dccp: "
			  "what `proto` asks for has no ports\n"
			  "policy:3:37: note: `proto` is given here\n");
	/* a value that could not be read is the only error there */
	expect_match_said("{ dst: \"fd00::/8\", src: [10.0.0.0/8, oops] }",
			  "policy:3:65: error: `oops` is not an address: `src` takes IPv4 and IPv6 "
			  "addresses and prefixes, such as 10.0.0.0/8 or fd00::/8\n");
}

static void test_empty(void **state)
{
	(void)state;
	expect_match_said("{ dport: [] }", "policy:3:37: error: `dport` is an empty list\n");
	expect_match_said("{ dport: [[]] }", "policy:3:38: error: `dport` is an empty list\n");
	expect_match_said(
		"{ dport: \"\" }",
		"policy:3:37: error: `` is not a port: `dport` takes numbers from 0 to "
		"65535, without leading zeros, ranges, such as 3478-3481, and names of services\n");
	expect_match_said("{}", "policy:3:28: error: `match` is empty: what no rule takes goes to "
				"the `default` class\n");
}

static void expect_bad_port(const char *port)
{
	_cleanup_(freep) char *match = NULL, *said = NULL;

	assert_true(asprintf(&match, "{ sport: \"%s\" }", port) > 0);
	assert_true(asprintf(&said,
			     "policy:3:37: error: `%s` is not a port: `sport` takes numbers "
			     "from 0 to 65535, without leading zeros, ranges, such as "
			     "3478-3481, and names of services\n",
			     port) > 0);
	expect_match_said(match, said);
}

static void test_bad_ports(void **state)
{
	static const char *const ports[] = {
		"65536", "99999999999", "-",	       "-1",
		"1-",	 "1-65536",	"00",	       "01",
		"1-02",	 "0x50",	"1 - 2",       "1,2",
		"1.5",	 "+1",		"000000001-2", "0000000000000001-2",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		expect_bad_port(ports[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_single),	    cmocka_unit_test(test_lists),
		cmocka_unit_test(test_prefixes),    cmocka_unit_test(test_host_bits),
		cmocka_unit_test(test_named_lists), cmocka_unit_test(test_possible),
		cmocka_unit_test(test_impossible),  cmocka_unit_test(test_empty),
		cmocka_unit_test(test_bad_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
