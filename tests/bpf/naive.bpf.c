// SPDX-License-Identifier: GPL-2.0-only
/*
 * A class clock as it must not be: read, then written. Two CPUs that read the
 * same time charge once between them. The tests show that they can tell.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

__u64 naive_clock;
__u64 naive_cost = 80000;      /* ns a packet: 200 bytes at 20 Mbit/s */
__u32 naive_work = 1000;       /* turns of a loop between reading and writing */
__u64 naive_limit = 100000000; /* ns, the longest queue */

SEC("tc")
int naive_egress(struct __sk_buff *skb)
{
	__u64 now = bpf_ktime_get_ns(), at = *(volatile __u64 *)&naive_clock;

	if (at < now)
		at = now;
	if (at - now > naive_limit)
		return TC_ACT_SHOT;
	/* stands for what programs do in between, so that seconds show what
	 * otherwise takes minutes */
	for (__u32 i = 0; i < 1024 && i < *(volatile __u32 *)&naive_work; i++)
		asm volatile("");
	*(volatile __u64 *)&naive_clock = at + naive_cost;
	skb->tstamp = at;
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "GPL";
