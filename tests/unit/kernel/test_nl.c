/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "env.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <linux/rtnetlink.h>

#define STATIC_LINKS 60

static void test_refused(void **state)
{
	struct env *env = *state;
	_cleanup_(freep) char *text = NULL;
	struct nlmsghdr *msg;
	struct ifinfomsg *info;
	int r;

	env_need_root();
	msg = qos_nl_message(env->nl, RTM_SETLINK, 0, sizeof(*info));
	info = mnl_nlmsg_get_payload(msg);
	info->ifi_index = env->link.ifindex;
	mnl_attr_put_u32(msg, IFLA_MTU, 10); /* less than an Ethernet device takes */
	r = qos_nl_request(env->nl, msg);
	assert_int_equal(r, -EINVAL);
	assert_string_equal(qos_nl_said(env->nl), "mtu less than device minimum");

	assert_int_equal(qos_nl_fail(env->nl, env->diags, r, "cannot set %s", "it"), -EINVAL);
	text = diags_text(env->diags);
	assert_string_equal(text, "error: cannot set it: mtu less than device minimum\n");
	assert_int_equal(qos_diags_status(env->diags), QOS_FAILED);
}

/* What was said of one request is not repeated of the next. */
static void test_said_anew(void **state)
{
	struct env *env = *state;
	struct nlmsghdr *msg;

	env_need_root();
	test_refused(state);
	msg = qos_nl_message(env->nl, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
	((struct ifinfomsg *)mnl_nlmsg_get_payload(msg))->ifi_index = 4711;
	assert_int_equal(qos_nl_request(env->nl, msg), -ENODEV);
	assert_string_equal(qos_nl_said(env->nl), "");
}

static int request_unprivileged(void *data)
{
	struct env *env = data;
	_cleanup_(freep) char *text = NULL;
	struct nlmsghdr *msg;
	int r;

	if (setuid(65534) < 0)
		return 2;
	msg = qos_nl_message(env->nl, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
	((struct ifinfomsg *)mnl_nlmsg_get_payload(msg))->ifi_index = env->link.ifindex;
	r = qos_nl_request(env->nl, msg);
	if (r != -EPERM)
		return 3;
	qos_nl_fail(env->nl, env->diags, r, "cannot delete it");
	text = diags_text(env->diags);
	if (qos_diags_status(env->diags) != QOS_UNSUPPORTED)
		return 4;
	return strcmp(text, "error: cannot delete it: Operation not permitted\n"
			    "hint: needs root (CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON)\n") ?
		       5 :
		       0;
}

static void test_unprivileged(void **state)
{
	env_need_root();
	assert_int_equal(in_child(request_unprivileged, *state), 0);
}

/* An answer that was not read is not taken for that of the next request. */
static void test_stale_answer(void **state)
{
	struct env *env = *state;
	struct nlmsghdr *msg;
	const struct nlmsghdr *answer;

	env_need_root();
	/* the answer and the acknowledgement: the second stays unread */
	msg = qos_nl_message(env->nl, RTM_GETLINK, NLM_F_ACK, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(msg, IFLA_IFNAME, DEV);
	assert_int_equal(qos_nl_get(env->nl, msg, &answer), 0);

	msg = qos_nl_message(env->nl, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
	((struct ifinfomsg *)mnl_nlmsg_get_payload(msg))->ifi_index = 4711;
	assert_int_equal(qos_nl_request(env->nl, msg), -ENODEV);
}

static void churn(void)
{
	for (;;) {
		if (system("ip link add qkc0 type veth peer name qkc1; ip link del qkc0"))
			_exit(1);
		usleep(2000);
	}
}

/* Links come and go meanwhile: every dump still has each of the others once. */
static void test_dump_consistent(void **state)
{
	struct env *env = *state;
	pid_t pid;

	env_need_root();
	for (int i = 0; i < STATIC_LINKS; i += 2)
		run("ip link add qks%d type veth peer name qks%d", i, i + 1);
	pid = fork();
	if (pid == 0)
		churn();

	for (int i = 0; i < 50; i++) {
		_cleanup_(freep) struct qos_link_info *links = NULL;
		unsigned int seen[STATIC_LINKS] = { 0 };
		size_t count;

		assert_int_equal(qos_link_list(env->nl, env->diags, &links, &count), 0);
		for (size_t k = 0; k < count; k++)
			if (!strncmp(links[k].name, "qks", 3))
				seen[atoi(links[k].name + 3)]++;
		for (size_t k = 0; k < STATIC_LINKS; k++)
			assert_int_equal(seen[k], 1);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_scratch(void **state)
{
	_cleanup_(qos_nl_closep) struct qos_nl *nl = NULL;
	_cleanup_(freep) struct qos_link_info *links = NULL;
	struct env *env = *state;
	struct stat before, after;
	size_t count;

	env_need_root();
	assert_int_equal(stat("/proc/thread-self/ns/net", &before), 0);
	assert_int_equal(qos_nl_open_scratch(&nl), 0);
	assert_int_equal(stat("/proc/thread-self/ns/net", &after), 0);
	assert_true(before.st_ino == after.st_ino);

	assert_int_equal(qos_link_list(nl, env->diags, &links, &count), 0);
	for (size_t i = 0; i < count; i++)
		assert_string_not_equal(links[i].name, DEV);
	assert_string_equal(links[0].name, "lo");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_refused, env_setup, env_teardown),
		cmocka_unit_test_setup_teardown(test_said_anew, env_setup, env_teardown),
		cmocka_unit_test_setup_teardown(test_unprivileged, env_setup, env_teardown),
		cmocka_unit_test_setup_teardown(test_stale_answer, env_setup, env_teardown),
		cmocka_unit_test_setup_teardown(test_dump_consistent, env_setup, env_teardown),
		cmocka_unit_test_setup_teardown(test_scratch, env_setup, env_teardown),
	};

	return cmocka_run_group_tests_name("kernel/nl", tests, NULL, NULL);
}
