// SPDX-License-Identifier: GPL-2.0-only
/* The clsact egress program: parse, classify, depart, charge, mark, count. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "classify.h"
#include "clock.h"
#include "count.h"
#include "mark.h"
#include "packet.h"
#include "size.h"
#include "tree.h"

/* Passing, leave the word to the filters after ours; dropping, have it. */
#define PASS TC_ACT_UNSPEC
#define DROP TC_ACT_SHOT

/* Wall-clock stamps are above this (September 2001), uptimes below (31 years). */
#define WALL_CLOCK_NS 1000000000000000000ULL

/* fq before 6.7 sends it at once (fq_classify()), later it is in the first band. */
#define PRIORITY_CONTROL 7

static __always_inline int drop(__u32 slot, enum qos_verdict verdict, const struct size *size)
{
	count(slot, verdict, size);
	return DROP;
}

/*
 * ARP and neighbour discovery: without them a full class would cut the host off.
 * They are charged over the limit too, but not for ever, or a scan of a large
 * network would cut the class off.
 */
static __always_inline int exempt(struct __sk_buff *skb, const struct path *p, __u32 slot,
				  const struct size *size, __u64 now)
{
	struct departure d;

	depart(p, now, &d);
	if (d.at - now <= 2 * p->cls->limit_ns)
		charge(p, &d, size->bytes);
	skb->priority = PRIORITY_CONTROL;
	count(slot, QOS_EXEMPT, size);
	return PASS;
}

/*
 * The stamp that the packet came with: TCP's pacing, or a user's SO_TXTIME. It
 * delays its own packet and no clock hears of it. TCP's may be as far ahead as
 * fq looks; others, which no TSQ bounds, as far as the class's queue may be long.
 * A wall-clock stamp that has no mark of being a departure time is a receive
 * stamp, and none. Returns 0 where the packet asks for too much.
 */
static __always_inline __u64 own_stamp(struct __sk_buff *skb, const struct facts *f, __u64 now,
				       __u64 limit)
{
	__u64 stamp = skb->tstamp;

	if (stamp <= now)
		return now;
	if ((f->key & QOS_KEY_PROTO(0xff)) == QOS_KEY_PROTO(IPPROTO_TCP))
		limit = later(limit, QOS_HORIZON_NS);
	if (stamp - now <= limit)
		return stamp;
	if (skb->tstamp_type != BPF_SKB_TSTAMP_DELIVERY_MONO && stamp >= WALL_CLOCK_NS)
		return now;
	return 0;
}

/* Over burst: a mark where the packet can carry one. */
static __always_inline int police(struct __sk_buff *skb, const struct path *p,
				  const struct departure *d, struct facts *f,
				  const struct size *size, __u32 slot, __u64 now)
{
	enum qos_verdict verdict = QOS_PASS;

	if (d->at > now) {
		if (!mark_ce(skb, f))
			return drop(slot, QOS_DROP_POLICE, size);
		verdict = QOS_MARK;
	}
	charge(p, d, size->bytes);
	count(slot, verdict, size);
	return PASS;
}

static __always_inline int stamp(struct __sk_buff *skb, const struct path *p,
				 const struct departure *d, const struct facts *f,
				 const struct size *size, __u32 slot, __u64 now)
{
	__u64 own = own_stamp(skb, f, now, p->cls->limit_ns), at;

	if (!own)
		return drop(slot, QOS_DROP_HORIZON, size);
	at = later(charge(p, d, size->bytes), own);
	/* no stamp on what may leave at once, so that a socket's own pacing
	 * rate, which fq heeds for packets without one, still holds */
	if (skb->tstamp || at > now)
		skb->tstamp = at;
	count(slot, QOS_PASS, size);
	return PASS;
}

SEC("tc")
int qos_egress(struct __sk_buff *skb)
{
	struct scan scan;
	struct departure d;
	struct path path;
	struct size size;
	__u32 slot;
	__u64 now;
	int action;

	parse(skb, &scan.facts);
	measure(skb, &scan.facts, &size);
	slot = classify(&scan);
	if (slot == SLOT_DROP)
		return drop(QOS_SLOT_LINK, QOS_DROP_RULE, &size);
	if (find_path(slot, &path))
		return DROP;
	now = QOS_NOW();
	if (scan.facts.exempt)
		return exempt(skb, &path, slot, &size, now);
	depart(&path, now, &d);
	if (d.at - now > path.cls->limit_ns)
		return drop(slot,
			    qos_link.mode == QOS_MODE_POLICE ? QOS_DROP_POLICE : QOS_DROP_LIMIT,
			    &size);
	skb->priority = path.cls->priority;
	action = qos_link.mode == QOS_MODE_POLICE ?
			 police(skb, &path, &d, &scan.facts, &size, slot, now) :
			 stamp(skb, &path, &d, &scan.facts, &size, slot, now);
	if (action == PASS && path.cls->dscp != QOS_DSCP_KEEP)
		write_dscp(skb, &scan.facts, path.cls->dscp);
	return action;
}

char _license[] SEC("license") = "GPL";
