/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/clsact.h"

/* Whose classes are not there from the start, but created one by one. */
static bool has_own_classes(const char *kind)
{
	static const char *const kinds[] = { "htb", "hfsc", "drr", "qfq", "cbq" };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kind, kinds[i]))
			return true;
	return false;
}

static bool drop_ingress(struct qos_qdisc *qdisc, struct qos_snapshot *snapshot)
{
	if (qdisc->parent != TC_H_CLSACT)
		return false;
	snapshot->had_clsact |= !strcmp(qdisc->kind, "clsact");
	return true;
}

/* hfsc lists its root, which is the qdisc itself. */
static bool drop_class(struct qos_qdisc *class, struct qos_snapshot *snapshot)
{
	(void)snapshot;
	return !has_own_classes(class->kind) || !TC_H_MIN(class->handle);
}

static void drop_if(struct qos_qdiscs *qdiscs, struct qos_snapshot *snapshot,
		    bool (*drop)(struct qos_qdisc *, struct qos_snapshot *))
{
	size_t kept = 0;

	for (size_t i = 0; i < qdiscs->count; i++) {
		struct qos_qdisc item = qdiscs->items[i];

		if (drop(&item, snapshot)) {
			qos_qdisc_done(&item);
			continue;
		}
		qdiscs->items[kept++] = item;
	}
	qdiscs->count = kept;
}

static int take_filters(struct qos_nl *nl, const struct qos_link_info *link,
			const struct qos_qdiscs *parents, struct qos_diags *diags,
			bool *has_filters)
{
	for (size_t i = 0; i < parents->count && !*has_filters; i++) {
		size_t count;
		int r;

		if (!parents->items[i].handle)
			continue;
		r = qos_filters_count(nl, link, parents->items[i].handle, diags, &count);
		if (r < 0)
			return r;
		*has_filters = count > 0;
	}
	return 0;
}

int qos_snapshot_take(struct qos_nl *nl, const struct qos_link_info *link, struct qos_diags *diags,
		      struct qos_snapshot **ret_snapshot)
{
	_cleanup_(qos_snapshot_freep) struct qos_snapshot *snapshot = calloc(1, sizeof(*snapshot));
	int r;

	if (!snapshot)
		return -ENOMEM;

	r = qos_qdiscs_get(nl, link, diags, &snapshot->qdiscs);
	if (r < 0)
		return r;
	drop_if(&snapshot->qdiscs, snapshot, drop_ingress);
	r = qos_classes_get(nl, link, diags, &snapshot->classes);
	if (r < 0)
		return r;
	drop_if(&snapshot->classes, snapshot, drop_class);

	r = take_filters(nl, link, &snapshot->qdiscs, diags, &snapshot->has_filters);
	if (r < 0)
		return r;
	r = take_filters(nl, link, &snapshot->classes, diags, &snapshot->has_filters);
	if (r < 0)
		return r;

	snapshot->gso_max_size = link->gso_max_size;
	snapshot->gso_ipv4_max_size = link->gso_ipv4_max_size;
	*ret_snapshot = TAKE_PTR(snapshot);
	return 0;
}

void qos_snapshot_free(struct qos_snapshot *snapshot)
{
	if (!snapshot)
		return;
	qos_qdiscs_done(&snapshot->qdiscs);
	qos_qdiscs_done(&snapshot->classes);
	free(snapshot);
}
