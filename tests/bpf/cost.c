// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the program costs, beside a minimal EDT program with one clock, in
 * BPF_PROG_TEST_RUN: ns a packet, the verifier's work, the size of the code.
 *
 *	bpf_cost [--json] [--loads N] [--rounds N] [--packets N] [--only PROGRAM]
 *
 * Programs take turns within a round, so that a change of the machine's speed
 * meets all of them. Where a program happens to lie in memory changes what it costs by some
 * percent (Mytkowicz, Diwan, Hauswirth, Sweeney 2009), so all are loaded anew several times, each
 * time a little further on, and the medians are of all rounds of all loads. With a queue, clocks
 * run ahead of time throughout, as under load; without one, the link is faster than the program.
 */
#include <bpf/bpf.h>
#include <getopt.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cost_cases.h"

#define SAMPLES_MAX 101

struct options {
	bool json;
	unsigned int loads, rounds, packets;
	const char *only; /* the minimal one and those of this name; null: all */
};

struct result {
	uint32_t ns[SAMPLES_MAX]; /* by load and round */
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

static void summarize(unsigned int samples, struct result *result)
{
	uint32_t sorted[SAMPLES_MAX];

	memcpy(sorted, result->ns, sizeof(sorted));
	qsort(sorted, samples, sizeof(sorted[0]), by_ns);
	result->median = sorted[samples / 2];
	result->least = sorted[0];
}

/* The median of the rounds' ratios: neighbours in time meet the same machine. */
static double ratio(unsigned int samples, const struct result *result, const struct result *base)
{
	double sorted[SAMPLES_MAX];

	for (unsigned int i = 0; i < samples; i++)
		sorted[i] = base->ns[i] ? (double)result->ns[i] / base->ns[i] : 0;
	qsort(sorted, samples, sizeof(sorted[0]), by_ratio);
	return sorted[samples / 2];
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

static void measure(const struct options *opts, unsigned int load, struct cost_case *cases,
		    size_t count, struct result *results)
{
	for (unsigned int round = 0; round < opts->rounds; round++)
		for (size_t i = 0; i < count; i++)
			results[i].ns[load * opts->rounds + round] =
				cost_case_run(&cases[i], opts->packets);
}

static void sum_up(const struct options *opts, const struct cost_case *cases, size_t count,
		   struct result *results)
{
	unsigned int samples = opts->loads * opts->rounds;
	const struct result *base = results;

	for (size_t i = 0; i < count; i++) {
		if (cases[i].minimal)
			base = &results[i];
		summarize(samples, &results[i]);
		results[i].ratio = ratio(samples, &results[i], base);
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
		{ "loads", required_argument, NULL, 'l' },
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
		case 'l':
			opts->loads = (unsigned int)strtoul(optarg, NULL, 10);
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
	if (optind != argc || !opts->loads || !opts->rounds ||
	    opts->loads > SAMPLES_MAX / opts->rounds || !opts->packets ||
	    opts->packets > COST_PACKETS_MAX)
		return -1;
	return 0;
}

/* One that does nothing and stays: the next ones come to lie behind it. */
static int fill_gap(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "cost_gap", "GPL", insns, 2, NULL);
}

/* Those of the last load, in *ret_cases, and how many in *ret_count. */
static size_t run_all(const struct options *opts, struct cost_case **ret_cases, size_t *ret_count,
		      struct result **ret_results)
{
	struct result *results = NULL;
	size_t chosen = 0;

	for (unsigned int load = 0; load < opts->loads; load++) {
		if (load) {
			cost_cases_close(*ret_cases, *ret_count);
			assert_true(fill_gap() >= 0);
		}
		*ret_count = cost_cases_open(ret_cases);
		if (!results)
			results = calloc(*ret_count, sizeof(*results));
		assert_non_null(results);
		chosen = choose(*ret_cases, *ret_count, opts->only);
		measure(opts, load, *ret_cases, chosen, results);
	}
	sum_up(opts, *ret_cases, chosen, results);
	*ret_results = results;
	return chosen;
}

int main(int argc, char **argv)
{
	struct options opts = { .loads = 1, .rounds = 9, .packets = 500000 };
	_cleanup_(freep) struct result *results = NULL;
	struct cost_case *cases;
	size_t count, chosen;

	if (read_options(argc, argv, &opts) < 0) {
		fprintf(stderr,
			"usage: bpf_cost [--json] [--loads N] [--rounds N] [--packets 1..%d] "
			"[--only PROGRAM]\n"
			"loads times rounds: at most %d\n",
			COST_PACKETS_MAX, SAMPLES_MAX);
		return 2;
	}
	if (need_root(NULL) < 0)
		return 3;
	stay_on_cpu();
	chosen = run_all(&opts, &cases, &count, &results);
	if (opts.json)
		print_json(cases, chosen, results);
	else
		print_table(cases, chosen, results);
	cost_cases_close(cases, count);
	return 0;
}
