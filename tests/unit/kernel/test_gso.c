/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gso_max_size from apply to remove, and what somebody else may do to it
 * meanwhile. In mode police, which every kernel has.
 */
#include "shaped.h"

#include <stdio.h>
#include <string.h>

#define RATE(rate) "link: { rate: " rate ", mode: police }\ndefault: c0\nclasses: { c0: {} }\n"
#define NO_RATE	   "link: { mode: police }\ndefault: c0\nclasses: { c0: {} }\n"

/* Apply; what it says of gso, its lines without the rest. */
static void apply_policy(struct env *env, const struct qos_policy *policy, const char *expected)
{
	_cleanup_(freep) char *planned = NULL, *said = NULL, *again = NULL, *why = NULL;
	char lines[256] = "";

	assert_int_equal(qos_plan(policy, 0, env->diags, &planned), 0);
	if (qos_apply(policy, 0, env->diags, &said) < 0) {
		why = diags_text(env->diags);
		fail_msg("%s", why);
	}
	assert_string_equal(said, planned);
	for (char *line = strtok(said, "\n"); line; line = strtok(NULL, "\n"))
		if (!strncmp(line + 1, " gso ", 5))
			snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines), "%s\n",
				 line);
	assert_string_equal(lines, expected);
	assert_int_equal(qos_apply(policy, 0, env->diags, &again), 0);
	assert_string_equal(again, "");
}

static void apply_text(struct env *env, const char *text, const char *expected)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		policy_at("/run/qk-gso.yaml", DEV, text);

	apply_policy(env, policy, expected);
}

/* ipv4: where the kernel has it. */
static void assert_sizes(struct env *env, uint32_t size, uint32_t ipv4)
{
	_cleanup_(freep) char *text = output_of("ip -d link show " DEV), *part = NULL;
	struct qos_link_info link;

	/* iproute2 says the first, whatever we read */
	assert_true(asprintf(&part, " gso_max_size %u ", size) > 0);
	assert_contains(text, part);
	assert_int_equal(qos_link_get(env->nl, DEV, env->diags, &link), 0);
	if (env->link.gso_ipv4_max_size)
		assert_int_equal(link.gso_ipv4_max_size, ipv4);
}

static void test_lowered(void **state)
{
	struct env *env = *state;

	env_need_root();
	assert_sizes(env, 65536, 65536);
	apply_text(env, RATE("100mbit"), "+ gso 12500\n");
	assert_sizes(env, 12500, 12500);
	apply_text(env, RATE("200mbit"), "- gso 12500\n+ gso 25000\n");
	assert_sizes(env, 25000, 25000);
	/* one ms of it is more than there is */
	apply_text(env, RATE("1gbit"), "- gso 25000\n");
	assert_sizes(env, 65536, 65536);
	apply_text(env, RATE("1mbit"), "+ gso 3028\n");
	run("ip link set " DEV " mtu 4000");
	apply_text(env, RATE("1mbit"), "- gso 3028\n+ gso 8028\n");
	assert_sizes(env, 8028, 8028);
	remove_from(env, DEV);
	assert_sizes(env, 65536, 65536);
}

static void test_no_rate(void **state)
{
	struct env *env = *state;

	env_need_root();
	apply_text(env, NO_RATE, "");
	assert_sizes(env, 65536, 65536);
	remove_from(env, DEV);
	assert_sizes(env, 65536, 65536);
}

static void test_told(void **state)
{
	struct env *env = *state;
	_cleanup_(policy_freep) struct qos_policy *policy = NULL;

	env_need_root();
	policy = policy_at("/run/qk-gso.yaml", DEV, RATE("100mbit"));
	policy->link.gso = QOS_GSO_SIZE;
	policy->link.gso_size = 100000;
	apply_policy(env, policy, "+ gso 100000\n");
	assert_sizes(env, 100000, 100000);
	policy->link.gso = QOS_GSO_KEEP;
	apply_policy(env, policy, "- gso 100000\n");
	assert_sizes(env, 65536, 65536);
	remove_from(env, DEV);
	assert_sizes(env, 65536, 65536);
}

/* More than the device can: what was in force is in force. */
static void test_refused(void **state)
{
	struct env *env = *state;
	_cleanup_(policy_freep) struct qos_policy *policy = NULL;
	_cleanup_(freep) char *said = NULL, *why = NULL;

	env_need_root();
	apply_text(env, RATE("100mbit"), "+ gso 12500\n");
	policy = policy_at("/run/qk-gso.yaml", DEV, RATE("50mbit"));
	policy->link.gso = QOS_GSO_SIZE;
	policy->link.gso_size = 600000;
	assert_true(qos_apply(policy, 0, env->diags, &said) < 0);
	why = diags_text(env->diags);
	assert_contains(why, "cannot set gso_max_size 600000 on " DEV);
	assert_contains(why, "hint: " DEV " takes 524280 bytes at most");
	assert_sizes(env, 12500, 12500);
	qos_diags_free(env->diags);
	env->diags = qos_diags_new();
	apply_text(env, RATE("100mbit"), "");
}

/* Raised by somebody: lowered again. Lowered: that is what the device has. */
static void test_others(void **state)
{
	struct env *env = *state;

	env_need_root();
	apply_text(env, RATE("100mbit"), "+ gso 12500\n");
	run("ip link set " DEV " gso_max_size 40000");
	apply_text(env, RATE("100mbit"), "+ gso 12500\n");
	assert_sizes(env, 12500, 12500);
	remove_from(env, DEV);
	assert_sizes(env, 40000, 40000);

	apply_text(env, RATE("100mbit"), "+ gso 12500\n");
	run("ip link set " DEV " gso_max_size 5000");
	apply_text(env, RATE("100mbit"), "");
	assert_sizes(env, 5000, 5000);
	run("ip link set " DEV " gso_max_size 12500");
	apply_text(env, RATE("100mbit"), "");
	run("ip link set " DEV " gso_max_size 7000");
	remove_from(env, DEV);
	assert_sizes(env, 7000, 7000);
}

/* Larger packets for IPv6 only (BIG TCP): each is lowered, and comes back. */
static void test_apart(void **state)
{
	struct env *env = *state;

	env_need_root();
	if (!env->link.gso_ipv4_max_size)
		skip();
	run("ip link set " DEV " gso_max_size 200000");
	assert_sizes(env, 200000, 65536);
	apply_text(env, RATE("1gbit"), "+ gso 125000\n");
	assert_sizes(env, 125000, 65536);
	apply_text(env, RATE("100mbit"), "- gso 125000\n+ gso 12500\n");
	assert_sizes(env, 12500, 12500);
	remove_from(env, DEV);
	assert_sizes(env, 200000, 65536);
}

/* The filter is gone, its pin is not. */
static void test_filter_deleted(void **state)
{
	struct env *env = *state;

	env_need_root();
	apply_text(env, RATE("100mbit"), "+ gso 12500\n");
	run("tc qdisc del dev " DEV " clsact");
	remove_from(env, DEV);
	assert_sizes(env, 65536, 65536);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, env_setup, env_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lowered),	   TEST(test_no_rate), TEST(test_told),
		TEST(test_refused),	   TEST(test_others),  TEST(test_apart),
		TEST(test_filter_deleted),
	};

	return cmocka_run_group_tests_name("kernel/gso", tests, shaped_setup, NULL);
}
