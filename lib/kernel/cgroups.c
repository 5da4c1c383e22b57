/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/cgroups.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cgroups.skel.h"
#include "kernel/bpf_state.h"
#include "kernel/cgroup_tree.h"

DEFINE_CLEANUP(struct cgroups_bpf *, skeletonp, cgroups_bpf__destroy)

#define MKDIR_PIN QOS_LINK_PIN "cgroup_mkdir"
#define RMDIR_PIN QOS_LINK_PIN "cgroup_rmdir"

/* A hash map's entries. */
struct entries {
	void *keys, *values;
	uint32_t count;
};

static void entries_done(struct entries *entries)
{
	free(entries->keys);
	free(entries->values);
}

/* All of them, in one call. */
static int read_entries(int fd, struct entries *ret_entries)
{
	_cleanup_(entries_done) struct entries entries = { .keys = NULL };
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info), position;

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	entries.keys = calloc(info.max_entries, info.key_size);
	entries.values = calloc(info.max_entries, info.value_size);
	if (!entries.keys || !entries.values)
		return -ENOMEM;
	entries.count = info.max_entries;
	/* -ENOENT: those were the last */
	if (bpf_map_lookup_batch(fd, NULL, &position, entries.keys, entries.values, &entries.count,
				 NULL) &&
	    errno != ENOENT)
		return -errno;
	*ret_entries = entries;
	entries.keys = entries.values = NULL;
	return 0;
}

/* None is no error. */
static int put_entries(int fd, const struct entries *entries)
{
	uint32_t count = entries->count;

	if (!count)
		return 0;
	return bpf_map_update_batch(fd, entries->keys, entries->values, &count, NULL) ? -errno : 0;
}

static int alloc_entries(uint32_t count, size_t key_size, struct entries *ret_entries)
{
	struct entries entries = {
		.keys = calloc((size_t)count + 1, key_size),
		.values = calloc((size_t)count + 1, sizeof(uint32_t)),
	};

	if (!entries.keys || !entries.values) {
		entries_done(&entries);
		return -ENOMEM;
	}
	*ret_entries = entries;
	return 0;
}

static int put_paths(int fd, const struct qos_tables *tables)
{
	_cleanup_(entries_done) struct entries entries = { .keys = NULL };
	uint32_t count = (uint32_t)tables->cgroup_count;
	int r = alloc_entries(count, QOS_CGROUP_NAME, &entries);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < count; i++) {
		char *key = (char *)entries.keys + (size_t)i * QOS_CGROUP_NAME;

		strncpy(key, tables->cgroups[i].path, QOS_CGROUP_NAME - 1);
		((uint32_t *)entries.values)[i] = tables->cgroups[i].set;
	}
	entries.count = count;
	return put_entries(fd, &entries);
}

static int bind_map(struct qos_bpf *bpf, int fd, int *ret_fd)
{
	if (bpf_prog_bind_map(bpf->prog_fd, fd, NULL))
		return -errno;
	*ret_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return *ret_fd < 0 ? -errno : 0;
}

int qos_cgroups_put(struct qos_bpf *bpf, const struct qos_tables *tables, int cgroups_fd,
		    int path_fd)
{
	int r;

	if (!tables->cgroup_count)
		return 0;
	r = put_paths(path_fd, tables);
	if (r == 0)
		r = bind_map(bpf, cgroups_fd, &bpf->cgroups_fd);
	return r < 0 ? r : bind_map(bpf, path_fd, &bpf->cgroup_path_fd);
}

static bool is_followed(const struct qos_bpf *bpf)
{
	return bpf->cgroup_links.mkdir_fd >= 0 && bpf->cgroup_links.rmdir_fd >= 0;
}

/* The link is what its descriptors hold: of one of them libbpf knows nothing. */
static int attach(const struct bpf_program *program, int *ret_fd)
{
	struct bpf_link *link = bpf_program__attach(program);
	int fd;

	if (!link)
		return -errno;
	fd = fcntl(bpf_link__fd(link), F_DUPFD_CLOEXEC, 0);
	bpf_link__destroy(link);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

/* First the one that makes room. */
static int attach_both(struct qos_bpf *bpf)
{
	_cleanup_(qos_cgroup_links_close) struct qos_cgroup_links links = { -1, -1 };
	_cleanup_(skeletonp) struct cgroups_bpf *skel = NULL;
	int r;

	libbpf_set_print(NULL); /* a library does not print, not even through another */
	skel = cgroups_bpf__open();
	if (!skel)
		return -errno;
	r = bpf_map__reuse_fd(skel->maps.qos_cgroups, bpf->cgroups_fd);
	if (r == 0)
		r = bpf_map__reuse_fd(skel->maps.qos_cgroup_path, bpf->cgroup_path_fd);
	if (r == 0)
		r = cgroups_bpf__load(skel);
	if (r == 0)
		r = attach(skel->progs.qos_cgroup_rmdir, &links.rmdir_fd);
	if (r == 0)
		r = attach(skel->progs.qos_cgroup_mkdir, &links.mkdir_fd);
	if (r < 0)
		return r;
	qos_cgroup_links_close(&bpf->cgroup_links);
	bpf->cgroup_links.mkdir_fd = TAKE_FD(links.mkdir_fd);
	bpf->cgroup_links.rmdir_fd = TAKE_FD(links.rmdir_fd);
	bpf->unpinned = true;
	return 0;
}

/* Null: they are followed from now on; else why not. */
static const char *follow(struct qos_bpf *bpf, const struct qos_cgroup_tree *tree)
{
	int r;

	/* the kernel tells paths as they are from its own root */
	if (!tree->whole)
		return "this is in a cgroup namespace, or sees a part of the cgroups only";
	r = attach_both(bpf);
	if (r == 0)
		return NULL;
	if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
		return "the kernel has no BTF of its own (CONFIG_DEBUG_INFO_BTF)";
	return r <= -__LIBBPF_ERRNO__START ? "the kernel's tracepoints are other ones" :
					     strerror(-r);
}

/* Counted; the first is that of the alphabet, as a map has no order. */
static int add(size_t *count, char **first, const char *path)
{
	char *copy;

	if ((*count)++ && strcmp(*first, path) <= 0)
		return 0;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	free(*first);
	*first = copy;
	return 0;
}

/* Those of paths that exist, by id. */
static int find_ids(const struct qos_cgroup_tree *tree, const struct entries *paths,
		    struct qos_cgroups_found *found, struct entries *ret_ids)
{
	_cleanup_(entries_done) struct entries ids = { .keys = NULL };
	const char(*path)[QOS_CGROUP_NAME] = paths->keys;
	int r = alloc_entries(paths->count, sizeof(uint64_t), &ids);

	for (uint32_t i = 0; r == 0 && i < paths->count; i++) {
		r = qos_cgroup_id(tree, path[i], (uint64_t *)ids.keys + ids.count);
		if (r == 0)
			((uint32_t *)ids.values)[ids.count++] = ((uint32_t *)paths->values)[i];
		else if (r == -ENOENT)
			r = add(&found->missing, &found->first_missing, path[i]);
	}
	if (r < 0)
		return r;
	found->count = paths->count;
	*ret_ids = ids;
	ids.keys = ids.values = NULL;
	return 0;
}

static void warn(const struct qos_cgroups_found *found, const char *why, struct qos_diags *diags)
{
	char others[64] = "";

	qos_diag_warn(diags,
		      "cgroups that are made from now on are matched from the next apply on: %s",
		      why);
	if (!found->missing)
		return;
	if (found->missing > 1)
		snprintf(others, sizeof(others), " and %zu more", found->missing - 1);
	qos_diag_hint(diags, "not there yet: /%s%s", found->first_missing, others);
}

static void warn_unseen(int error, struct qos_diags *diags)
{
	qos_diag_warn(diags,
		      "no cgroup is matched before the next apply: there is no cgroup v2 to be "
		      "seen: %s",
		      strerror(-error));
}

/* Found after the kernel tells, so that none is missed between. */
static int find_all(const struct qos_bpf *bpf, const struct qos_cgroup_tree *tree,
		    struct qos_cgroups_found *found)
{
	_cleanup_(entries_done) struct entries paths = { .keys = NULL }, ids = { .keys = NULL };
	int r = read_entries(bpf->cgroup_path_fd, &paths);

	if (r == 0)
		r = find_ids(tree, &paths, found, &ids);
	return r < 0 ? r : put_entries(bpf->cgroups_fd, &ids);
}

int qos_cgroups_follow(struct qos_bpf *bpf, struct qos_diags *diags)
{
	_cleanup_(qos_cgroup_tree_close) struct qos_cgroup_tree tree = { .fd = -1 };
	_cleanup_(qos_cgroups_found_done) struct qos_cgroups_found found = { 0 };
	const char *why;
	int r;

	if (bpf->cgroup_path_fd < 0)
		return 0;
	r = qos_cgroup_tree_open(&tree);
	if (r < 0) {
		warn_unseen(r, diags);
		return 0;
	}
	why = follow(bpf, &tree);
	r = find_all(bpf, &tree, &found);
	if (r == 0 && why)
		warn(&found, why, diags);
	return r;
}

static int look_at(const struct qos_bpf *bpf, const struct qos_cgroup_tree *tree, const char *path,
		   struct qos_cgroups_found *found)
{
	uint64_t id;
	uint32_t set;
	int r = qos_cgroup_id(tree, path, &id);

	if (r == -ENOENT)
		return add(&found->missing, &found->first_missing, path);
	if (r < 0)
		return r;
	if (bpf_map_lookup_elem(bpf->cgroups_fd, &id, &set))
		return add(&found->unmatched, &found->first_unmatched, path);
	return 0;
}

int qos_cgroups_look(const struct qos_bpf *bpf, struct qos_cgroups_found *ret_found)
{
	_cleanup_(qos_cgroup_tree_close) struct qos_cgroup_tree tree = { .fd = -1 };
	_cleanup_(qos_cgroups_found_done) struct qos_cgroups_found found = { 0 };
	_cleanup_(entries_done) struct entries paths = { .keys = NULL };
	const char(*path)[QOS_CGROUP_NAME];
	int r = bpf->cgroup_path_fd < 0 ? 0 : read_entries(bpf->cgroup_path_fd, &paths);

	if (r < 0)
		return r;
	found.count = paths.count;
	found.followed = is_followed(bpf);
	if (paths.count)
		found.error = qos_cgroup_tree_open(&tree);
	path = paths.keys;
	for (uint32_t i = 0; r == 0 && found.error == 0 && i < paths.count; i++)
		r = look_at(bpf, &tree, path[i], &found);
	if (r < 0)
		return r;
	*ret_found = found;
	found = (struct qos_cgroups_found){ 0 };
	return 0;
}

int qos_cgroups_renew(struct qos_bpf *bpf, struct qos_diags *diags)
{
	_cleanup_(qos_cgroup_tree_close) struct qos_cgroup_tree tree = { .fd = -1 };
	_cleanup_(qos_cgroups_found_done) struct qos_cgroups_found found = { 0 };
	const char *why = NULL;
	int r;

	if (bpf->cgroup_path_fd < 0)
		return 0;
	r = qos_cgroup_tree_open(&tree);
	if (r < 0) {
		warn_unseen(r, diags);
		return 0;
	}
	/* it was told by their names elsewhere */
	if (is_followed(bpf) && !tree.whole)
		return 0;
	if (!is_followed(bpf))
		why = follow(bpf, &tree);
	r = qos_cgroups_look(bpf, &found);
	if (r < 0 || found.unmatched)
		return r < 0 ? r : 1;
	if (why)
		warn(&found, why, diags);
	return 0;
}

void qos_cgroups_found_done(struct qos_cgroups_found *found)
{
	free(found->first_missing);
	free(found->first_unmatched);
}

static int open_link(const char *dir, const char *name)
{
	_cleanup_(freep) char *path = NULL;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? -ENOMEM : bpf_obj_get(path);
}

void qos_cgroup_links_open(const char *dir, struct qos_cgroup_links *ret_links)
{
	*ret_links = (struct qos_cgroup_links){
		.mkdir_fd = open_link(dir, MKDIR_PIN),
		.rmdir_fd = open_link(dir, RMDIR_PIN),
	};
}

static int pin_link(int fd, const char *dir, const char *name)
{
	_cleanup_(freep) char *path = NULL;

	if (fd < 0)
		return 0;
	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return -ENOMEM;
	return bpf_obj_pin(fd, path) ? -errno : 0;
}

int qos_cgroup_links_pin(const struct qos_cgroup_links *links, const char *dir)
{
	int r = pin_link(links->mkdir_fd, dir, MKDIR_PIN);

	return r < 0 ? r : pin_link(links->rmdir_fd, dir, RMDIR_PIN);
}

void qos_cgroup_links_close(struct qos_cgroup_links *links)
{
	closep(&links->mkdir_fd);
	closep(&links->rmdir_fd);
	*links = (struct qos_cgroup_links){ -1, -1 };
}
