// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Headers beyond the linear part of a packet, which BPF_PROG_TEST_RUN cannot
 * make: a packet socket's transmit ring leaves everything after the link-layer
 * header in pages. The program stands at the egress of one end of a veth pair,
 * in a network namespace of the test's own that ends with it.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "fixture.h"
#include "rules.h"

#define DEVICE	     "qosbpf0"
#define FRAME	     4096
#define FRAMES	     2

#define SLOT_DEFAULT 1
#define SLOT_PORT    2 /* destination port 443 */
#define SLOT_IPV4    3
#define SLOT_IPV6    4

struct ring {
	int fd;
	uint8_t *frames;
};

static void open_ring(struct ring *ring)
{
	struct tpacket_req req = {
		.tp_block_size = FRAME * FRAMES,
		.tp_block_nr = 1,
		.tp_frame_size = FRAME,
		.tp_frame_nr = FRAMES,
	};
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(DEVICE),
		.sll_protocol = htons(ETH_P_ALL),
	};
	int version = TPACKET_V2;

	ring->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	assert_true(ring->fd >= 0);
	assert_int_equal(
		setsockopt(ring->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)), 0);
	assert_int_equal(setsockopt(ring->fd, SOL_PACKET, PACKET_TX_RING, &req, sizeof(req)), 0);
	ring->frames = mmap(NULL, FRAME * FRAMES, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
	assert_true(ring->frames != MAP_FAILED);
	assert_int_equal(bind(ring->fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
}

static void close_ring(struct ring *ring)
{
	munmap(ring->frames, FRAME * FRAMES);
	close(ring->fd);
}

static void send_packet(struct ring *ring, const struct packet *packet)
{
	struct tpacket2_hdr *header = (void *)ring->frames;

	memcpy(ring->frames + TPACKET2_HDRLEN - sizeof(struct sockaddr_ll), packet->data,
	       packet->len);
	header->tp_len = (uint32_t)packet->len;
	header->tp_status = TP_STATUS_SEND_REQUEST;
	/* waits until it is sent; ENOBUFS: the program dropped it */
	if (send(ring->fd, NULL, 0, 0) < 0)
		assert_int_equal(errno, ENOBUFS);
}

/* The program at the egress of the device. */
static void attach(const struct shaper *s)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)if_nametoindex(DEVICE),
		    .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = shaper_prog_fd(s));

	assert_int_equal(bpf_tc_hook_create(&hook), 0);
	assert_int_equal(bpf_tc_attach(&hook, &opts), 0);
}

/* The kernel's own neighbour discovery would be counted too. No IPv6, no file. */
static void quiet_ipv6(void)
{
	_cleanup_(fclosep) FILE *file = fopen("/proc/sys/net/ipv6/conf/all/disable_ipv6", "w");

	if (file)
		fputs("1", file);
}

static int make_devices(void **state)
{
	if (need_root(state) < 0)
		return -1;
	if (unshare(CLONE_NEWNET)) {
		print_error("no network namespace: %s\n", strerror(errno));
		return -1;
	}
	quiet_ipv6();
	return system("ip link add " DEVICE " type veth peer name qosbpf1 && "
		      "ip link set qosbpf1 up arp off && ip link set " DEVICE " up arp off");
}

struct nonlinear_case {
	const char *name;
	struct spec spec;
	uint32_t slot;
	enum qos_verdict verdict;
};

#define ND(...)                                                                                    \
	{                                                                                          \
		.family = 6, .proto = IPPROTO_ICMPV6, .icmp_type = 135, .ttl = 255, .payload = 16, \
		__VA_ARGS__                                                                        \
	}

static const struct nonlinear_case cases[] = {
	{ "IPv4", { .dport = 443, .payload = 1000 }, SLOT_PORT, QOS_PASS },
	{ "IPv4, short", { .dport = 443 }, SLOT_PORT, QOS_PASS },
	{ "IPv4, another port", { .dport = 444, .payload = 1000 }, SLOT_IPV4, QOS_PASS },
	{ "IPv4 with options", { .ihl = 15, .dport = 443 }, SLOT_PORT, QOS_PASS },
	{ "VLAN", { .tags = { 0x8100 }, .dport = 443 }, SLOT_PORT, QOS_PASS },
	{ "QinQ", { .tags = { 0x88a8, 0x8100 }, .dport = 443 }, SLOT_PORT, QOS_PASS },
	{ "IPv6", { .family = 6, .dport = 443 }, SLOT_PORT, QOS_PASS },
	{ "IPv6 with extensions",
	  { .family = 6,
	    .exts = { HOPOPTS, IPPROTO_DSTOPTS },
	    .ext_words = 1,
	    .dport = 443,
	    .payload = 500 },
	  SLOT_PORT,
	  QOS_PASS },
	/* farther than is pulled: what it is shows, its ports do not */
	{ "IPv6 with 520 bytes of them",
	  { .family = 6, .exts = { IPPROTO_DSTOPTS }, .ext_words = 64, .dport = 443 },
	  SLOT_IPV6,
	  QOS_PASS },
	{ "neighbour discovery", ND(), SLOT_DEFAULT, QOS_EXEMPT },
	{ "a rule drops it", { .dport = 25, .payload = 1000 }, QOS_SLOT_LINK, QOS_DROP_RULE },
	{ "cut within IPv4", { .dport = 443, .keep = 14 + 19 }, SLOT_DEFAULT, QOS_PASS },
	{ "cut within the ports", { .dport = 443, .keep = 14 + 20 + 3 }, SLOT_IPV4, QOS_PASS },
};

static void test_headers_in_pages(void **state __attribute__((unused)))
{
	const struct rule rules[] = {
		rule_dport(rule_drop(), 25, 25),
		rule_dport(rule_any(SLOT_PORT), 443, 443),
		rule_family(rule_any(SLOT_IPV4), QOS_FAMILY_IPV4),
		rule_family(rule_any(SLOT_IPV6), QOS_FAMILY_IPV6),
	};
	const struct setup setup = {
		.link = { .rules = ARRAY_SIZE(rules), .default_slot = SLOT_DEFAULT, .l2_len = 14 },
		.rules = rules,
	};
	_cleanup_(shaper_closep) struct shaper *s = shaper_open(PROGRAM_REAL, &setup);

	attach(s);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		/* its own, as one does not go on after a packet that was dropped */
		_cleanup_(close_ring) struct ring ring = { 0 };
		struct packet packet;

		open_ring(&ring);
		packet_build(&cases[i].spec, &packet);
		shaper_clear_counters(s);
		send_packet(&ring, &packet);
		shaper_expect(s, cases[i].name, cases[i].slot, cases[i].verdict);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers_in_pages),
	};

	return cmocka_run_group_tests(tests, make_devices, NULL);
}
