// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the program costs, beside a minimal EDT program with one clock, in
 * BPF_PROG_TEST_RUN: ns a packet, the verifier's work, the size of the code.
 *
 *	bpf_cost [--json] [--rounds N] [--packets N] [--only PROGRAM]
 *
 * Programs take turns within a round, so that a change of the machine's speed
 * meets all of them. With a queue, clocks run ahead of time throughout, as under load; without
 * one, the link is faster than the program.
 */
#include <bpf/bpf.h>
#include <getopt.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cost_cases.h"

#define ROUNDS_MAX 101

struct options {
	bool json;
	unsigned int rounds, packets;
	const char *only; /* the minimal one and those of this name; null: all */
};

struct result {
	uint32_t ns[ROUNDS_MAX]; /* by round */
	uint32_t median, least;
	double ratio; /* to the minimal program of its packet */
	struct bpf_prog_info info;
};

static int by_ns(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int by_ratio(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void summarize(unsigned int rounds, struct result *result)
{
	uint32_t sorted[ROUNDS_MAX];

	memcpy(sorted, result->ns, sizeof(sorted));
	qsort(sorted, rounds, sizeof(sorted[0]), by_ns);
	result->median = sorted[rounds / 2];
	result->least = sorted[0];
}

/* The median of the rounds' ratios: neighbours in time meet the same machine. */
static double ratio(unsigned int rounds, const struct result *result, const struct result *base)
{
	double sorted[ROUNDS_MAX];

	for (unsigned int i = 0; i < rounds; i++)
		sorted[i] = base->ns[i] ? (double)result->ns[i] / base->ns[i] : 0;
	qsort(sorted, rounds, sizeof(sorted[0]), by_ratio);
	return sorted[rounds / 2];
}

static void read_info(int fd, struct result *result)
{
	__u32 len = sizeof(result->info);

	if (bpf_obj_get_info_by_fd(fd, &result->info, &len))
		memset(&result->info, 0, sizeof(result->info));
}

/* Those that are wanted, in front; returns how many. */
static size_t choose(struct cost_case *cases, size_t count, const char *only)
{
	size_t chosen = 0;

	for (size_t i = 0; i < count; i++) {
		struct cost_case other = cases[chosen];

		if (only && !cases[i].minimal && strcmp(cases[i].name, only) != 0)
			continue;
		cases[chosen++] = cases[i];
		cases[i] = other;
	}
	return chosen;
}

static void measure(const struct options *opts, struct cost_case *cases, size_t count,
		    struct result *results)
{
	const struct result *base = results;

	for (unsigned int round = 0; round < opts->rounds; round++)
		for (size_t i = 0; i < count; i++)
			results[i].ns[round] = cost_case_run(&cases[i], opts->packets);
	for (size_t i = 0; i < count; i++) {
		if (cases[i].minimal)
			base = &results[i];
		summarize(opts->rounds, &results[i]);
		results[i].ratio = ratio(opts->rounds, &results[i], base);
		read_info(cost_case_fd(&cases[i]), &results[i]);
	}
}

static void print_table(const struct cost_case *cases, size_t count, const struct result *results)
{
	printf("%-30s %-9s %5s %6s %6s %6s  %8s %7s %6s\n", "program", "packet", "queue", "ns",
	       "least", "ratio", "verified", "xlated", "jited");
	for (size_t i = 0; i < count; i++) {
		const struct bpf_prog_info *info = &results[i].info;

		printf("%-30s %-9s %5s %6u %6u %6.2f  %8u %7u %6u\n", cases[i].name,
		       cost_packet_name(cases[i].packet), cost_load_name(cases[i].load),
		       results[i].median, results[i].least, results[i].ratio, info->verified_insns,
		       info->xlated_prog_len, info->jited_prog_len);
	}
}

static void print_json(const struct cost_case *cases, size_t count, const struct result *results)
{
	printf("[\n");
	for (size_t i = 0; i < count; i++) {
		const struct bpf_prog_info *info = &results[i].info;

		printf("  {\"program\": \"%s\", \"packet\": \"%s\", \"queue\": \"%s\", "
		       "\"ns_median\": %u, "
		       "\"ns_least\": %u, \"ratio\": %.3f, \"verified_insns\": %u, "
		       "\"xlated_bytes\": %u, \"jited_bytes\": %u}%s\n",
		       cases[i].name, cost_packet_name(cases[i].packet),
		       cost_load_name(cases[i].load), results[i].median, results[i].least,
		       results[i].ratio, info->verified_insns, info->xlated_prog_len,
		       info->jited_prog_len, i + 1 < count ? "," : "");
	}
	printf("]\n");
}

static int read_options(int argc, char **argv, struct options *opts)
{
	static const struct option table[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "packets", required_argument, NULL, 'p' },
		{ "only", required_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		switch (c) {
		case 'j':
			opts->json = true;
			break;
		case 'r':
			opts->rounds = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 'p':
			opts->packets = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 'o':
			opts->only = optarg;
			break;
		default:
			return -1;
		}
	}
	if (optind != argc || !opts->rounds || opts->rounds > ROUNDS_MAX || !opts->packets ||
	    opts->packets > COST_PACKETS_MAX)
		return -1;
	return 0;
}

int main(int argc, char **argv)
{
	struct options opts = { .rounds = 9, .packets = 500000 };
	_cleanup_(freep) struct result *results = NULL;
	struct cost_case *cases;
	size_t count, chosen;

	if (read_options(argc, argv, &opts) < 0) {
		fprintf(stderr,
			"usage: bpf_cost [--json] [--rounds 1..%d] [--packets 1..%d] "
			"[--only PROGRAM]\n",
			ROUNDS_MAX, COST_PACKETS_MAX);
		return 2;
	}
	if (need_root(NULL) < 0)
		return 3;
	stay_on_cpu();
	count = cost_cases_open(&cases);
	results = calloc(count, sizeof(*results));
	if (!results)
		return 1;
	chosen = choose(cases, count, opts.only);
	measure(&opts, cases, chosen, results);
	if (opts.json)
		print_json(cases, chosen, results);
	else
		print_table(cases, chosen, results);
	cost_cases_close(cases, count);
	return 0;
}
