/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counters of the maps and of fq. */
#include "kernel/stats.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "kernel/qdisc.h"
#include "kernel/state.h"

struct passed {
	json_int_t packets, bytes;
};

static json_int_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (json_int_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* How long what is sent now would wait, by the clock that is furthest ahead. */
static json_int_t backlog(const struct qos_clocks *clocks, json_int_t now)
{
	__u64 last = clocks->rate > clocks->ceil ? clocks->rate : clocks->ceil;

	return (json_int_t)last > now ? (json_int_t)last - now : 0;
}

static int class_stats(const struct qos_bpf *bpf, const char *name, json_int_t now,
		       struct passed *total, json_t **ret_json)
{
	int slot = qos_bpf_slot(bpf->state, name), r;
	struct qos_counters c;
	struct qos_clocks clocks;
	struct passed passed = { 0 };

	if (slot < 0)
		return slot;
	r = qos_bpf_counters(bpf, (uint32_t)slot, &c);
	if (r < 0)
		return r;
	r = qos_bpf_clocks(bpf, (uint32_t)slot, &clocks);
	if (r < 0)
		return r;
	for (int v = QOS_PASS; v <= QOS_EXEMPT; v++) {
		passed.packets += (json_int_t)c.packets[v];
		passed.bytes += (json_int_t)c.bytes[v];
	}
	total->packets += passed.packets;
	total->bytes += passed.bytes;
	/* clang-format off */
	*ret_json = json_pack("{s:s, s:I, s:I, s:I, s:I, s:{s:I, s:I, s:I}, s:I}",
			      "name", name, "packets", passed.packets, "bytes", passed.bytes,
			      "marks", (json_int_t)c.packets[QOS_MARK],
			      "exempt", (json_int_t)c.packets[QOS_EXEMPT], "drops",
			      "limit", (json_int_t)c.packets[QOS_DROP_LIMIT],
			      "horizon", (json_int_t)c.packets[QOS_DROP_HORIZON],
			      "police", (json_int_t)c.packets[QOS_DROP_POLICE],
			      "backlog_ns", backlog(&clocks, now));
	/* clang-format on */
	return *ret_json ? 0 : -ENOMEM;
}

static int link_stats(const struct qos_bpf *bpf, json_int_t now, const struct passed *total,
		      json_t **ret_json)
{
	struct qos_counters c;
	struct qos_clocks clocks;
	int r = qos_bpf_counters(bpf, QOS_SLOT_LINK, &c);

	if (r < 0)
		return r;
	r = qos_bpf_clocks(bpf, QOS_SLOT_LINK, &clocks);
	if (r < 0)
		return r;
	*ret_json = json_pack("{s:I, s:I, s:I, s:{s:I}}", "backlog_ns", backlog(&clocks, now),
			      "packets", total->packets, "bytes", total->bytes, "drops", "rule",
			      (json_int_t)c.packets[QOS_DROP_RULE]);
	return *ret_json ? 0 : -ENOMEM;
}

static int fq_stats(struct qos_device *device, struct qos_diags *diags, json_t **ret_json)
{
	_cleanup_(qos_qdiscs_done) struct qos_qdiscs qdiscs = { 0 };
	const struct qos_qdisc *root;
	struct qos_fq_stats fq;
	uint64_t band_drops;
	int r = qos_qdiscs_get(device->nl, &device->link, diags, &qdiscs);

	if (r < 0)
		return r;
	root = qos_qdiscs_find(&qdiscs, TC_H_ROOT);
	if (!root || !qos_qdisc_is_ours(&qdiscs)) {
		*ret_json = json_null();
		return 0;
	}
	r = qos_qdisc_stats(device->nl, &device->link, diags, &fq);
	if (r < 0)
		return r;
	band_drops = fq.drops_band[0] + fq.drops_band[1] + fq.drops_band[2];
	/* clang-format off */
	*ret_json = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			      "packets", (json_int_t)root->stats.packets,
			      "bytes", (json_int_t)root->stats.bytes,
			      "drops", (json_int_t)fq.drops,
			      "flows_plimit", (json_int_t)fq.drops_flow_limit,
			      "horizon_drops", (json_int_t)fq.drops_horizon,
			      "band_drops", (json_int_t)band_drops,
			      "backlog_packets", (json_int_t)fq.qlen,
			      "flows", (json_int_t)fq.flows,
			      "throttled", (json_int_t)fq.throttled);
	/* clang-format on */
	return *ret_json ? 0 : -ENOMEM;
}

static int all_classes(const struct qos_bpf *bpf, json_int_t now, struct passed *total,
		       json_t *classes)
{
	const json_t *shown = json_object_get(json_object_get(bpf->state, "show"), "classes");
	const json_t *cls;
	size_t i;

	json_array_foreach(shown, i, cls) {
		json_t *one = NULL;
		int r = class_stats(bpf, json_string_value(json_object_get(cls, "name")), now,
				    total, &one);

		if (r < 0)
			return r;
		if (json_array_append_new(classes, one))
			return -ENOMEM;
	}
	return 0;
}

int qos_device_stats(struct qos_device *device, struct qos_diags *diags, json_t **ret_json)
{
	_cleanup_(json_decrefp) json_t *classes = json_array(), *link = NULL, *fq = NULL;
	json_int_t now = clock_now();
	struct passed total = { 0 };
	int r = all_classes(device->running, now, &total, classes);

	if (r == 0)
		r = link_stats(device->running, now, &total, &link);
	if (r == 0)
		r = fq_stats(device, diags, &fq);
	if (r < 0)
		return r;
	*ret_json = json_pack("{s:s, s:i, s:I, s:O, s:O, s:O}", "interface", device->link.name,
			      "ifindex", device->link.ifindex, "time_ns", now, "link", link,
			      "classes", classes, "fq", fq);
	return *ret_json ? 0 : -ENOMEM;
}
