/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a packet costs on the link: bytes of every segment that it will be.
 *
 * wire_len (qdisc_pkt_len_init(), net/core/dev.c) counts the headers of every
 * segment of a GSO packet already. Overhead is per segment too, and replaces
 * the link-layer header, as tc-cake(8) counts it.
 */
#ifndef QOS_SIZE_H
#define QOS_SIZE_H

#include "packet.h"

#define VLAN_TAG_BYTES 4
#define ATM_CELL       53
#define ATM_PAYLOAD    48
#define PTM_BLOCK      64 /* and one byte of sync for it */

struct size {
	__u32 segments;
	__u32 bytes;
};

static __always_inline __u32 count_segments(struct __sk_buff *skb, const struct facts *f)
{
	if (!skb->gso_size)
		return 1;
	if (skb->gso_segs)
		return skb->gso_segs;
	/* SKB_GSO_DODGY, from a guest: not counted yet. Take the least headers. */
	return (skb->len - f->l3_off + skb->gso_size - 1) / skb->gso_size;
}

static __always_inline __u32 frame(__u32 len, const struct facts *f)
{
	__s32 framed = (__s32)(len - f->l3_off) + qos_link.overhead;

	if (framed < (__s32)qos_link.mpu)
		framed = qos_link.mpu;
	if (qos_link.framing == QOS_FRAMING_ATM)
		return ((__u32)framed + ATM_PAYLOAD - 1) / ATM_PAYLOAD * ATM_CELL;
	if (qos_link.framing == QOS_FRAMING_PTM)
		return framed + ((__u32)framed + PTM_BLOCK - 1) / PTM_BLOCK;
	return framed;
}

static __always_inline void measure(struct __sk_buff *skb, const struct facts *f, struct size *size)
{
	__u32 segs = count_segments(skb, f), wire = skb->wire_len, full;

	size->segments = segs;
	if (!qos_link.overhead_set) {
		/* an offloaded tag is in no length yet */
		size->bytes = wire + (skb->vlan_present ? segs * VLAN_TAG_BYTES : 0);
		return;
	}
	if (segs <= 1) {
		size->bytes = frame(wire, f);
		return;
	}
	/* all segments but the last are full: headers and gso_size */
	full = (wire - skb->len) / (segs - 1) + skb->gso_size;
	size->bytes = frame(full, f) * (segs - 1) + frame(wire - full * (segs - 1), f);
}

#endif
