/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is in the kernel: opening programs by pin or id, reading their maps. */
#include "kernel/bpf.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/bpf_state.h"
#include "kernel/cgroups.h"
#include "kernel/privileges.h"
#include "kernel/state.h"

void qos_bpf_free(struct qos_bpf *bpf)
{
	if (!bpf)
		return;
	closep(&bpf->prog_fd);
	closep(&bpf->classes_fd);
	closep(&bpf->clocks_fd);
	closep(&bpf->counters_fd);
	closep(&bpf->flows_fd);
	closep(&bpf->names_fd);
	closep(&bpf->hits_fd);
	closep(&bpf->decisions_fd);
	closep(&bpf->expiries_fd);
	closep(&bpf->expiry_cfgs_fd);
	closep(&bpf->cgroups_fd);
	closep(&bpf->cgroup_path_fd);
	qos_cgroup_links_close(&bpf->cgroup_links);
	closep(&bpf->document.fd);
	qos_bpf_maps_done(&bpf->maps);
	json_decref(bpf->state);
	free(bpf);
}

struct qos_bpf *qos_bpf_new(void)
{
	struct qos_bpf *bpf = calloc(1, sizeof(*bpf));

	if (!bpf)
		return NULL;
	bpf->prog_fd = bpf->classes_fd = bpf->clocks_fd = bpf->counters_fd = -1;
	bpf->flows_fd = bpf->names_fd = bpf->document.fd = -1;
	bpf->hits_fd = bpf->decisions_fd = -1;
	bpf->expiries_fd = bpf->expiry_cfgs_fd = -1;
	bpf->cgroups_fd = bpf->cgroup_path_fd = -1;
	bpf->cgroup_links.mkdir_fd = bpf->cgroup_links.rmdir_fd = -1;
	return bpf;
}

/* Keep what of a map is wanted; takes fd over. */
static int adopt_map(struct qos_bpf *bpf, int fd, void *arg __attribute__((unused)))
{
	_cleanup_(closep) int owned = fd;
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(owned, &info, &len))
		return -errno;
	if (strcmp(info.name, "qos_classes") == 0) {
		bpf->classes_fd = TAKE_FD(owned);
	} else if (strcmp(info.name, "qos_clocks") == 0) {
		bpf->capacity = info.max_entries;
		bpf->clocks_fd = TAKE_FD(owned);
	} else if (strcmp(info.name, "qos_counters") == 0) {
		bpf->counters_fd = TAKE_FD(owned);
	} else if (strcmp(info.name, "qos_flows") == 0) {
		bpf->flow_records = info.max_entries;
		bpf->flows_fd = TAKE_FD(owned);
	} else if (strcmp(info.name, "qos_flow_names") == 0) {
		bpf->names_fd = TAKE_FD(owned);
	} else if (strcmp(info.name, "qos_hits") == 0) {
		bpf->rules = info.max_entries;
		bpf->hits_fd = TAKE_FD(owned);
	} else if (strcmp(info.name, "qos_decisions") == 0) {
		bpf->decisions_fd = TAKE_FD(owned);
	} else if (strcmp(info.name, "qos_expiries") == 0) {
		bpf->expiries_fd = TAKE_FD(owned);
	} else if (strcmp(info.name, "qos_expiry_cfgs") == 0) {
		bpf->expiry_cfgs_fd = TAKE_FD(owned);
	} else if (strcmp(info.name, "qos_cgroups") == 0) {
		bpf->cgroups_fd = TAKE_FD(owned);
	} else if (strcmp(info.name, "qos_cgroup_path") == 0) {
		bpf->cgroup_path_fd = TAKE_FD(owned);
	} else if (strcmp(info.name, QOS_STATE_MAP) == 0) {
		int r;

		bpf->document.fd = TAKE_FD(owned);
		bpf->document.size = info.value_size;
		r = qos_bpf_state_read(&bpf->document, &bpf->state);
		/* then it is not ours, and apply and remove can still replace it */
		return r == -EBADMSG ? 0 : r;
	}
	return 0;
}

static int map_by_id(uint32_t id)
{
	_raised_ uint64_t raised = qos_kernel_raise(QOS_CAP(CAP_SYS_ADMIN));
	int fd = bpf_map_get_fd_by_id(id);

	return fd < 0 ? -errno : fd;
}

/* By its number where it is not known: its pin is gone, or never was. */
static int open_map(struct qos_bpf *bpf, uint32_t id)
{
	int fd = qos_bpf_maps_get(&bpf->maps, id);

	if (fd != -ENOENT)
		return fd;
	bpf->unpinned = true;
	return map_by_id(id);
}

int qos_bpf_for_each_map(struct qos_bpf *bpf, int (*fn)(struct qos_bpf *bpf, int fd, void *arg),
			 void *arg)
{
	__u32 ids[QOS_BPF_MAPS_MAX] = { 0 }, len = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = {
		.nr_map_ids = QOS_BPF_MAPS_MAX,
		.map_ids = (__u64)(uintptr_t)ids,
	};

	if (bpf_obj_get_info_by_fd(bpf->prog_fd, &info, &len))
		return -errno;
	bpf->prog_id = info.id;
	for (__u32 i = 0; i < info.nr_map_ids && i < QOS_BPF_MAPS_MAX; i++) {
		int fd = open_map(bpf, ids[i]), r;

		if (fd < 0)
			return fd;
		r = fn(bpf, fd, arg);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool is_ours(const struct qos_bpf *bpf)
{
	const json_t *abi = json_object_get(bpf->state, "abi");

	return json_integer_value(abi) == QOS_ABI_VERSION && bpf->classes_fd >= 0 &&
	       bpf->clocks_fd >= 0 && bpf->counters_fd >= 0 && bpf->flows_fd >= 0 &&
	       bpf->names_fd >= 0 && bpf->hits_fd >= 0 && bpf->decisions_fd >= 0;
}

/* Those beside the pin of another program are that one's. */
static void take_links(struct qos_bpf *bpf, const char *dir)
{
	uint32_t pinned = 0;

	if (bpf->cgroup_path_fd < 0)
		return;
	if (dir && qos_bpf_pinned_id(dir, NULL, &pinned) == 0 && pinned == bpf->prog_id)
		qos_cgroup_links_open(dir, &bpf->cgroup_links);
}

/* Takes prog_fd over. dir: where its maps may be pinned, or null. */
static int open_program(int prog_fd, const char *dir, struct qos_diags *diags,
			struct qos_bpf **ret_bpf)
{
	_cleanup_(closep) int owned = prog_fd;
	_cleanup_(qos_bpf_freep) struct qos_bpf *bpf = qos_bpf_new();
	int r;

	if (!bpf)
		return -ENOMEM;
	bpf->prog_fd = TAKE_FD(owned);
	if (dir)
		qos_bpf_maps_add_pinned(&bpf->maps, dir);
	r = qos_bpf_for_each_map(bpf, adopt_map, NULL);
	if (r < 0)
		return qos_bpf_fail(diags, r, "cannot read the maps of program %u", bpf->prog_id);
	if (!is_ours(bpf))
		return -ENOENT;
	take_links(bpf, dir);
	r = qos_state_roll(bpf);
	if (r < 0)
		return r;
	*ret_bpf = TAKE_PTR(bpf);
	return 0;
}

/* A descriptor, or -errno. */
static int open_pin(const char *dir, struct qos_diags *diags)
{
	_cleanup_(freep) char *path = NULL;
	int fd;

	if (asprintf(&path, "%s/%s", dir, QOS_PROGRAM_PIN) < 0)
		return -ENOMEM;
	fd = bpf_obj_get(path);
	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	return fd < 0 ? qos_bpf_fail(diags, -errno, "cannot open %s", path) : fd;
}

static int id_of(int prog_fd, uint32_t *ret_id)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(prog_fd, &info, &len))
		return -errno;
	*ret_id = info.id;
	return 0;
}

static int program_by_id(uint32_t id)
{
	_raised_ uint64_t raised = qos_kernel_raise(QOS_CAP(CAP_SYS_ADMIN));
	int fd = bpf_prog_get_fd_by_id(id);

	return fd < 0 ? -errno : fd;
}

int qos_bpf_hold(uint32_t prog_id, const char *dir)
{
	_cleanup_(closep) int pinned = dir ? open_pin(dir, NULL) : -1;
	uint32_t id = 0;

	if (pinned >= 0 && id_of(pinned, &id) == 0 && id == prog_id)
		return TAKE_FD(pinned);
	return program_by_id(prog_id);
}

int qos_bpf_open(uint32_t prog_id, const char *dir, struct qos_diags *diags,
		 struct qos_bpf **ret_bpf)
{
	int fd = qos_bpf_hold(prog_id, dir);

	if (fd == -ENOENT)
		return fd;
	if (fd < 0)
		return qos_bpf_fail(diags, fd, "cannot open program %u", prog_id);
	return open_program(fd, dir, diags, ret_bpf);
}

int qos_bpf_open_pinned(const char *dir, struct qos_diags *diags, struct qos_bpf **ret_bpf)
{
	int fd = open_pin(dir, diags);

	return fd < 0 ? fd : open_program(fd, dir, diags, ret_bpf);
}

int qos_bpf_pinned_id(const char *dir, struct qos_diags *diags, uint32_t *ret_id)
{
	_cleanup_(closep) int fd = open_pin(dir, diags);
	int r;

	if (fd < 0)
		return fd;
	r = id_of(fd, ret_id);
	return r < 0 ? qos_bpf_fail(diags, r, "cannot read what is pinned in %s", dir) : 0;
}

int qos_bpf_slot(const json_t *state, const char *class_name)
{
	const json_t *slot = json_object_get(json_object_get(state, "slots"), class_name);

	return slot ? (int)json_integer_value(slot) : -ENOENT;
}

/* What left at once, as the rest of what passed: the program does not count it. */
static void fill_delay(struct qos_counters *c)
{
	uint64_t passed =
		c->by[QOS_PASS].packets + c->by[QOS_MARK].packets + c->by[QOS_MARK_L4S].packets;
	uint64_t waited = 0;

	for (int i = 1; i < QOS_DELAYS; i++)
		waited += c->delay[i];
	c->delay[0] = passed > waited ? passed - waited : 0;
}

int qos_bpf_counters(const struct qos_bpf *bpf, uint32_t slot, struct qos_counters *ret_sum)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_(freep) struct qos_counters *each = NULL;
	struct qos_counters sum = { 0 };

	if (cpus < 0)
		return cpus;
	each = calloc((size_t)cpus, sizeof(*each));
	if (!each)
		return -ENOMEM;
	if (bpf_map_lookup_elem(bpf->counters_fd, &slot, each))
		return -errno;
	for (int cpu = 0; cpu < cpus; cpu++) {
		for (int v = 0; v < QOS_VERDICTS; v++) {
			sum.by[v].packets += each[cpu].by[v].packets;
			sum.by[v].bytes += each[cpu].by[v].bytes;
		}
		sum.borrowed += each[cpu].borrowed;
		for (int i = 0; i < QOS_DELAYS; i++)
			sum.delay[i] += each[cpu].delay[i];
	}
	fill_delay(&sum);
	*ret_sum = sum;
	return 0;
}

int qos_bpf_array(int fd, uint32_t count, size_t size, void **ret_values)
{
	_cleanup_(freep) uint32_t *keys = calloc(count, sizeof(*keys));
	_cleanup_(freep) void *values = calloc(count, size);
	uint32_t position = 0, got = count;

	if (!keys || !values)
		return -ENOMEM;
	/* -ENOENT: that was the last of them */
	if (bpf_map_lookup_batch(fd, NULL, &position, keys, values, &got, NULL) && errno != ENOENT)
		return -errno;
	*ret_values = TAKE_PTR(values);
	return 0;
}

int qos_bpf_array_put(int fd, uint32_t count, const void *values)
{
	_cleanup_(freep) uint32_t *keys = calloc(count, sizeof(*keys));

	if (!keys)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		keys[i] = i;
	return bpf_map_update_batch(fd, keys, values, &count, NULL) ? -errno : 0;
}

/* A bpffs takes no dots in names (bpf_lookup(), kernel/bpf/inode.c). */
static int pin(int fd, const char *dir, const char *name)
{
	_cleanup_(freep) char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return -ENOMEM;
	for (char *dot = path + strlen(dir); (dot = strchr(dot, '.'));)
		*dot = '_';
	return bpf_obj_pin(fd, path) ? -errno : 0;
}

static int pin_map(struct qos_bpf *bpf __attribute__((unused)), int fd, void *dir)
{
	_cleanup_(closep) int owned = fd;
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(owned, &info, &len))
		return -errno;
	return pin(owned, dir, info.name);
}

int qos_bpf_pin(struct qos_bpf *bpf, const char *dir, struct qos_diags *diags)
{
	int r = pin(bpf->prog_fd, dir, QOS_PROGRAM_PIN);

	if (r == 0)
		r = qos_bpf_for_each_map(bpf, pin_map, (void *)dir);
	if (r == 0)
		r = qos_cgroup_links_pin(&bpf->cgroup_links, dir);
	return r < 0 ? qos_bpf_fail(diags, r, "cannot pin in %s", dir) : 0;
}
