/* SPDX-License-Identifier: GPL-2.0-only */
/* The DSCP and the two ECN bits beside it (RFC 3168): each written without the other. */
#ifndef QOS_MARK_H
#define QOS_MARK_H

#include <linux/bpf.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#include "packet.h"

#define ECN_CE 3

/* Of the header that is sent, which facts are not of where a tunnel was looked into. */
static __always_inline __u8 outer_dscp(const struct facts *f)
{
	return qos_link.tunnel_inner && f->outer ? f->outer & OUTER_DSCP : f->dscp;
}

static __always_inline __u32 outer_family(const struct facts *f)
{
	if (!qos_link.tunnel_inner || !f->outer)
		return f->key & QOS_KEY_FAMILY(0xff);
	return f->outer & OUTER_IPV6 ? QOS_KEY_FAMILY(QOS_FAMILY_IPV6) :
				       QOS_KEY_FAMILY(QOS_FAMILY_IPV4);
}

/*
 * The byte that both share. By helper, not by packet pointer: a program that writes through
 * pointers unshares every packet it sees, and TCP's are all shared with the socket's retransmit
 * queue. Last of all, as it ends the life of pointers.
 */
static __always_inline void write_tos(struct __sk_buff *skb, const struct facts *f, __u8 tos)
{
	__u8 old = outer_dscp(f) << 2 | f->ecn;
	__u32 family = outer_family(f);
	__be16 word;

	if (old == tos || !family)
		return;
	if (family == QOS_KEY_FAMILY(QOS_FAMILY_IPV4)) {
		/* header checksum (RFC 1624); the sum over the header stays
		 * zero, so a CHECKSUM_COMPLETE skb's sum needs no change */
		bpf_l3_csum_replace(skb, f->l3_off + offsetof(struct iphdr, check), bpf_htons(old),
				    bpf_htons(tos), 2);
		bpf_skb_store_bytes(skb, f->l3_off + offsetof(struct iphdr, tos), &tos, 1, 0);
		return;
	}
	/* version, traffic class and the top of the flow label share a word */
	if (bpf_skb_load_bytes(skb, f->l3_off, &word, sizeof(word)))
		return;
	word = (word & bpf_htons(0xf00f)) | bpf_htons((__u16)tos << 4);
	bpf_skb_store_bytes(skb, f->l3_off, &word, sizeof(word), BPF_F_RECOMPUTE_CSUM);
}

static __always_inline void write_dscp(struct __sk_buff *skb, const struct facts *f, __u8 dscp)
{
	write_tos(skb, f, dscp << 2 | f->ecn);
}

/*
 * Congestion experienced, where the packet can be told; 0 where it cannot. Not
 * by bpf_skb_ecn_set_ce(): that writes where the skb's network header is, which
 * with VLAN tags in the data can be the first tag (a bridge that passes QinQ).
 */
static __always_inline int mark_ce(struct __sk_buff *skb, struct facts *f)
{
	if (!f->ecn)
		return 0;
	write_tos(skb, f, outer_dscp(f) << 2 | ECN_CE);
	f->ecn = ECN_CE;
	return 1;
}

#endif
