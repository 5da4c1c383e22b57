/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"

#define STALE_NS  1000000000ULL
#define DEPTH_MAX 9 /* the link, and QOS_POLICY_DEPTH below it */

uint64_t qos_live_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void qos_live_done(struct qos_live *live)
{
	free(live->classes);
	free(live->clocks);
}

bool qos_live_is_police(const struct qos_bpf *bpf)
{
	const json_t *mode = json_object_get(json_object_get(bpf->state, "show"), "mode");

	return json_is_string(mode) && strcmp(json_string_value(mode), "police") == 0;
}

int qos_live_read(const struct qos_bpf *bpf, struct qos_live *ret_live)
{
	_cleanup_(freep) void *classes = NULL, *clocks = NULL;
	int r = qos_bpf_array(bpf->classes_fd, bpf->capacity, sizeof(struct qos_class_cfg),
			      &classes);

	if (r == 0)
		r = qos_bpf_array(bpf->clocks_fd, bpf->capacity, sizeof(struct qos_clocks),
				  &clocks);
	if (r < 0)
		return r;
	*ret_live = (struct qos_live){
		.classes = TAKE_PTR(classes),
		.clocks = TAKE_PTR(clocks),
		.capacity = bpf->capacity,
		.now = qos_live_now(),
		.police = qos_live_is_police(bpf),
	};
	return 0;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* How far a time is ahead of another, which may be 0 or have wrapped: virtual ones do. */
struct qos_live_rate qos_live_rate(const struct qos_live *live, uint32_t slot)
{
	const struct qos_clocks *clk = &live->clocks[slot];
	uint64_t seen = clk->pace[0].t, all = 8 * (clk->own_rate + clk->borrowed_rate);
	uint64_t sure = 8 * live->classes[slot].rate;

	if (!seen || seen + STALE_NS < live->now)
		return (struct qos_live_rate){ 0 };
	return (struct qos_live_rate){
		.all = all,
		/* it takes what is idle before it uses its guarantee, which it keeps for later */
		.borrowed = sooner(8 * clk->borrowed_rate, all > sure ? all - sure : 0),
	};
}

static uint64_t ahead_of(uint64_t time, uint64_t than)
{
	return (int64_t)(time - than) > 0 ? time - than : 0;
}

/* When what the ancestors have lent is paid for. */
static uint64_t lenders(const struct qos_live *live, uint32_t slot, uint32_t level)
{
	uint64_t at = 0;

	for (int i = 0; i < DEPTH_MAX && slot < live->capacity; i++) {
		at = later(at, live->clocks[slot].ceil[level]);
		slot = live->classes[slot].hard;
	}
	return at;
}

/* An inner class's own ceiling, if it has one, and those above it; of all priorities. */
static uint64_t busy_until(const struct qos_live *live, uint32_t slot)
{
	const struct qos_class_cfg *cfg = &live->classes[slot];
	uint32_t first = cfg->flags & QOS_CLASS_CEIL ? slot : cfg->hard;
	uint64_t at = 0;

	for (uint32_t level = 0; level < QOS_LEVELS; level++)
		at = later(at, lenders(live, first, level));
	return at;
}

/* Nothing is held: how long it would be until a packet fits, as depart() of kern/tree.h decides. */
static uint64_t police_until(const struct qos_live *live, uint32_t slot)
{
	const struct qos_class_cfg *cfg = &live->classes[slot];
	const struct qos_clocks *clk = &live->clocks[slot];
	uint64_t at = live->now;

	if (cfg->flags & QOS_CLASS_BORROW && cfg->level < QOS_LEVELS)
		at = later(at, lenders(live, cfg->hard, cfg->level));
	if (cfg->flags & QOS_CLASS_RATE)
		at = sooner(at, later(clk->rate, live->now - cfg->rate_burst_ns));
	if (cfg->flags & QOS_CLASS_CEIL)
		at = later(at, clk->ceil[0]);
	return at;
}

uint64_t qos_live_backlog(const struct qos_live *live, uint32_t slot, bool inner)
{
	uint64_t at = inner	   ? busy_until(live, slot) :
		      live->police ? police_until(live, slot) :
				     live->clocks[slot].busy - QOS_BUSY_STEP_NS;

	return ahead_of(at, live->now);
}
