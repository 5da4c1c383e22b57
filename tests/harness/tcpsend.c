// SPDX-License-Identifier: LGPL-2.1-or-later
/* One greedy TCP flow from its first byte on, without the control traffic of a benchmark. */
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK		65536
#define MAX_CONNECTIONS 64

struct options {
	struct sockaddr_storage addr;
	socklen_t addr_len;
	const char *ready;
	int64_t time_ns, at_ns;
	bool server;
};

static const char help[] =
	"usage: tcpsend server PORT [--ready FILE]\n"
	"       tcpsend client DST PORT [--at NS] [--time SECONDS]\n"
	"\n"
	"The server reads and forgets, on any number of connections, until a signal. The client\n"
	"connects at once or --at NS of CLOCK_MONOTONIC, sends as fast as TCP lets it, then\n"
	"resets the connection, so that nothing comes after (default 1 s; also 500ms).\n";

static void parse_options(struct options *o, int argc, char **argv)
{
	const struct option_row rows[] = {
		OPTION("at", MOMENT, &o->at_ns),
		OPTION("time", SECONDS, &o->time_ns),
		OPTION("ready", TEXT, &o->ready),
		{ 0 },
	};
	int first = take_options(rows, help, argc, argv);

	o->server = take_place(argc - first, argv + first, &o->addr, &o->addr_len);
}

/* Take a connection in, or read and forget; a closed one makes place. */
static void serve(struct pollfd *fds, nfds_t *count, nfds_t i)
{
	static char buf[CHUNK];
	ssize_t n;

	if (i == 0) {
		int fd = accept4(fds[0].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0 && *count <= MAX_CONNECTIONS)
			fds[(*count)++] = (struct pollfd){ .fd = fd, .events = POLLIN };
		return;
	}
	n = recv(fds[i].fd, buf, sizeof(buf), MSG_TRUNC);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		close(fds[i].fd);
		fds[i] = fds[--*count];
	}
}

static int run_server(int fd, const struct options *o)
{
	struct pollfd fds[MAX_CONNECTIONS + 1] = { { .fd = fd, .events = POLLIN } };
	nfds_t count = 1;
	int one = 1, r;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&o->addr, o->addr_len) || listen(fd, 16))
		return -errno;
	r = tell_ready(o->ready);
	if (r < 0)
		return r;
	while (!stopped) {
		if (poll(fds, count, -1) < 0 && errno != EINTR)
			return -errno;
		for (nfds_t i = count; i-- > 0;)
			if (fds[i].revents)
				serve(fds, &count, i);
	}
	return 0;
}

static int run_client(int fd, const struct options *o)
{
	static const char buf[CHUNK];
	const struct linger reset = { .l_onoff = 1 };
	uint64_t bytes = 0;
	int64_t end;
	int r;

	r = begin_at(o->at_ns, &end);
	if (r < 0)
		return r;
	if (connect(fd, (const struct sockaddr *)&o->addr, o->addr_len))
		return -errno;
	end = now_ns() + o->time_ns;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (!stopped && now_ns() < end) {
		struct pollfd pfd = { .fd = fd, .events = POLLOUT };
		ssize_t n;

		if (poll(&pfd, 1, (int)((end - now_ns()) / 1000000) + 1) < 0 && errno != EINTR)
			return -errno;
		n = send(fd, buf, sizeof(buf), MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n > 0)
			bytes += (uint64_t)n;
	}
	printf("{\"bytes\": %llu}\n", (unsigned long long)bytes);
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = { .time_ns = NSEC_PER_SEC };
	int fd, r;

	parse_options(&o, argc, argv);
	catch_signals();
	fd = socket(o.addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		r = -errno;
	else
		r = o.server ? run_server(fd, &o) : run_client(fd, &o);
	if (r < 0)
		fprintf(stderr, "tcpsend: %s\n", strerror(-r));
	return r < 0 ? 1 : 0;
}
