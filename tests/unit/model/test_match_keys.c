/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys of a match besides addresses, protocol, ports and DSCP. */
#include "load.h"

static void expect_range(struct qos_range range, uint32_t min, uint32_t max)
{
	assert_int_equal(range.min, min);
	assert_int_equal(range.max, max);
}

static void expect_masked(struct qos_masked masked, uint32_t value, uint32_t mask)
{
	assert_int_equal(masked.value, value);
	assert_int_equal(masked.mask, mask);
}

static void expect_icmp(struct qos_icmp_type icmp, int family, int type, int code)
{
	assert_int_equal(icmp.family, family);
	assert_int_equal(icmp.type, type);
	assert_int_equal(icmp.code, code);
}

static void test_marks(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_match("{ mark: [0, 16, 0x10, 0xFFffFFff, 4294967295, 0x10/0xff, 1/1, 0/0xf0, "
			   "\"0x0/0xf0\"] }");
	const struct qos_match *m = &policy->rules[0].match;

	(void)state;
	assert_int_equal(m->mark_count, 9);
	expect_masked(m->mark[0], 0, UINT32_MAX);
	expect_masked(m->mark[1], 16, UINT32_MAX);
	expect_masked(m->mark[2], 16, UINT32_MAX);
	expect_masked(m->mark[3], UINT32_MAX, UINT32_MAX);
	expect_masked(m->mark[4], UINT32_MAX, UINT32_MAX);
	expect_masked(m->mark[5], 16, 255);
	expect_masked(m->mark[6], 1, 1);
	expect_masked(m->mark[7], 0, 0xf0);
	expect_masked(m->mark[8], 0, 0xf0);
}

/* Four in the whole policy, those of a `not` included. */
static void test_masks(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_good(MINIMAL "rules:\n"
				  "  - { class: a, match: { mark: [1, 2/3] } }\n"
				  "  - { class: a, match: { mark: 4/4, not: { mark: 8/8 } } }\n"
				  "  - { class: a, match: { mark: [2, 8/8, 1/3, 0/4] } }\n");

	(void)state;
	assert_int_equal(policy->rule_count, 3);
	expect_said(MINIMAL "rules:\n"
			    "  - { class: a, match: { mark: [1, 2/3] } }\n"
			    "  - { class: a, match: { mark: 4/4, not: { mark: 8/8 } } }\n"
			    "  - { class: a, match: { not: { mark: 0x10/0x10 } } }\n",
		    "policy:6:39: error: with `0x10/0x10` there are more than 4 different masks of "
		    "`mark`: use one mask for what belongs together\n");
}

static void test_cgroups(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_match("{ cgroup: [system.slice, /system.slice/nginx.service/, a/..b/...c, 7, "
			   "\"a b\"] }");
	const struct qos_match *m = &policy->rules[0].match;

	(void)state;
	assert_int_equal(m->cgroup_count, 5);
	assert_string_equal(m->cgroup[0], "system.slice");
	assert_string_equal(m->cgroup[1], "system.slice/nginx.service");
	assert_string_equal(m->cgroup[2], "a/..b/...c");
	assert_string_equal(m->cgroup[3], "7");
	assert_string_equal(m->cgroup[4], "a b");
}

/* 255 bytes, without the slashes around them. */
static void test_longest_cgroup(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy = NULL;
	_cleanup_(freep) char *said = NULL;
	char path[QOS_CGROUP_PATH] = { 0 }, match[512];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[100] = '/';
	snprintf(match, sizeof(match), "{ cgroup: /%s/ }", path);
	policy = load_match(match);
	assert_string_equal(policy->rules[0].match.cgroup[0], path);

	assert_true(asprintf(&said,
			     "policy:3:38: error: `%.64s...` is longer than 255 bytes: name a "
			     "cgroup above it\n",
			     path) > 0);
	snprintf(match, sizeof(match), "{ cgroup: %sx }", path);
	expect_match_said(match, said);
}

/* 32 names; said is where the one stands that has more. */
static void test_deepest_cgroup(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy = NULL;
	_cleanup_(freep) char *said = NULL;
	char path[2 * QOS_CGROUP_LEVELS + 2] = "x", match[256];

	(void)state;
	for (int i = 1; i < QOS_CGROUP_LEVELS; i++)
		strcat(path, "/x");
	snprintf(match, sizeof(match), "{ cgroup: /%s/ }", path);
	policy = load_match(match);
	assert_string_equal(policy->rules[0].match.cgroup[0], path);

	assert_true(asprintf(&said,
			     "policy:3:42: error: `%s/x` is more than 32 levels deep: name a "
			     "cgroup above it\n",
			     path) > 0);
	snprintf(match, sizeof(match), "{ cgroup: [a, %s/x] }", path);
	expect_match_said(match, said);
}

static void test_uids(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_match("{ uid: [0, 4294967294, 1000-1999, 5-5, root, daemon, root] }");
	const struct qos_match *m = &policy->rules[0].match;

	(void)state;
	assert_int_equal(m->uid_count, 7);
	expect_range(m->uid[0], 0, 0);
	expect_range(m->uid[1], UINT32_MAX - 1, UINT32_MAX - 1);
	expect_range(m->uid[2], 1000, 1999);
	expect_range(m->uid[3], 5, 5);
	expect_range(m->uid[4], 0, 0);
	expect_range(m->uid[5], 1, 1);
	expect_range(m->uid[6], 0, 0);
}

/* Names of services, as /etc/services of netbase has them. */
static void test_services(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_match("{ sport: [ssh, domain, 80, netbios-ns], dport: [ssh, 1-2] }");
	const struct qos_match *m = &policy->rules[0].match;

	(void)state;
	assert_int_equal(m->sport_count, 4);
	assert_int_equal(m->sport[0].min, 22);
	assert_int_equal(m->sport[0].max, 22);
	assert_int_equal(m->sport[1].min, 53);
	assert_int_equal(m->sport[2].min, 80);
	assert_int_equal(m->sport[3].min, 137);
	assert_int_equal(m->sport[3].max, 137);
	assert_int_equal(m->dport_count, 2);
	assert_int_equal(m->dport[0].min, 22);
}

static void test_vlans_lengths(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_match("{ vlan: [0, 4095, 10-19, none], length: [0, 65575, 64-1500] }");
	const struct qos_match *m = &policy->rules[0].match;

	(void)state;
	assert_int_equal(m->vlan_count, 4);
	expect_range(m->vlan[0], 0, 0);
	expect_range(m->vlan[1], 4095, 4095);
	expect_range(m->vlan[2], 10, 19);
	expect_range(m->vlan[3], QOS_VLAN_NONE, QOS_VLAN_NONE);
	assert_int_equal(m->length_count, 3);
	expect_range(m->length[0], 0, 0);
	expect_range(m->length[1], 65575, 65575);
	expect_range(m->length[2], 64, 1500);
}

static void test_tcp_flags(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_match("{ tcp-flags: [syn, syn+ack, syn/syn+ack+fin+rst, cwr+ece+urg+psh, "
			   "none/syn+rst] }");
	const struct qos_match *m = &policy->rules[0].match;

	(void)state;
	assert_int_equal(m->tcp_flags_count, 5);
	expect_masked(m->tcp_flags[0], 2, 2);
	expect_masked(m->tcp_flags[1], 18, 18);
	expect_masked(m->tcp_flags[2], 2, 23);
	expect_masked(m->tcp_flags[3], 232, 232);
	expect_masked(m->tcp_flags[4], 0, 6);
}

static void test_icmp_types(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		load_match("{ icmp-type: [echo-request, 8, 255/255, packet-too-big, "
			   "destination-unreachable/3, source-quench/0] }");
	const struct qos_match *m = &policy->rules[0].match;

	(void)state;
	assert_int_equal(m->icmp_type_count, 8);
	expect_icmp(m->icmp_type[0], 4, 8, -1);
	expect_icmp(m->icmp_type[1], 6, 128, -1);
	expect_icmp(m->icmp_type[2], 0, 8, -1);
	expect_icmp(m->icmp_type[3], 0, 255, 255);
	expect_icmp(m->icmp_type[4], 6, 2, -1);
	expect_icmp(m->icmp_type[5], 4, 3, 3);
	expect_icmp(m->icmp_type[6], 6, 1, 3);
	expect_icmp(m->icmp_type[7], 4, 4, 0);
}

static void test_excluded(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy = load_good(
		MINIMAL "rules:\n"
			"  - { class: a, match: { not: { proto: tcp, dport: [22, 80] } } }\n"
			"  - { class: a, match: { proto: udp, not: [{ uid: 0 }, "
			"&x { cgroup: a }] } }\n"
			"  - { class: a, match: { not: [[*x, { vlan: none }], *x] } }\n");
	const struct qos_match *m = &policy->rules[0].match;

	(void)state;
	assert_int_equal(m->proto_count, 0);
	assert_int_equal(m->excluded_count, 1);
	assert_int_equal(m->excluded[0].proto_count, 1);
	assert_int_equal(m->excluded[0].dport_count, 2);
	assert_int_equal(m->excluded[0].dport[1].min, 80);
	m = &policy->rules[1].match;
	assert_int_equal(m->proto_count, 1);
	assert_int_equal(m->excluded_count, 2);
	expect_range(m->excluded[0].uid[0], 0, 0);
	assert_string_equal(m->excluded[1].cgroup[0], "a");
	m = &policy->rules[2].match;
	assert_int_equal(m->excluded_count, 3);
	expect_range(m->excluded[1].vlan[0], QOS_VLAN_NONE, QOS_VLAN_NONE);
	assert_string_equal(m->excluded[2].cgroup[0], "a");
}

static void test_tunnel(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *none = load_good(MINIMAL);
	_cleanup_(policy_freep) struct qos_policy *outer =
		load_good(MINIMAL "link: { tunnel: outer }\n");
	_cleanup_(policy_freep) struct qos_policy *inner =
		load_good(MINIMAL "link: { tunnel: inner }\n");

	(void)state;
	assert_false(none->link.tunnel_inner);
	assert_false(outer->link.tunnel_inner);
	assert_true(inner->link.tunnel_inner);
	expect_said(MINIMAL "link: { tunnel: both }\n",
		    "policy:3:17: error: `tunnel` is outer or inner, not `both`\n");
}

/* What goes together is no contradiction. */
static void test_possible(void **state)
{
	static const char *const matches[] = {
		"{ proto: [udp, tcp], tcp-flags: syn, dport: 80 }",
		"{ tcp-flags: syn, sport: 80, family: ipv6 }",
		"{ icmp-type: echo-request, proto: [icmp, udp], family: ipv4 }",
		"{ icmp-type: [packet-too-big, source-quench], src: 10.0.0.0/8 }",
		"{ icmp-type: 8, dst: \"fd00::/8\" }",
		"{ icmp-type: packet-too-big, proto: [tcp, icmpv6] }",
		"{ mark: 1, vlan: none, uid: 0, cgroup: a, length: 0-99, proto: gre }",
		"{ proto: tcp, not: { proto: icmp } }",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(matches); i++) {
		_cleanup_(policy_freep) struct qos_policy *policy = load_match(matches[i]);

		assert_int_equal(policy->rule_count, 1);
	}
}

/* Many names of nothing: each is an error, and asking ends. */
static void test_many_unknown(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy = NULL;
	_cleanup_(freep) char *text = NULL, *said = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	fputs(MINIMAL "rules:\n", f);
	for (int i = 0; i < 2000; i++)
		fprintf(f, "  - { class: a, match: { dport: no-service-%d } }\n", i);
	assert_int_equal(fclose(f), 0);
	policy = load_from("eth0.yaml", text, &said);
	assert_null(policy);
	assert_non_null(strstr(said, "`no-service-999` is not a service"));
	assert_non_null(strstr(said, "error: 1000 more errors are not shown\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marks),	       cmocka_unit_test(test_masks),
		cmocka_unit_test(test_cgroups),	       cmocka_unit_test(test_longest_cgroup),
		cmocka_unit_test(test_deepest_cgroup), cmocka_unit_test(test_uids),
		cmocka_unit_test(test_services),       cmocka_unit_test(test_vlans_lengths),
		cmocka_unit_test(test_tcp_flags),      cmocka_unit_test(test_icmp_types),
		cmocka_unit_test(test_excluded),       cmocka_unit_test(test_tunnel),
		cmocka_unit_test(test_possible),       cmocka_unit_test(test_many_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
