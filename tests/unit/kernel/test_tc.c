/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "env.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/pkt_sched.h>

#include "kernel/tc.h"

static struct qos_qdiscs qdiscs_of(struct env *env)
{
	struct qos_qdiscs qdiscs = { .items = NULL };

	assert_int_equal(qos_qdiscs_get(env->nl, &env->link, env->diags, &qdiscs), 0);
	return qdiscs;
}

static void test_default(void **state)
{
	struct env *env = *state;
	_cleanup_(qos_qdiscs_done) struct qos_qdiscs qdiscs = { .items = NULL };

	env_need_root();
	qdiscs = qdiscs_of(env);
	assert_int_equal(qdiscs.count, 1);
	assert_string_equal(qdiscs.items[0].kind, "noqueue");
	assert_int_equal(qdiscs.items[0].handle, 0);
	assert_int_equal(qdiscs.items[0].parent, TC_H_ROOT);
}

static void test_tree(void **state)
{
	_cleanup_(qos_qdiscs_done) struct qos_qdiscs qdiscs = { .items = NULL };
	_cleanup_(qos_qdiscs_done) struct qos_qdiscs classes = { .items = NULL };
	const struct qos_qdisc *leaf, *class;
	struct env *env = *state;

	env_need_root();
	run("tc qdisc add dev " PEER " root handle 9: pfifo"); /* another device's */
	run("tc qdisc add dev " DEV " root handle 1: htb default 10");
	run("tc class add dev " DEV " parent 1: classid 1:1 htb rate 5mbit");
	run("tc class add dev " DEV " parent 1:1 classid 1:10 htb rate 1mbit");
	run("tc qdisc add dev " DEV " parent 1:10 handle 10: pfifo limit 77");
	run("tc qdisc add dev " DEV " clsact");

	qdiscs = qdiscs_of(env);
	assert_int_equal(qdiscs.count, 3);
	assert_string_equal(qos_qdiscs_find(&qdiscs, TC_H_ROOT)->kind, "htb");
	assert_int_equal(qos_qdiscs_find(&qdiscs, TC_H_ROOT)->handle, 0x10000);
	assert_string_equal(qos_qdiscs_find(&qdiscs, TC_H_CLSACT)->kind, "clsact");
	leaf = qos_qdiscs_find(&qdiscs, 0x10010);
	assert_string_equal(leaf->kind, "pfifo");
	assert_int_equal(leaf->handle, 0x100000);
	assert_true(leaf->options.present);
	assert_int_equal(leaf->options.len, sizeof(struct tc_fifo_qopt));
	assert_int_equal(((struct tc_fifo_qopt *)leaf->options.data)->limit, 77);

	assert_int_equal(qos_classes_get(env->nl, &env->link, env->diags, &classes), 0);
	assert_int_equal(classes.count, 2);
	class = qos_qdiscs_find(&classes, 0x10001);
	assert_int_equal(class->handle, 0x10010);
	assert_string_equal(class->kind, "htb");
	assert_int_equal(qos_qdiscs_find(&classes, TC_H_ROOT)->handle, 0x10001);
}

static void send_datagrams(unsigned int count)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	_cleanup_(closep) int fd = socket(AF_INET, SOCK_DGRAM, 0);
	char payload[58] = ""; /* 100 bytes as Ethernet frame */

	inet_pton(AF_INET, "10.99.0.2", &to.sin_addr);
	while (count--)
		assert_int_equal(sendto(fd, payload, sizeof(payload), 0, (void *)&to, sizeof(to)),
				 sizeof(payload));
}

static void test_stats(void **state)
{
	_cleanup_(qos_qdiscs_done) struct qos_qdiscs qdiscs = { .items = NULL };
	const struct qos_qdisc *root;
	struct env *env = *state;

	env_need_root();
	run("ip addr add 10.99.0.1/24 dev " DEV);
	run("ip neigh add 10.99.0.2 lladdr 02:00:00:00:00:02 dev " DEV);
	run("tc qdisc add dev " DEV " root tbf rate 8kbit burst 350 limit 400");
	send_datagrams(20); /* 3 leave, 4 wait, 13 do not fit */

	qdiscs = qdiscs_of(env);
	root = qos_qdiscs_find(&qdiscs, TC_H_ROOT);
	assert_int_equal(root->stats.packets, 3);
	assert_int_equal(root->stats.bytes, 300);
	assert_int_equal(root->stats.qlen, 4);
	assert_int_equal(root->stats.backlog, 400);
	assert_int_equal(root->stats.drops, 13);
}

static void test_put_and_delete(void **state)
{
	struct tc_fifo_qopt options = { .limit = 42 };
	struct qos_qdisc pfifo = {
		.handle = 0x50000,
		.parent = TC_H_ROOT,
		.kind = "pfifo",
		.options = { .data = &options, .len = sizeof(options), .present = true },
	};
	_cleanup_(freep) char *made = NULL, *changed = NULL, *gone = NULL;
	struct env *env = *state;

	env_need_root();
	assert_int_equal(qos_qdisc_put(env->nl, &env->link, &pfifo, env->diags), 0);
	made = output_of("tc qdisc show dev " DEV);
	assert_contains(made, "qdisc pfifo 5: root refcnt 5 limit 42p");
	options.limit = 43;
	assert_int_equal(qos_qdisc_put(env->nl, &env->link, &pfifo, env->diags), 0);
	changed = output_of("tc qdisc show dev " DEV);
	assert_contains(changed, "qdisc pfifo 5: root refcnt 5 limit 43p");

	assert_int_equal(qos_qdisc_delete(env->nl, &env->link, TC_H_ROOT, env->diags), 0);
	gone = output_of("tc qdisc show dev " DEV);
	assert_contains(gone, "qdisc noqueue 0: root");
	/* nothing of anybody's left: no error */
	assert_int_equal(qos_qdisc_delete(env->nl, &env->link, TC_H_ROOT, env->diags), 0);
	assert_int_equal(qos_qdisc_delete(env->nl, &env->link, TC_H_CLSACT, env->diags), 0);
	assert_int_equal(qos_diags_status(env->diags), QOS_OK);
}

static void test_unknown_kind(void **state)
{
	const struct qos_qdisc qdisc = { .parent = TC_H_ROOT, .kind = "no_such" };
	_cleanup_(freep) char *text = NULL;
	struct env *env = *state;

	env_need_root();
	assert_int_equal(qos_qdisc_put(env->nl, &env->link, &qdisc, env->diags), -ENOENT);
	text = diags_text(env->diags);
	assert_string_equal(text, "error: cannot create no_such on " DEV
				  ": Specified qdisc kind is unknown\n"
				  "hint: try 'modprobe sch_no_such'; else a kernel with "
				  "CONFIG_NET_SCH_NO_SUCH is needed\n");
	assert_int_equal(qos_diags_status(env->diags), QOS_UNSUPPORTED);
}

static void test_no_parent(void **state)
{
	const struct qos_qdisc qdisc = { .parent = 0x70001, .kind = "pfifo" };
	_cleanup_(freep) char *text = NULL;
	struct env *env = *state;

	env_need_root();
	assert_int_equal(qos_qdisc_put(env->nl, &env->link, &qdisc, env->diags), -ENOENT);
	text = diags_text(env->diags);
	assert_string_equal(text, "error: cannot create pfifo at 7:1 of " DEV
				  ": Failed to find specified qdisc\n");
	assert_int_equal(qos_diags_status(env->diags), QOS_FAILED);
}

static void test_handle_text(void **state)
{
	char buf[QOS_TC_HANDLE_LEN];

	(void)state;
	assert_string_equal(qos_tc_handle_text(0x71050000, buf), "7105:");
	assert_string_equal(qos_tc_handle_text(0x0001000a, buf), "1:a");
	assert_string_equal(qos_tc_handle_text(0, buf), "0:");
	assert_string_equal(qos_tc_handle_text(TC_H_ROOT, buf), "root");
	assert_string_equal(qos_tc_handle_text(TC_H_CLSACT, buf), "clsact");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_default, env_setup, env_teardown),
		cmocka_unit_test_setup_teardown(test_tree, env_setup, env_teardown),
		cmocka_unit_test_setup_teardown(test_stats, env_setup, env_teardown),
		cmocka_unit_test_setup_teardown(test_put_and_delete, env_setup, env_teardown),
		cmocka_unit_test_setup_teardown(test_unknown_kind, env_setup, env_teardown),
		cmocka_unit_test_setup_teardown(test_no_parent, env_setup, env_teardown),
		cmocka_unit_test(test_handle_text),
	};

	return cmocka_run_group_tests_name("kernel/tc", tests, NULL, NULL);
}
