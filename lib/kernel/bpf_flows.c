/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/bpf_flows.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "kernel/live.h"
#include "kernel/slots.h"

#define FLOW_RECORDS_PER_CLASS 256
#define FLOW_RECORDS_MAX       65536 /* of 128 bytes with their names */

static struct bpf_map *map_of(const struct bpf_object *obj, const char *name)
{
	return bpf_object__find_map_by_name(obj, name);
}

/* A power of two: 2 MB of memory for a policy of usual size, 8 MB for the largest. */
static uint32_t flow_records(uint32_t capacity)
{
	uint32_t records = FLOW_RECORDS_PER_CLASS * QOS_SLOTS_MIN;

	while (records < FLOW_RECORDS_MAX && records < FLOW_RECORDS_PER_CLASS * capacity)
		records *= 2;
	return records;
}

/* Long enough to load a program on a slow machine. */
#define LOADING_NS 10000000000ULL

/* How long packets may wait: as their class allows, or has allowed before; fq takes no more. */
static uint64_t longest_in(const struct qos_class_cfg *cls, const struct qos_clocks *clk,
			   uint64_t now)
{
	uint64_t wait = cls->limit_ns;

	if (clk->busy > now + wait)
		wait = clk->busy - now;
	return wait < QOS_HORIZON_NS ? wait : QOS_HORIZON_NS;
}

/* Of the program before: the slots of classes where packets may wait, and ns. */
static int find_longest(const struct qos_bpf *old, uint32_t *ret_slots, uint64_t *ret_longest)
{
	_cleanup_(freep) struct qos_class_cfg *classes = NULL;
	_cleanup_(freep) struct qos_clocks *clocks = NULL;
	uint64_t now = qos_live_now(), longest = 0;
	int r;

	r = qos_bpf_array(old->classes_fd, old->capacity, sizeof(*classes), (void **)&classes);
	if (r == 0)
		r = qos_bpf_array(old->clocks_fd, old->capacity, sizeof(*clocks), (void **)&clocks);
	if (r)
		return r;
	for (uint32_t slot = 0; slot < old->capacity; slot++) {
		uint64_t wait = longest_in(&classes[slot], &clocks[slot], now);

		if (wait)
			*ret_slots = slot + 1;
		if (wait > longest)
			longest = wait;
	}
	*ret_longest = longest;
	return 0;
}

/*
 * For flows that are moved to another class, or told apart by something else (kern/order.h), until
 * the longest queue of the program before has left, after this one is in its place. A policer lets
 * nothing wait.
 */
static int keep_order(const struct qos_bpf *old, struct qos_link_cfg *link)
{
	json_int_t before = json_integer_value(json_object_get(old->state, "generation"));
	uint64_t longest;
	int r;

	link->generation = (uint16_t)(before + 1);
	if (link->mode != QOS_MODE_FQ)
		return 0;
	r = find_longest(old, &link->slots, &longest);
	if (r)
		return r;
	link->longest_ms = (uint32_t)(longest / 1000000 + 1);
	link->settled = qos_live_now() + LOADING_NS + longest;
	return 0;
}

/* Their records, their names, and how they were told apart. */
static int take_over(const struct bpf_object *obj, const struct qos_bpf *old,
		     const struct qos_link_cfg *link)
{
	int r = bpf_map__reuse_fd(map_of(obj, "qos_flows"), old->flows_fd);

	if (r == 0)
		r = bpf_map__reuse_fd(map_of(obj, "qos_flow_names"), old->names_fd);
	if (r == 0 && link->slots)
		r = bpf_map__set_max_entries(map_of(obj, "qos_before"), old->capacity);
	return r;
}

json_t *qos_flows_salt(const struct qos_link_cfg *link)
{
	json_t *salt = json_array();

	for (size_t i = 0; salt && i < ARRAY_SIZE(link->salt); i++) {
		if (json_array_append_new(salt, json_integer((json_int_t)link->salt[i]))) {
			json_decref(salt);
			return NULL;
		}
	}
	return salt;
}

static void take_salt(const struct qos_bpf *old, struct qos_link_cfg *link)
{
	const json_t *salt = json_object_get(old->state, "salt");

	for (size_t i = 0; i < ARRAY_SIZE(link->salt); i++)
		link->salt[i] = (uint64_t)json_integer_value(json_array_get(salt, i));
}

/*
 * Flows live on: a record knows when the flow's last packet departs, and a salt which record
 * that is. Their table grows as the classes' do, and then they begin anew.
 */
int qos_flows_configure(const struct bpf_object *obj, const struct qos_bpf *old, uint32_t capacity,
			struct qos_link_cfg *link)
{
	uint32_t records = flow_records(capacity);
	int r;

	link->flow_mask = records - 1;
	if (old && old->flow_records == records) {
		take_salt(old, link);
		r = keep_order(old, link);
		return r ? r : take_over(obj, old, link);
	}
	if (getrandom(link->salt, sizeof(link->salt), 0) != sizeof(link->salt))
		return -errno;
	r = bpf_map__set_max_entries(map_of(obj, "qos_flows"), records);
	return r ? r : bpf_map__set_max_entries(map_of(obj, "qos_flow_names"), records);
}

struct qos_before qos_flows_before(const struct qos_class_cfg *cls)
{
	uint32_t leaf = cls->limit_ns ? QOS_CLASS_LEAF : 0;

	return (struct qos_before){
		.flags = (uint16_t)((cls->flags & QOS_CLASS_KIND) | leaf),
		.host6_len = cls->host6_len,
	};
}

/* same_clocks: its clocks are the new program's too. */
static int put_before(int fd, const struct qos_bpf *old, bool same_clocks)
{
	_cleanup_(freep) struct qos_class_cfg *classes = NULL;
	_cleanup_(freep) struct qos_before *before = calloc(old->capacity, sizeof(*before));
	int r;

	if (!before)
		return -ENOMEM;
	r = qos_bpf_array(old->classes_fd, old->capacity, sizeof(*classes), (void **)&classes);
	if (r)
		return r;
	for (uint32_t slot = 0; slot < old->capacity; slot++) {
		before[slot] = qos_flows_before(&classes[slot]);
		before[slot].unsure = !same_clocks;
	}
	return qos_bpf_array_put(fd, old->capacity, before);
}

int qos_flows_fill(const struct bpf_object *obj, const struct qos_bpf *old, uint32_t capacity)
{
	const struct bpf_map *before = map_of(obj, "qos_before");

	/* else there is nothing of before */
	if (!old || bpf_map__max_entries(before) != old->capacity)
		return 0;
	return put_before(bpf_map__fd(before), old, old->capacity == capacity);
}
