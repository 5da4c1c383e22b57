/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/work.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/clsact.h"
#include "kernel/gso.h"
#include "kernel/ports.h"
#include "kernel/replaced.h"
#include "kernel/state.h"

/* The line of a plan's text that begins so; null: it has none. */
static char *find_line(char *text, const char *begin)
{
	size_t len = strlen(begin);

	for (char *line = text; *line; line = strchr(line, '\n') + 1)
		if (strncmp(line, begin, len) == 0)
			return line;
	return NULL;
}

static void drop_line(char *text, const char *begin)
{
	char *line = find_line(text, begin), *next;

	if (!line)
		return;
	next = strchr(line, '\n') + 1;
	memmove(line, next, strlen(next) + 1);
}

/* The plan that the kernel now follows, as text: what is gone is not in it. */
static int plan_in_force(const struct qos_device *device, const struct qos_plan *plan,
			 struct qos_diags *diags, char **ret_text)
{
	const char *known = device->running ? qos_state_plan(device->running->state) : "";
	_cleanup_(freep) char *why = NULL, *text = NULL;
	bool fq = plan->link.mode == QOS_MODE_FQ;
	int left = fq ? 0 : qos_ports_hold(device, diags), r;
	char *qdisc;

	if (left < 0)
		return left;
	/* one of ours that no program stamps for: it goes */
	if (asprintf(&text, "%s%s", known, left && !strstr(known, "\nqdisc ") ? "qdisc fq\n" : "") <
	    0)
		return -ENOMEM;
	if (!qos_gso_in_force(device))
		drop_line(text, "gso ");
	/* the last one */
	qdisc = find_line(text, "qdisc ");
	if (qdisc && fq) {
		r = qos_ports_verify(device, &plan->fq, diags, &why);
		if (r < 0)
			return r;
		if (why)
			*qdisc = '\0';
	}
	*ret_text = TAKE_PTR(text);
	return 0;
}

static int drop_class(char *text, const char *name)
{
	_cleanup_(freep) char *begin = NULL;

	if (asprintf(&begin, "class %s ", name) < 0)
		return -ENOMEM;
	drop_line(text, begin);
	return 0;
}

/* What is in force by its text may have been written over in the maps. */
static int drop_strays(const struct qos_device *device, const struct qos_plan *plan, char *text)
{
	_cleanup_(freep) bool *strays = NULL;
	int r = qos_bpf_strays(device->running, plan, &strays);

	if (r == 0 && strays[QOS_SLOT_LINK])
		drop_line(text, "link ");
	for (size_t i = 0; r == 0 && i < plan->class_count; i++)
		if (strays[i + 1])
			r = drop_class(text, plan->classes[i].name);
	return r;
}

void qos_work_done(struct qos_work *work)
{
	free(work->plan);
	free(work->changes);
	free(work->said);
}

static int find_said(const struct qos_device *device, const struct qos_plan *plan,
		     struct qos_diags *diags, struct qos_work *work)
{
	_cleanup_(freep) char *replaced = NULL, *rest = NULL;
	int r = 0;

	if (plan->link.mode == QOS_MODE_FQ)
		r = qos_replaced_find(device, diags, &replaced);
	if (r == 0 && device->running)
		r = qos_state_diff(device->running->state, plan->policy, work->changes, &rest);
	if (r < 0)
		return r;
	if (asprintf(&work->said, "%s%s", replaced ? replaced : "", rest ? rest : work->changes) <
	    0)
		work->said = NULL;
	return work->said ? 0 : -ENOMEM;
}

/* -EEXIST with a diagnostic where our filter has no place. */
static int judge_filters(const struct qos_device *device, struct qos_diags *diags)
{
	_cleanup_(qos_filters_done) struct qos_filters filters = { .items = NULL };
	const struct qos_filter *other;
	int r = qos_filters_get(device->nl, &device->link, diags, &filters);

	other = r < 0 ? NULL : qos_filters_in_the_way(&filters);
	if (!other)
		return r;
	qos_diag(diags, QOS_FAILED, "pref %d of %s's egress is taken by a %s filter",
		 QOS_FILTER_PREF, device->link.name, other->kind);
	qos_diag_hint(diags, QOS_FILTER_MOVE);
	return -EEXIST;
}

int qos_work_find(const struct qos_device *device, const struct qos_plan *plan,
		  struct qos_diags *diags, struct qos_work *work)
{
	_cleanup_(freep) char *then = NULL;
	int r = judge_filters(device, diags);

	if (r < 0)
		return r;
	r = plan_in_force(device, plan, diags, &then);
	if (r < 0)
		return r;
	r = qos_plan_print(plan, &work->plan);
	if (r < 0)
		return r;
	work->numbers = qos_plan_same_shape(then, work->plan);
	if (device->running && strcmp(then, work->plan) == 0) {
		r = drop_strays(device, plan, then);
		if (r < 0)
			return r;
	}
	r = qos_plan_diff(then, work->plan, &work->changes);
	return r < 0 ? r : find_said(device, plan, diags, work);
}
