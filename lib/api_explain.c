/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of packets, and by a policy as it is written. */
#include "api_explain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "base/cleanup.h"
#include "base/utf8.h"
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

/* Number and place, as "check" counts them; any bytes may be a file's name. */
static json_t *rule_json(const struct qos_policy *policy, size_t index)
{
	_cleanup_(freep) char *path = strdup(policy->path);

	if (!path)
		return NULL;
	qos_utf8_clean(path);
	return json_pack("{s:I, s:s, s:i}", "number", (json_int_t)index + 1, "file", path, "line",
			 (int)policy->rules[index].loc.line);
}

static int near_json(const struct qos_policy *policy, const struct api_fate *fate,
		     const struct qos_near *near, json_t *list)
{
	const struct qos_rule_def *rule = &policy->rules[near->rule];
	_cleanup_(freep) char *why = NULL;
	int r = qos_match_why(&rule->match, near->key, &fate->packet, &why);

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

	for (size_t i = 0; wanted && r == 0 && i < fate->judgement.near_count; i++)
		r = near_json(policy, fate, &fate->judgement.near[i], list);
	if (r == 0)
		*ret_list = TAKE_PTR(list);
	return r;
}

const struct qos_class *api_fate_class(const struct qos_policy *policy, const struct api_fate *fate)
{
	const struct qos_rule_def *rule = &policy->rules[fate->judgement.rule];

	if (!fate->judgement.by_rule)
		return &policy->classes[policy->default_class];
	return rule->drop ? NULL : &policy->classes[rule->class_index];
}

/* Whether with the rules that nearly matched. */
static int fate_json(const struct qos_policy *policy, const struct api_fate *fate, bool near,
		     json_t **ret_json)
{
	const struct qos_class *class = api_fate_class(policy, fate);
	const struct qos_judgement *judgement = &fate->judgement;
	bool waits = fate->kernel && !policy->link.police;
	_cleanup_(freep) char *text = NULL;
	json_t *list = NULL;
	int r = qos_packet_print(&fate->packet, &text);

	if (r == 0)
		r = nears_json(policy, fate, near, &list);
	if (r < 0)
		return r;
	/* clang-format off */
	*ret_json = json_pack("{s:s, s:s, s:s, s:s, s:s?, s:b, s:o, s:o, s:o, s:o, s:s?, s:o}",
			      "interface", policy->interface,
			      "packet", text,
			      "by", fate->kernel ? "kernel" : "policy",
			      "action", class ? "class" : "drop",
			      "class", class ? class->name : NULL,
			      "exempt", fate->packet.exempt,
			      "rule", judgement->by_rule ? rule_json(policy, judgement->rule) :
							   json_null(),
			      "rate", rate_json(fate->rate),
			      "ceil", rate_json(fate->ceil),
			      "wait_ns", waits ? json_integer((json_int_t)fate->wait_ns) : json_null(),
			      "drop", fate->drop,
			      "near", list);
	/* clang-format on */
	return *ret_json ? 0 : -ENOMEM;
}

int api_explain(const struct api_judge *judge, const char *text, struct qos_diags *diags,
		json_t **ret_json)
{
	_cleanup_(freep) char *words = NULL;
	struct api_fate fate = { .kernel = false };
	int r = qos_packet_parse(text, diags, &fate.packet, &words);

	if (r == 0)
		r = judge->judge(judge, NULL, diags, &fate);
	return r < 0 ? r : fate_json(judge->policy, &fate, true, ret_json);
}

/* --- captures ------------------------------------------------------------------------------- */

/* What each class got; the one after the last is of packets that were dropped. */
struct sums {
	const struct qos_policy *policy;
	uint64_t packets, bytes; /* of all */
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

	for (size_t i = 0; i <= sums->policy->class_count; i++) {
		if (!sums->of[i].packets)
			continue;
		if (json_array_append_new(list, sum_json(sums, i)))
			return -ENOMEM;
	}
	*ret_json = json_pack("{s:s, s:I, s:I, s:O}", "interface", sums->policy->interface,
			      "packets", (json_int_t)sums->packets, "bytes",
			      (json_int_t)sums->bytes, "classes", list);
	return *ret_json ? 0 : -ENOMEM;
}

static void add_up(struct sums *sums, const struct api_fate *fate, size_t bytes)
{
	const struct qos_class *class = api_fate_class(sums->policy, fate);
	size_t i = class ? (size_t)(class - sums->policy->classes) : sums->policy->class_count;

	sums->of[i].packets++;
	sums->of[i].bytes += bytes;
	sums->packets++;
	sums->bytes += bytes;
}

static int give_one(const struct qos_policy *policy, const struct api_fate *fate,
		    qos_explain_each each, void *arg)
{
	_cleanup_(json_decrefp) json_t *json = NULL;
	_cleanup_(freep) char *text = NULL;
	int r = fate_json(policy, fate, false, &json);

	if (r < 0)
		return r;
	text = json_dumps(json, JSON_COMPACT);
	return text ? each(arg, text) : -ENOMEM;
}

static int explain_frames(const struct api_judge *judge, struct qos_capture *capture,
			  qos_explain_each each, void *arg, struct qos_diags *diags,
			  struct sums *sums)
{
	struct qos_frame frame;
	int r;

	while ((r = qos_capture_next(capture, diags, &frame)) == 1) {
		struct api_fate fate = { .kernel = false };

		qos_packet_decode(&frame, judge->policy->link.tunnel_inner, &fate.packet);
		r = judge->judge(judge, &frame, diags, &fate);
		if (r == 0 && each)
			r = give_one(judge->policy, &fate, each, arg);
		if (r < 0)
			return r;
		add_up(sums, &fate, frame.wire_len);
	}
	return r;
}

static int open_capture(const char *path, struct qos_diags *diags, struct qos_capture **ret_capture)
{
	_raised_ uint64_t raised = qos_kernel_raise_to_read(path);

	return qos_capture_open(path, diags, ret_capture);
}

int api_explain_capture(const struct api_judge *judge, const char *path, qos_explain_each each,
			void *arg, struct qos_diags *diags, json_t **ret_json)
{
	_cleanup_(capturep) struct qos_capture *capture = NULL;
	_cleanup_(freep) void *of = NULL;
	struct sums sums = { .policy = judge->policy };
	int r = open_capture(path, diags, &capture), summed;

	if (r < 0)
		return r;
	sums.of = of = calloc(judge->policy->class_count + 1, sizeof(*sums.of));
	if (!of)
		return -ENOMEM;
	r = explain_frames(judge, capture, each, arg, diags, &sums);
	if (r < 0 && !sums.packets)
		return r;
	summed = sums_json(&sums, ret_json);
	return r < 0 ? r : summed;
}

int api_give_sums(int r, json_t *json, struct qos_diags *diags, char **ret_json)
{
	int given = json ? api_give_json(0, json, diags, ret_json) : 0;

	return r < 0 ? api_finish(r, diags) : given;
}

/* --- by the policy -------------------------------------------------------------------------- */

static int judge_by_policy(const struct api_judge *judge,
			   const struct qos_frame *frame __attribute__((unused)),
			   struct qos_diags *diags __attribute__((unused)), struct api_fate *fate)
{
	const struct qos_class *class;

	qos_fragments_judge(judge->arg, judge->policy, &fate->packet, &fate->judgement);
	class = api_fate_class(judge->policy, fate);
	fate->rate = class ? class->rate : 0;
	fate->ceil = class ? class->ceil : 0;
	return 0;
}

int qos_explain_policy(const struct qos_policy *policy, const char *packet, struct qos_diags *diags,
		       char **ret_json)
{
	_cleanup_(fragmentsp) struct qos_fragments *fragments = qos_fragments_new();
	const struct api_judge judge = { policy, judge_by_policy, fragments };
	json_t *json = NULL;
	int r = fragments ? api_explain(&judge, packet, diags, &json) : -ENOMEM;

	return api_give_json(r, json, diags, ret_json);
}

int qos_explain_policy_capture(const struct qos_policy *policy, const char *path,
			       qos_explain_each each, void *arg, struct qos_diags *diags,
			       char **ret_json)
{
	_cleanup_(fragmentsp) struct qos_fragments *fragments = qos_fragments_new();
	const struct api_judge judge = { policy, judge_by_policy, fragments };
	json_t *json = NULL;
	int r = fragments ? api_explain_capture(&judge, path, each, arg, diags, &json) : -ENOMEM;

	return api_give_sums(r, json, diags, ret_json);
}
