// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sim.h"

#include <math.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "../unit/compile/plans.h"
#include "events.h"
#include "rules.h"

#define PORT	    5000 /* of slot 0; a class's packets go to its slot's */
#define RETRY_NS    MSEC /* until a packet that was dropped is sent again */
#define FRAME_MIN   60
#define SOURCES_MAX 4096
#define RECORDS	    32768
#define CE	    3

struct delay {
	uint64_t when, ns;
};

struct flow {
	struct source source;
	uint32_t slot;
	struct packet packet;
	double window;
	unsigned int out;
	uint64_t last;	/* departure */
	uint64_t heard; /* when it last made its window smaller */
	struct sim_counts counts;
	uint64_t *sent; /* bytes that departed, by millisecond */
	size_t sent_count;
	struct delay *delays;
	size_t delay_count, delay_room;
};

struct sim {
	struct qos_policy *policy;
	struct qos_plan *plan;
	struct shaper *shaper;
	struct flow *flows;
	unsigned int flow_count;
	struct events events;
	uint64_t now, random;
};

static void fill_classes(struct sim *sim)
{
	shaper_set_class(sim->shaper, QOS_SLOT_LINK, &sim->plan->link_class);
	for (size_t i = 0; i < sim->plan->class_count; i++)
		shaper_set_class(sim->shaper, (uint32_t)i + 1, &sim->plan->classes[i].cfg);
}

#define LONGEST_MS 100 /* the default of `limit` */

static struct sim *open_sim(const char *policy, uint32_t records, bool replaced)
{
	struct sim *sim = calloc(1, sizeof(*sim));
	struct rule rules[QOS_RULE_BLOCK];
	struct setup setup = { .tree = true, .rules = rules, .capacity = QOS_RULE_BLOCK + 1 };

	assert_non_null(sim);
	sim->flows = calloc(SOURCES_MAX, sizeof(*sim->flows));
	assert_non_null(sim->flows);
	sim->random = 0x9e3779b97f4a7c15ULL;
	sim->policy = load_good(policy);
	sim->plan = compile(sim->policy);
	assert_true(sim->plan->class_count <= QOS_RULE_BLOCK);
	for (uint32_t i = 0; i < sim->plan->class_count; i++) {
		uint16_t port = (uint16_t)(PORT + i + 1);

		rules[i] = rule_dport(rule_any(i + 1), port, port);
	}
	setup.link = sim->plan->link;
	setup.link.rules = (uint32_t)sim->plan->class_count;
	setup.link.used = QOS_USED(QOS_PIECE_KIND) | QOS_USED(QOS_PIECE_DPORT);
	setup.link.l2_len = 14;
	setup.link.default_slot = (uint32_t)sim->policy->default_class + 1;
	setup.link.flow_mask = (records ? records : RECORDS) - 1;
	if (replaced) {
		setup.link.generation = GENERATION;
		setup.link.slots = setup.capacity;
		setup.link.settled = UINT64_MAX;
		setup.link.longest_ms = LONGEST_MS;
	}
	sim->shaper = shaper_open(PROGRAM_FAKE, &setup);
	fill_classes(sim);
	return sim;
}

struct sim *sim_open(const char *policy, uint32_t records)
{
	return open_sim(policy, records, false);
}

struct sim *sim_open_replaced(const char *policy, uint32_t records)
{
	return open_sim(policy, records, true);
}

void sim_change(struct sim *sim, const char *policy)
{
	qos_plan_free(sim->plan);
	qos_policy_free(sim->policy);
	sim->policy = load_good(policy);
	sim->plan = compile(sim->policy);
	fill_classes(sim);
}

void sim_replace(struct sim *sim, const char *policy)
{
	shaper_replace(sim->shaper);
	sim_change(sim, policy);
}

void sim_close(struct sim *sim)
{
	for (unsigned int i = 0; i < sim->flow_count; i++) {
		free(sim->flows[i].sent);
		free(sim->flows[i].delays);
	}
	free(sim->flows);
	events_done(&sim->events);
	shaper_close(sim->shaper);
	qos_plan_free(sim->plan);
	qos_policy_free(sim->policy);
	free(sim);
}

uint32_t sim_slot(const struct sim *sim, const char *class)
{
	return (uint32_t)(find_class(sim->policy, class) - sim->policy->classes) + 1;
}

const struct qos_policy *sim_policy(const struct sim *sim)
{
	return sim->policy;
}

struct shaper *sim_shaper(const struct sim *sim)
{
	return sim->shaper;
}

static bool has_window(const struct flow *flow)
{
	return flow->source.kind == SOURCE_WINDOW || flow->source.kind == SOURCE_TCP;
}

unsigned int sim_add(struct sim *sim, const struct source *source)
{
	unsigned int number = sim->flow_count++;
	struct flow *flow = &sim->flows[number];

	assert_true(sim->flow_count <= SOURCES_MAX);
	flow->source = *source;
	if (!flow->source.bytes)
		flow->source.bytes = source->kind == SOURCE_WINDOW ? SIM_GSO : SIM_FRAME;
	if (!flow->source.stop)
		flow->source.stop = UINT64_MAX;
	flow->window = source->window ? source->window : 2;
	flow->slot = sim_slot(sim, source->class);
	packet_build(&(struct spec){ .proto = has_window(flow) ? IPPROTO_TCP : IPPROTO_UDP,
				     .src = source->src,
				     .dst = source->dst,
				     .sport = (uint16_t)(10000 + number),
				     .dport = (uint16_t)(PORT + flow->slot),
				     .tos = TOS(0, source->ecn) },
		     &flow->packet);
	flow->packet.len = FRAME_MIN;
	events_add(&sim->events, source->start, number, EVENT_SEND);
	return number;
}

static void *grow(void *array, size_t *room, size_t size)
{
	*room = *room ? *room * 2 : 1024;
	array = reallocarray(array, *room, size);
	assert_non_null(array);
	return array;
}

static void note_departure(struct sim *sim, struct flow *flow, uint64_t at)
{
	size_t ms = at / MSEC, old = flow->sent_count;

	while (ms >= flow->sent_count) {
		flow->sent = grow(flow->sent, &flow->sent_count, sizeof(*flow->sent));
		memset(flow->sent + old, 0, (flow->sent_count - old) * sizeof(*flow->sent));
		old = flow->sent_count;
	}
	flow->sent[ms] += flow->source.bytes;
	if (flow->delay_count == flow->delay_room)
		flow->delays = grow(flow->delays, &flow->delay_room, sizeof(*flow->delays));
	flow->delays[flow->delay_count++] = (struct delay){ sim->now, at - sim->now };
	flow->counts.packets++;
	flow->counts.reordered += at < flow->last && !flow->source.fresh;
	flow->last = at;
}

/* A loss or a mark: at most once a round trip, as far as it has to wait now. */
static void hear(struct sim *sim, struct flow *flow)
{
	if (flow->source.kind != SOURCE_TCP || sim->now < flow->heard)
		return;
	flow->window = fmax(2, flow->window * 0.7); /* CUBIC's (RFC 9438, 4.6) */
	flow->heard = (flow->last > sim->now ? flow->last : sim->now) + SIM_RTT_NS;
}

/* Another source port. IPv4's checksum has no part in it, TCP's and UDP's nobody looks at. */
static void freshen(struct flow *flow)
{
	uint8_t *sport = flow->packet.data + flow->packet.l3 + 20;

	if (!flow->source.fresh)
		return;
	if (!++sport[1])
		sport[0]++;
}

static void send_packet(struct sim *sim, unsigned int number)
{
	struct flow *flow = &sim->flows[number];
	const struct input input = { .now = NOW + sim->now, .wire_len = flow->source.bytes };
	struct outcome out;
	uint64_t at;

	flow->out++;
	freshen(flow);
	shaper_run(sim->shaper, &flow->packet, &input, &out);
	if (out.action == TC_ACT_SHOT) {
		flow->counts.drops++;
		hear(sim, flow);
		if (has_window(flow))
			events_add(&sim->events, sim->now + RETRY_NS, number, EVENT_LOST);
		return;
	}
	assert_int_equal(out.action, TC_ACT_UNSPEC);
	at = out.tstamp ? out.tstamp - NOW : sim->now;
	note_departure(sim, flow, at);
	if (flow->source.ecn != CE && (out.data[15] & 3) == CE) { /* of IPv4's second byte */
		flow->counts.marks++;
		hear(sim, flow);
	}
	if (has_window(flow))
		events_add(&sim->events, at + SIM_RTT_NS, number, EVENT_ACK);
}

/* Marsaglia's xorshift64, as a number in (0, 1]. */
static double draw(struct sim *sim)
{
	sim->random ^= sim->random << 13;
	sim->random ^= sim->random >> 7;
	sim->random ^= sim->random << 17;
	return ((double)(sim->random >> 11) + 1) / 9007199254740992.0;
}

/* Until the next packet of a source with a rate. */
static uint64_t pause_of(struct sim *sim, const struct flow *flow)
{
	double ns = flow->source.bytes * 8.0 * (double)SEC / (double)flow->source.rate;

	return (uint64_t)(flow->source.kind == SOURCE_SPARSE ? ns * -log(draw(sim)) : ns);
}

static void fill_window(struct sim *sim, unsigned int number)
{
	while (sim->flows[number].out < (unsigned int)sim->flows[number].window)
		send_packet(sim, number);
}

static void handle(struct sim *sim, const struct event *event)
{
	struct flow *flow = &sim->flows[event->source];

	if (event->kind != EVENT_SEND)
		flow->out--;
	if (event->kind == EVENT_ACK && flow->source.kind == SOURCE_TCP)
		flow->window += 1 / flow->window;
	if (sim->now >= flow->source.stop)
		return;
	if (has_window(flow)) {
		fill_window(sim, event->source);
		return;
	}
	send_packet(sim, event->source);
	events_add(&sim->events, sim->now + pause_of(sim, flow), event->source, EVENT_SEND);
}

void sim_run(struct sim *sim, uint64_t until)
{
	struct event event;

	while (events_take(&sim->events, until, &event)) {
		sim->now = event.when;
		handle(sim, &event);
	}
	sim->now = until;
}

struct flows sim_flows(const struct sim *sim, const char *class)
{
	uint32_t slot = sim_slot(sim, class);
	struct flows flows = { 0 };

	for (unsigned int i = 0; i < sim->flow_count; i++) {
		if (sim->flows[i].slot != slot)
			continue;
		if (!flows.count)
			flows.first = i;
		assert_int_equal(flows.first + flows.count, i);
		flows.count++;
	}
	return flows;
}

static double rate_of(const struct flow *flow, struct span span)
{
	uint64_t bytes = 0;

	for (size_t ms = span.from / MSEC; ms < span.to / MSEC && ms < flow->sent_count; ms++)
		bytes += flow->sent[ms];
	return (double)bytes * 8 * (double)SEC / (double)(span.to - span.from);
}

double sim_rate(const struct sim *sim, struct flows flows, struct span span)
{
	double sum = 0;

	for (unsigned int i = 0; i < flows.count; i++)
		sum += rate_of(&sim->flows[flows.first + i], span);
	return sum;
}

double sim_fairness(const struct sim *sim, struct flows flows, struct span span)
{
	double sum = 0, squares = 0;

	for (unsigned int i = 0; i < flows.count; i++) {
		double rate = rate_of(&sim->flows[flows.first + i], span);

		sum += rate;
		squares += rate * rate;
	}
	return squares > 0 ? sum * sum / (flows.count * squares) : 0;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

double sim_delay(const struct sim *sim, struct flows flows, struct span span, double part)
{
	_cleanup_(freep) uint64_t *all = NULL;
	size_t count = 0, room = 0;

	for (unsigned int i = 0; i < flows.count; i++) {
		const struct flow *flow = &sim->flows[flows.first + i];

		for (size_t j = 0; j < flow->delay_count; j++) {
			if (flow->delays[j].when < span.from || flow->delays[j].when >= span.to)
				continue;
			if (count == room)
				all = grow(all, &room, sizeof(*all));
			all[count++] = flow->delays[j].ns;
		}
	}
	assert_true(count > 0);
	qsort(all, count, sizeof(*all), by_size);
	return (double)all[(size_t)(part * (double)(count - 1))] / (double)MSEC;
}

struct sim_counts sim_counts(const struct sim *sim, struct flows flows)
{
	struct sim_counts sum = { 0 };

	for (unsigned int i = 0; i < flows.count; i++) {
		const struct sim_counts *counts = &sim->flows[flows.first + i].counts;

		sum.packets += counts->packets;
		sum.drops += counts->drops;
		sum.marks += counts->marks;
		sum.reordered += counts->reordered;
	}
	return sum;
}
