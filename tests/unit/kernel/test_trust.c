/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who can write a policy: the file, the folders on its way, and where links lead. */
#include "env.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/trust.h"

DEFINE_CLEANUP(struct qos_policy *, policy_freep, qos_policy_free)

#define TOP    "/run/qk"
#define POLICY "link: { mode: police }\ndefault: a\nclasses: { a: {} }\n"

/* A /run of our own: /run/qk is root's alone, /run/qk/tmp as /tmp is. */
static int setup(void **state)
{
	int r = env_setup(state);

	if (r || geteuid() != 0)
		return r;
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", "/run", "tmpfs", 0, "mode=0755") ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL))
		fail_msg("a /run of our own: %s", strerror(errno));
	run("umask 022 && mkdir -p " TOP "/d && mkdir -m 1777 " TOP "/tmp");
	run("cd " TOP "/d && printf 'interface: " DEV "\\n%%s' '" POLICY "' >p.yaml && "
	    "chmod 644 p.yaml");
	return 0;
}

/* What is said of a path; empty: it is trusted. */
static char *judged(const char *path, char **ret_hint)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct qos_trust trust = { .why = NULL };

	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	assert_int_equal(qos_trust_judge_way(fd, path, &trust), 0);
	if (!trust.why != !trust.hint)
		fail_msg("a reason without a hint, or the other way round");
	if (ret_hint)
		*ret_hint = trust.hint;
	else
		free(trust.hint);
	return trust.why ? trust.why : strdup("");
}

static void expect(const char *path, const char *why)
{
	_cleanup_(freep) char *said = judged(path, NULL);

	assert_string_equal(said, why);
}

static void test_ways(void **state)
{
	static const struct {
		const char *before; /* a shell command */
		const char *path, *why;
	} cases[] = {
		{ "true", "d/p.yaml", "" },
		{ "chmod 660 d/p.yaml", "d/p.yaml",
		  "others than root can write " TOP "/d/p.yaml (mode 0660)" },
		{ "chmod 602 d/p.yaml", "d/p.yaml",
		  "others than root can write " TOP "/d/p.yaml (mode 0602)" },
		{ "chmod 640 d/p.yaml && chgrp 65534 d/p.yaml", "d/p.yaml", "" },
		{ "chown 65534 d/p.yaml", "d/p.yaml",
		  TOP "/d/p.yaml belongs to user 65534, not to root" },
		{ "chown 0 d/p.yaml && chmod g+w d", "d/p.yaml",
		  "others than root can write the folder " TOP "/d (mode 0775)" },
		{ "chmod 755 d && chown 65534 d", "d/p.yaml",
		  "the folder " TOP "/d belongs to user 65534, not to root" },
		/* nobody else can replace root's own in a sticky folder */
		{ "chown 0 d && cp d/p.yaml tmp/p.yaml", "tmp/p.yaml", "" },
		{ "true", "tmp/./p.yaml", "" },
		{ "chmod 646 tmp/p.yaml", "tmp/p.yaml",
		  "others than root can write the folder " TOP "/tmp (mode 1777)" },
		{ "chmod 644 tmp/p.yaml && chown 65534 tmp/p.yaml", "tmp/p.yaml",
		  "others than root can write the folder " TOP "/tmp (mode 1777)" },
		{ "chown 0 tmp/p.yaml && chmod 777 tmp", "tmp/p.yaml",
		  "others than root can write the folder " TOP "/tmp (mode 0777)" },
		{ "chmod 1777 tmp && chown 65534 tmp", "tmp/p.yaml",
		  "the folder " TOP "/tmp belongs to user 65534, not to root" },
		/* others may have given it this name */
		{ "chown 0 tmp && ln d/p.yaml tmp/name", "tmp/name",
		  "others than root can write the folder " TOP "/tmp (mode 1777)" },
		{ "rm tmp/name", "tmp",
		  "others than root can write the folder " TOP "/tmp (mode 1777)" },
		/* a folder of root's own in it does not help: /tmp is cleaned, and its name reused
		 */
		{ "mkdir tmp/mine && cp d/p.yaml tmp/mine/", "tmp/mine/p.yaml",
		  "others than root can write the folder " TOP "/tmp (mode 1777)" },
		/* a link counts as what it leads to, and the way there */
		{ "ln -s ../d/p.yaml tmp/good", "tmp/good",
		  "others than root can write the folder " TOP "/tmp (mode 1777)" },
		{ "ln -s ../tmp/p.yaml d/into", "d/into", "" },
		{ "ln -s p.yaml tmp/beside", "tmp/beside",
		  "others than root can write the folder " TOP "/tmp (mode 1777)" },
		{ "ln -s " TOP "/tmp/mine d/far", "d/far/p.yaml",
		  "others than root can write the folder " TOP "/tmp (mode 1777)" },
		{ "ln -s " TOP "/d/p.yaml d/here && ln -s here d/again", "d/again", "" },
		{ "ln -s d e", "e/../d/./p.yaml", "" },
		{ "true", "d/../tmp/../d/p.yaml",
		  "others than root can write the folder " TOP "/tmp (mode 1777)" },
	};

	(void)state;
	env_need_root();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(freep) char *path = NULL;

		run("cd " TOP " && { %s; }", cases[i].before);
		assert_true(asprintf(&path, TOP "/%s", cases[i].path) > 0);
		expect(path, cases[i].why);
		/* the same from where it is, named as a user does */
		assert_int_equal(chdir(TOP), 0);
		expect(cases[i].path, cases[i].why);
		assert_int_equal(chdir("/"), 0);
	}
}

static void test_hints(void **state)
{
	_cleanup_(freep) char *mode = NULL, *owner = NULL, *folder = NULL, *shared = NULL;

	(void)state;
	env_need_root();
	run("chmod 666 " TOP "/d/p.yaml");
	free(judged(TOP "/d/p.yaml", &mode));
	assert_string_equal(mode, "look at what it says, then: chmod go-w " TOP "/d/p.yaml");
	run("chown 65534 " TOP "/d/p.yaml");
	free(judged(TOP "/d/p.yaml", &owner));
	assert_string_equal(owner, "look at what it says, then: chown root " TOP
				   "/d/p.yaml && chmod go-w " TOP "/d/p.yaml");
	run("chmod g+w " TOP "/d");
	free(judged(TOP "/d/p.yaml", &folder));
	assert_string_equal(folder, "look at what it says, then: chmod go-w " TOP "/d");
	run("cp " TOP "/d/p.yaml " TOP "/tmp/ && chown 65534 " TOP "/tmp/p.yaml");
	free(judged(TOP "/tmp/p.yaml", &shared));
	assert_string_equal(shared, "keep it where only root can write, as in " QOS_POLICY_DIR);
}

/* Nobody can swap it between the look at the file and that at its way. */
static void test_swapped(void **state)
{
	_cleanup_(closep) int fd = -1;
	struct qos_trust trust;

	(void)state;
	env_need_root();
	fd = open(TOP "/d/p.yaml", O_RDONLY | O_CLOEXEC);
	run("cd " TOP "/d && cp p.yaml q.yaml && mv q.yaml p.yaml");
	assert_int_equal(qos_trust_judge_way(fd, TOP "/d/p.yaml", &trust), -ESTALE);
	run("rm " TOP "/d/p.yaml");
	assert_int_equal(qos_trust_judge_way(fd, TOP "/d/p.yaml", &trust), -ENOENT);
	run("ln -s loop " TOP "/d/loop");
	assert_int_equal(qos_trust_judge_way(fd, TOP "/d/loop", &trust), -ELOOP);
}

static struct qos_policy *read_policy(struct env *env)
{
	struct qos_policy *policy = NULL;

	qos_diags_free(env->diags);
	env->diags = qos_diags_new();
	if (qos_policy_read(TOP "/d/p.yaml", env->diags, &policy) < 0)
		fail_msg("%s", diags_text(env->diags));
	return policy;
}

/* apply refuses and changes nothing, plan and check warn. */
static void test_refused(void **state)
{
	_cleanup_(policy_freep) struct qos_policy *good = NULL, *bad = NULL;
	_cleanup_(freep) char *said = NULL, *planned = NULL, *text = NULL, *again = NULL;
	struct env *env = *state;

	env_need_root();
	run("chmod 646 " TOP "/d/p.yaml");
	bad = read_policy(env);
	assert_int_equal(qos_plan(bad, 0, env->diags, &planned), 0);
	assert_int_equal(qos_diags_status(env->diags), QOS_OK);
	assert_int_equal(qos_apply(bad, 0, env->diags, &said), -EPERM);
	assert_int_equal(qos_diags_status(env->diags), QOS_INVALID);
	text = diags_text(env->diags);
	assert_string_equal(text,
			    TOP "/d/p.yaml: warning: others than root can write " TOP
				"/d/p.yaml (mode 0646): apply refuses "
				"the policy\n"
				"hint: look at what it says, then: chmod go-w " TOP "/d/p.yaml\n"
				"error: the policy is refused: others than root can write " TOP
				"/d/p.yaml (mode 0646)\n"
				"hint: look at what it says, then: chmod go-w " TOP "/d/p.yaml\n");
	assert_false(try_run("tc qdisc show dev " DEV " | grep clsact"));
	assert_false(try_run("test -e /run/qosctl"));

	/* what was judged is what was read: the mode of now is another file's */
	run("chmod 644 " TOP "/d/p.yaml");
	assert_int_equal(qos_apply(bad, 0, env->diags, &again), -EPERM);
	good = read_policy(env);
	assert_int_equal(qos_apply(good, 0, NULL, &said), 0);
}

static int warns(void *data)
{
	struct env *env = data;
	_cleanup_(freep) char *text = NULL;

	qos_policy_judge_file(read_policy(env), env->diags);
	text = diags_text(env->diags);
	return *text != '\0';
}

static int warns_nobody(void *data)
{
	return setuid(65534) ? 2 : warns(data);
}

static int warns_inside(void *data)
{
	FILE *map;

	if (unshare(CLONE_NEWUSER))
		return 2;
	map = fopen("/proc/self/uid_map", "w");
	if (!map || fputs("0 0 1", map) < 0 || fclose(map) || geteuid() != 0)
		return 3;
	return warns(data);
}

/* It is root's business, and only where root is the kernel's. */
static void test_who(void **state)
{
	env_need_root();
	run("chmod 666 " TOP "/d/p.yaml");
	assert_int_equal(in_child(warns, *state), 1);
	assert_int_equal(in_child(warns_nobody, *state), 0);
	assert_int_equal(in_child(warns_inside, *state), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, env_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ways),    TEST(test_hints), TEST(test_swapped),
		TEST(test_refused), TEST(test_who),
	};

	return cmocka_run_group_tests_name("kernel/trust", tests, NULL, NULL);
}
