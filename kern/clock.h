/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Time, and the clock that a rate is.
 *
 * A clock holds the time (ns, CLOCK_MONOTONIC, which is fq's own) at which the
 * next byte of its rate may leave. An idle clock lags by at most its burst;
 * charging moves it on. Several CPUs use one clock without a lock: it is read when
 * a packet comes and added to, atomically, when all else is done for it. So two
 * packets that come at once may be given the same time; but no charge is lost,
 * whatever races, those that come next are later by both, and the long-run rate
 * is exact.
 */
#ifndef QOS_CLOCK_H
#define QOS_CLOCK_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"

/* The one place that reads time. A test defines it otherwise. */
#ifndef QOS_NOW
#define QOS_NOW() bpf_ktime_get_ns()
#endif

/*
 * a / b, and 0 where b is 0, as BPF has it. For what is not on each packet's way: the kernel puts
 * a test before each division by what is not a constant, and moves the whole program each time
 * (COST.md). A function of its own has one of them.
 */
__noinline __u64 qos_divide(__u64 a, __u64 b)
{
	asm volatile("%0 /= %1" : "+r"(a) : "r"(b));
	return a;
}

/* Time that bytes take at a cost of the class table; rounded to the nearest. */
static __always_inline __u64 clock_cost(__u64 bytes, __u64 cost)
{
	return (bytes * cost + (1ULL << (QOS_COST_SHIFT - 1))) >> QOS_COST_SHIFT;
}

/*
 * Move a clock that was seen on by ns, or, anew, to floor and ns: by a compare-and-swap, and who
 * finds that another CPU was faster just adds, so that no charge is lost. One atomic operation,
 * whatever happens, but for that race.
 */
static __always_inline void clock_move(__u64 *clock, __u64 seen, int anew, __u64 floor, __u64 ns)
{
	if (anew && __sync_val_compare_and_swap(clock, seen, floor + ns) == seen)
		return;
	__sync_fetch_and_add(clock, ns);
}

/* Charge ns. A clock that is behind floor starts from there. */
static __always_inline void clock_take(__u64 *clock, __u64 floor, __u64 ns)
{
	__u64 seen = *(volatile __u64 *)clock;

	clock_move(clock, seen, (__s64)(floor - seen) > 0, floor, ns);
}

/*
 * All bits of a value that is less than 0, none of another. Without a branch, of which each would
 * be one more way through the rest to the verifier; clang makes one of what it knows.
 */
static __always_inline __u64 all_if_less(__s64 value)
{
	asm("%0 s>>= 63" : "+r"(value));
	return value;
}

/*
 * How much more a is than b, or how much later; 0 where it is not. By the sign of what is between
 * them, so times and virtual time may wrap, and quantities are below 2^63.
 */
static __always_inline __u64 less(__u64 a, __u64 b)
{
	__u64 more = a - b;

	return more & ~all_if_less(more);
}

static __always_inline __u64 later(__u64 a, __u64 b)
{
	__s64 more = a - b;

	return a - (more & all_if_less(more));
}

static __always_inline __u64 sooner(__u64 a, __u64 b)
{
	__s64 more = a - b;

	return b + (more & all_if_less(more));
}

#endif
