/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "load.h"

/* n lines, each of a number, between head and tail; the caller's. */
static char *lines(const char *head, const char *line, size_t n, const char *tail)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fputs(head, f);
	for (size_t i = 0; i < n; i++) {
		for (const char *p = line; *p; p++) {
			if (*p == '#')
				fprintf(f, "%zu", i);
			else
				putc(*p, f);
		}
	}
	fputs(tail, f);
	assert_int_equal(fclose(f), 0);
	return text;
}

static void test_minimal(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy = load_good(MINIMAL);

	(void)state;
	assert_string_equal(policy->path, "eth0.yaml");
	assert_string_equal(policy->interface, "eth0");
	assert_int_equal(policy->link.rate, 0);
	assert_int_equal(policy->link.rate_loc.line, 0);
	assert_false(policy->link.overhead_set);
	assert_int_equal(policy->link.framing, QOS_LINK_PLAIN);
	assert_false(policy->link.police);
	assert_int_equal(policy->class_count, 1);
	assert_int_equal(policy->default_class, 0);
	assert_int_equal(policy->rule_count, 0);
	assert_string_equal(policy->classes[0].name, "a");
	assert_int_equal(policy->classes[0].loc.line, 2);
	assert_int_equal(policy->classes[0].loc.column, 12);
	assert_int_equal(policy->classes[0].priority, QOS_PRIORITY_NORMAL);
	assert_int_equal(policy->classes[0].rate, 0);
	assert_int_equal(policy->classes[0].ceil, 0);
	assert_int_equal(policy->classes[0].burst, 0);
	assert_int_equal(policy->classes[0].limit, 0);
	assert_int_equal(policy->classes[0].dscp, -1);
	assert_int_equal(policy->link.gso, QOS_GSO_AUTO);
	assert_int_equal(policy->classes[0].parent, QOS_PARENT_LINK);
	assert_int_equal(policy->classes[0].depth, 1);
	assert_false(policy->classes[0].inner);
	assert_int_equal(policy->classes[0].weight, 1);
	assert_int_equal(policy->classes[0].fairness, QOS_FAIR_FLOW);
	assert_int_equal(policy->classes[0].host6_len, 64);
	assert_true(policy->classes[0].ecn);
	assert_int_equal(policy->classes[0].latency, 5000000);
	assert_int_equal(policy->classes[0].per_flow, 0);
}

static void test_everything(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy = load_good(
		"rules:\n"
		"  - { match: { dport: 22 }, class: second }\n"
		"  - { action: drop, match: { proto: gre } }\n"
		"default: second\n"
		"classes:\n"
		"  first: { priority: high, rate: 10mbit, ceil: 40%, burst: 15k, limit: 50ms, "
		"dscp: ef }\n"
		"  second: { priority: low, rate: 20%, dscp: 0 }\n"
		"link: { mode: police, overhead: { bytes: -4, mpu: 64, atm: on }, rate: 100mbit }\n"
		"interface: wan0\n");
	const struct qos_class *class = policy->classes;

	(void)state;
	assert_string_equal(policy->interface, "wan0");
	assert_int_equal(policy->link.rate, 100000000);
	assert_int_equal(policy->link.rate_loc.line, 8);
	assert_int_equal(policy->link.rate_loc.column, 72);
	assert_true(policy->link.police);
	assert_true(policy->link.overhead_set);
	assert_int_equal(policy->link.overhead, -4);
	assert_int_equal(policy->link.mpu, 64);
	assert_int_equal(policy->link.framing, QOS_LINK_ATM);
	assert_int_equal(policy->class_count, 2);
	assert_int_equal(policy->default_class, 1);
	assert_string_equal(class[0].name, "first");
	assert_int_equal(class[0].priority, QOS_PRIORITY_HIGH);
	assert_int_equal(class[0].rate, 10000000);
	assert_int_equal(class[0].rate_loc.line, 6);
	assert_int_equal(class[0].rate_loc.column, 34);
	assert_int_equal(class[0].ceil, 40000000);
	assert_int_equal(class[0].burst, 15360);
	assert_int_equal(class[0].limit, 50000000);
	assert_int_equal(class[0].dscp, 46);
	assert_string_equal(class[1].name, "second");
	assert_int_equal(class[1].priority, QOS_PRIORITY_LOW);
	assert_int_equal(class[1].rate, 20000000);
	assert_int_equal(class[1].ceil, 100000000);
	assert_int_equal(class[1].dscp, 0);
	assert_int_equal(policy->rule_count, 2);
	assert_int_equal(policy->rules[0].loc.line, 2);
	assert_int_equal(policy->rules[0].class_index, 1);
	assert_false(policy->rules[0].drop);
	assert_true(policy->rules[1].drop);
	assert_int_equal(policy->rules[1].match.proto[0], 47);
}

static void expect_interface(const char *path, const char *expected)
{
	_cleanup_(freep) char *said = NULL;
	_cleanup_(policy_freep) struct qos_policy *policy = load_from(path, MINIMAL, &said);

	assert_non_null(policy);
	assert_string_equal(policy->interface, expected);
}

static void test_interface(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_good("interface: \"123456789012345\"\n" MINIMAL);

	(void)state;
	assert_string_equal(policy->interface, "123456789012345");
	expect_interface("/etc/qosctl/eth0.yaml", "eth0");
	expect_interface("./eth0.100.yaml", "eth0.100");
	expect_interface("eth0.yml", "eth0");
	expect_interface("eth0", "eth0");
	expect_interface("dir.yaml/eth1", "eth1");
	expect_interface(".yaml", ".yaml");
	expect_said("interface: 1234567890123456\n" MINIMAL,
		    "policy:1:12: error: `1234567890123456` is not an interface's name: at most "
		    "15 bytes, without `/`, `:` and spaces\n");
	expect_said("interface: ''\n" MINIMAL,
		    "policy:1:12: error: `` is not an interface's name: at most 15 bytes, without "
		    "`/`, `:` and spaces\n");
	expect_said("interface:\n" MINIMAL, "policy:1:1: error: `interface` has no value\n");
	expect_said("interface: ~\n" MINIMAL, "policy:1:12: error: `interface` has no value\n");
	expect_said("interface: [eth0]\n" MINIMAL,
		    "policy:1:12: error: `interface` has to be a single value, not a list\n");
}

static void test_interface_of_path(void **state)
{
	_cleanup_(freep) char *said = NULL;

	(void)state;
	assert_null(load_from("/etc/a name with spaces.yaml", MINIMAL, &said));
	assert_string_equal(said, "policy:1:1: error: `interface` is missing, and the file's name, "
				  "`a name with spaces`, is not an interface's\n");
}

struct overhead_case {
	const char *text;
	int bytes, mpu, framing;
};

/* tc-cake(8), section OVERHEAD COMPENSATION PARAMETERS. */
static void test_overhead_keywords(void **state)
{
	static const struct overhead_case cases[] = {
		{ "conservative", 48, 0, QOS_LINK_ATM },
		{ "pppoa-vcmux", 10, 0, QOS_LINK_ATM },
		{ "pppoa-llc", 14, 0, QOS_LINK_ATM },
		{ "pppoe-vcmux", 32, 0, QOS_LINK_ATM },
		{ "pppoe-llcsnap", 40, 0, QOS_LINK_ATM },
		{ "bridged-vcmux", 24, 0, QOS_LINK_ATM },
		{ "bridged-llcsnap", 32, 0, QOS_LINK_ATM },
		{ "ipoa-vcmux", 8, 0, QOS_LINK_ATM },
		{ "ipoa-llcsnap", 16, 0, QOS_LINK_ATM },
		{ "pppoe-ptm", 30, 0, QOS_LINK_PTM },
		{ "bridged-ptm", 22, 0, QOS_LINK_PTM },
		{ "docsis", 18, 64, QOS_LINK_PLAIN },
		{ "ethernet", 38, 84, QOS_LINK_PLAIN },
		{ "ether-vlan", 4, 0, QOS_LINK_PLAIN },
		{ "[ethernet, ether-vlan]", 42, 84, QOS_LINK_PLAIN },
		{ "[ether-vlan, ether-vlan, pppoe-ptm]", 38, 0, QOS_LINK_PTM },
		{ "[pppoe-llcsnap, ether-vlan]", 44, 0, QOS_LINK_ATM },
		{ "[docsis]", 18, 64, QOS_LINK_PLAIN },
		{ "{ bytes: 0 }", 0, 0, QOS_LINK_PLAIN },
		{ "{ bytes: -64 }", -64, 0, QOS_LINK_PLAIN },
		{ "{ bytes: 256, mpu: 256, atm: ptm }", 256, 256, QOS_LINK_PTM },
		{ "{ bytes: 22, atm: yes }", 22, 0, QOS_LINK_ATM },
		{ "{ bytes: 22, atm: Off }", 22, 0, QOS_LINK_PLAIN },
		{ "{ bytes: 22, atm: FALSE }", 22, 0, QOS_LINK_PLAIN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(policy_freep) struct qos_policy *policy = NULL;
		char text[256];

		snprintf(text, sizeof(text), MINIMAL "link: { overhead: %s }\n", cases[i].text);
		policy = load_good(text);
		assert_true(policy->link.overhead_set);
		if (policy->link.overhead != cases[i].bytes ||
		    policy->link.mpu != (uint32_t)cases[i].mpu ||
		    policy->link.framing != (enum qos_link_framing)cases[i].framing)
			fail_msg("%s: %d %u %d", cases[i].text, policy->link.overhead,
				 policy->link.mpu, policy->link.framing);
	}
}

static void test_overhead_raw(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_good(MINIMAL "link: { overhead: raw, mode: fq }\n");

	(void)state;
	assert_false(policy->link.overhead_set);
	assert_int_equal(policy->link.overhead, 0);
	assert_false(policy->link.police);
}

static void test_overhead_errors(void **state)
{
	(void)state;
	expect_said(MINIMAL "link: { overhead: { bytes: 257, mpu: -1, atm: \"yea\" } }\n",
		    "policy:3:28: error: `bytes` is a number of bytes from -64 to 256, not `257`\n"
		    "policy:3:38: error: `mpu` is a number of bytes from 0 to 256, not `-1`\n"
		    "policy:3:47: error: `atm` is true, false or ptm, not `yea`\n");
	expect_said(MINIMAL "link: { overhead: { bytes: 010, mpu: 64b, atm: yEs } }\n",
		    "policy:3:28: error: `bytes` is a number of bytes from -64 to 256, not `010`\n"
		    "policy:3:38: error: `mpu` is a number of bytes from 0 to 256, not `64b`\n"
		    "policy:3:48: error: `atm` is true, false or ptm, not `yEs`\n");
	expect_said(MINIMAL "link: { overhead: { mpu: 64 } }\n",
		    "policy:3:19: error: `bytes` is missing: it is what the link adds to each IP "
		    "packet, 0 for nothing\n");
	expect_said(MINIMAL "link: { overhead: [raw, ethernet] }\n",
		    "policy:3:25: error: `raw` does not go together with other keywords\n");
	expect_said(MINIMAL "link: { overhead: [docsis, pppoe-ptm] }\n",
		    "policy:3:28: error: `pppoe-ptm` and `docsis` are different kinds of link\n");
	expect_said(MINIMAL "link: { overhead: [] }\n",
		    "policy:3:19: error: `overhead` is an empty list\n");
}

static void test_gso(void **state)
{
	static const struct {
		const char *text;
		enum qos_gso gso;
		uint32_t size;
	} cases[] = {
		{ "auto", QOS_GSO_AUTO, 0 },	     { "keep", QOS_GSO_KEEP, 0 },
		{ "3000b", QOS_GSO_SIZE, 3000 },     { "12.5k", QOS_GSO_SIZE, 12800 },
		{ "524280b", QOS_GSO_SIZE, 524280 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(policy_freep) struct qos_policy *policy = NULL;
		char text[256];

		snprintf(text, sizeof(text), MINIMAL "link: { gso: %s }\n", cases[i].text);
		policy = load_good(text);
		if (policy->link.gso != cases[i].gso || policy->link.gso_size != cases[i].size)
			fail_msg("%s: %d %u", cases[i].text, policy->link.gso,
				 policy->link.gso_size);
	}
	expect_said(MINIMAL "link: { gso: 2999b }\n",
		    "policy:3:14: error: `gso` is from 3000b to 524280b, not 2999b\n");
	expect_said(MINIMAL "link: { gso: 512k }\n",
		    "policy:3:14: error: `gso` is from 3000b to 524280b, not 512k\n");
	expect_said(MINIMAL "link: { gso: 16000 }\n",
		    "policy:3:14: error: `gso: 16000` has no unit, did you mean `16000b`?\n");
	expect_said(
		MINIMAL "link: { gso: kepe }\n",
		"policy:3:14: error: `gso` is auto, keep or a size such as 16k, not `kepe`, did "
		"you mean `keep`?\n");
}

static void test_rates(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_good("default: a\nclasses:\n  a: { rate: 1kbit, ceil: 1tbit }\n"
			  "  b: { burst: 1514b, limit: 1ms }\n  c: { burst: 1g, limit: 10s }\n");

	(void)state;
	assert_int_equal(policy->classes[0].rate, 1000);
	assert_int_equal(policy->classes[0].ceil, 1000000000000);
	assert_int_equal(policy->classes[1].burst, 1514);
	assert_int_equal(policy->classes[1].limit, 1000000);
	assert_int_equal(policy->classes[2].burst, 1 << 30);
	assert_int_equal(policy->classes[2].limit, 10000000000);
}

static void test_rate_bounds(void **state)
{
	(void)state;
	expect_said(
		"default: a\nclasses:\n"
		"  a: { rate: 999bit, ceil: 1001gbit }\n"
		"  b: { burst: 1513b, limit: 999us }\n"
		"  c: { burst: 1.1g, limit: 10001ms }\n"
		"  d: { rate: 99999999999999999999999gbit, burst: 99999999999999999999999g }\n"
		"  e: { rate: 0kbit, ceil: 0bit, burst: 0k, limit: 0s }\n",
		"policy:3:14: error: `rate` is from 1kbit to 1tbit, not 999bit\n"
		"policy:3:28: error: `ceil` is from 1kbit to 1tbit, not 1001gbit\n"
		"policy:4:15: error: `burst` is from 1514b to 1g, not 1513b\n"
		"policy:4:29: error: `limit` is from 1ms to 10s, not 999us\n"
		"policy:5:15: error: `burst` is from 1514b to 1g, not 1.1g\n"
		"policy:5:28: error: `limit` is from 1ms to 10s, not 10001ms\n"
		"policy:6:14: error: `rate` is from 1kbit to 1tbit, not "
		"99999999999999999999999gbit\n"
		"policy:6:50: error: `burst` is from 1514b to 1g, not 99999999999999999999999g\n"
		"policy:7:14: error: `rate` of zero: leave it out where nothing is guaranteed\n"
		"policy:7:27: error: `ceil` of zero: a rule with `action: drop` lets nothing "
		"through\n"
		"policy:7:40: error: `burst` of zero: leave the key out for the default, or "
		"write 1514b to 1g\n"
		"policy:7:51: error: `limit` of zero: leave the key out for the default, or "
		"write 1ms to 10s\n");
	expect_said(MINIMAL "link: { rate: 0mbit }\n",
		    "policy:3:15: error: `rate` of zero: leave it out for no limit of the whole "
		    "link\n");
}

static void test_percent(void **state)
{
	(void)state;
	expect_said("link: { rate: 50kbit }\ndefault: a\nclasses:\n"
		    "  a: { rate: 1%, ceil: 0% }\n  b: { rate: x%, ceil: 100.1% }\n",
		    "policy:4:14: error: `rate: 1%` of the link's 50kbit is too little: a rate is "
		    "from 1kbit to 1tbit\n"
		    "policy:4:24: error: `ceil` of zero: a rule with `action: drop` lets nothing "
		    "through\n"
		    "policy:5:14: error: `x%` is not a percentage: write a number and `%`, such as "
		    "20%\n"
		    "policy:5:24: error: `ceil: 100.1%` is more than the whole link\n");
	/* of a rate that is wrong itself nothing more can be said */
	expect_said("link: { rate: x }\ndefault: a\nclasses:\n  a: { rate: 1% }\n",
		    "policy:1:15: error: `x` is not a rate: write a number and its unit, such as "
		    "100mbit (bits) or 5mbps (bytes)\n");
	expect_said("link: ~\ndefault: a\nclasses:\n  a: { rate: 1% }\n",
		    "policy:1:7: error: `link` has no value\n");
}

static void test_class_count(void **state)
{
	_cleanup_(freep) char *most = lines("default: c0\nclasses:\n", "  c#: {}\n", 4096, "");
	_cleanup_(freep) char *more = lines("default: none\nclasses:\n", "  c#: {}\n", 4097, "");
	_cleanup_(policy_freep) struct qos_policy *policy = load_good(most);

	(void)state;
	assert_int_equal(policy->class_count, 4096);
	assert_string_equal(policy->classes[4095].name, "c4095");
	/* and `none` may be one of those that were not read */
	expect_said(more, "policy:4099:3: error: more than 4096 classes\n");
}

static void test_rule_count(void **state)
{
	static const char rule[] = "  - { class: a, match: { dport: # } }\n";
	_cleanup_(freep) char *most = lines(MINIMAL "rules:\n", rule, 16384, "");
	_cleanup_(freep) char *more = lines(MINIMAL "rules:\n", rule, 16400, "");
	_cleanup_(policy_freep) struct qos_policy *policy = load_good(most);

	(void)state;
	assert_int_equal(policy->rule_count, 16384);
	assert_int_equal(policy->rules[16383].match.dport[0].min, 16383);
	expect_said(more, "policy:16388:5: error: more than 16384 rules\n");
}

/* YAML 1.1 would make these booleans, octals and times; here they are names. */
static void test_yaml_words(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_good("interface: off\ndefault: no\nclasses: { yes: {}, no: {}, 010: {}, "
			  "1e3: {}, null: {} }\n");

	(void)state;
	assert_string_equal(policy->interface, "off");
	assert_int_equal(policy->default_class, 1);
	assert_string_equal(policy->classes[0].name, "yes");
	assert_string_equal(policy->classes[2].name, "010");
	assert_string_equal(policy->classes[3].name, "1e3");
	assert_string_equal(policy->classes[4].name, "null");
}

static void test_root(void **state)
{
	(void)state;
	expect_said("[a]", "policy:1:1: error: a policy is a mapping with `classes` and `default`, "
			   "not a list\n");
	expect_said("", "policy:1:1: error: `classes` is missing: a policy needs at least one "
			"class\n"
			"policy:1:1: error: `default` is missing: it names the class of whatever "
			"no rule takes\n");
	expect_said("default: b\nclasses: [a]\nrules: [{ class: c, match: { dport: 1 } }]\n",
		    "policy:2:10: error: `classes` has to be a mapping, not a list\n");
}

/* An error that reading the document left fails the policy as well. */
static void test_document_error(void **state)
{
	(void)state;
	expect_said("default: a\nclasses: { a: {} }\ndefault: a\n",
		    "policy:3:1: error: `default` is given twice\n"
		    "policy:1:1: note: first given here\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_minimal),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_interface),
		cmocka_unit_test(test_interface_of_path),
		cmocka_unit_test(test_overhead_keywords),
		cmocka_unit_test(test_overhead_raw),
		cmocka_unit_test(test_overhead_errors),
		cmocka_unit_test(test_gso),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_rate_bounds),
		cmocka_unit_test(test_percent),
		cmocka_unit_test(test_class_count),
		cmocka_unit_test(test_rule_count),
		cmocka_unit_test(test_yaml_words),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_document_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
