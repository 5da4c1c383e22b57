// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers that hold for a while only: the kernel's own timers put back what they replaced, so
 * nobody has to be there then. Not on the path of packets: the controller runs these two programs
 * by BPF_PROG_TEST_RUN, on the maps of the program that shapes.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"

#define CLOCK_BOOTTIME 7 /* goes on while the machine sleeps */

/* The kernel's timer (struct bpf_timer) is first in it, as abi.h cannot say. */
struct expiry {
	struct bpf_timer timer;
	__u32 first, count;
	__u64 at;
	__u32 fired;
	__u32 pad;
};

_Static_assert(sizeof(struct expiry) == sizeof(struct qos_expiry), "abi");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, QOS_EXPIRIES);
	__type(key, __u32);
	__type(value, struct expiry);
} qos_expiries SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct qos_expiry_cfg);
} qos_expiry_cfgs SEC(".maps");

/* The program's that shapes. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct qos_class_cfg);
} qos_classes SEC(".maps");

static long put_class(__u32 i, __u32 *first)
{
	__u32 at = *first + i, slot;
	struct qos_expiry_cfg *later = bpf_map_lookup_elem(&qos_expiry_cfgs, &at);
	struct qos_class_cfg *cfg;

	if (!later)
		return 1;
	slot = later->slot;
	cfg = bpf_map_lookup_elem(&qos_classes, &slot);
	if (cfg)
		*cfg = later->cfg;
	return 0;
}

static int expire(void *map __attribute__((unused)), __u32 *key __attribute__((unused)),
		  struct expiry *expiry)
{
	__u32 first = expiry->first;

	bpf_loop(expiry->count, put_class, &first, 0);
	expiry->fired = 1;
	return 0;
}

static long arm(__u32 i, void *ctx)
{
	struct expiry *expiry = bpf_map_lookup_elem(&qos_expiries, &i);
	__u64 now = bpf_ktime_get_boot_ns();

	if (!expiry || !expiry->at || expiry->fired)
		return 0;
	/* -EBUSY: it was one before */
	bpf_timer_init(&expiry->timer, &qos_expiries, CLOCK_BOOTTIME);
	if (bpf_timer_set_callback(&expiry->timer, expire) ||
	    bpf_timer_start(&expiry->timer, expiry->at > now ? expiry->at - now : 0, 0))
		*(int *)ctx = TC_ACT_SHOT;
	return 0;
}

/* TC_ACT_SHOT where one could not be set. */
SEC("tc")
int qos_arm(struct __sk_buff *skb __attribute__((unused)))
{
	int action = TC_ACT_OK;

	bpf_loop(QOS_EXPIRIES, arm, &action, 0);
	return action;
}

static long disarm(__u32 i, void *ctx __attribute__((unused)))
{
	struct expiry *expiry = bpf_map_lookup_elem(&qos_expiries, &i);

	if (expiry)
		bpf_timer_cancel(&expiry->timer);
	return 0;
}

/* When it returns, none fires any more, nor is at work. */
SEC("tc")
int qos_disarm(struct __sk_buff *skb __attribute__((unused)))
{
	bpf_loop(QOS_EXPIRIES, disarm, NULL, 0);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
