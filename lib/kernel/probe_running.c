/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is in force: whether what waits can leave in time, and who else drops it. */
#include <stdio.h>

#include "base/units.h"
#include "kernel/check.h"
#include "kernel/gso.h"
#include "kernel/live.h"
#include "kernel/ports.h"
#include "kernel/probe.h"
#include "kernel/state.h"

/* No clock is that far ahead of what a full queue and a packet make it. */
#define CLOCK_SLACK_NS 1000000000ULL

static uint64_t packet_ns(const struct qos_class_cfg *cfg)
{
	uint64_t cost = cfg->ceil_cost > cfg->rate_cost ? cfg->ceil_cost : cfg->rate_cost;

	return (uint64_t)(((unsigned __int128)cfg->packet_bytes * cost) >> QOS_COST_SHIFT);
}

/* How long until the clocks of a class let a packet go, where that is longer than it can be; or 0.
 */
static uint64_t far_ahead(const struct qos_live *live, uint32_t slot)
{
	const struct qos_class_cfg *cfg = &live->classes[slot];
	/* what the clocks say, and not what waits */
	struct qos_live clocks = *live;
	uint64_t ahead;

	clocks.police = true;
	ahead = qos_live_backlog(&clocks, slot, false);
	return ahead > cfg->limit_ns + packet_ns(cfg) + CLOCK_SLACK_NS ? ahead : 0;
}

struct worst {
	const char *name;
	uint64_t ahead;
	size_t count;
};

static void look_at_class(const struct qos_bpf *bpf, const struct qos_live *live, const json_t *cls,
			  struct worst *worst)
{
	const char *name = json_string_value(json_object_get(cls, "name"));
	int slot = name ? qos_bpf_slot(bpf->state, name) : -1;
	uint64_t ahead;

	if (slot < 0 || (uint32_t)slot >= live->capacity ||
	    json_is_true(json_object_get(cls, "inner")))
		return;
	ahead = far_ahead(live, (uint32_t)slot);
	if (!ahead)
		return;
	worst->count++;
	if (ahead > worst->ahead) {
		worst->ahead = ahead;
		worst->name = name;
	}
}

int qos_probe_clocks(const struct qos_bpf *bpf, json_t *checks)
{
	const json_t *classes = json_object_get(json_object_get(bpf->state, "show"), "classes"),
		     *cls;
	_cleanup_(qos_live_done) struct qos_live live = { 0 };
	struct worst worst = { .count = 0 };
	char others[64] = "";
	size_t i;
	int r = qos_live_read(bpf, &live);

	if (r < 0)
		return r;
	json_array_foreach(classes, i, cls)
		look_at_class(bpf, &live, cls, &worst);
	if (!worst.count)
		return qos_check_add(checks, "clocks", QOS_CHECK_OK, NULL,
				     "of no class is far ahead");
	if (worst.count > 1)
		snprintf(others, sizeof(others), ", and so of %zu more", worst.count - 1);
	return qos_check_add(checks, "clocks", QOS_CHECK_FAIL,
			     "'qosctl remove', then 'qosctl apply': that begins with new clocks",
			     "of class %s is %llu ms ahead, longer than its queue can be: it sends "
			     "nothing until then%s",
			     worst.name, (unsigned long long)(worst.ahead / 1000000), others);
}

/* Packets that fq dropped had been counted as sent, and paid for. */
int qos_probe_fq_drops(const struct qos_device *device, struct qos_diags *diags, json_t *checks)
{
	struct qos_fq_stats fq;
	uint64_t bands;
	int r = qos_ports_stats(device, diags, &fq);

	if (r < 0)
		return r;
	if (!fq.drops)
		return qos_check_add(checks, "fq", QOS_CHECK_OK, NULL, "dropped nothing by itself");
	bands = fq.drops_band[0] + fq.drops_band[1] + fq.drops_band[2];
	return qos_check_add(checks, "fq", QOS_CHECK_WARN,
			     "'qosctl apply' sets its limits where somebody changed them; see "
			     "'tc -s qdisc show' whether it still drops",
			     "dropped %llu packets that classes had paid for: %llu by flow_limit, "
			     "%llu beyond its horizon, %llu by the limit of a band",
			     (unsigned long long)fq.drops, (unsigned long long)fq.drops_flow_limit,
			     (unsigned long long)fq.drops_horizon, (unsigned long long)bands);
}

/* That the largest packets are what was applied, and then whether the classes can wait for them. */
static int probe_gso(const struct qos_device *device, json_t *checks)
{
	if (qos_gso_in_force(device))
		return qos_probe_gso(&device->link, device->running->state, checks);
	return qos_check_add(checks, "gso", QOS_CHECK_WARN, "'qosctl apply' sets it again",
			     "somebody changed the largest packets: %u bytes, not the %u that were "
			     "applied",
			     device->link.gso_max_size, qos_state_gso(device->running->state));
}

int qos_probe_running(const struct qos_device *device, bool fq, struct qos_diags *diags,
		      json_t *checks)
{
	int r = probe_gso(device, checks);

	if (r == 0)
		r = qos_probe_clocks(device->running, checks);
	if (r == 0)
		r = qos_probe_cgroups(device->running, checks);
	if (r == 0 && fq)
		r = qos_probe_fq_drops(device, diags, checks);
	return r;
}
