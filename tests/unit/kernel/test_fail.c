/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An apply that fails leaves what was there. */
#include "shaped.h"

#include <errno.h>
#include <unistd.h>

#include "kernel/clsact.h"

/* Where our filter belongs is another one, of another protocol: the kernel would refuse ours. */
static void test_place_taken(void **state)
{
	struct env *env = *state;

	env_need_root();
	run("tc qdisc add dev " DEV " clsact");
	run("tc filter add dev " DEV " egress protocol ip pref 100 bpf bytecode '1,6 0 0 0'");
	apply_fails(env, ONE, "pref 100 of " DEV "'s egress is taken by a bpf filter", 0);
	run("tc filter show dev " DEV " egress | grep -q 'protocol ip pref 100'");
	assert_false(has_pins(DEV));
}

static void test_roll_back(void **state)
{
	struct env *env = *state;
	uint32_t program;

	env_need_root();
	block_pins(true);
	apply_fails(env, ONE, "cannot remove", 0);
	assert_false(try_run("tc qdisc show dev " DEV " | grep clsact"));
	block_pins(false);

	apply_changes(env, DEV, ONE, true);
	program = attached_program(env);
	block_pins(true);
	apply_fails(env, TWO, "cannot remove", program);
	apply_changes(env, DEV, ONE, false);
	block_pins(false);
}

/* A filter of ours that we cannot read is replaced, and put back when that fails. */
static void test_other_version(void **state)
{
	struct env *env = *state;
	_cleanup_(freep) char *text = NULL;
	bool created;
	uint32_t id;
	int fd;

	env_need_root();
	fd = load_program(-1);
	id = program_id(fd);
	assert_int_equal(qos_clsact_ensure(env->nl, &env->link, env->diags, &created), 0);
	assert_int_equal(qos_filter_put(env->nl, &env->link, fd, env->diags), 0);
	close(fd);
	assert_int_equal(qos_show(DEV, env->diags, &text), -ENOENT);
	block_pins(true);
	apply_fails(env, ONE, "cannot remove", id);
	block_pins(false);
	apply_changes(env, DEV, ONE, true);
	assert_int_not_equal(attached_program(env), id);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, env_setup, env_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_place_taken),
		TEST(test_roll_back),
		TEST(test_other_version),
	};

	return cmocka_run_group_tests(tests, shaped_setup, NULL);
}
