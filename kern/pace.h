/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual time: how the children of a class, or the flows of a leaf, share what
 * there is (generalized processor sharing: Demers, Keshav, Shenker 1989; Parekh,
 * Gallager 1993). Each child's finish moves on by bytes / weight; virtual time goes at
 * capacity / (weight of those that wait), so who waits departs when it reaches
 * his finish. Nobody walks a list: a wheel of real time holds the weight of those
 * that wait until each turn, which their last packet's finish says.
 *
 * The speed is set anew every period by whoever comes first then. A reader that
 * meets the writer sees a virtual time that is wrong by a period at most, which
 * its child loses or gains once.
 */
#ifndef QOS_PACE_H
#define QOS_PACE_H

#include "clock.h"
#include "maps.h"

#define NS_PER_SEC	1000000000ULL
#define VIRTUAL_DT_MAX	(1ULL << 31) /* ns that virtual time is followed without a look */

#define BYTES_PER_S_MAX 16000000000ULL /* 128 Gbit/s: times 2^30 fits a word; */
#define FAST_SHIFT	3	       /* 2^n times that are counted in units 2^n as large */

/* Of a pace's reach, 17 s: 16 ms that a finish may be ahead of one who is alone. */
#define ALONE_SHIFT 10

/* What virtual time goes on by in so many ns at a speed. */
static __always_inline __u64 virtual_in(__u64 ns, __u64 speed)
{
	return (ns >> 4) * speed >> 12;
}

static __always_inline __u64 virtual_now(const struct qos_pace *p, __u64 now)
{
	__u64 dt = sooner(less(now, *(volatile __u64 *)&p->t), VIRTUAL_DT_MAX);

	return *(volatile __u64 *)&p->v + virtual_in(dt, *(volatile __u64 *)&p->speed);
}

/* No queue is so long: 17 s where virtual time is fast, hours at 100 Mbit/s. */
#define STALE (1ULL << 52)

/*
 * How much later a finish is than virtual time; 0 where it is not. So is one that is too
 * far ahead: virtual time has gone half round since its child last sent.
 */
static __always_inline __u64 finish_ahead(__u64 finish, __u64 v)
{
	__u64 ahead = less(finish, v);

	return ahead & all_if_less(ahead - STALE);
}

/* What virtual time goes on by in 2^34 ns, 17 s. */
static __always_inline __u64 reach(const struct qos_pace *p)
{
	return *(volatile __u64 *)&p->speed << 18;
}

/* ns until virtual time has gone on by so much. */
static __always_inline __u64 wait_for(const struct qos_pace *p, __u64 ahead)
{
	return sooner(ahead, reach(p)) * *(volatile __u64 *)&p->inv >> 28;
}

/*
 * Turns that a wheel can look ahead, before and beyond where only every 16th is told from the
 * others. These may not have been cleared yet: of a class that sends nothing itself, as late as the
 * slowest of its children looks.
 */
#define TURNS_LATE 8
#define TURNS_NEAR (QOS_NEAR - TURNS_LATE)
#define TURNS_FAR  ((QOS_FAR - 2) << QOS_FAR_SHIFT)
#define TURNS	   (QOS_FAR << QOS_FAR_SHIFT)
#define FAR_MASK   ((1U << QOS_FAR_SHIFT) - 1)

/*
 * Turns further than the least, for what a level has to share: until half a megabyte of it has
 * left. That is none at 50 Mbit/s, where who waits so long is seldom anyone but one whose stamps
 * are of a time when it had less than now.
 */
#define REACH_BYTES (1ULL << 19)

static __always_inline __u16 far_turns(__u64 bytes_per_s, __u32 shift)
{
	__u64 turns = qos_divide(REACH_BYTES * NS_PER_SEC, bytes_per_s | 1) >> shift;

	return sooner(less(turns, TURNS_NEAR), TURNS_FAR - TURNS_NEAR);
}

/* The first turn that is told from others far away, from one on. */
static __always_inline __u32 far_turn(__u32 turn)
{
	return (turn + FAR_MASK) >> QOS_FAR_SHIFT;
}

#define WHEEL_BITS 63 /* more than there are, but the verifier of 6.1 sees that it is no more */

/* Each 16th turn is a far one, whenever it is reached. */
static __always_inline __u32 *wheel_at(struct qos_pace *p, __u32 turn)
{
	__u64 far = all_if_less((turn & FAR_MASK) - 1LL); /* no branch, as in sum_up() */
	__u64 near_at = turn % QOS_NEAR, far_at = QOS_NEAR + (turn >> QOS_FAR_SHIFT) % QOS_FAR;

	return &p->wheel[(near_at + ((far_at - near_at) & far)) & WHEEL_BITS];
}

static __always_inline int is_waiting(__u32 until, __u64 now, __u32 shift)
{
	return until - (__u32)(now >> shift) < TURNS;
}

/* Turns until time, as far as the wheel looks. */
static __always_inline __u64 turns_until(const struct qos_pace *p, __u64 now, __u64 until,
					 __u32 shift)
{
	return sooner((until >> shift) - (now >> shift), TURNS_NEAR + *(volatile __u16 *)&p->far);
}

/* Whether so many turns from here are more than what the wheel says. */
static __always_inline int are_more(__u32 seen, __u32 here, __u64 turns)
{
	return seen - here >= TURNS || turns > seen - here;
}

static __always_inline int is_later_turn(const struct qos_pace *p, __u32 seen, __u64 now,
					 __u64 until, __u32 shift)
{
	return are_more(seen, now >> shift, turns_until(p, now, until, shift));
}

/*
 * Be on the wheel until time: weight moves from the turn that *mine says to a
 * later one. Who finds that another CPU has just done it has nothing to do. Whether it was on none.
 */
static __always_inline int wait_until(struct qos_pace *p, __u32 *mine, __u32 weight, __u64 now,
				      __u64 until, __u32 shift)
{
	__u32 seen = *(volatile __u32 *)mine, here = now >> shift, turn, round;
	__u64 turns = turns_until(p, now, until, shift);

	if (!are_more(seen, here, turns))
		return 0;
	turn = here + (__u32)turns;
	round = all_if_less(TURNS_NEAR - turns) & FAR_MASK; /* up, beyond the near ones */
	turn = (turn + round) & ~round;
	if (__sync_val_compare_and_swap(mine, seen, turn) != seen)
		return 0;
	__sync_fetch_and_add(wheel_at(p, turn), weight);
	if (seen - here >= TURNS)
		return 1;
	__sync_fetch_and_sub(wheel_at(p, seen), weight);
	return 0;
}

/* Without a branch: to the verifier each turn would be one more way through the rest. */
static __always_inline void sum_up(__u32 weight, __u64 turn, __u64 *sum, __u64 *last)
{
	/* less than 0: a weight was changed meanwhile */
	__u64 is = all_if_less(-(__s64)(__s32)weight);

	*sum += weight & is;
	*last = (*last & ~is) | (turn & is);
}

/*
 * Forget those that waited until turns that are over. A function of its own, which the verifier
 * looks at once.
 */
__noinline int qos_clear_turns(__u32 slot, __u32 level, __u32 here)
{
	struct qos_clocks *clk = bpf_map_lookup_elem(&qos_clocks, &slot);
	__u32 from, over;
	struct qos_pace *p;

	if (!clk || level >= QOS_LEVELS)
		return 0;
	p = &clk->pace[level];
	from = p->turn;
	over = here - from;
	for (__u32 i = 0; i < QOS_NEAR && i < over; i++)
		p->wheel[(from + i) % QOS_NEAR] = 0;
	over = far_turn(here) - far_turn(from);
	for (__u32 i = 0; i < QOS_FAR && i < over; i++)
		p->wheel[QOS_NEAR + (far_turn(from) + i) % QOS_FAR] = 0;
	p->turn = here;
	return 0;
}

/*
 * Clear the turns of a class's wheel that are over, and sum up the weight of the others; returns
 * how many there are until the last that has some. A function of its own, which the verifier looks
 * at once.
 */
__noinline __u64 qos_turn_wheel(__u32 slot, __u32 level, __u64 now)
{
	const struct qos_class_cfg *cfg = bpf_map_lookup_elem(&qos_classes, &slot);
	struct qos_clocks *clk = bpf_map_lookup_elem(&qos_clocks, &slot);
	__u64 sum = 0, near = 0, far = 0;
	struct qos_pace *p;
	__u32 here;

	if (!cfg || !clk || level >= QOS_LEVELS)
		return 0;
	p = &clk->pace[level];
	here = now >> (cfg->period_shift & 31);
	/*
	 * Another CPU, which read the time after this one, was here first. A wheel that is further
	 * off has never been turned, or had turns of another length.
	 */
	if (p->turn - here - 1 < QOS_NEAR)
		here = p->turn;
	qos_clear_turns(slot, level, here);
	for (__u32 i = 0; i < QOS_NEAR; i++)
		sum_up(p->wheel[(here + i) % QOS_NEAR], i, &sum, &near);
	for (__u32 i = 0; i < QOS_FAR; i++)
		sum_up(p->wheel[QOS_NEAR + (far_turn(here) + i) % QOS_FAR], i + 1, &sum, &far);
	p->waiting = sum;
	if (far)
		near = later(near, ((far_turn(here) + far - 1) << QOS_FAR_SHIFT) - here);
	return near;
}

/*
 * What finishes said in another unit is forgotten: all of them are behind. The unit first, as what
 * is charged in the old one after the jump would wait for ever; before it, it is forgotten too.
 */
static __always_inline void set_unit(struct qos_pace *p, __u32 coarse)
{
	if (p->coarse == coarse)
		return;
	*(volatile __u16 *)&p->coarse = coarse;
	*(volatile __u64 *)&p->v += 2 * STALE;
}

/* What a class's finish moves on by; bytes: less than 2^28. */
static __always_inline __u64 virtual_cost(const struct qos_pace *p, __u64 bytes, __u64 share_cost)
{
	return bytes * share_cost >> (p->coarse & 31);
}

/* And bytes, of what a finish is ahead. */
static __always_inline __u64 virtual_bytes(const struct qos_pace *p, __u64 ahead, __u64 share_cost)
{
	__u32 coarse = p->coarse & 31;
	__u64 cost = share_cost | 1;

	__u64 whole = qos_divide(ahead, cost);

	return (whole << coarse) + qos_divide((ahead - whole * cost) << coarse, cost);
}

/* one: the weight that bytes are counted for. least: a speed, in the pace's unit. */
static __always_inline void set_speed(struct qos_pace *p, __u64 now, __u64 bytes_per_s,
				      __u64 weight, __u64 one, __u64 least)
{
	__u32 fast = bytes_per_s > BYTES_PER_S_MAX ? FAST_SHIFT : 0;
	__u64 v = virtual_now(p, now), speed;

	bytes_per_s = sooner(bytes_per_s, BYTES_PER_S_MAX << FAST_SHIFT);
	speed = qos_divide((bytes_per_s << (30 - fast)) / NS_PER_SEC * one, weight ? weight : one);
	speed = later(speed << (2 + fast) >> (p->coarse & 31), least);
	speed = later(sooner(speed, QOS_SPEED_MAX), 1);
	*(volatile __u64 *)&p->v = v;
	*(volatile __u64 *)&p->t = now;
	*(volatile __u64 *)&p->speed = speed;
	*(volatile __u64 *)&p->inv = qos_divide(1ULL << 44, speed);
}

/* bytes/s that a weight has of a pace. */
static __always_inline __u64 share_of(const struct qos_pace *p, __u64 weight)
{
	__u64 speed = p->speed * weight >> ((QOS_WEIGHT_BITS - p->coarse) & 31);

	if (speed > QOS_SPEED_MAX)
		return (sooner(speed, QOS_SPEED_MAX << FAST_SHIFT) >> (4 + FAST_SHIFT)) *
			       NS_PER_SEC >>
		       (28 - FAST_SHIFT);
	return (speed >> 4) * NS_PER_SEC >> 28;
}

/* With what weight one who needs so much has just that, where others have the rest. */
static __always_inline __u64 weight_for(__u64 need, __u64 weight, __u64 rest, __u64 others)
{
	return sooner(weight, qos_divide((need >> 4) * others, (rest >> 4) | 1));
}

static __always_inline __u64 packet_time(const struct qos_class_cfg *cfg, __u64 rate)
{
	return qos_divide((__u64)cfg->packet_bytes * NS_PER_SEC, rate ? rate : 1);
}

/* Longer than any queue: 17 s, which fit with the fastest of links. */
#define IN_MAX (1ULL << 34)

static __always_inline __u64 bytes_in(__u64 bytes_per_s, __u64 ns)
{
	return (bytes_per_s >> 4) * (sooner(ns, IN_MAX) >> 6) / (NS_PER_SEC >> 10);
}

/* How fast rates follow: those for the shares, and those for people. */
#define USED  2
#define SHOWN 5

/* A rate of late: what was, moved by 2^-shift towards what came in dt. */
static __always_inline __u64 follow(__u64 rate, __u64 bytes, __u64 dt, __u64 period, __u32 shift)
{
	/* not qos_divide(): who calls this has no more stack */
	__u64 sample = bytes * NS_PER_SEC / (dt ? dt : 1);

	if (dt > period << shift)
		return sample;
	return rate + ((__s64)(sample - rate) >> shift);
}

#define PART_MAX 256 /* 1024ths of a rate, by which it may differ from what was measured: */
#define TRIM_MAX 128 /* by what is now, and by what was always */
/*
 * How slowly what was always is learnt. What waits is itself a sum, of what was sent too fast: the
 * two swing about each other unless this one is some four times slower. A 32nd of what is left over
 * a period gives a swing of 0.35 of critical damping with 4, and of 0.7 with 6.
 */
#define TRIM_BITS 6

static __always_inline __s64 within(__s64 value, __s64 most)
{
	return later(sooner(value, most), -most);
}

/*
 * room, less by what was sent too much of it, or more by what is left over: in proportion, and,
 * as an integral, by what is always wrong in the same way (trim). More only in proportion to what
 * there is; less of the whole that the room is of. scale: what is to change it by a 32nd.
 */
static __always_inline __u64 correct(__u64 room, __u64 whole, __s64 left_over, __u64 scale,
				     __s32 *trim)
{
	__u64 size = left_over < 0 ? -left_over : left_over;
	__s64 part = sooner(qos_divide(sooner(size, 1ULL << 56) << 5, scale | 1), PART_MAX);

	if (left_over < 0)
		part = -part;
	*trim = within(*trim + part, TRIM_MAX << TRIM_BITS);
	part += *trim >> TRIM_BITS;
	if (part < 0)
		return less(room, (whole >> 10) * -part);
	return room + (((whole >> 4) + room) >> 10) * part;
}

#endif
