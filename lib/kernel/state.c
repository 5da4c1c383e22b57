/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/names.h"
#include "base/utf8.h"

static json_t *number_or_null(uint64_t value)
{
	return value ? json_integer((json_int_t)value) : json_null();
}

static json_t *show_class(const struct qos_plan_class *cls, enum qos_priority priority, bool fq)
{
	uint8_t dscp = cls->cfg.dscp;
	const char *name = qos_names_text(&qos_names_dscp, dscp);

	/* clang-format off */
	return json_pack("{s:s, s:s, s:o, s:o, s:I, s:o, s:o}",
			 "name", cls->name,
			 "priority", qos_names_text(&qos_names_priority, priority),
			 "rate", number_or_null(cls->rate),
			 "ceil", number_or_null(cls->ceil),
			 "burst", (json_int_t)cls->burst,
			 "limit_ns", number_or_null(fq ? cls->cfg.limit_ns : 0),
			 "dscp", dscp == QOS_DSCP_KEEP ? json_null() :
				 name ? json_string(name) : json_integer(dscp));
	/* clang-format on */
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
		if (json_array_append_new(classes, show_class(&plan->classes[i],
							      plan->policy->classes[i].priority,
							      plan->link.mode == QOS_MODE_FQ)))
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
	state = json_pack("{s:s, s:i, s:i, s:s, s:O, s:o}", "version", QOS_VERSION, "abi",
			  QOS_ABI_VERSION, "ifindex", link->ifindex, "plan", text, "origin", origin,
			  "show", show(plan, link));
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

json_t *qos_state_origin(const json_t *state)
{
	return json_object_get(state, "origin");
}

bool qos_state_is_current(const struct qos_bpf *running)
{
	const char *version;

	if (!running)
		return false;
	version = json_string_value(json_object_get(running->state, "version"));
	return version && strcmp(version, QOS_VERSION) == 0;
}
