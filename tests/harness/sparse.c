// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Many flows that each ask a small question now and then over UDP, and how long each answer took.
 * Each flow has a port of its own. `rtt server` answers.
 */
#include "common.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MAX_FLOWS   1024
#define MAX_PAYLOAD 1400
#define MAX_EVENTS  64

struct options {
	struct sockaddr_storage dst;
	socklen_t dst_len;
	uint64_t flows, rate, size, dscp, seed;
	int64_t at_ns, time_ns, wait_ns;
};

struct sample {
	int64_t sent_ns, rtt_ns; /* the request's time after the beginning, and -1: no answer */
};

struct run {
	int fd[MAX_FLOWS];
	int epoll;
	int64_t begin;
	struct sample *sample;
	uint64_t sent, room, answered;
	uint64_t random;
};

static const char help[] =
	"usage: sparse DST PORT [OPTION]...\n"
	"\n"
	"Sends requests at random moments (a Poisson process, the same at each run) from many\n"
	"ports, then prints JSON: \"us\", when each was sent, from the beginning, and \"rtt_us\",\n"
	"how long its answer took, -1 for none.\n"
	"\n"
	"  --flows N       how many ports (default 100, at most 1024)\n"
	"  --rate N        requests per second of each, on average (default 10)\n"
	"  --size BYTES    UDP payload (default 64, 24 to 1400)\n"
	"  --dscp N        mark (0 to 63)\n"
	"  --seed N        of the random moments (default 1)\n"
	"  --at NS         when to begin, by CLOCK_MONOTONIC (default: now)\n"
	"  --time SECONDS  how long (default 1)\n"
	"  --wait SECONDS  for the last answers (default 1)\n";

static void parse_options(struct options *o, int argc, char **argv)
{
	const struct option_row rows[] = {
		OPTION("flows", NUMBER, &o->flows, .least = 1, .most = MAX_FLOWS),
		OPTION("rate", NUMBER, &o->rate, .least = 1),
		OPTION("size", NUMBER, &o->size, .least = sizeof(struct probe),
		       .most = MAX_PAYLOAD),
		OPTION("dscp", NUMBER, &o->dscp, .most = 63),
		OPTION("seed", NUMBER, &o->seed),
		OPTION("at", MOMENT, &o->at_ns),
		OPTION("time", SECONDS, &o->time_ns),
		OPTION("wait", SECONDS, &o->wait_ns),
		{ 0 },
	};
	int first = take_options(rows, help, argc, argv);

	if (argc - first != 2 ||
	    parse_address(argv[first], argv[first + 1], &o->dst, &o->dst_len) < 0)
		usage_error("needs DST and PORT", NULL);
}

/* Xorshift (Marsaglia, Journal of Statistical Software 8(14), 2003). */
static uint64_t random_next(struct run *run)
{
	run->random ^= run->random << 13;
	run->random ^= run->random >> 7;
	run->random ^= run->random << 17;
	return run->random;
}

/* The time to the next request of a Poisson process: exponential. */
static int64_t random_gap(struct run *run, double per_second)
{
	double uniform = ((double)(random_next(run) >> 11) + .5) / (double)(1ULL << 53);

	return (int64_t)(-log(uniform) / per_second * 1e9);
}

static int open_flows(struct run *run, const struct options *o)
{
	run->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (run->epoll < 0)
		return -errno;
	for (uint64_t i = 0; i < o->flows; i++) {
		struct epoll_event event = { .events = EPOLLIN };
		int fd = socket(o->dst.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		int r;

		if (fd < 0)
			return -errno;
		run->fd[i] = event.data.fd = fd;
		r = set_tos(fd, o->dst.ss_family, (uint8_t)(o->dscp << 2));
		if (r < 0)
			return r;
		if (connect(fd, (const struct sockaddr *)&o->dst, o->dst_len) < 0 ||
		    epoll_ctl(run->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
			return -errno;
	}
	return 0;
}

static int send_request(struct run *run, const struct options *o)
{
	uint8_t payload[MAX_PAYLOAD] = { 0 };
	uint64_t flow = random_next(run) % o->flows;
	int64_t now = now_ns();

	if (run->sent == run->room) {
		uint64_t room = run->room ? 2 * run->room : 4096;
		struct sample *bigger = realloc(run->sample, room * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		run->sample = bigger;
		run->room = room;
	}
	run->sample[run->sent] = (struct sample){ now - run->begin, -1 };
	probe_write(payload, o->size, (uint32_t)flow, run->sent, (uint64_t)now);
	run->sent++;
	/* One that the qdisc drops at once is one without an answer. */
	if (send(run->fd[flow], payload, o->size, 0) < 0 && errno != ENOBUFS && errno != EAGAIN)
		return -errno;
	return 0;
}

static void take_answers(struct run *run, int fd)
{
	uint8_t payload[MAX_PAYLOAD];
	struct probe probe;
	ssize_t len;

	while ((len = recv(fd, payload, sizeof(payload), 0)) >= 0) {
		if (!probe_read(payload, (size_t)len, &probe) || probe.seq >= run->sent ||
		    run->sample[probe.seq].rtt_ns >= 0)
			continue;
		run->sample[probe.seq].rtt_ns = now_ns() - (int64_t)probe.sent_ns;
		run->answered++;
	}
}

static int receive_until(struct run *run, int64_t end)
{
	struct epoll_event events[MAX_EVENTS];

	while (!stopped) {
		struct timespec wait;
		int n;

		if (!time_left(end, &wait))
			return 0;
		n = epoll_pwait2(run->epoll, events, MAX_EVENTS, &wait, NULL);
		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n; i++)
			take_answers(run, events[i].data.fd);
	}
	return -EINTR;
}

/* Only as long as something is missing. */
static int receive_rest(struct run *run, int64_t end)
{
	int r = 0;

	while (!r && run->answered < run->sent && now_ns() < end)
		r = receive_until(run, now_ns() + NSEC_PER_SEC / 100);
	return r;
}

static void report(const struct run *run)
{
	printf("{\"sent\":%ju,\"lost\":%ju,\n \"us\":[", (uintmax_t)run->sent,
	       (uintmax_t)(run->sent - run->answered));
	for (uint64_t i = 0; i < run->sent; i++)
		printf("%s%jd", i ? "," : "", (intmax_t)(run->sample[i].sent_ns / 1000));
	printf("],\n \"rtt_us\":[");
	for (uint64_t i = 0; i < run->sent; i++) {
		int64_t rtt = run->sample[i].rtt_ns;

		printf("%s%.3f", i ? "," : "", rtt < 0 ? -1 : (double)rtt / 1000);
	}
	printf("]}\n");
}

static int run_client(struct run *run, const struct options *o)
{
	int64_t due, end;
	int r = open_flows(run, o);

	if (r < 0)
		return r;
	r = begin_at(o->at_ns, &run->begin);
	if (r < 0)
		return r;
	due = run->begin;
	end = run->begin + o->time_ns;
	while ((due += random_gap(run, (double)o->rate * (double)o->flows)) < end) {
		r = receive_until(run, due);
		if (!r)
			r = send_request(run, o);
		if (r < 0)
			return r;
	}
	r = receive_until(run, end);
	if (!r)
		r = receive_rest(run, end + o->wait_ns);
	if (!r)
		report(run);
	return r;
}

int main(int argc, char **argv)
{
	static struct run run;
	struct options o = { .flows = 100,
			     .rate = 10,
			     .size = 64,
			     .seed = 1,
			     .time_ns = NSEC_PER_SEC,
			     .wait_ns = NSEC_PER_SEC };
	int r;

	parse_options(&o, argc, argv);
	catch_signals();
	/* A start of 0 would stay 0; the golden ratio's bits are as good as any. */
	run.random = (o.seed + 1) * 0x9e3779b97f4a7c15ULL;
	r = run_client(&run, &o);
	if (r < 0)
		fprintf(stderr, "sparse: %s\n", strerror(-r));
	return r < 0 ? 1 : 0;
}
