/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/qdisc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/rtnetlink.h>

/* One qdisc that has to be there. */
struct wanted {
	uint32_t handle;
	uint32_t parent;
	const struct qos_kind *kind;
};

static size_t wanted_count(const struct qos_link_info *link)
{
	return link->tx_queues > 1 ? 1 + (size_t)link->tx_queues : 1;
}

/* The root is number 0. All allocated queues get an fq, not only those in use:
 * more may come into use at any time (ethtool(8) --set-channels).
 */
static struct wanted wanted_at(const struct qos_link_info *link, size_t i)
{
	bool multi = link->tx_queues > 1;

	if (i == 0)
		return (struct wanted){ QOS_QDISC_ROOT, TC_H_ROOT,
					multi ? &qos_kind_mq : &qos_kind_fq };
	return (struct wanted){ QOS_QDISC_CHILD((uint32_t)i - 1), QOS_QDISC_ROOT | (uint32_t)i,
				&qos_kind_fq };
}

static const struct qos_qdisc *find(const struct qos_qdiscs *qdiscs, const struct wanted *wanted)
{
	const struct qos_qdisc *qdisc = qos_qdiscs_find(qdiscs, wanted->parent);

	bool ours = qdisc && qdisc->handle == wanted->handle &&
		    !strcmp(qdisc->kind, wanted->kind->name);

	return ours ? qdisc : NULL;
}

static bool is_as_wanted(const struct qos_qdisc *qdisc, const struct wanted *wanted,
			 const struct qos_fq_params *params)
{
	return !params || !wanted->kind->verify || wanted->kind->verify(params, &qdisc->options);
}

/* TCA_OPTIONS of a kind, built where every message is built. */
static int fill(const struct qos_kind *kind, const struct qos_fq_params *params,
		struct qos_tc_blob *ret_options)
{
	_cleanup_(freep) char *buf = calloc(1, MNL_SOCKET_BUFFER_SIZE);
	struct nlmsghdr *msg;

	if (!kind->fill_options)
		return 0;
	if (!buf)
		return -ENOMEM;

	msg = mnl_nlmsg_put_header(buf);
	kind->fill_options(params, msg);
	ret_options->len = mnl_nlmsg_get_payload_len(msg);
	ret_options->present = true;
	memmove(buf, mnl_nlmsg_get_payload(msg), ret_options->len);
	ret_options->data = TAKE_PTR(buf);
	return 0;
}

static int put(struct qos_nl *nl, const struct qos_link_info *link, const struct wanted *wanted,
	       const struct qos_fq_params *params, struct qos_diags *diags)
{
	_cleanup_(qos_qdisc_done) struct qos_qdisc qdisc = {
		.handle = wanted->handle,
		.parent = wanted->parent,
	};
	int r;

	r = fill(wanted->kind, params, &qdisc.options);
	if (r < 0)
		return r;

	snprintf(qdisc.kind, sizeof(qdisc.kind), "%s", wanted->kind->name);
	return qos_qdisc_put(nl, link, &qdisc, diags);
}

/* mq comes before its fq and takes the place of what was there, filters and all:
 * try in a namespace of its own whether there will be an fq, under the name of
 * the device for the message's sake. Without the privilege for one: go on.
 */
static int try_fq(const struct qos_link_info *link, const struct qos_fq_params *params,
		  struct qos_diags *diags)
{
	const struct wanted root = { QOS_QDISC_ROOT, TC_H_ROOT, &qos_kind_fq };
	_cleanup_(qos_nl_closep) struct qos_nl *nl = NULL;
	struct qos_link_info lo = *link;

	if (qos_nl_open_scratch(&nl) < 0)
		return 0;
	lo.ifindex = 1; /* always lo's (LOOPBACK_IFINDEX) */
	return put(nl, &lo, &root, params, diags);
}

/* Where the root is not ours all below it goes with it. One with our root's
 * handle but of another kind cannot be replaced, only removed
 * (tc_modify_qdisc(): "Invalid qdisc name").
 */
static int clear_foreign(struct qos_nl *nl, const struct qos_link_info *link,
			 const struct qos_fq_params *params, struct qos_qdiscs *qdiscs,
			 struct qos_diags *diags)
{
	const struct qos_qdisc *root = qos_qdiscs_find(qdiscs, TC_H_ROOT);
	struct wanted wanted = wanted_at(link, 0);
	int r = 0;

	if (find(qdiscs, &wanted))
		return 0;
	if (wanted.kind == &qos_kind_mq)
		r = try_fq(link, params, diags);
	if (r < 0)
		return r;
	if (root && root->handle == wanted.handle)
		r = qos_qdisc_delete(nl, link, TC_H_ROOT, diags);
	qos_qdiscs_done(qdiscs);
	return r;
}

int qos_qdisc_install(struct qos_nl *nl, const struct qos_link_info *link,
		      const struct qos_fq_params *params, struct qos_diags *diags)
{
	_cleanup_(qos_qdiscs_done) struct qos_qdiscs qdiscs = { .items = NULL };
	int r;

	r = qos_qdiscs_get(nl, link, diags, &qdiscs);
	if (r < 0)
		return r;
	r = clear_foreign(nl, link, params, &qdiscs, diags);
	if (r < 0)
		return r;

	for (size_t i = 0; i < wanted_count(link); i++) {
		struct wanted wanted = wanted_at(link, i);
		const struct qos_qdisc *there = find(&qdiscs, &wanted);

		if (there && is_as_wanted(there, &wanted, params))
			continue;
		r = put(nl, link, &wanted, params, diags);
		if (r < 0)
			return r;
	}
	return 0;
}

static int difference(const struct qos_qdiscs *qdiscs, const struct wanted *wanted, char **ret_why)
{
	const struct qos_qdisc *there = qos_qdiscs_find(qdiscs, wanted->parent);
	char at[QOS_TC_HANDLE_LEN], handle[QOS_TC_HANDLE_LEN], ours[QOS_TC_HANDLE_LEN];
	int r;

	qos_tc_handle_text(wanted->parent, at);
	qos_tc_handle_text(wanted->handle, ours);
	if (!there)
		r = asprintf(ret_why, "%s has no qdisc, not %s %s", at, wanted->kind->name, ours);
	else if (!find(qdiscs, wanted))
		r = asprintf(ret_why, "%s is %s %s, not %s %s", at, there->kind,
			     qos_tc_handle_text(there->handle, handle), wanted->kind->name, ours);
	else
		r = asprintf(ret_why, "%s %s at %s has other parameters", wanted->kind->name, ours,
			     at);
	return r < 0 ? -ENOMEM : 0;
}

int qos_qdiscs_verify(const struct qos_qdiscs *qdiscs, const struct qos_link_info *link,
		      const struct qos_fq_params *params, char **ret_why)
{
	for (size_t i = 0; i < wanted_count(link); i++) {
		struct wanted wanted = wanted_at(link, i);
		const struct qos_qdisc *there = find(qdiscs, &wanted);

		if (!there || !is_as_wanted(there, &wanted, params))
			return difference(qdiscs, &wanted, ret_why);
	}

	*ret_why = NULL;
	return 0;
}

int qos_qdisc_verify(struct qos_nl *nl, const struct qos_link_info *link,
		     const struct qos_fq_params *params, struct qos_diags *diags, char **ret_why)
{
	_cleanup_(qos_qdiscs_done) struct qos_qdiscs qdiscs = { .items = NULL };
	int r = qos_qdiscs_get(nl, link, diags, &qdiscs);

	return r < 0 ? r : qos_qdiscs_verify(&qdiscs, link, params, ret_why);
}

bool qos_qdisc_is_ours(const struct qos_qdiscs *qdiscs)
{
	const struct qos_qdisc *root = qos_qdiscs_find(qdiscs, TC_H_ROOT);

	return root && root->handle == QOS_QDISC_ROOT &&
	       (!strcmp(root->kind, "fq") || !strcmp(root->kind, "mq"));
}

const struct qos_qdisc *qos_qdisc_foreign(const struct qos_qdiscs *qdiscs)
{
	const struct qos_qdisc *root = qos_qdiscs_find(qdiscs, TC_H_ROOT);

	return !root || !root->handle || qos_qdisc_is_ours(qdiscs) ? NULL : root;
}

int qos_qdisc_stats(struct qos_nl *nl, const struct qos_link_info *link, struct qos_diags *diags,
		    struct qos_fq_stats *ret_stats)
{
	_cleanup_(qos_qdiscs_done) struct qos_qdiscs qdiscs = { .items = NULL };
	struct qos_fq_stats stats = { .drops = 0 };
	int r;

	r = qos_qdiscs_get(nl, link, diags, &qdiscs);
	if (r < 0)
		return r;

	for (size_t i = 0; i < wanted_count(link); i++) {
		struct wanted wanted = wanted_at(link, i);
		const struct qos_qdisc *there = find(&qdiscs, &wanted);

		if (there && wanted.kind == &qos_kind_fq)
			qos_fq_stats_add(there, &stats);
	}

	*ret_stats = stats;
	return 0;
}
