/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "env.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "kernel/qdisc.h"

static const struct qos_fq_params params = {
	.limit = 20000,
	.flow_limit = 9000,
	.quantum = 3000,
	.initial_quantum = 15000,
	.buckets_log = 12,
	.orphan_mask = 4095,
	.horizon_us = 9000000,
	.priomap = { 1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0 },
	.weights = { 600000, 200000, 70000 },
};

static bool has_fq(void)
{
	bool has = try_run("tc qdisc add dev " PEER " root fq");

	if (has)
		run("tc qdisc del dev " PEER " root");
	return has;
}

static void need_fq(void)
{
	env_need_root();
	if (has_fq())
		return;
	print_message("this kernel has no fq\n");
	skip();
}

/* Bands came with Linux 6.7; iproute2 may be too old to show them. */
static bool kernel_has_bands(void)
{
	return try_run("uname -r | awk -F. '{ exit !($1 > 6 || ($1 == 6 && $2 >= 7)) }'");
}

/* A device with a single queue: DEV has four. */
static struct qos_link_info single(struct env *env)
{
	struct qos_link_info link;

	run("ip link add qkone numtxqueues 1 type veth peer name qkoneb && ip link set qkone up");
	assert_int_equal(qos_link_get(env->nl, "qkone", env->diags, &link), 0);
	assert_int_equal(link.tx_queues, 1);
	return link;
}

static void verify(struct env *env, const struct qos_link_info *link, const char *expected)
{
	_cleanup_(freep) char *why = NULL;

	assert_int_equal(qos_qdisc_verify(env->nl, link, &params, env->diags, &why), 0);
	if (expected)
		assert_string_equal(why, expected);
	else if (why)
		fail_msg("%s", why);
}

static void test_no_fq(void **state)
{
	_cleanup_(freep) char *text = NULL, *tc = NULL;
	struct env *env = *state;
	struct qos_link_info link;

	env_need_root();
	if (has_fq()) {
		print_message("this kernel has fq\n");
		skip();
	}
	link = single(env);
	assert_int_equal(qos_qdisc_install(env->nl, &link, &params, env->diags), -ENOENT);
	text = diags_text(env->diags);
	assert_string_equal(text,
			    "error: cannot create fq on qkone: Specified qdisc kind is unknown"
			    "\nhint: try 'modprobe sch_fq'; else a kernel with CONFIG_NET_SCH_FQ "
			    "is needed\n");
	assert_int_equal(qos_diags_status(env->diags), QOS_UNSUPPORTED);
	tc = output_of("tc qdisc show dev qkone");
	assert_contains(tc, "qdisc noqueue 0: root");
}

/* Of several queues mq comes first: what it replaced must not be lost for nothing. */
static void test_no_fq_multiqueue(void **state)
{
	_cleanup_(freep) char *text = NULL, *tc = NULL;
	struct env *env = *state;

	env_need_root();
	if (has_fq()) {
		print_message("this kernel has fq\n");
		skip();
	}
	run("tc qdisc add dev " DEV " root handle 8: pfifo limit 5");
	assert_int_equal(qos_qdisc_install(env->nl, &env->link, &params, env->diags), -ENOENT);
	text = diags_text(env->diags);
	assert_contains(text,
			"error: cannot create fq on " DEV ": Specified qdisc kind is unknown");
	assert_int_equal(qos_diags_status(env->diags), QOS_UNSUPPORTED);
	tc = output_of("tc qdisc show dev " DEV);
	assert_contains(tc, "qdisc pfifo 8: root");
}

static void test_root(void **state)
{
	_cleanup_(freep) char *tc = NULL;
	struct env *env = *state;
	struct qos_link_info link;

	need_fq();
	link = single(env);
	verify(env, &link, "root is noqueue 0:, not fq 7105:");
	assert_int_equal(qos_qdisc_install(env->nl, &link, &params, env->diags), 0);
	verify(env, &link, NULL);

	tc = output_of("tc qdisc show dev qkone");
	assert_contains(tc, "qdisc fq 7105: root");
	assert_contains(tc, "limit 20000p flow_limit 9000p buckets 4096 orphan_mask 4095");
	assert_contains(tc, "quantum 3000b initial_quantum 15000b");
	assert_contains(tc, "horizon 9s horizon_drop");
}

static void test_multiqueue(void **state)
{
	_cleanup_(freep) char *tc = NULL;
	struct env *env = *state;

	need_fq();
	assert_int_equal(qos_qdisc_install(env->nl, &env->link, &params, env->diags), 0);
	verify(env, &env->link, NULL);
	tc = output_of("tc qdisc show dev " DEV);
	assert_contains(tc, "qdisc mq 7105: root");
	assert_contains(tc, "qdisc fq 7106: parent 7105:1 limit 20000p");
	assert_contains(tc, "qdisc fq 7107: parent 7105:2 limit 20000p");
	assert_contains(tc, "qdisc fq 7108: parent 7105:3 limit 20000p");
	assert_contains(tc, "qdisc fq 7109: parent 7105:4 limit 20000p");

	run("tc qdisc replace dev " DEV " parent 7105:3 handle 33: pfifo");
	verify(env, &env->link, "7105:3 is pfifo 33:, not fq 7108:");
	assert_int_equal(qos_qdisc_install(env->nl, &env->link, &params, env->diags), 0);
	verify(env, &env->link, NULL);
}

/* Each parameter that somebody changes is noticed, and put back in place. */
static void test_parameters(void **state)
{
	static const char *const changes[] = {
		"limit 19999",	"flow_limit 8999",  "quantum 3001", "initial_quantum 15001",
		"buckets 2048", "orphan_mask 1023", "horizon 8s",   "horizon_cap",
		"nopacing",	"maxrate 1mbit",
	};
	struct env *env = *state;
	struct qos_link_info link;

	need_fq();
	link = single(env);
	assert_int_equal(qos_qdisc_install(env->nl, &link, &params, env->diags), 0);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		run("tc qdisc change dev qkone root handle 7105: fq %s", changes[i]);
		verify(env, &link, "fq 7105: at root has other parameters");
		assert_int_equal(qos_qdisc_install(env->nl, &link, &params, env->diags), 0);
		verify(env, &link, NULL);
	}
}

static void test_bands(void **state)
{
	_cleanup_(qos_qdiscs_done) struct qos_qdiscs qdiscs = { .items = NULL };
	struct qos_fq_params other = params;
	_cleanup_(freep) char *why = NULL;
	struct env *env = *state;
	struct qos_link_info link;

	need_fq();
	link = single(env);
	assert_int_equal(qos_qdisc_install(env->nl, &link, &params, env->diags), 0);
	assert_int_equal(qos_qdiscs_get(env->nl, &link, env->diags, &qdiscs), 0);
	assert_int_equal(qos_fq_has_bands(&qdiscs.items[0].options), kernel_has_bands());

	other.priomap[3] = 1;
	assert_int_equal(qos_qdisc_verify(env->nl, &link, &other, env->diags, &why), 0);
	assert_int_equal(why != NULL, kernel_has_bands());
	free(TAKE_PTR(why));
	other = params;
	other.weights[2] = 70001;
	assert_int_equal(qos_qdisc_verify(env->nl, &link, &other, env->diags, &why), 0);
	assert_int_equal(why != NULL, kernel_has_bands());
}

/* A qdisc of ours by handle, of another kind: it has to go first. */
static void test_handle_taken(void **state)
{
	struct env *env = *state;
	struct qos_link_info link;

	need_fq();
	link = single(env);
	run("tc qdisc add dev qkone root handle 7105: pfifo");
	assert_int_equal(qos_qdisc_install(env->nl, &link, &params, env->diags), 0);
	verify(env, &link, NULL);
	run("tc qdisc add dev " DEV " root handle 7105: fq");
	assert_int_equal(qos_qdisc_install(env->nl, &env->link, &params, env->diags), 0);
	verify(env, &env->link, NULL);
}

/* Send to nobody, departing far ahead (SO_TXTIME): fq holds it. */
static void send_late(const char *ifname, unsigned int count, uint64_t ahead_ns)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct {
		int clockid;
		uint32_t flags;
	} txtime = { CLOCK_MONOTONIC, 0 };
	_cleanup_(closep) int fd = socket(AF_INET, SOCK_DGRAM, 0);
	char control[CMSG_SPACE(sizeof(uint64_t))] = "";
	struct iovec iov = { .iov_base = (char[58]){ "" }, .iov_len = 58 };
	struct msghdr msg = {
		.msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	struct timespec now;
	uint64_t at;

	inet_pton(AF_INET, "10.99.0.2", &to.sin_addr);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_TXTIME, &txtime, sizeof(txtime)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, 5), 0);
	clock_gettime(CLOCK_MONOTONIC, &now);
	at = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + ahead_ns;
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_TXTIME;
	cmsg->cmsg_len = CMSG_LEN(sizeof(at));
	memcpy(CMSG_DATA(cmsg), &at, sizeof(at));
	while (count--)
		assert_int_equal(sendmsg(fd, &msg, 0), 58);
}

static void address(const char *ifname)
{
	run("ip addr add 10.99.0.1/24 dev %s", ifname);
	run("ip neigh add 10.99.0.2 lladdr 02:00:00:00:00:02 dev %s", ifname);
	run("sysctl -qw net.ipv6.conf.%s.disable_ipv6=1", ifname);
	run("ip link set qkoneb up");
}

/* Changing parameters keeps what is queued; the counters tell what was dropped. */
static void test_in_place(void **state)
{
	struct qos_fq_params other = params;
	struct qos_fq_stats stats;
	struct env *env = *state;
	struct qos_link_info link;

	need_fq();
	link = single(env);
	address("qkone");
	assert_int_equal(qos_qdisc_install(env->nl, &link, &params, env->diags), 0);
	send_late("qkone", 30, 5000000000);
	assert_int_equal(qos_qdisc_stats(env->nl, &link, env->diags, &stats), 0);
	assert_int_equal(stats.qlen, 30);
	assert_int_equal(stats.backlog, 3000);
	assert_int_equal(stats.drops, 0);

	other.flow_limit = 35;
	other.buckets_log = 10;
	assert_int_equal(qos_qdisc_install(env->nl, &link, &other, env->diags), 0);
	assert_int_equal(qos_qdisc_stats(env->nl, &link, env->diags, &stats), 0);
	assert_int_equal(stats.qlen, 30);

	send_late("qkone", 40, 5000000000); /* another socket: a flow of its own */
	send_late("qkone", 3, 9500000000);  /* past the horizon */
	assert_int_equal(qos_qdisc_stats(env->nl, &link, env->diags, &stats), 0);
	assert_int_equal(stats.qlen, 65);
	assert_int_equal(stats.drops, 8);
	assert_int_equal(stats.drops_flow_limit, 5);
	assert_int_equal(stats.drops_horizon, 3);
	assert_true(stats.throttled_flows >= 1);
	assert_true(stats.flows >= 2);
}

static void test_band_drops(void **state)
{
	struct qos_fq_params few = params;
	struct qos_fq_stats stats;
	struct env *env = *state;
	struct qos_link_info link;

	need_fq();
	link = single(env);
	address("qkone");
	few.limit = 10;
	assert_int_equal(qos_qdisc_install(env->nl, &link, &few, env->diags), 0);
	send_late("qkone", 12, 5000000000);
	assert_int_equal(qos_qdisc_stats(env->nl, &link, env->diags, &stats), 0);
	assert_int_equal(stats.qlen, 10);
	assert_int_equal(stats.drops, 2);
	/* priority 0 is of band 1 here */
	assert_int_equal(stats.drops_band[1], kernel_has_bands() ? 2 : 0);
	assert_int_equal(stats.drops_band[0] + stats.drops_band[2], 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, env_setup, env_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_fq),	 TEST(test_no_fq_multiqueue), TEST(test_root),
		TEST(test_multiqueue),	 TEST(test_parameters),	      TEST(test_bands),
		TEST(test_handle_taken), TEST(test_in_place),	      TEST(test_band_drops),
	};

	return cmocka_run_group_tests_name("kernel/qdisc", tests, NULL, NULL);
}
