/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/apply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/bpffs.h"
#include "kernel/gso.h"
#include "kernel/orphans.h"
#include "kernel/origin.h"
#include "kernel/pins.h"
#include "kernel/ports.h"
#include "kernel/state.h"

/* Of an interface that is gone, but for what it left. */
static int remove_left(struct qos_nl *nl, const char *what, const char *ifname, const char *dir,
		       struct qos_diags *diags, char **ret_text)
{
	int r = qos_bpffs_remove(dir, diags);

	if (r < 0)
		return r;
	qos_pins_abandon(dir);
	qos_pins_sweep(nl, dir, true);
	qos_orphans_sweep(dir);
	return asprintf(ret_text, "- pins of %s%s, which is gone\n", what, ifname) < 0 ? -ENOMEM :
											 0;
}

/* Under another name: it is that one's to remove. */
static bool lives_on(struct qos_nl *nl, const char *dir)
{
	_cleanup_(qos_bpf_freep) struct qos_bpf *bpf = NULL;
	struct qos_link_info link;

	if (qos_pins_open(dir, NULL, &bpf) < 0)
		return false;
	return qos_link_get_index(nl,
				  (int)json_integer_value(json_object_get(bpf->state, "ifindex")),
				  NULL, &link) == 0;
}

/* 1 when it is gone and was shaped, and what it left is taken away; a look mounts no bpffs. */
static int remove_gone(const char *ifname, struct qos_diags *diags, char **ret_text)
{
	_cleanup_(freep) char *bpffs = NULL, *dir = NULL;
	_cleanup_(qos_nl_closep) struct qos_nl *nl = NULL;
	struct qos_link_info link;
	int r = qos_nl_open(diags, &nl);

	if (r < 0)
		return r;
	if (qos_link_get(nl, ifname, NULL, &link) != -ENODEV || qos_bpffs_find(&bpffs) < 0)
		return 0;
	r = qos_bpffs_path(ifname, diags, &dir);
	if (r < 0 || !qos_pins_are_there(dir) || lives_on(nl, dir))
		return r;
	r = remove_left(nl, "", ifname, dir, diags, ret_text);
	return r < 0 ? r : 1;
}

int qos_kernel_sweep(struct qos_diags *diags, char **ret_text)
{
	_cleanup_(freep) char *bpffs = NULL, *dir = NULL;
	_cleanup_(qos_nl_closep) struct qos_nl *nl = NULL;
	size_t count = 0;
	int r = qos_nl_open(diags, &nl);

	/* beside the pins of any interface */
	if (r == 0 && qos_bpffs_find(&bpffs) == 0)
		r = qos_bpffs_path("x", diags, &dir);
	if (r < 0)
		return r;
	if (dir)
		count = qos_pins_sweep(nl, dir, true) + qos_orphans_sweep(dir);
	if (!count)
		*ret_text = strdup("");
	else if (asprintf(ret_text, "- pins of %zu interface%s gone\n", count,
			  count == 1 ? " that is" : "s that are") < 0)
		*ret_text = NULL;
	return *ret_text ? 0 : -ENOMEM;
}

/* What is to be taken away: what a plan has, or the qdisc that is left of one nobody knows. */
static int list_changes(const struct qos_bpf *known, bool qdisc, char **ret_text)
{
	if (known)
		return qos_plan_diff(qos_state_plan(known->state), "", ret_text);
	*ret_text = strdup(qdisc ? "- qdisc 7105: of a policy that is not known any more\n" : "");
	return *ret_text ? 0 : -ENOMEM;
}

/* Of one that is not shaped: pins of another one that had its name before it, and is gone. */
static int remove_before(const struct qos_device *device, struct qos_diags *diags, char **ret_text)
{
	const char *ifname = device->link.name;

	if (qos_pins_are_anothers(&device->link, device->pin_dir) &&
	    !lives_on(device->nl, device->pin_dir))
		return remove_left(device->nl, "another ", ifname, device->pin_dir, diags,
				   ret_text);
	qos_diag(diags, QOS_FAILED, "%s is not shaped by qosctl", ifname);
	return -ENOENT;
}

/* One that is there. */
static int remove_from(const char *ifname, struct qos_diags *diags, char **ret_text)
{
	_cleanup_(qos_device_closep) struct qos_device *device = NULL;
	_cleanup_(freep) char *changes = NULL;
	const struct qos_bpf *known;
	const json_t *origin;
	struct qos_gso_sizes gso;
	int r = qos_device_open(ifname, "qosctl remove", diags, &device), qdisc, clsact;

	if (r < 0)
		return r;
	known = qos_device_known(device);
	qdisc = qos_ports_hold(device, diags);
	if (qdisc < 0)
		return qdisc;
	if (!device->attached && !known && !qdisc)
		return remove_before(device, diags, ret_text);
	origin = known ? qos_state_origin(known->state) : NULL;
	gso = qos_gso_theirs(device);
	r = list_changes(known, qdisc, &changes);
	if (r < 0)
		return r;
	/* the program last, so that nothing is unshaped that the old qdisc shaped not */
	r = qos_origin_restore(device, origin, diags);
	if (r == 0)
		r = qos_gso_put(device, &gso, diags);
	clsact = qos_filter_delete(device->nl, &device->link, diags);
	if (clsact == 0 && !json_is_true(json_object_get(origin, "clsact")))
		clsact = qos_clsact_release(device->nl, &device->link, diags);
	if (r == 0)
		r = clsact;
	if (r == 0)
		r = qos_bpffs_remove(device->pin_dir, diags);
	if (r < 0)
		return r;
	qos_pins_abandon(device->pin_dir);
	qos_pins_sweep(device->nl, device->pin_dir, true);
	qos_orphans_sweep(device->pin_dir);
	*ret_text = TAKE_PTR(changes);
	return 0;
}

int qos_kernel_remove(const char *ifname, struct qos_diags *diags, char **ret_text)
{
	int r = remove_gone(ifname, diags, ret_text);

	return r == 0 ? remove_from(ifname, diags, ret_text) : r < 0 ? r : 0;
}
