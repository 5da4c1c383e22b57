/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When a packet departs. Every class has an assured clock A (its rate) and a
 * ceiling clock U (its ceil), the link has one clock L:
 *
 *	D = max(now, U, min(A, L))
 *
 * so a packet leaves as soon as its class's guarantee allows or as soon as the
 * link has room to lend, and never above the ceiling. The start of a slot is
 * tested, not its end, or a 64 KB packet would starve a slow class. U and L are
 * charged for every packet, A when it was A that let it go. Since the clock that
 * decided is charged, D never goes back within a class, and no flow of it is
 * reordered.
 *
 * U's burst counts back from the departure that it is asked about, not from now:
 * while packets wait for the link, a ceiling must not save up more than its burst.
 * No later packet of the class could have used it: min(A, L) never goes back.
 *
 * Clocks that cannot decide are not there (the controller leaves them out): U
 * where the ceiling is the link's rate, A and L's say where rate and ceiling are
 * the same.
 */
#ifndef QOS_TREE_H
#define QOS_TREE_H

#include "clock.h"
#include "maps.h"

struct path {
	const struct qos_class_cfg *cls, *link;
	struct qos_clocks *clk, *link_clk;
};

/* All that the verifier cannot know to be there; -1 never happens. */
static __always_inline int find_path(__u32 slot, struct path *p)
{
	__u32 root = QOS_SLOT_LINK;

	p->cls = bpf_map_lookup_elem(&qos_classes, &slot);
	p->clk = bpf_map_lookup_elem(&qos_clocks, &slot);
	p->link = bpf_map_lookup_elem(&qos_classes, &root);
	p->link_clk = bpf_map_lookup_elem(&qos_clocks, &root);
	return p->cls && p->clk && p->link && p->link_clk ? 0 : -1;
}

struct departure {
	__u64 at;
	__u32 own; /* the class's own guarantee decided */
};

static __always_inline void depart(const struct path *p, __u64 now, struct departure *d)
{
	__u32 flags = p->cls->flags;
	__u64 at = now, lend = now, assured;

	d->own = 0;
	if (qos_link.rate_set)
		lend = clock_read(&p->link_clk->ceil, now - p->link->ceil_burst_ns);
	if (flags & QOS_CLASS_BORROW)
		at = lend;
	if (flags & QOS_CLASS_RATE) {
		assured = clock_read(&p->clk->rate, now - p->cls->rate_burst_ns);
		d->own = assured <= lend;
		at = sooner(assured, lend);
	}
	at = later(at, now);
	if (flags & QOS_CLASS_CEIL)
		at = later(at, clock_read(&p->clk->ceil, at - p->cls->ceil_burst_ns));
	d->at = at;
}

/*
 * Charge bytes for a departure found by depart(). Returns the departure's final
 * time: other CPUs may have taken slots in between, and each slot is one packet's.
 * Who finds the guarantee taken, and its next slot maybe seconds away, leaves on
 * the slot that it has paid of the link's, if that is sooner: then it has borrowed.
 */
static __always_inline __u64 charge(const struct path *p, const struct departure *d, __u64 bytes)
{
	__u32 flags = p->cls->flags;
	__u64 at = d->at, slot = at, assured, ns;

	if (qos_link.rate_set)
		slot = clock_charge(&p->link_clk->ceil, clock_cost(bytes, p->link->ceil_cost));
	if (d->own) {
		ns = clock_cost(bytes, p->cls->rate_cost);
		assured = clock_charge(&p->clk->rate, ns);
		if (assured > slot)
			clock_refund(&p->clk->rate, ns);
		slot = sooner(assured, slot);
	}
	if (flags & QOS_CLASS_BORROW)
		at = later(at, slot);
	if (flags & QOS_CLASS_CEIL)
		at = later(at, clock_charge(&p->clk->ceil, clock_cost(bytes, p->cls->ceil_cost)));
	return at;
}

#endif
