/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/listener.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/names.h"
#include "kernel/bpf_state.h"
#include "kernel/btf.h"
#include "kernel/flows.h"
#include "kernel/live.h"
#include "kernel/privileges.h"
#include "monitor.skel.h"

#define SHAPE "qos_shape" /* the function that is listened to */
#define FACTS "facts"	  /* the struct that it is called with */

/* --- what the program says of itself -------------------------------------------------------- */

static const struct {
	const char *name;
	size_t at; /* in struct qos_facts_layout */
	uint32_t size;
} members[] = {
#define MEMBER(name, size)                                           \
	{                                                            \
#name, offsetof(struct qos_facts_layout, name), size \
	}
	MEMBER(key, 4),	 MEMBER(sport, 2), MEMBER(dport, 2),   MEMBER(dscp, 1), MEMBER(ecn, 1),
	MEMBER(src, 16), MEMBER(dst, 16),  MEMBER(verdict, 1), MEMBER(lead, 8), MEMBER(sample, 8),
#undef MEMBER
};

/* -ENOENT when it has no such struct: an older program, or a newer one. */
static int read_layout(const struct btf *btf, struct qos_facts_layout *ret_layout)
{
	int id = btf__find_by_name_kind(btf, FACTS, BTF_KIND_STRUCT);
	const struct btf_type *type = id < 0 ? NULL : btf__type_by_id(btf, (uint32_t)id);
	struct qos_facts_layout layout;

	if (!type || type->size > QOS_FACTS_MAX)
		return -ENOENT;
	layout.size = type->size;
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		int at = qos_btf_member(btf, type, members[i].name, members[i].size);

		if (at < 0)
			return at;
		*(uint32_t *)((char *)&layout + members[i].at) = (uint32_t)at;
	}
	*ret_layout = layout;
	return 0;
}

static int find_layout(int prog_fd, struct qos_facts_layout *ret_layout)
{
	_cleanup_(btfp) struct btf *btf = NULL;
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(prog_fd, &info, &len))
		return -errno;
	btf = btf__load_from_kernel_by_id(info.btf_id);
	return btf ? read_layout(btf, ret_layout) : -errno;
}

/* --- what is asked for ----------------------------------------------------------------------- */

#define BIT(verdict) (1U << (verdict))

static uint32_t verdicts_of(const struct qos_monitor_filter *filter)
{
	uint32_t marks = BIT(QOS_MARK) | BIT(QOS_MARK_L4S);
	uint32_t drops = BIT(QOS_VERDICTS) - BIT(QOS_DROP_LIMIT);
	uint32_t verdicts = filter->drops == 0 && filter->marks == 0 ? drops | marks : 0;

	if (filter->drops)
		verdicts |= drops;
	if (filter->marks)
		verdicts |= marks;
	return filter->sample ? verdicts | BIT(QOS_PASS) : verdicts;
}

static const char *name_of(const json_t *cls)
{
	return json_string_value(json_object_get(cls, "name"));
}

/* -EINVAL with the nearest name. */
static int refuse_class(const struct qos_listener *listener, const json_t *classes,
			const char *name, struct qos_diags *diags)
{
	_cleanup_(freep) const char **names = calloc(json_array_size(classes) + 1, sizeof(*names));
	const char *nearest;
	const json_t *cls;
	size_t i;

	if (!names)
		return -ENOMEM;
	json_array_foreach(classes, i, cls)
		names[i] = name_of(cls);
	nearest = qos_nearest(name, names, json_array_size(classes));
	qos_diag(diags, QOS_INVALID, "%s has no class `%s`", listener->ifname, QOS_BRIEF(name));
	if (nearest)
		qos_diag_hint(diags, "did you mean `%s`?", QOS_BRIEF(nearest));
	else
		qos_diag_hint(diags, "qosctl show %s lists them", listener->ifname);
	return -EINVAL;
}

/* A class, and those after it that are deeper. */
static int choose(const struct qos_listener *listener, int fd, const char *name, bool expect,
		  struct qos_diags *diags)
{
	const json_t *classes =
		json_object_get(json_object_get(listener->state, "show"), "classes");
	json_int_t depth = 0; /* of the class, when it was found */
	const uint32_t yes = 1;
	const json_t *cls;
	size_t i;

	json_array_foreach(classes, i, cls) {
		json_int_t own = json_integer_value(json_object_get(cls, "depth"));
		int slot = qos_bpf_slot(listener->state, name_of(cls));

		if (depth && own <= depth)
			break;
		if (!depth && strcmp(name_of(cls), name) != 0)
			continue;
		if (!depth)
			depth = own;
		if (bpf_map_update_elem(fd, &slot, &yes, BPF_ANY))
			return qos_bpf_fail(diags, -errno, "cannot choose the class `%s`", name);
	}
	return depth || !expect ? 0 : refuse_class(listener, classes, name, diags);
}

/* --- listening ------------------------------------------------------------------------------- */

static int refuse_kernel(const struct qos_listener *listener, int error, struct qos_diags *diags)
{
	if (error == -ENOMEM || error == -EBUSY || error == -E2BIG)
		return qos_bpf_fail(diags, error, "cannot listen to what shapes %s",
				    listener->ifname);
	qos_diag(diags, QOS_UNSUPPORTED, "the kernel lets nobody listen to what shapes %s: %s",
		 listener->ifname, strerror(error <= -__LIBBPF_ERRNO__START ? EIO : -error));
	qos_diag_hint(diags, "it takes BTF (CONFIG_DEBUG_INFO_BTF), BPF trampolines (x86-64, arm64 "
			     "and some others) and net.core.bpf_jit_enable=1 when the policy is "
			     "applied; qosctl stats counts without them");
	return -EOPNOTSUPP;
}

static int refuse_layout(const struct qos_listener *listener, int error, struct qos_diags *diags)
{
	if (error != -EPERM)
		return refuse_kernel(listener, error, diags);
	qos_diag(diags, QOS_UNSUPPORTED, "cannot read what the program of %s says of itself: %s",
		 listener->ifname, strerror(-error));
	qos_diag_hint(diags, QOS_LISTENER_NEEDS);
	return error;
}

static int refuse_program(const struct qos_listener *listener, struct qos_diags *diags)
{
	qos_diag(diags, QOS_FAILED, "%s is shaped by another version of qosctl", listener->ifname);
	qos_diag_hint(diags, "qosctl apply %s", listener->ifname);
	return -ENOENT;
}

static int configure(struct qos_listener *listener, const struct qos_monitor_filter *filter,
		     int prog_fd, int ring_fd)
{
	struct monitor_bpf *skel = listener->skel;
	struct qos_listener_cfg cfg = {
		.id = listener->id,
		.verdicts = verdicts_of(filter),
		.sample = filter->sample,
		.chosen = filter->class_name != NULL,
		.verdict_at = listener->layout.verdict,
		.facts_len = listener->layout.size,
	};
	int r = bpf_map__reuse_fd(skel->maps.qos_events, ring_fd);

	if (r == 0 && cfg.chosen)
		r = bpf_map__set_max_entries(skel->maps.qos_chosen, listener->capacity);
	if (r < 0)
		return r;
	memcpy((void *)&skel->rodata->qos_listener, &cfg, sizeof(cfg));
	return bpf_program__set_attach_target(skel->progs.qos_shaped, prog_fd, SHAPE);
}

static int attach(struct qos_listener *listener, const struct qos_monitor_filter *filter,
		  bool expect_class, int prog_fd, int ring_fd, struct qos_diags *diags)
{
	/* the kernel gives a program's BTF to nobody else */
	_raised_ uint64_t raised = qos_kernel_raise(QOS_CAP(CAP_SYS_ADMIN));
	int r = find_layout(prog_fd, &listener->layout);

	if (r == -ENOENT)
		return refuse_program(listener, diags);
	if (r < 0)
		return refuse_layout(listener, r, diags);
	listener->skel = monitor_bpf__open();
	if (!listener->skel)
		return refuse_kernel(listener, -errno, diags);
	r = configure(listener, filter, prog_fd, ring_fd);
	if (r == 0)
		r = monitor_bpf__load(listener->skel);
	if (r == 0 && filter->class_name) {
		r = choose(listener, bpf_map__fd(listener->skel->maps.qos_chosen),
			   filter->class_name, expect_class, diags);
		if (r < 0)
			return r;
	}
	if (r == 0)
		r = monitor_bpf__attach(listener->skel);
	return r < 0 ? refuse_kernel(listener, r, diags) : 0;
}

int qos_listener_new(const struct qos_device *device, const struct qos_monitor_filter *filter,
		     bool expect_class, int ring_fd, uint32_t id, struct qos_diags *diags,
		     struct qos_listener **ret_listener)
{
	_cleanup_(qos_listener_freep) struct qos_listener *listener = calloc(1, sizeof(*listener));
	const struct qos_bpf *bpf = device->running;
	int r;

	if (!listener)
		return -ENOMEM;
	listener->id = id;
	listener->prog_id = bpf->prog_id;
	memcpy(listener->ifname, device->link.name, sizeof(listener->ifname));
	listener->police = qos_live_is_police(bpf);
	listener->state = json_incref(bpf->state);
	listener->capacity = bpf->capacity;
	listener->classes = qos_flow_classes(bpf);
	if (!listener->classes)
		return -ENOMEM;
	libbpf_set_print(NULL); /* a library does not print, not even through another */
	r = attach(listener, filter, expect_class, bpf->prog_fd, ring_fd, diags);
	if (r < 0)
		return r;
	*ret_listener = TAKE_PTR(listener);
	return 0;
}

uint64_t qos_listener_take_lost(struct qos_listener *listener)
{
	uint64_t now = listener->lost;

	if (listener->skel)
		now = *(volatile __u64 *)&listener->skel->bss->qos_lost;
	now -= listener->lost;
	listener->lost += now;
	return now;
}

void qos_listener_stop(struct qos_listener *listener)
{
	monitor_bpf__destroy(listener->skel);
	listener->skel = NULL;
}

void qos_listener_free(struct qos_listener *listener)
{
	if (!listener)
		return;
	qos_listener_stop(listener);
	json_decref(listener->state);
	free(listener->classes);
	free(listener);
}
