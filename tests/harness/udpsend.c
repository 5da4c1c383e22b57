// SPDX-License-Identifier: LGPL-2.1-or-later
/* A UDP source with an exact schedule: what is due is sent, whatever happened to what went before.
 */
#include "common.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define MAX_PAYLOAD 65507
#define IPV4_UDP    28u
#define IPV6_UDP    48u

struct options {
	struct sockaddr_storage dst;
	socklen_t dst_len;
	double rate;
	uint64_t size, count, burst, sport, dscp, ecn, mark, flow, sndbuf, txtime_every, owner;
	int64_t at_ns, time_ns, txtime_ns;
	bool connected, txtime;
};

struct totals {
	uint64_t packets, bytes, enobufs, again, other, late_max_ns;
	int last_errno;
};

static const char help[] =
	"usage: udpsend DST PORT --rate RATE [OPTION]...\n"
	"\n"
	"Sends UDP to a numeric IPv4 or IPv6 address at a steady rate, then prints JSON.\n"
	"\n"
	"  --rate RATE        bits per second of Ethernet frames, their 14-byte header counted:\n"
	"                     10mbit, 500kbit; or packets per second: 1000pps\n"
	"  --size BYTES       UDP payload (default 1000, at least 16)\n"
	"  --at NS            when to begin, by CLOCK_MONOTONIC (default: now)\n"
	"  --time SECONDS     how long (default 1); also 500ms\n"
	"  --count N          how many packets, instead of --time\n"
	"  --burst N          packets sent at once (default 1); the rate stays the same\n"
	"  --sport PORT       source port\n"
	"  --flow N           flow number in the payload (default: the source port, or 0)\n"
	"  --dscp N --ecn N   marks (0 to 63, 0 to 3)\n"
	"  --mark N           SO_MARK\n"
	"  --owner UID        gives the socket to another user, as fchown() does\n"
	"  --txtime NS        SO_TXTIME: asks to leave NS after the packet was due\n"
	"  --txtime-every N   only for one packet of N (default 1)\n"
	"  --sndbuf BYTES     socket buffer (default 16 MiB, so that only the qdisc limits)\n"
	"  --connected        connect() the socket\n"
	"\n"
	"\"packets\" and \"bytes\" count what the kernel took. \"enobufs\" are packets which the\n"
	"qdisc dropped at once, \"again\" those that found the socket buffer full.\n";

static uint64_t want_u64(const char *name, const char *text, uint64_t most)
{
	uint64_t value;

	if (parse_u64(text, &value) < 0 || value > most)
		usage_error(name, text);
	return value;
}

static uint64_t frame_size(const struct options *o)
{
	return ETH_HEADER + (o->dst.ss_family == AF_INET ? IPV4_UDP : IPV6_UDP) + o->size;
}

/* Packets per second of a rate, which is in frame bits or has its own unit. */
static double packet_rate(const struct options *o, const char *text)
{
	double value;
	char *end;

	value = strtod(text, &end);
	if (end != text && !strcmp(end, "pps") && value > 0)
		return value;
	if (parse_rate(text, &value) < 0 || value <= 0)
		usage_error("--rate takes a rate such as 10mbit or 100pps, not", text);
	return value / 8 / (double)frame_size(o);
}

static void parse_options(struct options *o, int argc, char **argv)
{
	const char *rate = NULL, *flow = NULL, *txtime = NULL;
	const struct option_row rows[] = {
		OPTION("rate", TEXT, &rate),
		OPTION("size", NUMBER, &o->size, .least = PROBE_SHORT, .most = MAX_PAYLOAD),
		OPTION("at", MOMENT, &o->at_ns),
		OPTION("time", SECONDS, &o->time_ns),
		OPTION("count", NUMBER, &o->count, .least = 1),
		OPTION("burst", NUMBER, &o->burst, .least = 1, .most = 1000000),
		OPTION("sport", NUMBER, &o->sport, .least = 1, .most = UINT16_MAX),
		OPTION("flow", TEXT, &flow),
		OPTION("dscp", NUMBER, &o->dscp, .most = 63),
		OPTION("ecn", NUMBER, &o->ecn, .most = 3),
		OPTION("mark", NUMBER, &o->mark, .most = UINT32_MAX),
		OPTION("owner", NUMBER, &o->owner, .most = UINT32_MAX),
		OPTION("txtime", TEXT, &txtime),
		OPTION("txtime-every", NUMBER, &o->txtime_every, .least = 1),
		OPTION("sndbuf", NUMBER, &o->sndbuf, .least = 1, .most = INT32_MAX / 2),
		OPTION("connected", FLAG, &o->connected),
		{ 0 },
	};
	int first = take_options(rows, help, argc, argv);

	if (argc - first != 2 || !rate)
		usage_error("DST, PORT and --rate are needed", NULL);
	if (parse_address(argv[first], argv[first + 1], &o->dst, &o->dst_len) < 0)
		usage_error("not a numeric address and port", argv[first]);
	o->rate = packet_rate(o, rate);
	o->flow = flow ? want_u64("--flow", flow, UINT32_MAX) : o->sport;
	o->txtime = txtime;
	if (txtime)
		o->txtime_ns = (int64_t)want_u64("--txtime", txtime, INT64_MAX / 2);
}

static int bind_port(int fd, int family, uint16_t port)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	int r;

	if (family == AF_INET)
		r = bind(fd, (struct sockaddr *)&in, sizeof(in));
	else
		r = bind(fd, (struct sockaddr *)&in6, sizeof(in6));
	return r < 0 ? -errno : 0;
}

static int set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int setup(int fd, const struct options *o)
{
	struct sock_txtime txtime = { .clockid = CLOCK_MONOTONIC };
	int family = o->dst.ss_family;
	int r;

	r = set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, (int)o->sndbuf);
	if (r < 0)
		r = set_int(fd, SOL_SOCKET, SO_SNDBUF, (int)o->sndbuf);
	if (r < 0)
		return r;
	/* Only with RECVERR the kernel says that the qdisc dropped a packet. */
	r = family == AF_INET ? set_int(fd, IPPROTO_IP, IP_RECVERR, 1) :
				set_int(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
	if (r < 0)
		return r;
	r = set_tos(fd, family, (uint8_t)(o->dscp << 2 | o->ecn));
	if (r < 0)
		return r;
	if (o->mark) {
		r = set_int(fd, SOL_SOCKET, SO_MARK, (int)o->mark);
		if (r < 0)
			return r;
	}
	if (o->owner && fchown(fd, (uid_t)o->owner, (gid_t)-1))
		return -errno;
	if (o->sport) {
		r = bind_port(fd, family, (uint16_t)o->sport);
		if (r < 0)
			return r;
	}
	if (o->txtime && setsockopt(fd, SOL_SOCKET, SO_TXTIME, &txtime, sizeof(txtime)) < 0)
		return -errno;
	if (o->connected && connect(fd, (const struct sockaddr *)&o->dst, o->dst_len) < 0)
		return -errno;
	return 0;
}

static int send_one(int fd, const struct options *o, uint8_t *payload, uint64_t seq, int64_t due_ns)
{
	union {
		char buf[CMSG_SPACE(sizeof(uint64_t))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { .iov_base = payload, .iov_len = o->size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct sockaddr_storage dst = o->dst;
	uint64_t txtime = (uint64_t)(due_ns + o->txtime_ns);

	if (!o->connected) {
		msg.msg_name = &dst;
		msg.msg_namelen = o->dst_len;
	}
	if (o->txtime && seq % o->txtime_every == 0) {
		struct cmsghdr *cmsg;

		msg.msg_control = control.buf;
		msg.msg_controllen = sizeof(control.buf);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_TXTIME;
		cmsg->cmsg_len = CMSG_LEN(sizeof(txtime));
		memcpy(CMSG_DATA(cmsg), &txtime, sizeof(txtime));
	}
	probe_write(payload, o->size, (uint32_t)o->flow, seq, (uint64_t)now_ns());
	return sendmsg(fd, &msg, MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* With RECVERR each ICMP error is queued, and would fill the socket's memory. */
static void drop_errors(int fd)
{
	struct msghdr msg = { 0 };

	while (recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0)
		;
}

static void count(struct totals *t, const struct options *o, int fd, int r)
{
	if (!r) {
		t->packets++;
		t->bytes += frame_size(o);
	} else if (r == -ENOBUFS) {
		t->enobufs++;
	} else if (r == -EAGAIN) {
		t->again++;
	} else {
		t->other++;
		t->last_errno = -r;
		drop_errors(fd);
	}
}

static void run(int fd, const struct options *o, struct totals *t)
{
	uint64_t total = o->count ? o->count : (uint64_t)(o->rate * (double)o->time_ns / 1e9 + .5);
	uint8_t *payload = calloc(1, o->size);
	int64_t start = now_ns();

	if (!payload)
		usage_error("no memory", NULL);
	for (uint64_t seq = 0; seq < total && !stopped; seq++) {
		uint64_t first = seq - seq % o->burst;
		int64_t due = start + (int64_t)((double)first * 1e9 / o->rate);
		int64_t now = now_ns();
		int r;

		if (now < due)
			sleep_until(due);
		else if ((uint64_t)(now - due) > t->late_max_ns)
			t->late_max_ns = (uint64_t)(now - due);
		r = send_one(fd, o, payload, seq, due);
		/* A pending ICMP error stands for no packet: send what it took the place of. */
		if (r == -ECONNREFUSED || r == -EHOSTUNREACH) {
			drop_errors(fd);
			r = send_one(fd, o, payload, seq, due);
		}
		count(t, o, fd, r);
	}
	free(payload);
}

int main(int argc, char **argv)
{
	struct options o = { .size = 1000,
			     .time_ns = NSEC_PER_SEC,
			     .burst = 1,
			     .txtime_every = 1,
			     .sndbuf = 16 << 20 };
	struct totals t = { 0 };
	int64_t start;
	int fd, r;

	parse_options(&o, argc, argv);
	catch_signals();
	fd = socket(o.dst.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	r = fd < 0 ? -errno : setup(fd, &o);
	if (r < 0) {
		fprintf(stderr, "udpsend: %s\n", strerror(-r));
		return 1;
	}
	if (begin_at(o.at_ns, &start) < 0)
		return 1;
	run(fd, &o, &t);
	printf("{\"packets\":%ju,\"bytes\":%ju,\"errors\":%ju,\"enobufs\":%ju,\"again\":%ju,",
	       (uintmax_t)t.packets, (uintmax_t)t.bytes, (uintmax_t)(t.enobufs + t.again + t.other),
	       (uintmax_t)t.enobufs, (uintmax_t)t.again);
	printf("\"last_error\":\"%s\",\"late_max_ns\":%ju,\"elapsed_ns\":%jd}\n",
	       t.last_errno ? strerror(t.last_errno) : "", (uintmax_t)t.late_max_ns,
	       (intmax_t)(now_ns() - start));
	close(fd);
	return 0;
}
