/* SPDX-License-Identifier: GPL-2.0-only */
/* When who is looked at: a class whose packet comes, and all above it that are due. */
#ifndef QOS_RENEW_H
#define QOS_RENEW_H

#include "share.h"

/*
 * A class that sent nothing knows nothing of who sends now: before the first look, and while rates
 * are learnt, all that come together have what is there. So looks come four times as fast at first.
 */
#define SOON_SHIFT 2
#define SOON_LOOKS 6

/* ns until the look after the next one. */
static __always_inline __u64 pause_before(struct qos_clocks *clk, __u64 period, __u64 now)
{
	/* less than 0: another CPU has just looked */
	if ((__s64)(now - clk->pace[0].t) > (__s64)(LONG_PERIODS * period))
		clk->soon = SOON_LOOKS;
	return clk->soon ? period >> SOON_SHIFT : period;
}

/* An inner class, or the link; returns ns until it is looked at again, if that is soon, or 0. */
static __always_inline __u64 renew_inner(__u32 slot, const struct qos_class_cfg *cfg, __u64 now)
{
	struct qos_clocks *clk = bpf_map_lookup_elem(&qos_clocks, &slot);
	__u64 pause;

	if (!clk)
		return 0;
	pause = pause_before(clk, 1ULL << (cfg->period_shift & 31), now);
	if (is_due(&clk->next, now, pause)) {
		qos_renew_node(slot, now);
		clk->soon = less(clk->soon, 1);
	}
	return clk->soon ? pause : 0;
}

/* A class, and all above it that are due. lead: ns that the class's next packet waits. */
__noinline int qos_renew(__u32 slot, __u64 now, __u64 lead)
{
	const struct qos_class_cfg *cfg = bpf_map_lookup_elem(&qos_classes, &slot);
	struct qos_clocks *leaf = bpf_map_lookup_elem(&qos_clocks, &slot);
	__u64 soon = 0, pause;

	if (!cfg || !leaf)
		return 0;
	if (is_due(&leaf->next, now, 1ULL << (cfg->period_shift & 31))) {
		qos_turn_wheel(slot, 0, now);
		qos_renew_place(slot, now, lead);
		qos_renew_leaf(slot, now, lead);
	}
	for (int i = 0; i < DEPTH_MAX && cfg->parent != QOS_NO_SLOT; i++) {
		slot = cfg->parent;
		cfg = bpf_map_lookup_elem(&qos_classes, &slot);
		if (!cfg)
			break;
		pause = renew_inner(slot, cfg, now);
		if (pause)
			soon = pause;
	}
	/* it is by its leaves that a class is looked at */
	if (soon)
		*(volatile __u64 *)&leaf->next = now + soon;
	return 0;
}

#endif
