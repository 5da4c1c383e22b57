// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

volatile bool stopped;

void probe_write(void *payload, size_t size, uint32_t flow, uint64_t seq, uint64_t sent_ns)
{
	bool timed = size >= sizeof(struct probe);
	struct probe probe = {
		.magic = htobe32(timed ? PROBE_MAGIC_TIME : PROBE_MAGIC),
		.flow = htobe32(flow),
		.seq = htobe64(seq),
		.sent_ns = htobe64(sent_ns),
	};

	memcpy(payload, &probe, timed ? sizeof(probe) : PROBE_SHORT);
}

bool probe_read(const void *payload, size_t size, struct probe *probe)
{
	struct probe raw = { 0 };

	if (size < PROBE_SHORT)
		return false;
	memcpy(&raw, payload, size < sizeof(raw) ? PROBE_SHORT : sizeof(raw));

	probe->magic = be32toh(raw.magic);
	probe->flow = be32toh(raw.flow);
	probe->seq = be64toh(raw.seq);
	probe->sent_ns = probe->magic == PROBE_MAGIC_TIME ? be64toh(raw.sent_ns) : 0;
	return probe->magic == PROBE_MAGIC || probe->magic == PROBE_MAGIC_TIME;
}

int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

bool time_left(int64_t ns, struct timespec *left)
{
	ns -= now_ns();
	*left = (struct timespec){ .tv_sec = ns / NSEC_PER_SEC, .tv_nsec = ns % NSEC_PER_SEC };
	return ns > 0;
}

int tell_ready(const char *file)
{
	int fd = file ? open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644) : -1;

	if (!file)
		return 0;
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

void sleep_until(int64_t ns)
{
	struct timespec ts = { .tv_sec = ns / NSEC_PER_SEC, .tv_nsec = ns % NSEC_PER_SEC };

	while (!stopped && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

int begin_at(int64_t at_ns, int64_t *begin)
{
	if (at_ns && at_ns < now_ns()) {
		fprintf(stderr, "%s: --at has passed\n", program_invocation_short_name);
		return -ETIME;
	}
	sleep_until(at_ns);
	*begin = now_ns();
	return 0;
}

static void on_signal(int signal)
{
	(void)signal;
	stopped = true;
}

void catch_signals(void)
{
	/* Without SA_RESTART: a wait ends when a signal comes. */
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

int parse_u64(const char *text, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	return errno || end == text || *end || *text == '-' ? -EINVAL : 0;
}

static int parse_scaled(const char *text, const char *const *units, const double *scales,
			double *value)
{
	char *end;
	double number = strtod(text, &end);

	if (end == text || !isfinite(number) || number < 0)
		return -EINVAL;
	for (; *units; units++, scales++) {
		if (!strcasecmp(end, *units)) {
			*value = number * *scales;
			return 0;
		}
	}
	return -EINVAL;
}

int parse_seconds(const char *text, int64_t *ns)
{
	static const char *const units[] = { "", "s", "ms", "us", "ns", NULL };
	static const double scales[] = { 1e9, 1e9, 1e6, 1e3, 1 };
	double value;
	int r;

	r = parse_scaled(text, units, scales, &value);
	if (r < 0)
		return r;
	*ns = llround(value);
	return 0;
}

int parse_moment(const char *text, int64_t *ns)
{
	uint64_t value;
	int r = parse_u64(text, &value);

	if (r < 0 || !value || value > INT64_MAX)
		return -EINVAL;
	*ns = (int64_t)value;
	return 0;
}

int parse_rate(const char *text, double *bits)
{
	static const char *const units[] = { "bit", "kbit", "mbit", "gbit", NULL };
	static const double scales[] = { 1, 1e3, 1e6, 1e9 };

	return parse_scaled(text, units, scales, bits);
}

void usage_error(const char *what, const char *value)
{
	fprintf(stderr, "%s: %s%s%s (see --help)\n", program_invocation_short_name, what,
		value ? ": " : "", value ? value : "");
	exit(2);
}

static int take_number(const struct option_row *row, const char *text)
{
	uint64_t value;

	if (parse_u64(text, &value) < 0 || value < row->least || (row->most && value > row->most))
		return -EINVAL;
	*(uint64_t *)row->to = value;
	return 0;
}

static int take_seconds(const struct option_row *row, const char *text)
{
	int64_t ns;

	if (parse_seconds(text, &ns) < 0 || ns < (int64_t)row->least)
		return -EINVAL;
	*(int64_t *)row->to = ns;
	return 0;
}

static int take_option(const struct option_row *row, const char *text)
{
	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)row->to = true;
		return 0;
	case OPTION_NUMBER:
		return take_number(row, text);
	case OPTION_SECONDS:
		return take_seconds(row, text);
	case OPTION_MOMENT:
		return parse_moment(text, row->to);
	case OPTION_TEXT:
		*(const char **)row->to = text;
		return 0;
	default:
		return row->each(row->to, text);
	}
}

#define OPTIONS_MAX 24

int take_options(const struct option_row *rows, const char *help, int argc, char **argv)
{
	struct option longs[OPTIONS_MAX + 2] = { 0 };
	int count, c;

	for (count = 0; rows[count].name && count < OPTIONS_MAX; count++)
		longs[count] = (struct option){ rows[count].name, rows[count].kind != OPTION_FLAG,
						NULL, count };
	longs[count] = (struct option){ "help", 0, NULL, count };
	while ((c = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
		char name[32];

		if (c > count)
			exit(2);
		if (c == count) {
			fputs(help, stdout);
			exit(0);
		}
		snprintf(name, sizeof(name), "--%s", rows[c].name);
		if (take_option(&rows[c], optarg) < 0)
			usage_error(name, optarg);
	}
	return optind;
}

bool take_place(int argc, char **argv, struct sockaddr_storage *addr, socklen_t *len)
{
	if (argc == 2 && !strcmp(argv[0], "server") && !parse_address("::", argv[1], addr, len))
		return true;
	if (argc != 3 || strcmp(argv[0], "client") || parse_address(argv[1], argv[2], addr, len))
		usage_error("needs server PORT, or client DST PORT", NULL);
	return false;
}

int parse_address(const char *host, const char *port, struct sockaddr_storage *addr, socklen_t *len)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;
	struct sockaddr_in *in = (struct sockaddr_in *)addr;
	uint64_t number;

	if (parse_u64(port, &number) < 0 || number < 1 || number > UINT16_MAX)
		return -EINVAL;
	memset(addr, 0, sizeof(*addr));
	if (inet_pton(AF_INET, host, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)number);
		*len = sizeof(*in);
		return 0;
	}
	if (inet_pton(AF_INET6, host, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)number);
		*len = sizeof(*in6);
		return 0;
	}
	return -EINVAL;
}

int set_tos(int fd, int family, uint8_t tos)
{
	int value = tos;
	int r;

	if (family == AF_INET)
		r = setsockopt(fd, IPPROTO_IP, IP_TOS, &value, sizeof(value));
	else
		r = setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof(value));
	return r < 0 ? -errno : 0;
}

static unsigned int hist_bucket(uint64_t ns)
{
	unsigned int shift;

	if (ns < HIST_SUB)
		return (unsigned int)ns;
	shift = 63 - (unsigned int)__builtin_clzll(ns) - 5;
	return (shift + 1) * HIST_SUB + (unsigned int)(ns >> shift) - HIST_SUB;
}

static int64_t hist_value(unsigned int bucket)
{
	unsigned int shift = bucket / HIST_SUB;

	if (!shift)
		return bucket;
	return (int64_t)(bucket % HIST_SUB + HIST_SUB) << (shift - 1);
}

void hist_add(struct hist *h, int64_t ns)
{
	if (ns < 0)
		ns = 0;
	if (!h->count || ns < h->min)
		h->min = ns;
	if (ns > h->max)
		h->max = ns;
	h->count++;
	h->sum += (double)ns;
	h->bucket[hist_bucket((uint64_t)ns)]++;
}

static int64_t hist_quantile(const struct hist *h, double q)
{
	uint64_t rank = (uint64_t)ceil(q * (double)h->count), seen = 0;

	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= rank && seen)
			return hist_value(i) < h->min ? h->min : hist_value(i);
	}
	return h->max;
}

void hist_print(const struct hist *h, FILE *out)
{
	fprintf(out, "{\"count\":%ju,\"min\":%jd,\"mean\":%.0f", (uintmax_t)h->count,
		(intmax_t)h->min, h->count ? h->sum / (double)h->count : 0);
	fprintf(out, ",\"p50\":%jd,\"p90\":%jd,\"p99\":%jd,\"p999\":%jd,\"max\":%jd}",
		(intmax_t)hist_quantile(h, .50), (intmax_t)hist_quantile(h, .90),
		(intmax_t)hist_quantile(h, .99), (intmax_t)hist_quantile(h, .999),
		(intmax_t)h->max);
}
