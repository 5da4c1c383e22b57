// SPDX-License-Identifier: LGPL-2.1-or-later
/* Every verdict is counted once, where it belongs, and answered with its action. */
#include <netinet/in.h>

#include "base/cleanup.h"
#include "fixture.h"
#include "rules.h"

#define SLOT_DEFAULT 1
#define SLOT_PORT    2 /* destination port 443 */
#define LIMIT	     MSEC

struct count_case {
	const char *name;
	uint32_t mode;
	struct spec spec;
	struct input input;
	uint64_t clock;
	uint32_t slot;
	enum qos_verdict verdict;
	int action;
	uint64_t packets, bytes;
};

/* 2554 bytes in three segments of 1000, 1000 and 500, 54 of headers each. */
#define GSO_SPEC(...)                                      \
	{                                                  \
		.dport = 443, .payload = 2500, __VA_ARGS__ \
	}
#define GSO_INPUT(...)                                                         \
	{                                                                      \
		.gso_size = 1000, .gso_segs = 3, .wire_len = 2662, __VA_ARGS__ \
	}
#define ARP                                        \
	{                                          \
		.ethertype = 0x0806, .payload = 28 \
	}

static const struct count_case cases[] = {
	{ "passed",
	  QOS_MODE_FQ,
	  { .dport = 443 },
	  { 0 },
	  NOW,
	  SLOT_PORT,
	  QOS_PASS,
	  TC_ACT_UNSPEC,
	  1,
	  54 },
	{ "passed, default",
	  QOS_MODE_FQ,
	  { .dport = 80 },
	  { 0 },
	  NOW,
	  SLOT_DEFAULT,
	  QOS_PASS,
	  TC_ACT_UNSPEC,
	  1,
	  54 },
	{ "queued",
	  QOS_MODE_FQ,
	  { .dport = 443 },
	  { 0 },
	  NOW + LIMIT,
	  SLOT_PORT,
	  QOS_PASS,
	  TC_ACT_UNSPEC,
	  1,
	  54 },
	{ "passed, GSO", QOS_MODE_FQ, GSO_SPEC(), GSO_INPUT(), NOW, SLOT_PORT, QOS_PASS,
	  TC_ACT_UNSPEC, 3, 2662 },
	{ "exempt", QOS_MODE_FQ, ARP, { 0 }, NOW, SLOT_DEFAULT, QOS_EXEMPT, TC_ACT_UNSPEC, 1, 42 },
	{ "limit",
	  QOS_MODE_FQ,
	  { .dport = 443 },
	  { 0 },
	  NOW + LIMIT + 1,
	  SLOT_PORT,
	  QOS_DROP_LIMIT,
	  TC_ACT_SHOT,
	  1,
	  54 },
	{ "limit, GSO", QOS_MODE_FQ, GSO_SPEC(), GSO_INPUT(), NOW + LIMIT + 1, SLOT_PORT,
	  QOS_DROP_LIMIT, TC_ACT_SHOT, 3, 2662 },
	{ "horizon",
	  QOS_MODE_FQ,
	  { .dport = 443 },
	  { .tstamp = NOW + 11 * SEC },
	  NOW,
	  SLOT_PORT,
	  QOS_DROP_HORIZON,
	  TC_ACT_SHOT,
	  1,
	  54 },
	{ "horizon, GSO", QOS_MODE_FQ, GSO_SPEC(), GSO_INPUT(.tstamp = NOW + 11 * SEC), NOW,
	  SLOT_PORT, QOS_DROP_HORIZON, TC_ACT_SHOT, 3, 2662 },
	{ "rule",
	  QOS_MODE_FQ,
	  { .dport = 25 },
	  { 0 },
	  NOW,
	  QOS_SLOT_LINK,
	  QOS_DROP_RULE,
	  TC_ACT_SHOT,
	  1,
	  54 },
	{ "rule, GSO", QOS_MODE_FQ, GSO_SPEC(.dport = 25), GSO_INPUT(), NOW, QOS_SLOT_LINK,
	  QOS_DROP_RULE, TC_ACT_SHOT, 3, 2662 },
	{ "police, passed",
	  QOS_MODE_POLICE,
	  { .dport = 443 },
	  { 0 },
	  NOW,
	  SLOT_PORT,
	  QOS_PASS,
	  TC_ACT_UNSPEC,
	  1,
	  54 },
	{ "police, marked",
	  QOS_MODE_POLICE,
	  { .dport = 443, .tos = 2 },
	  { 0 },
	  NOW + 1,
	  SLOT_PORT,
	  QOS_MARK,
	  TC_ACT_UNSPEC,
	  1,
	  54 },
	{ "police, marked, GSO", QOS_MODE_POLICE, GSO_SPEC(.tos = 2), GSO_INPUT(), NOW + 1,
	  SLOT_PORT, QOS_MARK, TC_ACT_UNSPEC, 3, 2662 },
	{ "police, dropped",
	  QOS_MODE_POLICE,
	  { .dport = 443 },
	  { 0 },
	  NOW + 1,
	  SLOT_PORT,
	  QOS_DROP_POLICE,
	  TC_ACT_SHOT,
	  1,
	  54 },
	{ "police, dropped, GSO", QOS_MODE_POLICE, GSO_SPEC(.tos = 2), GSO_INPUT(), NOW + LIMIT + 1,
	  SLOT_PORT, QOS_DROP_POLICE, TC_ACT_SHOT, 3, 2662 },
	{ "police, exempt",
	  QOS_MODE_POLICE,
	  ARP,
	  { 0 },
	  NOW + LIMIT + 1,
	  SLOT_DEFAULT,
	  QOS_EXEMPT,
	  TC_ACT_UNSPEC,
	  1,
	  42 },
	{ "police, rule",
	  QOS_MODE_POLICE,
	  { .dport = 25 },
	  { 0 },
	  NOW,
	  QOS_SLOT_LINK,
	  QOS_DROP_RULE,
	  TC_ACT_SHOT,
	  1,
	  54 },
};

static struct shaper *open_mode(uint32_t mode)
{
	const struct rule rules[] = {
		rule_dport(rule_any(SLOT_PORT), 443, 443),
		rule_dport(rule_drop(), 25, 25),
	};
	const struct qos_class_cfg cls = {
		.flags = QOS_CLASS_CEIL | QOS_CLASS_ECN,
		.ceil_cost = NS_A_BYTE(1),
		.limit_ns = LIMIT,
		.dscp = QOS_DSCP_KEEP,
	};
	const struct setup setup = {
		.link = { .mode = mode,
			  .rules = ARRAY_SIZE(rules),
			  .default_slot = SLOT_DEFAULT,
			  .l2_len = 14 },
		.classes = { [SLOT_DEFAULT] = cls, [SLOT_PORT] = cls },
		.rules = rules,
	};

	return shaper_open(PROGRAM_FAKE, &setup);
}

/* The case's counts in its place, and none in any other. */
static void expect_counts(struct shaper *s, const struct count_case *c, uint64_t times)
{
	for (uint32_t slot = 0; slot < CLASSES_MAX; slot++) {
		struct qos_counters counters = shaper_counters(s, slot);

		for (unsigned int v = 0; v < QOS_VERDICTS; v++) {
			uint64_t n = slot == c->slot && v == c->verdict ? times : 0;

			if (counters.by[v].packets != n * c->packets ||
			    counters.by[v].bytes != n * c->bytes)
				fail_msg("%s: slot %u, verdict %u: %llu packets, %llu bytes",
					 c->name, slot, v,
					 (unsigned long long)counters.by[v].packets,
					 (unsigned long long)counters.by[v].bytes);
		}
	}
}

static void test_verdicts(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *fq = open_mode(QOS_MODE_FQ);
	_cleanup_(shaper_closep) struct shaper *police = open_mode(QOS_MODE_POLICE);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct count_case *c = &cases[i];
		struct shaper *s = c->mode == QOS_MODE_FQ ? fq : police;
		struct packet packet;

		packet_build(&c->spec, &packet);
		shaper_clear_counters(s);
		for (uint64_t times = 1; times <= 3; times++) {
			for (uint32_t slot = SLOT_DEFAULT; slot <= SLOT_PORT; slot++)
				shaper_set_clocks(s, slot,
						  &(struct qos_clocks){ .ceil = { c->clock } });
			assert_int_equal(shaper_run(s, &packet, &c->input, NULL), c->action);
			expect_counts(s, c, times);
		}
	}
}

/* [0] is below 1024 ns, [n] from 2^(n + 9) ns on, the last one all above. */
static void test_delays(void **state __attribute__((unused)))
{
	static const struct {
		uint64_t ns;
		unsigned int bucket;
	} delays[] = {
		/* the first is not counted */
		{ 0, 0 },
		{ 1, 0 },
		{ 1023, 0 },
		{ 1024, 1 },
		{ 2047, 1 },
		{ 2048, 2 },
		{ MSEC, 10 }, /* 2^19 is 524288, 2^20 1048576 */
		{ (1 << 20) - 1, 10 },
		{ 1 << 20, 11 },
		{ SEC, 20 },
		{ (1ULL << 32) - 1, 22 },
		{ 1ULL << 32, 23 },
		{ 9 * SEC, 23 },
	};
	const struct setup setup = {
		.link = { .default_slot = SLOT_DEFAULT, .l2_len = 14 },
		.classes = { [SLOT_DEFAULT] = { .flags = QOS_CLASS_CEIL,
						.ceil_cost = NS_A_BYTE(1),
						.limit_ns = 10 * SEC,
						.latency_ns = 10 * SEC } },
	};
	_cleanup_(shaper_closep) struct shaper *s = shaper_open(PROGRAM_FAKE, &setup);
	const struct spec gso = GSO_SPEC();
	const struct input input = GSO_INPUT();
	struct packet packet;

	packet_build(&gso, &packet);
	for (size_t i = 0; i < ARRAY_SIZE(delays); i++) {
		struct qos_counters counters;

		shaper_clear_counters(s);
		shaper_set_clocks(s, SLOT_DEFAULT,
				  &(struct qos_clocks){ .ceil = { NOW + delays[i].ns } });
		shaper_run(s, &packet, &input, NULL);
		counters = shaper_counters(s, SLOT_DEFAULT);
		for (unsigned int b = 0; b < QOS_DELAYS; b++) {
			if (counters.delay[b] != (b && b == delays[i].bucket ? 3 : 0))
				fail_msg("%llu ns: %llu segments in bucket %u",
					 (unsigned long long)delays[i].ns,
					 (unsigned long long)counters.delay[b], b);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_delays),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
