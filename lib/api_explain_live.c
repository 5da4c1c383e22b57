/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of packets on an interface: its program says it. */
#include <errno.h>
#include <string.h>

#include "api.h"
#include "api_explain.h"
#include "base/cleanup.h"
#include "kernel/apply.h"
#include "kernel/explain.h"

#define ETHER_LEN    14
#define ETHERTYPE_AT 12

/* A packet of a device without Ethernet headers gets one. */
static size_t put_frame(const struct qos_frame *frame, uint8_t *buf, size_t size)
{
	size_t len = frame->len < size - ETHER_LEN ? frame->len : size - ETHER_LEN;

	memset(buf, 0, ETHER_LEN);
	buf[ETHERTYPE_AT] = (uint8_t)(frame->ethertype >> 8);
	buf[ETHERTYPE_AT + 1] = (uint8_t)frame->ethertype;
	memcpy(buf + ETHER_LEN, frame->data, len);
	return ETHER_LEN + len;
}

/* buf: room for what is not in the frame. */
static struct qos_question question_of(const struct qos_packet *packet,
				       const struct qos_frame *frame, uint8_t *buf, size_t size)
{
	struct qos_question question = {
		.frame = buf,
		.mark = packet->mark,
		.has_uid = packet->has_uid,
		.uid = packet->uid,
		.cgroup = packet->cgroup,
		.vlan = -1,
	};

	if (frame && !frame->ethertype) {
		question.frame = frame->data;
		question.len = frame->len;
		question.wire_len = frame->wire_len;
	} else if (frame) {
		question.len = put_frame(frame, buf, size);
		question.wire_len = ETHER_LEN + frame->wire_len;
	} else {
		question.len = qos_packet_headers(packet, buf);
		question.wire_len = packet->family ? ETHER_LEN + packet->length : question.len;
		question.vlan = packet->vlan == QOS_VLAN_NONE ? -1 : packet->vlan;
	}
	return question;
}

/* Why the program says what the policy does not is not for it to know. */
static void warn_if_other(const struct qos_policy *policy, const struct qos_judgement *judgement,
			  const struct qos_answer *answer, struct qos_diags *diags)
{
	if (answer->rule == (judgement->by_rule ? judgement->rule + 1 : 0))
		return;
	if (judgement->by_rule)
		qos_diag_warn(diags, "by its words the policy's rule at %s:%u would take it",
			      policy->path, policy->rules[judgement->rule].loc.line);
	else
		qos_diag_warn(diags, "by its words the policy has no rule for it");
	qos_diag_hint(diags, "a cgroup that a rule names may not exist; qosctl doctor %s",
		      policy->interface);
}

/* What an interface follows, and who is asked. */
struct live {
	struct qos_device *device;
	struct qos_asker *asker;
	struct qos_node *root;
	struct qos_policy *policy;
	bool refused; /* a frame was */
};

static void live_done(struct live *live)
{
	qos_asker_close(live->asker);
	qos_kernel_close(live->device);
	qos_policy_free(live->policy);
	qos_node_free(live->root);
}

/* The kernel says which rule; what others lacked, the policy in force does. */
static int take_answer(const struct live *live, const struct qos_answer *answer,
		       struct api_fate *fate)
{
	if (answer->rule > live->policy->rule_count)
		return -EBADMSG;
	fate->judgement.by_rule = answer->rule > 0;
	fate->judgement.rule = answer->rule ? answer->rule - 1 : 0;
	fate->packet.exempt = answer->exempt;
	fate->kernel = true;
	fate->wait_ns = answer->wait_ns;
	fate->drop = answer->drop;
	return 0;
}

/* Once, as a capture may have many. */
static void warn_of_refused(struct live *live, const struct qos_question *question,
			    struct qos_diags *diags)
{
	if (!live->refused)
		qos_diag_warn(diags,
			      "the kernel does not take a frame of %zu bytes to be asked about: "
			      "of such packets the policy's words say what becomes",
			      question->len);
	live->refused = true;
}

static int judge_by_kernel(const struct api_judge *judge, const struct qos_frame *frame,
			   struct qos_diags *diags, struct api_fate *fate)
{
	uint8_t buf[2048];
	struct qos_question question = question_of(&fate->packet, frame, buf, sizeof(buf));
	struct live *live = judge->arg;
	const struct qos_class *class;
	struct qos_answer answer;
	int r = qos_asker_ask(live->asker, &question, diags, &answer);

	qos_packet_judge(live->policy, &fate->packet, &fate->judgement);
	if (r == -EINVAL) {
		warn_of_refused(live, &question, diags);
		r = 0;
	} else if (r == 0) {
		if (!frame)
			warn_if_other(live->policy, &fate->judgement, &answer, diags);
		r = take_answer(live, &answer, fate);
	}
	if (r < 0)
		return r;
	class = api_fate_class(live->policy, fate);
	return class ? qos_asker_rates(live->asker, class->name, &fate->rate, &fate->ceil) : 0;
}

static int open_live(const char *ifname, struct qos_diags *diags, struct live *live)
{
	_cleanup_(qos_in_force_done) struct qos_in_force in_force = { .path = NULL };
	int r = qos_kernel_open(ifname, NULL, diags, &live->device);

	if (r == 0)
		r = qos_in_force_get(live->device, diags, &in_force);
	if (r == 0)
		r = api_read_in_force(&in_force, diags, &live->root, &live->policy);
	return r < 0 ? r : qos_asker_open(live->device, diags, &live->asker);
}

int qos_explain(const char *ifname, const char *packet, struct qos_diags *diags, char **ret_json)
{
	_cleanup_(live_done) struct live live = { .device = NULL };
	json_t *json = NULL;
	int r = open_live(ifname, diags, &live);
	const struct api_judge judge = { live.policy, judge_by_kernel, &live };

	if (r == 0)
		r = api_explain(&judge, packet, diags, &json);
	return api_give_json(r, json, diags, ret_json);
}

int qos_explain_capture(const char *ifname, const char *path, qos_explain_each each, void *arg,
			struct qos_diags *diags, char **ret_json)
{
	_cleanup_(live_done) struct live live = { .device = NULL };
	json_t *json = NULL;
	int r = open_live(ifname, diags, &live);
	const struct api_judge judge = { live.policy, judge_by_kernel, &live };

	if (r == 0)
		r = api_explain_capture(&judge, path, each, arg, diags, &json);
	return api_give_sums(r, json, diags, ret_json);
}
