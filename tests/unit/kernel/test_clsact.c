/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "env.h"

#include <errno.h>
#include <string.h>

#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include "kernel/clsact.h"

#define FOREIGN_U32 "protocol ip u32 match u32 0 0 classid 1:1"

static struct qos_filters filters_of(struct env *env)
{
	struct qos_filters filters = { .items = NULL };

	assert_int_equal(qos_filters_get(env->nl, &env->link, env->diags, &filters), 0);
	return filters;
}

static bool has_clsact(void)
{
	_cleanup_(freep) char *text = output_of("tc qdisc show dev " DEV);

	return strstr(text, "qdisc clsact ffff: parent ffff:fff1");
}

static void ensure(struct env *env, bool expected)
{
	bool created = !expected;

	assert_int_equal(qos_clsact_ensure(env->nl, &env->link, env->diags, &created), 0);
	assert_int_equal(created, expected);
}

static void test_ensure(void **state)
{
	struct env *env = *state;

	env_need_root();
	ensure(env, true);
	assert_true(has_clsact());
	ensure(env, false);
	assert_int_equal(qos_clsact_release(env->nl, &env->link, env->diags), 0);
	assert_false(has_clsact());
	assert_int_equal(qos_clsact_release(env->nl, &env->link, env->diags), 0);
}

static void test_ingress_there(void **state)
{
	_cleanup_(freep) char *text = NULL;
	struct env *env = *state;
	bool created;

	env_need_root();
	run("tc qdisc add dev " DEV " ingress");
	assert_int_equal(qos_clsact_ensure(env->nl, &env->link, env->diags, &created), -EEXIST);
	text = diags_text(env->diags);
	assert_contains(text, "error: cannot create clsact on " DEV
			      ": its place is taken by ingress\nhint: ");
	assert_int_equal(qos_clsact_release(env->nl, &env->link, env->diags), 0);
	run("tc qdisc show dev " DEV " | grep -q 'qdisc ingress'");
}

static void test_filter(void **state)
{
	_cleanup_(qos_filters_done) struct qos_filters none = { .items = NULL };
	_cleanup_(qos_filters_done) struct qos_filters one = { .items = NULL };
	_cleanup_(closep) int prog = -1;
	_cleanup_(freep) char *text = NULL;
	struct env *env = *state;
	const struct qos_filter *ours;

	env_need_root();
	none = filters_of(env); /* not even a clsact */
	assert_int_equal(none.count, 0);
	ensure(env, true);
	prog = load_program(TC_ACT_OK);
	assert_int_equal(qos_filter_put(env->nl, &env->link, prog, env->diags), 0);

	one = filters_of(env);
	assert_int_equal(one.count, 1);
	ours = qos_filters_ours(&one);
	assert_ptr_equal(ours, &one.items[0]);
	assert_int_equal(ours->pref, 100);
	assert_int_equal(ours->handle, 0x7105);
	assert_int_equal(ours->protocol, ETH_P_ALL);
	assert_string_equal(ours->kind, "bpf");
	assert_string_equal(ours->name, "qosctl");
	assert_true(ours->direct_action);
	assert_int_equal(ours->prog_id, program_id(prog));
	text = output_of("tc filter show dev " DEV " egress");
	assert_contains(text, "filter protocol all pref 100 bpf chain 0 handle 0x7105 qosctl "
			      "direct-action");
}

static void test_replace(void **state)
{
	_cleanup_(qos_filters_done) struct qos_filters filters = { .items = NULL };
	_cleanup_(closep) int first = -1;
	_cleanup_(closep) int second = -1;
	struct env *env = *state;

	env_need_root();
	ensure(env, true);
	first = load_program(TC_ACT_OK);
	second = load_program(TC_ACT_SHOT);
	assert_int_equal(qos_filter_put(env->nl, &env->link, first, env->diags), 0);
	assert_int_equal(qos_filter_put(env->nl, &env->link, second, env->diags), 0);
	filters = filters_of(env);
	assert_int_equal(filters.count, 1);
	assert_int_equal(filters.items[0].prog_id, program_id(second));
}

static void test_foreign_stays(void **state)
{
	_cleanup_(qos_filters_done) struct qos_filters filters = { .items = NULL };
	_cleanup_(freep) char *before = NULL, *after = NULL;
	_cleanup_(closep) int prog = -1;
	struct env *env = *state;

	env_need_root();
	ensure(env, true);
	run("tc filter add dev " DEV " egress pref 50 " FOREIGN_U32);
	run("tc filter add dev " DEV " egress pref 100 handle 1 bpf bytecode '1,6 0 0 0'");
	run("tc filter add dev " DEV " ingress pref 7 " FOREIGN_U32);
	before = output_of("tc filter show dev " DEV " egress && tc filter show dev " DEV
			   " ingress");
	prog = load_program(TC_ACT_OK);
	assert_int_equal(qos_filter_put(env->nl, &env->link, prog, env->diags), 0);

	filters = filters_of(env);
	assert_string_equal(filters.items[0].kind, "u32");
	assert_int_equal(filters.items[0].pref, 50);
	/* cls_bpf runs the latest of a pref first */
	assert_ptr_equal(qos_filters_ours(&filters), &filters.items[filters.count - 2]);
	assert_string_equal(filters.items[filters.count - 1].kind, "bpf");
	assert_int_equal(filters.items[filters.count - 1].handle, 1);

	assert_int_equal(qos_filter_delete(env->nl, &env->link, env->diags), 0);
	assert_int_equal(qos_clsact_release(env->nl, &env->link, env->diags), 0);
	after = output_of("tc filter show dev " DEV " egress && tc filter show dev " DEV
			  " ingress");
	assert_string_equal(after, before);
	assert_true(has_clsact());
}

/* One that is only on ingress holds clsact too; the last one gone, clsact goes. */
static void test_release_ingress(void **state)
{
	struct env *env = *state;

	env_need_root();
	ensure(env, true);
	run("tc filter add dev " DEV " ingress pref 7 " FOREIGN_U32);
	assert_int_equal(qos_clsact_release(env->nl, &env->link, env->diags), 0);
	assert_true(has_clsact());
	run("tc filter del dev " DEV " ingress pref 7");
	assert_int_equal(qos_clsact_release(env->nl, &env->link, env->diags), 0);
	assert_false(has_clsact());
}

/* At our very place, but not by our name. */
static void test_not_ours(void **state)
{
	_cleanup_(freep) char *text = NULL;
	struct env *env = *state;

	env_need_root();
	ensure(env, true);
	run("tc filter add dev " DEV " egress pref 100 handle 0x7105 bpf bytecode '1,6 0 0 0'");
	assert_int_equal(qos_filter_delete(env->nl, &env->link, env->diags), 0);
	text = output_of("tc filter show dev " DEV " egress");
	assert_contains(text, "handle 0x7105");
}

static void test_place_taken(void **state)
{
	_cleanup_(closep) int prog = -1;
	_cleanup_(freep) char *text = NULL;
	struct env *env = *state;

	env_need_root();
	ensure(env, true);
	run("tc filter add dev " DEV " egress pref 100 protocol all u32 match u32 0 0 classid 1:1");
	prog = load_program(TC_ACT_OK);
	assert_int_equal(qos_filter_put(env->nl, &env->link, prog, env->diags), -EINVAL);
	text = diags_text(env->diags);
	assert_string_equal(text, "error: cannot attach the classifier to " DEV " (pref 100): "
				  "Specified filter kind does not match existing one\n");
	assert_int_equal(qos_filter_delete(env->nl, &env->link, env->diags), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, env_setup, env_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ensure),   TEST(test_ingress_there), TEST(test_filter),
		TEST(test_replace),  TEST(test_foreign_stays), TEST(test_release_ingress),
		TEST(test_not_ours), TEST(test_place_taken),
	};

	return cmocka_run_group_tests_name("kernel/clsact", tests, NULL, NULL);
}
