// SPDX-License-Identifier: GPL-2.0-only
/*
 * The real program, to which each run of a packet is another flow: what it costs
 * when nothing that it remembers helps.
 */
#include "egress.bpf.c"

#define SPORT_OFF4 (ETH_HLEN + sizeof(struct iphdr))
#define SPORT_OFF6 (ETH_HLEN + sizeof(struct ipv6hdr))

/* Entry 0 is qos_egress(). */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} new_flow_next SEC(".maps");

/* No checksum, which nobody looks at here. */
SEC("tc")
int new_flow(struct __sk_buff *skb)
{
	__u32 off = skb->protocol == bpf_htons(ETH_P_IPV6) ? SPORT_OFF6 : SPORT_OFF4;
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__be16 *sport = data + off;

	if ((void *)(sport + 1) <= end)
		*sport += 1;
	bpf_tail_call(skb, &new_flow_next, 0);
	return DROP;
}
