/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From fq to police and back, where the kernel has fq; where not, what is said. */
#include "shaped.h"

#define FQ(rate) "link: { rate: " rate " }\ndefault: c0\nclasses: { c0: {} }\n"
#define FQ_TWO	 "link: { rate: 10mbit }\ndefault: c0\nclasses: { c0: {}, c1: {} }\n"

/* Where the kernel has no fq: says so, and changes nothing. */
static bool need_fq(struct env *env)
{
	_cleanup_(freep) char *changes = NULL, *why = NULL;

	env_need_root();
	if (apply(env, DEV, FQ("10mbit"), &changes) == 0)
		return true;
	assert_int_equal(qos_diags_status(env->diags), QOS_UNSUPPORTED);
	why = diags_text(env->diags);
	assert_contains(why, "cannot create fq on " DEV);
	assert_false(try_run("tc qdisc show dev " DEV " | grep clsact"));
	assert_false(has_pins(DEV));
	print_message("this kernel has no fq\n");
	return false;
}

static void test_fq_and_police(void **state)
{
	struct env *env = *state;
	_cleanup_(freep) char *before = NULL, *after = NULL;

	env_need_root();
	run("tc qdisc replace dev " DEV " root handle 5: pfifo limit 77");
	before = root_qdisc();
	if (!need_fq(env)) {
		after = root_qdisc();
		assert_string_equal(after, before);
		return;
	}
	run("tc qdisc show dev " DEV " | grep -q ' 7105: '");
	apply_changes(env, DEV, ONE, true);
	after = root_qdisc();
	assert_string_equal(after, before);
	/* what is there when fq comes again is what remove puts back */
	run("tc qdisc replace dev " DEV " root handle 6: pfifo limit 88");
	apply_changes(env, DEV, FQ("10mbit"), true);
	remove_from(env, DEV);
	run("tc qdisc show dev " DEV " | grep -q 'pfifo 6: root .*limit 88p'");
}

static void test_fq_deleted(void **state)
{
	struct env *env = *state;

	if (!need_fq(env))
		skip();
	run("tc qdisc del dev " DEV " root");
	apply_heals(env, DEV, FQ("10mbit"));
	run("tc qdisc show dev " DEV " | grep -q ' 7105: '");
	/* fq without the program that stamps for it */
	run("tc qdisc del dev " DEV " clsact && rm -r /sys/fs/bpf/qosctl");
	apply_changes(env, DEV, ONE, true);
	assert_false(try_run("tc qdisc show dev " DEV " | grep ' 7105: '"));
}

static void expect_shown(struct env *env, bool in_force, const char *said)
{
	_cleanup_(freep) char *text = NULL;

	assert_int_equal(qos_show(DEV, env->diags, &text), 0);
	assert_contains(text, in_force ? "\"in_force\": true" : "\"in_force\": false");
	assert_contains(text, said);
}

/* At one of the queues only, or above all of them. */
static void test_fq_replaced(void **state)
{
	struct env *env = *state;

	if (!need_fq(env))
		skip();
	expect_shown(env, true, "\"problems\": []");
	run("tc qdisc replace dev " DEV " parent 7105:2 handle 9: pfifo");
	expect_shown(env, false,
		     "the qdiscs of " DEV " were changed: 7105:2 is pfifo 9:, not fq 7107:");
	apply_heals(env, DEV, FQ("10mbit"));
	run("tc qdisc replace dev " DEV " root handle 9: pfifo");
	expect_shown(env, false,
		     "the qdiscs of " DEV " were changed: root is pfifo 9:, not mq 7105:");
	apply_heals(env, DEV, FQ("10mbit"));
	expect_shown(env, true, "\"problems\": []");
}

/* Our own fq is put back with its parameters, in mode fq and on the way to police. */
static void test_fq_roll_back(void **state)
{
	struct env *env = *state;
	_cleanup_(freep) char *before = NULL, *after = NULL, *police = NULL;
	uint32_t program;

	if (!need_fq(env))
		skip();
	before = root_qdisc();
	program = attached_program(env);
	block_pins(true);
	apply_fails(env, FQ_TWO, "cannot remove", program);
	after = root_qdisc();
	assert_string_equal(after, before);
	apply_fails(env, ONE, "cannot remove", program);
	police = root_qdisc();
	assert_string_equal(police, before);
	block_pins(false);
	apply_changes(env, DEV, FQ("10mbit"), false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, env_setup, env_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_fq_and_police),
		TEST(test_fq_deleted),
		TEST(test_fq_replaced),
		TEST(test_fq_roll_back),
	};

	return cmocka_run_group_tests(tests, shaped_setup, NULL);
}
