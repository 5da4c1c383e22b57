// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * CPUs that send into one class at the same time, in real time: each packet is
 * charged, none twice. The naive clock of naive.bpf.c has to fail the same test,
 * or it would not be one.
 */
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "base/cleanup.h"
#include "fixture.h"
#include "naive.skel.h"

#define SLOT	    1
#define THREADS_MAX 4
#define PACKETS	    500000U /* of each thread */
#define ROUNDS_MAX  50
#define BYTES	    60

DEFINE_CLEANUP(struct naive_bpf *, naive_closep, naive_bpf__destroy)

struct sender {
	pthread_t thread;
	pthread_barrier_t *start;
	int prog_fd, cpu, error;
	uint64_t waited; /* ns, for a CPU */
};

/* ns that this thread was ready to run and did not (/proc/PID/schedstat). */
static uint64_t ready_time(void)
{
	_cleanup_(fclosep) FILE *file = fopen("/proc/thread-self/schedstat", "re");
	unsigned long long ran, waited;

	return file && fscanf(file, "%llu %llu", &ran, &waited) == 2 ? waited : UINT64_MAX;
}

static void *send_packets(void *arg)
{
	static const uint8_t frame[BYTES] = { [12] = 0x88, [13] = 0xcc };
	struct sender *sender = arg;
	struct __sk_buff in = { 0 }; /* without it wire_len would be 0 */
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .ctx_in = &in, .ctx_size_in = sizeof(in), .repeat = PACKETS);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sender->cpu, &set);
	sender->error = sched_setaffinity(0, sizeof(set), &set);
	pthread_barrier_wait(sender->start);
	sender->waited = ready_time();
	if (!sender->error)
		sender->error = bpf_prog_test_run_opts(sender->prog_fd, &opts);
	sender->waited = ready_time() - sender->waited;
	return NULL;
}

/* CPUs that this process may run on. */
static size_t find_cpus(int cpus[THREADS_MAX])
{
	size_t count = 0;
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE && count < THREADS_MAX; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpus[count++] = cpu;
	return count;
}

/*
 * PACKETS on each of several CPUs at once; returns how many that makes, and how long the sender had
 * no CPU that had the least of that.
 */
static uint64_t send_waiting(int prog_fd, uint64_t *ret_waited)
{
	struct sender senders[THREADS_MAX];
	int cpus[THREADS_MAX];
	size_t count = find_cpus(cpus);
	pthread_barrier_t start;

	if (count < 2)
		skip(); /* nothing can race */
	assert_int_equal(pthread_barrier_init(&start, NULL, (unsigned int)count), 0);
	for (size_t i = 0; i < count; i++) {
		senders[i] = (struct sender){ .start = &start, .prog_fd = prog_fd, .cpu = cpus[i] };
		assert_int_equal(
			pthread_create(&senders[i].thread, NULL, send_packets, &senders[i]), 0);
	}
	for (size_t i = 0; i < count; i++)
		pthread_join(senders[i].thread, NULL);
	pthread_barrier_destroy(&start);
	*ret_waited = UINT64_MAX;
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(senders[i].error, 0);
		if (senders[i].waited < *ret_waited)
			*ret_waited = senders[i].waited;
	}
	return count * PACKETS;
}

static uint64_t send_at_once(int prog_fd)
{
	uint64_t waited;

	return send_waiting(prog_fd, &waited);
}

static uint64_t uptime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SEC + (uint64_t)ts.tv_nsec;
}

#define BURST	   (5 * MSEC)
#define A_NS	   100 /* a byte */
#define U_NS	   80
#define L_NS	   90
#define AHEAD	   (5 * SEC)
#define LEVEL	   1
#define SHARE_COST (3ULL << QOS_VIRTUAL_SHIFT)
#define WEIGHT	   (QOS_WEIGHT_ONE / 3)
#define FAR	   (3600 * SEC)
#define WHEEL	   (24ULL << 22) /* ns: who sends nothing for so long has left it */

/* parent: the link, or none. */
static struct shaper *open_class(uint32_t flags, uint32_t parent)
{
	const struct setup setup = {
		.link = { .default_slot = SLOT, .l2_len = 14 },
		.classes = {
			[QOS_SLOT_LINK] = { .ceil_cost = NS_A_BYTE(L_NS), .ceil_burst_ns = BURST,
					    .levels = 7, .period_shift = 22,
					    .parent = QOS_NO_SLOT, .hard = QOS_NO_SLOT },
			[SLOT] = { .flags = flags, .rate_cost = NS_A_BYTE(A_NS),
				   .ceil_cost = NS_A_BYTE(U_NS), .share_cost = SHARE_COST,
				   .rate_burst_ns = BURST, .ceil_burst_ns = BURST,
				   .limit_ns = FAR, .weight = WEIGHT, .level = LEVEL,
				   .period_shift = 22, .parent_shift = 22,
				   .parent = parent, .hard = parent },
		},
		.tree = true,
	};

	return shaper_open(PROGRAM_REAL, &setup);
}

static void expect_all_passed(const struct shaper *s, uint64_t packets)
{
	struct qos_counters counters = shaper_counters(s, SLOT);

	assert_int_equal(counters.by[QOS_PASS].packets, packets);
	assert_int_equal(counters.by[QOS_PASS].bytes, packets * BYTES);
}

/* A clock in the future is moved by charges only: by all of them, exactly. */
static void test_no_charge_is_lost(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s = open_class(QOS_CLASS_CEIL, QOS_SLOT_LINK);
	const uint64_t ahead = uptime() + AHEAD;
	struct qos_clocks cls, link;
	uint64_t packets;

	shaper_set_clocks(s, SLOT, &(struct qos_clocks){ .ceil = { ahead } });
	shaper_set_clocks(s, QOS_SLOT_LINK,
			  &(struct qos_clocks){ .ceil = { ahead, ahead, ahead } });
	packets = send_at_once(shaper_prog_fd(s));
	expect_all_passed(s, packets);
	cls = shaper_clocks(s, SLOT);
	link = shaper_clocks(s, QOS_SLOT_LINK);
	assert_int_equal(cls.ceil[0], ahead + packets * BYTES * U_NS);
	for (int level = 0; level < QOS_LEVELS; level++)
		assert_int_equal(link.ceil[level], ahead + packets * BYTES * L_NS);
}

/* Started idle, the pull up to now races with charges, and takes none away. */
static void test_the_first_ones(void **state __attribute__((unused)))
{
	for (int i = 0; i < 5; i++) {
		_cleanup_(shaper_closep) struct shaper *s = open_class(QOS_CLASS_CEIL, QOS_NO_SLOT);
		uint64_t before = uptime(), packets = send_at_once(shaper_prog_fd(s));
		uint64_t clock = shaper_clocks(s, SLOT).ceil[0], after = uptime();

		expect_all_passed(s, packets);
		assert_in_range(clock, before - BURST + packets * BYTES * U_NS,
				after - BURST + packets * BYTES * U_NS);
	}
}

/* Virtual time of a byte a ns that nobody looks at, so that nothing but charges moves. */
static void set_still(struct shaper *s, uint64_t ahead)
{
	const struct qos_pace pace = {
		.t = uptime(),
		.speed = 1ULL << 32,
		.inv = 1 << 12,
		.crowd = 2 * QOS_WEIGHT_ONE, /* others share, too */
	};
	struct qos_clocks clocks = { .rate = ahead,
				     .ceil = { ahead, ahead, ahead },
				     .next = uptime() + FAR,
				     .pace = { pace, pace, pace } };

	shaper_set_clocks(s, QOS_SLOT_LINK, &clocks);
	/* ahead of virtual time by more than it goes on meanwhile */
	clocks.share = AHEAD << QOS_VIRTUAL_SHIFT;
	/* and 17 s for a packet, of which one and a half are no queue to drop for */
	clocks.pace[0].inv = 1ULL << 44;
	shaper_set_clocks(s, SLOT, &clocks);
}

/* It waits, so its weight is on the wheel: once, wherever its packets have moved it. */
static void expect_on_wheel(const struct qos_pace *pace, uint32_t weight)
{
	uint64_t sum = 0;

	for (int i = 0; i < QOS_WHEEL; i++)
		sum += pace->wheel[i];
	assert_int_equal(sum, weight);
}

/*
 * With a guarantee and borrowing: each packet is one or the other's. The guarantee is
 * charged on all levels of the link, what is borrowed on its own and those below, and
 * against the share.
 */
static void test_guarantee(void **state __attribute__((unused)))
{
	_cleanup_(shaper_closep) struct shaper *s =
		open_class(QOS_CLASS_RATE | QOS_CLASS_BORROW, QOS_SLOT_LINK);
	const uint64_t ahead = uptime() + AHEAD;
	struct qos_clocks cls, link;
	uint64_t packets, own, borrowed, waited;

	set_still(s, ahead);
	packets = send_waiting(shaper_prog_fd(s), &waited);
	expect_all_passed(s, packets);
	cls = shaper_clocks(s, SLOT);
	link = shaper_clocks(s, QOS_SLOT_LINK);
	borrowed = shaper_counters(s, SLOT).borrowed;
	own = packets * BYTES - borrowed;
	assert_int_not_equal(own, 0);
	assert_int_not_equal(borrowed, 0);
	assert_int_equal(cls.rate - ahead, own * A_NS);
	assert_int_equal(cls.share - (AHEAD << QOS_VIRTUAL_SHIFT), borrowed * SHARE_COST);
	assert_int_equal(link.ceil[0] - ahead, own * L_NS);
	assert_int_equal(link.ceil[LEVEL] - ahead, packets * BYTES * L_NS);
	assert_int_equal(link.ceil[2] - ahead, packets * BYTES * L_NS);
	expect_on_wheel(&link.pace[0], 0);
	/* what has left the wheel is there until somebody looks, and nobody does */
	if (waited < WHEEL)
		expect_on_wheel(&link.pace[LEVEL], WEIGHT);
	else
		print_message("the wheel: not told, as all were without a CPU for up to %llu ms\n",
			      (unsigned long long)(waited / MSEC));
}

static void test_the_naive_clock_loses(void **state __attribute__((unused)))
{
	_cleanup_(naive_closep) struct naive_bpf *naive = naive_bpf__open_and_load();

	assert_non_null(naive);
	naive->data->naive_cost = 1000;
	naive->data->naive_limit = UINT64_MAX;
	for (int round = 0; round < ROUNDS_MAX; round++) {
		const uint64_t ahead = uptime() + 60 * SEC;
		uint64_t packets, charged;

		naive->bss->naive_clock = ahead;
		packets = send_at_once(bpf_program__fd(naive->progs.naive_egress));
		charged = naive->bss->naive_clock - ahead;
		assert_true(charged <= packets * 1000);
		if (charged < packets * 1000)
			return;
	}
	fail_msg("the naive clock lost nothing in %d rounds: this test cannot tell", ROUNDS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_charge_is_lost),
		cmocka_unit_test(test_the_first_ones),
		cmocka_unit_test(test_guarantee),
		cmocka_unit_test(test_the_naive_clock_loses),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
