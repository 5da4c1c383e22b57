/* SPDX-License-Identifier: GPL-2.0-only */
/* When who is looked at: a class whose packet comes, and all above it that are due. */
#ifndef QOS_RENEW_H
#define QOS_RENEW_H

#include "share.h"

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
		if (qos_follow_place(slot, now))
			lead = 0; /* it was of the one before */
		qos_renew_place(slot, now, lead);
		qos_renew_leaf(slot, now, lead);
	}
	for (int i = 0; i < DEPTH_MAX && cfg->parent != QOS_NO_SLOT; i++) {
		slot = cfg->parent;
		cfg = bpf_map_lookup_elem(&qos_classes, &slot);
		if (!cfg)
			break;
		qos_remember(slot, now);
		pause = qos_renew_node(slot, now);
		if (pause)
			soon = pause;
	}
	/* it is by its leaves that a class is looked at */
	if (soon)
		*(volatile __u64 *)&leaf->next = now + soon;
	return 0;
}

#endif
