// SPDX-License-Identifier: GPL-2.0-only
/*
 * The real program, to which each run of a packet is another flow, on wish between other
 * addresses: what it costs when nothing that it remembers helps. Or one of some flows, at random.
 */
#include "egress.bpf.c"
#include "lcg.h"

struct new_flow_place {
	__be32 src, dst;
};

/* Addresses to choose from. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct new_flow_place);
} new_flow_places SEC(".maps");

__u32 new_flow_mask;  /* of their numbers; 0: addresses stay */
__u32 new_flow_ports; /* less one, of which each run has one at random; 0: one after the other */
__u32 new_flow_seed;

#define SPORT_OFF4 (ETH_HLEN + sizeof(struct iphdr))
#define SPORT_OFF6 (ETH_HLEN + sizeof(struct ipv6hdr))

/* Entry 0 is qos_egress(). */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} new_flow_next SEC(".maps");

static __always_inline void move_elsewhere(void *data, void *end)
{
	struct iphdr *ip = data + ETH_HLEN;
	struct new_flow_place *place;
	__u32 number = lcg_next(&new_flow_seed) & new_flow_mask;

	place = bpf_map_lookup_elem(&new_flow_places, &number);
	if (!place || (void *)(ip + 1) > end)
		return;
	ip->saddr = place->src;
	ip->daddr = place->dst;
}

/* No checksum, which nobody looks at here. */
SEC("tc")
int new_flow(struct __sk_buff *skb)
{
	__u32 off = skb->protocol == bpf_htons(ETH_P_IPV6) ? SPORT_OFF6 : SPORT_OFF4;
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__be16 *sport = data + off;

	if ((void *)(sport + 1) <= end)
		*sport = new_flow_ports ? lcg_next(&new_flow_seed) & new_flow_ports : *sport + 1;
	if (new_flow_mask && skb->protocol != bpf_htons(ETH_P_IPV6))
		move_elsewhere(data, end);
	bpf_tail_call(skb, &new_flow_next, 0);
	return DROP;
}
