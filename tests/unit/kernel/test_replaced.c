/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What plan says of the qdiscs of others that apply takes the place of. It needs no fq. */
#include "shaped.h"

#include <string.h>

#define FQ "default: c0\nclasses: { c0: { rate: 1mbit } }\n"

/* What plan says goes, and its warnings, are these. */
static void plan_says(struct env *env, const char *text, const char *gone, const char *warnings)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		policy_at("/run/qk-replaced.yaml", DEV, text);
	_cleanup_(freep) char *planned = NULL, *said = NULL;
	size_t len = strlen(gone);

	assert_int_equal(qos_plan(policy, 0, env->diags, &planned), 0);
	assert_memory_equal(planned, gone, len);
	assert_null(strstr(planned + len, "- "));
	said = diags_text(env->diags);
	assert_string_equal(said, warnings);
}

static void test_default(void **state)
{
	env_need_root();
	plan_says(*state, FQ, "", "");
}

static void test_other(void **state)
{
	env_need_root();
	run("tc qdisc add dev " DEV " root handle 5: pfifo limit 7");
	plan_says(*state, FQ, "- qdisc pfifo 5:\n", "");
}

/* Where nothing waits it stays. */
static void test_police(void **state)
{
	env_need_root();
	run("tc qdisc add dev " DEV " root handle 5: pfifo limit 7");
	plan_says(*state, ONE, "", "");
}

static void test_lost(void **state)
{
	env_need_root();
	run("tc qdisc add dev " DEV " root handle 1: stab overhead 22 linklayer atm mtu 2048 "
	    "tsize 128 htb default 10");
	run("tc class add dev " DEV " parent 1: classid 1:10 htb rate 1mbit");
	run("tc filter add dev " DEV " parent 1: protocol ip u32 match ip dport 53 0xffff "
	    "flowid 1:10");
	plan_says(*state, FQ, "- qdisc htb 1:\n",
		  "warning: remove cannot put back htb 1: of " DEV
		  ": the kernel does not tell its size table (stab)\n"
		  "warning: remove cannot put back the filters of the qdiscs of " DEV "\n"
		  "hint: keep the script that made them\n");
}

/* Which the kernel would refuse as it tells it. */
static void test_refused(void **state)
{
	env_need_root();
	if (!try_run("tc qdisc add dev " DEV " root handle 5: red limit 400kb min 30kb max 90kb "
		     "avpkt 1000 bandwidth 10mbit"))
		skip();
	plan_says(*state, FQ, "- qdisc red 5:\n",
		  "warning: remove cannot put back red 5: of " DEV
		  ": the kernel does not tell its table of idle times\n");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, env_setup, env_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_default), TEST(test_other),	TEST(test_police),
		TEST(test_lost),    TEST(test_refused),
	};

	return cmocka_run_group_tests(tests, shaped_setup, NULL);
}
