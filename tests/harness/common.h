/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the traffic programs share: clocks, arguments, the payload's header, delay histograms. */
#ifndef HARNESS_COMMON_H
#define HARNESS_COMMON_H

#include <endian.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#define NSEC_PER_SEC 1000000000LL
#define ETH_HEADER   14u

/*
 * The start of every UDP payload of ours, in network order. Short payloads end before the
 * time and carry PROBE_MAGIC; those with a time carry PROBE_MAGIC_TIME.
 */
#define PROBE_MAGIC	 0x514f5331u
#define PROBE_MAGIC_TIME 0x514f5332u
#define PROBE_SHORT	 16u

struct probe {
	uint32_t magic;
	uint32_t flow;
	uint64_t seq;
	uint64_t sent_ns; /* CLOCK_MONOTONIC, which all namespaces of a machine share */
};

/* Fills the start of a payload of size bytes, at least PROBE_SHORT. */
void probe_write(void *payload, size_t size, uint32_t flow, uint64_t seq, uint64_t sent_ns);
/* Reads it back in host order; sent_ns is 0 when there is none. False when it is not ours. */
bool probe_read(const void *payload, size_t size, struct probe *probe);

int64_t now_ns(void);
/* What is left until a moment, for a call that waits; false when it is over. */
bool time_left(int64_t ns, struct timespec *left);
/* Sleeps until a moment of CLOCK_MONOTONIC, or until a signal was caught. */
void sleep_until(int64_t ns);
/* Waits for the moment of --at, if there is one. What it is then; -ETIME where that has passed. */
int begin_at(int64_t at_ns, int64_t *begin);

/* Tells whoever waits for that file that the program is ready; null: nobody. 0 or -errno. */
int tell_ready(const char *file);

/* Set by SIGINT and SIGTERM after catch_signals(). */
extern volatile bool stopped;
void catch_signals(void);

/* Arguments: 0 or -EINVAL. */
int parse_u64(const char *text, uint64_t *value);
int parse_seconds(const char *text, int64_t *ns);
int parse_moment(const char *text, int64_t *ns); /* of CLOCK_MONOTONIC, after 0 */
/* Bits per second: kbit, mbit, gbit, bit. */
int parse_rate(const char *text, double *bits);
/* The usage error of a program: prints it and exits with 2. */
void usage_error(const char *what, const char *value) __attribute__((noreturn));

/* What an option --NAME stands for, and where it goes. */
enum option_kind {
	OPTION_FLAG,	/* bool: takes no value */
	OPTION_NUMBER,	/* uint64_t, from least to most */
	OPTION_SECONDS, /* int64_t, in ns, from least */
	OPTION_MOMENT,	/* int64_t: see parse_moment() */
	OPTION_TEXT,	/* const char * */
	OPTION_EACH,	/* may come again: each is called with what it points to */
};

struct option_row {
	const char *name; /* null ends a table */
	enum option_kind kind;
	void *to;
	uint64_t least, most; /* most 0: any */
	int (*each)(void *to, const char *text);
};

#define OPTION(text, of_kind, into, ...)                                        \
	{                                                                       \
		.name = text, .kind = OPTION_##of_kind, .to = into, __VA_ARGS__ \
	}

/*
 * Takes the options of a table, of --help beside them, and gives the place of the first
 * operand. What is wrong is a usage error.
 */
int take_options(const struct option_row *rows, const char *help, int argc, char **argv);
/* "server PORT" or "client DST PORT", or a usage error. True: server. */
bool take_place(int argc, char **argv, struct sockaddr_storage *addr, socklen_t *len);

/* A numeric address and a port: 0 or -EINVAL. */
int parse_address(const char *host, const char *port, struct sockaddr_storage *addr,
		  socklen_t *len);
/* The traffic class byte: DSCP and ECN. 0 or -errno. */
int set_tos(int fd, int family, uint8_t tos);

/* Delays, to 1/32 of their value: buckets by the position of the first bit and the next five. */
#define HIST_SUB     32u
#define HIST_BUCKETS (60 * HIST_SUB)

struct hist {
	uint64_t count;
	double sum;
	int64_t min, max;
	uint32_t bucket[HIST_BUCKETS];
};

void hist_add(struct hist *h, int64_t ns);
/* {"count":…, "min":…, "mean":…, "p50":…, "p90":…, "p99":…, "p999":…, "max":…} in ns. */
void hist_print(const struct hist *h, FILE *out);

#endif
