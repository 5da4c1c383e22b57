/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "env.h"

#include <errno.h>
#include <string.h>

#include <linux/if_arp.h>

static void test_get(void **state)
{
	struct env *env = *state;
	struct qos_link_info link;

	env_need_root();
	run("ip link set " DEV " mtu 1400 gso_max_size 30000");
	assert_int_equal(qos_link_get(env->nl, DEV, env->diags, &link), 0);
	assert_int_equal(link.ifindex, if_nametoindex(DEV));
	assert_string_equal(link.name, DEV);
	assert_string_equal(link.kind, "veth");
	assert_int_equal(link.type, ARPHRD_ETHER);
	assert_int_equal(link.mtu, 1400);
	assert_int_equal(link.tx_queues, 4);
	assert_int_equal(link.master, 0);
	assert_string_equal(link.master_kind, "");
	assert_int_equal(link.gso_max_size, 30000);
	assert_true(link.flags & IFF_UP);

	run("ip link set " DEV " down");
	assert_int_equal(qos_link_get(env->nl, DEV, env->diags, &link), 0);
	assert_false(link.flags & IFF_UP);
}

static void test_master(void **state)
{
	struct env *env = *state;
	struct qos_link_info link;

	env_need_root();
	if (!try_run("ip link add qkbr type bridge")) {
		print_message("this kernel has no bridge\n");
		skip();
	}
	run("ip link set " DEV " master qkbr");
	assert_int_equal(qos_link_get(env->nl, DEV, env->diags, &link), 0);
	assert_int_equal(link.master, if_nametoindex("qkbr"));
	assert_string_equal(link.master_kind, "bridge");
}

static void test_list(void **state)
{
	_cleanup_(freep) struct qos_link_info *links = NULL;
	struct env *env = *state;
	bool dev = false, peer = false, lo = false;
	size_t count;

	env_need_root();
	assert_int_equal(qos_link_list(env->nl, env->diags, &links, &count), 0);
	for (size_t i = 0; i < count; i++) {
		dev |= !strcmp(links[i].name, DEV);
		peer |= !strcmp(links[i].name, PEER);
		lo |= !strcmp(links[i].name, "lo") && links[i].type == ARPHRD_LOOPBACK;
	}
	assert_true(dev && peer && lo);
}

static void check_missing(const char *name, int error, const char *expected)
{
	_cleanup_(freep) char *text = NULL;
	struct qos_diags *diags = qos_diags_new();
	struct qos_link_info link = { .ifindex = -1 };
	struct qos_nl *nl = NULL;

	assert_int_equal(qos_nl_open(diags, &nl), 0);
	assert_int_equal(qos_link_get(nl, name, diags, &link), error);
	assert_int_equal(link.ifindex, -1);
	text = diags_text(diags);
	assert_contains(text, expected);
	qos_nl_close(nl);
	qos_diags_free(diags);
}

static void test_missing(void **state)
{
	(void)state;
	env_need_root();
	run("ip link set " DEV " down && ip link set " DEV " name uplink0");
	check_missing("uplnik0", -ENODEV,
		      "error: there is no interface uplnik0\nhint: did you mean uplink0?\n");
	check_missing("zzzzzzzz", -ENODEV, "\nhint: the interfaces here are: ");
	check_missing("zzzzzzzz", -ENODEV, "uplink0");
	check_missing("a/b", -EINVAL, "error: 'a/b' cannot be the name of an interface\n");
	check_missing("", -EINVAL, "cannot be the name of an interface\n");
	check_missing("sixteen-letters-", -EINVAL, "cannot be the name of an interface\n");
}

static void test_many_missing(void **state)
{
	(void)state;
	env_need_root();
	for (int i = 0; i < 15; i++)
		run("ip link add qkwxyzabcdef%02d type veth peer name qkwxyzabcdfe%02d", i, i);
	check_missing("zzzzzzzz", -ENODEV, " interfaces here: see 'ip link'\n");
}

static void test_altname(void **state)
{
	(void)state;
	env_need_root();
	run("ip link property add dev " DEV " altname qkother");
	check_missing("qkother", -EINVAL,
		      "error: qkother is another name of " DEV "\nhint: use " DEV "\n");
}

static void test_set_gso(void **state)
{
	_cleanup_(freep) char *text = NULL;
	struct env *env = *state;
	struct qos_link_info link;
	uint32_t ipv4 = env->link.gso_ipv4_max_size ? 19000 : 0;

	env_need_root();
	assert_int_equal(qos_link_set_gso(env->nl, &env->link, 20000, ipv4, env->diags), 0);
	text = output_of("ip -d link show " DEV);
	assert_contains(text, "gso_max_size 20000");
	assert_int_equal(qos_link_get(env->nl, DEV, env->diags, &link), 0);
	assert_int_equal(link.gso_max_size, 20000);
	assert_int_equal(link.gso_ipv4_max_size, ipv4);
	assert_true(link.flags & IFF_UP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_get, env_setup, env_teardown),
		cmocka_unit_test_setup_teardown(test_master, env_setup, env_teardown),
		cmocka_unit_test_setup_teardown(test_list, env_setup, env_teardown),
		cmocka_unit_test_setup_teardown(test_missing, env_setup, env_teardown),
		cmocka_unit_test_setup_teardown(test_many_missing, env_setup, env_teardown),
		cmocka_unit_test_setup_teardown(test_altname, env_setup, env_teardown),
		cmocka_unit_test_setup_teardown(test_set_gso, env_setup, env_teardown),
	};

	return cmocka_run_group_tests_name("kernel/link", tests, NULL, NULL);
}
