/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* apply and remove on a real interface. In mode police, which every kernel has. */
#include "shaped.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

static void test_apply(void **state)
{
	struct env *env = *state;
	_cleanup_(freep) char *changes = NULL, *none = NULL, *why = NULL;

	env_need_root();
	assert_int_equal(apply(env, DEV, ONE, &changes), 0);
	assert_ptr_equal(strstr(changes, "+ link mode police rate 10mbit burst 25000b\n"
					 "+ gso 3028\n"
					 "+ class c0 priority normal ceil 10mbit "),
			 changes);
	assert_contains(changes, "\n+ default c0\n");
	assert_int_equal(filters_of(DEV), 1);
	assert_true(has_pins(DEV));
	apply_changes(env, DEV, ONE, false);
	apply_changes(env, DEV, TWO, true);
	assert_int_equal(filters_of(DEV), 1);

	remove_from(env, DEV);
	assert_int_equal(filters_of(DEV), 0);
	assert_false(has_pins(DEV));
	assert_false(try_run("tc qdisc show dev " DEV " | grep clsact"));
	assert_int_equal(qos_remove(DEV, 0, env->diags, &none), -ENOENT);
	assert_null(none);
	why = diags_text(env->diags);
	assert_string_equal(why, "error: " DEV " is not shaped by qosctl\n");
}

/* A clsact that was there stays, and so does what is in it. */
static void test_others_clsact(void **state)
{
	struct env *env = *state;

	env_need_root();
	run("tc qdisc add dev " DEV " clsact");
	apply_changes(env, DEV, ONE, true);
	remove_from(env, DEV);
	run("tc qdisc show dev " DEV " | grep -q clsact");
	run("tc qdisc del dev " DEV " clsact");

	apply_changes(env, DEV, ONE, true);
	run("tc filter add dev " DEV " egress pref 7 bpf bytecode '1,6 0 0 0' direct-action");
	remove_from(env, DEV);
	assert_int_equal(filters_of(DEV), 1);
}

static void test_vlan_name(void **state)
{
	struct env *env = *state;

	env_need_root();
	run("ip link set " DEV " down && ip link set " DEV
	    " name qk0.100 && ip link set qk0.100 up");
	apply_changes(env, "qk0.100", ONE, true);
	assert_true(has_pins("qk0.100"));
	run("tc filter del dev qk0.100 egress");
	apply_heals(env, "qk0.100", ONE);
	remove_from(env, "qk0.100");
	assert_false(has_pins("qk0.100"));
}

/* A file may be called what no JSON text can say. */
static void test_policy_path(void **state)
{
	struct env *env = *state;
	_cleanup_(policy_freep) struct qos_policy *policy = NULL;
	_cleanup_(freep) char *changes = NULL, *shown = NULL;

	env_need_root();
	policy = policy_at("/run/qk-\xff.yaml", DEV, ONE);
	assert_int_equal(qos_apply(policy, 0, env->diags, &changes), 0);
	assert_int_equal(qos_show(DEV, env->diags, &shown), 0);
	assert_contains(shown, "\"policy\": \"/run/qk-?.yaml\"");
}

/* "{ c0: {}, PREFIX1: {}, … }": count classes. */
static char *many_classes(const char *prefix, unsigned int count)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	fputs("link: { mode: police }\ndefault: c0\nclasses:\n  c0: {}\n", out);
	for (unsigned int i = 1; i < count; i++)
		fprintf(out, "  %s%u: { ceil: 1mbit }\n", prefix, i);
	assert_int_equal(fclose(out), 0);
	return text;
}

static json_int_t packets_of_c0(struct env *env)
{
	_cleanup_(freep) char *text = NULL;
	json_t *all, *cls;
	json_int_t packets;

	assert_int_equal(qos_stats(DEV, env->diags, &text), 0);
	all = json_loads(text, 0, NULL);
	cls = json_array_get(json_object_get(json_array_get(all, 0), "classes"), 0);
	assert_string_equal(json_string_value(json_object_get(cls, "name")), "c0");
	packets = json_integer_value(json_object_get(cls, "packets"));
	json_decref(all);
	return packets;
}

/* The class that stays keeps its counters, however the tables grow around it. */
static void test_growth(void **state)
{
	static const struct {
		const char *prefix;
		unsigned int count;
	} steps[] = { { "a", 1 },    { "a", 63 },   { "a", 64 }, { "a", 1023 },
		      { "b", 1023 }, { "a", 1023 }, { "b", 2 },	 { "a", 1 } };
	struct env *env = *state;
	json_int_t packets = 0;

	env_need_root();
	/* nobody answers: each ping is an ARP request, at least */
	run("ip addr add 192.0.2.1/24 dev " DEV);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		_cleanup_(freep) char *text = many_classes(steps[i].prefix, steps[i].count);

		apply_changes(env, DEV, text, true);
		assert_true(packets_of_c0(env) >= packets);
		packets = packets_of_c0(env);
		try_run("ping -c 1 -W 0.1 192.0.2.%zu", i + 2);
		assert_true(packets_of_c0(env) > packets);
		packets = packets_of_c0(env);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, env_setup, env_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_apply),	TEST(test_others_clsact), TEST(test_vlan_name),
		TEST(test_policy_path), TEST(test_growth),
	};

	return cmocka_run_group_tests(tests, shaped_setup, NULL);
}
