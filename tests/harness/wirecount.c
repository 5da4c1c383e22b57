// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Counts what arrives on an interface as the wire would have carried it: a super-packet of GSO or
 * GRO is its segments, each with its headers, and a VLAN tag that the kernel took off counts.
 */
#include "wire_report.h"

#include <errno.h>
#include <string.h>

struct options {
	const char *interface, *ready;
	int64_t duration_ns;
	uint64_t blocks;
	bool outgoing, hold;
	struct keys keys;
};

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

static int add_key(void *keys, const char *text)
{
	return keys_add(keys, text);
}

static void parse_options(struct options *o, int argc, char **argv)
{
	const struct option_row rows[] = {
		OPTION("key", EACH, &o->keys, .each = add_key),
		OPTION("interval", SECONDS, &o->keys.interval_ns, .least = 1),
		OPTION("from", MOMENT, &o->keys.from_ns),
		OPTION("duration", SECONDS, &o->duration_ns),
		OPTION("ring", NUMBER, &o->blocks, .least = 1, .most = MAX_BLOCKS),
		OPTION("ready", TEXT, &o->ready),
		OPTION("outgoing", FLAG, &o->outgoing),
		OPTION("hold", FLAG, &o->hold),
		{ 0 },
	};
	int first = take_options(rows, help, argc, argv);

	if (argc - first != 1)
		usage_error("one interface is needed", NULL);
	o->interface = argv[first];
	if (!o->keys.count)
		keys_add(&o->keys, "all");
}

/* Sockets that nobody reads: the kernel drops what comes, and says nothing. They stay open. */
static int hold_ports(const struct keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		struct sockaddr_in6 addr = { .sin6_family = AF_INET6,
					     .sin6_port = htons((uint16_t)keys->key[i].port) };
		int small = 1, fd;

		if (keys->key[i].proto != PROTO_UDP || keys->key[i].port < 0)
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

int main(int argc, char **argv)
{
	static struct options o = { .keys.interval_ns = NSEC_PER_SEC, .blocks = 32 };
	struct capture c = { 0 };
	int r;

	parse_options(&o, argc, argv);
	catch_signals();
	r = o.hold ? hold_ports(&o.keys) : 0;
	if (!r)
		r = capture_open(&c, o.interface, o.blocks, o.outgoing);
	if (!r)
		r = tell_ready(o.ready);
	if (r < 0) {
		fprintf(stderr, "wirecount: %s: %s\n", o.interface, strerror(-r));
		return 1;
	}
	capture_until(&c, &o.keys, o.duration_ns ? now_ns() + o.duration_ns : INT64_MAX);
	capture_rest(&c, &o.keys);
	return report(o.interface, &o.keys, &c) < 0 ? 1 : 0;
}
