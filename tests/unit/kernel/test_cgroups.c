/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cgroups of a policy: those that exist, that are made later, removed, made anew. */
#include "cgroup_folder.h"

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
		cmocka_unit_test_setup_teardown(test_many, each_setup, each_teardown),
	};

	return cmocka_run_group_tests(tests, tree_setup, tree_teardown);
}
