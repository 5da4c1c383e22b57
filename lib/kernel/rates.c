/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/rates.h"

#include <errno.h>

#include "base/cleanup.h"
#include "kernel/live.h"

static struct qos_live_rate inner_rate(const json_t *cls, uint64_t all)
{
	uint64_t own = (uint64_t)json_integer_value(json_object_get(cls, "rate"));
	bool borrows = json_is_string(json_object_get(cls, "lender"));

	return (struct qos_live_rate){ all, borrows && all > own ? all - own : 0 };
}

/*
 * sums: by level, what was found there from the last class back to this one, since the
 * last class above them; a class comes before those in it.
 */
static int add_class(const struct qos_bpf *bpf, const struct qos_live *live, json_t *cls,
		     uint64_t *sums)
{
	json_int_t depth = json_integer_value(json_object_get(cls, "depth"));
	int slot = qos_bpf_slot(bpf->state, json_string_value(json_object_get(cls, "name")));
	struct qos_live_rate rate;

	if (slot < 0 || (uint32_t)slot >= live->capacity || depth < 1 || depth > QOS_POLICY_DEPTH)
		return -EBADMSG;
	if (json_is_true(json_object_get(cls, "inner"))) {
		rate = inner_rate(cls, sums[depth + 1]);
		sums[depth + 1] = 0;
	} else {
		rate = qos_live_rate(live, (uint32_t)slot);
	}
	sums[depth] += rate.all;
	if (json_object_set_new(cls, "rate_now", json_integer((json_int_t)rate.all)) ||
	    json_object_set_new(cls, "borrowed_now", json_integer((json_int_t)rate.borrowed)))
		return -ENOMEM;
	return 0;
}

int qos_rates_add(const struct qos_bpf *bpf, json_t *show)
{
	json_t *classes = json_object_get(show, "classes"), *link = json_object_get(show, "link");
	_cleanup_(qos_live_done) struct qos_live live = { 0 };
	uint64_t sums[QOS_POLICY_DEPTH + 2] = { 0 };
	int r = qos_live_read(bpf, &live);

	for (size_t i = json_array_size(classes); r == 0 && i-- > 0;)
		r = add_class(bpf, &live, json_array_get(classes, i), sums);
	if (r == 0 && json_object_set_new(link, "rate_now", json_integer((json_int_t)sums[1])))
		r = -ENOMEM;
	return r;
}
