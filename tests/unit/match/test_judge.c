/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which rule takes a packet, and what kept others from it. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "match/match.h"

DEFINE_CLEANUP(struct qos_diags *, diags_freep, qos_diags_free)

struct match_case {
	const char *packet, *why; /* null: it matches */
};

static void run(const struct qos_match *match, const struct match_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
		_cleanup_(freep) char *words = NULL, *why = NULL;
		struct qos_packet p;
		uint32_t failed;

		assert_int_equal(qos_packet_parse(cases[i].packet, diags, &p, &words), 0);
		failed = qos_match_failed(match, &p);
		if (!failed != !cases[i].why)
			fail_msg("%s", cases[i].packet);
		if (!failed)
			continue;
		assert_int_equal(__builtin_popcount(failed), 1);
		assert_int_equal(
			qos_match_why(match, (enum qos_match_key)__builtin_ctz(failed), &p, &why),
			0);
		assert_string_equal(why, cases[i].why);
	}
}

#define RUN(match, ...)                                        \
	run(match, (const struct match_case[]){ __VA_ARGS__ }, \
	    ARRAY_SIZE(((const struct match_case[]){ __VA_ARGS__ })))

#define UDP "udp 10.0.0.2:5000 > 10.1.2.3:53"

static struct qos_prefix prefix4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint8_t len)
{
	return (struct qos_prefix){
		.family = 4,
		.len = len,
		.addr.s6_addr = { [10] = 0xff,
				  [11] = 0xff,
				  [12] = a,
				  [13] = b,
				  [14] = c,
				  [15] = d },
	};
}

static void test_small(void **state __attribute__((unused)))
{
	uint8_t proto[] = { 6, 132 };
	struct qos_match m = { .proto = proto, .proto_count = 2 };

	RUN(&m, { "tcp 10.0.0.2:1 > 10.0.0.3:2", NULL }, { "sctp [::1]:1 > [::2]:2", NULL },
	    { UDP, "proto is udp, not tcp or sctp" },
	    { "arp", "it has no IP header, and proto has to be tcp or sctp" });
	proto[0] = 1;
	m.proto_count = 1;
	RUN(&m, { "icmp 10.0.0.2 > 10.0.0.3", NULL }, { "icmp ::1 > ::2", "proto is 1, not icmp" });
	proto[0] = 58;
	RUN(&m, { "icmpv6 ::1 > ::2", NULL },
	    { "icmpv6 10.0.0.2 > 10.0.0.3", "proto is 58, not icmpv6" });
	m = (struct qos_match){ .family = 6 };
	RUN(&m, { "udp [::1]:1 > [::2]:2", NULL }, { UDP, "family is ipv4, not ipv6" },
	    { "arp", "it has no IP header, and family has to be ipv6" });
	m = (struct qos_match){ .dscp = 1ULL << 46 | 1ULL | 1ULL << 63 };
	RUN(&m, { UDP, NULL }, { UDP " dscp 63", NULL },
	    { UDP " dscp cs1", "dscp is cs1, not cs0, ef or 63" },
	    { "ethertype 0x9000", "it has no IP header, and dscp has to be cs0, ef or 63" });
}

static void test_addresses(void **state __attribute__((unused)))
{
	struct qos_prefix list[] = { prefix4(10, 1, 2, 0, 23), prefix4(192, 0, 2, 1, 32) };
	struct qos_prefix all4 = prefix4(0, 0, 0, 0, 0), all6 = { .family = 6 };
	struct qos_prefix odd6 = { .family = 6, .len = 65, .addr.s6_addr = { 0xfd, [8] = 0x80 } };
	struct qos_match m = { .dst = list, .dst_count = 2 };

	RUN(&m, { UDP, NULL }, { "gre 10.9.9.9 > 10.1.3.255", NULL },
	    { "gre 10.9.9.9 > 192.0.2.1", NULL },
	    { "gre 10.1.2.3 > 10.1.4.0", "dst is 10.1.4.0, not 10.1.2.0/23 or 192.0.2.1" },
	    { "gre fd00::1 > fd00::2", "dst is fd00::2, not 10.1.2.0/23 or 192.0.2.1" });
	m = (struct qos_match){ .src = &all4, .src_count = 1 };
	RUN(&m, { UDP, NULL }, { "gre ::1 > ::2", "src is ::1, not 0.0.0.0/0" },
	    { "arp", "it has no IP header, and src has to be 0.0.0.0/0" });
	m.src = &all6;
	RUN(&m, { "gre ::1 > ::2", NULL }, { UDP, "src is 10.0.0.2, not ::/0" });
	m.src = &odd6;
	RUN(&m, { "gre fd00::ffff:0:0:0 > ::2", NULL },
	    { "gre fd00::7fff:0:0:0 > ::2", "src is fd00::7fff:0:0:0, not fd00::8000:0:0:0/65" });
}

static void test_ports(void **state __attribute__((unused)))
{
	struct qos_port_range list[] = { { 53, 53 }, { 1000, 2000 }, { 1, 1 },
					 { 2, 2 },   { 3, 3 },	     { 4, 4 } };
	struct qos_match m = { .dport = list, .dport_count = 2 };

	RUN(&m, { UDP, NULL }, { "tcp 10.0.0.2:9 > 10.0.0.3:2000", NULL },
	    { "tcp 10.0.0.2:53 > 10.0.0.3:2001", "dport is 2001, not 53 or 1000-2000" },
	    { "udp 10.0.0.2 > 10.0.0.3 fragment later",
	      "it has no ports, and dport has to be 53 or 1000-2000" },
	    { "icmp 10.0.0.2 > 10.0.0.3", "it has no ports, and dport has to be 53 or 1000-2000" });
	m = (struct qos_match){ .sport = list, .sport_count = 6 };
	RUN(&m, { "tcp 10.0.0.2:1000 > 10.0.0.3:9", NULL },
	    { "tcp 10.0.0.2:999 > 10.0.0.3:53",
	      "sport is 999, not 53, 1000-2000, 1, 2 or 2 more" });
}

static void test_socket(void **state __attribute__((unused)))
{
	char *paths[] = { (char *)"system.slice", (char *)"a/b" };
	struct qos_range uids[] = { { 33, 33 }, { 1000, 1999 } };
	struct qos_masked marks[] = { { 0x10, 0xf0 }, { 1, UINT32_MAX } };
	struct qos_match m = { .cgroup = paths, .cgroup_count = 2 };

	RUN(&m, { UDP " cgroup system.slice", NULL },
	    { UDP " cgroup /system.slice/x.service", NULL }, { "arp cgroup a/b/c", NULL },
	    { UDP " cgroup system.slices", "cgroup is system.slices, not system.slice or a/b" },
	    { UDP " cgroup a", "cgroup is a, not system.slice or a/b" },
	    { UDP " cgroup /", "cgroup is /, not system.slice or a/b" },
	    { UDP, "it has no cgroup, and cgroup has to be system.slice or a/b" });
	m = (struct qos_match){ .uid = uids, .uid_count = 2 };
	RUN(&m, { UDP " uid 33", NULL }, { UDP " uid 1999", NULL },
	    { UDP " uid 0", "uid is 0, not 33 or 1000-1999" },
	    { UDP, "it has no uid, and uid has to be 33 or 1000-1999" });
	m = (struct qos_match){ .mark = marks, .mark_count = 2 };
	RUN(&m, { UDP " mark 0xf1f", NULL }, { UDP " mark 1", NULL },
	    { UDP " mark 2", "mark is 0x2, not 0x10/0xf0 or 0x1" },
	    { UDP, "mark is 0x0, not 0x10/0xf0 or 0x1" });
}

static void test_frame(void **state __attribute__((unused)))
{
	struct qos_range vlans[] = { { 5, 9 }, { QOS_VLAN_NONE, QOS_VLAN_NONE } };
	struct qos_range lengths[] = { { 0, 100 }, { 1000, 1500 } };
	struct qos_masked flags[] = { { 2, 0x17 }, { 1, 1 } };
	struct qos_icmp_type types[] = { { 0, 8, -1 }, { 6, 128, 0 }, { 4, 3, 4 } };
	struct qos_match m = { .vlan = vlans, .vlan_count = 2 };

	RUN(&m, { UDP, NULL }, { "arp vlan 5", NULL },
	    { UDP " vlan 10", "vlan is 10, not 5-9 or none" });
	m.vlan_count = 1;
	RUN(&m, { UDP, "vlan is none, not 5-9" });
	m = (struct qos_match){ .length = lengths, .length_count = 2 };
	RUN(&m, { UDP, NULL }, { UDP " length 1500", NULL },
	    { UDP " length 101", "length is 101, not 0-100 or 1000-1500" },
	    { "arp", "it has no IP header, and length has to be 0-100 or 1000-1500" });
	m = (struct qos_match){ .tcp_flags = flags, .tcp_flags_count = 2 };
	RUN(&m, { "tcp [::1]:1 > [::2]:2 flags syn+urg", NULL },
	    { "tcp [::1]:1 > [::2]:2 flags fin+ack", NULL },
	    { "tcp [::1]:1 > [::2]:2 flags syn+ack",
	      "tcp-flags is syn+ack, not syn/fin+syn+rst+ack or fin" },
	    { UDP, "it has no TCP flags, and tcp-flags has to be syn/fin+syn+rst+ack or fin" });
	m = (struct qos_match){ .icmp_type = types, .icmp_type_count = 3 };
	RUN(&m, { "icmp 10.0.0.1 > 10.0.0.2", NULL }, { "icmpv6 ::1 > ::2", NULL },
	    { "icmpv6 ::1 > ::2 type 8", NULL }, { "icmp 10.0.0.1 > 10.0.0.2 type 3 code 4", NULL },
	    { "icmp 10.0.0.1 > 10.0.0.2 type 3",
	      "icmp-type is destination-unreachable/0, not echo-request, echo-request/0 or "
	      "destination-unreachable/4" },
	    { UDP, "it has no ICMP type, and icmp-type has to be echo-request, echo-request/0 or "
		   "destination-unreachable/4" });
}

/* What is longer than any packet but a jumbogram is as long as the longest: see kern/pieces.h. */
static void test_jumbo(void **state __attribute__((unused)))
{
	struct qos_range range = { 1000, 65575 };
	struct qos_match m = { .length = &range, .length_count = 1 };
	struct qos_packet p = { .family = 6, .length = 65576 };

	assert_int_equal(qos_match_failed(&m, &p), 0);
	range.max = 65574;
	assert_int_not_equal(qos_match_failed(&m, &p), 0);
}

/* A number is told as the packet's family names it, a name that is of both families once. */
static void test_icmp_names(void **state __attribute__((unused)))
{
	struct qos_icmp_type numbers[] = { { 0, 8, -1 }, { 0, 3, 4 }, { 0, 129, -1 } };
	struct qos_icmp_type pairs[] = {
		{ 4, 11, -1 }, { 6, 3, -1 }, { 4, 3, 1 },   { 6, 1, 1 },
		{ 4, 13, -1 }, { 6, 2, -1 }, { 4, 10, -1 }, { 6, 133, -1 }
	};
	struct qos_match m = { .icmp_type = numbers, .icmp_type_count = 3 };

	RUN(&m,
	    { "icmp 10.0.0.1 > 10.0.0.2 type echo-reply",
	      "icmp-type is echo-reply/0, not echo-request, destination-unreachable/4 or 129" },
	    { "icmpv6 ::1 > ::2",
	      "icmp-type is echo-request/0, not 8, time-exceeded/4 or echo-reply" },
	    { "tcp [::1]:1 > [::2]:2",
	      "it has no ICMP type, and icmp-type has to be 8, time-exceeded/4 or echo-reply" },
	    { "arp", "it has no ICMP type, and icmp-type has to be 8, 3/4 or 129" });
	m = (struct qos_match){ .icmp_type = pairs, .icmp_type_count = 4 };
	RUN(&m,
	    { "icmp 10.0.0.1 > 10.0.0.2",
	      "icmp-type is echo-request/0, not time-exceeded or destination-unreachable/1" },
	    { "icmpv6 ::1 > ::2",
	      "icmp-type is echo-request/0, not time-exceeded or destination-unreachable/1" },
	    { "icmpv6 ::1 > ::2 type 3", NULL });
	m.icmp_type_count = 8;
	RUN(&m, { "icmp 10.0.0.1 > 10.0.0.2",
		  "icmp-type is echo-request/0, not time-exceeded, destination-unreachable/1, "
		  "timestamp-request, packet-too-big or 1 more" });
}

/* None of these, and one of these is all that it asks for. */
static void test_not(void **state __attribute__((unused)))
{
	struct qos_prefix ten = prefix4(10, 0, 0, 0, 8);
	struct qos_port_range dns = { 53, 53 };
	uint8_t tcp = 6;
	struct qos_match excluded[] = {
		{ .dst = &ten, .dst_count = 1, .proto = &tcp, .proto_count = 1 },
		{ .dport = &dns, .dport_count = 1 },
	};
	struct qos_match m = { .excluded = excluded, .excluded_count = 2 };

	RUN(&m, { "icmp 10.0.0.1 > 10.0.0.2", NULL }, { "arp", NULL },
	    { "tcp 10.0.0.1:1 > 11.0.0.2:2", NULL },
	    { "tcp 10.0.0.1:1 > 10.0.0.2:2",
	      "it is excluded by `not`: proto is tcp, dst is 10.0.0.2" },
	    { "udp 10.0.0.1:1 > 10.0.0.2:53", "it is excluded by `not`: dport is 53" });
}

/* The first, and of those before it the ones that one key kept from it. */
static void test_first(void **state __attribute__((unused)))
{
	uint8_t tcp = 6, udp = 17;
	struct qos_port_range dns = { 53, 53 }, web = { 80, 80 };
	struct qos_rule_def rules[] = {
		{ .match = { .proto = &tcp, .proto_count = 1, .dport = &web, .dport_count = 1 } },
		{ .match = { .proto = &udp, .proto_count = 1, .dport = &web, .dport_count = 1 } },
		{ .match = { .family = 6 } },
		{ .match = { .proto = &udp, .proto_count = 1, .dport = &dns, .dport_count = 1 } },
		{ .match = { .proto = &udp, .proto_count = 1 } },
	};
	struct qos_policy policy = { .rules = rules, .rule_count = ARRAY_SIZE(rules) };
	_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
	_cleanup_(freep) char *words = NULL, *more = NULL, *arp = NULL;
	struct qos_judgement j;
	struct qos_packet p;

	assert_int_equal(qos_packet_parse(UDP, diags, &p, &words), 0);
	qos_packet_judge(&policy, &p, &j);
	assert_true(j.by_rule);
	assert_int_equal(j.rule, 3);
	assert_int_equal(j.near_count, 2);
	assert_int_equal(j.near[0].rule, 1);
	assert_int_equal(j.near[0].key, QOS_MATCH_DPORT);
	assert_int_equal(j.near[1].rule, 2);
	assert_int_equal(j.near[1].key, QOS_MATCH_FAMILY);

	assert_int_equal(qos_packet_parse("sctp 10.0.0.1:1 > 10.0.0.2:7", diags, &p, &more), 0);
	qos_packet_judge(&policy, &p, &j);
	assert_false(j.by_rule);
	assert_int_equal(j.near_count, 2); /* those of one key */

	/* no rule is asked about it */
	rules[0].match = (struct qos_match){ 0 };
	assert_int_equal(qos_packet_parse("arp", diags, &p, &arp), 0);
	qos_packet_judge(&policy, &p, &j);
	assert_false(j.by_rule);
	assert_int_equal(j.near_count, 0);
}

/* Of many, those that most keys held of; the earlier ones where it is the same. */
static void test_nearest(void **state __attribute__((unused)))
{
	uint8_t udp = 17;
	struct qos_port_range web = { 80, 80 };
	struct qos_rule_def rules[20] = { 0 };
	struct qos_policy policy = { .rules = rules, .rule_count = ARRAY_SIZE(rules) };
	_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
	_cleanup_(freep) char *words = NULL;
	const size_t expected[QOS_NEAR_MAX] = { 0, 1, 2, 12, 17 };
	struct qos_judgement j;
	struct qos_packet p;

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		rules[i].match = (struct qos_match){ .dport = &web, .dport_count = 1 };
		if (i % 5 == 2 && i > 10) {
			rules[i].match.proto = &udp;
			rules[i].match.proto_count = 1;
		}
	}
	assert_int_equal(qos_packet_parse(UDP, diags, &p, &words), 0);
	qos_packet_judge(&policy, &p, &j);
	assert_false(j.by_rule);
	assert_int_equal(j.near_count, QOS_NEAR_MAX);
	for (size_t i = 0; i < QOS_NEAR_MAX; i++)
		assert_int_equal(j.near[i].rule, expected[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small),	cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_ports),	cmocka_unit_test(test_socket),
		cmocka_unit_test(test_frame),	cmocka_unit_test(test_icmp_names),
		cmocka_unit_test(test_not),	cmocka_unit_test(test_first),
		cmocka_unit_test(test_nearest), cmocka_unit_test(test_jumbo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
