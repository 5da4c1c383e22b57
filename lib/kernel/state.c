/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/names.h"
#include "base/utf8.h"
#include "kernel/bpf_state.h"

static json_t *number_or_null(uint64_t value)
{
	return value ? json_integer((json_int_t)value) : json_null();
}

/* Of the one that a class is in; the link's, as no class can have it, is "link". */
static const char *parent_name(const struct qos_policy *policy, const struct qos_class *def)
{
	return def->parent == QOS_PARENT_LINK ? "link" : policy->classes[def->parent].name;
}

/* Whether it can use more than what it is guaranteed, of what its parent has. */
static bool can_borrow(const struct qos_plan_class *cls, const struct qos_class *def)
{
	if (!def->inner)
		return cls->cfg.flags & QOS_CLASS_BORROW;
	return cls->cfg.parent != QOS_NO_SLOT && cls->rate != cls->ceil;
}

static json_t *show_dscp(uint8_t dscp)
{
	const char *name = qos_names_text(&qos_names_dscp, dscp);

	if (dscp == QOS_DSCP_KEEP)
		return json_null();
	return name ? json_string(name) : json_integer(dscp);
}

/* What only classes with packets of their own have. */
static json_t *show_leaf(const struct qos_plan_class *cls, const struct qos_class *def, bool fq)
{
	bool hosts = def->fairness == QOS_FAIR_SRC_HOST || def->fairness == QOS_FAIR_DST_HOST;
	const char *priority = qos_names_text(&qos_names_priority, def->priority);
	const char *fairness = qos_names_text(&qos_names_fairness, def->fairness);
	bool leaf = !def->inner;

	fq = fq && leaf;
	/* clang-format off */
	return json_pack("{s:s?, s:o, s:o, s:s?, s:o, s:o, s:o, s:o}",
			 "priority", leaf ? priority : NULL,
			 "limit_ns", number_or_null(fq ? cls->cfg.limit_ns : 0),
			 "latency_ns", number_or_null(fq ? def->latency : 0),
			 "fairness", fq ? fairness : NULL,
			 "host6_len", number_or_null(fq && hosts ? def->host6_len : 0),
			 "per_flow", number_or_null(fq ? def->per_flow : 0),
			 "ecn", fq ? json_boolean(def->ecn) : json_null(),
			 "dscp", show_dscp(cls->cfg.dscp));
	/* clang-format on */
}

static json_t *show_class(const struct qos_plan *plan, size_t i)
{
	const struct qos_class *def = &plan->policy->classes[i];
	const struct qos_plan_class *cls = &plan->classes[i];
	_cleanup_(json_decrefp) json_t *leaf = show_leaf(cls, def, plan->link.mode == QOS_MODE_FQ);
	const char *parent = parent_name(plan->policy, def);
	json_t *json;

	/* clang-format off */
	json = json_pack("{s:s, s:s, s:i, s:b, s:o, s:o, s:I, s:s?, s:I}",
			 "name", cls->name,
			 "parent", parent,
			 "depth", (int)def->depth,
			 "inner", (int)def->inner,
			 "rate", number_or_null(cls->rate),
			 "ceil", number_or_null(cls->ceil),
			 "weight", (json_int_t)def->weight,
			 "lender", can_borrow(cls, def) ? parent : NULL,
			 "burst", (json_int_t)cls->burst);
	/* clang-format on */
	if (!leaf || json_object_update(json, leaf)) {
		json_decref(json);
		return NULL;
	}
	return json;
}

static json_t *show_overhead(const struct qos_link_cfg *link)
{
	static const char *const framing[] = { "none", "atm", "ptm" };

	if (!link->overhead_set)
		return json_null();
	return json_pack("{s:i, s:i, s:s}", "bytes", link->overhead, "mpu", (int)link->mpu,
			 "framing", framing[link->framing]);
}

static json_t *show_classes(const struct qos_plan *plan)
{
	_cleanup_(json_decrefp) json_t *classes = json_array();

	for (size_t i = 0; i < plan->class_count; i++) {
		if (json_array_append_new(classes, show_class(plan, i)))
			return NULL;
	}
	return TAKE_PTR(classes);
}

/* Where the policy is, as JSON can have it: any bytes may be a file's name. */
static char *show_path(const char *path)
{
	char *text = realpath(path, NULL);

	if (!text)
		text = strdup(path);
	if (text)
		qos_utf8_clean(text);
	return text;
}

static json_t *show(const struct qos_plan *plan, const struct qos_link_info *link)
{
	const struct qos_policy *policy = plan->policy;
	_cleanup_(freep) char *path = show_path(policy->path);
	char when[sizeof("2026-11-22T11:02:27Z")];
	time_t now = time(NULL);
	struct tm tm;

	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	/* clang-format off */
	return json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:{s:o, s:o}, s:I, s:o}",
			 "interface", link->name, "ifindex", link->ifindex,
			 "policy", path,
			 "mode", qos_names_text(&qos_names_mode, (int)plan->link.mode),
			 "applied", when,
			 "default", policy->classes[policy->default_class].name,
			 "link", "rate", number_or_null(policy->link.rate),
			 "overhead", show_overhead(&plan->link),
			 "rules", (json_int_t)policy->rule_count,
			 "classes", show_classes(plan));
	/* clang-format on */
}

int qos_state_new(const struct qos_plan *plan, const struct qos_link_info *link, json_t *origin,
		  json_t **ret_state)
{
	_cleanup_(freep) char *text = NULL;
	json_t *state;
	int r = qos_plan_print(plan, &text);

	if (r < 0)
		return r;
	state = json_pack("{s:s, s:i, s:i, s:s, s:I, s:O, s:o}", "version", QOS_VERSION, "abi",
			  QOS_ABI_VERSION, "ifindex", link->ifindex, "plan", text, "gso",
			  (json_int_t)plan->gso_max_size, "origin", origin, "show",
			  show(plan, link));
	if (!state)
		return -ENOMEM;
	*ret_state = state;
	return 0;
}

const char *qos_state_plan(const json_t *state)
{
	const char *plan = json_string_value(json_object_get(state, "plan"));

	return plan ? plan : "";
}

uint32_t qos_state_gso(const json_t *state)
{
	return (uint32_t)json_integer_value(json_object_get(state, "gso"));
}

json_t *qos_state_origin(const json_t *state)
{
	return json_object_get(state, "origin");
}

bool qos_state_is_finished(const json_t *state)
{
	return !json_is_true(json_object_get(state, QOS_STATE_UNFINISHED));
}

bool qos_state_is_current(const struct qos_bpf *running)
{
	const char *version;

	if (!running)
		return false;
	version = json_string_value(json_object_get(running->state, "version"));
	return version && strcmp(version, QOS_VERSION) == 0;
}
