/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plan → a loaded program with its maps filled. */
#include "kernel/bpf.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_arp.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "egress.skel.h"
#include "kernel/bpf_flows.h"
#include "kernel/bpf_state.h"
#include "kernel/bpf_tables.h"
#include "kernel/cgroups.h"
#include "kernel/expiry.h"
#include "kernel/owners.h"
#include "kernel/ports.h"
#include "kernel/slots.h"

/* Of the verifier. Before Linux 6.4 a log that does not fit hides the error (-ENOSPC); the
 * kernel fills only what it needs.
 */
#define LOG_SIZE (UINT32_MAX >> 8) /* libbpf's own */

DEFINE_CLEANUP(struct egress_bpf *, skeletonp, egress_bpf__destroy)

/* Ethernet's header, or none: what the program has to step over. */
static int link_header(const struct qos_link_info *link, struct qos_diags *diags)
{
	switch (link->type) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK:
		return 14;
	case ARPHRD_NONE: /* tun, wireguard */
	case ARPHRD_PPP:
	case ARPHRD_RAWIP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
	case ARPHRD_IPGRE:
	case ARPHRD_IP6GRE:
		return 0;
	default:
		qos_diag(diags, QOS_UNSUPPORTED,
			 "%s has link type %u, whose packets qosctl "
			 "cannot read",
			 link->name, link->type);
		return -EOPNOTSUPP;
	}
}

/* A bond's packets leave by several fq, whose timers may be 10 us late (TCA_FQ_TIMER_SLACK). */
#define BOND_SPREAD_NS 16000

static int configure(struct egress_bpf *skel, const struct qos_plan *plan,
		     const struct qos_slots *slots, const struct qos_bpf *old, uint32_t l2_len,
		     const struct qos_link_info *device)
{
	struct qos_tables_room room = qos_tables_room(plan->tables, plan->policy->rule_count);
	struct qos_link_cfg link = plan->link;
	int r;

	r = qos_flows_configure(skel->obj, old, slots->capacity, &link);
	if (r < 0)
		return r;
	link.l2_len = l2_len;
	link.hardware = device->hardware;
	link.spread_ns = qos_link_is_bond(device) ? BOND_SPREAD_NS : 0;
	link.default_slot = slots->of[plan->policy->default_class];
	qos_owners_read(skel->progs.qos_egress, &link);
	memcpy((void *)&skel->rodata->qos_link, &link, sizeof(link));
	r = bpf_map__set_max_entries(skel->maps.qos_classes, slots->capacity);
	if (r == 0)
		r = qos_tables_configure(skel->obj, &room);
	if (r == 0 && old && old->capacity == slots->capacity) {
		r = bpf_map__reuse_fd(skel->maps.qos_clocks, old->clocks_fd);
		return r ? r : bpf_map__reuse_fd(skel->maps.qos_counters, old->counters_fd);
	}
	if (r == 0)
		r = bpf_map__set_max_entries(skel->maps.qos_clocks, slots->capacity);
	return r ? r : bpf_map__set_max_entries(skel->maps.qos_counters, slots->capacity);
}

/* A slot as the plan counts them (the link, then its classes) → the one in the maps. */
static uint32_t bound(const uint32_t *slots, uint32_t slot)
{
	return slot == QOS_NO_SLOT || slot == QOS_SLOT_LINK ? slot : slots[slot - 1];
}

/* All at once; none is no error. */
static int put(int fd, const uint32_t *keys, const void *values, uint32_t count)
{
	return count && bpf_map_update_batch(fd, keys, values, &count, NULL) ? -errno : 0;
}

struct qos_class_cfg qos_bpf_class_bound(const struct qos_class_cfg *cfg, const uint32_t *slots)
{
	struct qos_class_cfg class = *cfg;

	class.parent = bound(slots, cfg->parent);
	class.hard = bound(slots, cfg->hard);
	return class;
}

/*
 * All in one call: a controller that is killed leaves the old numbers or the new ones, whole
 * (generic_map_update_batch() in kernel/bpf/syscall.c is not interrupted).
 */
int qos_bpf_classes_put(int fd, const struct qos_plan *plan, const uint32_t *slots,
			const struct qos_class_cfg *before)
{
	size_t most = plan->class_count + 1;
	_cleanup_(freep) struct qos_class_cfg *classes = calloc(most, sizeof(*classes));
	_cleanup_(freep) uint32_t *keys = calloc(most, sizeof(*keys));
	uint32_t count = 0;

	if (!classes || !keys)
		return -ENOMEM;
	for (size_t i = 0; i < most; i++) {
		const struct qos_class_cfg *cfg =
			i == QOS_SLOT_LINK ? &plan->link_class : &plan->classes[i - 1].cfg;

		keys[count] = bound(slots, (uint32_t)i);
		classes[count] = qos_bpf_class_bound(cfg, slots);
		if (!before || memcmp(&before[keys[count]], &classes[count], sizeof(*cfg)) != 0)
			count++;
	}
	return put(fd, keys, classes, count);
}

/* More than any finish is ahead of virtual time (kern/pace.h, STALE). */
#define VIRTUAL_FAR (1ULL << 53)

/*
 * Clear a slot that a class of another name may have had: its flows' records may still be
 * there, and virtual time goes on from beyond all of them.
 */
static int clear_slot(const struct qos_bpf *bpf, uint32_t slot, int cpus)
{
	_cleanup_(freep) struct qos_counters *counters = calloc((size_t)cpus, sizeof(*counters));
	struct qos_clocks was, clocks = { 0 };

	if (!counters)
		return -ENOMEM;
	if (bpf_map_lookup_elem(bpf->clocks_fd, &slot, &was))
		return -errno;
	clocks.pace[0].v = was.pace[0].v + VIRTUAL_FAR;
	clocks.busy = was.busy; /* what its flows have in the queue still is (kern/order.h) */
	if (bpf_map_update_elem(bpf->clocks_fd, &slot, &clocks, BPF_ANY) ||
	    bpf_map_update_elem(bpf->counters_fd, &slot, counters, BPF_ANY))
		return -errno;
	return 0;
}

/* The same where the maps are new. */
static int start_slots(const struct qos_bpf *bpf, const struct qos_slots *slots)
{
	_cleanup_(freep) struct qos_clocks *clocks = calloc(slots->count, sizeof(*clocks));

	if (!clocks)
		return -ENOMEM;
	for (size_t i = 0; i < slots->count; i++)
		clocks[i].pace[0].v = VIRTUAL_FAR;
	return put(bpf->clocks_fd, slots->of, clocks, (uint32_t)slots->count);
}

static int copy_slot(const struct qos_bpf *bpf, const struct qos_bpf *old, uint32_t slot, int cpus)
{
	_cleanup_(freep) struct qos_counters *counters = calloc((size_t)cpus, sizeof(*counters));
	struct qos_clocks clocks;

	if (!counters)
		return -ENOMEM;
	if (bpf_map_lookup_elem(old->clocks_fd, &slot, &clocks) ||
	    bpf_map_lookup_elem(old->counters_fd, &slot, counters))
		return -errno;
	if (bpf_map_update_elem(bpf->clocks_fd, &slot, &clocks, BPF_ANY) ||
	    bpf_map_update_elem(bpf->counters_fd, &slot, counters, BPF_ANY))
		return -errno;
	return 0;
}

static int fill_slots(const struct qos_bpf *bpf, const struct qos_bpf *old,
		      const struct qos_slots *slots)
{
	bool grown = old && old->capacity != bpf->capacity;
	int cpus = libbpf_num_possible_cpus(), r = 0;

	if (cpus < 0)
		return cpus;
	if (!old)
		return start_slots(bpf, slots);
	if (grown)
		r = copy_slot(bpf, old, QOS_SLOT_LINK, cpus);
	for (size_t i = 0; r == 0 && i < slots->count; i++) {
		if (slots->fresh[i])
			r = clear_slot(bpf, slots->of[i], cpus);
		else if (grown)
			r = copy_slot(bpf, old, slots->of[i], cpus);
	}
	return r;
}

static int put_slots(json_t *state, const struct qos_plan *plan, const struct qos_slots *slots)
{
	json_t *object = json_object();

	for (size_t i = 0; i < slots->count; i++) {
		if (json_object_set_new(object, plan->classes[i].name, json_integer(slots->of[i])))
			return json_decref(object), -ENOMEM;
	}
	return json_object_set_new(state, "slots", object) ? -ENOMEM : 0;
}

/* The last line of the verifier's log that is not its statistics. */
static const char *last_words(char *log)
{
	char *stats = strstr(log, "\nprocessed "), *line;

	if (stats)
		*stats = '\0';
	line = strrchr(log, '\n');
	return line ? line + 1 : log;
}

static int load(struct egress_bpf *skel, const struct qos_link_info *link, char *log,
		struct qos_diags *diags)
{
	int r = egress_bpf__load(skel);

	if (r == 0)
		return 0;
	qos_bpf_fail(diags, r, "the kernel does not load the program for %s", link->name);
	if (*log)
		qos_diag_hint(diags, "the verifier says: %s", last_words(log));
	return r;
}

static int duplicate(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

/* libbpf does without names where the kernel seems to take none; but by them we know our maps. */
static bool has_name(int fd)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &len) == 0 && *info.name;
}

static int take_fds(struct egress_bpf *skel, struct qos_bpf *bpf)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	/* the skeleton closes its own */
	bpf->prog_fd = duplicate(bpf_program__fd(skel->progs.qos_egress));
	bpf->classes_fd = duplicate(bpf_map__fd(skel->maps.qos_classes));
	bpf->clocks_fd = duplicate(bpf_map__fd(skel->maps.qos_clocks));
	bpf->counters_fd = duplicate(bpf_map__fd(skel->maps.qos_counters));
	if (bpf->prog_fd < 0 || bpf->classes_fd < 0 || bpf->clocks_fd < 0 || bpf->counters_fd < 0 ||
	    bpf_obj_get_info_by_fd(bpf->prog_fd, &info, &len))
		return -errno;
	bpf->prog_id = info.id;
	return has_name(bpf->classes_fd) ? 0 : -EAGAIN;
}

/* For the pins. */
static int know_maps(struct egress_bpf *skel, struct qos_bpf *bpf)
{
	const struct bpf_map *map = bpf_object__next_map(skel->obj, NULL);
	int r = 0;

	for (; r == 0 && map; map = bpf_object__next_map(skel->obj, map))
		if (bpf_map__fd(map) >= 0)
			r = qos_bpf_maps_add(&bpf->maps, bpf_map__fd(map));
	return r;
}

static int fill(struct egress_bpf *skel, const struct qos_plan *plan, const struct qos_slots *slots,
		const struct qos_bpf *old, json_t *state, struct qos_bpf *bpf)
{
	_cleanup_(closep) int state_fd = -1;
	int r = take_fds(skel, bpf);

	if (r == 0)
		r = know_maps(skel, bpf);
	bpf->capacity = slots->capacity;
	if (r == 0)
		r = qos_bpf_classes_put(bpf->classes_fd, plan, slots->of, NULL);
	if (r == 0)
		r = qos_tables_fill(skel->obj, plan->tables, slots->of);
	if (r == 0)
		r = qos_tables_freeze(skel->obj);
	if (r == 0)
		r = qos_cgroups_put(bpf, plan->tables, bpf_map__fd(skel->maps.qos_cgroups),
				    bpf_map__fd(skel->maps.qos_cgroup_path));
	if (r == 0)
		r = fill_slots(bpf, old, slots);
	if (r == 0)
		r = qos_flows_fill(skel->obj, old, bpf->capacity);
	if (r == 0)
		r = put_slots(state, plan, slots);
	if (r == 0)
		r = qos_bpf_state_bind(bpf->prog_fd, state, &state_fd);
	if (r == 0)
		r = qos_bpf_maps_add(&bpf->maps, state_fd);
	if (r == 0)
		r = qos_expiry_prepare(bpf, plan);
	if (r == 0)
		r = qos_expiry_put(bpf, plan, slots->of);
	return r < 0 ? r : qos_expiry_start(bpf);
}

struct egress_bpf *qos_bpf_programs(const struct bpf_object_open_opts *opts)
{
	return egress_bpf__open_opts(opts);
}

int qos_bpf_load(const struct qos_plan *plan, const struct qos_link_info *link,
		 const struct qos_bpf *old, json_t *state, struct qos_diags *diags,
		 struct qos_bpf **ret_bpf)
{
	_cleanup_(qos_slots_done) struct qos_slots slots = { 0 };
	_cleanup_(skeletonp) struct egress_bpf *skel = NULL;
	_cleanup_(qos_bpf_freep) struct qos_bpf *bpf = qos_bpf_new();
	_cleanup_(freep) char *log = calloc(1, LOG_SIZE);
	LIBBPF_OPTS(bpf_object_open_opts, opts, .kernel_log_buf = log, .kernel_log_size = LOG_SIZE);
	int l2_len = link_header(link, diags), r;

	if (l2_len < 0)
		return l2_len;
	if (!bpf || !log)
		return -ENOMEM;
	libbpf_set_print(NULL); /* a library does not print, not even through another */
	r = qos_slots_assign(plan, old, &slots);
	if (r < 0)
		return r;
	skel = qos_bpf_programs(&opts);
	if (!skel)
		return qos_bpf_fail(diags, -errno, "cannot open the program");
	r = configure(skel, plan, &slots, old, (uint32_t)l2_len, link);
	if (r < 0)
		return qos_bpf_fail(diags, r, "cannot set up the program's maps");
	/* after the load libbpf may have no constants to read any more: then it could not map them
	 */
	if (json_object_set_new(state, "salt", qos_flows_salt(&skel->rodata->qos_link)) ||
	    json_object_set_new(state, "generation",
				json_integer(skel->rodata->qos_link.generation)))
		return -ENOMEM;
	r = load(skel, link, log, diags);
	if (r < 0)
		return r;
	r = fill(skel, plan, &slots, old, state, bpf);
	if (r == 0)
		r = qos_cgroups_follow(bpf, diags);
	if (r < 0)
		return qos_bpf_fail(diags, r, "cannot fill the maps for %s", link->name);
	*ret_bpf = TAKE_PTR(bpf);
	return 0;
}
