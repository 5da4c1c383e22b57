/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who can write what cron runs as root: schedule install and remove, and what doctor says. */
#include "env.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "base/cleanup.h"

DEFINE_CLEANUP(struct qos_policy *, policy_freep, qos_policy_free)

#define CRON	"/etc/cron.d/qosctl-" DEV
#define PROGRAM "/run/qk/qosctl"
#define POLICY                                                        \
	"interface: " DEV "\\nlink: { mode: police }\\ndefault: a\\n" \
	"classes: { a: { rate: 1mbit } }\\n"                          \
	"schedules:\\n- { name: n, cron: \"0 8 * * *\", set: { a: { rate: 2mbit } } }\\n"

/* An /etc/cron.d, a /run and a bpffs that nobody else sees; the policy is in force. */
static int setup(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy = NULL;
	_cleanup_(freep) char *said = NULL;
	struct env *env;
	int r = env_setup(state);

	if (r || geteuid() != 0)
		return r;
	run("mkdir -p /etc/cron.d");
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", "/run", "tmpfs", 0, "mode=0755") ||
	    mount("tmpfs", "/etc/cron.d", "tmpfs", 0, "mode=0755") ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, "mode=0700"))
		fail_msg("an /etc/cron.d of our own: %s", strerror(errno));
	env = *state;
	run("umask 022 && mkdir /run/qk && printf '" POLICY "' >/run/qk/p.yaml && touch " PROGRAM);
	if (qos_policy_read("/run/qk/p.yaml", env->diags, &policy) < 0 ||
	    qos_apply(policy, 0, env->diags, &said) < 0)
		fail_msg("%s", diags_text(env->diags));
	return 0;
}

/* A call's answer; ret_said: what it said. */
static int schedule(bool install, char **ret_said)
{
	_cleanup_(policy_freep) struct qos_policy *policy = NULL;
	_cleanup_(freep) char *path = NULL;
	struct qos_diags *diags = qos_diags_new();
	int r = 0;

	if (install)
		r = qos_policy_read("/run/qk/p.yaml", diags, &policy);
	if (r == 0)
		r = install ? qos_schedule_install(policy, PROGRAM, diags, &path) :
			      qos_schedule_uninstall(DEV, diags, &path);
	*ret_said = diags_text(diags);
	qos_diags_free(diags);
	return r;
}

/* Of an install in the namespace of the tests. */
#define ELSEWHERE                                                                               \
	"warning: cron begins schedules in the network namespace that it runs in itself, and "  \
	"this one is not the machine's first\n"                                                 \
	"hint: where cron runs outside, 'qosctl schedule remove " DEV                           \
	"' and write, for each schedule, into another file of /etc/cron.d: CRON root ip netns " \
	"exec NAME " PROGRAM " schedule run " DEV " SCHEDULE\n"

static void expect(bool install, int status, const char *text)
{
	_cleanup_(freep) char *said = NULL, *expected = NULL;

	assert_int_equal(schedule(install, &said), status);
	assert_true(asprintf(&expected, "%s%s", text, install && status == 0 ? ELSEWHERE : "") >=
		    0);
	assert_string_equal(said, expected);
}

/* doctor's only check of a name, the caller's; null: it has none. */
static json_t *find_check(struct env *env, const char *name)
{
	_cleanup_(json_decrefp) json_t *root = NULL;
	_cleanup_(freep) char *json = NULL;
	json_t *check, *found = NULL;
	size_t i;

	assert_int_equal(qos_doctor(DEV, env->diags, &json), 0);
	root = json_loads(json, 0, NULL);
	json_array_foreach(json_object_get(json_object_get(root, "interface"), "checks"), i,
			   check) {
		if (strcmp(json_string_value(json_object_get(check, "name")), name) != 0)
			continue;
		assert_null(found);
		found = json_incref(check);
	}
	return found;
}

static void expect_none(struct env *env, const char *name)
{
	assert_null(find_check(env, name));
}

static void expect_state(struct env *env, const char *name, const char *state, const char *text)
{
	_cleanup_(json_decrefp) json_t *check = find_check(env, name);

	assert_non_null(check);
	assert_string_equal(json_string_value(json_object_get(check, "state")), state);
	assert_string_equal(json_string_value(json_object_get(check, "text")), text);
}

static void expect_doctor(struct env *env, const char *state, const char *text)
{
	expect_state(env, "crontab", state, text);
}

/* What list says of cron's file. */
static void expect_installed(struct env *env, const char *state)
{
	_cleanup_(json_decrefp) json_t *root = NULL;
	_cleanup_(freep) char *json = NULL;

	assert_int_equal(qos_schedules(DEV, env->diags, &json), 0);
	root = json_loads(json, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(root, "installed")), state);
}

static void test_folder(void **state)
{
	static const char refused[] =
		"error: others than root can write the folder /etc/cron.d (mode 0777): cron's jobs "
		"are not safe there\n"
		"hint: look at what it says, then: chmod go-w /etc/cron.d\n";

	env_need_root();
	run("chmod 777 /etc/cron.d");
	expect(true, -EPERM, refused);
	assert_false(try_run("ls /etc/cron.d | grep -q ."));
	run("chmod 755 /etc/cron.d");
	expect(true, 0, "");
	expect_doctor(*state, "ok", "nobody but root can write what cron runs");
	run("chmod 777 /etc/cron.d");
	expect(false, -EPERM, refused);
	run("test -e " CRON);
	expect_doctor(*state, "fail",
		      "cron runs as root what others may have written: others than root can write "
		      "the folder /etc/cron.d (mode 0777)");
	run("chmod 755 /etc/cron.d");
	expect(false, 0, "");
	assert_false(try_run("test -e " CRON));
}

/* Both take it away, and say that it was there. */
static void test_file(void **state)
{
	static const char told[] = "warning: others than root can write " CRON
				   " (mode 0666): cron ran as root what it said\n";

	env_need_root();
	expect(true, 0, "");
	run("chmod 666 " CRON);
	expect_doctor(
		*state, "fail",
		"cron runs as root what others may have written: others than root can write " CRON
		" (mode 0666)");
	expect(true, 0, told);
	run("test $(stat -c %%a " CRON ") = 644");
	expect_doctor(*state, "ok", "nobody but root can write what cron runs");
	run("chmod 666 " CRON);
	expect(false, 0, told);
	assert_false(try_run("test -e " CRON));
	run("printf x >" CRON " && chown 65534 " CRON " && chmod 600 " CRON);
	expect(true, 0,
	       "warning: " CRON " belongs to user 65534, not to root: cron ran as root what it "
	       "said\n");
	run("test $(stat -c %%u " CRON ") = 0");
}

/* What cron's file names is run by root as well; one that is gone is run by nobody. */
static void test_program(void **state)
{
	env_need_root();
	run("chmod 757 " PROGRAM);
	expect(true, 0,
	       "warning: others than root can write " PROGRAM " (mode 0757): cron runs " PROGRAM
	       " as root\n"
	       "hint: install qosctl where only root can write, then 'qosctl schedule install' "
	       "anew\n");
	expect_doctor(*state, "fail",
		      "cron runs as root what others may have written: others than root can "
		      "write " PROGRAM " (mode 0757)");
	run("chmod 755 " PROGRAM " && chown 65534 /run/qk");
	expect_doctor(*state, "fail",
		      "cron runs as root what others may have written: the folder /run/qk belongs "
		      "to user "
		      "65534, not to root");
	run("chown 0 /run/qk");
	expect_doctor(*state, "ok", "nobody but root can write what cron runs");
	run("rm " PROGRAM);
	expect_doctor(*state, "warn", "cron begins no schedule: " PROGRAM " is gone");
}

/* As cron then begins nothing, what it knows is not what is in force. */
static void test_gone(void **state)
{
	struct env *env = *state;

	env_need_root();
	expect_installed(env, "not installed");
	expect(true, 0, "");
	expect_installed(env, "installed");
	expect_state(env, "schedules", "ok", "cron knows the policy's schedules");
	run("mv " PROGRAM " " PROGRAM ".old");
	expect_installed(env, "out of date");
	expect_state(env, "schedules", "warn",
		     "the policy's schedules are out of date: cron does not begin them as it says");
	expect_doctor(env, "warn", "cron begins no schedule: " PROGRAM " is gone");
	run("mv " PROGRAM ".old " PROGRAM);
	expect_installed(env, "installed");
}

/* The network namespace that the test was started in, as a rule the machine's first. */
static int started_in = -1;

/* In the machine's first namespace, which is cron's, there is nothing to say. */
static void test_first(void **state)
{
	_cleanup_(closep) int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	_cleanup_(freep) char *said = NULL;
	bool is_first;

	(void)state;
	env_need_root();
	assert_true(own >= 0 && started_in >= 0);
	assert_int_equal(setns(started_in, CLONE_NEWNET), 0);
	is_first = access("/proc/sys/net/core/dev_weight", F_OK) == 0;
	assert_int_equal(schedule(true, &said), 0);
	assert_int_equal(setns(own, CLONE_NEWNET), 0);
	if (is_first)
		assert_string_equal(said, "");
	else
		assert_string_equal(said, ELSEWHERE);
}

/* The interface's name is no option. */
static void test_dash(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *policy = NULL;
	_cleanup_(freep) char *path = NULL;
	struct env *env = *state;

	env_need_root();
	run("sed 's/^interface: .*/interface: -dash/' /run/qk/p.yaml >/run/qk/d.yaml");
	assert_int_equal(qos_policy_read("/run/qk/d.yaml", env->diags, &policy), 0);
	assert_int_equal(qos_schedule_install(policy, PROGRAM, env->diags, &path), 0);
	assert_string_equal(path, "/etc/cron.d/qosctl--dash");
	run("grep -qxF '0 8 * * * root test ! -x " PROGRAM " || " PROGRAM
	    " schedule run -- -dash n' %s",
	    path);
}

/* What others could write is no more for cron than for apply. */
static void test_policy(void **state)
{
	(void)state;
	env_need_root();
	run("chmod 666 /run/qk/p.yaml");
	expect(true, -EPERM,
	       "error: the policy is refused: others than root can write /run/qk/p.yaml "
	       "(mode 0666)\n"
	       "hint: look at what it says, then: chmod go-w /run/qk/p.yaml\n");
	run("chmod 644 /run/qk/p.yaml && chmod 777 /run/qk");
	expect(true, -EPERM,
	       "error: the policy is refused: others than root can write the folder /run/qk "
	       "(mode 0777)\n"
	       "hint: look at what it says, then: chmod go-w /run/qk\n");
	assert_false(try_run("test -e " CRON));
	run("chmod 755 /run/qk");
	expect(true, 0, "");
}

/* What apply, or plan, says of the policy with the values of now. */
static void expect_change(struct env *env, bool plan, const char *text)
{
	_cleanup_(policy_freep) struct qos_policy *policy = NULL;
	_cleanup_(freep) char *said = NULL;

	if (qos_policy_read_at("/run/qk/p.yaml", time(NULL), env->diags, &policy) < 0 ||
	    (plan ? qos_plan : qos_apply)(policy, 0, env->diags, &said) < 0)
		fail_msg("%s", diags_text(env->diags));
	if (text)
		assert_string_equal(said, text);
}

/* What the schedule that holds hides is new only when it is applied. */
static void test_hidden(void **state)
{
	static const char told[] = "+ policy text, from which schedules and set begin\n";
	struct env *env = *state;

	env_need_root();
	expect_change(env, false, NULL);
	expect_state(env, "policy", "ok", "/run/qk/p.yaml is in force");
	run("sed -i 's/1mbit/3mbit/' /run/qk/p.yaml");
	expect_state(env, "policy", "warn",
		     "/run/qk/p.yaml was changed since it was applied: its plan is the same, but "
		     "schedules and set still begin from what was applied");
	expect_change(env, true, told);
	expect_change(env, false, told);
	expect_state(env, "policy", "ok", "/run/qk/p.yaml is in force");
	expect_change(env, true, "");
	expect_change(env, false, "");
}

static void expect_stray(struct env *env, const char *why)
{
	_cleanup_(json_decrefp) json_t *check = find_check(env, "schedules");
	_cleanup_(freep) char *text = NULL;

	assert_string_equal(json_string_value(json_object_get(check, "hint")),
			    "qosctl schedule remove " DEV);
	assert_true(asprintf(&text, "cron has jobs that begin schedules, but %s", why) > 0);
	expect_state(env, "schedules", "warn", text);
	expect_doctor(env, "ok", "nobody but root can write what cron runs");
	run("chmod 666 " CRON);
	expect_doctor(
		env, "fail",
		"cron runs as root what others may have written: others than root can write " CRON
		" (mode 0666)");
	run("chmod 644 " CRON);
}

/* It begins schedules of a policy that has none now, or that is gone. */
static void test_stray(void **state)
{
	_cleanup_(freep) char *said = NULL;
	struct env *env = *state;

	env_need_root();
	expect(true, 0, "");
	run("mv /run/qk/p.yaml /run/qk/q.yaml");
	expect_doctor(env, "ok", "nobody but root can write what cron runs");
	run("sed '/^schedules/,$d' /run/qk/q.yaml >/run/qk/p.yaml");
	expect_stray(env, "the policy has none");
	expect_change(env, false, NULL);
	expect_stray(env, "the policy has none");
	assert_int_equal(qos_remove(DEV, 0, env->diags, &said), 0);
	expect_stray(env, "no policy is in force");
	expect(false, 0, "");
	expect_none(env, "schedules");
	expect_none(env, "crontab");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, env_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_folder), TEST(test_file),   TEST(test_program),
		TEST(test_gone),   TEST(test_first),  TEST(test_dash),
		TEST(test_policy), TEST(test_hidden), TEST(test_stray),
	};

	started_in = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return cmocka_run_group_tests_name("kernel/crontab", tests, NULL, NULL);
}
