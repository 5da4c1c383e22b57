/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What somebody else did to a shaped interface, and what apply and remove make of it. */
#include "shaped.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

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

/* Numbers that somebody else wrote into the map shape at once: plan finds them. */
static void write_class(struct env *env, uint32_t slot)
{
	_cleanup_(qos_device_closep) struct qos_device *device = running_device(env);
	struct qos_class_cfg cfg;
	int fd = device->running->classes_fd;

	assert_int_equal(bpf_map_lookup_elem(fd, &slot, &cfg), 0);
	cfg.ceil_cost /= 4;
	assert_int_equal(bpf_map_update_elem(fd, &slot, &cfg, BPF_ANY), 0);
}

static void test_numbers_written(void **state)
{
	struct env *env = *state;
	struct qos_class_cfg link, class;
	uint32_t program;

	env_need_root();
	apply_changes(env, DEV, TWO, true);
	program = running_program(env);
	link = running_class(env, "");
	class = running_class(env, "c1");
	write_class(env, QOS_SLOT_LINK);
	write_class(env, 2);
	apply_heals(env, DEV, TWO);
	assert_int_equal(running_program(env), program);
	assert_int_equal(running_class(env, "").ceil_cost, link.ceil_cost);
	assert_int_equal(running_class(env, "c1").ceil_cost, class.ceil_cost);
}

static int write_rule(struct qos_bpf *bpf __attribute__((unused)), int fd, void *arg)
{
	_cleanup_(closep) int owned = fd;
	struct bpf_map_info info = { 0 };
	struct qos_entry entry = { 0 };
	__u32 len = sizeof(info), zero = 0;
	int *tried = arg;

	assert_int_equal(bpf_obj_get_info_by_fd(owned, &info, &len), 0);
	if (strcmp(info.name, "qos_rules") != 0)
		return 0;
	assert_int_equal(bpf_map_update_elem(owned, &zero, &entry, BPF_ANY), -EPERM);
	++*tried;
	return 0;
}

/* Rules are of their program, and nobody writes them. */
static void test_rules_written(void **state)
{
	_cleanup_(qos_device_closep) struct qos_device *device = NULL;
	struct env *env = *state;
	int tried = 0;

	env_need_root();
	apply_changes(env, DEV, ONE, true);
	device = running_device(env);
	assert_int_equal(qos_bpf_for_each_map(device->running, write_rule, &tried), 0);
	assert_int_equal(tried, 1);
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
	apply_heals(env, DEV, ONE);
}

static void test_renamed(void **state)
{
	_cleanup_(freep) char *said = NULL;
	struct env *env = *state;

	env_need_root();
	apply_changes(env, DEV, ONE, true);
	run("ip link set " DEV " down && ip link set " DEV " name qk7 && ip link set qk7 up");
	/* which only the policy says */
	assert_int_equal(apply(env, "qk7", ONE, &said), 0);
	assert_string_equal(said, "+ policy text, from which schedules and set begin\n");
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
		TEST(test_filter_deleted),  TEST(test_clsact_deleted), TEST(test_remove_remains),
		TEST(test_pins_deleted),    TEST(test_remade),	       TEST(test_renamed),
		TEST(test_numbers_written), TEST(test_rules_written),
	};

	return cmocka_run_group_tests(tests, shaped_setup, NULL);
}
