// SPDX-License-Identifier: GPL-2.0-only
/*
 * The least that an EDT shaper does, to measure against: Cilium's logic
 * (bpf/lib/edt.h) written anew. One clock for each aggregate, found in a hash,
 * read and written plainly; a division for the delay; everything else passes.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "lcg.h"

#define NSEC_PER_SEC 1000000000ULL

struct aggregate {
	__u64 bytes_per_second;
	__u64 t_last;
	__u64 horizon_ns;
	__u64 pad[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct aggregate);
} edt_aggregates SEC(".maps");

/* Aggregates, less one, of which each run of a packet is of another, at random; 0: of its own. */
const volatile __u32 edt_random_mask = 0;
__u32 edt_random_seed;

/* Is it IP, with its header in reach. */
static __always_inline int is_ip(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > end)
		return 0;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return (void *)(eth + 1) + sizeof(struct iphdr) <= end;
	if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		return (void *)(eth + 1) + sizeof(struct ipv6hdr) <= end;
	return 0;
}

SEC("tc")
int edt_egress(struct __sk_buff *skb)
{
	__u64 now, stamp, delay, next;
	struct aggregate *info;
	__u32 key;

	if (!is_ip(skb))
		return TC_ACT_OK;
	key = skb->queue_mapping; /* where the program at the container's end puts it */
	if (edt_random_mask)
		key = lcg_next(&edt_random_seed) & edt_random_mask;
	info = bpf_map_lookup_elem(&edt_aggregates, &key);
	if (!info)
		return TC_ACT_OK;
	now = bpf_ktime_get_ns();
	stamp = skb->tstamp;
	if (stamp < now)
		stamp = now;
	delay = skb->wire_len * NSEC_PER_SEC / *(volatile __u64 *)&info->bytes_per_second;
	next = *(volatile __u64 *)&info->t_last + delay;
	if (next <= stamp) {
		*(volatile __u64 *)&info->t_last = stamp;
		return TC_ACT_OK;
	}
	if (next - now >= info->horizon_ns)
		return TC_ACT_SHOT;
	*(volatile __u64 *)&info->t_last = next;
	skb->tstamp = next;
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
