/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cgroups of a policy: those that exist, that are made later, removed, made anew; and where
 * nothing tells of them. All in a folder of our own in the machine's tree. */
#include "shaped.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "compile/plan.h"
#include "kernel/bpffs.h"
#include "kernel/cgroup_tree.h"
#include "kernel/cgroups.h"
#include "kernel/pins.h"
#include "kernel/probe.h"

DEFINE_CLEANUP(struct qos_plan *, plan_freep, qos_plan_free)
DEFINE_CLEANUP(json_t *, json_freep, json_decref)

static char top[32];	 /* our folder in the tree, "qk-PID" */
static char mounted[64]; /* where the tree is mounted for us alone */

static const char *at(const char *path)
{
	static char full[4096];

	snprintf(full, sizeof(full), "%s/%s%s%s", mounted, top, *path ? "/" : "", path);
	return full;
}

static void make(const char *path)
{
	if (mkdir(at(path), 0755))
		fail_msg("mkdir %s: %s", at(path), strerror(errno));
}

static void take_away(const char *path)
{
	if (rmdir(at(path)))
		fail_msg("rmdir %s: %s", at(path), strerror(errno));
}

static bool is_there(const char *path)
{
	return access(at(path), F_OK) == 0;
}

/* kernfs gives a folder its id as the number of its inode. */
static uint64_t id_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(at(path), &st), 0);
	return st.st_ino;
}

static int tree_setup(void **state)
{
	int r = shaped_setup(state);

	if (r || geteuid() != 0)
		return r;
	snprintf(top, sizeof(top), "qk-%d", (int)getpid());
	snprintf(mounted, sizeof(mounted), "/run/%s", top);
	return mkdir(mounted, 0700) || mount("cgroup2", mounted, "cgroup2", 0, NULL);
}

static int tree_teardown(void **state)
{
	(void)state;
	if (geteuid() != 0)
		return 0;
	umount2(mounted, MNT_DETACH);
	return rmdir(mounted);
}

static int each_setup(void **state)
{
	int r = env_setup(state);

	if (geteuid() == 0)
		make("");
	return r;
}

static int each_teardown(void **state)
{
	if (geteuid() == 0)
		run("find %s -depth -type d -exec rmdir {} +", at(""));
	return env_teardown(state);
}

/* A plan that asks for these, in our folder: the set of the n-th is n + 1. */
static struct qos_plan *plan_for(struct env *env, const char *const *paths, size_t count,
				 struct qos_policy **ret_policy)
{
	struct qos_plan *plan = NULL;

	*ret_policy = policy_at("/run/qk-cgroups.yaml", DEV, ONE);
	assert_int_equal(qos_plan_compile(*ret_policy, env->diags, &plan), 0);
	free(plan->tables->cgroups);
	plan->tables->cgroups = calloc(count, sizeof(*plan->tables->cgroups));
	plan->tables->cgroup_count = count;
	for (size_t i = 0; i < count; i++)
		plan->tables->cgroups[i] = (struct qos_plan_cgroup){ paths[i], (uint32_t)i + 1 };
	return plan;
}

static struct qos_bpf *load(struct env *env, const char *const *paths, size_t count)
{
	_cleanup_(json_freep) json_t *state = json_pack("{s:i}", "abi", QOS_ABI_VERSION);
	_cleanup_(policy_freep) struct qos_policy *policy = NULL;
	_cleanup_(plan_freep) struct qos_plan *plan = NULL;
	struct qos_bpf *bpf = NULL;

	plan = plan_for(env, paths, count, &policy);
	if (qos_bpf_load(plan, &env->link, NULL, state, env->diags, &bpf) < 0)
		fail_msg("%s", diags_text(env->diags));
	return bpf;
}

/* The same below our folder. */
#define PATHS(...)                                                                     \
	char names[][QOS_CGROUP_NAME] = { __VA_ARGS__ };                               \
	const char *paths[ARRAY_SIZE(names)];                                          \
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {                               \
		char name[QOS_CGROUP_NAME];                                            \
		memcpy(name, names[i], sizeof(name));                                  \
		assert_true(snprintf(names[i], sizeof(names[i]), "%s/%s", top, name) < \
			    (int)sizeof(names[i]));                                    \
		paths[i] = names[i];                                                   \
	}

/* 0: the program does not know it. */
static uint32_t set_of(const struct qos_bpf *bpf, uint64_t id)
{
	uint32_t set = 0;

	return bpf_map_lookup_elem(bpf->cgroups_fd, &id, &set) ? 0 : set;
}

static size_t known(const struct qos_bpf *bpf)
{
	uint64_t id, *before = NULL;
	size_t count = 0;

	for (; bpf_map_get_next_key(bpf->cgroups_fd, before, &id) == 0; before = &id)
		count++;
	return count;
}

/* What doctor says; the caller's. */
static char *doctor(const struct qos_bpf *bpf)
{
	_cleanup_(json_freep) json_t *checks = json_array();

	assert_int_equal(qos_probe_cgroups(bpf, checks), 0);
	return json_dumps(checks, 0);
}

static void doctor_says(const struct qos_bpf *bpf, const char *what)
{
	_cleanup_(freep) char *said = doctor(bpf);

	assert_contains(said, what);
}

static void warned(struct env *env, const char *what)
{
	_cleanup_(freep) char *said = diags_text(env->diags);

	assert_contains(said, what);
	qos_diags_free(env->diags);
	env->diags = qos_diags_new();
}

static void not_warned(const struct env *env)
{
	_cleanup_(freep) char *said = diags_text(env->diags);

	assert_string_equal(said, "");
}

static void test_ids(void **state)
{
	_cleanup_(qos_cgroup_tree_close) struct qos_cgroup_tree tree = { .fd = -1 };
	char path[64];
	uint64_t id;

	(void)state;
	env_need_root();
	make("a");
	assert_int_equal(qos_cgroup_tree_open(&tree), 0);
	assert_true(tree.whole);
	assert_int_equal(qos_cgroup_id(&tree, "", &id), 0);
	assert_int_equal(id, 1);
	snprintf(path, sizeof(path), "%s/a", top);
	assert_int_equal(qos_cgroup_id(&tree, path, &id), 0);
	assert_int_equal(id, id_of("a"));
	assert_int_equal(qos_cgroup_id(&tree, "qk-none", &id), -ENOENT);
	/* what is below of a file, or no cgroup, is none */
	snprintf(path, sizeof(path), "%s/cgroup.procs/a", top);
	assert_int_equal(qos_cgroup_id(&tree, path, &id), -ENOENT);
}

static void test_later(void **state)
{
	struct env *env = *state;
	_cleanup_(qos_bpf_freep) struct qos_bpf *bpf = NULL;
	PATHS("a", "b", "a/n")

	env_need_root();
	make("a");
	bpf = load(env, paths, ARRAY_SIZE(paths));
	not_warned(env);
	assert_int_equal(known(bpf), 1);
	assert_int_equal(set_of(bpf, id_of("a")), 1);
	doctor_says(bpf, "a/n and 1 more");
	doctor_says(bpf, "no such cgroup");

	make("other");
	make("a/other");
	make("other/a");
	assert_int_equal(known(bpf), 1);
	make("b");
	assert_int_equal(set_of(bpf, id_of("b")), 2);
	make("a/n");
	assert_int_equal(set_of(bpf, id_of("a/n")), 3);
	assert_int_equal(known(bpf), 3);
	doctor_says(bpf, "\"ok\"");
}

static void remake(const char *path, int times)
{
	while (times--) {
		take_away(path);
		make(path);
	}
}

/* Sockets of one that is gone are still told, but not of any number. */
static void test_removed(void **state)
{
	struct env *env = *state;
	_cleanup_(qos_bpf_freep) struct qos_bpf *bpf = NULL;
	uint64_t first, b;
	PATHS("a", "b")

	env_need_root();
	make("a");
	make("b");
	first = id_of("a");
	b = id_of("b");
	bpf = load(env, paths, ARRAY_SIZE(paths));
	remake("a", 1);
	assert_int_not_equal(id_of("a"), first);
	assert_int_equal(set_of(bpf, id_of("a")), 1);
	assert_int_equal(set_of(bpf, first), 1);
	assert_int_equal(known(bpf), 3);

	remake("a", QOS_CGROUPS_GONE - 1);
	assert_int_equal(set_of(bpf, first), 1);
	assert_int_equal(known(bpf), 2 + QOS_CGROUPS_GONE);
	remake("a", 1);
	assert_int_equal(set_of(bpf, first), 0);
	remake("a", 3 * QOS_CGROUPS_GONE);
	assert_int_equal(known(bpf), 2 + QOS_CGROUPS_GONE);
	assert_int_equal(set_of(bpf, id_of("a")), 1);
	assert_int_equal(set_of(bpf, b), 2);
	doctor_says(bpf, "\"ok\"");
}

/* The tracepoints are of cgroup v1 too. */
static void test_v1(void **state)
{
	struct env *env = *state;
	_cleanup_(qos_bpf_freep) struct qos_bpf *bpf = NULL;
	PATHS("a", "b")

	env_need_root();
	if (!try_run("mkdir %s/%s/v1 && mount -t tmpfs none /mnt && mkdir /mnt/v1 && "
		     "mount -t cgroup -o none,name=%s none /mnt/v1",
		     mounted, top, top)) {
		print_message("this kernel has no cgroup v1\n");
		skip();
	}
	bpf = load(env, paths, ARRAY_SIZE(paths));
	run("mkdir -p /mnt/v1/%s/a", top);
	assert_int_equal(known(bpf), 0);
	run("rmdir /mnt/v1/%s/a /mnt/v1/%s && umount /mnt/v1 && umount /mnt", top, top);
	make("a");
	assert_int_equal(set_of(bpf, id_of("a")), 1);
}

/* The longest path that a policy may have is not the beginning of a longer one. */
static void test_long(void **state)
{
	struct env *env = *state;
	_cleanup_(qos_bpf_freep) struct qos_bpf *bpf = NULL;
	char longest[QOS_CGROUP_NAME], longer[QOS_CGROUP_NAME + 1];
	const char *paths[] = { longest };
	size_t prefix = strlen(top) + 1;

	env_need_root();
	memset(longer, 'x', sizeof(longer));
	snprintf(longer, sizeof(longer), "%s/", top);
	longer[prefix] = 'x';
	longer[sizeof(longer) - 1] = '\0';
	memcpy(longest, longer, sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(strlen(longer), strlen(longest) + 1);
	bpf = load(env, paths, ARRAY_SIZE(paths));
	make(longer + prefix);
	assert_int_equal(known(bpf), 0);
	make(longest + prefix);
	assert_int_equal(set_of(bpf, id_of(longest + prefix)), 1);
}

/* Until the kernel has let go of what nobody holds: remake, and look. */
static bool is_told(int cgroups_fd, const char *path)
{
	uint64_t id;
	uint32_t set;

	if (is_there(path))
		take_away(path);
	make(path);
	id = id_of(path);
	return bpf_map_lookup_elem(cgroups_fd, &id, &set) == 0;
}

static void ends(int cgroups_fd, const char *path)
{
	for (int i = 0; i < 500 && is_told(cgroups_fd, path); i++)
		usleep(10000);
	assert_false(is_told(cgroups_fd, path));
}

/* It lives as long as the pins, and goes with them. */
static void test_pins(void **state)
{
	struct env *env = *state;
	_cleanup_(qos_bpf_freep) struct qos_bpf *bpf = NULL, *again = NULL;
	_cleanup_(freep) char *dir = NULL;
	_cleanup_(closep) int map = -1;
	PATHS("a")

	env_need_root();
	assert_int_equal(qos_bpffs_path(DEV, env->diags, &dir), 0);
	bpf = load(env, paths, ARRAY_SIZE(paths));
	map = dup(bpf->cgroups_fd);
	assert_int_equal(qos_pins_prepare(bpf, dir, env->diags), 0);
	assert_int_equal(qos_pins_commit(dir, env->diags), 0);
	qos_bpf_free(bpf);
	bpf = NULL;
	assert_true(is_told(map, "a"));

	assert_int_equal(qos_bpf_open_pinned(dir, env->diags, &again), 0);
	assert_true(again->cgroup_links.mkdir_fd >= 0 && again->cgroup_links.rmdir_fd >= 0);
	assert_false(again->unpinned);
	/* nothing to do, and nothing said */
	assert_int_equal(qos_cgroups_renew(again, env->diags), 0);
	assert_false(again->unpinned);
	not_warned(env);
	doctor_says(again, "\"ok\"");
	assert_int_equal(qos_bpffs_remove(dir, env->diags), 0);
	qos_bpf_free(again);
	again = NULL;
	ends(map, "a");
}

static void closed(struct qos_bpf *bpf, const char *path)
{
	qos_cgroup_links_close(&bpf->cgroup_links);
	ends(bpf->cgroups_fd, path);
	doctor_says(bpf, "follows them");
}

/* Not pinned any more: the next apply begins to follow, and finds what was made meanwhile. */
static void test_begin_again(void **state)
{
	struct env *env = *state;
	_cleanup_(qos_bpf_freep) struct qos_bpf *bpf = NULL;
	PATHS("a", "b")

	env_need_root();
	make("a");
	bpf = load(env, paths, ARRAY_SIZE(paths));
	closed(bpf, "b");
	take_away("b");
	bpf->unpinned = false;
	assert_int_equal(qos_cgroups_renew(bpf, env->diags), 0);
	assert_true(bpf->unpinned);
	assert_true(is_told(bpf->cgroups_fd, "b"));

	closed(bpf, "b");
	remake("a", 1);
	doctor_says(bpf, "a and 1 more: made after apply");
	/* another program is to be loaded */
	assert_int_equal(qos_cgroups_renew(bpf, env->diags), 1);
	not_warned(env);
}

static void test_no_btf(void **state)
{
	struct env *env = *state;
	_cleanup_(qos_bpf_freep) struct qos_bpf *bpf = NULL;
	PATHS("a", "b", "c")

	env_need_root();
	make("a");
	run("mount -t tmpfs none /sys/kernel/btf");
	bpf = load(env, paths, ARRAY_SIZE(paths));
	warned(env, "CONFIG_DEBUG_INFO_BTF");
	assert_int_equal(set_of(bpf, id_of("a")), 1);
	assert_false(is_told(bpf->cgroups_fd, "b"));
	doctor_says(bpf, "b: made after apply, and not matched");
	doctor_says(bpf, "c");
	doctor_says(bpf, "'qosctl apply' once it is made");

	assert_int_equal(qos_cgroups_renew(bpf, env->diags), 1);
	take_away("b");
	assert_int_equal(qos_cgroups_renew(bpf, env->diags), 0);
	warned(env, "b and 1 more");
	run("umount /sys/kernel/btf");
}

/* As in the namespaces of ip-netns(8) exec, whose /sys has no cgroups. */
static int without_mounts(void *data)
{
	_cleanup_(qos_cgroup_tree_close) struct qos_cgroup_tree tree = { .fd = -1 };
	uint64_t expected = id_of("a"), id = 0;
	char path[64];

	(void)data;
	snprintf(path, sizeof(path), "%s/a", top);
	if (unshare(CLONE_NEWNS) || system("umount -a -l -t cgroup2"))
		return 1;
	if (qos_cgroup_tree_open(&tree) < 0 || !tree.whole)
		return 2;
	return qos_cgroup_id(&tree, path, &id) < 0 || id != expected ? 3 : 0;
}

static void test_hidden(void **state)
{
	(void)state;
	env_need_root();
	make("a");
	assert_int_equal(in_child(without_mounts, NULL), 0);
}

/* A container's view: its own cgroup is the root, and the kernel tells other paths. */
static int in_a_part(void *data)
{
	struct env *env = data;
	_cleanup_(qos_bpf_freep) struct qos_bpf *bpf = NULL;
	const char *const paths[] = { "inner", "later" };
	uint64_t inner = id_of("a/inner");
	FILE *procs = fopen(at("a/cgroup.procs"), "w");

	if (!procs || fprintf(procs, "0") < 0 || fclose(procs))
		return 1;
	if (unshare(CLONE_NEWCGROUP | CLONE_NEWNS) || system("umount -a -l -t cgroup2") ||
	    mount("cgroup2", "/mnt", "cgroup2", 0, NULL))
		return 2;
	bpf = load(env, paths, ARRAY_SIZE(paths));
	warned(env, "cgroup namespace");
	return set_of(bpf, inner) == 1 && known(bpf) == 1 ? 0 : 3;
}

static void test_namespace(void **state)
{
	env_need_root();
	make("a");
	make("a/inner");
	assert_int_equal(in_child(in_a_part, *state), 0);
}

#define MANY 10000

static void test_many(void **state)
{
	struct env *env = *state;
	_cleanup_(freep) char(*names)[64] = calloc(MANY, sizeof(*names));
	_cleanup_(freep) const char **paths = calloc(MANY, sizeof(*paths));
	_cleanup_(qos_bpf_freep) struct qos_bpf *bpf = NULL;

	env_need_root();
	for (int i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "%s/c%d", top, i);
		paths[i] = names[i];
	}
	make("c0");
	make("c5000");
	bpf = load(env, paths, MANY);
	not_warned(env);
	assert_int_equal(known(bpf), 2);
	assert_int_equal(set_of(bpf, id_of("c5000")), 5001);
	make("c9999");
	assert_int_equal(set_of(bpf, id_of("c9999")), 10000);
	doctor_says(bpf, "c1 and 9996 more");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ids, each_setup, each_teardown),
		cmocka_unit_test_setup_teardown(test_later, each_setup, each_teardown),
		cmocka_unit_test_setup_teardown(test_removed, each_setup, each_teardown),
		cmocka_unit_test_setup_teardown(test_v1, each_setup, each_teardown),
		cmocka_unit_test_setup_teardown(test_long, each_setup, each_teardown),
		cmocka_unit_test_setup_teardown(test_pins, each_setup, each_teardown),
		cmocka_unit_test_setup_teardown(test_begin_again, each_setup, each_teardown),
		cmocka_unit_test_setup_teardown(test_no_btf, each_setup, each_teardown),
		cmocka_unit_test_setup_teardown(test_hidden, each_setup, each_teardown),
		cmocka_unit_test_setup_teardown(test_namespace, each_setup, each_teardown),
		cmocka_unit_test_setup_teardown(test_many, each_setup, each_teardown),
	};

	return cmocka_run_group_tests(tests, tree_setup, tree_teardown);
}
