/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/clsact.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>

#define EGRESS	TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)
#define INGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)

int qos_clsact_ensure(struct qos_nl *nl, const struct qos_link_info *link, struct qos_diags *diags,
		      bool *ret_created)
{
	_cleanup_(qos_qdiscs_done) struct qos_qdiscs qdiscs = { .items = NULL };
	struct qos_qdisc clsact = {
		.handle = TC_H_MAKE(TC_H_CLSACT, 0),
		.parent = TC_H_CLSACT,
		.kind = "clsact",
	};
	const struct qos_qdisc *there;
	int r;

	r = qos_qdiscs_get(nl, link, diags, &qdiscs);
	if (r < 0)
		return r;

	there = qos_qdiscs_find(&qdiscs, TC_H_CLSACT);
	if (there && strcmp(there->kind, "clsact") != 0) {
		qos_diag(diags, QOS_FAILED, "cannot create clsact on %s: its place is taken by %s",
			 link->name, there->kind);
		qos_diag_hint(diags,
			      "clsact does all that ingress does: 'tc qdisc del dev %s "
			      "ingress', then 'tc qdisc add dev %s clsact' and the filters again",
			      link->name, link->name);
		return -EEXIST;
	}
	*ret_created = !there;
	return there ? 0 : qos_qdisc_put(nl, link, &clsact, diags);
}

int qos_clsact_is_there(struct qos_nl *nl, const struct qos_link_info *link,
			struct qos_diags *diags)
{
	_cleanup_(qos_qdiscs_done) struct qos_qdiscs qdiscs = { .items = NULL };
	const struct qos_qdisc *there;
	int r = qos_qdiscs_get(nl, link, diags, &qdiscs);

	if (r < 0)
		return r;
	there = qos_qdiscs_find(&qdiscs, TC_H_CLSACT);
	return there && strcmp(there->kind, "clsact") == 0;
}

static int dump_filters(struct qos_nl *nl, const struct qos_link_info *link, uint32_t parent,
			struct qos_diags *diags, struct qos_nl_dump *ret_dump)
{
	struct nlmsghdr *msg = qos_nl_message(nl, RTM_GETTFILTER, 0, sizeof(struct tcmsg));
	struct tcmsg *tcm = mnl_nlmsg_get_payload(msg);
	int r;

	tcm->tcm_ifindex = link->ifindex;
	tcm->tcm_parent = parent;
	r = qos_nl_dump(nl, msg, ret_dump);
	if (r < 0)
		return qos_nl_fail(nl, diags, r, "cannot list the filters of %s", link->name);
	return 0;
}

/* A dump has a line a priority too, with handle 0 (tcf_chain_dump()); it is no
 * filter, but where it is somebody has one, or had.
 */
static bool is_filter(const struct nlmsghdr *msg)
{
	const struct tcmsg *tcm = mnl_nlmsg_get_payload(msg);

	return msg->nlmsg_type == RTM_NEWTFILTER &&
	       mnl_nlmsg_get_payload_len(msg) >= sizeof(*tcm) && tcm->tcm_handle;
}

static size_t count_filters(const struct qos_nl_dump *dump)
{
	const struct nlmsghdr *msg;
	size_t count = 0;
	int left;

	qos_nl_dump_for_each(msg, left, dump)
		count += is_filter(msg);
	return count;
}

int qos_filters_count(struct qos_nl *nl, const struct qos_link_info *link, uint32_t parent,
		      struct qos_diags *diags, size_t *ret_count)
{
	_cleanup_(qos_nl_dump_done) struct qos_nl_dump dump = { .data = NULL };
	int r;

	r = dump_filters(nl, link, parent, diags, &dump);
	if (r < 0)
		return r;

	*ret_count = count_filters(&dump);
	return 0;
}

int qos_clsact_release(struct qos_nl *nl, const struct qos_link_info *link, struct qos_diags *diags)
{
	size_t egress, ingress;
	int r = qos_clsact_is_there(nl, link, diags);

	/* none, or an ingress qdisc that somebody put in its place */
	if (r <= 0)
		return r;
	r = qos_filters_count(nl, link, EGRESS, diags, &egress);
	if (r < 0)
		return r;
	r = qos_filters_count(nl, link, INGRESS, diags, &ingress);
	if (r < 0)
		return r;

	if (egress || ingress)
		return 0;
	return qos_qdisc_delete(nl, link, TC_H_CLSACT, diags);
}

static void parse_bpf(const struct nlattr *options, struct qos_filter *filter)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, options) {
		switch (mnl_attr_get_type(attr)) {
		case TCA_BPF_NAME:
			if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
				snprintf(filter->name, sizeof(filter->name), "%s",
					 mnl_attr_get_str(attr));
			break;
		case TCA_BPF_ID:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
				filter->prog_id = mnl_attr_get_u32(attr);
			break;
		case TCA_BPF_TAG:
			if (mnl_attr_get_payload_len(attr) == sizeof(filter->tag))
				memcpy(filter->tag, mnl_attr_get_payload(attr),
				       sizeof(filter->tag));
			break;
		case TCA_BPF_FLAGS:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
				filter->direct_action =
					mnl_attr_get_u32(attr) & TCA_BPF_FLAG_ACT_DIRECT;
			break;
		}
	}
}

static void parse_filter(const struct nlmsghdr *msg, struct qos_filter *ret_filter)
{
	const struct tcmsg *tcm = mnl_nlmsg_get_payload(msg);
	struct qos_filter filter = {
		.pref = (uint16_t)(TC_H_MAJ(tcm->tcm_info) >> 16),
		.protocol = ntohs((uint16_t)TC_H_MIN(tcm->tcm_info)),
		.handle = tcm->tcm_handle,
	};
	const struct nlattr *attr, *options = NULL;

	mnl_attr_for_each(attr, msg, sizeof(*tcm)) {
		switch (mnl_attr_get_type(attr)) {
		case TCA_KIND:
			if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
				snprintf(filter.kind, sizeof(filter.kind), "%.*s", IFNAMSIZ - 1,
					 mnl_attr_get_str(attr));
			break;
		case TCA_CHAIN:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
				filter.chain = mnl_attr_get_u32(attr);
			break;
		case TCA_OPTIONS:
			options = attr;
			break;
		}
	}
	if (options && !strcmp(filter.kind, "bpf"))
		parse_bpf(options, &filter);

	*ret_filter = filter;
}

int qos_filters_get(struct qos_nl *nl, const struct qos_link_info *link, struct qos_diags *diags,
		    struct qos_filters *ret_filters)
{
	_cleanup_(qos_nl_dump_done) struct qos_nl_dump dump = { .data = NULL };
	struct qos_filters filters = { .items = NULL };
	const struct nlmsghdr *msg;
	int left, r;

	r = dump_filters(nl, link, EGRESS, diags, &dump);
	if (r < 0)
		return r;

	filters.items = calloc(count_filters(&dump) + 1, sizeof(*filters.items));
	if (!filters.items)
		return -ENOMEM;
	qos_nl_dump_for_each(msg, left, &dump)
		if (is_filter(msg))
			parse_filter(msg, &filters.items[filters.count++]);

	*ret_filters = filters;
	return 0;
}

void qos_filters_done(struct qos_filters *filters)
{
	free(filters->items);
	*filters = (struct qos_filters){ .items = NULL };
}

/* By place and name: the place alone could be another's. */
const struct qos_filter *qos_filters_ours(const struct qos_filters *filters)
{
	for (size_t i = 0; i < filters->count; i++) {
		const struct qos_filter *filter = &filters->items[i];

		if (filter->pref == QOS_FILTER_PREF && filter->handle == QOS_FILTER_HANDLE &&
		    filter->chain == 0 && !strcmp(filter->name, QOS_FILTER_NAME))
			return filter;
	}
	return NULL;
}

/* A pref has one kind and one protocol (tcf_chain_tp_find(), tc_new_tfilter()). */
static bool is_in_the_way(const struct qos_filter *filter)
{
	if (filter->pref != QOS_FILTER_PREF || filter->chain != 0)
		return false;
	if (strcmp(filter->kind, "bpf") != 0 || filter->protocol != ETH_P_ALL)
		return true;
	return filter->handle == QOS_FILTER_HANDLE && strcmp(filter->name, QOS_FILTER_NAME) != 0;
}

const struct qos_filter *qos_filters_in_the_way(const struct qos_filters *filters)
{
	for (size_t i = 0; i < filters->count; i++)
		if (is_in_the_way(&filters->items[i]))
			return &filters->items[i];
	return NULL;
}

static struct nlmsghdr *filter_message(struct qos_nl *nl, uint16_t type, uint16_t flags,
				       const struct qos_link_info *link)
{
	struct nlmsghdr *msg = qos_nl_message(nl, type, flags, sizeof(struct tcmsg));
	struct tcmsg *tcm = mnl_nlmsg_get_payload(msg);

	tcm->tcm_ifindex = link->ifindex;
	tcm->tcm_parent = EGRESS;
	tcm->tcm_handle = QOS_FILTER_HANDLE;
	tcm->tcm_info = TC_H_MAKE(QOS_FILTER_PREF << 16, htons(ETH_P_ALL));
	mnl_attr_put_strz(msg, TCA_KIND, "bpf");
	return msg;
}

int qos_filter_put(struct qos_nl *nl, const struct qos_link_info *link, int prog_fd,
		   struct qos_diags *diags)
{
	struct nlmsghdr *msg = filter_message(nl, RTM_NEWTFILTER, NLM_F_CREATE, link);
	struct nlattr *options;
	int r;

	options = mnl_attr_nest_start(msg, TCA_OPTIONS);
	mnl_attr_put_u32(msg, TCA_BPF_FD, (uint32_t)prog_fd);
	mnl_attr_put_strz(msg, TCA_BPF_NAME, QOS_FILTER_NAME);
	mnl_attr_put_u32(msg, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	mnl_attr_nest_end(msg, options);

	r = qos_nl_request(nl, msg);
	if (r < 0)
		return qos_nl_fail(nl, diags, r, "cannot attach the classifier to %s (pref %d)",
				   link->name, QOS_FILTER_PREF);
	return 0;
}

int qos_filter_delete(struct qos_nl *nl, const struct qos_link_info *link, struct qos_diags *diags)
{
	_cleanup_(qos_filters_done) struct qos_filters filters = { .items = NULL };
	int r;

	r = qos_filters_get(nl, link, diags, &filters);
	if (r < 0)
		return r;
	if (!qos_filters_ours(&filters))
		return 0;

	r = qos_nl_request(nl, filter_message(nl, RTM_DELTFILTER, 0, link));
	if (r < 0 && r != -ENOENT)
		return qos_nl_fail(nl, diags, r, "cannot take the classifier off %s", link->name);
	return 0;
}
