/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of a packet: by a policy as it is written. */
#include "api_explain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "base/cleanup.h"
#include "kernel/privileges.h"
#include "match/capture.h"
#include "match/fragments.h"

DEFINE_CLEANUP(struct qos_capture *, capturep, qos_capture_close)
DEFINE_CLEANUP(struct qos_fragments *, fragmentsp, qos_fragments_free)

/* Null stands for none. */
static json_t *rate_json(uint64_t bps)
{
	return bps ? json_integer((json_int_t)bps) : json_null();
}

static const char *class_of(const struct qos_policy *policy, const struct qos_rule_def *rule)
{
	return rule->drop ? NULL : policy->classes[rule->class_index].name;
}

/* Number and place, as "check" counts them. */
static json_t *rule_json(const struct qos_policy *policy, size_t index)
{
	return json_pack("{s:I, s:s, s:i}", "number", (json_int_t)index + 1, "file", policy->path,
			 "line", (int)policy->rules[index].loc.line);
}

static int near_json(const struct qos_policy *policy, const struct api_fate *fate,
		     const struct qos_near *near, json_t *list)
{
	const struct qos_rule_def *rule = &policy->rules[near->rule];
	_cleanup_(freep) char *why = NULL;
	int r = qos_match_why(&rule->match, near->key, fate->packet, &why);

	if (r < 0)
		return r;
	if (json_array_append_new(list, json_pack("{s:s?, s:o, s:s, s:s}", "class",
						  class_of(policy, rule), "rule",
						  rule_json(policy, near->rule), "key",
						  qos_match_key_text(near->key), "why", why)))
		return -ENOMEM;
	return 0;
}

static int nears_json(const struct qos_policy *policy, const struct api_fate *fate, bool wanted,
		      json_t **ret_list)
{
	_cleanup_(json_decrefp) json_t *list = wanted ? json_array() : json_null();
	int r = list ? 0 : -ENOMEM;

	for (size_t i = 0; wanted && r == 0 && i < fate->judgement->near_count; i++)
		r = near_json(policy, fate, &fate->judgement->near[i], list);
	if (r == 0)
		*ret_list = TAKE_PTR(list);
	return r;
}

int api_explain_json(const struct qos_policy *policy, const struct api_fate *fate, bool near,
		     json_t **ret_json)
{
	const struct qos_judgement *judgement = fate->judgement;
	const struct qos_rule_def *rule =
		judgement->by_rule ? &policy->rules[judgement->rule] : NULL;
	const struct qos_class *class =
		&policy->classes[rule ? rule->class_index : policy->default_class];
	bool drop = rule && rule->drop;
	_cleanup_(freep) char *text = NULL;
	json_t *list = NULL;
	int r = qos_packet_print(fate->packet, &text);

	if (r == 0)
		r = nears_json(policy, fate, near, &list);
	if (r < 0)
		return r;
	*ret_json = json_pack("{s:s, s:s, s:s, s:s, s:s?, s:b, s:o, s:o, s:o, s:o, s:o}",
			      "interface", policy->interface, "packet", text, "by",
			      fate->kernel ? "kernel" : "policy", "action", drop ? "drop" : "class",
			      "class", drop ? NULL : class->name, "exempt", fate->packet->exempt,
			      "rule", rule ? rule_json(policy, judgement->rule) : json_null(),
			      "rate", rate_json(drop ? 0 : class->rate), "ceil",
			      rate_json(drop ? 0 : class->ceil), "wait_ns",
			      fate->kernel ? json_integer((json_int_t)fate->wait_ns) : json_null(),
			      "near", list);
	return *ret_json ? 0 : -ENOMEM;
}

int qos_explain_policy(const struct qos_policy *policy, const char *text, struct qos_diags *diags,
		       char **ret_json)
{
	struct qos_judgement judgement;
	struct qos_packet packet;
	const struct api_fate fate = { .packet = &packet, .judgement = &judgement };
	_cleanup_(freep) char *words = NULL;
	json_t *json = NULL;
	int r = qos_packet_parse(text, diags, &packet, &words);

	if (r == 0) {
		qos_packet_judge(policy, &packet, &judgement);
		r = api_explain_json(policy, &fate, true, &json);
	}
	return api_give_json(r, json, diags, ret_json);
}

/* --- captures ------------------------------------------------------------------------------- */

/* What each class got; the one after the last is of packets that were dropped. */
struct sums {
	const struct qos_policy *policy;
	struct {
		uint64_t packets, bytes;
	} * of;
};

static json_t *sum_json(const struct sums *sums, size_t i)
{
	return json_pack("{s:s?, s:s, s:I, s:I}", "class",
			 i == sums->policy->class_count ? NULL : sums->policy->classes[i].name,
			 "action", i == sums->policy->class_count ? "drop" : "class", "packets",
			 (json_int_t)sums->of[i].packets, "bytes", (json_int_t)sums->of[i].bytes);
}

/* Those that got something. */
static int sums_json(const struct sums *sums, json_t **ret_json)
{
	_cleanup_(json_decrefp) json_t *list = json_array();
	uint64_t packets = 0, bytes = 0;

	for (size_t i = 0; i <= sums->policy->class_count; i++) {
		if (!sums->of[i].packets)
			continue;
		if (json_array_append_new(list, sum_json(sums, i)))
			return -ENOMEM;
		packets += sums->of[i].packets;
		bytes += sums->of[i].bytes;
	}
	*ret_json =
		json_pack("{s:s, s:I, s:I, s:O}", "interface", sums->policy->interface, "packets",
			  (json_int_t)packets, "bytes", (json_int_t)bytes, "classes", list);
	return *ret_json ? 0 : -ENOMEM;
}

static void add_up(struct sums *sums, const struct qos_judgement *judgement, size_t bytes)
{
	const struct qos_policy *policy = sums->policy;
	const struct qos_rule_def *rule =
		judgement->by_rule ? &policy->rules[judgement->rule] : NULL;
	size_t i = !rule      ? policy->default_class :
		   rule->drop ? policy->class_count :
				rule->class_index;

	sums->of[i].packets++;
	sums->of[i].bytes += bytes;
}

static int give_one(const struct qos_policy *policy, const struct api_fate *fate,
		    qos_explain_each *each, void *arg)
{
	_cleanup_(json_decrefp) json_t *json = NULL;
	_cleanup_(freep) char *text = NULL;
	int r = api_explain_json(policy, fate, false, &json);

	if (r < 0)
		return r;
	text = json_dumps(json, JSON_COMPACT);
	return text ? each(arg, text) : -ENOMEM;
}

static int explain_frames(const struct qos_policy *policy, struct qos_capture *capture,
			  qos_explain_each *each, void *arg, struct qos_diags *diags,
			  struct sums *sums)
{
	_cleanup_(fragmentsp) struct qos_fragments *fragments = qos_fragments_new();
	struct qos_judgement judgement;
	struct qos_packet packet;
	const struct api_fate fate = { .packet = &packet, .judgement = &judgement };
	struct qos_frame frame;
	int r = fragments ? 1 : -ENOMEM;

	while (r == 1) {
		r = qos_capture_next(capture, diags, &frame);
		if (r != 1)
			break;
		qos_packet_decode(&frame, policy->link.tunnel_inner, &packet);
		qos_fragments_judge(fragments, policy, &packet, &judgement);
		add_up(sums, &judgement, frame.wire_len);
		if (each)
			r = give_one(policy, &fate, each, arg);
		r = r < 0 ? r : 1;
	}
	return r;
}

static int open_capture(const char *path, struct qos_diags *diags, struct qos_capture **ret_capture)
{
	_raised_ uint64_t raised = qos_kernel_raise_to_read(path);

	return qos_capture_open(path, diags, ret_capture);
}

static int explain_capture(const struct qos_policy *policy, const char *path,
			   qos_explain_each *each, void *arg, struct qos_diags *diags,
			   json_t **ret_json)
{
	_cleanup_(capturep) struct qos_capture *capture = NULL;
	_cleanup_(freep) void *of = NULL;
	struct sums sums = { .policy = policy };
	int r = open_capture(path, diags, &capture);

	if (r < 0)
		return r;
	sums.of = of = calloc(policy->class_count + 1, sizeof(*sums.of));
	if (!of)
		return -ENOMEM;
	r = explain_frames(policy, capture, each, arg, diags, &sums);
	return r < 0 ? r : sums_json(&sums, ret_json);
}

int qos_explain_policy_capture(const struct qos_policy *policy, const char *path,
			       qos_explain_each *each, void *arg, struct qos_diags *diags,
			       char **ret_json)
{
	json_t *json = NULL;
	int r = explain_capture(policy, path, each, arg, diags, &json);

	return api_give_json(r, json, diags, ret_json);
}
