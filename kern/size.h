/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a packet costs on the link: bytes of every segment that it will be.
 *
 * wire_len (qdisc_pkt_len_init(), net/core/dev.c) counts a GSO packet's headers
 * for every segment, but of a packet in a tunnel may know the outer ones only.
 * What the packet has beyond gso_size for each of its segments is headers as
 * well, so that they are never less: all of them where the last segment is full,
 * and else, inside a tunnel, without as many bytes as that is short. Overhead is
 * per segment too, and replaces the link-layer header, as tc-cake(8) counts it.
 */
#ifndef QOS_SIZE_H
#define QOS_SIZE_H

#include "clock.h"
#include "packet.h"

#define VLAN_TAG_BYTES 4
#define ATM_CELL       53
#define ATM_PAYLOAD    48
#define PTM_BLOCK      64 /* and one byte of sync for it */

/* gso_size of SCTP, whose segments have each a size of their own (include/linux/skbuff.h) */
#define GSO_BY_FRAGS 0xffff
#define SCTP_HEADER  12

struct size {
	__u32 segments;
	__u32 bytes;
};

static __always_inline __u32 count_segments(struct __sk_buff *skb, __u32 l3_off)
{
	if (!skb->gso_size)
		return 1;
	if (skb->gso_segs)
		return skb->gso_segs;
	/* SKB_GSO_DODGY, from a guest: not counted yet. Take the least headers. */
	return (skb->len - l3_off + skb->gso_size - 1) / skb->gso_size;
}

/* Of all segments, without overhead. */
static __always_inline __u32 wire_bytes(struct __sk_buff *skb, __u32 segs)
{
	__u64 headers = skb->len - (__u64)segs * skb->gso_size; /* may be below 0 */

	if (skb->gso_size == GSO_BY_FRAGS) /* wire_len has those of IP and below */
		return skb->wire_len + (segs - 1) * SCTP_HEADER;
	return later(skb->wire_len, skb->len + (segs - 1) * headers);
}

/* Of more than one. All but the last are so long; of SCTP in the mean. One division for both. */
static __always_inline __u32 full_segment(struct __sk_buff *skb, __u32 wire, __u32 segs)
{
	__u32 headers = wire - skb->len, size = skb->gso_size, times = segs - 1;

	if (size == GSO_BY_FRAGS) {
		headers = wire;
		size = 0;
		times = segs;
	}
	return headers / times + size;
}

static __always_inline __u32 frame(__u32 len, __u32 l3_off)
{
	__s32 framed = (__s32)(len - l3_off) + qos_link.overhead;

	if (framed < (__s32)qos_link.mpu)
		framed = qos_link.mpu;
	if (qos_link.framing == QOS_FRAMING_ATM)
		return ((__u32)framed + ATM_PAYLOAD - 1) / ATM_PAYLOAD * ATM_CELL;
	if (qos_link.framing == QOS_FRAMING_PTM)
		return framed + ((__u32)framed + PTM_BLOCK - 1) / PTM_BLOCK;
	return framed;
}

static __always_inline __u32 count_bytes(struct __sk_buff *skb, __u32 l3_off, __u32 segs)
{
	__u32 wire = wire_bytes(skb, segs), full;

	if (!qos_link.overhead_set) /* an offloaded tag is in no length yet */
		return wire + (skb->vlan_present ? segs * VLAN_TAG_BYTES : 0);
	if (segs <= 1)
		return frame(wire, l3_off);
	full = full_segment(skb, wire, segs);
	return frame(full, l3_off) * (segs - 1) + frame(wire - full * (segs - 1), l3_off);
}

/* Bytes, and above bit 32 segments. A function of its own, which the verifier looks at once. */
__noinline __u64 qos_measure(struct __sk_buff *skb, __u32 l3_off)
{
	__u32 segs = count_segments(skb, l3_off);

	return (__u64)segs << 32 | count_bytes(skb, l3_off, segs);
}

static __always_inline void measure(struct __sk_buff *skb, const struct facts *f, struct size *size)
{
	__u64 measured;

	if (!skb->gso_size && !qos_link.overhead_set && !skb->vlan_present) {
		size->segments = 1;
		size->bytes = skb->wire_len;
		return;
	}
	measured = qos_measure(skb, f->l3_off);

	size->segments = measured >> 32;
	size->bytes = measured;
}

#endif
