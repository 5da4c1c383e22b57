/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/device.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/bpf_state.h"
#include "kernel/bpffs.h"
#include "kernel/lock.h"
#include "kernel/pins.h"
#include "kernel/ports.h"
#include "kernel/state.h"

DEFINE_CLEANUP(char **, namesp, qos_device_list_free)

void qos_device_close(struct qos_device *device)
{
	if (!device)
		return;
	qos_bpf_free(device->running);
	qos_bpf_free(device->pinned);
	qos_ports_close(device);
	qos_nl_close(device->nl);
	free(device->pin_dir);
	closep(&device->prog_fd);
	closep(&device->lock_fd);
	free(device);
}

const struct qos_bpf *qos_device_known(const struct qos_device *device)
{
	return device->running ? device->running : device->pinned;
}

int qos_device_expect_running(const struct qos_device *device, struct qos_diags *diags)
{
	if (device->running)
		return 0;
	qos_diag(diags, QOS_FAILED,
		 device->attached ? "%s is shaped by another version of qosctl" :
				    "%s is not shaped by qosctl",
		 device->link.name);
	qos_diag_hint(diags, "qosctl apply %s", device->link.name);
	return -ENOENT;
}

int qos_device_has_filter(struct qos_nl *nl, const struct qos_link_info *link,
			  struct qos_diags *diags)
{
	_cleanup_(qos_filters_done) struct qos_filters filters = { 0 };
	int r = qos_filters_get(nl, link, diags, &filters);

	return r < 0 ? r : qos_filters_ours(&filters) != NULL;
}

static int find_running(struct qos_device *device, struct qos_diags *diags)
{
	_cleanup_(qos_filters_done) struct qos_filters filters = { 0 };
	const struct qos_filter *ours;
	int r = qos_filters_get(device->nl, &device->link, diags, &filters);

	if (r < 0)
		return r;
	ours = qos_filters_ours(&filters);
	if (!ours)
		return 0;
	device->attached = true;
	device->pref = ours->pref;
	r = qos_bpf_hold(ours->prog_id, device->pin_dir);
	if (r < 0)
		return qos_bpf_fail(diags, r, "cannot open program %u", ours->prog_id);
	device->prog_fd = r;
	r = qos_bpf_open(ours->prog_id, device->pin_dir, diags, &device->running);
	return r == -ENOENT ? 0 : r;
}

/* A pin outlives an interface; what another of the same name left is nothing. */
static int find_pinned(struct qos_device *device, struct qos_diags *diags)
{
	_cleanup_(qos_bpf_freep) struct qos_bpf *bpf = NULL;
	int r = qos_pins_open(device->pin_dir, diags, &bpf);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (json_integer_value(json_object_get(bpf->state, "ifindex")) == device->link.ifindex)
		device->pinned = TAKE_PTR(bpf);
	return 0;
}

/* A change mounts a bpffs where there is none; a look changes nothing. */
static int find_pin_dir(struct qos_device *device, bool change, struct qos_diags *diags)
{
	_cleanup_(freep) char *bpffs = NULL;
	int r = change ? 0 : qos_bpffs_find(&bpffs);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return qos_bpffs_path(device->link.name, diags, &device->pin_dir);
}

/* All that is known, for who looks. */
static int unfold(const struct qos_device *device, struct qos_diags *diags)
{
	const struct qos_bpf *known = qos_device_known(device);
	int r = known ? qos_bpf_state_unfold(known->state) : 0;

	if (r == 0 && known)
		r = qos_state_roll_shown(known->state);
	return r < 0 ? qos_bpf_fail(diags, r, "cannot read what program %u shows", known->prog_id) :
		       0;
}

int qos_device_open(const char *ifname, const char *lock, struct qos_diags *diags,
		    struct qos_device **ret_device)
{
	_cleanup_(qos_device_closep) struct qos_device *device = calloc(1, sizeof(*device));
	int r;

	if (!device)
		return -ENOMEM;
	device->lock_fd = device->prog_fd = -1;
	r = qos_nl_open(diags, &device->nl);
	if (r < 0)
		return r;
	r = qos_link_get(device->nl, ifname, diags, &device->link);
	if (r < 0)
		return r;
	if (lock) {
		r = qos_lock_take(device->link.name, lock, diags, &device->lock_fd);
		if (r < 0)
			return r;
		/* who held it may have changed what was found, or it is another one by now */
		r = qos_link_get(device->nl, device->link.name, diags, &device->link);
		if (r < 0)
			return r;
	}
	r = qos_ports_find(device, lock, diags);
	if (r < 0)
		return r;
	r = find_pin_dir(device, lock != NULL, diags);
	if (r < 0)
		return r;
	r = find_running(device, diags);
	if (r < 0)
		return r;
	if (!device->attached && device->pin_dir) {
		r = find_pinned(device, diags);
		if (r < 0)
			return r;
	}
	r = lock ? 0 : unfold(device, diags);
	if (r < 0)
		return r;
	*ret_device = TAKE_PTR(device);
	return 0;
}

void qos_device_list_free(char **names)
{
	if (!names)
		return;
	for (char **name = names; *name; name++)
		free(*name);
	free(names);
}

/* 1 when only the pins of what shaped it are left. */
static int is_lost(const struct qos_link_info *link)
{
	struct qos_device device = { .link = *link };
	int r = find_pin_dir(&device, false, NULL);

	if (r == 0 && device.pin_dir)
		r = find_pinned(&device, NULL);
	r = r < 0 ? r : device.pinned != NULL;
	qos_bpf_free(device.pinned);
	free(device.pin_dir);
	return r;
}

int qos_device_list(bool lost, struct qos_diags *diags, char ***ret_names)
{
	_cleanup_(qos_nl_closep) struct qos_nl *nl = NULL;
	_cleanup_(freep) struct qos_link_info *links = NULL;
	_cleanup_(namesp) char **names = NULL;
	size_t count = 0, found = 0;
	int r = qos_nl_open(diags, &nl);

	if (r == 0)
		r = qos_link_list(nl, diags, &links, &count);
	if (r < 0)
		return r;
	names = calloc(count + 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		r = qos_device_has_filter(nl, &links[i], diags);
		/* who may not look for pins knows of none */
		if (r == 0 && lost && is_lost(&links[i]) > 0)
			r = 1;
		if (r < 0)
			return r;
		if (r > 0 && !(names[found++] = strdup(links[i].name)))
			return -ENOMEM;
	}
	*ret_names = TAKE_PTR(names);
	return 0;
}
