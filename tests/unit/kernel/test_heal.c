/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What somebody else did to a shaped interface, and what apply and remove make of it. */
#include "shaped.h"

#include <errno.h>

static void test_filter_deleted(void **state)
{
	struct env *env = *state;
	_cleanup_(freep) char *text = NULL;

	env_need_root();
	apply_changes(env, DEV, ONE, true);
	run("tc filter del dev " DEV " egress");
	assert_int_equal(qos_show(DEV, env->diags, &text), 0);
	assert_contains(text, "\"in_force\": false");
	apply_heals(env, DEV, ONE);
	assert_int_equal(filters_of(DEV), 1);
}

static void test_clsact_deleted(void **state)
{
	struct env *env = *state;

	env_need_root();
	apply_changes(env, DEV, ONE, true);
	run("tc qdisc del dev " DEV " clsact");
	apply_heals(env, DEV, ONE);
	remove_from(env, DEV);
	assert_false(try_run("tc qdisc show dev " DEV " | grep clsact"));
}

/* Whatever is left of ours is enough to remove it. */
static void test_remove_remains(void **state)
{
	struct env *env = *state;

	env_need_root();
	apply_changes(env, DEV, ONE, true);
	run("tc qdisc del dev " DEV " clsact");
	remove_from(env, DEV);
	assert_false(has_pins(DEV));

	apply_changes(env, DEV, ONE, true);
	run("rm -r /sys/fs/bpf/qosctl");
	remove_from(env, DEV);
	assert_int_equal(filters_of(DEV), 0);
}

static void test_pins_deleted(void **state)
{
	struct env *env = *state;

	env_need_root();
	apply_changes(env, DEV, ONE, true);
	run("rm -r /sys/fs/bpf/qosctl");
	apply_changes(env, DEV, ONE, false);
	assert_true(has_pins(DEV));
}

/* Another interface of the name has nothing of the first one's. */
static void test_remade(void **state)
{
	struct env *env = *state;
	_cleanup_(freep) char *text = NULL;

	env_need_root();
	apply_changes(env, DEV, ONE, true);
	run("ip link del " DEV " && ip link add " DEV " type veth peer name " PEER);
	assert_true(has_pins(DEV));
	assert_int_equal(qos_show(DEV, env->diags, &text), -ENOENT);
	assert_int_equal(qos_remove(DEV, 0, env->diags, &text), -ENOENT);
	apply_heals(env, DEV, ONE);
}

static void test_renamed(void **state)
{
	struct env *env = *state;

	env_need_root();
	apply_changes(env, DEV, ONE, true);
	run("ip link set " DEV " down && ip link set " DEV " name qk7 && ip link set qk7 up");
	apply_changes(env, "qk7", ONE, false);
	assert_true(has_pins("qk7"));
	assert_false(has_pins(DEV));
	remove_from(env, "qk7");
	assert_false(has_pins("qk7"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, env_setup, env_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_filter_deleted), TEST(test_clsact_deleted), TEST(test_remove_remains),
		TEST(test_pins_deleted),   TEST(test_remade),	      TEST(test_renamed),
	};

	return cmocka_run_group_tests(tests, shaped_setup, NULL);
}
