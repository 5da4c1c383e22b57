/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The document that a program carries: {"version", "abi", "ifindex", "plan": text, "gso": bytes
 * that we set or 0, "gso_before": the same of the policy before, "origin": see origin.h, "path",
 * "source": of the policy file and its text, "schedule": {"name", "since"} of that which holds, or
 * null, "applied": when, as in "show", "sets": [{"class", "key", "value", "ends"}] (struct
 * qos_set), "steps": see state_steps.c,
 * "show": what does not change until the next apply of what qos_show() tells, "slots": {class:
 * slot}, "unfinished": true or missing}.
 * "show" is an object where it is only looked at, text for who changes something.
 */
#ifndef QOS_KERNEL_STATE_H
#define QOS_KERNEL_STATE_H

#include <jansson.h>

#include "compile/plan.h"
#include "kernel/bpf.h"
#include "kernel/link.h"

/* A new document for a plan, that as text too; "slots" is left to qos_bpf_load(). */
int qos_state_new(const struct qos_plan *plan, const char *text, const struct qos_link_info *link,
		  json_t *origin, json_t **ret_state);

/* Seconds since 1970 as documents write them: "2026-11-22T11:02:27Z". */
json_t *qos_state_time(int64_t seconds);

/* To one of a plan, what it is when the plan's steps have come. -ENOMEM. */
int qos_state_add_steps(json_t *state, const struct qos_plan *plan,
			const struct qos_link_info *link);
/*
 * Make bpf->state, as it was read, what it is by now: of steps whose time has come. One that
 * nevertheless was not done makes it unfinished. -ENOMEM. Of what is shown when it is an object.
 */
int qos_state_roll(struct qos_bpf *bpf);
int qos_state_roll_shown(json_t *state);

/* Whether it was made of this policy's text; of its file; and, with both, of what is put over it.
 */
bool qos_state_is_read_from(const json_t *state, const struct qos_policy *policy);
bool qos_state_is_at(const json_t *state, const struct qos_policy *policy);
bool qos_state_is_of(const json_t *state, const struct qos_policy *policy);

/* Where a policy is, as JSON can have it, the caller's: any bytes may be a file's name. */
char *qos_state_path(const struct qos_policy *policy);
/* What was put over the file's by hand, as documents have it. Null when out of memory. */
json_t *qos_state_sets(const struct qos_policy *policy);
/*
 * The changes of a plan and, a line each, what else becomes different with a policy: until when
 * something is set and, where the plan has no changes, what is set, and the policy's text and file.
 */
int qos_state_diff(const json_t *state, const struct qos_policy *policy, const char *changes,
		   char **ret_text);

const char *qos_state_plan(const json_t *state);
/* gso_max_size of the plan. */
uint32_t qos_state_gso(const json_t *state);
/* Whether it is we who set that size: for this plan or, where that was interrupted, for the one
 * before. */
bool qos_state_set_gso(const json_t *state, uint32_t size);
/* Borrowed. */
json_t *qos_state_origin(const json_t *state);
/* Whether a running program is this version's: the same plan may mean other
 * numbers in another. */
bool qos_state_is_current(const struct qos_bpf *running);
/* Of a plan whose numbers were put in place of others: not finished where that was
 * interrupted, and some are still the others. */
bool qos_state_is_finished(const json_t *state);

#endif
