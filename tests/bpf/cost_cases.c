// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cost_cases.h"

#include "compile/plan.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "cost_rules.h"
#include "minimal_edt.skel.h"
#include "rules.h"

#define PLACES	   16384
#define HORIZON_NS (10 * SEC)

/* DSCPs that the packets have, one rewritten to the other and back. */
#define DSCP_ONE   10
#define DSCP_OTHER 12

enum last_rule {
	LAST_NO,    /* no rule takes the packet */
	LAST_TAKES, /* the last one does */
};

enum remark {
	REMARK_NO,
	REMARK_YES,
};

/* ns that the link takes for a full frame: more than the program takes for it, or less. */
enum load {
	LOAD_QUEUE = COST_PACKET_NS,
	LOAD_IDLE = 10,
};

/* A program of ours, described. */
struct ours {
	const char *name;
	uint32_t rules;
	enum last_rule last;
	uint32_t depth; /* of the classes below the link, which has no rate with 0 */
	enum remark remark;
	enum program program;
	enum load load;
	uint32_t random_classes; /* instead of what rules say */
	bool every_key;		 /* is looked at, as if rules asked for it */
	uint32_t flows;		 /* at random; 0: as the program has it */
};

static const struct spec specs[COST_PACKETS] = {
	[COST_TCP4] = { .family = 4,
			.proto = IPPROTO_TCP,
			.sport = 40000,
			.dport = 443,
			.tos = TOS(DSCP_ONE, 0),
			.payload = 1448 },
	[COST_UDP4] = { .family = 4,
			.proto = IPPROTO_UDP,
			.sport = 40000,
			.dport = 443,
			.tos = TOS(DSCP_ONE, 0),
			.payload = 1448 },
	[COST_TCP6] = { .family = 6,
			.proto = IPPROTO_TCP,
			.sport = 40000,
			.dport = 443,
			.tos = TOS(DSCP_ONE, 0),
			.payload = 1428 },
};

const char *cost_load_name(uint32_t load)
{
	return load == LOAD_IDLE ? "no" : "yes";
}

const char *cost_packet_name(enum cost_packet packet)
{
	static const char *const names[COST_PACKETS] = { "IPv4 TCP", "IPv4 UDP", "IPv6 TCP" };

	return names[packet];
}

/* The caller's. */
static struct rule *make_rules(const struct ours *ours)
{
	struct rule *rules = cost_rules(ours->rules);

	if (ours->last == LAST_TAKES)
		rules[ours->rules - 1] = rule_dport(rule_any(1), 443, 443);
	if (ours->remark == REMARK_YES)
		rules[ours->rules - 1] = rule_dscp(rule_any(2), 1ULL << DSCP_OTHER);
	return rules;
}

#define FIRST_INNER  (COST_LEAVES + 1)
#define PERIOD_SHIFT 22

/* Below the link, or, one below the other, inner classes that have ceilings of their own. */
static uint32_t parent_of(const struct ours *ours, uint32_t slot)
{
	uint32_t last = FIRST_INNER + ours->depth - 2;

	if (!ours->depth)
		return QOS_NO_SLOT;
	if (slot < FIRST_INNER || ours->random_classes)
		return ours->depth > 1 ? last : QOS_SLOT_LINK;
	return slot > FIRST_INNER ? slot - 1 : QOS_SLOT_LINK;
}

static uint64_t bytes_a_s(enum load load)
{
	return SEC * 1514 / load;
}

/* Of what there is, one in so many: guarantees are no more than the link has. */
static uint32_t guaranteed_part(const struct ours *ours)
{
	return ours->random_classes > 3 ? ours->random_classes : 3;
}

/*
 * With all that is on by default: fair to its flows, CoDel and ECN, which look at each packet
 * and let it pass.
 */
static struct qos_class_cfg leaf(const struct ours *ours, uint32_t slot)
{
	static const uint8_t remark[] = { DSCP_ONE, DSCP_OTHER, DSCP_ONE };
	uint32_t parent = parent_of(ours, slot), part = guaranteed_part(ours);

	return (struct qos_class_cfg){
		.ceil_cost = NS_A_BYTE(ours->load) / 1514,
		.rate_cost = NS_A_BYTE((uint64_t)part * ours->load) / 1514,
		.share_cost = 1ULL << QOS_VIRTUAL_SHIFT,
		.rate_burst_ns = MSEC,
		.ceil_burst_ns = MSEC,
		.limit_ns = HORIZON_NS,
		.latency_ns = HORIZON_NS,
		.rate = bytes_a_s(ours->load) / part,
		.ceil = bytes_a_s(ours->load),
		.weight = QOS_WEIGHT_ONE,
		.flags = QOS_CLASS_FAIR | QOS_CLASS_ECN |
			 (ours->depth ? QOS_CLASS_RATE | QOS_CLASS_BORROW : QOS_CLASS_CEIL),
		.parent = parent,
		.hard = parent,
		.packet_bytes = 1514,
		.dscp = ours->remark == REMARK_YES && slot <= 2 ? remark[slot] : QOS_DSCP_KEEP,
		.level = 1,
		.levels = 1 << 1,
		.period_shift = PERIOD_SHIFT,
		.parent_shift = PERIOD_SHIFT,
		.sample_shift = 17, /* of this rate */
	};
}

static struct qos_class_cfg inner(const struct ours *ours, uint32_t slot)
{
	struct qos_class_cfg cfg = leaf(ours, slot);

	cfg.flags = QOS_CLASS_CEIL;
	for (uint32_t level = 0; level < QOS_LEVELS; level++)
		cfg.weights[level] = QOS_WEIGHT_ONE;
	if (slot == QOS_SLOT_LINK)
		cfg.parent = cfg.hard = QOS_NO_SLOT;
	return cfg;
}

static void put_class(const struct shaper *s, uint32_t slot, struct qos_class_cfg cfg)
{
	shaper_set_class(s, slot, &cfg);
}

/* Rules and classes of a program that others may have used before. */
static void put_policy(const struct ours *ours, const struct shaper *s)
{
	uint32_t leaves = ours->random_classes ? ours->random_classes : COST_LEAVES;
	_cleanup_(freep) struct rule *rules = make_rules(ours);

	shaper_set_rules(s, rules, ours->rules);
	put_class(s, QOS_SLOT_LINK, inner(ours, QOS_SLOT_LINK));
	for (uint32_t slot = 1; slot <= leaves; slot++)
		put_class(s, slot, leaf(ours, slot));
	for (uint32_t i = 0; i + 1 < ours->depth; i++)
		put_class(s, FIRST_INNER + i, inner(ours, FIRST_INNER + i));
}

static struct shaper *open_ours(const struct ours *ours)
{
	_cleanup_(freep) struct rule *rules = make_rules(ours);
	static uint32_t places[PLACES][2];
	struct setup setup = {
		/* the records that the controller gives to anything but a few classes */
		.link = { .rules = ours->rules,
			  .default_slot = 1,
			  .l2_len = 14,
			  /* else the first run marks the packet, and spares all others that */
			  .hardware = 1,
			  .flow_mask = 65535 },
		.tree = true,
		.capacity = ours->random_classes < CLASSES_MAX ? 0 : ours->random_classes + 1,
		.random_classes = ours->random_classes,
		.rules = rules,
		.place_count = ours->rules > COST_PREFIX_RULES ? PLACES : 0,
		.places = (const uint32_t(*)[2])places,
		.ports = ours->flows,
	};

	cost_places(places, PLACES);
	if (!ours->every_key)
		setup.link.used = rules_used(rules, ours->rules);
	return shaper_open(ours->program, &setup);
}

static struct minimal_edt_bpf *open_minimal(uint32_t aggregates)
{
	struct minimal_edt_bpf *edt = minimal_edt_bpf__open();

	assert_non_null(edt);
	edt->rodata->edt_random_mask = aggregates ? aggregates - 1 : 0;
	assert_int_equal(minimal_edt_bpf__load(edt), 0);
	return edt;
}

static uint64_t uptime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SEC + (uint64_t)ts.tv_nsec;
}

static uint32_t run_minimal(const struct cost_case *c, const struct packet *packet,
			    uint32_t packets)
{
	struct {
		uint64_t bytes_per_second, t_last, horizon_ns, pad[4];
	} aggregate = { bytes_a_s(c->load), uptime(), HORIZON_NS, { 0 } };
	struct __sk_buff in = { 0 }; /* without it wire_len would be 0 */
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet->data,
		    .data_size_in = (__u32)packet->len, .ctx_in = &in, .ctx_size_in = sizeof(in),
		    .repeat = (int)packets);
	uint32_t key = 0;

	for (; key == 0 || key < c->aggregates; key++)
		assert_int_equal(bpf_map_update_elem(bpf_map__fd(c->edt->maps.edt_aggregates), &key,
						     &aggregate, BPF_ANY),
				 0);
	assert_int_equal(bpf_prog_test_run_opts(cost_case_fd(c), &opts), 0);
	assert_int_equal(opts.retval, TC_ACT_OK);
	return opts.duration;
}

/* All packets of the run passed: what was measured is the whole path. */
static void expect_passed(const struct shaper *shaper, uint32_t slots, uint32_t packets)
{
	uint64_t passed = 0;

	for (uint32_t slot = 0; slot < slots; slot++)
		passed += shaper_counters(shaper, slot).by[QOS_PASS].packets;
	assert_int_equal(passed, packets);
}

uint32_t cost_case_run(struct cost_case *c, uint32_t packets)
{
	const uint64_t now = uptime();
	const struct qos_clocks clocks = { .rate = now, .ceil = { now, now, now } };
	struct packet packet;
	uint32_t ns;

	packet_build(&specs[c->packet], &packet);
	if (c->edt)
		return run_minimal(c, &packet, packets);
	put_policy(c->ours, c->shaper);
	shaper_set_all_clocks(c->shaper, &clocks);
	shaper_clear_counters(c->shaper);
	ns = shaper_repeat(c->shaper, &packet, packets);
	expect_passed(c->shaper, c->slots, packets);
	return ns;
}

int cost_case_fd(const struct cost_case *c)
{
	return c->edt ? bpf_program__fd(c->edt->progs.edt_egress) : shaper_prog_fd(c->shaper);
}

#define CASE(load, name, rules, last, depth, remark, program, classes)             \
	{                                                                          \
		name, rules, last, depth, remark, program, load, classes, false, 0 \
	}
#define EVERY_KEY(load, name)                                                      \
	{                                                                          \
		name, 10, LAST_TAKES, 1, REMARK_NO, PROGRAM_REAL, load, 0, true, 0 \
	}
#define SOME_FLOWS(load, flows, name)                                                       \
	{                                                                                   \
		name, 10, LAST_TAKES, 1, REMARK_NO, PROGRAM_NEW_FLOW, load, 0, false, flows \
	}
#define QUEUE(...) CASE(LOAD_QUEUE, __VA_ARGS__)
#define IDLE(...)  CASE(LOAD_IDLE, __VA_ARGS__)
#define BOTH(...)  QUEUE(__VA_ARGS__), IDLE(__VA_ARGS__)

/* Name, rules, whether the last takes it, depth, remark, program, classes at random. */
static const struct ours all[] = {
	QUEUE("0 rules, no link rate", 0, LAST_NO, 0, REMARK_NO, PROGRAM_REAL, 0),
	BOTH("0 rules", 0, LAST_NO, 1, REMARK_NO, PROGRAM_REAL, 0),
	BOTH("0 rules, depth 4", 0, LAST_NO, 4, REMARK_NO, PROGRAM_REAL, 0),
	BOTH("10 rules, last takes", 10, LAST_TAKES, 1, REMARK_NO, PROGRAM_REAL, 0),
	BOTH("10 rules, last takes, depth 4", 10, LAST_TAKES, 4, REMARK_NO, PROGRAM_REAL, 0),
	BOTH("10 rules, new flows", 10, LAST_TAKES, 1, REMARK_NO, PROGRAM_NEW_FLOW, 0),
	SOME_FLOWS(LOAD_QUEUE, 256, "10 rules, 256 flows at random"),
	SOME_FLOWS(LOAD_IDLE, 256, "10 rules, 256 flows at random"),
	QUEUE("10 rules, DSCP written", 10, LAST_NO, 1, REMARK_YES, PROGRAM_REAL, 0),
	QUEUE("100 rules, last takes", 100, LAST_TAKES, 1, REMARK_NO, PROGRAM_REAL, 0),
	QUEUE("100 rules, new flows", 100, LAST_TAKES, 1, REMARK_NO, PROGRAM_NEW_FLOW, 0),
	EVERY_KEY(LOAD_QUEUE, "10 rules, every key"),
	EVERY_KEY(LOAD_IDLE, "10 rules, every key"),
	IDLE("1 rule", 1, LAST_NO, 1, REMARK_NO, PROGRAM_REAL, 0),
	IDLE("11000 rules", 11000, LAST_TAKES, 1, REMARK_NO, PROGRAM_REAL, 0),
	IDLE("11000 rules, all new", 11000, LAST_NO, 1, REMARK_NO, PROGRAM_NEW_FLOW, 0),
	BOTH("4 classes at random", 0, LAST_NO, 1, REMARK_NO, PROGRAM_NEW_CLASS, 4),
	BOTH("4096 classes at random", 0, LAST_NO, 1, REMARK_NO, PROGRAM_NEW_CLASS, 4096),
};

/* A program that another case has loaded already, as it differs in the maps only; or null. */
static struct shaper *find_shaper(const struct cost_case *cases, size_t count,
				  const struct ours *ours)
{
	for (size_t i = 0; i < count; i++) {
		const struct ours *other = cases[i].ours;

		if (other && other->program == ours->program && other->rules == ours->rules &&
		    other->every_key == ours->every_key && other->flows == ours->flows &&
		    other->random_classes == ours->random_classes && other->remark == ours->remark)
			return cases[i].shaper;
	}
	return NULL;
}

static void open_case(struct cost_case *cases, size_t at, const struct ours *ours)
{
	struct shaper *shaper = find_shaper(cases, at, ours);

	cases[at] = (struct cost_case){
		.name = ours->name,
		.load = ours->load,
		.packet = COST_TCP4,
		.ours = ours,
		.shared = shaper != NULL,
		.shaper = shaper ? shaper : open_ours(ours),
		.slots =
			ours->random_classes < CLASSES_MAX ? CLASSES_MAX : ours->random_classes + 1,
	};
}

/* Those with others at random are programs like ours: not what the rest is compared with. */
static const struct cost_case minimal[] = {
	{ .name = "minimal EDT", .minimal = true },
	{ .name = "minimal, 4 at random", .aggregates = 4 },
	{ .name = "minimal, 4096 at random", .aggregates = 4096 },
};

/* All cases of a load, the minimal program first; returns their number. */
static size_t open_load(struct cost_case *cases, size_t at, enum load load)
{
	size_t first = at;

	for (size_t i = 0; i < ARRAY_SIZE(minimal); i++, at++) {
		cases[at] = minimal[i];
		cases[at].load = load;
		cases[at].packet = COST_TCP4;
		cases[at].shared = first > 0;
		cases[at].edt = first > 0 ? cases[i].edt : open_minimal(minimal[i].aggregates);
	}
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (all[i].load == load)
			open_case(cases, at++, &all[i]);
	}
	return at - first;
}

size_t cost_cases_open(struct cost_case **ret_cases)
{
	size_t each = ARRAY_SIZE(all) + 2 * ARRAY_SIZE(minimal), count = each * COST_PACKETS;
	struct cost_case *cases = calloc(count, sizeof(*cases));
	size_t queue;

	assert_non_null(cases);
	queue = open_load(cases, 0, LOAD_QUEUE);
	assert_int_equal(queue + open_load(cases, queue, LOAD_IDLE), each);
	/* the same programs for all packets */
	for (size_t i = each; i < count; i++) {
		cases[i] = cases[i % each];
		cases[i].packet = (enum cost_packet)(i / each);
		cases[i].shared = true;
	}
	*ret_cases = cases;
	return count;
}

void cost_cases_close(struct cost_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (cases[i].shared)
			continue;
		shaper_close(cases[i].shaper);
		minimal_edt_bpf__destroy(cases[i].edt);
	}
	free(cases);
}
