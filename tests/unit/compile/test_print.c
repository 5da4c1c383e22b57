/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plans.h"

/* The policy that each case of test_complete changes in one key. */
#define CLASS_A "{ priority: high, rate: 1mbit, ceil: 2mbit, burst: 3k, limit: 50ms, dscp: ef }"
#define MATCH                                                                     \
	"{ proto: udp, src: 10.0.0.0/8, dst: 10.1.0.0/16, sport: 1, dport: 2-3, " \
	"dscp: cs1, family: ipv4 }"
#define LINK	"rate: 10mbit, overhead: { bytes: 8, mpu: 64, atm: true }"
#define CLASSES "  a: " CLASS_A "\n  b: {}\n"
#define RULES	"  - { class: a, match: " MATCH " }\n  - { action: drop, match: { proto: tcp } }\n"
#define POLICY(link, fallback, classes, rules) \
	"link: { " link " }\ndefault: " fallback "\nclasses:\n" classes "rules:\n" rules
#define WITH_CLASS(c) POLICY(LINK, "b", "  a: " c "\n  b: {}\n", RULES)
#define WITH_LINK(l)  POLICY(l, "b", CLASSES, RULES)
#define WITH_MATCH(m)                             \
	POLICY(LINK, "b", CLASSES,                \
	       "  - { class: a, match: " m " }\n" \
	       "  - { action: drop, match: { proto: tcp } }\n")

static const char base[] = POLICY(LINK, "b", CLASSES, RULES);

static void test_text(void **state)
{
	_cleanup_(freep) char *text = print_policy(base);

	(void)state;
	assert_string_equal(
		text,
		"link mode fq rate 10mbit burst 3028b overhead 8 mpu 64 framing atm\n"
		"gso 3028\n"
		"class a priority high rate 1mbit ceil 2mbit burst 3k "
		"fairness flow latency 5ms limit 50ms dscp ef\n"
		"class b priority normal ceil 10mbit weight 1000000 burst 3028b fairness flow "
		"latency 5ms limit 100ms\n"
		"default b\n"
		"rule class a family ipv4 proto udp src 10.0.0.0/8 dst 10.1.0.0/16 sport 1 "
		"dport 2-3 dscp cs1\n"
		"rule drop proto tcp\n"
		"qdisc fq limit 1048576 flow_limit 1048576 quantum 3028 initial_quantum "
		"15140 buckets_log 14 orphan_mask 1048575 horizon_us 11000000\n");
}

static void test_police(void **state)
{
	_cleanup_(freep) char *text = print_policy(
		"link: { mode: police }\ndefault: a\nclasses: { a: { ceil: 1mbit } }\n");

	(void)state;
	/* no queue: neither a limit nor a qdisc */
	assert_string_equal(text, "link mode police\n"
				  "gso 3028\n"
				  "class a priority normal ceil 1mbit weight 1 burst 15140b\n"
				  "default a\n");
}

/* Inner classes have no flows and no queue; a weight that is the rate is not said. */
static void test_tree(void **state)
{
	_cleanup_(freep) char *text = print_policy(
		"link: { rate: 10mbit }\ndefault: a\nclasses:\n"
		"  t:\n"
		"    rate: 4mbit\n"
		"    classes:\n"
		"      a: { rate: 1mbit, fairness: src-host, per-flow: 500kbit, latency: 10ms }\n"
		"      b: { rate: 2mbit, fairness: none, ecn: false }\n");

	(void)state;
	*strstr(text, "default") = '\0';
	assert_string_equal(strstr(text, "class "),
			    "class t inner rate 4mbit ceil 10mbit burst 3028b\n"
			    "class a in t priority normal rate 1mbit ceil 10mbit burst "
			    "3028b fairness src-host/64 per-flow 500kbit latency 10ms limit "
			    "121120us\n"
			    "class b in t priority normal rate 2mbit ceil 10mbit burst "
			    "3028b fairness none latency 5ms limit 100ms ecn off\n");
}

static void test_addresses(void **state)
{
	_cleanup_(freep) char *text = print_policy(
		"link: { mode: police }\ndefault: a\nclasses: { a: {} }\nrules:\n"
		"  - class: a\n"
		"    match: { src: [0.0.0.0/0, 192.0.2.1, \"::/0\", \"2001:db8::/33\", \"::1\"] }\n"
		"  - { class: a, match: { proto: 200, dscp: [5, ef] } }\n");

	(void)state;
	assert_string_equal(strstr(text, "rule "), "rule class a src 0.0.0.0/0,192.0.2.1/32,::/0,"
						   "2001:db8::/33,::1/128\n"
						   "rule class a proto 200 dscp 5,ef\n");
}

/* Each differs from the base, and from each other, in what the kernel gets. */
static const char *const variants[] = {
	base,
	WITH_LINK("rate: 11mbit, overhead: { bytes: 8, mpu: 64, atm: true }"),
	WITH_LINK("rate: 10mbit, overhead: { bytes: 9, mpu: 64, atm: true }"),
	WITH_LINK("rate: 10mbit, overhead: { bytes: -8, mpu: 64, atm: true }"),
	WITH_LINK("rate: 10mbit, overhead: { bytes: 8, mpu: 65, atm: true }"),
	WITH_LINK("rate: 10mbit, overhead: { bytes: 8, mpu: 64, atm: ptm }"),
	WITH_LINK("rate: 10mbit, overhead: { bytes: 8, mpu: 64 }"),
	WITH_LINK("rate: 10mbit, overhead: { bytes: 0 }"),
	WITH_LINK("rate: 10mbit"),
	WITH_LINK("rate: 10mbit, mode: police"),
	WITH_LINK("mode: police"),
	WITH_LINK("overhead: { bytes: 8, mpu: 64, atm: true }"),
	POLICY(LINK, "a", CLASSES, RULES),
	POLICY(LINK, "b", "  b: {}\n  a: " CLASS_A "\n", RULES),
	POLICY(LINK, "b", CLASSES "  c: {}\n", RULES),
	WITH_CLASS("{ priority: low, rate: 1mbit, ceil: 2mbit, burst: 3k, limit: 50ms, dscp: ef }"),
	WITH_CLASS("{ rate: 1mbit, ceil: 2mbit, burst: 3k, limit: 50ms, dscp: ef }"),
	WITH_CLASS("{ priority: high, rate: 1001kbit, ceil: 2mbit, burst: 3k, limit: 50ms, dscp: "
		   "ef }"),
	WITH_CLASS("{ priority: high, ceil: 2mbit, burst: 3k, limit: 50ms, dscp: ef }"),
	WITH_CLASS("{ priority: high, rate: 1mbit, ceil: 2001kbit, burst: 3k, limit: 50ms, dscp: "
		   "ef }"),
	WITH_CLASS("{ priority: high, rate: 1mbit, burst: 3k, limit: 50ms, dscp: ef }"),
	WITH_CLASS("{ priority: high, rate: 1mbit, ceil: 2mbit, burst: 3073b, limit: 50ms, dscp: "
		   "ef }"),
	WITH_CLASS("{ priority: high, rate: 1mbit, ceil: 2mbit, limit: 50ms, dscp: ef }"),
	WITH_CLASS("{ priority: high, rate: 1mbit, ceil: 2mbit, burst: 3k, limit: 50001us, dscp: "
		   "ef }"),
	WITH_CLASS("{ priority: high, rate: 1mbit, ceil: 2mbit, burst: 3k, dscp: ef }"),
	WITH_CLASS("{ priority: high, rate: 1mbit, ceil: 2mbit, burst: 3k, limit: 50ms, dscp: 0 }"),
	WITH_CLASS("{ priority: high, rate: 1mbit, ceil: 2mbit, burst: 3k, limit: 50ms }"),
	WITH_CLASS("{ priority: high, rate: 1mbit, ceil: 2mbit, burst: 3k, limit: 50ms, dscp: ef, "
		   "latency: 6ms }"),
	WITH_CLASS("{ priority: high, rate: 1mbit, ceil: 2mbit, burst: 3k, limit: 50ms, dscp: ef, "
		   "ecn: false }"),
	WITH_CLASS("{ priority: high, rate: 1mbit, ceil: 2mbit, burst: 3k, limit: 50ms, dscp: ef, "
		   "fairness: none }"),
	WITH_CLASS("{ priority: high, rate: 1mbit, ceil: 2mbit, burst: 3k, limit: 50ms, dscp: ef, "
		   "fairness: src-host }"),
	WITH_CLASS("{ priority: high, rate: 1mbit, ceil: 2mbit, burst: 3k, limit: 50ms, dscp: ef, "
		   "fairness: dst-host }"),
	WITH_CLASS("{ priority: high, rate: 1mbit, ceil: 2mbit, burst: 3k, limit: 50ms, dscp: ef, "
		   "per-flow: 100kbit }"),
	POLICY(LINK, "b", "  a: { rate: 1mbit, weight: 1 }\n  b: { weight: 2 }\n", RULES),
	POLICY(LINK, "b", "  a: { rate: 1mbit, weight: 1 }\n  b: { weight: 3 }\n", RULES),
	POLICY(LINK, "b", "  t: { rate: 2mbit, classes: { a: { rate: 1mbit } } }\n  b: {}\n",
	       RULES),
	POLICY(LINK, "b", "  t: { rate: 2mbit, classes: { a: { rate: 1mbit }, b: {} } }\n", RULES),
	POLICY(LINK, "b", "  a: { rate: 1mbit }\n  t: { rate: 2mbit, classes: { b: {} } }\n",
	       RULES),
	POLICY(LINK, "b",
	       "  u: { rate: 2mbit, classes: { t: { rate: 2mbit, classes: { a: { rate: 1mbit } } "
	       "} } }\n  b: {}\n",
	       RULES),
	WITH_MATCH("{ proto: sctp, src: 10.0.0.0/8, dst: 10.1.0.0/16, sport: 1, dport: 2-3, dscp: "
		   "cs1 }"),
	WITH_MATCH("{ proto: udp, src: 10.0.0.0/9, dst: 10.1.0.0/16, sport: 1, dport: 2-3, dscp: "
		   "cs1 }"),
	WITH_MATCH("{ proto: udp, src: 11.0.0.0/8, dst: 10.1.0.0/16, sport: 1, dport: 2-3, dscp: "
		   "cs1 }"),
	WITH_MATCH("{ proto: udp, dst: 10.1.0.0/16, sport: 1, dport: 2-3, dscp: cs1 }"),
	WITH_MATCH("{ proto: udp, src: 10.1.0.0/16, sport: 1, dport: 2-3, dscp: cs1 }"),
	WITH_MATCH("{ proto: udp, src: 10.0.0.0/8, dst: 10.1.0.0/17, sport: 1, dport: 2-3, dscp: "
		   "cs1 }"),
	WITH_MATCH("{ proto: udp, src: 10.0.0.0/8, dst: 10.1.0.0/16, sport: 2, dport: 2-3, dscp: "
		   "cs1 }"),
	WITH_MATCH("{ proto: udp, src: 10.0.0.0/8, dst: 10.1.0.0/16, sport: 1-2, dport: 2-3, dscp: "
		   "cs1 }"),
	WITH_MATCH("{ proto: udp, src: 10.0.0.0/8, dst: 10.1.0.0/16, dport: 2-3, dscp: cs1 }"),
	WITH_MATCH("{ proto: udp, src: 10.0.0.0/8, dst: 10.1.0.0/16, sport: 1, dport: 2-4, dscp: "
		   "cs1 }"),
	WITH_MATCH("{ proto: udp, src: 10.0.0.0/8, dst: 10.1.0.0/16, sport: 1, dscp: cs1 }"),
	WITH_MATCH(
		"{ proto: udp, src: 10.0.0.0/8, dst: 10.1.0.0/16, sport: 1, dport: 2-3, dscp: 9 }"),
	WITH_MATCH("{ proto: udp, src: 10.0.0.0/8, dst: 10.1.0.0/16, sport: 1, dport: 2-3 }"),
	WITH_MATCH("{ proto: udp, sport: 1, dport: 2-3, dscp: cs1, family: ipv6 }"),
	WITH_MATCH("{ proto: udp, sport: 1, dport: 2-3, dscp: cs1, family: ipv4 }"),
	WITH_MATCH("{ proto: udp, sport: 1, dport: 2-3, dscp: cs1 }"),
	WITH_MATCH("{ dscp: cs1 }"),
	POLICY(LINK, "b", CLASSES,
	       "  - { class: b, match: " MATCH " }\n"
	       "  - { action: drop, match: { proto: tcp } }\n"),
	POLICY(LINK, "b", CLASSES,
	       "  - { action: drop, match: " MATCH " }\n"
	       "  - { action: drop, match: { proto: tcp } }\n"),
	POLICY(LINK, "b", CLASSES,
	       "  - { action: drop, match: { proto: tcp } }\n"
	       "  - { class: a, match: " MATCH " }\n"),
	POLICY(LINK, "b", CLASSES, "  - { class: a, match: " MATCH " }\n"),
	POLICY(LINK, "b", CLASSES, " []\n"),
};

static void test_complete(void **state)
{
	char *texts[ARRAY_SIZE(variants)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
		texts[i] = print_policy(variants[i]);
		for (size_t j = 0; j < i; j++) {
			if (strcmp(texts[i], texts[j]) == 0)
				fail_msg("alike:\n%s\n%s", variants[j], variants[i]);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++)
		free(texts[i]);
}

/* What means the same is written the same, whatever the file looks like. */
static void test_stable(void **state)
{
	_cleanup_(freep) char *flow = print_policy(base), *again = print_policy(base);
	_cleanup_(freep) char *block = print_policy(
		"classes:\n"
		"  a:\n    dscp: 46\n    limit: 0.05s\n    burst: 3072b\n    ceil: 20%\n"
		"    rate: 1000kbit\n    priority: high\n"
		"  b: { ceil: 100% }\n"
		"rules:\n"
		"  - match: { family: ipv4, dscp: 8, dport: [2-3], sport: 1-1,\n"
		"             dst: 10.1.0.0/16, src: [10.0.0.0/8], proto: 17 }\n"
		"    class: a\n"
		"  - { match: { proto: [6] }, action: drop }\n"
		"default: b\n"
		"link:\n  overhead: { atm: yes, mpu: 64, bytes: 8 }\n  rate: 1250kbps\n");

	(void)state;
	assert_string_equal(flow, again);
	assert_string_equal(flow, block);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),	 cmocka_unit_test(test_police),
		cmocka_unit_test(test_tree),	 cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_complete), cmocka_unit_test(test_stable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
