// SPDX-License-Identifier: LGPL-2.1-or-later
#include "wire_key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_INTERVALS 1000000

static int parse_condition(struct key *k, const char *text)
{
	const struct {
		const char *name;
		int *value;
	} conditions[] = { { "dscp=", &k->dscp }, { "sport=", &k->sport }, { "vlan=", &k->vlan } };
	uint64_t value;

	for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++) {
		size_t len = strlen(conditions[i].name);

		if (strncmp(text, conditions[i].name, len))
			continue;
		if (parse_u64(text + len, &value) < 0 || value > UINT16_MAX)
			return -EINVAL;
		*conditions[i].value = (int)value;
		return 0;
	}
	return -EINVAL;
}

static int parse_proto(struct key *k, char *text)
{
	static const struct {
		const char *name;
		enum proto proto;
	} protos[] = { { "all", PROTO_ANY },  { "ip", PROTO_IP },   { "udp", PROTO_UDP },
		       { "tcp", PROTO_TCP },  { "arp", PROTO_ARP }, { "icmp", PROTO_ICMP },
		       { "other", PROTO_ANY } };
	char *port = strchr(text, ':');
	uint64_t value;

	if (port) {
		*port++ = 0;
		if (parse_u64(port, &value) < 0 || value > UINT16_MAX)
			return -EINVAL;
		k->port = (int)value;
	}
	for (size_t i = 0; i < sizeof(protos) / sizeof(*protos); i++) {
		if (strcmp(text, protos[i].name))
			continue;
		k->proto = protos[i].proto;
		k->rest = !strcmp(text, "other");
		if (port && k->proto != PROTO_UDP && k->proto != PROTO_TCP)
			return -EINVAL;
		return 0;
	}
	return -EINVAL;
}

static int parse_key(struct key *k, const char *text)
{
	char *copy = strdup(text), *rest = copy, *word;
	int r = -EINVAL;

	if (!copy)
		return -ENOMEM;
	*k = (struct key){ .text = text, .port = -1, .sport = -1, .dscp = -1, .vlan = -1 };
	if ((*rest == '4' || *rest == '6') && rest[1] == ':') {
		k->family = *rest - '0';
		rest += 2;
	}
	word = strsep(&rest, ",");
	r = parse_proto(k, word);
	while (!r && (word = strsep(&rest, ",")))
		r = parse_condition(k, word);
	free(copy);
	return r;
}

static bool key_takes(const struct key *k, const struct packet *p)
{
	bool any_ip = k->proto == PROTO_IP && p->family;

	return (k->proto == PROTO_ANY || k->proto == p->proto || any_ip) &&
	       (!k->family || k->family == p->family) && (k->port < 0 || k->port == p->dport) &&
	       (k->sport < 0 || k->sport == p->sport) && (k->vlan < 0 || k->vlan == p->vlan) &&
	       (k->dscp < 0 || (p->family && k->dscp == p->tos >> 2));
}

static void *grow(void *array, size_t count, size_t size)
{
	void *bigger = realloc(array, count * size);

	if (!bigger) {
		fputs("wirecount: no memory\n", stderr);
		exit(1);
	}
	return bigger;
}

static struct flow *find_flow(struct key *k, uint32_t id)
{
	if (k->last_flow < k->flows && k->flow[k->last_flow].id == id)
		return &k->flow[k->last_flow];
	for (size_t i = 0; i < k->flows; i++) {
		if (k->flow[i].id == id) {
			k->last_flow = i;
			return &k->flow[i];
		}
	}
	k->flow = grow(k->flow, k->flows + 1, sizeof(*k->flow));
	k->last_flow = k->flows++;
	k->flow[k->last_flow] = (struct flow){ .id = id };
	return &k->flow[k->last_flow];
}

/* RFC 4737: a packet is late when one with a greater number came before it. */
static void key_sequence(struct key *k, const struct packet *p)
{
	struct probe probe;
	struct flow *flow;

	if (!p->payload || !probe_read(p->payload, p->payload_len, &probe))
		return;
	flow = find_flow(k, probe.flow);
	if (!flow->received++)
		flow->first = flow->next = probe.seq;
	if (probe.seq < flow->next) {
		flow->late++;
		if (probe.seq < flow->first)
			flow->first = probe.seq;
	} else {
		k->gaps += probe.seq > flow->next;
		flow->next = probe.seq + 1;
	}
	if (probe.sent_ns)
		hist_add(&k->delay, p->ns - (int64_t)probe.sent_ns);
}

static void key_count(struct key *k, const struct packet *p, int64_t interval_ns, int64_t from_ns)
{
	size_t slot;

	if (!k->packets)
		k->first_ns = p->ns;
	else if (p->ns - k->last_ns > k->max_gap_ns)
		k->max_gap_ns = p->ns - k->last_ns;
	k->last_ns = p->ns;
	k->packets += p->segments;
	k->bytes += p->bytes;
	if (p->bytes > k->largest)
		k->largest = p->bytes;
	if (p->family) {
		k->dscps[p->tos >> 2] += p->segments;
		k->ecns[p->tos & 3] += p->segments;
	}
	if (!from_ns)
		from_ns = k->first_ns;
	slot = p->ns > from_ns ? (size_t)((p->ns - from_ns) / interval_ns) : 0;
	if (slot < MAX_INTERVALS && slot >= k->intervals) {
		k->interval = grow(k->interval, slot + 1, sizeof(*k->interval));
		while (k->intervals <= slot)
			k->interval[k->intervals++] = 0;
	}
	if (slot < k->intervals)
		k->interval[slot] += p->bytes;
	key_sequence(k, p);
}

int keys_add(struct keys *keys, const char *text)
{
	return keys->count == MAX_KEYS ? -E2BIG : parse_key(&keys->key[keys->count++], text);
}

void keys_count(struct keys *keys, const struct packet *p)
{
	bool taken = false;

	for (size_t i = 0; i < keys->count; i++) {
		struct key *k = &keys->key[i];

		if (k->rest || !key_takes(k, p))
			continue;
		key_count(k, p, keys->interval_ns, keys->from_ns);
		taken |= k->proto != PROTO_ANY || k->dscp >= 0 || k->vlan >= 0 || k->sport >= 0;
	}
	for (size_t i = 0; i < keys->count && !taken; i++) {
		if (keys->key[i].rest && key_takes(&keys->key[i], p))
			key_count(&keys->key[i], p, keys->interval_ns, keys->from_ns);
	}
}
