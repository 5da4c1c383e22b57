/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What doctor and show say of an interface that somebody changed, and that apply repairs it. */
#include "env.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <jansson.h>
#include <linux/bpf.h>

#include "base/cleanup.h"
#include "kernel/device.h"
#include "kernel/live.h"

DEFINE_CLEANUP(struct qos_policy *, policy_freep, qos_policy_free)

#define FILE_PATH "/run/qk/p.yaml"
#define POLICY                                                         \
	"interface: " DEV "\\nlink: { mode: police, rate: 20mbit }\\n" \
	"default: a\\nclasses: { a: { rate: 10mbit }, b: { ceil: 1mbit } }\\n"

/* A /run and a bpffs that nobody else sees; the policy is in force. */
static int setup(void **state)
{
	struct env *env;
	int r = env_setup(state);

	if (r || geteuid() != 0)
		return r;
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", "/run", "tmpfs", 0, "mode=0755") ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, "mode=0700"))
		fail_msg("a /run of our own: %s", strerror(errno));
	env = *state;
	run("umask 022 && mkdir /run/qk && printf '" POLICY "' >" FILE_PATH);
	/* older than its application, to the second */
	run("touch -d '1 minute ago' " FILE_PATH);
	assert_non_null(env);
	return 0;
}

static void apply(struct env *env)
{
	_cleanup_(policy_freep) struct qos_policy *policy = NULL;
	_cleanup_(freep) char *said = NULL;

	if (qos_policy_read(FILE_PATH, env->diags, &policy) < 0 ||
	    qos_apply(policy, 0, env->diags, &said) < 0)
		fail_msg("%s", diags_text(env->diags));
}

/* The interface's checks. */
static json_t *doctor(struct env *env)
{
	_cleanup_(json_decrefp) json_t *root = NULL;
	_cleanup_(freep) char *text = NULL;

	if (qos_doctor(DEV, env->diags, &text) < 0)
		fail_msg("%s", diags_text(env->diags));
	root = json_loads(text, 0, NULL);
	return json_incref(json_object_get(json_object_get(root, "interface"), "checks"));
}

static const char *part(const json_t *check, const char *key)
{
	const char *text = json_string_value(json_object_get(check, key));

	return text ? text : "";
}

/* That check is so, with that text and hint, and all others are well. */
static void expect_one(struct env *env, const char *name, const char *state, const char *said,
		       const char *hint)
{
	_cleanup_(json_decrefp) json_t *checks = doctor(env);
	const json_t *check;
	int found = 0;
	size_t i;

	json_array_foreach(checks, i, check) {
		if (!strcmp(part(check, "state"), "ok") || strcmp(part(check, "name"), name)) {
			if (strcmp(part(check, "state"), "ok"))
				fail_msg("%s: %s", part(check, "name"), part(check, "text"));
			continue;
		}
		found++;
		assert_string_equal(part(check, "state"), state);
		assert_contains(part(check, "text"), said);
		assert_contains(part(check, "hint"), hint);
	}
	assert_int_equal(found, 1);
}

/* Nothing is wrong, and these were looked at. */
static void expect_quiet(struct env *env)
{
	static const char *const names[] = { "link", "filter", "others", "offloads",
					     "gso",  "clocks", "policy", "writers" };
	_cleanup_(json_decrefp) json_t *checks = doctor(env);
	const json_t *check;
	size_t i;

	assert_int_equal(json_array_size(checks), ARRAY_SIZE(names));
	json_array_foreach(checks, i, check) {
		assert_string_equal(part(check, "name"), names[i]);
		if (strcmp(part(check, "state"), "ok"))
			fail_msg("%s: %s", names[i], part(check, "text"));
	}
}

/* What show says is wrong with the only interface, or "" when all is in force. */
static char *shown_problem(struct env *env, const char *ifname)
{
	_cleanup_(json_decrefp) json_t *all = NULL;
	_cleanup_(freep) char *text = NULL;
	const json_t *one, *problems;

	if (qos_show(ifname, env->diags, &text) < 0)
		fail_msg("%s", diags_text(env->diags));
	all = json_loads(text, 0, NULL);
	assert_int_equal(json_array_size(all), 1);
	one = json_array_get(all, 0);
	problems = json_object_get(one, "problems");
	assert_int_equal(json_is_true(json_object_get(one, "in_force")),
			 !json_array_size(problems));
	assert_int_equal(json_is_null(json_object_get(one, "filter")),
			 json_array_size(problems) != 0);
	assert_int_equal(json_array_size(json_object_get(one, "classes")), 2);
	return strdup(json_array_size(problems) ? json_string_value(json_array_get(problems, 0)) :
						  "");
}

static void expect_shown(struct env *env, const char *said)
{
	_cleanup_(freep) char *one = shown_problem(env, DEV), *all = shown_problem(env, NULL);

	assert_string_equal(one, said);
	assert_string_equal(all, said);
}

static void test_quiet(void **state)
{
	env_need_root();
	apply(*state);
	expect_quiet(*state);
	expect_shown(*state, "");
}

static void test_filter_gone(void **state)
{
	struct env *env = *state;

	env_need_root();
	apply(env);
	run("tc filter del dev " DEV " egress");
	expect_shown(env, "our filter of " DEV " is gone, nothing is shaped; apply puts it back");
	apply(env);
	expect_quiet(env);
	expect_shown(env, "");
	run("tc qdisc del dev " DEV " clsact");
	expect_shown(env, "clsact, and our filter with it, of " DEV
			  " is gone, nothing is shaped; apply puts it back");
	apply(env);
	expect_quiet(env);
	expect_shown(env, "");
}

static void test_doctor_filter_gone(void **state)
{
	struct env *env = *state;

	env_need_root();
	apply(env);
	run("tc filter del dev " DEV " egress");
	expect_one(env, "filter", "fail", "ours is gone: nothing is shaped", "qosctl apply");
	apply(env);
	run("tc qdisc del dev " DEV " clsact");
	expect_one(env, "filter", "fail", "ours is gone, and clsact with it", "qosctl apply");
	apply(env);
	expect_quiet(env);
}

/* Nobody knows any more what was there before, and that it is ours its handle says alone. */
static void test_left(void **state)
{
	_cleanup_(freep) char *said = NULL;
	struct env *env = *state;

	env_need_root();
	run("tc qdisc replace dev " DEV " root handle 7105: mq");
	expect_one(env, "qdisc", "warn",
		   "ours is left of a policy whose filter and pins were removed: what was there "
		   "before is not known any more",
		   "'qosctl remove' takes it away, 'qosctl apply' takes it over");
	run("ip link set " DEV " gso_max_size 5000");
	expect_one(env, "qdisc", "warn",
		   "not known any more, nor whether the largest packets were larger than 5000 "
		   "bytes",
		   "takes it over; ip link set " DEV " gso_max_size 65536, if they were");
	if (qos_remove(DEV, 0, env->diags, &said) < 0)
		fail_msg("%s", diags_text(env->diags));
	assert_string_equal(said, "- qdisc 7105: of a policy that is not known any more\n");
	assert_false(try_run("tc qdisc show dev " DEV " | grep ' 7105: '"));
	run("ip -d link show " DEV " | grep -q 'gso_max_size 5000 '");
}

/* What it says of the machine's fq: in force is a policy that needs none. */
static void test_police(void **state)
{
	_cleanup_(json_decrefp) json_t *root = NULL;
	_cleanup_(freep) char *text = NULL;
	struct env *env = *state;
	const json_t *check;
	int found = 0;
	size_t i;

	env_need_root();
	apply(env);
	assert_int_equal(qos_doctor(DEV, env->diags, &text), 0);
	root = json_loads(text, 0, NULL);
	json_array_foreach(json_object_get(root, "checks"), i, check) {
		if (strcmp(part(check, "name"), "fq"))
			continue;
		found++;
		assert_string_not_equal(part(check, "state"), "fail");
	}
	assert_int_equal(found, 1);
}

static void test_shadowed(void **state)
{
	struct env *env = *state;

	env_need_root();
	apply(env);
	run("tc filter add dev " DEV " egress pref 9 bpf bytecode '1,6 0 0 0'");
	expect_one(env, "others", "warn",
		   "at pref 9 runs before ours: what it decides passes unshaped", "");
	run("tc filter del dev " DEV " egress pref 9");
	/* which the kernel lists twice, with its hash table */
	run("tc filter add dev " DEV " egress pref 8 protocol ip u32 match ip dport 7 0xffff");
	expect_one(env, "others", "warn", "u32 filter at pref 8 runs before ours", "");
	run("tc filter del dev " DEV " egress pref 8");
	run("tc filter add dev " DEV " egress pref 101 bpf bytecode '1,6 0 0 0'");
	expect_quiet(env);
}

/* Another filter has the place of ours: nothing is changed, and what to do is said. */
static void test_taken(void **state)
{
	static const char *const filters[] = {
		"protocol ip u32 match ip dport 7 0xffff",
		"protocol ip bpf bytecode '1,6 0 0 0'",
		"protocol all handle 0x7105 bpf bytecode '1,6 0 0 0'",
	};
	struct env *env = *state;

	env_need_root();
	run("tc qdisc add dev " DEV " clsact");
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		_cleanup_(policy_freep) struct qos_policy *policy = NULL;
		_cleanup_(freep) char *said = NULL, *why = NULL;

		run("tc filter add dev " DEV " egress pref 100 %s", filters[i]);
		assert_int_equal(qos_policy_read(FILE_PATH, env->diags, &policy), 0);
		assert_int_equal(qos_plan(policy, 0, env->diags, &said), -EEXIST);
		assert_int_equal(qos_apply(policy, 0, env->diags, &said), -EEXIST);
		why = diags_text(env->diags);
		assert_contains(why, "error: pref 100 of " DEV "'s egress is taken by a ");
		assert_contains(why, "hint: move it to another pref");
		qos_diags_free(env->diags);
		env->diags = qos_diags_new();
		expect_one(env, "others", "fail", "pref 100 is taken by a ", "move it");
		run("tc filter del dev " DEV " egress pref 100");
	}
	/* beside another one that ours can be with */
	run("tc filter add dev " DEV " egress pref 100 protocol all bpf bytecode '1,6 0 0 0'");
	apply(env);
}

/* As bpf(2) has it since Linux 6.6, which Debian 12's headers do not know. */
static int attach_tcx(int prog_fd, int ifindex)
{
	struct {
		__u32 target_ifindex, prog_fd, attach_type, flags;
		__u8 rest[128 - 16];
	} attr = { (__u32)ifindex, (__u32)prog_fd, 47, 0, { 0 } };

	return (int)syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

static void test_tcx(void **state)
{
	_cleanup_(closep) int prog = -1;
	struct env *env = *state;
	int r;

	env_need_root();
	prog = load_program(0);
	r = attach_tcx(prog, env->link.ifindex);
	if (r == -EINVAL) {
		print_message("this kernel has no tcx\n");
		skip();
	}
	assert_int_equal(r, 0);
	apply(env);
	expect_one(env, "others", "warn", "1 tcx program on egress run before ours",
		   "bpftool net show");
}

static void test_gso_changed(void **state)
{
	struct env *env = *state;

	env_need_root();
	apply(env);
	run("ip link set " DEV " gso_max_size 60000");
	expect_one(env, "gso", "warn",
		   "somebody changed the largest packets: 60000 bytes, not the 3028 that were "
		   "applied",
		   "qosctl apply");
	apply(env);
	expect_quiet(env);
}

/* One store ahead, as of a clock that was misread or a packet at a rate far too low. */
static void put_clock_ahead(struct env *env, const char *class, uint64_t ns)
{
	_cleanup_(qos_device_closep) struct qos_device *device = NULL;
	struct qos_clocks clocks;
	int slot;

	assert_int_equal(qos_device_open(DEV, NULL, env->diags, &device), 0);
	slot = qos_bpf_slot(device->running->state, class);
	assert_true(slot >= 0);
	assert_int_equal(bpf_map_lookup_elem(device->running->clocks_fd, &slot, &clocks), 0);
	clocks.ceil[0] = qos_live_now() + ns;
	assert_int_equal(bpf_map_update_elem(device->running->clocks_fd, &slot, &clocks, 0), 0);
}

#define SECOND 1000000000ULL

static void test_clocks(void **state)
{
	struct env *env = *state;

	env_need_root();
	apply(env);
	/* as far as a queue goes */
	put_clock_ahead(env, "b", SECOND / 10);
	expect_quiet(env);
	put_clock_ahead(env, "b", 3600 * SECOND);
	expect_one(env, "clocks", "fail", "of class b is 35", "'qosctl remove'");
	put_clock_ahead(env, "b", 0);
	expect_quiet(env);
}

static int load_xdp(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "qk_xdp", "GPL", insns, ARRAY_SIZE(insns), NULL);
}

static void test_xdp(void **state)
{
	_cleanup_(closep) int prog = -1;
	struct env *env = *state;

	env_need_root();
	apply(env);
	prog = load_xdp();
	assert_true(prog >= 0);
	assert_int_equal(bpf_xdp_attach(env->link.ifindex, prog, 1U << 1 /* generic */, NULL), 0);
	expect_one(env, "offloads", "warn", "an XDP program is on it", "bpftool net show");
	assert_int_equal(bpf_xdp_detach(env->link.ifindex, 1U << 1, NULL), 0);
	expect_quiet(env);
}

static void test_policy(void **state)
{
	struct env *env = *state;

	env_need_root();
	apply(env);
	run("touch -d '1 minute' " FILE_PATH);
	expect_quiet(env);
	run("sed -i 's/1mbit/2mbit/' " FILE_PATH " && touch -d '1 minute' " FILE_PATH);
	expect_one(env, "policy", "warn",
		   FILE_PATH " was changed after it was applied: its plan differs in 2 lines",
		   "'qosctl plan " FILE_PATH "'");
	run("touch -d '1 day ago' " FILE_PATH);
	expect_one(env, "policy", "warn", FILE_PATH " is not what was applied", "qosctl plan");
	apply(env);
	expect_quiet(env);
	run("echo nonsense >>" FILE_PATH);
	expect_one(env, "policy", "warn", FILE_PATH " cannot be applied again",
		   "qosctl check " FILE_PATH);
	run("rm " FILE_PATH);
	expect_one(env, "policy", "warn", FILE_PATH " is gone", "qosctl remove");
}

/* The same from elsewhere is what is in force from then on. */
static void test_moved(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy = NULL;
	_cleanup_(freep) char *planned = NULL, *done = NULL, *again = NULL;
	struct env *env = *state;

	env_need_root();
	apply(env);
	run("mv " FILE_PATH " " FILE_PATH "2");
	assert_int_equal(qos_policy_read(FILE_PATH "2", env->diags, &policy), 0);
	assert_int_equal(qos_plan(policy, 0, env->diags, &planned), 0);
	assert_string_equal(planned, "+ policy file " FILE_PATH "2\n");
	assert_int_equal(qos_apply(policy, 0, env->diags, &done), 0);
	assert_string_equal(done, planned);
	run("touch -d '1 minute ago' " FILE_PATH "2");
	expect_quiet(env);
	assert_int_equal(qos_apply(policy, 0, env->diags, &again), 0);
	assert_string_equal(again, "");
}

/* It names the interface as it was called when it was applied. */
static void test_renamed(void **state)
{
	struct env *env = *state;

	env_need_root();
	apply(env);
	run("sed -i 's/" DEV "/qk7/' " FILE_PATH " && touch -d '1 minute ago' " FILE_PATH);
	expect_one(env, "policy", "warn", FILE_PATH " names the interface qk7, not " DEV,
		   "write 'interface: " DEV "' into it, then 'qosctl apply " FILE_PATH "'");
	/* one that is there */
	run("sed -i 's/qk7/" PEER "/' " FILE_PATH);
	expect_one(env, "policy", "warn", FILE_PATH " names the interface " PEER ", not " DEV,
		   "write 'interface: " DEV "' into it");
	run("sed -i 's/" PEER "/" DEV "/' " FILE_PATH);
	expect_quiet(env);
}

/* The same plan by other words: what is put over it begins from those that were applied. */
static void test_text(void **state)
{
	struct env *env = *state;

	env_need_root();
	apply(env);
	run("sed -i 's/ceil: 1mbit/ceil: 5%%/' " FILE_PATH " && touch -d '1 minute' " FILE_PATH);
	expect_one(env, "policy", "warn",
		   FILE_PATH " was changed since it was applied: its plan is the same",
		   "qosctl apply " FILE_PATH);
	apply(env);
	expect_quiet(env);
}

static void test_writers(void **state)
{
	struct env *env = *state;

	env_need_root();
	apply(env);
	run("chmod 664 " FILE_PATH);
	expect_one(env, "writers", "fail",
		   "apply refuses the policy: others than root can write " FILE_PATH " (mode 0664)",
		   "chmod go-w " FILE_PATH);
	run("chmod 644 " FILE_PATH " && chown 65534 /run/qk");
	expect_one(env, "writers", "fail", "the folder /run/qk belongs to user 65534",
		   "/etc/qosctl");
	run("chown 0 /run/qk");
	expect_quiet(env);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, env_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_quiet),    TEST(test_filter_gone), TEST(test_doctor_filter_gone),
		TEST(test_left),     TEST(test_renamed),     TEST(test_police),
		TEST(test_shadowed), TEST(test_tcx),	     TEST(test_gso_changed),
		TEST(test_clocks),   TEST(test_xdp),	     TEST(test_policy),
		TEST(test_text),     TEST(test_writers),     TEST(test_moved),
		TEST(test_taken),
	};

	return cmocka_run_group_tests_name("kernel/doctor", tests, NULL, NULL);
}
