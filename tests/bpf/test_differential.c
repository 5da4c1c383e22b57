// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The program against the reference: random policies, through the reader and all that
 * follows it, and random frames, of which lib/match knows from the policy's words alone which rule
 * takes them. And what check says of rules that never match against both.
 *
 *	bpf_differential [--policies N] [--packets N] [--seed N]
 *
 * The seed of what differs is printed, with the policy and the packet.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asked.h"
#include "base/cleanup.h"
#include "fixture.h"
#include "match/fragments.h"
#include "model/extent.h"
#include "parse/doc.h"
#include "random.h"
#include "senders.h"

DEFINE_CLEANUP(struct qos_node *, node_freep, qos_node_free)
DEFINE_CLEANUP(struct qos_policy *, policy_freep, qos_policy_free)
DEFINE_CLEANUP(struct qos_plan *, plan_freep, qos_plan_free)
DEFINE_CLEANUP(struct qos_diags *, diags_freep, qos_diags_free)
DEFINE_CLEANUP(struct qos_fragments *, fragments_freep, qos_fragments_free)

#define LAST_MAX 64
#define SENDERS	 4 /* of a policy's packets, one after the other */

static uint64_t policies = 1000, packets = 1000, seed = 1;
static struct senders *senders;

/* So that decisions are remembered, and remembered wrongly: a packet much like an earlier one. */
struct traffic {
	struct random random;
	struct random_frame last[LAST_MAX];
	size_t count;
};

struct trial {
	struct random_frame frame;
	struct asked_packet asked;
	struct qos_packet packet; /* as the reference has it */
};

/* Kernels of late run no packet that is said to be IP and has no whole header (of a tag they do not
 * know what is behind it). */
static bool is_run(const struct random_frame *frame)
{
	uint32_t type = (uint32_t)frame->data[12] << 8 | frame->data[13];

	return frame->len >= 14 + (type == 0x0800 ? 20U : type == 0x86dd ? 40U : 1U);
}

static void make_frame(struct traffic *t, struct random_frame *frame)
{
	struct random *r = &t->random;

	if (t->count == LAST_MAX && random_one_in(r, 2)) {
		*frame = t->last[random_below(r, LAST_MAX)];
		if (random_one_in(r, 2))
			frame->data[random_below(r, frame->len < 60 ? frame->len : 60)] ^=
				(uint8_t)(1U << random_below(r, 8));
		return;
	}
	random_frame(r, frame);
	t->last[t->count < LAST_MAX ? t->count++ : random_below(r, LAST_MAX)] = *frame;
}

static void next_frame(struct traffic *t, struct random_frame *frame)
{
	do
		make_frame(t, frame);
	while (!is_run(frame));
}

/* What the whole has that is sent in one piece, and what a full segment has. */
static void put_lengths(struct trial *in, struct qos_frame *frame)
{
	const struct random_frame *f = &in->frame;
	uint32_t payload = f->len - f->headers, segs;

	in->asked.wire_len = f->len;
	frame->wire_len = f->len;
	if (!f->gso_size)
		return;
	segs = (payload + f->gso_size - 1) / f->gso_size;
	in->asked.gso_size = f->gso_size;
	in->asked.gso_segs = segs;
	in->asked.wire_len += (segs - 1) * f->headers;
	frame->wire_len = f->headers + f->gso_size;
}

/* What only a real packet has, which a test run has to be told. */
static void put_beside(struct random *r, struct asked_packet *asked)
{
	if (random_one_in(r, 2)) {
		asked->has_uid = true;
		asked->uid = random_uid(r);
	}
	if (random_one_in(r, 2))
		asked->cgroup = random_cgroup(r);
	if (random_one_in(r, 4))
		asked->vlan = random_vlan(r);
}

/* sender: of the socket that the packet has; null: it is told what is beside the packet. */
static void next_input(struct traffic *t, bool inner, const struct sender *sender, struct trial *in)
{
	struct random *r = &t->random;
	struct qos_frame frame = { .tag = -1 };

	memset(in, 0, sizeof(*in));
	next_frame(t, &in->frame);
	frame.data = in->asked.data = in->frame.data;
	frame.len = in->asked.len = in->frame.len;
	in->asked.vlan = -1;
	put_lengths(in, &frame);
	in->asked.mark = random_mark(r);
	if (sender) {
		in->asked.has_uid = true;
		in->asked.uid = sender->uid;
		in->asked.cgroup = sender->cgroup;
	} else {
		put_beside(r, &in->asked);
	}
	frame.tag = in->asked.vlan;
	qos_packet_decode(&frame, inner, &in->packet);
	in->packet.mark = in->asked.mark;
	in->packet.has_uid = in->asked.has_uid;
	in->packet.uid = in->asked.uid;
	in->packet.cgroup = in->asked.cgroup;
}

static struct asked_answer expected(const struct qos_policy *policy,
				    const struct qos_judgement *judgement,
				    const struct qos_packet *packet)
{
	const struct qos_rule_def *rule = &policy->rules[judgement->rule];
	struct asked_answer answer = { .exempt = packet->exempt };

	if (!judgement->by_rule) {
		answer.class = (uint32_t)policy->default_class;
		return answer;
	}
	answer.rule = (uint32_t)judgement->rule + 1;
	answer.class = rule->drop ? ASKED_DROP : (uint32_t)rule->class_index;
	return answer;
}

static void say_frame(const struct trial *in)
{
	_cleanup_(freep) char *text = NULL;

	assert_int_equal(qos_packet_print(&in->packet, &text), 0);
	print_error("%s\nframe of %u bytes, gso_size %u:", text, in->frame.len, in->frame.gso_size);
	for (uint32_t i = 0; i < in->frame.len && i < 256; i++)
		print_error("%s%02x", i % 32 ? " " : "\n", in->frame.data[i]);
	print_error("\n");
}

/* with_rule: the program says which. */
static void compare(const char *who, const struct asked_answer *want,
		    const struct asked_answer *got, bool with_rule, const char *text,
		    const struct trial *in)
{
	if (want->class == got->class && want->exempt == got->exempt &&
	    (!with_rule || want->rule == got->rule))
		return;
	print_error("%s\n", text);
	say_frame(in);
	fail_msg("%s: class %d by rule %u%s, not class %d by rule %u%s", who, (int)got->class,
		 got->rule, got->exempt ? ", exempt" : "", (int)want->class, want->rule,
		 want->exempt ? ", exempt" : "");
}

/* Of rules that check says never match: none does. */
static void compare_dead(const bool *dead, const struct qos_judgement *judgement, const char *text,
			 const struct trial *in)
{
	if (!judgement->by_rule || !dead[judgement->rule])
		return;
	print_error("%s\n", text);
	say_frame(in);
	fail_msg("rule %zu takes it, and never matches", judgement->rule + 1);
}

/* A policy that is compared. */
struct compared {
	const struct qos_policy *policy;
	const struct asked *asked;
	const char *text;
	const bool *dead; /* by rule */
	struct traffic *traffic;
};

/* Asked, it says so of each packet, whatever came before. */
static void compare_explained(const struct compared *c)
{
	for (uint64_t i = 0; i < packets; i++) {
		struct asked_answer want, got;
		struct qos_judgement judgement;
		struct trial in;

		next_input(c->traffic, c->policy->link.tunnel_inner, NULL, &in);
		qos_packet_judge(c->policy, &in.packet, &judgement);
		want = expected(c->policy, &judgement, &in.packet);
		got = asked_explain(c->asked, &in.asked);
		compare("qos_explain", &want, &got, true, c->text, &in);
		compare_dead(c->dead, &judgement, c->text, &in);
	}
}

/* As rules count: wire packets, and a fragment as one. */
static void add_hit(struct qos_hits *hits, const struct asked_answer *answer,
		    const struct trial *in)
{
	bool whole = in->asked.gso_segs && !in->packet.fragment;

	if (answer->exempt)
		return;
	hits[answer->rule].packets += whole ? in->asked.gso_segs : 1;
	hits[answer->rule].bytes += in->asked.wire_len;
}

static void compare_hits(const struct compared *c, const struct qos_hits *want)
{
	_cleanup_(freep) struct qos_hits *got = asked_hits(c->asked);

	for (size_t i = 0; i <= c->policy->rule_count; i++) {
		if (want[i].packets == got[i].packets && want[i].bytes == got[i].bytes)
			continue;
		print_error("%s\n", c->text);
		fail_msg("rule %zu counts %" PRIu64 " packets of %" PRIu64 " bytes, not %" PRIu64
			 " of %" PRIu64,
			 i, (uint64_t)got[i].packets, (uint64_t)got[i].bytes,
			 (uint64_t)want[i].packets, (uint64_t)want[i].bytes);
	}
}

/* Sent, one after the other: what is remembered of earlier ones is never wrong. */
static void compare_sent(const struct compared *c, bool sockets)
{
	_cleanup_(fragments_freep) struct qos_fragments *fragments = qos_fragments_new();
	_cleanup_(freep) struct qos_hits *hits = calloc(c->policy->rule_count + 1, sizeof(*hits));
	struct sender sender = senders_return(senders);

	assert_true(fragments && hits);
	for (uint64_t i = 0; i < packets; i++) {
		struct asked_answer want, got;
		struct qos_judgement judgement;
		struct trial in;

		if (sockets && i % (packets / SENDERS + 1) == 0)
			sender = senders_become(senders, &c->traffic->random);
		next_input(c->traffic, c->policy->link.tunnel_inner, &sender, &in);
		qos_fragments_judge(fragments, c->policy, &in.packet, &judgement);
		want = expected(c->policy, &judgement, &in.packet);
		got = asked_send(c->asked, &in.asked);
		compare("qos_egress", &want, &got, false, c->text, &in);
		compare_dead(c->dead, &judgement, c->text, &in);
		add_hit(hits, &want, &in);
	}
	compare_hits(c, hits);
}

/* To be someone else costs more than a packet. */
static bool asks_for_sockets(const struct qos_policy *policy)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct qos_match *m = &policy->rules[i].match;

		if (m->uid_count || m->cgroup_count)
			return true;
		for (size_t j = 0; j < m->excluded_count; j++) {
			if (m->excluded[j].uid_count || m->excluded[j].cgroup_count)
				return true;
		}
	}
	return false;
}

/* As check has it, by rule; the caller's. */
static bool *find_dead(const struct qos_policy *policy)
{
	size_t count = policy->rule_count;
	_cleanup_(freep) struct extent *extents = calloc(count, sizeof(*extents));
	_cleanup_(freep) size_t *by = calloc(count, sizeof(*by));
	bool *dead = calloc(count, sizeof(*dead)), complete;

	assert_true(extents && by && dead);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(extent_init(&extents[i], &policy->rules[i].match), 0);
	assert_int_equal(shadows_find(extents, count, by, &complete), 0);
	for (size_t i = 0; i < count; i++)
		dead[i] = by[i] != SHADOW_NONE || extent_is_empty(&extents[i]) ||
			  extent_is_too_short(&extents[i]);
	for (size_t i = 0; i < count; i++)
		extent_done(&extents[i]);
	return dead;
}

static void read_plan(const char *text, struct qos_policy **ret_policy, struct qos_plan **ret_plan)
{
	_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
	_cleanup_(node_freep) struct qos_node *root = NULL;
	_cleanup_(freep) char *said = NULL;
	int r = qos_diags_set_source(diags, "eth0.yaml", text, strlen(text));

	if (r == 0)
		r = qos_doc_read(text, strlen(text), diags, &root);
	if (r == 0)
		r = qos_policy_build(root, "eth0.yaml", NULL, 0, diags, ret_policy);
	if (r == 0)
		r = qos_plan_compile(*ret_policy, diags, ret_plan);
	assert_int_equal(qos_diags_text(diags, &said), 0);
	if (r < 0)
		fail_msg("%s\n%s", text, said);
}

static void try_policy(uint64_t number)
{
	struct traffic t = { .random.state = number };
	_cleanup_(freep) char *text = random_policy(&t.random);
	_cleanup_(policy_freep) struct qos_policy *policy = NULL;
	_cleanup_(plan_freep) struct qos_plan *plan = NULL;
	_cleanup_(asked_closep) struct asked *asked = NULL;
	_cleanup_(freep) bool *dead = NULL;
	struct compared compared;

	read_plan(text, &policy, &plan);
	asked = asked_open(plan, random_one_in(&t.random, 2));
	dead = find_dead(policy);
	compared = (struct compared){ policy, asked, text, dead, &t };
	compare_explained(&compared);
	compare_sent(&compared, asks_for_sockets(policy));
}

static uint64_t trying;

static void test_differential(void **state __attribute__((unused)))
{
	for (trying = seed; trying < seed + policies; trying++)
		try_policy(trying);
}

static int open_senders(void **state)
{
	int r = need_root(state);

	if (r == 0)
		senders = senders_open();
	return r;
}

static int close_senders(void **state __attribute__((unused)))
{
	if (senders)
		senders_close(senders);
	return 0;
}

static int say_seed(void **state __attribute__((unused)))
{
	if (trying < seed + policies)
		print_error("again: bpf_differential --policies 1 --packets %" PRIu64
			    " --seed %" PRIu64 "\n",
			    packets, trying);
	return 0;
}

static int usage(void)
{
	fputs("usage: bpf_differential [--policies N] [--packets N] [--seed N]\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "policies", required_argument, NULL, 'p' },
		{ "packets", required_argument, NULL, 'n' },
		{ "seed", required_argument, NULL, 's' },
		{ 0 },
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_differential, say_seed),
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		uint64_t *value = option == 'p' ? &policies :
				  option == 'n' ? &packets :
				  option == 's' ? &seed :
						  NULL;

		if (!value)
			return usage();
		*value = strtoull(optarg, NULL, 10);
	}
	if (optind < argc)
		return usage();
	return cmocka_run_group_tests(tests, open_senders, close_senders);
}
