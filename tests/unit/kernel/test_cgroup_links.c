/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tells of a policy's cgroups: for how long it does, and where nothing tells of them. */
#include "cgroup_folder.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pins, each_setup, each_teardown),
		cmocka_unit_test_setup_teardown(test_begin_again, each_setup, each_teardown),
		cmocka_unit_test_setup_teardown(test_no_btf, each_setup, each_teardown),
		cmocka_unit_test_setup_teardown(test_hidden, each_setup, each_teardown),
		cmocka_unit_test_setup_teardown(test_namespace, each_setup, each_teardown),
	};

	return cmocka_run_group_tests(tests, tree_setup, tree_teardown);
}
