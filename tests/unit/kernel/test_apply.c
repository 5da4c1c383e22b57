/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * apply and remove on a real interface, and what somebody else may do to it
 * meanwhile. In mode police, which every kernel has; with fq where there is one.
 */
#include "env.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "kernel/bpffs.h"
#include "kernel/clsact.h"

DEFINE_CLEANUP(struct qos_policy *, policy_freep, qos_policy_free)

#define POLICE(classes) "link: { rate: 10mbit, mode: police }\ndefault: c0\nclasses: " classes "\n"
#define ONE		POLICE("{ c0: {} }")
#define TWO		POLICE("{ c0: {}, c1: { ceil: 1mbit } }")
#define FQ(rate)	"link: { rate: " rate " }\ndefault: c0\nclasses: { c0: {} }\n"
#define FQ_TWO		"link: { rate: 10mbit }\ndefault: c0\nclasses: { c0: {}, c1: {} }\n"

/* A bpffs that nobody else sees, and that is gone with the program. */
static int setup(void **state)
{
	(void)state;
	if (geteuid() != 0)
		return 0;
	return unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	       mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL);
}

/* The policy of that text for an interface, from a file of that name. */
static struct qos_policy *policy_at(const char *path, const char *ifname, const char *text)
{
	struct qos_diags *diags = qos_diags_new();
	struct qos_policy *policy = NULL;
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fprintf(file, "interface: %s\n%s", ifname, text);
	assert_int_equal(fclose(file), 0);
	if (qos_policy_read(path, diags, &policy) < 0)
		fail_msg("%s", diags_text(diags));
	unlink(path);
	qos_diags_free(diags);
	return policy;
}

static int apply(struct env *env, const char *ifname, const char *text, char **ret_changes)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		policy_at("/run/qk-policy.yaml", ifname, text);

	return qos_apply(policy, 0, env->diags, ret_changes);
}

/* Apply, and expect changes, or none. */
static void apply_changes(struct env *env, const char *ifname, const char *text, bool changes)
{
	_cleanup_(freep) char *said = NULL, *why = NULL;

	if (apply(env, ifname, text, &said) < 0) {
		why = diags_text(env->diags);
		fail_msg("%s", why);
	}
	if (!*said == changes)
		fail_msg("changes: \"%s\"", said);
}

/* What somebody did is found by plan, and put right by apply. */
static void apply_heals(struct env *env, const char *ifname, const char *text)
{
	_cleanup_(policy_freep) struct qos_policy *policy =
		policy_at("/run/qk-policy.yaml", ifname, text);
	_cleanup_(freep) char *planned = NULL, *done = NULL;

	assert_int_equal(qos_plan(policy, 0, env->diags, &planned), 0);
	assert_string_not_equal(planned, "");
	assert_int_equal(qos_apply(policy, 0, env->diags, &done), 0);
	assert_string_equal(planned, done);
	apply_changes(env, ifname, text, false);
}

static void remove_from(struct env *env, const char *ifname)
{
	_cleanup_(freep) char *said = NULL, *why = NULL;

	if (qos_remove(ifname, 0, env->diags, &said) < 0) {
		why = diags_text(env->diags);
		fail_msg("%s", why);
	}
}

static int filters_of(const char *ifname)
{
	_cleanup_(freep) char *text = output_of("tc filter show dev %s egress", ifname);
	int count = 0;

	for (const char *p = text; (p = strstr(p, "direct-action")); p++)
		count++;
	return count;
}

/* Of our filter, or 0. */
static uint32_t attached_program(struct env *env)
{
	_cleanup_(qos_filters_done) struct qos_filters filters = { .items = NULL };
	const struct qos_filter *ours;

	assert_int_equal(qos_filters_get(env->nl, &env->link, env->diags, &filters), 0);
	ours = qos_filters_ours(&filters);
	return ours ? ours->prog_id : 0;
}

static char *pins_of(const char *ifname)
{
	char *dir = NULL;

	assert_int_equal(qos_bpffs_path(ifname, NULL, &dir), 0);
	return dir;
}

static bool has_pins(const char *ifname)
{
	_cleanup_(freep) char *dir = pins_of(ifname), *pin = NULL;

	assert_true(asprintf(&pin, "%s/qos_egress", dir) > 0);
	return access(pin, F_OK) == 0;
}

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

static void test_filter_deleted(void **state)
{
	struct env *env = *state;
	_cleanup_(freep) char *text = NULL;

	env_need_root();
	apply_changes(env, DEV, ONE, true);
	run("tc filter del dev " DEV " egress");
	assert_int_equal(qos_show(DEV, env->diags, &text), 0);
	assert_contains(text, "\"in_force\": false");
	apply_heals(env, DEV, ONE);
	assert_int_equal(filters_of(DEV), 1);
}

static void test_clsact_deleted(void **state)
{
	struct env *env = *state;

	env_need_root();
	apply_changes(env, DEV, ONE, true);
	run("tc qdisc del dev " DEV " clsact");
	apply_heals(env, DEV, ONE);
	remove_from(env, DEV);
	assert_false(try_run("tc qdisc show dev " DEV " | grep clsact"));
}

/* Whatever is left of ours is enough to remove it. */
static void test_remove_remains(void **state)
{
	struct env *env = *state;

	env_need_root();
	apply_changes(env, DEV, ONE, true);
	run("tc qdisc del dev " DEV " clsact");
	remove_from(env, DEV);
	assert_false(has_pins(DEV));

	apply_changes(env, DEV, ONE, true);
	run("rm -r /sys/fs/bpf/qosctl");
	remove_from(env, DEV);
	assert_int_equal(filters_of(DEV), 0);
}

static void test_pins_deleted(void **state)
{
	struct env *env = *state;

	env_need_root();
	apply_changes(env, DEV, ONE, true);
	run("rm -r /sys/fs/bpf/qosctl");
	apply_changes(env, DEV, ONE, false);
	assert_true(has_pins(DEV));
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

/* Another interface of the name has nothing of the first one's. */
static void test_remade(void **state)
{
	struct env *env = *state;
	_cleanup_(freep) char *text = NULL;

	env_need_root();
	apply_changes(env, DEV, ONE, true);
	run("ip link del " DEV " && ip link add " DEV " type veth peer name " PEER);
	assert_true(has_pins(DEV));
	assert_int_equal(qos_show(DEV, env->diags, &text), -ENOENT);
	assert_int_equal(qos_remove(DEV, 0, env->diags, &text), -ENOENT);
	apply_heals(env, DEV, ONE);
}

static void test_renamed(void **state)
{
	struct env *env = *state;

	env_need_root();
	apply_changes(env, DEV, ONE, true);
	run("ip link set " DEV " down && ip link set " DEV " name qk7 && ip link set qk7 up");
	apply_changes(env, "qk7", ONE, false);
	assert_true(has_pins("qk7"));
	assert_false(has_pins(DEV));
	remove_from(env, "qk7");
	assert_false(has_pins("qk7"));
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

/* Apply, which has to fail, and find the program that was attached before. */
static void apply_fails(struct env *env, const char *text, const char *why, uint32_t program)
{
	_cleanup_(freep) char *said = NULL, *changes = NULL;

	assert_true(apply(env, DEV, text, &changes) < 0);
	assert_null(changes);
	said = diags_text(env->diags);
	assert_contains(said, why);
	assert_int_equal(attached_program(env), program);
	qos_diags_free(env->diags);
	env->diags = qos_diags_new();
}

/* Where our filter belongs is another one, of another protocol: the kernel refuses ours. */
static void test_place_taken(void **state)
{
	struct env *env = *state;

	env_need_root();
	run("tc qdisc add dev " DEV " clsact");
	run("tc filter add dev " DEV " egress protocol ip pref 100 bpf bytecode '1,6 0 0 0'");
	apply_fails(env, ONE, "cannot attach the classifier to " DEV, 0);
	run("tc filter show dev " DEV " egress | grep -q 'protocol ip pref 100'");
	assert_false(has_pins(DEV));
}

/* The last step fails: a directory among the pins is not ours to remove. */
static void block_pins(bool block)
{
	_cleanup_(freep) char *dir = pins_of(DEV), *below = NULL;

	assert_true(asprintf(&below, "%s/other", dir) > 0);
	if (block) {
		assert_int_equal(qos_bpffs_make(dir, NULL), 0);
		assert_int_equal(mkdir(below, 0700), 0);
	} else {
		assert_int_equal(rmdir(below), 0);
	}
}

static void test_roll_back(void **state)
{
	struct env *env = *state;
	uint32_t program;

	env_need_root();
	block_pins(true);
	apply_fails(env, ONE, "cannot remove", 0);
	assert_false(try_run("tc qdisc show dev " DEV " | grep clsact"));
	block_pins(false);

	apply_changes(env, DEV, ONE, true);
	program = attached_program(env);
	block_pins(true);
	apply_fails(env, TWO, "cannot remove", program);
	apply_changes(env, DEV, ONE, false);
	block_pins(false);
}

/* A filter of ours that we cannot read is replaced, and put back when that fails. */
static void test_other_version(void **state)
{
	struct env *env = *state;
	_cleanup_(freep) char *text = NULL;
	bool created;
	uint32_t id;
	int fd;

	env_need_root();
	fd = load_program(-1);
	id = program_id(fd);
	assert_int_equal(qos_clsact_ensure(env->nl, &env->link, env->diags, &created), 0);
	assert_int_equal(qos_filter_put(env->nl, &env->link, fd, env->diags), 0);
	close(fd);
	assert_int_equal(qos_show(DEV, env->diags, &text), -ENOENT);
	block_pins(true);
	apply_fails(env, ONE, "cannot remove", id);
	block_pins(false);
	apply_changes(env, DEV, ONE, true);
	assert_int_not_equal(attached_program(env), id);
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

static char *root_qdisc(void)
{
	return output_of("tc qdisc show dev " DEV " | grep -v clsact | sort");
}

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
		TEST(test_apply),	   TEST(test_others_clsact),  TEST(test_filter_deleted),
		TEST(test_clsact_deleted), TEST(test_remove_remains), TEST(test_pins_deleted),
		TEST(test_vlan_name),	   TEST(test_remade),	      TEST(test_renamed),
		TEST(test_policy_path),	   TEST(test_place_taken),    TEST(test_roll_back),
		TEST(test_other_version),  TEST(test_growth),	      TEST(test_fq_and_police),
		TEST(test_fq_deleted),	   TEST(test_fq_roll_back),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
