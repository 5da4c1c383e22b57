/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Facts that few rules ask for, which are not in a flow's five-tuple: read where a rule
 * does, and told apart in what is remembered. Of a length and of flags it is their set that
 * counts, so that packets of all lengths share what is remembered.
 */
#ifndef QOS_MORE_H
#define QOS_MORE_H

#include "match.h"
#include "owner.h"
#include "size.h"

#define USED_MARK (QOS_USED(QOS_PIECE_MARK) * ((1U << QOS_MAX_MASKS) - 1))
#define USED_MORE                                                                          \
	(QOS_USED(QOS_PIECE_VLAN) | QOS_USED(QOS_PIECE_LENGTH) | QOS_USED(QOS_PIECE_TCP) | \
	 QOS_USED(QOS_PIECE_ICMP) | USED_MARK | QOS_USED(QOS_PIECE_UID) |                  \
	 QOS_USED(QOS_PIECE_CGROUP))

/* Bytes of the IP packet; of GSO, of a full segment. */
static __always_inline __u32 ip_length(struct __sk_buff *skb, const struct facts *f)
{
	__u32 len = skb->len, segs;

	if (skb->gso_size) {
		segs = count_segments(skb, f->l3_off);
		if (segs > 1)
			len = full_segment(skb, wire_bytes(skb, segs), segs);
	}
	len -= f->l3_off;
	return len < QOS_LENGTH_MAX ? len : QOS_LENGTH_MAX;
}

static __always_inline __u32 icmp_value(const struct facts *f)
{
	return family_of(f) == QOS_FAMILY_IPV6 ? QOS_ICMP_V6 + f->more.l4 : f->more.l4;
}

/* The sets of what parsing has read. */
static __always_inline void find_small(struct __sk_buff *skb, struct facts *f)
{
	if (USES(QOS_PIECE_LENGTH))
		f->more.length_set = set_in_table(QOS_PIECE_LENGTH,
						  family_of(f) ? ip_length(skb, f) : QOS_NO_LENGTH);
	/* they were read because a rule asks for them */
	if (f->key & QOS_KEY_TCP)
		f->more.l4_set = set_in_table(QOS_PIECE_TCP, f->more.l4 & 0xff) + 1;
	if (f->key & QOS_KEY_ICMP)
		f->more.l4_set = set_in_table(QOS_PIECE_ICMP, icmp_value(f)) + 1;
}

static __always_inline void read_more(struct __sk_buff *skb, struct facts *f)
{
	/* one question where rules ask for none of it */
	if (!(qos_link.used & USED_MORE))
		return;
	find_small(skb, f);
	if (qos_link.used & USED_MARK)
		f->more.mark = skb->mark;
	find_owner(skb, f);
}

/* All of them: what no rule asks for is the same in each packet, and to ask first costs more. */
static __always_inline int is_about_more(const struct qos_decision *d, const struct facts *f)
{
	if (!(qos_link.used & USED_MORE))
		return 1;
	return d->length_set == f->more.length_set && d->l4_set == f->more.l4_set &&
	       d->vlan == f->more.vlan && d->mark == f->more.mark && d->uid == f->more.uid &&
	       d->cgroup == f->more.cgroup;
}

static __always_inline void remember_more(struct qos_decision *d, const struct facts *f)
{
	if (!(qos_link.used & USED_MORE))
		return;
	d->length_set = f->more.length_set;
	d->l4_set = f->more.l4_set;
	d->vlan = f->more.vlan;
	d->mark = f->more.mark;
	d->uid = f->more.uid;
	d->cgroup = f->more.cgroup;
}

/* There is a class: the room is for other things now. */
static __always_inline void forget_more(struct facts *f)
{
	f->renewed = 0;
	f->sample = 0;
}

#endif
