/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shaped.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel/bpffs.h"
#include "kernel/netns.h"
#include "kernel/pins.h"

#define PINS "/sys/fs/bpf/qosctl"

/* PINS/NAME for an interface of this namespace, with before and after it as given. */
static char *pin_dir(const char *ifname)
{
	char *dir = NULL;

	assert_int_equal(qos_bpffs_path(ifname, NULL, &dir), 0);
	return dir;
}

static void make(const char *dir)
{
	assert_int_equal(qos_bpffs_make(dir, NULL), 0);
}

static bool is_there(const char *dir)
{
	return access(dir, F_OK) == 0;
}

/* A bpffs refuses dots, VLANs have them; and no two interfaces share a directory. */
static void test_dots(void **state)
{
	static const char *const names[] = { "eth0.100", "eth0_100", "eth0", "a..b",
					     "a.b",	 "...",	     ".a",   "a." };
	char *dirs[ARRAY_SIZE(names)];

	(void)state;
	env_need_root();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		dirs[i] = pin_dir(names[i]);
		assert_false(is_there(dirs[i]));
		make(dirs[i]);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(dirs[i], dirs[j]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(qos_bpffs_remove(dirs[i], NULL), 0);
		free(dirs[i]);
	}
}

/* New ones take the place of the old, and where they cannot the old ones stay. */
static void test_commit(void **state)
{
	struct env *env = *state;
	_cleanup_(freep) char *dir = NULL, *fresh = NULL, *old = NULL, *new = NULL;

	env_need_root();
	dir = pin_dir(DEV);
	assert_true(asprintf(&fresh, "%s:new", dir) > 0);
	assert_true(asprintf(&new, "%s/other", fresh) > 0);
	assert_true(asprintf(&old, "%s/other", dir) > 0);
	make(dir);
	assert_int_equal(qos_pins_commit(dir, env->diags), -ENOENT);
	assert_true(is_there(dir));
	/* the first of an interface */
	assert_int_equal(qos_bpffs_remove(dir, NULL), 0);
	make(fresh);
	assert_int_equal(qos_pins_commit(dir, env->diags), 0);
	assert_true(is_there(dir));
	/* the next ones; what is in them tells which */
	make(fresh);
	make(new);
	assert_int_equal(qos_pins_commit(dir, env->diags), 0);
	assert_true(is_there(old));
	assert_false(is_there(fresh));
	/* the old ones do not go: a folder is no pin */
	make(fresh);
	assert_int_not_equal(qos_pins_commit(dir, env->diags), 0);
	assert_true(is_there(old));
	assert_true(is_there(fresh));
	assert_int_equal(rmdir(old), 0);
	assert_int_equal(rmdir(dir), 0);
	qos_pins_abandon(dir);
	assert_false(qos_pins_are_there(dir));
}

static void test_sweep(void **state)
{
	struct env *env = *state;
	_cleanup_(freep) char *here = NULL, *dotted = NULL, *gone = NULL, *gone_dotted = NULL;
	_cleanup_(freep) char *other = NULL, *other_dotted = NULL, *fresh = NULL;
	char name[QOS_NETNS_NAME_LEN];

	env_need_root();
	run("ip link set " PEER " down && ip link set " PEER " name qk1.5");
	assert_int_equal(qos_netns_name("x", env->diags, name), 0);
	here = pin_dir(DEV);
	dotted = pin_dir("qk1.5");
	gone = pin_dir("qk9");
	gone_dotted = pin_dir("qk9.5");
	/* the same names in a namespace whose cookie ends, or begins, as ours does */
	assert_true(asprintf(&other, PINS "/qk9:9%s", name + 2) > 0);
	assert_true(asprintf(&other_dotted, PINS "/qk9::5%s9", name + 1) > 0);
	/* what an apply that was killed left: the next one of that interface removes it */
	assert_true(asprintf(&fresh, "%s:new", here) > 0);
	make(here);
	make(dotted);
	make(gone);
	make(gone_dotted);
	make(other);
	make(other_dotted);
	make(fresh);

	assert_int_equal(qos_pins_sweep(env->nl, here, true), 2);
	assert_true(is_there(here));
	assert_true(is_there(dotted));
	assert_false(is_there(gone));
	assert_false(is_there(gone_dotted));
	assert_true(is_there(other));
	assert_true(is_there(other_dotted));
	assert_true(is_there(fresh));
}

static bool has_lock(const char *ifname)
{
	char name[QOS_NETNS_NAME_LEN], path[64];

	assert_int_equal(qos_netns_name(ifname, NULL, name), 0);
	snprintf(path, sizeof(path), "/run/qosctl/%s.lock", name);
	return is_there(path);
}

static void shape_qk9(struct env *env)
{
	env_need_root();
	run("ip link add qk9 type veth peer name qk8");
	apply_changes(env, "qk9", ONE, true);
}

/* By name or not, after which nothing is left. */
static void expect_removed(struct env *env, bool by_name, const char *what)
{
	_cleanup_(freep) char *text = NULL;

	assert_int_equal(qos_remove(by_name ? "qk9" : NULL, 0, env->diags, &text), 0);
	assert_string_equal(text, by_name ? what : "- pins of 1 interface that is gone\n");
	assert_false(has_pins("qk9"));
}

/* Deleted while it is shaped, it leaves pins and a lock: remove takes them away, by name or not. */
static void test_remove_gone(void **state)
{
	struct env *env = *state;

	for (int by_name = 0; by_name < 2; by_name++) {
		_cleanup_(freep) char *again = NULL;

		shape_qk9(env);
		run("ip link del qk9");
		assert_true(has_pins("qk9"));
		assert_true(has_lock("qk9"));
		expect_removed(env, by_name, "- pins of qk9, which is gone\n");
		assert_false(has_lock("qk9"));
		assert_int_equal(qos_remove("qk9", 0, env->diags, &again), -ENODEV);
		assert_int_equal(qos_remove(NULL, 0, env->diags, &again), 0);
		assert_string_equal(again, "");
	}
}

/* So it is where a new one has its name, which is not shaped and stays so. */
static void test_remove_remade(void **state)
{
	struct env *env = *state;

	for (int by_name = 0; by_name < 2; by_name++) {
		_cleanup_(freep) char *again = NULL;

		shape_qk9(env);
		run("ip link del qk9 && ip link add qk9 type veth peer name qk8");
		expect_removed(env, by_name, "- pins of another qk9, which is gone\n");
		assert_int_equal(qos_remove("qk9", 0, env->diags, &again), -ENOENT);
		/* its own stay */
		apply_changes(env, "qk9", ONE, true);
		assert_int_equal(qos_remove(NULL, 0, env->diags, &again), 0);
		assert_string_equal(again, "");
		assert_true(has_pins("qk9"));
		run("ip link del qk9");
	}
}

/* By another name it is still shaped. */
static void test_remove_renamed(void **state)
{
	_cleanup_(freep) char *text = NULL;
	struct env *env = *state;

	env_need_root();
	apply_changes(env, DEV, ONE, true);
	/* before Linux 6.2 only while it is down */
	run("ip link set " DEV " down && ip link set " DEV " name qk9 && ip link set qk9 up");
	assert_int_equal(qos_remove(DEV, 0, env->diags, &text), -ENODEV);
	assert_true(has_pins(DEV));
	remove_from(env, "qk9");
	assert_false(has_pins(DEV));
}

/* Nothing there to sweep is no error. */
static void test_sweep_nothing(void **state)
{
	struct env *env = *state;

	env_need_root();
	assert_int_equal(qos_pins_sweep(env->nl, "/nonexistent/qk0", true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_dots, env_setup, env_teardown),
		cmocka_unit_test_setup_teardown(test_commit, env_setup, env_teardown),
		cmocka_unit_test_setup_teardown(test_sweep, env_setup, env_teardown),
		cmocka_unit_test_setup_teardown(test_remove_gone, env_setup, env_teardown),
		cmocka_unit_test_setup_teardown(test_remove_remade, env_setup, env_teardown),
		cmocka_unit_test_setup_teardown(test_remove_renamed, env_setup, env_teardown),
		cmocka_unit_test_setup_teardown(test_sweep_nothing, env_setup, env_teardown),
	};

	return cmocka_run_group_tests(tests, shaped_setup, NULL);
}
