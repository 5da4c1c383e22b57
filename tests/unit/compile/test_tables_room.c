// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rules that there is no room for in the tables are refused, each at its line. */
#include "plans.h"
#include "random.h"

#define HEAD	   MINIMAL "rules:\n"
#define HEAD_LINES 3

/* Rules and then one more, which there is no room for; said at line, 0: at any rule. */
static void expect_too_much(const char *text, unsigned int line, const char *message)
{
	_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
	_cleanup_(node_freep) struct qos_node *root = NULL;
	_cleanup_(policy_freep) struct qos_policy *policy = NULL;
	_cleanup_(plan_freep) struct qos_plan *plan = NULL;
	_cleanup_(freep) char *said = NULL;
	unsigned int found = 0;
	int r;

	assert_int_equal(qos_doc_read(text, strlen(text), diags, &root), 0);
	r = qos_policy_build(root, "eth0.yaml", NULL, 0, diags, &policy);
	if (r == 0)
		r = qos_plan_compile(policy, diags, &plan);
	assert_true(r == -E2BIG || r == -EINVAL);
	assert_null(plan);
	assert_int_equal(qos_diags_status(diags), QOS_INVALID);
	assert_int_equal(qos_diags_text(diags, &said), 0);
	assert_int_equal(sscanf(said, "policy:%u:", &found), 1);
	if (line)
		assert_int_equal(found, line);
	else
		assert_in_range(found, HEAD_LINES + 1, UINT32_MAX);
	if (!strstr(said, message))
		fail_msg("%s", said);
}

static void test_too_many_rules(void **state)
{
	_cleanup_(freep) char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	fputs(HEAD, f);
	for (uint32_t i = 0; i < QOS_MAX_ENTRIES + 5; i++)
		fprintf(f, "  - { class: a, match: { dport: %u } }\n", i);
	fclose(f);
	expect_too_much(text, HEAD_LINES + QOS_MAX_ENTRIES + 1, "more than 16384 rules");
}

/* Each `not` of five keys multiplies: 5^7 is too many, 5^5 is not. */
static void test_too_many_ways(void **state)
{
	_cleanup_(freep) char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	fputs(HEAD "  - { class: a, match: { dport: 7 } }\n", f);
	for (uint32_t nots = 5; nots <= 7; nots += 2) {
		fputs("  - { class: a, match: { not: [", f);
		for (uint32_t i = 0; i < nots; i++)
			fprintf(f, "%s{ proto: udp, dport: %u, uid: %u, dscp: %u, mark: %u }",
				i ? ", " : "", i + 1, i, i, i);
		fputs("] } }\n", f);
	}
	fclose(f);
	expect_too_much(text, HEAD_LINES + 3, "16384 entries");
}

static void test_too_many_masks(void **state)
{
	(void)state;
	expect_too_much(HEAD "  - { class: a, match: { mark: [1/1, 2/2] } }\n"
			     "  - { class: a, match: { mark: 4/4, not: { mark: [3/3, 7/7] } } }\n",
			HEAD_LINES + 2, "masks");
}

/*
 * Ranges of 10,000 rules, each with the ends of its own and all mixed up: 120,000 ports at
 * which the rules that are possible change, 1,280 bytes for each.
 */
static void test_too_many_sets(void **state)
{
	static const uint32_t times[] = { 7, 1009, 4001, 31, 503, 2003 };
	_cleanup_(freep) char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	fputs(HEAD, f);
	for (uint32_t i = 0; i < 10000; i++) {
		fputs("  - { class: a, match: { ", f);
		for (uint32_t k = 0; k < 6; k++) {
			uint32_t begin = k % 3 * 21000 + i * times[k] % 10007;

			fprintf(f, "%s%u-%u%s",
				k % 3 ? ", " :
				k     ? ", dport: [" :
					"sport: [",
				begin, begin + 10100 + 100 * k, k % 3 == 2 ? "]" : "");
		}
		fputs(" } }\n", f);
	}
	fclose(f);
	expect_too_much(text, 0, "more than 128 MiB");
}

/* So many IPv6 hosts that have nothing in common. */
static struct qos_prefix *make_hosts(uint32_t count)
{
	struct qos_prefix *hosts = calloc(count, sizeof(*hosts));
	uint64_t random = 1;

	assert_non_null(hosts);
	for (uint32_t i = 0; i < count; i++) {
		hosts[i] = (struct qos_prefix){ .family = 6, .len = 128 };
		for (size_t k = 0; k < sizeof(hosts->addr.s6_addr); k++)
			hosts[i].addr.s6_addr[k] = (uint8_t)any(&random, 256);
	}
	return hosts;
}

/* There is room for all rules but the last; returns the nodes of those. */
static size_t expect_no_room(const struct qos_rule_def *rules, size_t count)
{
	_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
	_cleanup_(freep) char *said = NULL;
	struct qos_tables *tables = NULL;
	unsigned int found = 0;
	size_t nodes;

	assert_int_equal(qos_tables_compile(rules, count - 1, NULL, diags, &tables), 0);
	nodes = tables->node_count;
	qos_tables_free(tables);
	assert_int_equal(qos_tables_compile(rules, count, NULL, diags, &tables), -E2BIG);
	assert_int_equal(qos_diags_text(diags, &said), 0);
	assert_int_equal(sscanf(said, "policy:%u:", &found), 1);
	assert_int_equal(found, rules[count - 1].loc.line);
	assert_non_null(strstr(said, "more than 128 MiB"));
	return nodes;
}

/* Such hosts need three nodes each, of 2^20; a third of as many fit. */
static void test_too_many_ranges(void **state)
{
	enum { HOSTS = 380000 };
	_cleanup_(freep) struct qos_prefix *hosts = make_hosts(HOSTS);
	struct qos_rule_def rules[] = {
		{ .loc.line = 7, .match = { .dst = hosts, .dst_count = HOSTS / 3 } },
		{ .loc.line = 8, .match = { .src = hosts, .src_count = HOSTS } },
	};

	(void)state;
	assert_in_range(expect_no_room(rules, 2), HOSTS, HOSTS + HOSTS / 10);
}

/* A tree's last nodes are refused at a rule that is in it, not at the first of the policy. */
static void test_too_many_in_one(void **state)
{
	enum { HOSTS = 325000, USERS = 300000 };
	_cleanup_(freep) struct qos_prefix *hosts = make_hosts(HOSTS);
	_cleanup_(freep) struct qos_range *users = calloc(USERS, sizeof(*users));
	struct qos_port_range port = { 53, 53 };
	struct qos_rule_def rules[] = {
		{ .loc.line = 7, .match = { .dport = &port, .dport_count = 1 } },
		{ .loc.line = 8, .match = { .dst = hosts, .dst_count = HOSTS } },
		{ .loc.line = 9, .match = { .uid = users, .uid_count = USERS } },
	};

	(void)state;
	assert_non_null(users);
	for (uint32_t i = 0; i < USERS; i++)
		users[i] = (struct qos_range){ 2 * i + 1, 2 * i + 1 };
	expect_no_room(rules, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_too_many_rules),	cmocka_unit_test(test_too_many_ways),
		cmocka_unit_test(test_too_many_masks),	cmocka_unit_test(test_too_many_sets),
		cmocka_unit_test(test_too_many_ranges), cmocka_unit_test(test_too_many_in_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
