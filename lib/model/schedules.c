/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `schedules`: when which values take the place of others. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/draft.h"

static void check_twice(struct draft *draft, const struct qos_schedule *schedule)
{
	const struct qos_schedule *other = draft->policy->schedules;

	for (; other < schedule; other++) {
		if (!other->name || strcmp(other->name, schedule->name) != 0)
			continue;
		draft_error(draft, schedule->loc, "schedule `%s` is given twice", schedule->name);
		qos_diag_note(draft->diags, other->loc, "first given here");
		return;
	}
}

void read_schedule_name(struct draft *draft, const struct key *key, const struct qos_node *value,
			void *object)
{
	struct qos_schedule *schedule = object;

	schedule->loc = value_place(value);
	if (!value_expect(draft, key->name, value, QOS_NODE_SCALAR))
		return;
	if (!name_valid(value->text)) {
		draft_error(draft, value_place(value),
			    "`%s` is not a name for a schedule: letters, digits, `-`, `_` and `.`, "
			    "first a letter or digit, at most %d",
			    QOS_BRIEF(value->text), QOS_CLASS_NAME_MAX);
		return;
	}
	schedule->name = strdup(value->text);
	if (schedule->name)
		check_twice(draft, schedule);
	else
		draft->no_memory = true;
}

/* Where in the file a character of a scalar is, if it is written as it is and on one line. */
static struct qos_loc place_in(const struct qos_node *value, size_t at)
{
	struct qos_loc loc = value_place(value);

	if (*value->text && !strchr(value->text, '\n'))
		loc.column += (unsigned int)at + (value->quoted ? 1 : 0);
	return loc;
}

static bool same_times(const struct qos_cron *a, const struct qos_cron *b)
{
	return a->minutes == b->minutes && a->hours == b->hours && a->days == b->days &&
	       a->months == b->months && a->weekdays == b->weekdays && a->either == b->either &&
	       a->wildcard == b->wildcard;
}

/* Of two that always fire at once the earlier never holds. */
static void check_hidden(struct draft *draft, const struct qos_node *value,
			 const struct qos_schedule *schedule)
{
	const struct qos_schedule *other = draft->policy->schedules;

	for (; other < schedule; other++) {
		if (!other->cron_text || !same_times(&other->cron, &schedule->cron))
			continue;
		draft_error(draft, value->loc,
			    "`%s` fires whenever an earlier schedule does, which then never holds",
			    QOS_BRIEF(value->text));
		qos_diag_note(draft->diags, other->loc, "the earlier one");
		return;
	}
}

void read_schedule_cron(struct draft *draft, const struct key *key, const struct qos_node *value,
			void *object)
{
	struct qos_schedule *schedule = object;
	struct qos_cron_error error;
	struct qos_cron cron;
	time_t when;

	if (!value_expect(draft, key->name, value, QOS_NODE_SCALAR))
		return;
	if (qos_cron_read(value->text, &cron, &error) < 0) {
		draft_error(draft, place_in(value, error.at), "%s", error.text);
		return;
	}
	if (qos_cron_next(&cron, 0, &when) < 0) {
		draft_error(draft, value->loc, "`%s` never fires: there is no such day",
			    QOS_BRIEF(value->text));
		return;
	}
	schedule->cron = cron;
	schedule->cron_text = strdup(value->text);
	if (schedule->cron_text)
		check_hidden(draft, value, schedule);
	else
		draft->no_memory = true;
}

/* What is set of one class, or of the link. */
static void add_overrides(struct draft *draft, const struct qos_node *item,
			  struct qos_schedule *schedule)
{
	const struct key_table *table;

	if (!overlay_expect(draft, item->key, item->key_loc, &table) ||
	    !value_expect(draft, item->key, item, QOS_NODE_MAP))
		return;
	if (!item->first)
		draft_error(draft, item->loc, "nothing is set of `%s`", QOS_BRIEF(item->key));
	for (const struct qos_node *value = item->first; value; value = value->next) {
		if (keys_expect_live(draft, table, value->key, value->key_loc))
			schedule->overrides[schedule->override_count++] =
				(struct qos_override){ item->key, value->key, value };
	}
}

static size_t count_values(const struct qos_node *set)
{
	size_t count = 0;

	for (const struct qos_node *item = set->first; item; item = item->next) {
		for (const struct qos_node *value = item->first; value; value = value->next)
			count++;
	}
	return count;
}

void read_schedule_set(struct draft *draft, const struct key *key, const struct qos_node *value,
		       void *object)
{
	struct qos_schedule *schedule = object;

	if (value_is_null(value)) {
		draft_error(draft, value_place(value),
			    "`set` has no value: write `{}` for the values that the file has");
		return;
	}
	if (!value_expect(draft, key->name, value, QOS_NODE_MAP))
		return;
	schedule->overrides = calloc(count_values(value) + 1, sizeof(*schedule->overrides));
	/* the tree is gone before the policy is */
	if (!schedule->overrides || qos_node_copy(value, &schedule->set) < 0) {
		draft->no_memory = true;
		return;
	}
	for (const struct qos_node *item = schedule->set->first; item; item = item->next)
		add_overrides(draft, item, schedule);
}

static void read_schedule(struct draft *draft, const struct qos_node *item,
			  struct qos_schedule *schedule)
{
	static const char *const needed[][2] = {
		{ "name", "it is what commands call the schedule" },
		{ "cron", "it says when the schedule begins, such as \"0 20 * * *\"" },
		{ "set", "it has the values, by class" },
	};

	if (item->kind != QOS_NODE_MAP) {
		draft_error(draft, item->loc,
			    "a schedule is a mapping with `name`, `cron` and `set`, not %s",
			    qos_node_kind_text(item));
		return;
	}
	keys_read(draft, &keys_schedule, item, schedule);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		if (!keys_given(&keys_schedule, item, needed[i][0]))
			draft_error(draft, item->loc, "`%s` is missing: %s", needed[i][0],
				    needed[i][1]);
	}
}

static void add_schedules(struct draft *draft, const struct qos_node *list)
{
	struct qos_policy *policy = draft->policy;

	for (const struct qos_node *item = list->first; item; item = item->next) {
		struct qos_schedule *schedules;

		if (policy->schedule_count == QOS_POLICY_SCHEDULES) {
			draft_error(draft, item->loc, "more than %d schedules",
				    QOS_POLICY_SCHEDULES);
			return;
		}
		schedules = draft_grow(draft, policy->schedules, policy->schedule_count,
				       sizeof(*schedules));
		if (!schedules)
			return;
		policy->schedules = schedules;
		schedules += policy->schedule_count++;
		*schedules = (struct qos_schedule){ .loc = item->loc };
		read_schedule(draft, item, schedules);
	}
}

void read_schedules(struct draft *draft, const struct key *key, const struct qos_node *value,
		    void *object)
{
	size_t errors = draft->errors;

	(void)object;
	if (value_expect(draft, key->name, value, QOS_NODE_LIST))
		add_schedules(draft, value);
	draft->schedule_errors = draft->errors - errors;
}

/* Where the file itself is wrong, or it is not known what to call the schedule, only what is
 * wrong with its values alone is told. */
static void try_schedule(struct draft *draft, const struct qos_schedule *schedule, bool whole)
{
	_cleanup_(draft_done) struct draft trial = { 0 };

	if (draft_init(&trial, draft->root, whole ? draft->diags : NULL) < 0) {
		draft->no_memory = true;
		return;
	}
	trial.override_diags = draft->diags;
	trial.trying = schedule;
	trial.errors = draft->errors;
	overlay_set(&trial, schedule->overrides, schedule->override_count);
	keys_read_numbers(&trial);
	if (whole)
		policy_check(&trial);
	draft->errors = trial.errors;
	draft->no_memory |= trial.no_memory;
}

void schedules_try(struct draft *draft)
{
	const struct qos_policy *policy = draft->policy;
	bool file_good = !draft->text_bad && draft->errors == draft->schedule_errors;

	for (size_t i = 0; i < policy->schedule_count; i++) {
		const struct qos_schedule *schedule = &policy->schedules[i];

		if (schedule->override_count)
			try_schedule(draft, schedule, file_good && schedule->name);
	}
}

static bool is_later(const struct qos_firing *a, const struct qos_firing *b)
{
	return a->when > b->when || (a->when == b->when && a->minute >= b->minute);
}

const struct qos_schedule *qos_policy_schedule_at(const struct qos_policy *policy, time_t when,
						  time_t *ret_since)
{
	const struct qos_schedule *found = NULL;
	struct qos_firing last = { 0 }, firing;

	for (size_t i = 0; i < policy->schedule_count; i++) {
		if (qos_cron_last_firing(&policy->schedules[i].cron, when, &firing) < 0)
			continue;
		if (found && !is_later(&firing, &last))
			continue;
		found = &policy->schedules[i];
		last = firing;
	}
	if (found)
		*ret_since = last.when;
	return found;
}
