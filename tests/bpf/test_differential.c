// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The program against the reference: random policies, through the reader and all that
 * follows it, and random frames, of which lib/match knows from the policy's words alone which rule
 * takes them.
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
#include "parse/doc.h"
#include "random.h"

DEFINE_CLEANUP(struct qos_node *, node_freep, qos_node_free)
DEFINE_CLEANUP(struct qos_policy *, policy_freep, qos_policy_free)
DEFINE_CLEANUP(struct qos_plan *, plan_freep, qos_plan_free)
DEFINE_CLEANUP(struct qos_diags *, diags_freep, qos_diags_free)
DEFINE_CLEANUP(struct qos_fragments *, fragments_freep, qos_fragments_free)

#define LAST_MAX 64

static uint64_t policies = 40, packets = 1500, seed = 1;

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

/* beside: with what only a real packet has, which a test run has to be told. */
static void next_input(struct traffic *t, bool inner, bool beside, struct trial *in)
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
	if (beside && random_one_in(r, 2)) {
		in->asked.has_uid = true;
		in->asked.uid = random_uid(r);
	}
	if (beside && random_one_in(r, 2))
		in->asked.cgroup = random_cgroup(r);
	if (beside && random_one_in(r, 4))
		in->asked.vlan = frame.tag = random_vlan(r);
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

/* Asked, it says so of each packet, whatever came before. */
static void compare_explained(const struct qos_policy *policy, const struct asked *asked,
			      const char *text, struct traffic *t)
{
	for (uint64_t i = 0; i < packets; i++) {
		struct asked_answer want, got;
		struct qos_judgement judgement;
		struct trial in;

		next_input(t, policy->link.tunnel_inner, true, &in);
		qos_packet_judge(policy, &in.packet, &judgement);
		want = expected(policy, &judgement, &in.packet);
		got = asked_explain(asked, &in.asked);
		compare("qos_explain", &want, &got, true, text, &in);
	}
}

/* Sent, one after the other: what is remembered of earlier ones is never wrong. */
static void compare_sent(const struct qos_policy *policy, const struct asked *asked,
			 const char *text, struct traffic *t)
{
	_cleanup_(fragments_freep) struct qos_fragments *fragments = qos_fragments_new();

	for (uint64_t i = 0; i < packets; i++) {
		struct asked_answer want, got;
		struct qos_judgement judgement;
		struct trial in;

		next_input(t, policy->link.tunnel_inner, false, &in);
		qos_fragments_judge(fragments, policy, &in.packet, &judgement);
		want = expected(policy, &judgement, &in.packet);
		got = asked_send(asked, &in.asked);
		compare("qos_egress", &want, &got, false, text, &in);
	}
}

/* Only a real packet has a socket that is somebody's. */
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

	read_plan(text, &policy, &plan);
	asked = asked_open(plan);
	compare_explained(policy, asked, text, &t);
	if (!asks_for_sockets(policy))
		compare_sent(policy, asked, text, &t);
}

static uint64_t trying;

static void test_differential(void **state __attribute__((unused)))
{
	for (trying = seed; trying < seed + policies; trying++)
		try_policy(trying);
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
	return optind < argc ? usage() : cmocka_run_group_tests(tests, need_root, NULL);
}
