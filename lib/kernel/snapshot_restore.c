/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Putting qdiscs back from what the kernel dumped. A dump is not made for
 * that: what is known to be missing from it is warned of, and in the end the
 * outcome is compared with the snapshot.
 */
#include "kernel/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/rtnetlink.h>

#include "kernel/qdisc.h"
#include "kernel/replay.h"

/* Deeper nesting the kernel refuses: 7 qdiscs (qdisc_graft()), 8 levels of htb
 * classes (TC_HTB_MAXDEPTH) in each.
 */
#define DEPTH_MAX 64

/* Something to create, in an order in which parents come first. */
struct item {
	const struct qos_qdisc *what;
	bool is_class;
	unsigned int depth;
};

struct plan {
	struct item *items; /* first by handle, to look up; then by depth */
	size_t count;
};

static void plan_done(struct plan *plan)
{
	free(plan->items);
}

static int by_handle(const void *a, const void *b)
{
	uint32_t x = ((const struct item *)a)->what->handle;
	uint32_t y = ((const struct item *)b)->what->handle;

	return x < y ? -1 : x > y;
}

static int by_depth(const void *a, const void *b)
{
	unsigned int x = ((const struct item *)a)->depth, y = ((const struct item *)b)->depth;

	return x < y ? -1 : x > y ? 1 : by_handle(a, b);
}

static const struct item *find_item(const struct plan *plan, uint32_t handle)
{
	const struct qos_qdisc qdisc = { .handle = handle };
	const struct item key = { .what = &qdisc };

	return bsearch(&key, plan->items, plan->count, sizeof(key), by_handle);
}

/* What has to be there before: of a class its parent class or else its qdisc,
 * of a qdisc the class it is below or else that one's qdisc.
 */
static const struct item *parent_of(const struct plan *plan, const struct item *item)
{
	uint32_t parent = item->what->parent;
	const struct item *found;

	if (parent == TC_H_ROOT)
		return item->is_class ? find_item(plan, TC_H_MAJ(item->what->handle)) : NULL;
	found = find_item(plan, parent);
	return found ? found : find_item(plan, TC_H_MAJ(parent));
}

static unsigned int depth_of(const struct plan *plan, const struct item *item)
{
	unsigned int depth = 0;

	while ((item = parent_of(plan, item)) && depth < DEPTH_MAX)
		depth++;
	return depth;
}

static void plan_add(struct plan *plan, const struct qos_qdiscs *qdiscs, bool are_classes)
{
	/* Without a handle: the kernel's default, which comes by itself. */
	for (size_t i = 0; i < qdiscs->count; i++)
		if (qdiscs->items[i].handle)
			plan->items[plan->count++] =
				(struct item){ .what = &qdiscs->items[i], .is_class = are_classes };
}

static int plan_make(const struct qos_snapshot *snapshot, struct plan *plan)
{
	plan->items =
		calloc(snapshot->qdiscs.count + snapshot->classes.count + 1, sizeof(*plan->items));
	if (!plan->items)
		return -ENOMEM;

	plan_add(plan, &snapshot->qdiscs, false);
	plan_add(plan, &snapshot->classes, true);
	qsort(plan->items, plan->count, sizeof(*plan->items), by_handle);
	for (size_t i = 0; i < plan->count; i++)
		plan->items[i].depth = depth_of(plan, &plan->items[i]);
	qsort(plan->items, plan->count, sizeof(*plan->items), by_depth);
	return 0;
}

static int put(struct qos_nl *nl, const struct qos_link_info *link, const struct item *item)
{
	_cleanup_(qos_tc_blob_done) struct qos_tc_blob options = { .data = NULL };
	struct qos_qdisc what = *item->what;
	int r;

	if (item->is_class)
		return qos_class_put(nl, link, &what, NULL);

	r = qos_replay_options(item->what, &options);
	if (r < 0)
		return r;
	what.options = options;
	return qos_qdisc_put(nl, link, &what, NULL);
}

static void warn_not_back(const struct qos_link_info *link, const struct item *item,
			  const char *why, struct qos_diags *diags)
{
	qos_snapshot_warn_lost(link, item->what, item->is_class, false, why, diags);
}

/* In the form that leaves counters out. */
static int compare_options(const struct qos_qdisc *then, const struct qos_qdisc *now,
			   bool *ret_same)
{
	_cleanup_(qos_tc_blob_done) struct qos_tc_blob a = { .data = NULL };
	_cleanup_(qos_tc_blob_done) struct qos_tc_blob b = { .data = NULL };
	int r;

	r = qos_replay_options(then, &a);
	if (r < 0)
		return r;
	r = qos_replay_options(now, &b);
	if (r < 0)
		return r;

	*ret_same = a.present == b.present && a.len == b.len && !memcmp(a.data, b.data, a.len);
	return 0;
}

/* What was taken without an error and still is not what was there. */
static int warn_different(struct qos_nl *nl, const struct qos_link_info *link,
			  const struct plan *plan, struct qos_diags *diags)
{
	_cleanup_(qos_qdiscs_done) struct qos_qdiscs now = { .items = NULL };
	int r;

	r = qos_qdiscs_get(nl, link, diags, &now);
	if (r < 0)
		return r;

	for (size_t i = 0; i < plan->count; i++) {
		const struct item *item = &plan->items[i];
		const struct qos_qdisc *there = qos_qdiscs_find(&now, item->what->parent);
		bool same;

		if (item->is_class || !there || there->handle != item->what->handle)
			continue;
		r = compare_options(item->what, there, &same);
		if (r < 0)
			return r;
		if (!same)
			warn_not_back(link, item, "some options are not what they were", diags);
	}
	return 0;
}

/* The default, where the user's own root does not come back. */
static int fall_back(struct qos_nl *nl, const struct qos_link_info *link, const struct item *root,
		     struct qos_diags *diags)
{
	warn_not_back(link, root,
		      qos_nl_said(nl)[0] ? qos_nl_said(nl) :
					   "the kernel refuses "
					   "the options that it told",
		      diags);
	qos_diag_hint(diags, "%s has the kernel's default qdisc now", link->name);
	return qos_qdisc_delete(nl, link, TC_H_ROOT, diags);
}

static int put_plan(struct qos_nl *nl, const struct qos_link_info *link,
		    const struct qos_snapshot *snapshot, const struct plan *plan,
		    struct qos_diags *diags)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct item *item = &plan->items[i];
		int r;

		r = put(nl, link, item);
		if (r < 0 && i == 0)
			return fall_back(nl, link, item, diags);
		if (r < 0)
			warn_not_back(link, item,
				      qos_nl_said(nl)[0] ? qos_nl_said(nl) : strerror(-r), diags);
	}

	qos_snapshot_warn_untold(link, snapshot, false, diags);
	return warn_different(nl, link, plan, diags);
}

static int restore_qdiscs(struct qos_nl *nl, const struct qos_link_info *link,
			  const struct qos_snapshot *snapshot, struct qos_diags *diags)
{
	const struct qos_qdisc *root = qos_qdiscs_find(&snapshot->qdiscs, TC_H_ROOT);
	_cleanup_(plan_done) struct plan plan = { .items = NULL };
	int r;

	/* Ours in a snapshot is nobody's. */
	if (!root || !root->handle || root->handle == QOS_QDISC_ROOT)
		return qos_qdisc_delete(nl, link, TC_H_ROOT, diags);

	r = plan_make(snapshot, &plan);
	if (r < 0)
		return r;
	return put_plan(nl, link, snapshot, &plan, diags);
}

/* Somebody put his own in place of ours: it stays. */
static void warn_foreign(const struct qos_link_info *link, const struct qos_snapshot *snapshot,
			 const struct qos_qdiscs *now, struct qos_diags *diags)
{
	const struct qos_qdisc *then = qos_qdiscs_find(&snapshot->qdiscs, TC_H_ROOT);
	const struct qos_qdisc *root = qos_qdiscs_find(now, TC_H_ROOT);
	char handle[QOS_TC_HANDLE_LEN];

	if (!root || !root->handle)
		return;
	if (then && then->handle == root->handle && !strcmp(then->kind, root->kind))
		return;
	qos_diag_warn(diags, "the root qdisc of %s is %s %s, not ours: it stays", link->name,
		      root->kind, qos_tc_handle_text(root->handle, handle));
}

int qos_snapshot_restore(struct qos_nl *nl, const struct qos_link_info *link,
			 const struct qos_snapshot *snapshot, struct qos_diags *diags)
{
	_cleanup_(qos_qdiscs_done) struct qos_qdiscs now = { .items = NULL };
	int r;

	r = qos_qdiscs_get(nl, link, diags, &now);
	if (r < 0)
		return r;
	if (qos_qdisc_is_ours(&now))
		return restore_qdiscs(nl, link, snapshot, diags);
	warn_foreign(link, snapshot, &now, diags);
	return 0;
}
