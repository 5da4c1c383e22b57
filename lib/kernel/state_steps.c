/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a document says of numbers that end by themselves: how it is to be read once their time has
 * come. "steps", as many as the program's timers that are used: [{"at": CLOCK_BOOTTIME in ns,
 * "plan": {line: its text then}, "classes": {index: what "show" says of it then}, "link": the
 * same}].
 */
#include "kernel/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "kernel/bpf_state.h"
#include "kernel/expiry.h"

static json_t *lines_of(const char *text)
{
	_cleanup_(json_decrefp) json_t *lines = json_array();

	while (*text) {
		size_t len = strcspn(text, "\n");

		if (json_array_append_new(lines, json_stringn(text, len)))
			return NULL;
		text += len + (text[len] == '\n');
	}
	return TAKE_PTR(lines);
}

/* The items of now that then, of as many, has otherwise, by their number. */
static json_t *changed(const json_t *now, const json_t *then)
{
	_cleanup_(json_decrefp) json_t *items = json_object();
	json_t *item;
	size_t i;

	json_array_foreach(then, i, item) {
		char number[24];

		snprintf(number, sizeof(number), "%zu", i);
		if (!json_equal(item, json_array_get(now, i)) &&
		    json_object_set(items, number, item))
			return NULL;
	}
	return TAKE_PTR(items);
}

static json_t *shown(const json_t *state, const char *what)
{
	return json_object_get(json_object_get(state, "show"), what);
}

/* One step: from a document to that of the plan then. */
static json_t *step_of(const json_t *now, const json_t *then, uint64_t at)
{
	_cleanup_(json_decrefp) json_t *now_lines = lines_of(qos_state_plan(now));
	_cleanup_(json_decrefp) json_t *then_lines = lines_of(qos_state_plan(then));

	if (!now_lines || !then_lines)
		return NULL;
	return json_pack("{s:I, s:o, s:o, s:O}", "at", (json_int_t)at, "plan",
			 changed(now_lines, then_lines), "classes",
			 changed(shown(now, "classes"), shown(then, "classes")), "link",
			 shown(then, "link"));
}

/* The document of a plan, with "show" as an object. */
static int new_state(const struct qos_plan *plan, const struct qos_link_info *link, json_t *origin,
		     json_t **ret_state)
{
	_cleanup_(json_decrefp) json_t *state = NULL;
	_cleanup_(freep) char *text = NULL;
	int r = qos_plan_print(plan, &text);

	if (r == 0)
		r = qos_state_new(plan, text, link, origin, &state);
	if (r == 0)
		r = qos_bpf_state_unfold(state);
	if (r < 0)
		return r;
	*ret_state = TAKE_PTR(state);
	return 0;
}

int qos_state_add_steps(json_t *state, const struct qos_plan *plan,
			const struct qos_link_info *link)
{
	_cleanup_(json_decrefp) json_t *before = json_incref(state), *steps = json_array();
	int r = plan->step_count ? qos_bpf_state_unfold(state) : 0;

	if (r < 0)
		return r;
	for (size_t n = 0; n < plan->step_count; n++) {
		struct qos_plan then = *plan->steps[n].plan;
		json_t *state_then = NULL;

		/* the timers do not set it */
		then.gso_max_size = plan->gso_max_size;
		r = new_state(&then, link, qos_state_origin(state), &state_then);
		if (r < 0)
			return r;
		r = json_array_append_new(steps, step_of(before, state_then, plan->steps[n].at));
		json_decref(before);
		before = state_then;
		if (r)
			return -ENOMEM;
	}
	return json_object_set(state, "steps", steps) ? -ENOMEM : 0;
}

static int put_lines(json_t *state, const json_t *changes)
{
	_cleanup_(json_decrefp) json_t *lines = lines_of(qos_state_plan(state));
	_cleanup_(qos_buffer_done) struct qos_buffer out = { 0 };
	_cleanup_(freep) char *text = NULL;
	const char *number;
	json_t *line;
	size_t i;

	json_object_foreach((json_t *)changes, number, line) {
		if (json_array_set(lines, strtoul(number, NULL, 10), line))
			return -ENOMEM;
	}
	json_array_foreach(lines, i, line) {
		qos_buffer_puts(&out, json_string_value(line));
		qos_buffer_puts(&out, "\n");
	}
	if (qos_buffer_take(&out, &text) < 0)
		return -ENOMEM;
	return json_object_set_new(state, "plan", json_string(text)) ? -ENOMEM : 0;
}

/* What was set until then is so no more. */
static void drop_sets(json_t *state, uint64_t now)
{
	json_t *sets = json_object_get(state, "sets");

	for (size_t i = json_array_size(sets); i-- > 0;) {
		uint64_t ends = (uint64_t)json_integer_value(
			json_object_get(json_array_get(sets, i), "ends"));

		if (ends && ends <= now)
			json_array_remove(sets, i);
	}
}

/* A timer may be as late, ns. */
#define LATE 1000000000ULL

static bool is_missed(const struct qos_bpf *bpf, const json_t *step, size_t n, uint64_t now)
{
	uint64_t at = (uint64_t)json_integer_value(json_object_get(step, "at"));

	return now - at > LATE && !qos_expiry_is_done(bpf, (uint32_t)n);
}

static bool has_come(const json_t *step, uint64_t now)
{
	return (uint64_t)json_integer_value(json_object_get(step, "at")) <= now;
}

int qos_state_roll(struct qos_bpf *bpf)
{
	const json_t *step;
	uint64_t now = qos_expiry_now();
	bool missed = false;
	size_t i;

	json_array_foreach(json_object_get(bpf->state, "steps"), i, step) {
		int r = has_come(step, now) ? put_lines(bpf->state, json_object_get(step, "plan")) :
					      0;

		if (r < 0)
			return r;
		missed |= has_come(step, now) && is_missed(bpf, step, i, now);
	}
	drop_sets(bpf->state, now);
	if (missed && json_object_set_new(bpf->state, QOS_STATE_UNFINISHED, json_true()))
		return -ENOMEM;
	return 0;
}

static int put_shown(json_t *show, const json_t *step)
{
	json_t *classes = json_object_get(show, "classes"), *class;
	const char *number;

	json_object_foreach(json_object_get(step, "classes"), number, class) {
		if (json_array_set(classes, strtoul(number, NULL, 10), class))
			return -ENOMEM;
	}
	return json_object_set(show, "link", json_object_get(step, "link")) ? -ENOMEM : 0;
}

int qos_state_roll_shown(json_t *state)
{
	uint64_t now = qos_expiry_now();
	const json_t *step;
	size_t i;

	json_array_foreach(json_object_get(state, "steps"), i, step) {
		int r = has_come(step, now) ? put_shown(json_object_get(state, "show"), step) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}
