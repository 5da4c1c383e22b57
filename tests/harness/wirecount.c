// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Counts what arrives on an interface as the wire would have carried it: a super-packet of GSO or
 * GRO is its segments, each with its headers, and a VLAN tag that the kernel took off counts.
 */
#include "common.h"

#include <errno.h>
#include <getopt.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Enough for a tagged frame, IPv6 with extensions, TCP with options, and a probe. */
#define SNAPLEN		 256
#define BLOCK_SIZE	 (1u << 20)
#define MAX_BLOCKS	 1024u
#define BLOCK_TIMEOUT_MS 20
#define VLAN_HEADER	 4u
#define MAX_KEYS	 64
#define MAX_INTERVALS	 1000000

/* --- packets ---------------------------------------------------------------------------------- */

enum proto { PROTO_ANY, PROTO_ARP, PROTO_IP, PROTO_UDP, PROTO_TCP, PROTO_ICMP, PROTO_OTHER };

struct packet {
	enum proto proto;
	int family;	  /* 4, 6, or 0 */
	int sport, dport; /* -1: none, or a later fragment */
	int vlan;	  /* -1: none */
	uint8_t tos;
	uint32_t headers; /* Ethernet to TCP or UDP, which each segment has */
	uint64_t segments, bytes;
	int64_t ns;		/* CLOCK_MONOTONIC */
	const uint8_t *payload; /* of UDP, or NULL */
	size_t payload_len;
};

struct cursor {
	const uint8_t *data;
	uint32_t len, at;
};

static uint16_t be16_at(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* The next bytes, or NULL when the frame is shorter. */
static const uint8_t *take(struct cursor *c, uint32_t size)
{
	const uint8_t *p = c->data + c->at;

	if (c->len - c->at < size)
		return NULL;
	c->at += size;
	return p;
}

static void read_transport(struct packet *p, struct cursor *c, uint8_t protocol)
{
	const uint8_t *h;

	p->proto = protocol == IPPROTO_UDP				  ? PROTO_UDP :
		   protocol == IPPROTO_TCP				  ? PROTO_TCP :
		   protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6 ? PROTO_ICMP :
									    PROTO_IP;
	if (p->proto != PROTO_UDP && p->proto != PROTO_TCP)
		return;
	h = take(c, 8);
	if (!h)
		return;
	p->sport = be16_at(h);
	p->dport = be16_at(h + 2);
	if (p->proto == PROTO_TCP) {
		h = take(c, 12);
		/* The data offset is the high half of the header's byte 12. */
		if (h)
			take(c, (uint32_t)(h[4] >> 4) * 4 - 20);
		return;
	}
	p->payload = c->data + c->at;
	p->payload_len = c->len - c->at;
}

static void read_ipv4(struct packet *p, struct cursor *c)
{
	const uint8_t *h = take(c, 20);

	if (!h || (h[0] & 15) < 5)
		return;
	p->family = 4;
	p->proto = PROTO_IP;
	p->tos = h[1];
	if (!take(c, (uint32_t)(h[0] & 15) * 4 - 20))
		return;
	if (be16_at(h + 6) & 0x1fff) {
		/* A later fragment has a protocol and no ports. */
		struct cursor none = { 0 };

		read_transport(p, &none, h[9]);
		return;
	}
	read_transport(p, c, h[9]);
}

static void read_ipv6(struct packet *p, struct cursor *c)
{
	const uint8_t *h = take(c, 40);
	struct cursor none = { 0 };
	bool fragment = false;
	uint8_t next;

	if (!h)
		return;
	p->family = 6;
	p->proto = PROTO_IP;
	p->tos = (uint8_t)(h[0] << 4 | h[1] >> 4);
	next = h[6];
	while (next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS ||
	       next == IPPROTO_FRAGMENT) {
		uint8_t this = next;

		h = take(c, 8);
		if (!h)
			return;
		next = h[0];
		if (this == IPPROTO_FRAGMENT)
			fragment |= be16_at(h + 2) & 0xfff8;
		else if (!take(c, h[1] * 8u))
			return;
	}
	read_transport(p, fragment ? &none : c, next);
}

static void read_frame(struct packet *p, struct cursor *c)
{
	const uint8_t *h = take(c, ETH_HEADER);
	uint16_t type;

	if (!h)
		return;
	type = be16_at(h + 12);
	while (type == ETH_P_8021Q || type == ETH_P_8021AD) {
		h = take(c, VLAN_HEADER);
		if (!h)
			return;
		if (p->vlan < 0)
			p->vlan = be16_at(h) & 0xfff;
		type = be16_at(h + 2);
	}
	if (type == ETH_P_ARP)
		p->proto = PROTO_ARP;
	else if (type == ETH_P_IP)
		read_ipv4(p, c);
	else if (type == ETH_P_IPV6)
		read_ipv6(p, c);
}

/* What the wire carried: the segments of a super-packet, and a tag that is beside the data. */
static void measure(struct packet *p, uint32_t len, const struct virtio_net_hdr *gso, bool tagged)
{
	uint32_t payload = len > p->headers ? len - p->headers : 0;

	p->segments = 1;
	p->bytes = len;
	if (gso->gso_type != VIRTIO_NET_HDR_GSO_NONE && gso->gso_size) {
		p->segments = (payload + gso->gso_size - 1) / gso->gso_size;
		if (!p->segments)
			p->segments = 1;
		p->bytes += (p->segments - 1) * p->headers;
	}
	if (tagged)
		p->bytes += p->segments * VLAN_HEADER;
}

/* --- keys ------------------------------------------------------------------------------------- */

struct flow {
	uint32_t id;
	uint64_t first, next, received, late;
};

struct key {
	const char *text;
	/* What it asks for: -1 and PROTO_ANY for anything. */
	enum proto proto;
	int family, port, sport, dscp, vlan;
	bool rest; /* "other": what no other key took */

	uint64_t packets, bytes, largest; /* the largest as it came: a GSO packet whole */
	int64_t first_ns, last_ns, max_gap_ns;
	uint64_t *interval;
	size_t intervals;
	uint64_t dscps[64], ecns[4];

	struct flow *flow;
	size_t flows, last_flow;
	uint64_t gaps;
	struct hist delay;
};

static int parse_condition(struct key *k, const char *text)
{
	const struct {
		const char *name;
		int *value;
	} conditions[] = { { "dscp=", &k->dscp }, { "sport=", &k->sport }, { "vlan=", &k->vlan } };
	uint64_t value;

	for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++) {
		size_t len = strlen(conditions[i].name);

		if (strncmp(text, conditions[i].name, len))
			continue;
		if (parse_u64(text + len, &value) < 0 || value > UINT16_MAX)
			return -EINVAL;
		*conditions[i].value = (int)value;
		return 0;
	}
	return -EINVAL;
}

static int parse_proto(struct key *k, char *text)
{
	static const struct {
		const char *name;
		enum proto proto;
	} protos[] = { { "all", PROTO_ANY },  { "ip", PROTO_IP },   { "udp", PROTO_UDP },
		       { "tcp", PROTO_TCP },  { "arp", PROTO_ARP }, { "icmp", PROTO_ICMP },
		       { "other", PROTO_ANY } };
	char *port = strchr(text, ':');
	uint64_t value;

	if (port) {
		*port++ = 0;
		if (parse_u64(port, &value) < 0 || value > UINT16_MAX)
			return -EINVAL;
		k->port = (int)value;
	}
	for (size_t i = 0; i < sizeof(protos) / sizeof(*protos); i++) {
		if (strcmp(text, protos[i].name))
			continue;
		k->proto = protos[i].proto;
		k->rest = !strcmp(text, "other");
		if (port && k->proto != PROTO_UDP && k->proto != PROTO_TCP)
			return -EINVAL;
		return 0;
	}
	return -EINVAL;
}

/* [4:|6:]PROTO[:PORT][,CONDITION=N]... */
static int parse_key(struct key *k, const char *text)
{
	char *copy = strdup(text), *rest = copy, *word;
	int r = -EINVAL;

	if (!copy)
		return -ENOMEM;
	*k = (struct key){ .text = text, .port = -1, .sport = -1, .dscp = -1, .vlan = -1 };
	if ((*rest == '4' || *rest == '6') && rest[1] == ':') {
		k->family = *rest - '0';
		rest += 2;
	}
	word = strsep(&rest, ",");
	r = parse_proto(k, word);
	while (!r && (word = strsep(&rest, ",")))
		r = parse_condition(k, word);
	free(copy);
	return r;
}

static bool key_takes(const struct key *k, const struct packet *p)
{
	bool any_ip = k->proto == PROTO_IP && p->family;

	return (k->proto == PROTO_ANY || k->proto == p->proto || any_ip) &&
	       (!k->family || k->family == p->family) && (k->port < 0 || k->port == p->dport) &&
	       (k->sport < 0 || k->sport == p->sport) && (k->vlan < 0 || k->vlan == p->vlan) &&
	       (k->dscp < 0 || (p->family && k->dscp == p->tos >> 2));
}

static void *grow(void *array, size_t count, size_t size)
{
	void *bigger = realloc(array, count * size);

	if (!bigger) {
		fputs("wirecount: no memory\n", stderr);
		exit(1);
	}
	return bigger;
}

static struct flow *find_flow(struct key *k, uint32_t id)
{
	if (k->last_flow < k->flows && k->flow[k->last_flow].id == id)
		return &k->flow[k->last_flow];
	for (size_t i = 0; i < k->flows; i++) {
		if (k->flow[i].id == id) {
			k->last_flow = i;
			return &k->flow[i];
		}
	}
	k->flow = grow(k->flow, k->flows + 1, sizeof(*k->flow));
	k->last_flow = k->flows++;
	k->flow[k->last_flow] = (struct flow){ .id = id };
	return &k->flow[k->last_flow];
}

/* RFC 4737: a packet is late when one with a greater number came before it. */
static void key_sequence(struct key *k, const struct packet *p)
{
	struct probe probe;
	struct flow *flow;

	if (!p->payload || !probe_read(p->payload, p->payload_len, &probe))
		return;
	flow = find_flow(k, probe.flow);
	if (!flow->received++)
		flow->first = flow->next = probe.seq;
	if (probe.seq < flow->next) {
		flow->late++;
		if (probe.seq < flow->first)
			flow->first = probe.seq;
	} else {
		k->gaps += probe.seq > flow->next;
		flow->next = probe.seq + 1;
	}
	if (probe.sent_ns)
		hist_add(&k->delay, p->ns - (int64_t)probe.sent_ns);
}

static void key_count(struct key *k, const struct packet *p, int64_t interval_ns, int64_t from_ns)
{
	size_t slot;

	if (!k->packets)
		k->first_ns = p->ns;
	else if (p->ns - k->last_ns > k->max_gap_ns)
		k->max_gap_ns = p->ns - k->last_ns;
	k->last_ns = p->ns;
	k->packets += p->segments;
	k->bytes += p->bytes;
	if (p->bytes > k->largest)
		k->largest = p->bytes;
	if (p->family) {
		k->dscps[p->tos >> 2] += p->segments;
		k->ecns[p->tos & 3] += p->segments;
	}
	if (!from_ns)
		from_ns = k->first_ns;
	slot = p->ns > from_ns ? (size_t)((p->ns - from_ns) / interval_ns) : 0;
	if (slot < MAX_INTERVALS && slot >= k->intervals) {
		k->interval = grow(k->interval, slot + 1, sizeof(*k->interval));
		while (k->intervals <= slot)
			k->interval[k->intervals++] = 0;
	}
	if (slot < k->intervals)
		k->interval[slot] += p->bytes;
	key_sequence(k, p);
}

/* --- output ----------------------------------------------------------------------------------- */

static void print_marks(const struct key *k)
{
	const char *comma = "";

	printf(",\"dscp\":{");
	for (int i = 0; i < 64; i++) {
		if (k->dscps[i]) {
			printf("%s\"%d\":%ju", comma, i, (uintmax_t)k->dscps[i]);
			comma = ",";
		}
	}
	printf("},\"ecn\":[%ju,%ju,%ju,%ju]", (uintmax_t)k->ecns[0], (uintmax_t)k->ecns[1],
	       (uintmax_t)k->ecns[2], (uintmax_t)k->ecns[3]);
}

static void print_sequence(const struct key *k)
{
	uint64_t received = 0, expected = 0, late = 0;

	for (size_t i = 0; i < k->flows; i++) {
		received += k->flow[i].received;
		expected += k->flow[i].next - k->flow[i].first;
		late += k->flow[i].late;
	}
	printf(",\"flows\":%zu,\"probes\":%ju,\"reordered\":%ju,\"gaps\":%ju,\"missing\":%jd",
	       k->flows, (uintmax_t)received, (uintmax_t)late, (uintmax_t)k->gaps,
	       (intmax_t)(expected - received));
	if (k->delay.count) {
		printf(",\"delay_ns\":");
		hist_print(&k->delay, stdout);
	}
}

static void print_key(const struct key *k)
{
	printf("\n  \"%s\":{\"packets\":%ju,\"bytes\":%ju,\"first_ns\":%jd,\"last_ns\":%jd",
	       k->text, (uintmax_t)k->packets, (uintmax_t)k->bytes, (intmax_t)k->first_ns,
	       (intmax_t)k->last_ns);
	printf(",\"max_gap_ns\":%jd,\"largest\":%ju", (intmax_t)k->max_gap_ns,
	       (uintmax_t)k->largest);
	print_marks(k);
	print_sequence(k);
	printf(",\"intervals\":[");
	for (size_t i = 0; i < k->intervals; i++)
		printf("%s%ju", i ? "," : "", (uintmax_t)k->interval[i]);
	printf("]}");
}

/* --- the socket ------------------------------------------------------------------------------- */

struct options {
	const char *interface, *ready;
	int64_t interval_ns, from_ns, duration_ns;
	uint64_t blocks;
	bool outgoing, hold;
	struct key key[MAX_KEYS];
	size_t keys;
};

struct capture {
	int fd;
	uint8_t *ring;
	unsigned int block, blocks;
	int64_t real_minus_monotonic;
};

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

static int capture_open(struct capture *c, const struct options *o)
{
	struct tpacket_req3 ring = {
		.tp_block_size = BLOCK_SIZE,
		.tp_block_nr = (unsigned int)o->blocks,
		.tp_frame_size = 2048,
		.tp_frame_nr = (unsigned int)o->blocks * (BLOCK_SIZE / 2048),
		.tp_retire_blk_tov = BLOCK_TIMEOUT_MS,
	};
	struct sockaddr_ll addr = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int version = TPACKET_V3, on = 1, ignore = !o->outgoing;
	struct timespec real;
	void *map;
	int r;

	addr.sll_ifindex = (int)if_nametoindex(o->interface);
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
	map = mmap(NULL, BLOCK_SIZE * o->blocks, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	c->ring = map;
	c->blocks = (unsigned int)o->blocks;
	clock_gettime(CLOCK_REALTIME, &real);
	c->real_minus_monotonic = real.tv_sec * NSEC_PER_SEC + real.tv_nsec - now_ns();
	return bind(c->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : 0;
}

static void handle(struct options *o, const struct capture *c, const struct tpacket3_hdr *h)
{
	const uint8_t *frame = (const uint8_t *)h + h->tp_mac;
	struct cursor cursor = { .data = frame, .len = h->tp_snaplen };
	bool tagged = h->tp_status & TP_STATUS_VLAN_VALID, taken = false;
	struct packet p = { .proto = PROTO_OTHER, .sport = -1, .dport = -1, .vlan = -1 };
	struct virtio_net_hdr gso;

	/* The kernel puts it right before the frame. */
	memcpy(&gso, frame - sizeof(gso), sizeof(gso));
	if (tagged)
		p.vlan = h->hv1.tp_vlan_tci & 0xfff;
	/* The kernel's stamp is real time. Both clocks only ever differ by a constant here. */
	p.ns = h->tp_sec * NSEC_PER_SEC + h->tp_nsec - c->real_minus_monotonic;
	read_frame(&p, &cursor);
	p.headers = cursor.at;
	measure(&p, h->tp_len, &gso, tagged);

	for (size_t i = 0; i < o->keys; i++) {
		struct key *k = &o->key[i];

		if (k->rest || !key_takes(k, &p))
			continue;
		key_count(k, &p, o->interval_ns, o->from_ns);
		taken |= k->proto != PROTO_ANY || k->dscp >= 0 || k->vlan >= 0 || k->sport >= 0;
	}
	for (size_t i = 0; i < o->keys && !taken; i++) {
		if (o->key[i].rest && key_takes(&o->key[i], &p))
			key_count(&o->key[i], &p, o->interval_ns, o->from_ns);
	}
}

/* Handles the blocks that the kernel has given over, and gives them back. */
static void drain(struct options *o, struct capture *c)
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

			handle(o, c, h);
			at += h->tp_next_offset;
		}
		__atomic_store_n(&b->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		c->block = (c->block + 1) % c->blocks;
	}
}

static void capture_until(struct options *o, struct capture *c, int64_t end)
{
	struct pollfd poll_fd = { .fd = c->fd, .events = POLLIN };

	while (!stopped) {
		int64_t left = end - now_ns();
		struct timespec wait = { .tv_sec = left / NSEC_PER_SEC,
					 .tv_nsec = left % NSEC_PER_SEC };

		if (left <= 0)
			return;
		ppoll(&poll_fd, 1, &wait, NULL);
		drain(o, c);
	}
}

/* The kernel gives a half-full block over when its time is out. */
static void capture_rest(struct options *o, struct capture *c)
{
	int64_t end = now_ns() + 4LL * BLOCK_TIMEOUT_MS * 1000000;

	stopped = false;
	capture_until(o, c, end);
	drain(o, c);
}

/* --- the program ------------------------------------------------------------------------------ */

static const char help[] =
	"usage: wirecount IFACE [OPTION]... [--key KEY]...\n"
	"\n"
	"Counts the packets and frame bytes (Ethernet header included) that arrive on IFACE,\n"
	"as the wire would have carried them, until --duration, SIGINT or SIGTERM. Then prints\n"
	"JSON. Fails when the kernel could not give it every packet.\n"
	"\n"
	"  --key KEY           what to count (default: all); may be given again, and a packet\n"
	"                      counts in each key that takes it:\n"
	"                        [4:|6:]PROTO[:PORT][,dscp=N][,sport=N][,vlan=N]\n"
	"                      PROTO: udp tcp icmp ip arp, all, or other (which no more special\n"
	"                      key took); PORT: the destination port. Fragments after the first\n"
	"                      have no ports.\n"
	"  --interval SECONDS  of the \"intervals\" array, bytes from the key's first packet on\n"
	"                      (default 1); also 100ms\n"
	"  --from NS           the intervals of all keys begin at this time, what came before\n"
	"                      counts in the first\n"
	"  --duration SECONDS  (default: until a signal)\n"
	"  --ring MB           memory for packets that came and are not counted yet (default 32)\n"
	"  --ready FILE        is created when counting has begun\n"
	"  --outgoing          counts what leaves too (before it is cut into segments)\n"
	"  --hold              keeps the UDP ports of the keys open, so that no ICMP goes back\n"
	"\n"
	"Times are CLOCK_MONOTONIC in ns. For payloads of udpsend: \"reordered\", \"gaps\",\n"
	"\"missing\" and, from the sender's clock, \"delay_ns\".\n";

static void parse_options(struct options *o, int argc, char **argv)
{
	enum { KEY, INTERVAL, FROM, DURATION, RING, READY, OUTGOING, HOLD, HELP };
	static const struct option longs[] = {
		{ "key", 1, NULL, KEY },	   { "interval", 1, NULL, INTERVAL },
		{ "from", 1, NULL, FROM },	   { "duration", 1, NULL, DURATION },
		{ "ring", 1, NULL, RING },	   { "ready", 1, NULL, READY },
		{ "outgoing", 0, NULL, OUTGOING }, { "hold", 0, NULL, HOLD },
		{ "help", 0, NULL, HELP },	   { 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
		switch (c) {
		case KEY:
			if (o->keys == MAX_KEYS || parse_key(&o->key[o->keys++], optarg) < 0)
				usage_error("--key", optarg);
			break;
		case INTERVAL:
			if (parse_seconds(optarg, &o->interval_ns) < 0 || !o->interval_ns)
				usage_error("--interval", optarg);
			break;
		case FROM:
			if (parse_moment(optarg, &o->from_ns) < 0)
				usage_error("--from", optarg);
			break;
		case DURATION:
			if (parse_seconds(optarg, &o->duration_ns) < 0)
				usage_error("--duration", optarg);
			break;
		case RING:
			if (parse_u64(optarg, &o->blocks) < 0 || !o->blocks ||
			    o->blocks > MAX_BLOCKS)
				usage_error("--ring", optarg);
			break;
		case READY:
			o->ready = optarg;
			break;
		case OUTGOING:
			o->outgoing = true;
			break;
		case HOLD:
			o->hold = true;
			break;
		case HELP:
			fputs(help, stdout);
			exit(0);
		default:
			exit(2);
		}
	}
	if (argc - optind != 1)
		usage_error("one interface is needed", NULL);
	o->interface = argv[optind];
	if (!o->keys)
		parse_key(&o->key[o->keys++], "all");
}

/* Sockets that nobody reads: the kernel drops what comes, and says nothing. They stay open. */
static int hold_ports(const struct options *o)
{
	for (size_t i = 0; i < o->keys; i++) {
		struct sockaddr_in6 addr = { .sin6_family = AF_INET6,
					     .sin6_port = htons((uint16_t)o->key[i].port) };
		int small = 1, fd;

		if (o->key[i].proto != PROTO_UDP || o->key[i].port < 0)
			continue;
		fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) < 0)
			return -errno;
		/* Two keys may have the same port. */
		if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 && errno != EADDRINUSE)
			return -errno;
	}
	return 0;
}

static int report(const struct options *o, const struct capture *c)
{
	struct tpacket_stats_v3 stats = { 0 };
	socklen_t size = sizeof(stats);

	if (getsockopt(c->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) < 0)
		return -errno;
	printf("{\"interface\":\"%s\",\"interval_ns\":%jd,\"dropped\":%u,\"keys\":{", o->interface,
	       (intmax_t)o->interval_ns, stats.tp_drops);
	for (size_t i = 0; i < o->keys; i++) {
		fputs(i ? "," : "", stdout);
		print_key(&o->key[i]);
	}
	printf("\n}}\n");
	if (stats.tp_drops) {
		fprintf(stderr, "wirecount: the kernel dropped %u packets: the counts are wrong\n",
			stats.tp_drops);
		return -EIO;
	}
	return fflush(stdout) ? -errno : 0;
}

int main(int argc, char **argv)
{
	static struct options o = { .interval_ns = NSEC_PER_SEC, .blocks = 32 };
	struct capture c = { 0 };
	int r;

	parse_options(&o, argc, argv);
	catch_signals();
	r = o.hold ? hold_ports(&o) : 0;
	if (!r)
		r = capture_open(&c, &o);
	if (!r)
		r = tell_ready(o.ready);
	if (r < 0) {
		fprintf(stderr, "wirecount: %s: %s\n", o.interface, strerror(-r));
		return 1;
	}
	capture_until(&o, &c, o.duration_ns ? now_ns() + o.duration_ns : INT64_MAX);
	capture_rest(&o, &c);
	return report(&o, &c) < 0 ? 1 : 0;
}
