/* SPDX-License-Identifier: GPL-2.0-only */
/* A class, what is above it, and which of that lends to it. */
#ifndef QOS_PATH_H
#define QOS_PATH_H

#include "clock.h"
#include "maps.h"
#include "pace.h"

#define DEPTH_MAX 8

struct path {
	__u32 slot;
	const struct qos_class_cfg *cls;
	struct qos_clocks *clk;
	/* its own where it has none: a pointer that may be null is two programs to the verifier */
	struct qos_clocks *above;	    /* its parent's */
	const struct qos_class_cfg *lender; /* nearest ancestor whose ceiling counts */
	struct qos_clocks *lender_clk;
};

/* Without its parents. All that the verifier cannot know to be there; -1 never happens. */
static __always_inline int find_leaf(__u32 slot, struct path *p)
{
	p->slot = slot;
	p->clk = bpf_map_lookup_elem(&qos_clocks, &slot);
	p->cls = bpf_map_lookup_elem(&qos_classes, &slot); /* the last: it is asked at once */
	return p->cls && p->clk ? 0 : -1;
}

static __always_inline void be_own_parent(struct path *p)
{
	p->above = p->clk;
	p->lender = p->cls;
	p->lender_clk = p->clk;
}

/* Keys are read where they are: a copy on the stack would come later, and all waits for it. */
static __always_inline int find_path(__u32 slot, struct path *p)
{
	if (find_leaf(slot, p))
		return -1;
	be_own_parent(p);
	if (p->cls->hard == QOS_NO_SLOT)
		return 0;
	p->lender = bpf_map_lookup_elem(&qos_classes, &p->cls->hard);
	p->above = bpf_map_lookup_elem(&qos_clocks, &p->cls->parent);
	p->lender_clk = p->above; /* mostly it is the parent that lends */
	if (p->cls->hard != p->cls->parent)
		p->lender_clk = bpf_map_lookup_elem(&qos_clocks, &p->cls->hard);
	/* else they are being changed, one after the other, just now */
	if (!p->above || !p->lender || !p->lender_clk)
		be_own_parent(p);
	return 0;
}

/* Read again, so that the verifier need not know both to go on. */
static __always_inline int has_parent(const struct qos_class_cfg *cfg)
{
	return *(volatile const __u32 *)&cfg->hard != QOS_NO_SLOT;
}

/* Below QOS_LEVELS, though the verifier knows no more than that it is below 4: see abi.h. */
static __always_inline __u32 level_index(__u32 level)
{
	return level & 3;
}

static __always_inline __u32 level_of(const struct path *p)
{
	return level_index(p->cls->level);
}

/* What the class shares in with its siblings of the level; it has a parent. */
static __always_inline struct qos_pace *shared_pace(const struct path *p)
{
	return &p->above->pace[level_of(p)];
}

/*
 * 0, which the verifier does not know: of what it is added to it forgets what it was on this way,
 * and then need not follow each way on from here.
 */
static __always_inline __u64 unknown_zero(const struct qos_class_cfg *cls)
{
	return *(volatile const __u64 *)&cls->zero;
}

#endif
