/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/replaced.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "kernel/qdisc.h"
#include "kernel/snapshot.h"

static int find_one(const struct qos_device *device, const struct qos_link_info *link,
		    struct qos_diags *diags, struct qos_buffer *out)
{
	_cleanup_(qos_snapshot_freep) struct qos_snapshot *there = NULL;
	_cleanup_(qos_qdiscs_done) struct qos_qdiscs qdiscs = { 0 };
	bool slave = link->ifindex != device->link.ifindex;
	const struct qos_qdisc *root;
	char handle[QOS_TC_HANDLE_LEN];
	int r = qos_qdiscs_get(device->nl, link, diags, &qdiscs);

	root = r < 0 ? NULL : qos_qdisc_foreign(&qdiscs);
	if (!root)
		return r;
	r = qos_snapshot_take(device->nl, link, diags, &there);
	if (r < 0)
		return r;
	qos_snapshot_warn_untold(link, there, true, diags);
	qos_buffer_printf(out, "- qdisc %s %s%s%s\n", root->kind,
			  qos_tc_handle_text(root->handle, handle), slave ? " of " : "",
			  slave ? link->name : "");
	return 0;
}

int qos_replaced_find(const struct qos_device *device, struct qos_diags *diags, char **ret_text)
{
	_cleanup_(qos_buffer_done) struct qos_buffer out = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < device->port_count; i++)
		r = find_one(device, &device->ports[i].link, diags, &out);
	return r < 0 ? r : qos_buffer_take(&out, ret_text);
}
