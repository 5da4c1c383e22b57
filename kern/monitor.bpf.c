// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens to packets, for who listens. The controller attaches this to the exit of
 * qos_shape() of the program that shapes, while somebody listens; the program itself knows
 * nothing of it, and is as it was when nobody does.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "abi.h"

/* Of the kernel's own what is read here; where that is its BTF says. */
struct sk_buff {
	__s64 tstamp;
	char cb[48]; /* of the qdisc's the first word is the length on the wire */
	unsigned char *head;
	unsigned int end;
} __attribute__((preserve_access_index));

struct skb_shared_info {
	unsigned short gso_segs;
} __attribute__((preserve_access_index));

/* All who listen in one process have the same. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1);
} qos_events SEC(".maps");

/* By slot: not 0 for those to be told of. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} qos_chosen SEC(".maps");

const volatile struct qos_listener_cfg qos_listener = { .facts_len = QOS_FACTS_MAX };

__u64 qos_passed; /* of which some are told */
__u64 qos_lost;	  /* the ring was full */

static __always_inline int is_chosen(__u32 slot)
{
	const __u32 *chosen = bpf_map_lookup_elem(&qos_chosen, &slot);

	return chosen && *chosen;
}

static __always_inline int is_wanted(__u32 slot, __u8 verdict)
{
	if (verdict >= QOS_VERDICTS || !(qos_listener.verdicts >> verdict & 1))
		return 0;
	if (qos_listener.chosen && !is_chosen(slot))
		return 0;
	return verdict != QOS_PASS || qos_listener.sample <= 1 ||
	       __sync_fetch_and_add(&qos_passed, 1) % qos_listener.sample == 0;
}

static __always_inline void describe(const struct sk_buff *skb, struct qos_event *event)
{
	const struct skb_shared_info *shared =
		(const void *)(BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, end));
	__u32 segments = BPF_CORE_READ(shared, gso_segs);

	event->at = BPF_CORE_READ(skb, tstamp);
	event->segments = segments ? segments : 1;
	bpf_core_read(&event->bytes, sizeof(event->bytes), &skb->cb);
}

/* Arguments by helper, as the verifier knows the types of the kernel's own only. */
SEC("fexit")
int qos_shaped(void *ctx)
{
	__u64 skb = 0, facts = 0, slot = 0, action = 0;
	__u32 len = qos_listener.facts_len;
	struct qos_event *event;
	__u8 verdict;

	if (bpf_get_func_ret(ctx, &action) || (__u32)action == QOS_AGAIN ||
	    bpf_get_func_arg(ctx, 0, &skb) || bpf_get_func_arg(ctx, 1, &facts) ||
	    bpf_get_func_arg(ctx, 2, &slot) ||
	    bpf_probe_read_kernel(&verdict, 1, (void *)(facts + qos_listener.verdict_at)))
		return 0;
	if (!is_wanted(slot, verdict) || (verdict == QOS_PASS && (__u32)action == TC_ACT_SHOT))
		return 0;
	event = bpf_ringbuf_reserve(&qos_events, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&qos_lost, 1);
		return 0;
	}
	event->time = bpf_ktime_get_ns();
	event->listener = qos_listener.id;
	event->slot = slot;
	describe((const struct sk_buff *)skb, event);
	if (len > QOS_FACTS_MAX)
		len = QOS_FACTS_MAX;
	bpf_probe_read_kernel(event->facts, len, (void *)facts);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char _license[] SEC("license") = "GPL";
