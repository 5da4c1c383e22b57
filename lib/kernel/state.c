/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/names.h"
#include "base/utf8.h"
#include "kernel/bpf_state.h"
#include "kernel/json_text.h"

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

/*
 * A class of "show" is written by hand: of the objects of a thousand of them the time of a change
 * would be. No word here has a character that JSON would have another way.
 */
/* Of a class, after its name. */
#define KEY(name) ",\"" name "\":"

static void put_quoted(struct qos_buffer *out, const char *word)
{
	qos_buffer_puts(out, "\"");
	qos_buffer_puts(out, word);
	qos_buffer_puts(out, "\"");
}

static inline void put_word(struct qos_buffer *out, const char *key, const char *word)
{
	qos_buffer_puts(out, key);
	if (word)
		put_quoted(out, word);
	else
		qos_buffer_puts(out, "null");
}

static inline void put_number(struct qos_buffer *out, const char *key, uint64_t value)
{
	qos_buffer_puts(out, key);
	qos_buffer_number(out, value);
}

static inline void put_number_or_null(struct qos_buffer *out, const char *key, uint64_t value)
{
	if (value)
		put_number(out, key, value);
	else
		put_word(out, key, NULL);
}

static inline void put_bool(struct qos_buffer *out, const char *key, bool value)
{
	qos_buffer_puts(out, key);
	qos_buffer_puts(out, value ? "true" : "false");
}

static void put_dscp(struct qos_buffer *out, uint8_t dscp)
{
	const char *name = qos_names_text(&qos_names_dscp, dscp);

	if (name || dscp == QOS_DSCP_KEEP)
		put_word(out, KEY("dscp"), dscp == QOS_DSCP_KEEP ? NULL : name);
	else
		put_number(out, KEY("dscp"), dscp);
}

/* What only classes with packets of their own have, and what of it needs a queue. */
static void put_leaf(struct qos_buffer *out, const struct qos_plan_class *cls,
		     const struct qos_class *def, bool fq)
{
	bool hosts = def->fairness == QOS_FAIR_SRC_HOST || def->fairness == QOS_FAIR_DST_HOST;
	const char *priority = qos_names_text(&qos_names_priority, def->priority);
	const char *fairness = qos_names_text(&qos_names_fairness, def->fairness);

	fq = fq && !def->inner;
	put_word(out, KEY("priority"), def->inner ? NULL : priority);
	put_number_or_null(out, KEY("limit_ns"), fq ? cls->cfg.limit_ns : 0);
	put_number_or_null(out, KEY("latency_ns"), fq ? def->latency : 0);
	put_word(out, KEY("fairness"), fq ? fairness : NULL);
	put_number_or_null(out, KEY("host6_len"), fq && hosts ? def->host6_len : 0);
	put_number_or_null(out, KEY("per_flow"), fq ? def->per_flow : 0);
	if (fq)
		put_bool(out, KEY("ecn"), def->ecn);
	else
		put_word(out, KEY("ecn"), NULL);
	put_dscp(out, cls->cfg.dscp);
}

static void put_class(struct qos_buffer *out, const struct qos_plan *plan, size_t i)
{
	const struct qos_class *def = &plan->policy->classes[i];
	const struct qos_plan_class *cls = &plan->classes[i];
	const char *parent = parent_name(plan->policy, def);

	qos_buffer_puts(out, i ? ",{\"name\":" : "{\"name\":");
	put_quoted(out, cls->name);
	put_word(out, KEY("parent"), parent);
	put_number(out, KEY("depth"), def->depth);
	put_bool(out, KEY("inner"), def->inner);
	put_number_or_null(out, KEY("rate"), cls->rate);
	put_number_or_null(out, KEY("ceil"), cls->ceil);
	put_number(out, KEY("weight"), def->weight);
	put_word(out, KEY("lender"), can_borrow(cls, def) ? parent : NULL);
	put_number(out, KEY("burst"), cls->burst);
	put_leaf(out, cls, def, plan->link.mode == QOS_MODE_FQ);
	qos_buffer_puts(out, "}");
}

static json_t *show_overhead(const struct qos_link_cfg *link)
{
	static const char *const framing[] = { "none", "atm", "ptm" };

	if (!link->overhead_set)
		return json_null();
	return json_pack("{s:i, s:i, s:s}", "bytes", link->overhead, "mpu", (int)link->mpu,
			 "framing", framing[link->framing]);
}

static json_t *show_schedule(const struct qos_policy *policy)
{
	if (!policy->schedule)
		return json_null();
	return json_pack("{s:s, s:I}", "name", policy->schedule->name, "since",
			 (json_int_t)policy->schedule_since);
}

json_t *qos_state_sets(const struct qos_policy *policy)
{
	_cleanup_(json_decrefp) json_t *sets = json_array();

	for (size_t i = 0; i < policy->set_count; i++) {
		const struct qos_set *set = &policy->sets[i];

		if (json_array_append_new(sets,
					  json_pack("{s:s, s:s, s:s, s:I}", "class", set->class,
						    "key", set->key, "value", set->value, "ends",
						    (json_int_t)set->ends)))
			return NULL;
	}
	return TAKE_PTR(sets);
}

char *qos_state_path(const struct qos_policy *policy)
{
	char *text = realpath(policy->path, NULL);

	if (!text)
		text = strdup(policy->path);
	if (text)
		qos_utf8_clean(text);
	return text;
}

json_t *qos_state_time(int64_t seconds)
{
	char text[sizeof("2026-11-22T11:02:27Z") + 8];
	time_t time = seconds;
	struct tm tm;

	if (!gmtime_r(&time, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return json_null();
	return json_string(text);
}

/* What changes numbers of a policy in force does not apply it. */
static json_t *applied_at(const struct qos_policy *policy)
{
	return policy->applied ? json_string(policy->applied) : qos_state_time(time(NULL));
}

/* "show", without its classes. */
static json_t *show_link(const struct qos_plan *plan, const struct qos_link_info *link)
{
	const struct qos_policy *policy = plan->policy;

	/* clang-format off */
	return json_pack("{s:s, s:i, s:s, s:o, s:s, s:{s:o, s:o}, s:I}",
			 "interface", link->name, "ifindex", link->ifindex,
			 "mode", qos_names_text(&qos_names_mode, (int)plan->link.mode),
			 "applied", applied_at(policy),
			 "default", policy->classes[policy->default_class].name,
			 "link", "rate", number_or_null(policy->link.rate),
			 "overhead", show_overhead(&plan->link),
			 "rules", (json_int_t)policy->rule_count);
	/* clang-format on */
}

/* What it has is ours where it is not what it had before us. */
static uint32_t gso_before(const struct qos_link_info *link, const json_t *origin)
{
	json_int_t theirs = json_integer_value(json_object_get(origin, "gso_max_size"));

	return theirs == link->gso_max_size ? 0 : link->gso_max_size;
}

/* "show" as text, all of it. */
static json_t *show(const struct qos_plan *plan, const struct qos_link_info *link)
{
	_cleanup_(json_decrefp) json_t *object = show_link(plan, link);
	_cleanup_(freep) char *begin = qos_json_text(object), *text = NULL;
	_cleanup_(qos_buffer_done) struct qos_buffer out = { 0 };

	if (!begin)
		return NULL;
	/* the object's end comes after its last key */
	qos_buffer_put(&out, begin, strlen(begin) - 1);
	qos_buffer_puts(&out, ",\"classes\":[");
	for (size_t i = 0; i < plan->class_count; i++)
		put_class(&out, plan, i);
	qos_buffer_puts(&out, "]}");
	if (qos_buffer_take(&out, &text) < 0)
		return NULL;
	return json_string_nocheck(text);
}

int qos_state_new(const struct qos_plan *plan, const char *text, const struct qos_link_info *link,
		  json_t *origin, json_t **ret_state)
{
	_cleanup_(freep) char *path = qos_state_path(plan->policy);
	json_t *state = json_pack(
		"{s:s, s:i, s:i, s:s, s:I, s:I, s:O, s:s, s:s, s:o, s:o, s:o, s:o}", "version",
		QOS_VERSION, "abi", QOS_ABI_VERSION, "ifindex", link->ifindex, "plan", text, "gso",
		(json_int_t)plan->gso_max_size, "gso_before", (json_int_t)gso_before(link, origin),
		"origin", origin, "path", path, "source", plan->policy->source, "applied",
		applied_at(plan->policy), "schedule", show_schedule(plan->policy), "sets",
		qos_state_sets(plan->policy), "show", show(plan, link));

	if (!state)
		return -ENOMEM;
	*ret_state = state;
	return 0;
}

bool qos_state_is_read_from(const json_t *state, const struct qos_policy *policy)
{
	const char *source = json_string_value(json_object_get(state, "source"));

	return source && strcmp(source, policy->source) == 0;
}

bool qos_state_is_at(const json_t *state, const struct qos_policy *policy)
{
	const char *then = json_string_value(json_object_get(state, "path"));
	_cleanup_(freep) char *now = qos_state_path(policy);

	return then && now && strcmp(then, now) == 0;
}

bool qos_state_is_of(const json_t *state, const struct qos_policy *policy)
{
	_cleanup_(json_decrefp) json_t *sets = qos_state_sets(policy);
	_cleanup_(json_decrefp) json_t *schedule = show_schedule(policy);

	return qos_state_is_read_from(state, policy) && qos_state_is_at(state, policy) &&
	       json_equal(schedule, json_object_get(state, "schedule")) &&
	       json_equal(sets, json_object_get(state, "sets"));
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

bool qos_state_set_gso(const json_t *state, uint32_t size)
{
	json_int_t before = json_integer_value(json_object_get(state, "gso_before"));

	return size && (size == qos_state_gso(state) || size == before);
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
