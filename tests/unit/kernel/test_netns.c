/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "env.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel/netns.h"

static void name_of(struct env *env, char *buf)
{
	assert_int_equal(qos_netns_name("eth0", env->diags, buf), 0);
}

static void test_suffixes(void **state)
{
	char first[QOS_NETNS_NAME_LEN], second[QOS_NETNS_NAME_LEN], again[QOS_NETNS_NAME_LEN], *end;
	struct env *env = *state;
	int fd;

	env_need_root();
	name_of(env, first);
	assert_memory_equal(first, "eth0:", 5);
	assert_true(strtoull(first + 5, &end, 10) > 1);
	assert_string_equal(end, "");

	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	name_of(env, second);
	assert_memory_equal(second, "eth0:", 5);
	assert_string_not_equal(first, second);

	assert_int_equal(setns(fd, CLONE_NEWNET), 0);
	name_of(env, again);
	assert_string_equal(first, again);
	close(fd);
}

/* kthreadd never leaves it. */
static bool in_first(void)
{
	struct stat own, first;

	return try_run("grep -qx kthreadd /proc/2/comm") && stat("/proc/self/ns/net", &own) == 0 &&
	       stat("/proc/2/ns/net", &first) == 0 && own.st_ino == first.st_ino &&
	       own.st_dev == first.st_dev;
}

static void test_first(void **state)
{
	char name[QOS_NETNS_NAME_LEN];
	struct qos_diags *diags = qos_diags_new();

	(void)state;
	env_need_root();
	if (!in_first()) {
		print_message("this is not the machine's first network namespace\n");
		skip();
	}
	assert_int_equal(qos_netns_name("eth0", diags, name), 0);
	assert_string_equal(name, "eth0");
	qos_diags_free(diags);
}

static void test_longest(void **state)
{
	char name[QOS_NETNS_NAME_LEN];
	struct env *env = *state;

	env_need_root();
	assert_int_equal(qos_netns_name("fifteen-letters", env->diags, name), 0);
	assert_memory_equal(name, "fifteen-letters:", 16);
	assert_int_equal(qos_netns_name("sixteen-letters-", env->diags, name), -EINVAL);
	assert_int_equal(qos_netns_name("a:b", env->diags, name), -EINVAL);
	assert_int_equal(qos_netns_name("..", env->diags, name), -EINVAL);
	assert_int_equal(qos_diags_status(env->diags), QOS_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first),
		cmocka_unit_test_setup_teardown(test_suffixes, env_setup, env_teardown),
		cmocka_unit_test_setup_teardown(test_longest, env_setup, env_teardown),
	};

	return cmocka_run_group_tests_name("kernel/netns", tests, NULL, NULL);
}
