/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/expiry.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/pkt_cls.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "expire.skel.h"
#include "kernel/bpf_state.h"

/* A weight that changes may change what each of its siblings has. */
#define ROOM 2 /* times the classes there can be */

DEFINE_CLEANUP(struct expire_bpf *, skeletonp, expire_bpf__destroy)

uint64_t qos_expiry_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

int64_t qos_expiry_wall(uint64_t at)
{
	return (int64_t)time(NULL) + ((int64_t)(at - qos_expiry_now()) + 500000000) / 1000000000;
}

static bool has_maps(const struct qos_bpf *bpf)
{
	return bpf->expiries_fd >= 0 && bpf->expiry_cfgs_fd >= 0;
}

/* The two programs, on the maps of bpf or, where it has none, on new ones. */
static int open_programs(const struct qos_bpf *bpf, struct expire_bpf **ret_skel)
{
	_cleanup_(skeletonp) struct expire_bpf *skel = expire_bpf__open();
	int r;

	if (!skel)
		return -errno;
	r = bpf_map__reuse_fd(skel->maps.qos_classes, bpf->classes_fd);
	if (r == 0 && has_maps(bpf)) {
		r = bpf_map__reuse_fd(skel->maps.qos_expiries, bpf->expiries_fd);
		if (r == 0)
			r = bpf_map__reuse_fd(skel->maps.qos_expiry_cfgs, bpf->expiry_cfgs_fd);
	} else if (r == 0) {
		r = bpf_map__set_max_entries(skel->maps.qos_expiry_cfgs, bpf->capacity * ROOM);
	}
	if (r == 0)
		r = expire_bpf__load(skel);
	if (r < 0)
		return r;
	*ret_skel = TAKE_PTR(skel);
	return 0;
}

static int run(const struct bpf_program *program)
{
	char packet[64] = { 0 }; /* some, as there has to be one */
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet));

	if (bpf_prog_test_run_opts(bpf_program__fd(program), &opts))
		return -errno;
	return opts.retval == TC_ACT_OK ? 0 : -EIO;
}

int qos_expiry_stop(const struct qos_bpf *bpf)
{
	_cleanup_(skeletonp) struct expire_bpf *skel = NULL;
	int r = has_maps(bpf) ? open_programs(bpf, &skel) : 0;

	return r == 0 && skel ? run(skel->progs.qos_disarm) : r;
}

int qos_expiry_start(const struct qos_bpf *bpf)
{
	_cleanup_(skeletonp) struct expire_bpf *skel = NULL;
	int r = has_maps(bpf) ? open_programs(bpf, &skel) : 0;

	return r == 0 && skel ? run(skel->progs.qos_arm) : r;
}

static int make_maps(struct qos_bpf *bpf)
{
	_cleanup_(skeletonp) struct expire_bpf *skel = NULL;
	int r = open_programs(bpf, &skel);

	if (r < 0)
		return r;
	bpf->expiries_fd = fcntl(bpf_map__fd(skel->maps.qos_expiries), F_DUPFD_CLOEXEC, 0);
	bpf->expiry_cfgs_fd = fcntl(bpf_map__fd(skel->maps.qos_expiry_cfgs), F_DUPFD_CLOEXEC, 0);
	if (!has_maps(bpf) || bpf_prog_bind_map(bpf->prog_fd, bpf->expiries_fd, NULL) ||
	    bpf_prog_bind_map(bpf->prog_fd, bpf->expiry_cfgs_fd, NULL))
		return -errno;
	bpf->unpinned = true;
	r = qos_bpf_maps_add(&bpf->maps, bpf->expiries_fd);
	return r < 0 ? r : qos_bpf_maps_add(&bpf->maps, bpf->expiry_cfgs_fd);
}

static int put_class(const struct qos_bpf *bpf, uint32_t slot, const struct qos_class_cfg *cfg,
		     uint32_t *at)
{
	struct qos_expiry_cfg entry = { .slot = slot, .cfg = *cfg };

	if (*at >= bpf->capacity * ROOM)
		return -E2BIG;
	return bpf_map_update_elem(bpf->expiry_cfgs_fd, at, &entry, BPF_ANY) ? -errno :
									       ((*at)++, 0);
}

/* Those of then that now has otherwise. */
static int put_classes(const struct qos_bpf *bpf, const struct qos_plan *now,
		       const struct qos_plan *then, const uint32_t *slots, uint32_t *at)
{
	int r = 0;

	if (memcmp(&now->link_class, &then->link_class, sizeof(now->link_class)) != 0)
		r = put_class(bpf, QOS_SLOT_LINK, &then->link_class, at);
	for (size_t i = 0; r == 0 && i < then->class_count; i++) {
		struct qos_class_cfg cfg;

		if (memcmp(&now->classes[i].cfg, &then->classes[i].cfg, sizeof(cfg)) == 0)
			continue;
		cfg = qos_bpf_class_bound(&then->classes[i].cfg, slots);
		r = put_class(bpf, slots[i], &cfg, at);
	}
	return r;
}

static int put_steps(const struct qos_bpf *bpf, const struct qos_plan *plan, const uint32_t *slots)
{
	const struct qos_plan *before = plan;
	uint32_t at = 0;

	for (uint32_t n = 0; n < QOS_EXPIRIES; n++) {
		struct qos_expiry expiry = { .first = at };

		if (n < plan->step_count) {
			int r = put_classes(bpf, before, plan->steps[n].plan, slots, &at);

			if (r < 0)
				return r;
			expiry.at = plan->steps[n].at;
			expiry.count = at - expiry.first;
			before = plan->steps[n].plan;
		}
		if (bpf_map_update_elem(bpf->expiries_fd, &n, &expiry, BPF_ANY))
			return -errno;
	}
	return 0;
}

int qos_expiry_prepare(struct qos_bpf *bpf, const struct qos_plan *plan)
{
	return has_maps(bpf) || !plan->step_count ? 0 : make_maps(bpf);
}

int qos_expiry_put(const struct qos_bpf *bpf, const struct qos_plan *plan, const uint32_t *slots)
{
	return has_maps(bpf) ? put_steps(bpf, plan, slots) : 0;
}

bool qos_expiry_is_done(const struct qos_bpf *bpf, uint32_t n)
{
	struct qos_expiry expiry;

	return has_maps(bpf) && bpf_map_lookup_elem(bpf->expiries_fd, &n, &expiry) == 0 &&
	       expiry.fired;
}

int qos_expiry_copy(const struct qos_bpf *bpf, struct qos_expiry_copy *ret_copy)
{
	struct qos_expiry_copy copy = { .count = bpf->capacity * ROOM };
	int r;

	*ret_copy = (struct qos_expiry_copy){ .count = 0 };
	if (!has_maps(bpf))
		return 0;
	r = qos_bpf_array(bpf->expiries_fd, QOS_EXPIRIES, sizeof(struct qos_expiry),
			  &copy.expiries);
	if (r == 0)
		r = qos_bpf_array(bpf->expiry_cfgs_fd, copy.count, sizeof(struct qos_expiry_cfg),
				  &copy.classes);
	if (r < 0) {
		qos_expiry_copy_done(&copy);
		return r;
	}
	*ret_copy = copy;
	return 0;
}

int qos_expiry_put_back(const struct qos_bpf *bpf, const struct qos_expiry_copy *copy)
{
	int r;

	if (!copy->count)
		return 0;
	r = qos_bpf_array_put(bpf->expiry_cfgs_fd, copy->count, copy->classes);
	if (r == 0)
		r = qos_bpf_array_put(bpf->expiries_fd, QOS_EXPIRIES, copy->expiries);
	return r < 0 ? r : qos_expiry_start(bpf);
}

void qos_expiry_copy_done(struct qos_expiry_copy *copy)
{
	free(copy->expiries);
	free(copy->classes);
}
