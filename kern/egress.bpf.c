// SPDX-License-Identifier: GPL-2.0-only
/* The clsact egress program: parse, classify, depart, charge, mark, count. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "aqm.h"
#include "classify.h"
#include "clock.h"
#include "count.h"
#include "mark.h"
#include "flow.h"
#include "order.h"
#include "packet.h"
#include "renew.h"
#include "share.h"
#include "size.h"
#include "tree.h"
#include "tunnel.h"

/* Passing, leave the word to the filters after ours; dropping, have it. */
#define PASS TC_ACT_UNSPEC
#define DROP TC_ACT_SHOT
/* Nothing is done yet: the shares of the class are to be looked at first. */
#define AGAIN QOS_AGAIN
/* Passes; of the bytes that facts say, its flow is to be told. */
#define SAMPLE 1001

/* Wall-clock stamps are above this (September 2001), uptimes below (31 years). */
#define WALL_CLOCK_NS 1000000000000000000ULL

/* fq before 6.7 sends it at once (fq_classify()), later it is in the first band. */
#define PRIORITY_CONTROL 7

/* A packet on its way through. */
struct shaping {
	struct facts *facts;
	struct path path;
	struct departure d;
	struct flow_ref ref;
	struct size size;
	__u64 now, at;
};

/*
 * What who listens at the exit of qos_shape() is told of a drop or a mark, in words of the facts
 * that have served by then: how long the packet waits, or would; and its size, in sample.
 */
static __always_inline void report(const struct shaping *s, enum qos_verdict verdict, __u64 wait)
{
	s->facts->verdict = verdict;
	s->facts->lead = wait;
	__builtin_memcpy(&s->facts->sample, &s->size, sizeof(s->size));
}

static __always_inline int drop(const struct shaping *s, __u32 slot, enum qos_verdict verdict,
				__u64 wait)
{
	report(s, verdict, wait);
	count(slot, verdict, &s->size);
	return DROP;
}

/* By its header; inside a tunnel, by the socket, which the packet still has. */
static __always_inline int is_tcp(struct __sk_buff *skb, __u32 key)
{
	struct bpf_sock *sk = skb->sk;

	if ((key & QOS_KEY_PROTO(0xff)) == QOS_KEY_PROTO(IPPROTO_TCP))
		return 1;
	if (sk)
		sk = bpf_sk_fullsock(sk);
	return sk && sk->protocol == IPPROTO_TCP;
}

/*
 * The stamp that the packet came with: TCP's pacing, or a user's SO_TXTIME. It delays its own
 * packet and no clock hears of it, or all others would wait until then. TCP's may be as far ahead
 * as fq looks: TSQ bounds what a socket has there, and its pacing rate how dense that is. Others
 * could have all that was charged for a whole limit leave at once. Such a packet waits no longer,
 * after the time at which its class lets it go, than a queue of the class may: until most, and then
 * leaves before its own time, in no larger burst; beyond the limit it asks for too much, for which
 * this returns 0. A wall-clock stamp that has no mark of being a departure time is a receive stamp,
 * and none.
 */
__noinline __u64 qos_own_stamp(struct __sk_buff *skb, __u32 key, __u64 now, __u64 limit, __u64 most)
{
	__u64 stamp = skb->tstamp;

	if (is_tcp(skb, key)) {
		limit = later(limit, QOS_HORIZON_NS);
		most = stamp;
	}
	if (stamp - now <= limit)
		return sooner(stamp, most);
	if (skb->tstamp_type != BPF_SKB_TSTAMP_DELIVERY_MONO && stamp >= WALL_CLOCK_NS)
		return now;
	return 0;
}

/* at: the stamp as it came, for who is told of one that asks for too much. */
static __always_inline __u64 own_stamp(struct __sk_buff *skb, struct shaping *s)
{
	__u64 own = skb->tstamp, limit = s->path.cls->limit_ns, most;

	if (own <= s->now)
		return s->now;
	s->at = own;
	most = s->d.at + s->path.cls->latency_ns;
	if (own <= most && own - s->now <= limit)
		return own;
	return qos_own_stamp(skb, s->facts->key, s->now, limit, most);
}

/* Over burst: a mark where the packet can carry one. */
static __always_inline int police(struct __sk_buff *skb, const struct shaping *s)
{
	enum qos_verdict verdict = QOS_PASS;
	struct qos_counters *c;

	if (s->d.at - s->now > s->path.cls->limit_ns)
		return drop(s, s->path.slot, QOS_DROP_POLICE, s->d.at - s->now);
	if (s->d.at > s->now) {
		if (!(s->path.cls->flags & QOS_CLASS_ECN) || !mark_ce(skb, s->facts))
			return drop(s, s->path.slot, QOS_DROP_POLICE, s->d.at - s->now);
		verdict = QOS_MARK;
		report(s, verdict, s->d.at - s->now);
	}
	charge(&s->path, s->now, s->d.at, s->size.bytes, &s->d);
	c = count(s->path.slot, verdict, &s->size);
	if (c)
		c->borrowed += s->size.bytes * (s->d.own ^ 1);
	return PASS;
}

/* hash: of the facts, where rules asked for it. */
static __always_inline __u64 flow_hash_of(const struct facts *f, __u64 hash)
{
	return qos_link.rules ? hash : hash_facts(f, rest_of_facts(f));
}

/* Whether the packet passes, and when: at, or a verdict that drops it. */
static __always_inline enum qos_verdict judge(struct __sk_buff *skb, struct shaping *s, __u64 hash)
{
	enum qos_verdict verdict;

	find_flow(s->facts, flow_hash_of(s->facts, hash), &s->path, s->now, &s->ref);
	if (!s->ref.flow) { /* never: the table is as large as its mask says */
		s->at = s->now;
		return QOS_DROP_LIMIT;
	}
	s->at = flow_at(&s->path, &s->ref, s->now, s->d.at, s->size.bytes);
	if (s->at - s->now > s->path.cls->limit_ns)
		return QOS_DROP_LIMIT;
	verdict = aqm(&s->path, &s->ref, s->facts, s->now, s->d.at, s->at);
	if (verdict == QOS_MARK || verdict == QOS_MARK_L4S) {
		mark_ce(skb, s->facts);
		report(s, verdict, s->at - s->now);
	}
	return verdict;
}

/*
 * No stamp on what may leave at once, so that a socket's own pacing rate, which fq heeds for
 * packets without one, still holds. A stamp is marked as a departure time, as TCP's already is:
 * where the packet is received on this host, by ifb or veth, any other is when that was. The helper
 * refuses what is not IP, which is held all the same. It takes some ns (COST.md), so where hardware
 * sends the packet, and nobody here ever receives it, it is left out.
 */
static __always_inline void depart_at(struct __sk_buff *skb, __u64 now, __u64 at)
{
	if (!skb->tstamp && at <= now)
		return;
	if (qos_link.hardware || skb->tstamp_type == BPF_SKB_TSTAMP_DELIVERY_MONO ||
	    bpf_skb_set_tstamp(skb, at, BPF_SKB_TSTAMP_DELIVERY_MONO))
		skb->tstamp = at;
}

/*
 * A verdict that lets a packet pass, and for the verifier any of them, so that it goes on from
 * here once: the compiler is kept from doing this later.
 */
static __always_inline __u64 forget_which(__u64 verdict)
{
	asm volatile("%0 &= 3" : "+r"(verdict));
	return verdict;
}

/* own: the stamp that the packet came with; 0: one that is too far off. */
static __always_inline int stamp(struct __sk_buff *skb, struct shaping *s, __u64 hash, __u64 own)
{
	enum qos_verdict verdict = own ? judge(skb, s, hash) : QOS_DROP_HORIZON;
	struct qos_counters *c;
	__u64 passed;

	if (verdict >= QOS_DROP_LIMIT) {
		if ((s->d.ahead & (s->d.held - 1)) | s->d.alone)
			qos_still_waits(s->path.slot, s->now, s->d.at);
		return drop(s, s->path.slot, verdict, s->at - s->now);
	}
	passed = forget_which(verdict + unknown_zero(s->path.cls));
	charge_flow(&s->path, &s->ref, s->now, s->d.at, s->at, s->size.bytes);
	if (s->at > s->now)
		be_busy(&s->path, s->at);
	c = count(s->path.slot, passed, &s->size);
	if (c) {
		c->borrowed += s->size.bytes * (s->d.own ^ 1);
		count_delay(c, s->at - s->now, &s->size);
	}
	note_leaving(s->now, s->at, s->size.bytes);
	depart_at(skb, s->now, later(s->at, own));
	charge(&s->path, s->now, s->at, s->size.bytes, &s->d);
	return PASS;
}

/* The same for a packet of a class that is quiet. */
static __always_inline int pass(struct __sk_buff *skb, struct shaping *s, __u64 own)
{
	struct qos_counters *c = count(s->path.slot, QOS_PASS, &s->size);
	__u64 bytes = s->size.bytes;

	note_leaving(s->now, s->now, bytes);
	depart_at(skb, s->now, own);
	if (c) {
		c->borrowed += bytes * (s->d.own ^ 1);
		s->facts->sample = sample_of(s->path.cls, c->by[QOS_PASS].bytes, bytes);
	}
	charge_clocks(&s->path, s->now, s->now, bytes, &s->d);
	if (!s->facts->sample)
		return PASS;
	s->facts->sampled = s->now;
	return SAMPLE;
}

/*
 * ARP and neighbour discovery: without them a full class would cut the host off. They are charged
 * while the class's queue is no longer than it aims at, which of a policer is none: else a scan of
 * a large network would be a queue that all others find too long.
 */
__noinline int qos_exempt(struct __sk_buff *skb, struct facts *f, __u32 slot)
{
	struct shaping s = { .facts = f };

	if (!f || find_path(slot, &s.path))
		return DROP;
	s.now = QOS_NOW();
	measure(skb, f, &s.size);
	depart(&s.path, s.now, &s.d);
	if (s.d.at - s.now <= sooner(s.path.cls->latency_ns, s.path.cls->limit_ns / 2))
		charge(&s.path, s.now, s.now, s.size.bytes, &s.d);
	skb->priority = PRIORITY_CONTROL;
	count(slot, QOS_EXEMPT, &s.size);
	return PASS;
}

/*
 * A packet whose facts, class and time are known. A function of its own: the verifier looks
 * at it once, for any facts, and not again for each way that a packet was read.
 */
__noinline int qos_shape(struct __sk_buff *skb, struct facts *f, __u32 slot, __u64 hash, __u64 now)
{
	struct shaping s;
	__u64 own;
	int action, quiet;

	if (!f)
		return DROP;
	s.facts = f;
	measure(skb, f, &s.size);
	if (slot == QOS_DROP_SLOT)
		return drop(&s, QOS_SLOT_LINK, QOS_DROP_RULE, 0);
	if (find_path(slot, &s.path))
		return DROP;
	s.now = now;
	depart(&s.path, s.now, &s.d);
	quiet = is_quiet(&s.path, &s.d, s.now);
	if (!f->renewed && is_overdue(&s.path, s.now, quiet)) {
		f->renewed = s.now;
		f->lead = s.d.at - s.now;
		return AGAIN;
	}
	skb->priority = s.path.cls->priority;
	if (qos_link.mode == QOS_MODE_POLICE) {
		action = police(skb, &s);
	} else {
		own = own_stamp(skb, &s);
		action = own && quiet ? pass(skb, &s, own) : stamp(skb, &s, hash, own);
	}
	if (action != DROP && s.path.cls->dscp != QOS_DSCP_KEEP)
		write_dscp(skb, f, s.path.cls->dscp);
	return action;
}

SEC("tc")
int qos_egress(struct __sk_buff *skb)
{
	struct facts facts;
	/* first: reading the clock waits for all loads before it, and nothing after it has to wait
	 */
	__u64 rest, hash, now = QOS_NOW();
	__u32 slot;
	int action;

	parse(skb, &facts);
	if (qos_link.tunnel_inner)
		qos_look_inside(skb, &facts);
	if (facts.exempt)
		return qos_exempt(skb, &facts, qos_link.default_slot);
	rest = rest_of_facts(&facts);
	/* rules and flows have it in common; a policy may have no rules, and a packet need no flow
	 */
	hash = qos_link.rules ? hash_facts(&facts, rest) : 0;
	slot = QOS_DECIDED_SLOT(classify(skb, &facts, rest, hash));
	forget_more(&facts);
	if (now < qos_link.settled)
		qos_order(&facts, slot, flow_hash_of(&facts, hash), now);
	action = qos_shape(skb, &facts, slot, hash, now);
	/* from here, as its stack is short; and before anything is charged, as what is on
	 * the wheels is told from what was there a turn ago */
	if (action == AGAIN) {
		qos_renew(slot, facts.renewed, facts.lead);
		action = qos_shape(skb, &facts, slot, hash, now);
	}
	if (action == SAMPLE) {
		qos_sample(&facts, slot, flow_hash_of(&facts, hash));
		action = PASS;
	}
	return action;
}

/* What skb->cb says (abi.h, QOS_ASK_…), where a real packet has a socket and a tag. */
static __always_inline void be_asked(struct __sk_buff *skb, struct facts *f)
{
	__u32 given = skb->cb[0];

	find_small(skb, f);
	f->more.mark = skb->mark;
	f->more.uid = given & QOS_ASK_UID ? skb->cb[1] : QOS_NO_UID;
	f->more.cgroup = given & QOS_ASK_CGROUP ? skb->cb[2] | (__u64)skb->cb[3] << 32 : 0;
	if (given & QOS_ASK_VLAN)
		f->more.vlan = skb->cb[4];
}

/* When its class lets the packet go; of its flow it is not asked, as that could take a record. */
static __always_inline __u32 would_wait(const struct path *path, const struct facts *f, __u64 *wait)
{
	__u64 now = QOS_NOW(), limit = path->cls->limit_ns;
	struct departure d;

	depart(path, now, &d);
	*wait = d.at - now;
	if (qos_link.mode != QOS_MODE_POLICE)
		return *wait <= limit ? QOS_PASS : QOS_DROP_LIMIT;
	/* see police() */
	if (!f->ecn || !(path->cls->flags & QOS_CLASS_ECN))
		limit = 0;
	return *wait <= limit ? QOS_PASS : QOS_DROP_POLICE;
}

/*
 * For BPF_PROG_TEST_RUN, over the maps of a running program: what it would do with a packet.
 * Nothing is charged, counted or remembered.
 */
SEC("?tc")
int qos_explain(struct __sk_buff *skb)
{
	__u32 decided, slot, verdict = QOS_DROP_RULE;
	struct facts facts;
	struct path path;
	__u64 wait = 0;

	parse(skb, &facts);
	if (qos_link.tunnel_inner)
		qos_look_inside(skb, &facts);
	be_asked(skb, &facts);
	decided = facts.exempt || !qos_link.rules ? qos_link.default_slot :
						    qos_first_match(skb, &facts, 1);
	slot = QOS_DECIDED_SLOT(decided);
	if (slot != QOS_DROP_SLOT && !find_path(slot, &path))
		verdict = would_wait(&path, &facts, &wait);
	skb->cb[0] = decided;
	skb->cb[1] = slot;
	skb->cb[2] = wait;
	skb->cb[3] = wait >> 32;
	skb->cb[4] = verdict | (facts.exempt ? QOS_TOLD_EXEMPT : 0);
	return PASS;
}

char _license[] SEC("license") = "GPL";
