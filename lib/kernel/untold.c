/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is lost of qdiscs that are replaced, as no dump has it. */
#include "kernel/snapshot.h"

#include <string.h>

/* refused: without it the kernel takes none of the rest, and says so itself when it is asked to. */
static const struct untold {
	const char *kind;
	const char *why;
	bool refused;
} untold[] = {
	{ "netem", "the kernel does not tell its distribution tables", false },
	{ "red", "the kernel does not tell its table of idle times", true },
	{ "choke", "the kernel does not tell its table of idle times", true },
	{ "gred", "the kernel takes its virtual queues one by one only", true },
};

void qos_snapshot_warn_lost(const struct qos_link_info *link, const struct qos_qdisc *what,
			    bool is_class, bool before, const char *why, struct qos_diags *diags)
{
	char handle[QOS_TC_HANDLE_LEN];

	qos_diag_warn(diags, "%scannot put back %s%s %s of %s: %s", before ? "remove " : "",
		      what->kind, is_class ? " class" : "",
		      qos_tc_handle_text(what->handle, handle), link->name, why);
}

static void warn_kind(const struct qos_link_info *link, const struct qos_qdisc *qdisc, bool before,
		      struct qos_diags *diags)
{
	for (size_t i = 0; i < ARRAY_SIZE(untold); i++)
		if (!strcmp(untold[i].kind, qdisc->kind) && (before || !untold[i].refused))
			qos_snapshot_warn_lost(link, qdisc, false, before, untold[i].why, diags);
}

static void warn_each(const struct qos_link_info *link, const struct qos_qdiscs *qdiscs,
		      bool are_classes, bool before, struct qos_diags *diags)
{
	for (size_t i = 0; i < qdiscs->count; i++) {
		const struct qos_qdisc *what = &qdiscs->items[i];

		if (what->has_stab)
			qos_snapshot_warn_lost(link, what, are_classes, before,
					       "the kernel does not tell its size table (stab)",
					       diags);
		/* without a handle: the kernel's default, which comes by itself */
		if (!are_classes && what->handle)
			warn_kind(link, what, before, diags);
	}
}

void qos_snapshot_warn_untold(const struct qos_link_info *link, const struct qos_snapshot *snapshot,
			      bool before, struct qos_diags *diags)
{
	warn_each(link, &snapshot->qdiscs, false, before, diags);
	warn_each(link, &snapshot->classes, true, before, diags);
	if (!snapshot->has_filters)
		return;
	if (before) {
		qos_diag_warn(diags, "remove cannot put back the filters of the qdiscs of %s",
			      link->name);
		qos_diag_hint(diags, "keep the script that made them");
	} else {
		qos_diag_warn(diags,
			      "the filters of the qdiscs of %s are not put back: "
			      "run the script that made them",
			      link->name);
	}
}
