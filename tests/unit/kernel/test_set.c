/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values put over a policy's: by hand, for a while, and all of them together. */
#include "shaped.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "kernel/bpffs.h"
#include "kernel/device.h"

#define MBIT 1000000ULL

static const char policy_text[] =
	"link: { rate: 10mbit, mode: police }\ndefault: c0\nclasses:\n"
	"  c0: { rate: 1mbit }\n  t:\n    rate: 6mbit\n    classes:\n"
	"      a: { rate: 2mbit, weight: 3 }\n      b: { rate: 1mbit, ceil: 3mbit, weight: 3 }\n";

/* Whether it changed anything. */
static bool apply_policy(struct env *env)
{
	_cleanup_(freep) char *said = NULL;

	assert_int_equal(apply(env, DEV, policy_text, &said), 0);
	return *said;
}

static int set(struct env *env, const char *class, const char *setting, const char *hold)
{
	_cleanup_(freep) char *said = NULL;

	return qos_set(DEV, class, &setting, 1, hold, 0, env->diags, &said);
}

static int set_twice(struct env *env, const char *class, const char *first, const char *second)
{
	const char *settings[] = { first, second };
	_cleanup_(freep) char *said = NULL;

	return qos_set(DEV, class, settings, 2, NULL, 0, env->diags, &said);
}

static int unset(struct env *env, const char *class, const char *key)
{
	_cleanup_(freep) char *said = NULL;

	return qos_unset(DEV, class, &key, key ? 1 : 0, 0, env->diags, &said);
}

static uint64_t rate_of(struct env *env, const char *name)
{
	return running_class(env, name).rate * 8;
}

static uint64_t ceil_of(struct env *env, const char *name)
{
	return running_class(env, name).ceil * 8;
}

static json_t *show(void)
{
	struct qos_diags *diags = qos_diags_new();
	_cleanup_(freep) char *text = NULL;
	_cleanup_(json_decrefp) json_t *all = NULL;

	assert_int_equal(qos_show(DEV, diags, &text), 0);
	qos_diags_free(diags);
	all = json_loads(text, 0, NULL);
	return json_incref(json_array_get(all, 0));
}

static json_int_t shown(const char *class, const char *key)
{
	_cleanup_(json_decrefp) json_t *interface = show();
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(interface, "classes"), i, item) {
		if (strcmp(json_string_value(json_object_get(item, "name")), class) == 0)
			return json_integer_value(json_object_get(item, key));
	}
	fail();
	return 0;
}

static size_t count_sets(void)
{
	_cleanup_(json_decrefp) json_t *interface = show();

	return json_array_size(json_object_get(interface, "set"));
}

static bool in_force(void)
{
	_cleanup_(json_decrefp) json_t *interface = show();

	return json_is_true(json_object_get(interface, "in_force"));
}

static char *applied_at(void)
{
	_cleanup_(json_decrefp) json_t *interface = show();

	return strdup(json_string_value(json_object_get(interface, "applied")));
}

/* When the policy was applied is not when numbers of it were changed. */
static void test_applied(void **state)
{
	_cleanup_(freep) char *applied = NULL, *changed = NULL, *back = NULL;
	struct env *env = *state;

	env_need_root();
	apply_policy(env);
	applied = applied_at();
	sleep(1); /* what it is told in */
	assert_int_equal(set(env, "a", "rate=3mbit", "1h"), 0);
	changed = applied_at();
	assert_string_equal(changed, applied);
	assert_int_equal(unset(env, "a", "rate"), 0);
	back = applied_at();
	assert_string_equal(back, applied);
}

/* Until the next apply, and until it is taken back. */
static void test_set(void **state)
{
	struct env *env = *state;
	uint32_t id;

	env_need_root();
	apply_policy(env);
	id = running_program(env);
	assert_int_equal(set(env, "a", "rate=3mbit", NULL), 0);
	assert_int_equal(set(env, "b", "ceil=2mbit", NULL), 0);
	assert_int_equal(set(env, "link", "rate=20mbit", NULL), 0);
	assert_int_equal(rate_of(env, "a"), 3 * MBIT);
	assert_int_equal(shown("a", "rate"), 3 * MBIT);
	assert_int_equal(ceil_of(env, "b"), 2 * MBIT);
	assert_int_equal(ceil_of(env, ""), 20 * MBIT);
	assert_int_equal(count_sets(), 3);
	/* one of a key */
	assert_int_equal(set(env, "a", "rate=4mbit", NULL), 0);
	assert_int_equal(rate_of(env, "a"), 4 * MBIT);
	assert_int_equal(count_sets(), 3);
	assert_int_equal(unset(env, "a", "rate"), 0);
	assert_int_equal(rate_of(env, "a"), 2 * MBIT);
	assert_true(apply_policy(env));
	assert_int_equal(count_sets(), 0);
	assert_int_equal(ceil_of(env, "b"), 3 * MBIT);
	assert_int_equal(ceil_of(env, ""), 10 * MBIT);
	assert_false(apply_policy(env));
	assert_int_equal(running_program(env), id);
}

/* What set says, the times of it as TIME. */
static void expect_said(struct env *env, const char *setting, const char *hold, const char *text)
{
	_cleanup_(freep) char *said = NULL;

	assert_int_equal(qos_set(DEV, "a", &setting, 1, hold, 0, env->diags, &said), 0);
	for (char *at = said; (at = strstr(at, " until 2")); at++) {
		char *end = strchr(at, '\n');

		at = mempcpy(at, " until TIME", strlen(" until TIME"));
		memmove(at, end, strlen(end) + 1);
	}
	assert_string_equal(said, text);
}

/* Until when is a change, too. */
static void test_ends(void **state)
{
	struct env *env = *state;

	env_need_root();
	apply_policy(env);
	assert_int_equal(set(env, "a", "rate=3mbit", "1h"), 0);
	expect_said(env, "rate=3mbit", "2h",
		    "- set a rate=3mbit until TIME\n+ set a rate=3mbit until TIME\n");
	expect_said(env, "rate=3mbit", NULL,
		    "- set a rate=3mbit until TIME\n+ set a rate=3mbit until the next apply\n");
	expect_said(env, "rate=3mbit", NULL, "");
	expect_said(env, "rate=3mbit", "1h",
		    "- set a rate=3mbit until the next apply\n+ set a rate=3mbit until TIME\n");
}

/* What is as the policy says is set all the same. */
static void test_same(void **state)
{
	struct env *env = *state;

	env_need_root();
	apply_policy(env);
	expect_said(env, "rate=2mbit", NULL, "+ set a rate=2mbit until the next apply\n");
	assert_int_equal(count_sets(), 1);
	assert_true(apply_policy(env));
	assert_int_equal(count_sets(), 0);
	assert_int_equal(set(env, "a", "rate=2mbit", NULL), 0);
	assert_int_equal(unset(env, NULL, NULL), 0);
	assert_int_equal(count_sets(), 0);
}

static void expect_error(struct env *env, int r, const char *part)
{
	_cleanup_(freep) char *text = diags_text(env->diags);

	assert_true(r < 0);
	assert_contains(text, part);
	qos_diags_free(env->diags);
	env->diags = qos_diags_new();
}

/* Whatever is wrong changes nothing. */
static void expect_failure(struct env *env, int r, const char *part)
{
	expect_error(env, r, part);
	assert_int_equal(rate_of(env, "a"), 2 * MBIT);
	assert_int_equal(count_sets(), 0);
	assert_true(in_force());
}

static void test_wrong(void **state)
{
	struct env *env = *state;

	env_need_root();
	apply_policy(env);
	expect_failure(env, set(env, "nobody", "rate=1mbit", NULL), "nobody");
	expect_failure(env, set(env, "a", "rate", NULL), "KEY=VALUE");
	expect_failure(env, set(env, "a", "=1mbit", NULL), "KEY=VALUE");
	expect_failure(env, set_twice(env, "a", "rate=1mbit", "rate=2mbit"),
		       "`rate` is given twice");
	expect_failure(env, set_twice(env, "a", "rate=2mbit", "rat=2mbit"), "unknown key `rat`");
	expect_failure(env, set(env, "a", "speed=1mbit", NULL), "speed");
	expect_failure(env, set(env, "a", "rate=fast", NULL), "fast");
	expect_failure(env, set(env, "a", "rate=200mbit", NULL), "200mbit");
	expect_failure(env, set(env, "a", "rate=5500kbit", NULL), "6mbit");
	expect_failure(env, set(env, "a", "rate=1mbit", "3600"), "3600s or 3600min, perhaps?");
	expect_failure(env, set(env, "a", "rate=1mbit", "0"), "90s, 30min, 2h or 1d, say");
	expect_failure(env, set(env, "a", "rate=1mbit", "500d"), "year");
	expect_failure(env, set(env, "a", "classes=1mbit", NULL), "classes");
	expect_failure(env, unset(env, "a", NULL), "nothing of `a` is set");
	expect_failure(env, unset(env, "a", "rate"), "`rate` of `a` is not set");
}

/* Nobody has to be there when it ends. */
static int set_and_exit(void *data)
{
	return set(data, "a", "rate=3mbit", "1s") < 0;
}

/* ends: expected; the kernel's timers do it, in their own time. */
static void wait_for_rate(struct env *env, const char *class, uint64_t rate)
{
	for (int i = 0; i < 200 && rate_of(env, class) != rate; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	assert_int_equal(rate_of(env, class), rate);
}

static void test_for_a_while(void **state)
{
	struct env *env = *state;

	env_need_root();
	apply_policy(env);
	assert_int_equal(in_child(set_and_exit, env), 0);
	assert_int_equal(rate_of(env, "a"), 3 * MBIT);
	assert_int_equal(count_sets(), 1);
	wait_for_rate(env, "a", 2 * MBIT);
	assert_int_equal(shown("a", "rate"), 2 * MBIT);
	assert_int_equal(count_sets(), 0);
	assert_true(in_force());
	assert_false(apply_policy(env));
}

/* Each ends in its time, and leaves what the others set. */
static void test_several(void **state)
{
	struct env *env = *state;
	struct qos_class_cfg before;

	env_need_root();
	apply_policy(env);
	before = running_class(env, "b");
	assert_int_equal(set(env, "c0", "rate=2mbit", NULL), 0);
	assert_int_equal(set(env, "link", "rate=9mbit", "3s"), 0);
	assert_int_equal(set(env, "a", "weight=8", "2s"), 0);
	assert_int_equal(set(env, "b", "weight=2", "2s"), 0);
	assert_int_equal(set(env, "a", "rate=3mbit", "1s"), 0);
	assert_int_equal(count_sets(), 5);
	assert_int_equal(running_class(env, "a").weight, 4 * running_class(env, "b").weight);
	wait_for_rate(env, "a", 2 * MBIT);
	assert_int_equal(ceil_of(env, ""), 9 * MBIT);
	for (int i = 0; i < 200 && running_class(env, "b").weight != before.weight; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	assert_int_equal(running_class(env, "b").weight, before.weight);
	for (int i = 0; i < 200 && ceil_of(env, "") != 10 * MBIT; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	assert_int_equal(ceil_of(env, ""), 10 * MBIT);
	assert_int_equal(rate_of(env, "c0"), 2 * MBIT);
	assert_int_equal(count_sets(), 1);
	assert_true(in_force());
}

/* Another change does not shorten or lengthen it, nor does one that fails. */
static void test_survives(void **state)
{
	struct env *env = *state;

	env_need_root();
	apply_policy(env);
	assert_int_equal(set(env, "a", "rate=3mbit", "2s"), 0);
	assert_int_equal(set(env, "c0", "rate=2mbit", NULL), 0);
	expect_error(env, set(env, "c0", "rate=2000mbit", NULL), "2gbit");
	assert_int_equal(rate_of(env, "a"), 3 * MBIT);
	wait_for_rate(env, "a", 2 * MBIT);
	assert_int_equal(rate_of(env, "c0"), 2 * MBIT);
}

static void test_many(void **state)
{
	struct env *env = *state;
	int r = 0;

	env_need_root();
	apply_policy(env);
	for (int i = 0; r == 0 && i < QOS_EXPIRIES; i++) {
		static const char *const classes[] = { "a", "b", "c0" };
		static const char *const settings[] = {
			"rate=1mbit", "burst=20k", "ceil=3mbit",
			"limit=1s",   "ecn=no",	   "per-flow=1mbit"
		};
		char hold[16];

		snprintf(hold, sizeof(hold), "%dh", i + 1);
		r = set(env, classes[i % 3], settings[i / 3], hold);
	}
	assert_int_equal(r, 0);
	assert_int_equal(count_sets(), QOS_EXPIRIES);
	expect_error(env, set(env, "link", "rate=9mbit", "40h"), "more than 16");
	assert_int_equal(count_sets(), QOS_EXPIRIES);
	assert_int_equal(unset(env, NULL, NULL), 0);
	assert_int_equal(rate_of(env, "a"), 2 * MBIT);
}

/* Timers live in a pinned map: who takes the pins away is told of it, and apply mends it. */
static void test_without_pins(void **state)
{
	struct env *env = *state;
	_cleanup_(freep) char *dir = NULL;

	env_need_root();
	apply_policy(env);
	assert_int_equal(in_child(set_and_exit, env), 0);
	assert_int_equal(qos_bpffs_path(DEV, env->diags, &dir), 0);
	assert_int_equal(qos_bpffs_remove(dir, env->diags), 0);
	for (int i = 0; i < 200 && in_force(); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	assert_false(in_force());
	assert_int_equal(rate_of(env, "a"), 3 * MBIT);
	apply_policy(env);
	assert_true(in_force());
	assert_int_equal(rate_of(env, "a"), 2 * MBIT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, env_setup, env_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_applied),	 TEST(test_set),      TEST(test_ends),
		TEST(test_same),	 TEST(test_wrong),    TEST(test_for_a_while),
		TEST(test_several),	 TEST(test_survives), TEST(test_many),
		TEST(test_without_pins),
	};

	return cmocka_run_group_tests(tests, shaped_setup, NULL);
}
