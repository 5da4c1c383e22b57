// SPDX-License-Identifier: GPL-2.0-only
/*
 * A class clock as it must not be: read, then written. Two CPUs that read the
 * same time charge once between them. The tests show that they can tell.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

__u64 naive_clock;
__u64 naive_cost;	/* ns a packet */

SEC("tc")
int naive_egress(struct __sk_buff *skb)
{
	__u64 now = bpf_ktime_get_ns(), at = *(volatile __u64 *)&naive_clock;

	if (at < now)
		at = now;
	*(volatile __u64 *)&naive_clock = at + naive_cost;
	skb->tstamp = at;
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "GPL";
