/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A rule's count is in two places: what is remembered for a flow has its own (qos_decisions), which
 * is added to the rule's (qos_hits) when another flow takes its place. So counts of rules
 * are read before and after those of flows: of a rule whose own did not change nothing was moved
 * in between, and the sum is right. The others are read again.
 */
#include "kernel/hits.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/bpf_state.h"
#include "kernel/device.h"

#define LOOKS 8 /* at those that change, at most */

/* Of each rule on each CPU, as the map has them: the CPUs of one side by side. */
struct tally {
	const struct qos_bpf *bpf;
	size_t cpus, count;
	struct qos_hits *before, *after; /* the rules' own */
	struct qos_hits *held;		 /* their flows' */
	struct qos_hits *known;		 /* both */
	bool *settled;
};

static void tally_done(struct tally *tally)
{
	free(tally->before);
	free(tally->after);
	free(tally->held);
	free(tally->known);
	free(tally->settled);
}

static int read_own(const struct tally *tally, struct qos_hits **ret_own)
{
	void *values = NULL;
	int r = qos_bpf_array(tally->bpf->hits_fd, tally->bpf->rules,
			      tally->cpus * sizeof(struct qos_hits), &values);

	if (r == 0)
		*ret_own = values;
	return r;
}

static int tally_init(struct tally *tally, const struct qos_bpf *bpf)
{
	int cpus = libbpf_num_possible_cpus();

	if (cpus < 0)
		return cpus;
	tally->bpf = bpf;
	tally->cpus = (size_t)cpus;
	tally->count = bpf->rules * tally->cpus;
	tally->held = calloc(tally->count, sizeof(*tally->held));
	tally->known = calloc(tally->count, sizeof(*tally->known));
	tally->settled = calloc(tally->count, sizeof(*tally->settled));
	if (!tally->held || !tally->known || !tally->settled)
		return -ENOMEM;
	return read_own(tally, &tally->after);
}

static int read_held(const struct tally *tally)
{
	_cleanup_(freep) struct qos_decision *all = NULL;
	void *values = NULL;
	int r = qos_bpf_array(tally->bpf->decisions_fd, QOS_DECISIONS, tally->cpus * sizeof(*all),
			      &values);

	if (r < 0)
		return r;
	all = values;
	memset(tally->held, 0, tally->count * sizeof(*tally->held));
	for (size_t i = 0; i < QOS_DECISIONS * tally->cpus; i++) {
		uint32_t rule = QOS_DECIDED_RULE(all[i].decided);
		struct qos_hits *held = &tally->held[rule * tally->cpus + i % tally->cpus];

		if (!all[i].rest || rule >= tally->bpf->rules)
			continue;
		held->packets += all[i].packets;
		held->bytes += all[i].bytes;
	}
	return 0;
}

/* Whether all that was read is right now. What is not is no more than there is. */
static bool settle(struct tally *tally)
{
	bool all = true;

	for (size_t i = 0; i < tally->count; i++) {
		const struct qos_hits *own = &tally->before[i], *held = &tally->held[i];
		struct qos_hits sum = { own->packets + held->packets, own->bytes + held->bytes };

		if (tally->settled[i])
			continue;
		tally->settled[i] = own->packets == tally->after[i].packets;
		if (tally->settled[i] || sum.packets > tally->known[i].packets)
			tally->known[i] = sum;
		all = all && tally->settled[i];
	}
	return all;
}

static int look(struct tally *tally, bool *ret_done)
{
	int r;

	free(tally->before);
	tally->before = TAKE_PTR(tally->after);
	r = read_held(tally);
	if (r == 0)
		r = read_own(tally, &tally->after);
	if (r == 0)
		*ret_done = settle(tally);
	return r;
}

int qos_hits_read(const struct qos_bpf *bpf, struct qos_hits **ret_hits)
{
	_cleanup_(tally_done) struct tally tally = { 0 };
	_cleanup_(freep) struct qos_hits *hits = calloc(bpf->rules, sizeof(*hits));
	bool done = false;
	int r = hits ? tally_init(&tally, bpf) : -ENOMEM;

	for (int i = 0; r == 0 && !done && i < LOOKS; i++)
		r = look(&tally, &done);
	if (r < 0)
		return r;
	for (size_t i = 0; i < tally.count; i++) {
		hits[i / tally.cpus].packets += tally.known[i].packets;
		hits[i / tally.cpus].bytes += tally.known[i].bytes;
	}
	*ret_hits = TAKE_PTR(hits);
	return 0;
}

static json_t *counts_json(const struct qos_hits *hits, uint32_t count)
{
	_cleanup_(json_decrefp) json_t *counts = json_array();

	for (uint32_t i = 0; i < count; i++) {
		if (json_array_append_new(counts, json_pack("{s:I, s:I}", "packets",
							    (json_int_t)hits[i].packets, "bytes",
							    (json_int_t)hits[i].bytes)))
			return NULL;
	}
	return TAKE_PTR(counts);
}

int qos_device_hits(struct qos_device *device, struct qos_diags *diags, json_t **ret_json)
{
	const struct qos_bpf *bpf = device->running;
	_cleanup_(freep) struct qos_hits *hits = NULL;
	int r = qos_hits_read(bpf, &hits);

	if (r < 0)
		return qos_bpf_fail(diags, r, "cannot read the counters of the rules of %s",
				    device->link.name);
	*ret_json =
		json_pack("{s:s, s:i, s:O, s:O, s:o}", "interface", device->link.name, "ifindex",
			  device->link.ifindex, "policy", json_object_get(bpf->state, "path"),
			  "source", json_object_get(bpf->state, "source"), "counts",
			  bpf->rules > 1 ? counts_json(hits, bpf->rules) : json_null());
	return *ret_json ? 0 : -ENOMEM;
}
