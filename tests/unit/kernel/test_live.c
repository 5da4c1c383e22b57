/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is made of the program's numbers: no kernel is asked. */
#include "env.h"

#include <arpa/inet.h>
#include <string.h>

#include "kernel/counts.h"
#include "kernel/flows.h"
#include "kernel/live.h"

#define NOW 5000000000000ULL
#define MS  1000000ULL
#define SEC 1000000000ULL

/* The link at slot 0, an inner class at 1, and a class in it at 2. */
struct tree {
	struct qos_class_cfg classes[3];
	struct qos_clocks clocks[3];
	struct qos_live live;
};

static void make_tree(struct tree *tree)
{
	*tree = (struct tree){
		.classes = {
			{ .flags = QOS_CLASS_CEIL, .parent = QOS_NO_SLOT, .hard = QOS_NO_SLOT },
			{ .parent = 0, .hard = 0 },
			{ .flags = QOS_CLASS_BORROW | QOS_CLASS_RATE, .parent = 1, .hard = 0,
			  .level = 1, .latency_ns = 4 * MS, .rate_burst_ns = MS },
		},
	};
	tree->live = (struct qos_live){
		.classes = tree->classes,
		.clocks = tree->clocks,
		.capacity = 3,
		.now = NOW,
	};
}

static void test_backlog_idle(void **state)
{
	struct tree tree;

	(void)state;
	make_tree(&tree);
	for (uint32_t slot = 0; slot < 3; slot++)
		assert_int_equal(qos_live_backlog(&tree.live, slot, slot < 2), 0);
}

/* Until its last packet departs, which is said a step too late. */
static void test_backlog_of_a_queue(void **state)
{
	struct tree tree;

	(void)state;
	make_tree(&tree);
	tree.clocks[2].busy = NOW + 30 * MS + QOS_BUSY_STEP_NS;
	assert_int_equal(qos_live_backlog(&tree.live, 2, false), 30 * MS);
	tree.clocks[2].busy = NOW + QOS_BUSY_STEP_NS / 2;
	assert_int_equal(qos_live_backlog(&tree.live, 2, false), 0);
}

/* A busy link, and the class's guarantee used up. */
static void test_backlog_of_police(void **state)
{
	struct tree tree;

	(void)state;
	make_tree(&tree);
	tree.live.police = true;
	tree.clocks[2].busy = NOW + SEC;
	tree.clocks[0].ceil[1] = NOW + 20 * MS;
	tree.clocks[0].ceil[2] = NOW + 90 * MS;
	tree.clocks[2].rate = NOW + 50 * MS;
	assert_int_equal(qos_live_backlog(&tree.live, 2, false), 20 * MS);
	/* the guarantee is sooner */
	tree.clocks[2].rate = NOW + 7 * MS;
	assert_int_equal(qos_live_backlog(&tree.live, 2, false), 7 * MS);
	tree.clocks[2].rate = NOW - 30 * MS;
	assert_int_equal(qos_live_backlog(&tree.live, 2, false), 0);
	/* a ceiling of its own is later than both */
	tree.classes[2].flags |= QOS_CLASS_CEIL;
	tree.clocks[2].ceil[0] = NOW + 66 * MS;
	assert_int_equal(qos_live_backlog(&tree.live, 2, false), 66 * MS);
}

/* Of all priorities; an inner class that has no ceiling has that above it. */
static void test_backlog_inner(void **state)
{
	struct tree tree;

	(void)state;
	make_tree(&tree);
	tree.clocks[0].ceil[0] = NOW + 3 * MS;
	tree.clocks[0].ceil[2] = NOW + 9 * MS;
	tree.clocks[1].ceil[1] = NOW + 40 * MS;
	assert_int_equal(qos_live_backlog(&tree.live, 0, true), 9 * MS);
	assert_int_equal(qos_live_backlog(&tree.live, 1, true), 9 * MS);
	tree.classes[1].flags |= QOS_CLASS_CEIL;
	assert_int_equal(qos_live_backlog(&tree.live, 1, true), 40 * MS);
}

static void test_rate(void **state)
{
	struct tree tree;
	struct qos_live_rate rate;

	(void)state;
	make_tree(&tree);
	tree.clocks[2].own_rate = 1000;
	tree.clocks[2].borrowed_rate = 250;
	rate = qos_live_rate(&tree.live, 2);
	assert_int_equal(rate.all, 0);
	assert_int_equal(rate.borrowed, 0);
	tree.clocks[2].pace[0].t = NOW - SEC;
	rate = qos_live_rate(&tree.live, 2);
	assert_int_equal(rate.all, 10000);
	assert_int_equal(rate.borrowed, 2000);
	/* no more than is beyond its guarantee */
	tree.classes[2].rate = 1100;
	assert_int_equal(qos_live_rate(&tree.live, 2).borrowed, 1200);
	tree.classes[2].rate = 1250;
	assert_int_equal(qos_live_rate(&tree.live, 2).borrowed, 0);
	tree.clocks[2].pace[0].t = NOW - SEC - 1;
	rate = qos_live_rate(&tree.live, 2);
	assert_int_equal(rate.all, 0);
	assert_int_equal(rate.borrowed, 0);
	/* the program was faster than the look at the time */
	tree.clocks[2].pace[0].t = NOW + MS;
	assert_int_equal(qos_live_rate(&tree.live, 2).all, 10000);
}

static void test_delay(void **state)
{
	__u64 buckets[QOS_DELAYS] = { 0 };

	(void)state;
	assert_int_equal(qos_counts_delay(buckets, 50), 0);
	buckets[0] = 1;
	assert_int_equal(qos_counts_delay(buckets, 50), 1024);
	assert_int_equal(qos_counts_delay(buckets, 100), 1024);
	/* half of them below 1 us, nine tenths below 8, all but one below 4 ms */
	buckets[0] = 500;
	buckets[3] = 400;
	buckets[12] = 99;
	buckets[13] = 1;
	assert_int_equal(qos_counts_delay(buckets, 50), 1024);
	assert_int_equal(qos_counts_delay(buckets, 51), 8192);
	assert_int_equal(qos_counts_delay(buckets, 90), 8192);
	assert_int_equal(qos_counts_delay(buckets, 91), 4194304);
	assert_int_equal(qos_counts_delay(buckets, 99), 4194304);
	assert_int_equal(qos_counts_delay(buckets, 100), 8388608);
	/* the last has no upper end but the language's longest limit */
	buckets[QOS_DELAYS - 1] = 1;
	assert_int_equal(qos_counts_delay(buckets, 100), 10 * SEC);
	memset(buckets, 0xff, sizeof(buckets));
	assert_int_equal(qos_counts_delay(buckets, 50), 1024 << 11);
}

static void test_flow_sent(void **state)
{
	struct qos_flow first = { .tag = 1, .slot = 2, .bytes = 1000 };
	struct qos_flow second = { .tag = 1, .slot = 2, .bytes = 1500 };

	(void)state;
	assert_int_equal(qos_flow_sent(&first, &second), 500);
	assert_int_equal(qos_flow_sent(&first, &first), 0);
	/* the flow was idle and came back, or it is another's now */
	second.bytes = 300;
	assert_int_equal(qos_flow_sent(&first, &second), 300);
	second.bytes = 1500;
	second.tag = 3;
	assert_int_equal(qos_flow_sent(&first, &second), 1500);
	second.tag = 1;
	second.slot = 4;
	assert_int_equal(qos_flow_sent(&first, &second), 1500);
}

static void expect_end(const char *address, unsigned int family, unsigned int len,
		       const char *expected)
{
	char buf[QOS_FLOW_END_LEN];
	__u64 addr[2];

	assert_int_equal(inet_pton(AF_INET6, address, addr), 1);
	assert_string_equal(qos_flow_end(addr, QOS_KEY_FAMILY(family) | QOS_KEY_PROTO(6), len, buf),
			    expected);
}

static void test_flow_end(void **state)
{
	(void)state;
	expect_end("::ffff:192.0.2.1", QOS_FAMILY_IPV4, 64, "192.0.2.1");
	expect_end("::ffff:192.0.2.1", QOS_FAMILY_IPV4, 128, "192.0.2.1");
	expect_end("2001:db8:1:2:3::9", QOS_FAMILY_IPV6, 128, "2001:db8:1:2:3::9");
	expect_end("2001:db8:1:2:3::9", QOS_FAMILY_IPV6, 64, "2001:db8:1:2::/64");
	expect_end("2001:db8:1:ffff:3::9", QOS_FAMILY_IPV6, 52, "2001:db8:1:f000::/52");
	expect_end("2001:db8:1:2:3:4:5:ffff", QOS_FAMILY_IPV6, 127, "2001:db8:1:2:3:4:5:fffe/127");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backlog_idle),
		cmocka_unit_test(test_backlog_of_a_queue),
		cmocka_unit_test(test_backlog_of_police),
		cmocka_unit_test(test_backlog_inner),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_delay),
		cmocka_unit_test(test_flow_sent),
		cmocka_unit_test(test_flow_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
