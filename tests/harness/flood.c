// SPDX-License-Identifier: LGPL-2.1-or-later
/* Sends UDP frames of many flows through a packet socket, as fast as it can or at a rate. */
#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH	  64 /* frames between two looks at the clock */
#define MAX_PORTS 4096
#define MAX_FRAME 1514

struct frame {
	uint8_t dst[6], src[6];
	uint16_t type;
	struct iphdr ip;
	struct udphdr udp;
} __attribute__((packed));

struct options {
	const char *interface;
	uint64_t count, flows, first, size, to, ports;
	int64_t time_ns;
	double rate; /* packets a second; 0: as fast as it can */
};

static const char help[] =
	"usage: flood IFACE --flows N [OPTION]...\n"
	"\n"
	"Sends frames of UDP over IPv4, each of the next flow, through a packet socket, then "
	"prints\n"
	"JSON. Flow n goes from a port and 100.64.n to a port and 172.16.n, all of them by a hash "
	"of n.\n"
	"\n"
	"  --count N        frames (default: as many as flows)\n"
	"  --time SECONDS   ends then, or by SIGTERM; also 10ms\n"
	"  --first N        the first flow (default 0)\n"
	"  --rate PPS       packets a second (default: as fast as it can)\n"
	"  --size N         bytes of a frame (default 60)\n"
	"  --to PORT        destination port instead of one by the hash\n"
	"  --ports N        flow n goes to the nth port from there on, modulo N (default 1)\n"
	"\n"
	"\"by_port\" is all that it tried to send, \"enobufs\" what the interface dropped of it.\n";

static void parse_options(struct options *o, int argc, char **argv)
{
	uint64_t rate = 0;
	const struct option_row rows[] = {
		OPTION("flows", NUMBER, &o->flows, .least = 1, .most = 1ULL << 32),
		OPTION("count", NUMBER, &o->count, .least = 1),
		OPTION("time", SECONDS, &o->time_ns),
		OPTION("first", NUMBER, &o->first),
		OPTION("rate", NUMBER, &rate, .least = 1),
		OPTION("size", NUMBER, &o->size, .least = sizeof(struct frame), .most = MAX_FRAME),
		OPTION("to", NUMBER, &o->to, .least = 1, .most = UINT16_MAX),
		OPTION("ports", NUMBER, &o->ports, .least = 1, .most = MAX_PORTS),
		{ 0 },
	};
	int at = take_options(rows, help, argc, argv);

	if (argc - at != 1 || !o->flows)
		usage_error("an interface and --flows are needed", NULL);
	o->interface = argv[at];
	o->rate = (double)rate;
	if (!o->count)
		o->count = o->time_ns ? UINT64_MAX : o->flows;
}

/* The finalizer of splitmix64 (Steele, Lea, Flood 2014): no two numbers have the same. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static uint16_t checksum(struct iphdr ip)
{
	uint16_t word[sizeof(ip) / 2];
	uint32_t sum = 0;

	memcpy(word, &ip, sizeof(ip));
	for (size_t i = 0; i < sizeof(ip) / 2; i++)
		sum += word[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

static void build(struct frame *f, const struct options *o, uint64_t flow)
{
	uint64_t hash = mix(flow + 1);
	size_t ip_len = o->size - ETH_HEADER;

	*f = (struct frame){
		.dst = { 2, 0, 0, 0, 0, 2 },
		.src = { 2, 0, 0, 0, 0, 1 },
		.type = htons(0x0800),
		.ip = {
			.version = 4,
			.ihl = 5,
			.ttl = 64,
			.protocol = IPPROTO_UDP,
			.tot_len = htons((uint16_t)ip_len),
			.saddr = htonl(100U << 24 | 64U << 16 | (hash & 0xffff)),
			.daddr = htonl(172U << 24 | 16U << 16 | (hash >> 16 & 0xffff)),
		},
		.udp = {
			.source = htons((uint16_t)(hash >> 32)),
			.dest = htons((uint16_t)(o->to ? o->to + flow % o->ports : hash >> 48)),
			.len = htons((uint16_t)(ip_len - sizeof(struct iphdr))),
		},
	};
	f->ip.check = checksum(f->ip);
}

static int open_socket(const struct options *o)
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET };
	int fd;

	addr.sll_ifindex = (int)if_nametoindex(o->interface);
	if (!addr.sll_ifindex)
		return -errno;
	/* Protocol 0: it never receives. */
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		close(fd);
		return -errno;
	}
	return fd;
}

/* What the kernel took, dropped on its way out, and refused. */
struct totals {
	uint64_t packets, enobufs, errors;
	uint64_t by_port[MAX_PORTS]; /* took or dropped */
	int last;
};

static void send_one(int fd, const struct options *o, uint64_t flow, struct totals *t)
{
	uint8_t data[MAX_FRAME] = { 0 };

	build((struct frame *)data, o, flow);
	if (send(fd, data, o->size, 0) >= 0) {
		t->packets++;
	} else if (errno == ENOBUFS) {
		t->enobufs++;
	} else {
		t->last = errno;
		t->errors++;
		return;
	}
	t->by_port[flow % o->ports]++;
}

/* What it took of a CPU, the kernel's work for it included. */
static int64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static void run(int fd, const struct options *o, struct totals *t)
{
	int64_t start = now_ns();

	for (uint64_t i = 0; i < o->count && !stopped; i++) {
		if (i % BATCH == 0 && o->time_ns && now_ns() - start >= o->time_ns)
			break;
		if (i % BATCH == 0 && o->rate > 0)
			sleep_until(start + (int64_t)((double)i * 1e9 / o->rate));
		send_one(fd, o, o->first + i % o->flows, t);
	}
}

int main(int argc, char **argv)
{
	struct options o = { .size = 60, .ports = 1 };
	static struct totals t;
	int64_t start, cpu;
	int fd;

	parse_options(&o, argc, argv);
	catch_signals();
	fd = open_socket(&o);
	if (fd < 0) {
		fprintf(stderr, "flood: %s: %s\n", o.interface, strerror(-fd));
		return 1;
	}
	start = now_ns();
	cpu = cpu_ns();
	run(fd, &o, &t);
	cpu = cpu_ns() - cpu;
	printf("{\"packets\":%ju,\"enobufs\":%ju,\"errors\":%ju,\"last_error\":\"%s\","
	       "\"elapsed_ns\":%jd,\"cpu_ns\":%jd,\"by_port\":[",
	       (uintmax_t)t.packets, (uintmax_t)t.enobufs, (uintmax_t)t.errors,
	       t.last ? strerror(t.last) : "", (intmax_t)(now_ns() - start), (intmax_t)cpu);
	for (uint64_t i = 0; i < o.ports; i++)
		printf("%s%ju", i ? "," : "", (uintmax_t)t.by_port[i]);
	printf("]}\n");
	return 0;
}
