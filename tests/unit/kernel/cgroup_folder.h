/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A folder of our own in the machine's tree of cgroups, a program that asks for some in it, and
 * what it knows and is told of them.
 */
#ifndef QOS_TESTS_UNIT_CGROUP_FOLDER_H
#define QOS_TESTS_UNIT_CGROUP_FOLDER_H

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

static inline const char *at(const char *path)
{
	static char full[4096];

	snprintf(full, sizeof(full), "%s/%s%s%s", mounted, top, *path ? "/" : "", path);
	return full;
}

static inline void make(const char *path)
{
	if (mkdir(at(path), 0755))
		fail_msg("mkdir %s: %s", at(path), strerror(errno));
}

static inline void take_away(const char *path)
{
	if (rmdir(at(path)))
		fail_msg("rmdir %s: %s", at(path), strerror(errno));
}

static inline bool is_there(const char *path)
{
	return access(at(path), F_OK) == 0;
}

/* kernfs gives a folder its id as the number of its inode. */
static inline uint64_t id_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(at(path), &st), 0);
	return st.st_ino;
}

static inline int tree_setup(void **state)
{
	int r = shaped_setup(state);

	if (r || geteuid() != 0)
		return r;
	snprintf(top, sizeof(top), "qk-%d", (int)getpid());
	snprintf(mounted, sizeof(mounted), "/run/%s", top);
	return mkdir(mounted, 0700) || mount("cgroup2", mounted, "cgroup2", 0, NULL);
}

static inline int tree_teardown(void **state)
{
	(void)state;
	if (geteuid() != 0)
		return 0;
	umount2(mounted, MNT_DETACH);
	return rmdir(mounted);
}

static inline int each_setup(void **state)
{
	int r = env_setup(state);

	if (geteuid() == 0)
		make("");
	return r;
}

static inline int each_teardown(void **state)
{
	if (geteuid() == 0)
		run("find %s -depth -type d -exec rmdir {} +", at(""));
	return env_teardown(state);
}

/* A plan that asks for these, in our folder: the set of the n-th is n + 1. */
static inline struct qos_plan *plan_for(struct env *env, const char *const *paths, size_t count,
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

static inline struct qos_bpf *load(struct env *env, const char *const *paths, size_t count)
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
static inline uint32_t set_of(const struct qos_bpf *bpf, uint64_t id)
{
	uint32_t set = 0;

	return bpf_map_lookup_elem(bpf->cgroups_fd, &id, &set) ? 0 : set;
}

static inline size_t known(const struct qos_bpf *bpf)
{
	uint64_t id, *before = NULL;
	size_t count = 0;

	for (; bpf_map_get_next_key(bpf->cgroups_fd, before, &id) == 0; before = &id)
		count++;
	return count;
}

/* What doctor says; the caller's. */
static inline char *doctor(const struct qos_bpf *bpf)
{
	_cleanup_(json_freep) json_t *checks = json_array();

	assert_int_equal(qos_probe_cgroups(bpf, checks), 0);
	return json_dumps(checks, 0);
}

static inline void doctor_says(const struct qos_bpf *bpf, const char *what)
{
	_cleanup_(freep) char *said = doctor(bpf);

	assert_contains(said, what);
}

static inline void warned(struct env *env, const char *what)
{
	_cleanup_(freep) char *said = diags_text(env->diags);

	assert_contains(said, what);
	qos_diags_free(env->diags);
	env->diags = qos_diags_new();
}

static inline void not_warned(const struct env *env)
{
	_cleanup_(freep) char *said = diags_text(env->diags);

	assert_string_equal(said, "");
}

static inline void remake(const char *path, int times)
{
	while (times--) {
		take_away(path);
		make(path);
	}
}

#endif
