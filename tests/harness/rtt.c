// SPDX-License-Identifier: LGPL-2.1-or-later
/* Request and response over UDP: the round-trip times that a user of the link would see. */
#include "common.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_PAYLOAD 9000

struct options {
	struct sockaddr_storage addr;
	socklen_t addr_len;
	const char *ready;
	uint64_t size, dscp;
	int64_t interval_ns, time_ns, wait_ns;
	bool server;
};

static const char help[] =
	"usage: rtt server PORT [--ready FILE]\n"
	"       rtt client DST PORT [OPTION]...\n"
	"\n"
	"The server sends back what it receives, with the same DSCP, until a signal. The client\n"
	"sends a request at each interval, then prints JSON with the round-trip times in ns.\n"
	"\n"
	"  --interval SECONDS  between requests (default 10ms)\n"
	"  --time SECONDS      how long to send (default 1)\n"
	"  --wait SECONDS      for the last responses (default 1)\n"
	"  --size BYTES        UDP payload (default 64, 24 to 9000)\n"
	"  --dscp N            mark (0 to 63)\n"
	"  --ready FILE        is created when the server listens\n";

static void parse_options(struct options *o, int argc, char **argv)
{
	const struct option_row rows[] = {
		OPTION("interval", SECONDS, &o->interval_ns, .least = 1),
		OPTION("time", SECONDS, &o->time_ns),
		OPTION("wait", SECONDS, &o->wait_ns),
		OPTION("size", NUMBER, &o->size, .least = sizeof(struct probe),
		       .most = MAX_PAYLOAD),
		OPTION("dscp", NUMBER, &o->dscp, .most = 63),
		OPTION("ready", TEXT, &o->ready),
		{ 0 },
	};
	int first = take_options(rows, help, argc, argv);

	o->server = take_place(argc - first, argv + first, &o->addr, &o->addr_len);
}

static int receive_tos(int fd)
{
	int on = 1;

	if (setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof(on)) < 0)
		return -errno;
	return 0;
}

static void echo_one(int fd)
{
	union {
		char buf[128];
		struct cmsghdr align;
	} control;
	char payload[MAX_PAYLOAD];
	struct sockaddr_storage from;
	struct iovec iov = { .iov_base = payload, .iov_len = sizeof(payload) };
	struct msghdr msg = { .msg_name = &from,
			      .msg_namelen = sizeof(from),
			      .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.buf,
			      .msg_controllen = sizeof(control.buf) };
	ssize_t len = recvmsg(fd, &msg, 0);
	struct cmsghdr *cmsg;
	int tos = 0;

	if (len < 0)
		return;
	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg)) {
		if (cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_TOS)
			tos = *CMSG_DATA(cmsg);
		else if (cmsg->cmsg_level == IPPROTO_IPV6 && cmsg->cmsg_type == IPV6_TCLASS)
			memcpy(&tos, CMSG_DATA(cmsg), sizeof(tos));
	}
	/* A mapped IPv4 peer takes IPv4's option. */
	set_tos(fd, AF_INET, (uint8_t)(tos & 0xfc));
	set_tos(fd, AF_INET6, (uint8_t)(tos & 0xfc));
	sendto(fd, payload, (size_t)len, MSG_DONTWAIT, (struct sockaddr *)&from, msg.msg_namelen);
}

static int run_server(int fd, const struct options *o)
{
	int r = receive_tos(fd);

	if (!r && bind(fd, (const struct sockaddr *)&o->addr, o->addr_len) < 0)
		r = -errno;
	if (r < 0)
		return r;
	r = tell_ready(o->ready);
	if (r < 0)
		return r;
	while (!stopped)
		echo_one(fd);
	return 0;
}

struct totals {
	uint64_t sent, failed, late;
	uint64_t next; /* the response expected next */
	struct hist rtt;
};

/* Takes the responses that come until a moment. */
static void receive_until(int fd, struct totals *t, int64_t end)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	char payload[MAX_PAYLOAD];
	struct probe probe;

	while (!stopped) {
		struct timespec wait;
		ssize_t len;

		if (!time_left(end, &wait) || ppoll(&poll_fd, 1, &wait, NULL) <= 0)
			return;
		len = recv(fd, payload, sizeof(payload), MSG_DONTWAIT);
		if (len < 0 || !probe_read(payload, (size_t)len, &probe))
			continue;
		hist_add(&t->rtt, now_ns() - (int64_t)probe.sent_ns);
		if (probe.seq < t->next)
			t->late++;
		else
			t->next = probe.seq + 1;
	}
}

static int run_client(int fd, const struct options *o)
{
	static struct totals t;
	char payload[MAX_PAYLOAD] = { 0 };
	int64_t start, end;
	int r;

	r = set_tos(fd, o->addr.ss_family, (uint8_t)(o->dscp << 2));
	if (r < 0)
		return r;
	if (connect(fd, (const struct sockaddr *)&o->addr, o->addr_len) < 0)
		return -errno;
	start = now_ns();
	end = start + o->time_ns;
	for (int64_t due = start; due < end && !stopped; due += o->interval_ns) {
		receive_until(fd, &t, due);
		probe_write(payload, o->size, 0, t.sent + t.failed, (uint64_t)now_ns());
		if (send(fd, payload, o->size, MSG_DONTWAIT) < 0)
			t.failed++;
		else
			t.sent++;
	}
	receive_until(fd, &t, end);
	/* Only as long as something is missing. */
	for (end += o->wait_ns; t.rtt.count < t.sent && now_ns() < end && !stopped;) {
		int64_t step = now_ns() + 1000000;

		receive_until(fd, &t, step < end ? step : end);
	}
	printf("{\"sent\":%ju,\"received\":%ju,\"lost\":%jd,\"failed\":%ju,\"reordered\":%ju",
	       (uintmax_t)t.sent, (uintmax_t)t.rtt.count, (intmax_t)(t.sent - t.rtt.count),
	       (uintmax_t)t.failed, (uintmax_t)t.late);
	printf(",\"rtt_ns\":");
	hist_print(&t.rtt, stdout);
	printf("}\n");
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = { .size = 64,
			     .interval_ns = 10000000,
			     .time_ns = NSEC_PER_SEC,
			     .wait_ns = NSEC_PER_SEC };
	int fd, r;

	parse_options(&o, argc, argv);
	catch_signals();
	fd = socket(o.addr.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		r = -errno;
	else
		r = o.server ? run_server(fd, &o) : run_client(fd, &o);
	if (r < 0)
		fprintf(stderr, "rtt: %s\n", strerror(-r));
	return r < 0 ? 1 : 0;
}
