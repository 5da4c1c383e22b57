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
#include "sim.h"

#define PROCESSES 2
#define FROM	  (2 * SEC)
#define LONG	  (4 * SEC)
#define AFTER	  (1 * SEC)    /* a change, and the bars: */
#define SOON	  (20 * MSEC)  /* until who wakes has its guarantee, */
#define LATER	  (200 * MSEC) /* and its share */
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

#define WORD_SIZE    8 /* enough for the longest; another may be cut */
#define COMMENT_SIZE 64

/* Behind a class: "# KIND NUMBER", "# KIND NUMBER from MS" or "... until MS", or nothing. */
struct comment {
	char kind[WORD_SIZE], change[WORD_SIZE];
	unsigned int number, ms;
};

static struct comment read_comment(const char *text, const char *class)
{
	struct comment found = { .kind = "tcp", .number = 1 };
	char own[COMMENT_SIZE];
	size_t len = 0;
	const char *line = trees_find_line(text, class, &len), *from = memchr(line, '#', len);

	if (!from)
		return found;
	snprintf(own, sizeof(own), "%.*s", (int)(len - (size_t)(from - line)), from);
	found.number = 0;
	if (sscanf(own, "# %7[a-z] %u %7[a-z] %u", found.kind, &found.number, found.change,
		   &found.ms) < 4)
		found.change[0] = '\0';
	return found;
}

/* What is sent in a leaf: a source, and how many of it; 0: it is idle. */
struct load {
	struct source source;
	unsigned int flows;
};

static void read_kind(const struct comment *comment, struct load *load)
{
	load->flows = 1;
	if (strcmp(comment->kind, "idle") == 0) {
		load->flows = 0;
	} else if (strcmp(comment->kind, "tcp") == 0 && comment->number) {
		load->flows = comment->number;
	} else if (strcmp(comment->kind, "udp") == 0 && comment->number) {
		load->source.kind = SOURCE_CONSTANT;
		load->source.rate = comment->number * MBIT;
	} else if (strcmp(comment->kind, "window") == 0 && comment->number >= SIM_FRAME &&
		   comment->number <= 2 * SIM_GSO) {
		load->source.kind = SOURCE_WINDOW;
		load->source.bytes = comment->number;
		load->source.window = 2 * SIM_GSO / comment->number;
	} else {
		fail_msg("class %s: nobody knows how to send `%s %u`", load->source.class,
			 comment->kind, comment->number);
	}
}

static struct load read_load(const char *text, const char *class)
{
	struct comment comment = read_comment(text, class);
	struct load load = { .source = { .class = class, .kind = SOURCE_TCP } };

	read_kind(&comment, &load);
	if (strcmp(comment.change, "from") == 0)
		load.source.start = comment.ms * MSEC;
	else if (strcmp(comment.change, "until") == 0)
		load.source.stop = comment.ms * MSEC;
	else if (comment.change[0])
		fail_msg("class %s: nobody knows what `%s %u` is", class, comment.change,
			 comment.ms);
	return load;
}

/* What is measured, to the same end: guarantees from the first on, shares from the second. */
struct spans {
	struct span sure, shares;
};

/* change: the last one; 0: none. */
static struct spans measured_spans(const struct qos_policy *policy, uint64_t change)
{
	uint64_t link = policy->link.rate; /* 0: none, of a policy that is given */
	uint64_t as_slow = link && link < FAST ? FAST / link : 1, end;

	if (!change) {
		end = FROM + LONG * as_slow;
		return (struct spans){ { FROM, end }, { FROM, end } };
	}
	end = change + LATER + AFTER * as_slow;
	return (struct spans){ { change + SOON, end }, { change + LATER, end } };
}

static double packet_rate(const struct source *source, struct span span)
{
	uint32_t bytes = source->bytes ? source->bytes : SIM_FRAME;

	return bytes * 8.0 * SEC / (double)(span.to - span.from);
}

/* A run of a tree. */
struct run {
	struct sim *sim;
	const char *text;
	struct spans spans;
	double demand[TREES_CLASSES]; /* of each class, at the end */
	struct result *result;
};

static void add_load(struct run *run, size_t number, const struct load *load)
{
	struct class_result *class = &run->result->classes[number];
	struct source source = load->source;

	for (unsigned int n = 0; n < load->flows; n++) {
		source.start = load->source.start + (1 + n) * MSEC / 8;
		sim_add(run->sim, &source);
	}
	if (!load->flows || source.stop)
		return;
	run->demand[number] = source.rate ? (double)source.rate : IDEAL_GREEDY;
	class->packet = packet_rate(&source, run->spans.shares);
	class->trickle = TRICKLE * (double)sim_policy(run->sim)->link.rate;
}

static void add_loads(struct run *run)
{
	const struct qos_policy *policy = sim_policy(run->sim);
	struct load loads[TREES_CLASSES];
	uint64_t change = 0;

	for (size_t i = 0; i < policy->class_count; i++) {
		loads[i] = (struct load){ .flows = 0 };
		if (!policy->classes[i].inner)
			loads[i] = read_load(run->text, policy->classes[i].name);
		/* one of the two is 0 */
		if (loads[i].source.start + loads[i].source.stop > change)
			change = loads[i].source.start + loads[i].source.stop;
	}
	run->spans = measured_spans(policy, change);
	for (size_t i = 0; i < policy->class_count; i++)
		add_load(run, i, &loads[i]);
}

/* What inner classes have is what those below have. */
static void measure(const struct run *run)
{
	const struct qos_policy *policy = sim_policy(run->sim);

	for (size_t i = policy->class_count; i-- > 0;) {
		struct class_result *class = &run->result->classes[i], *above;
		int parent = policy->classes[i].parent;

		if (!policy->classes[i].inner) {
			struct flows flows = sim_flows(run->sim, policy->classes[i].name);

			class->got = sim_rate(run->sim, flows, run->spans.shares);
			class->soon = sim_rate(run->sim, flows, run->spans.sure);
			run->result->reordered += sim_counts(run->sim, flows).reordered;
		}
		if (parent == QOS_PARENT_LINK)
			continue;
		above = &run->result->classes[parent];
		above->got += class->got;
		above->soon += class->soon;
		above->packet += class->packet;
		above->trickle += class->trickle;
	}
}

/* Of its rate each class has what it can use. */
static void find_sure(const struct run *run)
{
	const struct qos_policy *policy = sim_policy(run->sim);
	double wanted[TREES_CLASSES];

	memcpy(wanted, run->demand, sizeof(wanted));
	for (size_t i = policy->class_count; i-- > 0;) {
		const struct qos_class *class = &policy->classes[i];

		wanted[i] = fmin(wanted[i], (double)class->ceil);
		run->result->classes[i].sure = fmin(wanted[i], (double)class->rate);
		if (class->parent != QOS_PARENT_LINK)
			wanted[class->parent] += wanted[i];
	}
}

/* Of all that departs in a millisecond, in ns of the link. */
static double departs(const struct run *run, uint64_t from)
{
	const struct qos_policy *policy = sim_policy(run->sim);
	double rate = 0;

	for (size_t i = 0; i < policy->class_count; i++) {
		if (!policy->classes[i].inner)
			rate += sim_rate(run->sim, sim_flows(run->sim, policy->classes[i].name),
					 (struct span){ from, from + MSEC });
	}
	return rate / (double)policy->link.rate * MSEC;
}

#define BIN (20 * MSEC) /* some packets of each class */

/* What is queued behind the link before the change counts, what is wasted does not. */
static void follow_queue(const struct run *run, double ideal)
{
	uint64_t change = run->spans.shares.from - LATER;
	double queue = 0, could = 0;

	for (uint64_t ms = FROM; ms < run->spans.shares.to; ms += MSEC) {
		double sent = departs(run, ms);

		if ((ms - FROM) % BIN == 0) {
			run->result->wasted += ms > change ? fmax(could, 0) : 0;
			could = ideal * BIN - queue;
		}
		could -= sent;
		queue = fmax(queue + sent - MSEC, 0);
		if (ms >= change)
			run->result->beyond = fmax(run->result->beyond, queue);
	}
}

/* All that leaves ought to have, of the link. */
static double ideal_use(const struct qos_policy *policy, const struct result *result)
{
	double sum = 0;

	for (size_t i = 0; i < policy->class_count; i++)
		sum += policy->classes[i].inner ? 0 : result->classes[i].ideal;
	return sum / (double)policy->link.rate;
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / SEC;
}

static void run_tree(const char *text, struct result *result)
{
	double start = seconds_now(), share[TREES_CLASSES];
	_cleanup_(sim_closep) struct sim *sim = sim_open(text, 0);
	struct run run = { .sim = sim, .text = text, .result = result };
	const struct qos_policy *policy = sim_policy(sim);

	add_loads(&run);
	sim_run(sim, run.spans.shares.to);
	measure(&run);
	find_sure(&run);
	ideal_shares(policy, run.demand, share);
	for (size_t i = 0; i < policy->class_count; i++)
		result->classes[i].ideal = share[i];
	if (run.spans.sure.from != run.spans.shares.from)
		follow_queue(&run, ideal_use(policy, result));
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
		trees->trees[i].text = random_tree(&random, &trees->kind);
	}
}

void trees_free(struct trees *trees)
{
	for (size_t i = 0; i < trees->count; i++)
		free(trees->trees[i].text);
	free(trees->trees);
	munmap(trees->shared, shared_size(trees));
}
