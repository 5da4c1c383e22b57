/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>

#include "plans.h"

#define HEAD "default: a\nclasses: { a: {}, b: {} }\nrules:\n"

struct compiled {
	struct qos_policy *policy;
	struct qos_plan *plan;
};

static void compiled_done(struct compiled *compiled)
{
	qos_plan_free(compiled->plan);
	qos_policy_free(compiled->policy);
}

/* The rules of a policy's text after HEAD. */
static struct compiled compile_rules(const char *rules)
{
	_cleanup_(freep) char *text = NULL;
	struct compiled compiled;

	assert_true(asprintf(&text, HEAD "%s", rules) > 0);
	compiled.policy = load_good(text);
	compiled.plan = compile(compiled.policy);
	return compiled;
}

#define RULES(text) _cleanup_(compiled_done) struct compiled c = compile_rules(text)

/* The slot is the class's place; a key that is not given is not compared. */
static void test_slots(void **state)
{
	RULES("  - { class: b, match: { dscp: ef } }\n"
	      "  - { class: a, match: { sport: 7 } }\n");
	const struct qos_rule *rule = c.plan->rules;

	(void)state;
	assert_int_equal(c.plan->rule_count, 2);
	assert_int_equal(c.plan->link.rules, 2);
	assert_int_equal(rule[0].slot, 2);
	assert_true(rule[0].dscp_set == 1ULL << 46);
	assert_int_equal(rule[0].key_mask, 0);
	assert_int_equal(rule[0].flags, 0);
	assert_int_equal(rule[1].slot, 1);
	assert_int_equal(rule[1].key_mask, QOS_KEY_PORTS);
	assert_true(rule[1].dscp_set == UINT64_MAX);
}

static void test_none(void **state)
{
	RULES(" []\n");

	(void)state;
	assert_int_equal(c.plan->rule_count, 0);
	assert_int_equal(c.plan->link.rules, 0);
}

static void test_drop(void **state)
{
	RULES("  - { action: drop, match: { proto: tcp } }\n");

	(void)state;
	assert_int_equal(c.plan->rules[0].slot, QOS_SLOT_LINK);
	assert_int_equal(c.plan->rules[0].flags, QOS_RULE_DROP);
	assert_int_equal(c.plan->rules[0].key_mask, 0xff);
	assert_int_equal(c.plan->rules[0].key_value, 6);
}

/* A packet without ports, a later fragment say, must not match by port 0. */
static void test_ports_imply_ports(void **state)
{
	RULES("  - { class: a, match: { proto: udp, sport: 0-65535 } }\n"
	      "  - { class: a, match: { proto: udp, dport: 53 } }\n"
	      "  - { class: a, match: { proto: udp } }\n");
	const struct qos_rule *rule = c.plan->rules;

	(void)state;
	assert_int_equal(rule[0].key_mask, QOS_KEY_PORTS | 0xff);
	assert_int_equal(rule[0].key_value, QOS_KEY_PORTS | 17);
	assert_int_equal(rule[0].flags, QOS_RULE_SPORT);
	assert_int_equal(rule[0].sport_min, 0);
	assert_int_equal(rule[0].sport_span, 65535);
	assert_int_equal(rule[1].key_mask, QOS_KEY_PORTS | 0xff);
	assert_int_equal(rule[1].key_value, QOS_KEY_PORTS | 17);
	assert_int_equal(rule[1].flags, QOS_RULE_DPORT);
	assert_int_equal(rule[1].dport_min, 53);
	assert_int_equal(rule[1].dport_span, 0);
	assert_int_equal(rule[2].key_mask, 0xff);
	assert_int_equal(rule[2].key_value, 17);
}

static void test_dscp_set(void **state)
{
	RULES("  - { class: a, match: { dscp: [ef, cs1, 63, 0] } }\n");

	(void)state;
	/* one entry: 46, 8, 63 and 0 are bits of it */
	assert_int_equal(c.plan->rule_count, 1);
	assert_true(c.plan->rules[0].dscp_set == 0x8000400000000101);
}

/* Lists multiply; the rules stay in their order. */
static void test_product(void **state)
{
	RULES("  - { class: b, match: { proto: [tcp, udp], sport: [1, 5-9], dport: [2, 3, 4] } }\n"
	      "  - { class: a, match: { proto: icmp } }\n");
	bool seen[2][2][3] = { 0 };

	(void)state;
	assert_int_equal(c.plan->rule_count, 13);
	for (size_t i = 0; i < 12; i++) {
		const struct qos_rule *rule = &c.plan->rules[i];
		bool *place = &seen[(rule->key_value & 0xff) == 17][rule->sport_min == 5]
				   [rule->dport_min - 2];

		assert_int_equal(rule->slot, 2);
		assert_true((rule->key_value & 0xff) == 17 || (rule->key_value & 0xff) == 6);
		assert_int_equal(rule->sport_span, rule->sport_min == 5 ? 4 : 0);
		assert_in_range(rule->dport_min, 2, 4);
		assert_false(*place);
		*place = true;
	}
	assert_int_equal(c.plan->rules[12].slot, 1);
	assert_int_equal(c.plan->rules[12].key_value, 1);
}

static uint32_t family_of(const struct qos_rule *rule)
{
	assert_int_equal(rule->key_mask >> 8 & 0xff, 0xff);
	return rule->key_value >> 8 & 0xff;
}

/* Only combinations of one family are packets: 2 × 1 of IPv4, 1 × 2 of IPv6. */
static void test_family_split(void **state)
{
	RULES("  - class: a\n"
	      "    match: { src: [10.0.0.0/8, 192.168.0.0/16, \"fd00::/8\"],\n"
	      "             dst: [1.1.1.1, \"2001:db8::1\", \"2001:db8::2\"] }\n");
	size_t count[7] = { 0 };

	(void)state;
	assert_int_equal(c.plan->rule_count, 4);
	for (size_t i = 0; i < 4; i++) {
		const struct qos_rule *rule = &c.plan->rules[i];
		bool v4 = family_of(rule) == 4;
		const uint8_t *src = (const uint8_t *)rule->src.value;
		const uint8_t *dst = (const uint8_t *)rule->dst.value;

		assert_int_equal(rule->flags, QOS_RULE_SRC | QOS_RULE_DST);
		assert_int_equal(src[0], v4 ? 0 : 0xfd);
		assert_int_equal(dst[0], v4 ? 0 : 0x20);
		count[family_of(rule)]++;
	}
	assert_int_equal(count[4], 2);
	assert_int_equal(count[6], 2);
}

/* `family` takes from a mixed list what is of it; a prefix implies its family. */
static void test_family(void **state)
{
	RULES("  - { class: a, match: { family: ipv6 } }\n"
	      "  - { class: a, match: { family: ipv6, src: [10.0.0.0/8, \"fd00::/8\"] } }\n"
	      "  - { class: a, match: { src: 0.0.0.0/0 } }\n"
	      "  - { class: a, match: { dst: \"::/0\" } }\n");

	(void)state;
	assert_int_equal(c.plan->rule_count, 4);
	assert_int_equal(family_of(&c.plan->rules[0]), 6);
	assert_int_equal(c.plan->rules[0].flags, 0);
	assert_int_equal(family_of(&c.plan->rules[1]), 6);
	assert_int_equal(((const uint8_t *)c.plan->rules[1].src.value)[0], 0xfd);
	assert_int_equal(family_of(&c.plan->rules[2]), 4);
	assert_int_equal(family_of(&c.plan->rules[3]), 6);
}

/* The bits of a mask in network order have to be len ones, then zeros. */
static void expect_mask(const __u64 mask[2], unsigned int ones)
{
	const uint8_t *bytes = (const uint8_t *)mask;

	for (unsigned int bit = 0; bit < 128; bit++) {
		if ((bytes[bit / 8] >> (7 - bit % 8) & 1) != (bit < ones))
			fail_msg("bit %u of a mask of %u", bit, ones);
	}
}

static struct qos_plan *compile_prefix(const struct qos_prefix *prefix, bool as_dst)
{
	struct qos_prefix copy = *prefix;
	struct qos_rule_def def = { .match = { .src = as_dst ? NULL : &copy,
					       .src_count = !as_dst,
					       .dst = as_dst ? &copy : NULL,
					       .dst_count = as_dst } };
	struct qos_plan *plan = calloc(1, sizeof(*plan));

	assert_non_null(plan);
	assert_int_equal(qos_compile_rule(&def, NULL, plan), 0);
	assert_int_equal(plan->rule_count, 1);
	return plan;
}

static void expect_prefix(int family, unsigned int len, const char *address)
{
	struct qos_prefix prefix = { .family = (uint8_t)family, .len = (uint8_t)len };
	unsigned int ones = len + (family == 4 ? 96 : 0);

	assert_int_equal(inet_pton(AF_INET6, address, &prefix.addr), 1);
	for (int as_dst = 0; as_dst < 2; as_dst++) {
		_cleanup_(plan_freep) struct qos_plan *plan = compile_prefix(&prefix, as_dst);
		const struct qos_rule *rule = &plan->rules[0];
		const struct qos_rule_addr *addr = as_dst ? &rule->dst : &rule->src;

		assert_int_equal(rule->flags, as_dst ? QOS_RULE_DST : QOS_RULE_SRC);
		assert_memory_equal(addr->value, &prefix.addr, sizeof(prefix.addr));
		expect_mask(addr->mask, ones);
	}
}

static void test_masks(void **state)
{
	(void)state;
	for (unsigned int len = 0; len <= 32; len++)
		expect_prefix(4, len, "::ffff:10.1.2.3");
	for (unsigned int len = 0; len <= 128; len++)
		expect_prefix(6, len, "2001:db8::1");
}

/* "  - { class: a, match: { proto: udp, dport: [0, 2, 4, …] } }": count ports. */
static char *port_rule(unsigned int count)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	fputs(HEAD "  - { class: b, match: { proto: tcp } }\n"
		   "  - { class: a, match: { proto: udp, dport: [",
	      out);
	for (unsigned int i = 0; i < count; i++)
		fprintf(out, "%s%u", i ? ", " : "", i * 2);
	fputs("] } }\n", out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void test_most(void **state)
{
	_cleanup_(freep) char *text = port_rule(QOS_MAX_RULES - 1);
	_cleanup_(policy_freep) struct qos_policy *policy = load_good(text);
	_cleanup_(plan_freep) struct qos_plan *plan = compile(policy);

	(void)state;
	assert_int_equal(plan->rule_count, 4096);
	for (uint16_t i = 1; i < 4096; i++)
		assert_int_equal(plan->rules[i].dport_min, (i - 1) * 2);
}

static void test_too_many(void **state)
{
	_cleanup_(freep) char *text = port_rule(QOS_MAX_RULES), *said = NULL;
	_cleanup_(policy_freep) struct qos_policy *policy = load_good(text);
	_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
	struct qos_plan *plan = (struct qos_plan *)&text;

	(void)state;
	assert_int_equal(qos_diags_set_source(diags, "eth0.yaml", text, strlen(text)), 0);
	assert_int_equal(qos_plan_compile(policy, diags, &plan), -E2BIG);
	assert_ptr_equal(plan, &text);
	assert_int_equal(qos_diags_status(diags), QOS_INVALID);
	assert_int_equal(qos_diags_text(diags, &said), 0);
	/* the rule is where it is too much: the second, on line 5 */
	assert_memory_equal(said, "eth0.yaml:5:5: error: ", 22);
	assert_non_null(strstr(said, "4096"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots),	     cmocka_unit_test(test_none),
		cmocka_unit_test(test_drop),	     cmocka_unit_test(test_ports_imply_ports),
		cmocka_unit_test(test_dscp_set),     cmocka_unit_test(test_product),
		cmocka_unit_test(test_family_split), cmocka_unit_test(test_family),
		cmocka_unit_test(test_masks),	     cmocka_unit_test(test_most),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
