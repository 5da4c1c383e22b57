// SPDX-License-Identifier: LGPL-2.1-or-later
/* Greedy TCP flows, many in one process, and what each got in the part of the run that counts. */
#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define CHUNK	   65536
#define MAX_FLOWS  1024
#define MAX_EVENTS 64

struct options {
	struct sockaddr_storage dst, src;
	socklen_t dst_len, src_len;
	const char *ready, *congestion;
	uint64_t flows, dscp;
	int64_t at_ns, warm_ns, time_ns;
	char **ports;
};

struct flow {
	int fd;
	bool timed_out;
	uint64_t arrived, retransmitted;	       /* until now */
	uint64_t counted_bytes, counted_retransmitted; /* since the call before */
};

static const char help[] =
	"usage: bulk server PORT... [--ready FILE]\n"
	"       bulk client DST PORT [OPTION]...\n"
	"\n"
	"The server forgets what it receives, on any number of connections, until a signal. The\n"
	"client sends as fast as TCP lets it, prints JSON, and resets its connections.\n"
	"\n"
	"  --flows N       connections (default 1, at most 1024)\n"
	"  --cc NAME       congestion control (default: the system's)\n"
	"  --src ADDRESS   source address\n"
	"  --dscp N        mark (0 to 63)\n"
	"  --at NS         when to begin, by CLOCK_MONOTONIC (default: now)\n"
	"  --warm SECONDS  from then on, do not count yet (default 0)\n"
	"  --time SECONDS  then count (default 1)\n"
	"\n"
	"\"bytes\" are what arrived of each flow while it counted. A connection that times out is\n"
	"no error: it is counted, and has no bytes from then on.\n";

static void parse_place(struct options *o, int argc, char **argv, const char *src)
{
	if (argc >= 2 && !strcmp(argv[0], "server") && !src) {
		o->ports = argv + 1;
		return;
	}
	if (argc != 3 || strcmp(argv[0], "client") ||
	    parse_address(argv[1], argv[2], &o->dst, &o->dst_len) < 0)
		usage_error("needs server PORT..., or client DST PORT", NULL);
	if (src && (parse_address(src, "1", &o->src, &o->src_len) < 0 ||
		    o->src.ss_family != o->dst.ss_family))
		usage_error("--src takes an address of DST's family, not", src);
}

static void parse_options(struct options *o, int argc, char **argv)
{
	const char *src = NULL;
	const struct option_row rows[] = {
		OPTION("flows", NUMBER, &o->flows, .least = 1, .most = MAX_FLOWS),
		OPTION("cc", TEXT, &o->congestion),
		OPTION("src", TEXT, &src),
		OPTION("dscp", NUMBER, &o->dscp, .most = 63),
		OPTION("at", MOMENT, &o->at_ns),
		OPTION("warm", SECONDS, &o->warm_ns),
		OPTION("time", SECONDS, &o->time_ns, .least = 1),
		OPTION("ready", TEXT, &o->ready),
		{ 0 },
	};
	int first = take_options(rows, help, argc, argv);

	parse_place(o, argc - first, argv + first, src);
}

/* --- the server ------------------------------------------------------------------------------- */

static int watch(int epoll, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

#define LISTENER (1ULL << 32) /* in an event's data, beside the descriptor */

static int listen_at(int epoll, const char *port)
{
	struct sockaddr_storage addr;
	socklen_t len;
	int fd, one = 1, r;

	if (parse_address("::", port, &addr, &len) < 0)
		usage_error("not a port", port);
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (r < 0 || bind(fd, (struct sockaddr *)&addr, len) < 0 || listen(fd, MAX_FLOWS) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return watch(epoll, fd, EPOLLIN, LISTENER | (uint32_t)fd);
}

static int accept_one(int epoll, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	return fd < 0 ? 0 : watch(epoll, fd, EPOLLIN, (uint32_t)fd);
}

/* MSG_TRUNC: the kernel drops the bytes without copying them. */
static void forget(int fd)
{
	ssize_t n = recv(fd, NULL, 16 * CHUNK, MSG_TRUNC);

	if (!n || (n < 0 && errno != EAGAIN && errno != EINTR))
		close(fd);
}

static int run_server(const struct options *o)
{
	struct epoll_event events[MAX_EVENTS];
	int epoll = epoll_create1(EPOLL_CLOEXEC), n, r;

	if (epoll < 0)
		return -errno;
	for (char **port = o->ports; *port; port++) {
		r = listen_at(epoll, *port);
		if (r < 0)
			return r;
	}
	r = tell_ready(o->ready);
	if (r < 0)
		return r;
	while (!stopped) {
		n = epoll_wait(epoll, events, MAX_EVENTS, -1);
		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n; i++) {
			if (!(events[i].data.u64 & LISTENER)) {
				forget((int)events[i].data.u64);
				continue;
			}
			r = accept_one(epoll, (int)(events[i].data.u64 & ~LISTENER));
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* --- the client ------------------------------------------------------------------------------- */

static int set_congestion(int fd, const char *name)
{
	if (!name)
		return 0;
	return setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) < 0 ?
		       -errno :
		       0;
}

/* The port of the source is chosen at connect(), or 1,024 flows would not find one. */
static int bind_source(int fd, const struct options *o)
{
	struct sockaddr_storage src = o->src;
	int one = 1;

	if (!o->src_len)
		return 0;
	/* The same place in both families' addresses. */
	((struct sockaddr_in *)&src)->sin_port = 0;
	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&src, o->src_len) < 0)
		return -errno;
	return 0;
}

static int flow_open(struct flow *f, const struct options *o)
{
	const struct linger reset = { .l_onoff = 1 };
	int r;

	f->fd = socket(o->dst.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (f->fd < 0)
		return -errno;
	r = set_congestion(f->fd, o->congestion);
	if (!r)
		r = set_tos(f->fd, o->dst.ss_family, (uint8_t)(o->dscp << 2));
	if (!r)
		r = bind_source(f->fd, o);
	if (r < 0)
		return r;
	if (setsockopt(f->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0)
		return -errno;
	if (connect(f->fd, (const struct sockaddr *)&o->dst, o->dst_len) < 0 &&
	    errno != EINPROGRESS)
		return -errno;
	return 0;
}

/*
 * What arrived and was sent again since the last call. What came behind a hole has arrived too,
 * though it is acknowledged only when the hole is filled.
 */
static int flow_advance(struct flow *f)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);
	uint64_t arrived;

	if (getsockopt(f->fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return -errno;
	arrived = info.tcpi_bytes_acked + (uint64_t)info.tcpi_sacked * info.tcpi_snd_mss;
	/* A segment behind a hole may have been shorter than the MSS. */
	if (arrived < f->arrived)
		arrived = f->arrived;
	f->counted_bytes = arrived - f->arrived;
	f->arrived = arrived;
	f->counted_retransmitted = info.tcpi_total_retrans - f->retransmitted;
	f->retransmitted = info.tcpi_total_retrans;
	return 0;
}

static int flows_advance(struct flow *flow, uint64_t flows)
{
	int r = 0;

	for (uint64_t i = 0; i < flows && !r; i++)
		r = flow_advance(&flow[i]);
	return r;
}

static int flow_send(int epoll, struct flow *f)
{
	static const char chunk[CHUNK];

	if (send(f->fd, chunk, sizeof(chunk), MSG_NOSIGNAL) >= 0 || errno == EAGAIN ||
	    errno == EINTR)
		return 0;
	if (errno != ETIMEDOUT)
		return -errno;
	/* A SYN that the own qdisc drops is tried ten times in 5 s (tcp_retransmit_timer). */
	f->timed_out = true;
	return epoll_ctl(epoll, EPOLL_CTL_DEL, f->fd, NULL) < 0 ? -errno : 0;
}

static int send_until(int epoll, struct flow *flow, int64_t end)
{
	struct epoll_event events[MAX_EVENTS];

	while (!stopped) {
		struct timespec wait;
		int n, r;

		if (!time_left(end, &wait))
			return 0;
		n = epoll_pwait2(epoll, events, MAX_EVENTS, &wait, NULL);
		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n; i++) {
			r = flow_send(epoll, &flow[events[i].data.u64]);
			if (r < 0)
				return r;
		}
	}
	return -EINTR;
}

static void report(const struct options *o, const struct flow *flow, int64_t time_ns)
{
	uint64_t again = 0, timed_out = 0;

	for (uint64_t i = 0; i < o->flows; i++) {
		again += flow[i].counted_retransmitted;
		timed_out += flow[i].timed_out;
	}
	printf("{\"flows\":%ju,\"time_ns\":%jd,\"retransmitted\":%ju,\"timed_out\":%ju,\"bytes\":[",
	       (uintmax_t)o->flows, (intmax_t)time_ns, (uintmax_t)again, (uintmax_t)timed_out);
	for (uint64_t i = 0; i < o->flows; i++)
		printf("%s%ju", i ? "," : "", (uintmax_t)flow[i].counted_bytes);
	printf("]}\n");
}

static int run_client(const struct options *o)
{
	static struct flow flow[MAX_FLOWS];
	int epoll = epoll_create1(EPOLL_CLOEXEC), r = epoll < 0 ? -errno : 0;
	int64_t begin, start;

	if (!r)
		r = begin_at(o->at_ns, &begin);
	for (uint64_t i = 0; i < o->flows && !r; i++) {
		r = flow_open(&flow[i], o);
		if (!r)
			r = watch(epoll, flow[i].fd, EPOLLOUT, i);
	}
	if (!r)
		r = send_until(epoll, flow, begin + o->warm_ns);
	if (!r)
		r = flows_advance(flow, o->flows);
	start = now_ns();
	if (!r)
		r = send_until(epoll, flow, begin + o->warm_ns + o->time_ns);
	if (!r)
		r = flows_advance(flow, o->flows);
	if (!r)
		report(o, flow, now_ns() - start);
	return r;
}

int main(int argc, char **argv)
{
	struct options o = { .flows = 1, .time_ns = NSEC_PER_SEC };
	int r;

	parse_options(&o, argc, argv);
	catch_signals();
	r = o.ports ? run_server(&o) : run_client(&o);
	if (r < 0)
		fprintf(stderr, "bulk: %s\n", strerror(-r));
	return r < 0 ? 1 : 0;
}
