/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counters of the maps and of fq. */
#include "kernel/stats.h"

#include <errno.h>

#include "base/cleanup.h"
#include "kernel/bpf_state.h"
#include "kernel/counts.h"
#include "kernel/ports.h"

struct passed {
	json_int_t packets, bytes;
};

/* What passed the roots of ours; *ret_ours: there is one. */
static int sum_roots(const struct qos_device *device, struct qos_diags *diags, struct passed *sum,
		     bool *ret_ours)
{
	*ret_ours = false;
	for (size_t i = 0; i < device->port_count; i++) {
		_cleanup_(qos_qdiscs_done) struct qos_qdiscs qdiscs = { 0 };
		const struct qos_qdisc *root;
		int r = qos_qdiscs_get(device->nl, &device->ports[i].link, diags, &qdiscs);

		if (r < 0)
			return r;
		root = qos_qdiscs_find(&qdiscs, TC_H_ROOT);
		if (!root || !qos_qdisc_is_ours(&qdiscs))
			continue;
		*ret_ours = true;
		sum->packets += (json_int_t)root->stats.packets;
		sum->bytes += (json_int_t)root->stats.bytes;
	}
	return 0;
}

static int fq_stats(struct qos_device *device, struct qos_diags *diags, json_t **ret_json)
{
	struct passed passed = { 0 };
	struct qos_fq_stats fq;
	uint64_t band_drops;
	bool ours;
	int r = sum_roots(device, diags, &passed, &ours);

	if (r < 0)
		return r;
	if (!ours) {
		*ret_json = json_null();
		return 0;
	}
	r = qos_ports_stats(device, diags, &fq);
	if (r < 0)
		return r;
	band_drops = fq.drops_band[0] + fq.drops_band[1] + fq.drops_band[2];
	/* clang-format off */
	*ret_json = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			      "packets", passed.packets,
			      "bytes", passed.bytes,
			      "drops", (json_int_t)fq.drops,
			      "flows_plimit", (json_int_t)fq.drops_flow_limit,
			      "horizon_drops", (json_int_t)fq.drops_horizon,
			      "band_drops", (json_int_t)band_drops,
			      "backlog_packets", (json_int_t)fq.qlen,
			      "flows", (json_int_t)fq.flows,
			      "throttled", (json_int_t)fq.throttled,
			      "throttled_flows", (json_int_t)fq.throttled_flows);
	/* clang-format on */
	return *ret_json ? 0 : -ENOMEM;
}

int qos_device_stats(struct qos_device *device, struct qos_diags *diags, json_t **ret_json)
{
	_cleanup_(json_decrefp) json_t *classes = NULL, *link = NULL, *fq = NULL;
	_cleanup_(qos_live_done) struct qos_live live = { 0 };
	int r = qos_live_read(device->running, &live);

	if (r == 0)
		r = qos_counts_json(device->running, &live, &classes, &link);
	if (r < 0)
		return qos_bpf_fail(diags, r, "cannot read the counters of %s", device->link.name);
	r = fq_stats(device, diags, &fq);
	if (r < 0)
		return r;
	*ret_json = json_pack("{s:s, s:i, s:I, s:O, s:O, s:O}", "interface", device->link.name,
			      "ifindex", device->link.ifindex, "time_ns", (json_int_t)live.now,
			      "link", link, "classes", classes, "fq", fq);
	return *ret_json ? 0 : -ENOMEM;
}
