/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/apply.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "kernel/bpffs.h"
#include "kernel/gso.h"
#include "kernel/orphans.h"
#include "kernel/origin.h"
#include "kernel/pins.h"
#include "kernel/ports.h"
#include "kernel/state.h"

int qos_kernel_remove(const char *ifname, struct qos_diags *diags, char **ret_text)
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
	if (!device->attached && !known && !qdisc) {
		qos_diag(diags, QOS_FAILED, "%s is not shaped by qosctl", ifname);
		return -ENOENT;
	}
	origin = known ? qos_state_origin(known->state) : NULL;
	gso = qos_gso_theirs(device);
	r = qos_plan_diff(known ? qos_state_plan(known->state) : "", "", &changes);
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
	qos_pins_sweep(device->nl, device->pin_dir);
	qos_orphans_sweep(device->pin_dir);
	*ret_text = TAKE_PTR(changes);
	return 0;
}
