/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A packet leaves as a whole: in a class that is slow even when it is alone, one of GSO's takes
 * longer than the class's queue is meant to. What is a moment at its ceiling is no fault of the
 * policy's: while others have what it could borrow it is meant to be slower.
 */
#include <stdio.h>

#include "base/units.h"
#include "compile/plan.h"
#include "kernel/check.h"
#include "kernel/probe.h"

struct slow {
	const char *name; /* the first of them */
	uint64_t rate;	  /* bits/s, the most that it may have */
	uint64_t takes;	  /* ns */
	uint64_t latency; /* ns */
	uint64_t fits;	  /* bytes that all of them send in time */
	size_t count;
};

static uint64_t number(const json_t *cls, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(cls, key));
}

static uint64_t duration(uint64_t bytes, uint64_t rate)
{
	return (uint64_t)((unsigned __int128)bytes * 8 * 1000000000 / rate);
}

static void add_class(const json_t *cls, uint32_t size, struct slow *slow)
{
	uint64_t rate = number(cls, "ceil"), latency = number(cls, "latency_ns"), fits;

	if (!rate || !latency || duration(size, rate) <= latency)
		return;
	fits = (uint64_t)((unsigned __int128)rate * latency / 8 / 1000000000);
	if (!slow->count || fits < slow->fits)
		slow->fits = fits;
	if (!slow->count++) {
		slow->name = json_string_value(json_object_get(cls, "name"));
		slow->rate = rate;
		slow->takes = duration(size, rate);
		slow->latency = latency;
	}
}

static int warn(uint32_t size, uint32_t least, const struct slow *slow, json_t *checks)
{
	char rate[QOS_UNIT_LEN], latency[QOS_UNIT_LEN], others[64] = "", hint[128];
	uint64_t ms = (slow->takes + 999999) / 1000000;

	if (slow->count > 1)
		snprintf(others, sizeof(others), ", and so in %zu more", slow->count - 1);
	snprintf(hint, sizeof(hint), "set 'gso: %llub' under 'link:' of the policy",
		 (unsigned long long)(slow->fits > least ? slow->fits : least));
	return qos_check_add(checks, "gso", QOS_CHECK_WARN, hint,
			     "class %s: a GSO packet of %u bytes takes %llums at %s, longer than "
			     "its latency of %s%s",
			     slow->name, size, (unsigned long long)ms,
			     qos_format_rate(slow->rate, rate),
			     qos_format_time(slow->latency, latency), others);
}

int qos_probe_gso(const struct qos_link_info *link, const json_t *state, json_t *checks)
{
	const json_t *classes = json_object_get(json_object_get(state, "show"), "classes"), *cls;
	uint32_t size = link->gso_max_size, least = qos_plan_gso_least(link->mtu);
	struct slow slow = { .count = 0 };
	size_t i;

	if (link->gso_ipv4_max_size > size)
		size = link->gso_ipv4_max_size;
	if (size <= least)
		return qos_check_add(checks, "gso", QOS_CHECK_OK, NULL,
				     "this host builds packets of up to %u bytes: no more than two "
				     "frames",
				     size);
	json_array_foreach(classes, i, cls)
		add_class(cls, size, &slow);
	if (slow.count)
		return warn(size, least, &slow, checks);
	return qos_check_add(checks, "gso", QOS_CHECK_OK, NULL,
			     "this host builds packets of up to %u bytes: no class is too slow for "
			     "them",
			     size);
}
