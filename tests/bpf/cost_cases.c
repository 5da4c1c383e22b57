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
#include "minimal_edt.skel.h"
#include "rules.h"

#define RULES_MAX  100
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

/* A program of ours, described. */
struct ours {
	const char *name;
	uint32_t rules;
	enum last_rule last;
	bool link;
	enum remark remark;
	enum program program;
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

const char *cost_packet_name(enum cost_packet packet)
{
	static const char *const names[COST_PACKETS] = { "IPv4 TCP", "IPv4 UDP", "IPv6 TCP" };

	return names[packet];
}

/* What a household or an office writes; none of it takes the packets above. */
static struct qos_rule realistic(uint32_t i)
{
	switch (i % 10) {
	case 0:
		return rule_dscp(rule_any(2), 1ULL << 46 | 1ULL << 40); /* EF, CS5 */
	case 1:
		return rule_dport(rule_proto(rule_any(2), IPPROTO_UDP), 3478, 3481);
	case 2:
		return rule_dport(rule_proto(rule_any(2), IPPROTO_UDP), 53, 53);
	case 3:
		return rule_dport(rule_proto(rule_any(2), IPPROTO_TCP), 22, 22);
	case 4:
		return rule_src(rule_any(3), "10.1.0.0/24");
	case 5:
		return rule_src(rule_any(3), "fd00:1::/64");
	case 6:
		return rule_dst(rule_any(3), "192.168.0.0/16");
	case 7:
		return rule_sport(rule_proto(rule_any(3), IPPROTO_TCP), 873, 873);
	case 8:
		return rule_dport(rule_dst(rule_any(3), "203.0.113.0/24"), 8000, 8999);
	default:
		return rule_dscp(rule_any(3), 1ULL << 8); /* CS1 */
	}
}

static void put_rules(const struct ours *ours, struct qos_rule rules[RULES_MAX])
{
	for (uint32_t i = 0; i < ours->rules; i++)
		rules[i] = realistic(i);
	if (ours->last == LAST_TAKES)
		rules[ours->rules - 1] = rule_dport(rule_any(1), 443, 443);
	if (ours->remark == REMARK_YES)
		rules[ours->rules - 1] = rule_dscp(rule_any(2), 1ULL << DSCP_OTHER);
}

static struct shaper *open_ours(const struct ours *ours)
{
	struct qos_rule rules[RULES_MAX];
	struct qos_class_cfg cls = {
		/* COST_PACKET_NS for a full frame, and three times that guaranteed */
		.ceil_cost = NS_A_BYTE(COST_PACKET_NS) / 1514,
		.rate_cost = NS_A_BYTE(3 * COST_PACKET_NS) / 1514,
		.rate_burst_ns = MSEC,
		.ceil_burst_ns = MSEC,
		.limit_ns = HORIZON_NS,
		.flags = ours->link ? QOS_CLASS_RATE | QOS_CLASS_BORROW : QOS_CLASS_CEIL,
		.dscp = QOS_DSCP_KEEP,
	};
	struct setup setup = {
		.link = { .rules = ours->rules,
			  .default_slot = 1,
			  .l2_len = 14,
			  .rate_set = ours->link },
		.classes = { cls, cls, cls, cls },
		.rules = rules,
	};

	put_rules(ours, rules);
	setup.link.used = qos_rules_used(rules, ours->rules);
	if (ours->remark == REMARK_YES) {
		setup.classes[1].dscp = DSCP_OTHER;
		setup.classes[2].dscp = DSCP_ONE;
	}
	return shaper_open(ours->program, &setup);
}

static struct minimal_edt_bpf *open_minimal(void)
{
	struct minimal_edt_bpf *edt = minimal_edt_bpf__open_and_load();

	assert_non_null(edt);
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
	} aggregate = { SEC * 1514 / COST_PACKET_NS, uptime(), HORIZON_NS, { 0 } };
	struct __sk_buff in = { 0 }; /* without it wire_len would be 0 */
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet->data,
		    .data_size_in = (__u32)packet->len, .ctx_in = &in, .ctx_size_in = sizeof(in),
		    .repeat = (int)packets);
	uint32_t key = 0;

	assert_int_equal(bpf_map_update_elem(bpf_map__fd(c->edt->maps.edt_aggregates), &key,
					     &aggregate, BPF_ANY),
			 0);
	assert_int_equal(bpf_prog_test_run_opts(cost_case_fd(c), &opts), 0);
	assert_int_equal(opts.retval, TC_ACT_OK);
	return opts.duration;
}

/* All packets of the run passed: what was measured is the whole path. */
static void expect_passed(const struct shaper *shaper, uint32_t packets)
{
	uint64_t passed = 0;

	for (uint32_t slot = 0; slot < CLASSES_MAX; slot++)
		passed += shaper_counters(shaper, slot).packets[QOS_PASS];
	assert_int_equal(passed, packets);
}

uint32_t cost_case_run(struct cost_case *c, uint32_t packets)
{
	struct qos_clocks clocks = { .rate = uptime(), .ceil = uptime() };
	struct packet packet;
	uint32_t ns;

	packet_build(&specs[c->packet], &packet);
	if (c->minimal)
		return run_minimal(c, &packet, packets);
	for (uint32_t slot = 0; slot < CLASSES_MAX; slot++)
		shaper_set_clocks(c->shaper, slot, &clocks);
	shaper_clear_counters(c->shaper);
	ns = shaper_repeat(c->shaper, &packet, packets);
	expect_passed(c->shaper, packets);
	return ns;
}

int cost_case_fd(const struct cost_case *c)
{
	return c->minimal ? bpf_program__fd(c->edt->progs.edt_egress) : shaper_prog_fd(c->shaper);
}

size_t cost_cases_open(struct cost_case **ret_cases)
{
	static const struct ours all[] = {
		{ "0 rules", 0, LAST_NO, false, REMARK_NO, PROGRAM_REAL },
		{ "0 rules, link", 0, LAST_NO, true, REMARK_NO, PROGRAM_REAL },
		{ "10 rules, none takes", 10, LAST_NO, false, REMARK_NO, PROGRAM_REAL },
		{ "10 rules, last takes", 10, LAST_TAKES, false, REMARK_NO, PROGRAM_REAL },
		{ "10 rules, last takes, link", 10, LAST_TAKES, true, REMARK_NO, PROGRAM_REAL },
		{ "10 rules, new flows", 10, LAST_TAKES, false, REMARK_NO, PROGRAM_NEW_FLOW },
		{ "10 rules, new flows, link", 10, LAST_TAKES, true, REMARK_NO, PROGRAM_NEW_FLOW },
		{ "10 rules, DSCP written, link", 10, LAST_NO, true, REMARK_YES, PROGRAM_REAL },
		{ "100 rules, last takes, link", 100, LAST_TAKES, true, REMARK_NO, PROGRAM_REAL },
		{ "100 rules, new flows, link", 100, LAST_TAKES, true, REMARK_NO,
		  PROGRAM_NEW_FLOW },
	};
	size_t each = ARRAY_SIZE(all) + 1, count = each * COST_PACKETS;
	struct cost_case *cases = calloc(count, sizeof(*cases));

	assert_non_null(cases);
	for (size_t p = 0; p < COST_PACKETS; p++) {
		struct cost_case *c = &cases[p * each];

		*c = (struct cost_case){ "minimal EDT", (enum cost_packet)p, true, NULL,
					 open_minimal() };
		for (size_t i = 0; i < ARRAY_SIZE(all); i++)
			c[i + 1] = (struct cost_case){ all[i].name, (enum cost_packet)p, false,
						       open_ours(&all[i]), NULL };
	}
	*ret_cases = cases;
	return count;
}

void cost_cases_close(struct cost_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		shaper_close(cases[i].shaper);
		minimal_edt_bpf__destroy(cases[i].edt);
	}
	free(cases);
}
