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

#define USED_SMALL                                                                         \
	(QOS_USED(QOS_PIECE_VLAN) | QOS_USED(QOS_PIECE_LENGTH) | QOS_USED(QOS_PIECE_TCP) | \
	 QOS_USED(QOS_PIECE_ICMP))
#define USED_MARK (QOS_USED(QOS_PIECE_MARK) * ((1U << QOS_MAX_MASKS) - 1))
#define USED_MORE (USED_SMALL | USED_MARK | QOS_USED(QOS_PIECE_UID) | QOS_USED(QOS_PIECE_CGROUP))

/* Bits of a set's number in a word with others: 2^24 sets are more than memory has. */
#define SET_BITS 24

/* Bytes of the IP packet; of GSO, of a full segment. */
static __always_inline __u32 ip_length(struct __sk_buff *skb, const struct facts *f)
{
	__u32 len = skb->len, segs;

	if (skb->gso_size) {
		segs = count_segments(skb, f->l3_off);
		if (segs > 1)
			len = (skb->wire_len - len) / (segs - 1) + skb->gso_size;
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
	if (USES(QOS_PIECE_TCP) && f->key & QOS_KEY_TCP)
		f->more.l4_set = set_in_table(QOS_PIECE_TCP, f->more.l4 & 0xff) + 1;
	if (USES(QOS_PIECE_ICMP) && f->key & QOS_KEY_ICMP)
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

static __always_inline __u64 small_facts(const struct facts *f)
{
	__u64 small = 0;

	if (USES(QOS_PIECE_VLAN))
		small |= (__u64)f->more.vlan << 2 * SET_BITS;
	if (USES(QOS_PIECE_LENGTH))
		small |= (__u64)f->more.length_set << SET_BITS;
	if (USES(QOS_PIECE_TCP) || USES(QOS_PIECE_ICMP))
		small |= f->more.l4_set;
	return small;
}

static __always_inline int is_about_more(const struct qos_decision *d, const struct facts *f)
{
	if (!(qos_link.used & USED_MORE))
		return 1;
	if (qos_link.used & USED_SMALL && d->small != small_facts(f))
		return 0;
	if (qos_link.used & USED_MARK && d->mark != f->more.mark)
		return 0;
	if (USES(QOS_PIECE_UID) && d->uid != f->more.uid)
		return 0;
	return !USES(QOS_PIECE_CGROUP) || d->cgroup == f->more.cgroup;
}

static __always_inline void remember_more(struct qos_decision *d, const struct facts *f)
{
	if (qos_link.used & USED_SMALL)
		d->small = small_facts(f);
	if (qos_link.used & USED_MARK)
		d->mark = f->more.mark;
	if (USES(QOS_PIECE_UID))
		d->uid = f->more.uid;
	if (USES(QOS_PIECE_CGROUP))
		d->cgroup = f->more.cgroup;
}

/* There is a class: the room is for other things now. */
static __always_inline void forget_more(struct facts *f)
{
	if (qos_link.used & USED_MORE) {
		f->renewed = 0;
		f->sample = 0;
	}
}

#endif
