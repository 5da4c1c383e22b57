/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Short queues. CoDel's control law (RFC 8289) on the time that the packet will
 * wait, which is known when it comes: who is told of a queue is told of it a
 * queue earlier. ECT(1) is marked by a step (RFC 9332, 5.2), and dropped as others
 * who do not listen.
 */
#ifndef QOS_AQM_H
#define QOS_AQM_H

#include "flow.h"

#define L4S_STEP_NS    1000000ULL
#define CODEL_INTERVAL 100000000ULL
#define ECN_ECT1       1

/*
 * interval / sqrt(count), by four steps of Newton's from 11/16 of the last power of four's:
 * that is below sqrt(2) times the root, and from above sqrt(3) times it they go astray.
 */
static __always_inline __u64 codel_step(__u32 count)
{
	__u64 x = 11 << 12, n = count; /* 1/sqrt, 2^-16 */

	if (n >= 1 << 16)
		n = (1 << 16) - 1;
	for (int i = 0; i < 8; i++) {
		if (n >> 2 * i)
			x = 11 << 12 >> i;
	}
	for (int i = 0; i < 4; i++)
		x = x * ((3ULL << 32) - n * x * x) >> 33;
	return CODEL_INTERVAL * x >> 16;
}

/* What CoDel says of a packet whose flow has a queue that is too long. */
enum codel {
	CODEL_PASS,
	CODEL_TELL, /* drop or mark */
	CODEL_DROP,
};

/*
 * Who has been told so often without a pause, once in less than 13 ms by then, does not listen. A
 * queue of his serves nobody, and stamps given for what he borrows stay when others come: it is the
 * shorter the longer he goes on, down to twice what is aimed at. lead: ns that the class's next
 * packet waits. Not that of the flow, which after a time of less is later by those before it: they
 * would be dropped for ever, and the class's clocks not know of a queue.
 */
#define DEAF_SHIFT 6

static __always_inline int is_deaf(const struct qos_flow *flow, __u64 lead, __u64 limit,
				   __u64 latency)
{
	return lead * flow->count > limit << DEAF_SHIFT && lead > 2 * latency;
}

/*
 * The queue is too long now, in a class of such a limit and latency, ns. A function of its own,
 * which the verifier looks at once.
 */
__noinline int qos_codel(__u32 place, __u64 now, __u64 lead, __u64 limit, __u64 latency)
{
	struct qos_flow *flow = bpf_map_lookup_elem(&qos_flows, &place);

	if (!flow)
		return CODEL_PASS;
	if (!flow->above) {
		flow->above = now + CODEL_INTERVAL;
		return CODEL_PASS;
	}
	if ((__s64)(now - flow->above) < 0)
		return CODEL_PASS;
	if ((__s64)(now - flow->next) < 0)
		return is_deaf(flow, lead, limit, latency) ? CODEL_DROP : CODEL_PASS;
	/* a queue that comes back soon goes on where it was */
	if (flow->above > flow->next)
		flow->count = now - flow->next < 16 * CODEL_INTERVAL && flow->count > 2 ?
				      flow->count - 2 :
				      0;
	if (flow->count < 0xffff)
		flow->count++;
	flow->next = now + codel_step(flow->count);
	return CODEL_TELL;
}

/* Two packets and a half, of the flow's largest, are no queue: TCP keeps two here (TSQ). */
static __always_inline enum qos_verdict aqm(const struct path *p, const struct flow_ref *ref,
					    const struct facts *f, __u64 now, __u64 class_at,
					    __u64 at)
{
	__u64 delay = at - now, latency = p->cls->latency_ns, packets;
	struct qos_flow *flow = ref->flow;
	__u32 ecn = p->cls->flags & QOS_CLASS_ECN ? f->ecn : 0;
	enum qos_verdict verdict = QOS_PASS;
	int told;

	if (delay <= (ecn == ECN_ECT1 ? L4S_STEP_NS : latency) || !ref->own)
		goto low;
	packets = wait_for(&p->clk->pace[0], (__u64)flow->largest * (16 * 5 / 2)
						     << QOS_VIRTUAL_SHIFT);
	if (delay <= packets)
		goto low;
	if (ecn == ECN_ECT1)
		verdict = QOS_MARK_L4S;
	/* nobody but ECT(1) is told of so little; or it is the flow's first to wait */
	if (delay <= latency || (__s64)(now - flow->last) >= 0)
		goto low;
	told = qos_codel(ref->place, now, class_at - now, p->cls->limit_ns, latency);
	if (told == CODEL_DROP)
		return QOS_DROP_AQM;
	if (told == CODEL_PASS || ecn == ECN_ECT1)
		return verdict;
	return ecn ? QOS_MARK : QOS_DROP_AQM;
low:
	if (flow->above && ref->own)
		flow->above = 0;
	return verdict;
}

#endif
