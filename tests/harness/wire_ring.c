// SPDX-License-Identifier: LGPL-2.1-or-later
#include "wire_ring.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <poll.h>
#include <sys/mman.h>

/* Enough for a tagged frame, IPv6 with extensions, TCP with options, and a probe. */
#define SNAPLEN		 256
#define BLOCK_SIZE	 (1u << 20)
#define BLOCK_TIMEOUT_MS 20

static int set(int fd, int name, const void *value, socklen_t size)
{
	return setsockopt(fd, SOL_PACKET, name, value, size) < 0 ? -errno : 0;
}

/* The kernel copies only the start of each frame: BPF's verdict is the length to keep. */
static int set_snaplen(int fd)
{
	struct sock_filter keep = BPF_STMT(BPF_RET | BPF_K, SNAPLEN);
	struct sock_fprog program = { .len = 1, .filter = &keep };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ?
		       -errno :
		       0;
}

int capture_open(struct capture *c, const char *interface, uint64_t blocks, bool outgoing)
{
	struct tpacket_req3 ring = {
		.tp_block_size = BLOCK_SIZE,
		.tp_block_nr = (unsigned int)blocks,
		.tp_frame_size = 2048,
		.tp_frame_nr = (unsigned int)blocks * (BLOCK_SIZE / 2048),
		.tp_retire_blk_tov = BLOCK_TIMEOUT_MS,
	};
	struct sockaddr_ll addr = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int version = TPACKET_V3, on = 1, ignore = !outgoing;
	struct timespec real;
	void *map;
	int r;

	addr.sll_ifindex = (int)if_nametoindex(interface);
	if (!addr.sll_ifindex)
		return -errno;
	/* Protocol 0: nothing comes before everything is set. */
	c->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -errno;
	r = set(c->fd, PACKET_VERSION, &version, sizeof(version));
	if (!r)
		r = set(c->fd, PACKET_VNET_HDR, &on, sizeof(on));
	if (!r)
		r = set(c->fd, PACKET_IGNORE_OUTGOING, &ignore, sizeof(ignore));
	if (!r)
		r = set_snaplen(c->fd);
	if (!r)
		r = set(c->fd, PACKET_RX_RING, &ring, sizeof(ring));
	if (r < 0)
		return r;
	map = mmap(NULL, BLOCK_SIZE * blocks, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	c->ring = map;
	c->blocks = (unsigned int)blocks;
	clock_gettime(CLOCK_REALTIME, &real);
	c->real_minus_monotonic = real.tv_sec * NSEC_PER_SEC + real.tv_nsec - now_ns();
	return bind(c->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : 0;
}

/* The kernel's stamp is real time. Both clocks only ever differ by a constant here. */
static void handle(const struct capture *c, struct keys *keys, const struct tpacket3_hdr *h)
{
	int64_t real = h->tp_sec * NSEC_PER_SEC + h->tp_nsec;
	struct packet p = packet_read(h, real - c->real_minus_monotonic);

	keys_count(keys, &p);
}

/* Handles the blocks that the kernel has given over, and gives them back. */
static void drain(struct capture *c, struct keys *keys)
{
	for (;;) {
		struct tpacket_block_desc *b =
			(struct tpacket_block_desc *)(c->ring + (size_t)c->block * BLOCK_SIZE);
		const uint8_t *at;

		if (!(__atomic_load_n(&b->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
			return;
		at = (const uint8_t *)b + b->hdr.bh1.offset_to_first_pkt;
		for (uint32_t i = 0; i < b->hdr.bh1.num_pkts; i++) {
			const struct tpacket3_hdr *h = (const struct tpacket3_hdr *)at;

			handle(c, keys, h);
			at += h->tp_next_offset;
		}
		__atomic_store_n(&b->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		c->block = (c->block + 1) % c->blocks;
	}
}

void capture_until(struct capture *c, struct keys *keys, int64_t end)
{
	struct pollfd poll_fd = { .fd = c->fd, .events = POLLIN };

	while (!stopped) {
		int64_t left = end - now_ns();
		struct timespec wait = { .tv_sec = left / NSEC_PER_SEC,
					 .tv_nsec = left % NSEC_PER_SEC };

		if (left <= 0)
			return;
		ppoll(&poll_fd, 1, &wait, NULL);
		drain(c, keys);
	}
}

void capture_rest(struct capture *c, struct keys *keys)
{
	int64_t end = now_ns() + 4LL * BLOCK_TIMEOUT_MS * 1000000;

	stopped = false;
	capture_until(c, keys, end);
	drain(c, keys);
}
