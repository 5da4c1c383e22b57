/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/counts.h"

#include <errno.h>

#include "base/cleanup.h"

#define LIMIT_MAX_NS 10000000000ULL /* the longest queue of the language: nothing waits longer */

uint64_t qos_counts_delay(const __u64 buckets[QOS_DELAYS], unsigned int part)
{
	unsigned __int128 below = 0, total = 0;
	int i;

	for (i = 0; i < QOS_DELAYS; i++)
		total += buckets[i];
	if (!total)
		return 0;
	for (i = 0; i < QOS_DELAYS - 1; i++) {
		below += buckets[i];
		if (below * 100 >= total * part)
			return 1ULL << (i + QOS_DELAY_SHIFT);
	}
	return LIMIT_MAX_NS; /* the last has no end */
}

static void add(struct qos_counters *sum, const struct qos_counters *c)
{
	for (int v = 0; v < QOS_VERDICTS; v++) {
		sum->by[v].packets += c->by[v].packets;
		sum->by[v].bytes += c->by[v].bytes;
	}
	sum->borrowed += c->borrowed;
	for (int i = 0; i < QOS_DELAYS; i++)
		sum->delay[i] += c->delay[i];
}

static struct qos_count passed(const struct qos_counters *c)
{
	struct qos_count sum = { 0 };

	for (int v = QOS_PASS; v <= QOS_EXEMPT; v++) {
		sum.packets += c->by[v].packets;
		sum.bytes += c->by[v].bytes;
	}
	return sum;
}

static json_t *delay_or_null(const struct qos_counters *c, unsigned int part)
{
	uint64_t ns = qos_counts_delay(c->delay, part);

	return ns ? json_integer((json_int_t)ns) : json_null();
}

static json_t *delay_json(const struct qos_counters *c)
{
	_cleanup_(json_decrefp) json_t *histogram = json_array();

	for (int i = 0; i < QOS_DELAYS; i++) {
		if (json_array_append_new(histogram, json_integer((json_int_t)c->delay[i])))
			return NULL;
	}
	return json_pack("{s:o, s:o, s:o, s:o, s:O}", "p50_ns", delay_or_null(c, 50), "p90_ns",
			 delay_or_null(c, 90), "p99_ns", delay_or_null(c, 99), "max_ns",
			 delay_or_null(c, 100), "histogram", histogram);
}

static json_t *class_json(const json_t *shown, const struct qos_counters *c, uint64_t backlog,
			  bool police)
{
	/* clang-format off */
	return json_pack("{s:O, s:O, s:O, s:I, s:I, s:I, s:I, s:I, s:I, s:{s:I, s:I, s:I, s:I}, "
			 "s:o, s:I}",
			 "name", json_object_get(shown, "name"),
			 "depth", json_object_get(shown, "depth"),
			 "inner", json_object_get(shown, "inner"),
			 "packets", (json_int_t)passed(c).packets,
			 "bytes", (json_int_t)passed(c).bytes,
			 "borrowed_bytes", (json_int_t)c->borrowed,
			 "marks", (json_int_t)(c->by[QOS_MARK].packets + c->by[QOS_MARK_L4S].packets),
			 "marks_l4s", (json_int_t)c->by[QOS_MARK_L4S].packets,
			 "exempt", (json_int_t)c->by[QOS_EXEMPT].packets,
			 "drops",
			 "limit", (json_int_t)c->by[QOS_DROP_LIMIT].packets,
			 "aqm", (json_int_t)c->by[QOS_DROP_AQM].packets,
			 "horizon", (json_int_t)c->by[QOS_DROP_HORIZON].packets,
			 "police", (json_int_t)c->by[QOS_DROP_POLICE].packets,
			 "delay", police ? json_null() : delay_json(c),
			 "backlog_ns", (json_int_t)backlog);
	/* clang-format on */
}

static json_t *link_json(const struct qos_counters *sum, const struct qos_counters *link,
			 uint64_t backlog)
{
	return json_pack("{s:I, s:I, s:I, s:{s:I}}", "backlog_ns", (json_int_t)backlog, "packets",
			 (json_int_t)passed(sum).packets, "bytes", (json_int_t)passed(sum).bytes,
			 "drops", "rule", (json_int_t)link->by[QOS_DROP_RULE].packets);
}

/*
 * Of each level of the tree what was found there, from its last class back to the
 * first, since the last class above them: a class comes before those in it.
 */
struct levels {
	struct qos_counters sum[QOS_POLICY_DEPTH + 2];
};

static int count_class(const struct qos_bpf *bpf, const json_t *shown, struct levels *levels,
		       uint32_t *ret_slot, struct qos_counters *ret_counters)
{
	json_int_t depth = json_integer_value(json_object_get(shown, "depth"));
	int slot = qos_bpf_slot(bpf->state, json_string_value(json_object_get(shown, "name"))), r;

	if (slot < 0 || (uint32_t)slot >= bpf->capacity || depth < 1 || depth > QOS_POLICY_DEPTH)
		return -EBADMSG;
	if (json_is_true(json_object_get(shown, "inner"))) {
		*ret_counters = levels->sum[depth + 1];
		levels->sum[depth + 1] = (struct qos_counters){ 0 };
	} else {
		r = qos_bpf_counters(bpf, (uint32_t)slot, ret_counters);
		if (r < 0)
			return r;
	}
	add(&levels->sum[depth], ret_counters);
	*ret_slot = (uint32_t)slot;
	return 0;
}

int qos_counts_json(const struct qos_bpf *bpf, const struct qos_live *live, json_t **ret_classes,
		    json_t **ret_link)
{
	const json_t *shown = json_object_get(json_object_get(bpf->state, "show"), "classes");
	_cleanup_(json_decrefp) json_t *classes = json_array();
	struct levels levels = { 0 };
	struct qos_counters link;
	int r;

	for (size_t i = json_array_size(shown); i-- > 0;) {
		const json_t *cls = json_array_get(shown, i);
		struct qos_counters c;
		uint64_t backlog;
		uint32_t slot;

		r = count_class(bpf, cls, &levels, &slot, &c);
		if (r < 0)
			return r;
		backlog = qos_live_backlog(live, slot, json_is_true(json_object_get(cls, "inner")));
		if (json_array_insert_new(classes, 0, class_json(cls, &c, backlog, live->police)))
			return -ENOMEM;
	}
	r = qos_bpf_counters(bpf, QOS_SLOT_LINK, &link);
	if (r < 0)
		return r;
	*ret_link = link_json(&levels.sum[1], &link, qos_live_backlog(live, QOS_SLOT_LINK, true));
	if (!*ret_link)
		return -ENOMEM;
	*ret_classes = TAKE_PTR(classes);
	return 0;
}
