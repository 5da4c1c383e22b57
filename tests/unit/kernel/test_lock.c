/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "env.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "kernel/lock.h"
#include "kernel/netns.h"

/* A /run of our own beside the network namespace. */
static int setup(void **state)
{
	int r = env_setup(state);

	if (r == 0 && geteuid() == 0 &&
	    (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	     mount("tmpfs", "/run", "tmpfs", 0, "mode=0755") < 0))
		fail_msg("a /run of our own: %s", strerror(errno));
	return r;
}

/* A process that holds the lock for a while. */
static pid_t holder(const char *what, unsigned int ms)
{
	int ready[2], fd;
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (qos_lock_take(DEV, what, qos_diags_new(), &fd) < 0)
			_exit(1);
		if (write(ready[1], "", 1) < 0)
			_exit(2);
		usleep(ms * 1000);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void test_busy(void **state)
{
	_cleanup_(freep) char *text = NULL;
	struct env *env = *state;
	char expected[160];
	double start;
	int fd = -1;
	pid_t pid;

	env_need_root();
	pid = holder("qosctl apply", 60000);
	start = seconds();
	assert_int_equal(qos_lock_take(DEV, "qosctl remove", env->diags, &fd), -EBUSY);
	assert_int_equal(fd, -1);
	assert_true(seconds() - start >= 4.5 && seconds() - start < 10);
	text = diags_text(env->diags);
	snprintf(expected, sizeof(expected),
		 "error: " DEV " is being changed by qosctl apply "
		 "(pid %d)\nhint: try again when it is done\n",
		 (int)pid);
	assert_string_equal(text, expected);
	assert_int_equal(qos_diags_status(env->diags), QOS_FAILED);

	/* the holder dies: nothing of it is left in the way */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(qos_lock_take(DEV, "qosctl remove", env->diags, &fd), 0);
	close(fd);
}

static void test_waits(void **state)
{
	struct env *env = *state;
	int fd = -1;
	pid_t pid;

	env_need_root();
	pid = holder("qosctl apply", 400);
	assert_int_equal(qos_lock_take(DEV, "qosctl apply", env->diags, &fd), 0);
	waitpid(pid, NULL, 0);
	close(fd);
}

static void test_others_free(void **state)
{
	struct env *env = *state;
	int fd = -1;
	pid_t pid;

	env_need_root();
	pid = holder("qosctl apply", 60000);
	assert_int_equal(qos_lock_take(PEER, "qosctl apply", env->diags, &fd), 0);
	close(fd);
	/* the same name in another namespace is another interface */
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(qos_lock_take(DEV, "qosctl apply", env->diags, &fd), 0);
	close(fd);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_private(void **state)
{
	struct env *env = *state;
	struct stat st;
	int fd = -1;

	env_need_root();
	assert_int_equal(qos_lock_take(DEV, "qosctl apply", env->diags, &fd), 0);
	assert_int_equal(stat("/run/qosctl", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}

/* What is said when the lock cannot be taken for the folder or file that is there. */
static void expect_refused(struct env *env, int error, const char *said)
{
	struct qos_diags *diags = qos_diags_new();
	_cleanup_(freep) char *text = NULL;
	int fd = -1;

	assert_int_equal(qos_lock_take(DEV, "qosctl apply", diags, &fd), error);
	assert_int_equal(fd, -1);
	assert_int_equal(qos_diags_status(diags), QOS_FAILED);
	text = diags_text(diags);
	assert_contains(text, said);
	qos_diags_free(diags);
	run("rm -r /run/qosctl");
	assert_int_equal(qos_lock_take(DEV, "qosctl apply", env->diags, &fd), 0);
	close(fd);
}

/* Nothing that somebody else may have put there is used; without it all is well. */
static void test_others_can_write(void **state)
{
	struct env *env = *state;
	char name[QOS_NETNS_NAME_LEN];

	env_need_root();
	assert_int_equal(qos_netns_name(DEV, NULL, name), 0);
	run("mkdir -m 0777 /run/qosctl && chmod 0777 /run/qosctl");
	expect_refused(env, -EPERM, "others than root can write /run/qosctl (mode 0777)");
	run("chmod 0770 /run/qosctl");
	expect_refused(env, -EPERM, "others than root can write /run/qosctl (mode 0770)");
	run("chown 65534 /run/qosctl");
	expect_refused(env, -EPERM, "/run/qosctl belongs to user 65534, not to root");
	run("rm -r /run/qosctl && mkdir /run/elsewhere && ln -s elsewhere /run/qosctl");
	expect_refused(env, -ENOTDIR, "cannot open /run/qosctl");
	run("chown 65534 /run/qosctl/%s.lock", name);
	expect_refused(env, -EPERM, "belongs to user 65534");
	run("rm /run/qosctl/%s.lock && touch /run/victim && ln -s /run/victim /run/qosctl/%s.lock",
	    name, name);
	expect_refused(env, -ELOOP, ".lock: Too many levels of symbolic links");
	run("test ! -s /run/victim");
}

static void test_bad_name(void **state)
{
	struct env *env = *state;
	int fd = -1;

	env_need_root();
	assert_int_equal(qos_lock_take("../../etc/x", "qosctl apply", env->diags, &fd), -EINVAL);
	assert_int_equal(fd, -1);
	assert_int_equal(qos_diags_status(env->diags), QOS_INVALID);
}

static int take_unprivileged(void *data)
{
	struct env *env = data;
	_cleanup_(freep) char *text = NULL;
	int fd;

	if (setuid(65534) < 0 || qos_lock_take(DEV, "qosctl apply", env->diags, &fd) != -EACCES)
		return 2;
	text = diags_text(env->diags);
	return strcmp(text, "error: cannot create /run/qosctl: Permission denied\n"
			    "hint: needs root (CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON)\n") ?
		       3 :
		       0;
}

static void test_unprivileged(void **state)
{
	env_need_root();
	assert_int_equal(in_child(take_unprivileged, *state), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, env_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_busy),
		TEST(test_waits),
		TEST(test_others_free),
		TEST(test_private),
		TEST(test_bad_name),
		TEST(test_unprivileged),
		TEST(test_others_can_write),
	};

	return cmocka_run_group_tests_name("kernel/lock", tests, NULL, NULL);
}
