// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trees.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ideal.h"
#include "random_tree.h"
#include "sim.h"

#define PROCESSES 2
#define FROM	  (2 * SEC)
#define LONG	  (4 * SEC)
#define TRICKLE	  (1.1 / 512)  /* of the link, and a little that speeds are off (share.h) */
#define FAST	  (100 * MBIT) /* a slower link takes so much longer for as many packets */

struct shared {
	size_t next; /* tree that nobody runs yet */
	struct result results[];
};

const char *trees_find_line(const char *text, const char *class, size_t *ret_len)
{
	size_t len = strlen(class);

	for (const char *line = text; *line; line += *ret_len + (line[*ret_len] == '\n')) {
		line += strspn(line, " ");
		*ret_len = strcspn(line, "\n");
		if (strncmp(line, class, len) == 0 && line[len] == ':')
			return line;
	}
	fail_msg("no line of class %s", class);
	return NULL;
}

#define KIND_SIZE 8 /* enough for the longest; another may be cut */

/* Behind a class: "# KIND NUMBER", or nothing. */
static unsigned int read_comment(const char *text, const char *class, char ret_kind[KIND_SIZE])
{
	size_t len = 0;
	const char *line = trees_find_line(text, class, &len), *comment = memchr(line, '#', len);
	size_t letters;

	snprintf(ret_kind, KIND_SIZE, "tcp");
	if (!comment)
		return 1;
	comment += 1 + strspn(comment + 1, " ");
	letters = strspn(comment, "abcdefghijklmnopqrstuvwxyz");
	snprintf(ret_kind, KIND_SIZE, "%.*s", (int)letters, comment);
	return (unsigned int)strtoul(comment + letters, NULL, 10);
}

/* What is sent in a leaf: a source, and how many of it; 0: it is idle. */
static unsigned int read_load(const char *text, const char *class, struct source *ret_source)
{
	char kind[KIND_SIZE];
	unsigned int number = read_comment(text, class, kind);

	*ret_source = (struct source){ .class = class, .kind = SOURCE_TCP };
	if (strcmp(kind, "idle") == 0)
		return 0;
	if (strcmp(kind, "tcp") == 0 && number)
		return number;
	if (strcmp(kind, "udp") == 0 && number) {
		ret_source->kind = SOURCE_CONSTANT;
		ret_source->rate = number * MBIT;
		return 1;
	}
	if (strcmp(kind, "window") == 0 && number >= SIM_FRAME && number <= 2 * SIM_GSO) {
		ret_source->kind = SOURCE_WINDOW;
		ret_source->bytes = number;
		ret_source->window = 2 * SIM_GSO / number;
		return 1;
	}
	fail_msg("class %s: nobody knows how to send `%s %u`", class, kind, number);
	return 0;
}

static struct span measured_span(const struct qos_policy *policy)
{
	uint64_t link = policy->link.rate; /* 0: none, of a policy that is given */
	uint64_t as_slow = link && link < FAST ? FAST / link : 1;

	return (struct span){ FROM, FROM + LONG * as_slow };
}

static double packet_rate(const struct source *source, struct span span)
{
	uint32_t bytes = source->bytes ? source->bytes : SIM_FRAME;

	return bytes * 8.0 * SEC / (double)(span.to - span.from);
}

/* demand: of each class, filled here. */
static void add_loads(struct sim *sim, const char *text, struct result *result, double *demand)
{
	const struct qos_policy *policy = sim_policy(sim);

	for (size_t i = 0; i < policy->class_count; i++) {
		struct source source;
		unsigned int flows = 0;

		if (!policy->classes[i].inner)
			flows = read_load(text, policy->classes[i].name, &source);
		for (unsigned int n = 0; n < flows; n++) {
			source.start = (1 + n) * MSEC / 8;
			sim_add(sim, &source);
		}
		if (!flows)
			continue;
		demand[i] = source.rate ? (double)source.rate : IDEAL_GREEDY;
		result->classes[i].packet = packet_rate(&source, measured_span(policy));
		result->classes[i].trickle = TRICKLE * (double)policy->link.rate;
	}
}

/* What inner classes have is what those below have. */
static void measure(const struct sim *sim, struct result *result)
{
	const struct qos_policy *policy = sim_policy(sim);
	const struct span span = measured_span(policy);

	for (size_t i = policy->class_count; i-- > 0;) {
		struct class_result *class = &result->classes[i];
		int parent = policy->classes[i].parent;

		if (!policy->classes[i].inner) {
			struct flows flows = sim_flows(sim, policy->classes[i].name);

			class->got = sim_rate(sim, flows, span);
			result->reordered += sim_counts(sim, flows).reordered;
		}
		if (parent == QOS_PARENT_LINK)
			continue;
		result->classes[parent].got += class->got;
		result->classes[parent].packet += class->packet;
		result->classes[parent].trickle += class->trickle;
	}
}

/* Of its rate each class has what it can use. */
static void find_sure(const struct qos_policy *policy, const double *demand, struct result *result)
{
	double wanted[TREES_CLASSES];

	memcpy(wanted, demand, sizeof(wanted));
	for (size_t i = policy->class_count; i-- > 0;) {
		const struct qos_class *class = &policy->classes[i];

		wanted[i] = fmin(wanted[i], (double)class->ceil);
		result->classes[i].sure = fmin(wanted[i], (double)class->rate);
		if (class->parent != QOS_PARENT_LINK)
			wanted[class->parent] += wanted[i];
	}
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / SEC;
}

static void run_tree(const char *text, struct result *result)
{
	double start = seconds_now(), demand[TREES_CLASSES] = { 0 }, share[TREES_CLASSES];
	_cleanup_(sim_closep) struct sim *sim = sim_open(text, 0);
	const struct qos_policy *policy = sim_policy(sim);

	add_loads(sim, text, result, demand);
	sim_run(sim, measured_span(policy).to);
	measure(sim, result);
	find_sure(policy, demand, result);
	ideal_shares(policy, demand, share);
	for (size_t i = 0; i < policy->class_count; i++)
		result->classes[i].ideal = share[i];
	result->seconds = seconds_now() - start;
	result->count = policy->class_count;
}

static void work(const struct trees *trees)
{
	size_t i;

	while ((i = __atomic_fetch_add(&trees->shared->next, 1, __ATOMIC_RELAXED)) < trees->count)
		run_tree(trees->trees[i].text, &trees->results[i]);
}

static size_t shared_size(const struct trees *trees)
{
	return sizeof(*trees->shared) + trees->count * sizeof(struct result);
}

void trees_run(struct trees *trees)
{
	trees->shared = mmap(NULL, shared_size(trees), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(trees->shared, MAP_FAILED);
	trees->results = trees->shared->results;
	fflush(NULL);
	for (int i = 0; i < PROCESSES; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			work(trees);
			_exit(0);
		}
	}
	while (wait(NULL) > 0 || errno == EINTR)
		;
}

void trees_draw(struct trees *trees, uint64_t first, uint64_t last)
{
	trees->count = last - first + 1;
	trees->trees = calloc(trees->count, sizeof(*trees->trees));
	assert_non_null(trees->trees);
	for (size_t i = 0; i < trees->count; i++) {
		struct random random = { .state = first + i };

		trees->trees[i].seed = first + i;
		trees->trees[i].text = random_tree(&random, trees->link, trees->priorities);
	}
}

void trees_free(struct trees *trees)
{
	for (size_t i = 0; i < trees->count; i++)
		free(trees->trees[i].text);
	free(trees->trees);
	munmap(trees->shared, shared_size(trees));
}
