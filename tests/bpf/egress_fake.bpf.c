// SPDX-License-Identifier: GPL-2.0-only
/*
 * The real program, with a clock that the tests turn, and with ways in for what
 * BPF_PROG_TEST_RUN cannot make itself.
 */
#include <linux/types.h>

__u64 fake_now;
#define QOS_NOW() fake_now

#include "egress.bpf.c"

/* Entry 0 is qos_egress(). */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} fake_next SEC(".maps");

#define FAKE_FAILED 99 /* no action that the program has */

/* The packet's stamp is marked as a departure time, as TCP's pacing is. */
SEC("tc")
int fake_delivery(struct __sk_buff *skb)
{
	if (bpf_skb_set_tstamp(skb, skb->tstamp, BPF_SKB_TSTAMP_DELIVERY_MONO))
		return FAKE_FAILED;
	bpf_tail_call(skb, &fake_next, 0);
	return FAKE_FAILED;
}

/* The packet has a VLAN tag that the device will insert: it is not in the data. */
SEC("tc")
int fake_offloaded_tag(struct __sk_buff *skb)
{
	if (bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 101))
		return FAKE_FAILED;
	bpf_tail_call(skb, &fake_next, 0);
	return FAKE_FAILED;
}
