/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plans.h"

#define HEAD "default: a\nclasses: { a: {} }\nrules:\n"

/* The index of the rules of a policy's text after HEAD, the caller's, and what they use. */
static struct qos_rule_index *index_of(const char *rules, uint32_t *ret_used)
{
	_cleanup_(freep) char *text = NULL;
	_cleanup_(policy_freep) struct qos_policy *policy = NULL;
	_cleanup_(plan_freep) struct qos_plan *plan = NULL;
	struct qos_rule_index *index = malloc(sizeof(*index));

	assert_non_null(index);
	memset(index, 0xff, sizeof(*index));
	assert_true(asprintf(&text, HEAD "%s", rules) > 0);
	policy = load_good(text);
	plan = compile(policy);
	qos_rules_index(plan->rules, plan->rule_count, index);
	*ret_used = plan->link.used;
	return index;
}

#define INDEX(text)    \
	uint32_t used; \
	_cleanup_(freep) struct qos_rule_index *index = index_of(text, &used)

/* Bit n of a word is rule n where the piece is from min to max, and of no other word. */
static void expect_range(const char *what, const __u64 *words, unsigned int count,
			 unsigned int rule, unsigned int min, unsigned int max)
{
	for (unsigned int i = 0; i < count; i++) {
		if ((words[i] >> rule & 1) != (i >= min && i <= max))
			fail_msg("%s, rule %u, at %u", what, rule, i);
	}
}

static void test_small_pieces(void **state)
{
	INDEX("  - { class: a, match: { proto: udp } }\n"
	      "  - { class: a, match: { dscp: 5 } }\n"
	      "  - { class: a, match: { family: ipv6 } }\n");

	(void)state;
	assert_int_equal(used, QOS_RULE_PROTO | QOS_RULE_DSCP);
	expect_range("proto", index->proto, 256, 0, 17, 17);
	expect_range("proto", index->proto, 256, 1, 0, 255);
	expect_range("dscp", index->dscp, 64, 0, 0, 63);
	expect_range("dscp", index->dscp, 64, 1, 5, 5);
	expect_range("family", index->family, 2, 0, 0, 1);
	expect_range("family", index->family, 2, 2, 1, 1);
	assert_int_equal(index->portless, 7);
}

/* A rule that is not there is in no word. */
static void test_unused(void **state)
{
	INDEX("  - { class: a, match: { proto: udp } }\n");

	(void)state;
	assert_int_equal(used, QOS_RULE_PROTO);
	for (size_t i = 0; i < sizeof(*index) / sizeof(__u64); i++)
		assert_true(((const __u64 *)index)[i] <= 1);
}

static void test_ports(void **state)
{
	INDEX("  - { class: a, match: { sport: 53 } }\n"
	      "  - { class: a, match: { dport: 1020-1030 } }\n"
	      "  - { class: a, match: { dport: 0-65535 } }\n"
	      "  - { class: a, match: { proto: tcp } }\n");

	(void)state;
	assert_int_equal(used, QOS_RULE_SPORT | QOS_RULE_DPORT | QOS_RULE_PROTO);
	assert_int_equal(index->portless, 8);
	expect_range("sport high", index->sport_high, 256, 0, 0, 0);
	expect_range("sport low", index->sport_low, 256, 0, 53, 53);
	expect_range("dport high", index->dport_high, 256, 0, 0, 255);
	expect_range("dport low", index->dport_low, 256, 0, 0, 255);
	/* 0x3fc to 0x406: low bytes from 0xfc over 0 to 6 */
	expect_range("dport high", index->dport_high, 256, 1, 3, 4);
	for (unsigned int i = 0; i < 256; i++)
		assert_int_equal(index->dport_low[i] >> 1 & 1, i >= 0xfc || i <= 6);
	expect_range("dport high", index->dport_high, 256, 2, 0, 255);
	expect_range("dport low", index->dport_low, 256, 2, 0, 255);
	expect_range("sport high", index->sport_high, 256, 3, 0, 255);
}

/* First and third byte of IPv4; fourth and eighth of IPv6. */
static void test_addresses(void **state)
{
	INDEX("  - { class: a, match: { src: 10.1.2.0/23 } }\n"
	      "  - { class: a, match: { src: 128.0.0.0/1 } }\n"
	      "  - { class: a, match: { dst: \"2001:db8:0:40::/59\" } }\n"
	      "  - { class: a, match: { dst: \"::/0\" } }\n");

	(void)state;
	assert_int_equal(used, QOS_RULE_SRC | QOS_RULE_DST);
	expect_range("src high", index->src_high, 256, 0, 10, 10);
	expect_range("src low", index->src_low, 256, 0, 2, 3);
	expect_range("src high", index->src_high, 256, 1, 128, 255);
	expect_range("src low", index->src_low, 256, 1, 0, 255);
	expect_range("src high", index->src_high, 256, 2, 0, 255);
	expect_range("dst high", index->dst_high, 256, 2, 0xb8, 0xb8);
	expect_range("dst low", index->dst_low, 256, 2, 0x40, 0x5f);
	expect_range("dst high", index->dst_high, 256, 3, 0, 255);
	expect_range("family", index->family, 2, 1, 0, 0);
	expect_range("family", index->family, 2, 3, 1, 1);
}

/* Of more than a block only the first 64, the last of them in the top bit. */
static void test_whole_block(void **state)
{
	INDEX("  - { class: a, match: { dscp: cs0, dport: [1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,"
	      "31,33,35,37,39,41,43,45,47,49,51,53,55,57,59,61,63,65,67,69,71,73,75,77,79,81,83,"
	      "85,87,89,91,93,95,97,99,101,103,105,107,109,111,113,115,117,119,121,123,125,127,"
	      "129,131] } }\n");

	(void)state;
	assert_int_equal(used, QOS_RULE_DPORT | QOS_RULE_DSCP);
	assert_true(index->dscp[0] == UINT64_MAX);
	assert_true(index->dport_low[1] == 1);
	assert_true(index->dport_low[127] == 1ULL << 63);
	assert_true(index->dport_low[129] == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_pieces), cmocka_unit_test(test_unused),
		cmocka_unit_test(test_ports),	     cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_whole_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
