/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a change is of that is in no plan: the policy's file, and until when something is set. */
#include "kernel/state.h"

#include <errno.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "kernel/expiry.h"

static const char *text_of(const json_t *set, const char *key)
{
	const char *text = json_string_value(json_object_get(set, key));

	return text ? text : "";
}

static bool is_same(const json_t *a, const json_t *b, const char *key)
{
	return json_equal(json_object_get(a, key), json_object_get(b, key));
}

/* The one of the same class and key; null: none is. */
static const json_t *find_set(const json_t *sets, const json_t *set)
{
	const json_t *item;
	size_t i;

	json_array_foreach(sets, i, item) {
		if (is_same(item, set, "class") && is_same(item, set, "key"))
			return item;
	}
	return NULL;
}

/* As "show" says it. */
static void put_set(struct qos_buffer *out, const char *sign, const json_t *set)
{
	json_int_t ends = json_integer_value(json_object_get(set, "ends"));
	_cleanup_(json_decrefp) json_t *time =
		ends ? qos_state_time(qos_expiry_wall((uint64_t)ends)) : NULL;
	const char *until = json_string_value(time);

	qos_buffer_printf(out, "%s set %s %s=%s until %s\n", sign, text_of(set, "class"),
			  text_of(set, "key"), text_of(set, "value"),
			  until ? until : "the next apply");
}

/* Those that the others have not; all: also where the plan says it, as the value is another. */
static void put_sets(struct qos_buffer *out, const char *sign, const json_t *sets,
		     const json_t *others, bool all)
{
	const json_t *set;
	size_t i;

	json_array_foreach(sets, i, set) {
		const json_t *other = find_set(others, set);

		if (other ? !json_equal(set, other) && (all || is_same(set, other, "value")) : all)
			put_set(out, sign, set);
	}
}

/* What the plan does not say of the file. */
static int put_file(struct qos_buffer *out, const json_t *state, const struct qos_policy *policy)
{
	_cleanup_(freep) char *path = qos_state_path(policy);

	if (!path)
		return -ENOMEM;
	if (!qos_state_is_read_from(state, policy))
		qos_buffer_puts(out, "+ policy text, from which schedules and set begin\n");
	if (!qos_state_is_at(state, policy))
		qos_buffer_printf(out, "+ policy file %s\n", path);
	return 0;
}

int qos_state_diff(const json_t *state, const struct qos_policy *policy, const char *changes,
		   char **ret_text)
{
	_cleanup_(qos_buffer_done) struct qos_buffer out = { 0 };
	_cleanup_(json_decrefp) json_t *now = qos_state_sets(policy);
	const json_t *then = json_object_get(state, "sets");
	bool all = !*changes;

	if (!now)
		return -ENOMEM;
	qos_buffer_puts(&out, changes);
	if (all && put_file(&out, state, policy) < 0)
		return -ENOMEM;
	put_sets(&out, "-", then, now, all);
	put_sets(&out, "+", now, then, all);
	return qos_buffer_take(&out, ret_text);
}
