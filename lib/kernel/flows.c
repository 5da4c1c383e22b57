/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/flows.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/names.h"
#include "kernel/bpf_state.h"
#include "kernel/live.h"

#define INTERVAL_NS 200000000L
#define RECENT_NS   1000000000ULL

/* A flow that sends now. */
struct flow {
	struct qos_flow record; /* as it was when it was looked at, */
	uint64_t now;		/* then */
	uint32_t index;
	uint64_t rate; /* bits/s */
};

struct look {
	struct qos_flow *first; /* all records, the first time */
	struct flow *flows;
	size_t count;
	struct qos_flow_name *names; /* by a record's index */
	uint64_t then, now;
};

static void look_done(struct look *look)
{
	free(look->first);
	free(look->flows);
	free(look->names);
}

uint64_t qos_flow_sent(const struct qos_flow *first, const struct qos_flow *second)
{
	bool same = first->tag == second->tag && first->slot == second->slot;

	return same && second->bytes >= first->bytes ? second->bytes - first->bytes : second->bytes;
}

/* Its last packet left less than a second ago, or is still to leave. */
static bool is_recent(const struct qos_flow *flow, uint64_t now)
{
	return flow->tag && (int64_t)(now - flow->last) < (int64_t)RECENT_NS;
}

static uint64_t rate_of(uint64_t bytes, uint64_t ns)
{
	return ns ? (uint64_t)((unsigned __int128)bytes * 8 * 1000000000 / ns) : 0;
}

/* records: of the program, mapped, count of them. */
static void look_twice(const struct qos_flow *records, uint32_t count, struct look *look)
{
	struct timespec interval = { .tv_nsec = INTERVAL_NS };

	look->then = qos_live_now();
	memcpy(look->first, records, count * sizeof(*records));
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &interval, &interval) == EINTR)
		;
	look->now = qos_live_now();
	for (uint32_t i = 0; i < count; i++) {
		struct flow flow = { .index = i };

		if (!is_recent(&records[i], look->now))
			continue;
		/* there may be many before it, and packets wait for less than that takes */
		flow.now = qos_live_now();
		flow.record = records[i];
		flow.rate = rate_of(qos_flow_sent(&look->first[i], &flow.record),
				    flow.now - look->then);
		look->flows[look->count++] = flow;
	}
}

static int by_rate(const void *left, const void *right)
{
	const struct flow *a = left, *b = right;

	if (a->rate != b->rate)
		return a->rate > b->rate ? -1 : 1;
	return a->index < b->index ? -1 : 1;
}

/* The records are mapped: a system call for each would take longer than packets wait. */
static int find_flows(const struct qos_bpf *bpf, struct look *look)
{
	size_t size = bpf->flow_records * sizeof(struct qos_flow);
	void *records, *names = NULL;
	int r;

	look->first = calloc(1, size);
	look->flows = calloc(bpf->flow_records, sizeof(*look->flows));
	if (!look->first || !look->flows)
		return -ENOMEM;
	records = mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_POPULATE, bpf->flows_fd, 0);
	if (records == MAP_FAILED)
		return -errno;
	look_twice(records, bpf->flow_records, look);
	munmap(records, size);
	r = qos_bpf_array(bpf->names_fd, bpf->flow_records, sizeof(struct qos_flow_name), &names);
	if (r < 0)
		return r;
	look->names = names;
	qsort(look->flows, look->count, sizeof(*look->flows), by_rate);
	return 0;
}

const json_t **qos_flow_classes(const struct qos_bpf *bpf)
{
	const json_t *classes = json_object_get(json_object_get(bpf->state, "show"), "classes");
	const json_t **by_slot = calloc(bpf->capacity, sizeof(json_t *)), *cls;
	size_t i;

	if (!by_slot)
		return NULL;
	json_array_foreach(classes, i, cls) {
		const char *name = json_string_value(json_object_get(cls, "name"));
		int slot = qos_bpf_slot(bpf->state, name);

		if (slot >= 0 && (uint32_t)slot < bpf->capacity)
			by_slot[slot] = cls;
	}
	return by_slot;
}

static unsigned int family_of(uint32_t key)
{
	return key >> 8 & 0xff;
}

/* Without the bits that are not of the network. */
static void cut(uint8_t bytes[16], unsigned int len)
{
	for (unsigned int i = 0; i < 16; i++) {
		unsigned int left = len > i * 8 ? len - i * 8 : 0;

		if (left < 8)
			bytes[i] &= (uint8_t)(0xff00 >> left);
	}
}

char *qos_flow_end(const __u64 addr[2], uint32_t key, unsigned int host6_len, char *buf)
{
	uint8_t bytes[16];
	size_t len;

	memcpy(bytes, addr, sizeof(bytes));
	if (family_of(key) == QOS_FAMILY_IPV4) {
		inet_ntop(AF_INET, bytes + 12, buf, QOS_FLOW_END_LEN);
		return buf;
	}
	cut(bytes, host6_len);
	inet_ntop(AF_INET6, bytes, buf, QOS_FLOW_END_LEN);
	len = strlen(buf);
	if (host6_len < 128)
		snprintf(buf + len, QOS_FLOW_END_LEN - len, "/%u", host6_len);
	return buf;
}

static json_t *proto_json(uint32_t key)
{
	const char *name = qos_names_text(&qos_names_proto, (int)(key & 0xff));

	return name ? json_string(name) : json_sprintf("%u", key & 0xff);
}

/* What tells the flow from others of its class: a host, both ends, or (none) nothing. */
static int put_ends(json_t *json, const struct qos_flow_name *name, const json_t *cls)
{
	const char *fairness = json_string_value(json_object_get(cls, "fairness"));
	json_int_t host6_len = json_integer_value(json_object_get(cls, "host6_len"));
	unsigned int len = host6_len ? (unsigned int)host6_len : 128;
	bool all = fairness && strcmp(fairness, "flow") == 0;
	bool src = all || (fairness && strcmp(fairness, "src-host") == 0);
	bool dst = all || (fairness && strcmp(fairness, "dst-host") == 0);
	bool ip = family_of(name->key), ports = all && name->key & QOS_KEY_PORTS;
	char from[QOS_FLOW_END_LEN], to[QOS_FLOW_END_LEN];

	if (json_object_set_new(json, "proto", all && ip ? proto_json(name->key) : json_null()) ||
	    json_object_set_new(json, "src",
				src && ip ?
					json_string(qos_flow_end(name->src, name->key, len, from)) :
					json_null()) ||
	    json_object_set_new(json, "sport", ports ? json_integer(name->sport) : json_null()) ||
	    json_object_set_new(json, "dst",
				dst && ip ?
					json_string(qos_flow_end(name->dst, name->key, len, to)) :
					json_null()) ||
	    json_object_set_new(json, "dport", ports ? json_integer(name->dport) : json_null()))
		return -ENOMEM;
	return 0;
}

static int add_flow(const struct flow *flow, const struct qos_flow_name *name, const json_t *cls,
		    json_t *flows)
{
	int64_t delay = (int64_t)(flow->record.last - flow->now);
	json_t *json = json_pack(
		"{s:O, s:O, s:I, s:I, s:I, s:I}", "class", json_object_get(cls, "name"), "fairness",
		json_object_get(cls, "fairness"), "rate_now", (json_int_t)flow->rate, "delay_ns",
		(json_int_t)(delay > 0 ? delay : 0), "signals", (json_int_t)flow->record.count,
		"bytes", (json_int_t)flow->record.bytes);

	if (!json || put_ends(json, name, cls) < 0) {
		json_decref(json);
		return -ENOMEM;
	}
	return json_array_append_new(flows, json) ? -ENOMEM : 0;
}

static int list_flows(const struct qos_bpf *bpf, const struct look *look, size_t most, json_t *list)
{
	_cleanup_(freep) const json_t **classes = qos_flow_classes(bpf);
	int r = classes ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < look->count; i++) {
		const struct flow *flow = &look->flows[i];
		uint32_t slot = flow->record.slot;

		if (most && json_array_size(list) == most)
			break;
		/* a record may be of a class that has gone meanwhile */
		if (slot < bpf->capacity && classes[slot])
			r = add_flow(flow, &look->names[flow->index], classes[slot], list);
	}
	return r;
}

static int refuse_police(const struct qos_device *device, struct qos_diags *diags)
{
	qos_diag(diags, QOS_FAILED, "%s has mode police, where flows are not followed",
		 device->link.name);
	qos_diag_hint(diags, "qosctl stats %s tells of its classes", device->link.name);
	return -EOPNOTSUPP;
}

int qos_device_flows(const struct qos_device *device, size_t most, struct qos_diags *diags,
		     json_t **ret_json)
{
	const struct qos_bpf *bpf = device->running;
	_cleanup_(json_decrefp) json_t *flows = json_array();
	_cleanup_(look_done) struct look look = { 0 };
	int r;

	if (qos_live_is_police(bpf))
		return refuse_police(device, diags);
	r = find_flows(bpf, &look);
	if (r == 0)
		r = list_flows(bpf, &look, most, flows);
	if (r < 0)
		return qos_bpf_fail(diags, r, "cannot read the flows of %s", device->link.name);
	*ret_json = json_pack("{s:s, s:i, s:I, s:I, s:I, s:O}", "interface", device->link.name,
			      "ifindex", device->link.ifindex, "time_ns", (json_int_t)look.now,
			      "interval_ns", (json_int_t)(look.now - look.then), "active",
			      (json_int_t)look.count, "flows", flows);
	return *ret_json ? 0 : -ENOMEM;
}
