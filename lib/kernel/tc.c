/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/tc.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/gen_stats.h>
#include <linux/rtnetlink.h>

void qos_tc_blob_done(struct qos_tc_blob *blob)
{
	free(blob->data);
	*blob = (struct qos_tc_blob){ .data = NULL };
}

void qos_qdisc_done(struct qos_qdisc *qdisc)
{
	qos_tc_blob_done(&qdisc->options);
	qos_tc_blob_done(&qdisc->xstats);
}

void qos_qdiscs_done(struct qos_qdiscs *qdiscs)
{
	for (size_t i = 0; qdiscs->items && i < qdiscs->count; i++)
		qos_qdisc_done(&qdiscs->items[i]);
	free(qdiscs->items);
	*qdiscs = (struct qos_qdiscs){ .items = NULL };
}

static int take_blob(const struct nlattr *attr, struct qos_tc_blob *ret_blob)
{
	size_t len = mnl_attr_get_payload_len(attr);
	void *data = malloc(len + 1);

	if (!data)
		return -ENOMEM;
	memcpy(data, mnl_attr_get_payload(attr), len);

	qos_tc_blob_done(ret_blob);
	*ret_blob = (struct qos_tc_blob){
		.data = data,
		.len = len,
		.present = true,
	};
	return 0;
}

/* As much as both sides know: the kernel's structs grow at their end. */
static void take_struct(const struct nlattr *attr, void *ret, size_t size)
{
	size_t len = mnl_attr_get_payload_len(attr);

	memcpy(ret, mnl_attr_get_payload(attr), len < size ? len : size);
}

static int take_stats(const struct nlattr *stats2, struct qos_qdisc *qdisc)
{
	struct gnet_stats_basic basic = { .bytes = 0 };
	struct gnet_stats_queue queue = { .qlen = 0 };
	const struct nlattr *attr;
	uint64_t packets64 = 0;
	int r = 0;

	mnl_attr_for_each_nested(attr, stats2) {
		switch (mnl_attr_get_type(attr)) {
		case TCA_STATS_BASIC:
			take_struct(attr, &basic, sizeof(basic));
			break;
		case TCA_STATS_PKT64:
			take_struct(attr, &packets64, sizeof(packets64));
			break;
		case TCA_STATS_QUEUE:
			take_struct(attr, &queue, sizeof(queue));
			break;
		case TCA_STATS_APP:
			r = take_blob(attr, &qdisc->xstats);
			break;
		}
		if (r < 0)
			return r;
	}

	/* Only there when the count has outgrown 32 bits. */
	qdisc->stats = (struct qos_tc_stats){
		.bytes = basic.bytes,
		.packets = packets64 ? packets64 : basic.packets,
		.qlen = queue.qlen,
		.backlog = queue.backlog,
		.drops = queue.drops,
		.requeues = queue.requeues,
		.overlimits = queue.overlimits,
	};
	return 0;
}

static int parse_attrs(const struct nlmsghdr *msg, struct qos_qdisc *qdisc)
{
	const struct nlattr *attr;
	int r = 0;

	mnl_attr_for_each(attr, msg, sizeof(struct tcmsg)) {
		switch (mnl_attr_get_type(attr)) {
		case TCA_KIND:
			if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) < 0)
				return -EBADMSG;
			snprintf(qdisc->kind, sizeof(qdisc->kind), "%.*s", IFNAMSIZ - 1,
				 mnl_attr_get_str(attr));
			break;
		case TCA_OPTIONS:
			r = take_blob(attr, &qdisc->options);
			break;
		case TCA_STAB:
			qdisc->has_stab = true;
			break;
		case TCA_STATS2:
			r = take_stats(attr, qdisc);
			break;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* The kernel dumps the qdiscs of all devices whatever it is asked for. */
static bool is_of(const struct nlmsghdr *msg, int type, int ifindex)
{
	const struct tcmsg *tcm = mnl_nlmsg_get_payload(msg);

	return msg->nlmsg_type == type && mnl_nlmsg_get_payload_len(msg) >= sizeof(*tcm) &&
	       tcm->tcm_ifindex == ifindex;
}

static int parse_dump(const struct qos_nl_dump *dump, int type, int ifindex,
		      struct qos_qdiscs *ret_qdiscs)
{
	_cleanup_(qos_qdiscs_done) struct qos_qdiscs qdiscs = { .items = NULL };
	const struct nlmsghdr *msg;
	size_t count = 0;
	int left, r;

	qos_nl_dump_for_each(msg, left, dump)
		count += is_of(msg, type, ifindex);
	qdiscs.items = calloc(count + 1, sizeof(*qdiscs.items));
	if (!qdiscs.items)
		return -ENOMEM;

	qos_nl_dump_for_each(msg, left, dump) {
		const struct tcmsg *tcm = mnl_nlmsg_get_payload(msg);
		struct qos_qdisc *qdisc = &qdiscs.items[qdiscs.count];

		if (!is_of(msg, type, ifindex))
			continue;
		qdisc->handle = tcm->tcm_handle;
		qdisc->parent = tcm->tcm_parent;
		qdiscs.count++;
		r = parse_attrs(msg, qdisc);
		if (r < 0)
			return r;
	}

	count = qdiscs.count;
	*ret_qdiscs = (struct qos_qdiscs){ .items = TAKE_PTR(qdiscs.items), .count = count };
	return 0;
}

static int dump_of(struct qos_nl *nl, const struct qos_link_info *link, int get, int new,
		   struct qos_qdiscs *ret_qdiscs)
{
	struct nlmsghdr *msg = qos_nl_message(nl, (uint16_t)get, 0, sizeof(struct tcmsg));
	_cleanup_(qos_nl_dump_done) struct qos_nl_dump dump = { .data = NULL };
	struct tcmsg *tcm = mnl_nlmsg_get_payload(msg);
	int r;

	tcm->tcm_ifindex = link->ifindex;
	r = qos_nl_dump(nl, msg, &dump);
	if (r < 0)
		return r;
	return parse_dump(&dump, new, link->ifindex, ret_qdiscs);
}

int qos_qdiscs_get(struct qos_nl *nl, const struct qos_link_info *link, struct qos_diags *diags,
		   struct qos_qdiscs *ret_qdiscs)
{
	int r = dump_of(nl, link, RTM_GETQDISC, RTM_NEWQDISC, ret_qdiscs);

	if (r < 0)
		return qos_nl_fail(nl, diags, r, "cannot list the qdiscs of %s", link->name);
	return 0;
}

int qos_classes_get(struct qos_nl *nl, const struct qos_link_info *link, struct qos_diags *diags,
		    struct qos_qdiscs *ret_classes)
{
	int r = dump_of(nl, link, RTM_GETTCLASS, RTM_NEWTCLASS, ret_classes);

	if (r < 0)
		return qos_nl_fail(nl, diags, r, "cannot list the classes of %s", link->name);
	return 0;
}

const struct qos_qdisc *qos_qdiscs_find(const struct qos_qdiscs *qdiscs, uint32_t parent)
{
	for (size_t i = 0; i < qdiscs->count; i++)
		if (qdiscs->items[i].parent == parent)
			return &qdiscs->items[i];
	return NULL;
}

static struct nlmsghdr *new_message(struct qos_nl *nl, uint16_t type, uint16_t flags,
				    const struct qos_link_info *link, const struct qos_qdisc *qdisc)
{
	struct nlmsghdr *msg = qos_nl_message(nl, type, flags, sizeof(struct tcmsg));
	struct tcmsg *tcm = mnl_nlmsg_get_payload(msg);

	tcm->tcm_ifindex = link->ifindex;
	tcm->tcm_handle = qdisc->handle;
	tcm->tcm_parent = qdisc->parent;
	mnl_attr_put_strz(msg, TCA_KIND, qdisc->kind);
	/* Some kinds insist on the flag, though they dump without; none minds it. */
	if (qdisc->options.present)
		mnl_attr_put(msg, TCA_OPTIONS | NLA_F_NESTED, qdisc->options.len,
			     qdisc->options.data);
	return msg;
}

/* "FQ_CODEL" of "fq_codel": as Kconfig and so distributions call it. */
static char *upper(const char *kind, char *buf)
{
	size_t i;

	for (i = 0; kind[i] && i < IFNAMSIZ - 1; i++)
		buf[i] = (char)toupper((unsigned char)kind[i]);
	buf[i] = '\0';
	return buf;
}

static int put_failed(const struct qos_nl *nl, const struct qos_link_info *link,
		      const struct qos_qdisc *qdisc, struct qos_diags *diags, int error)
{
	char parent[QOS_TC_HANDLE_LEN], config[IFNAMSIZ];

	/* qdisc_create() in net/sched/sch_api.c, after it tried to load the module. */
	if (error == -ENOENT && qdisc->parent == TC_H_ROOT && diags) {
		qos_diag(diags, QOS_UNSUPPORTED, "cannot create %s on %s: %s", qdisc->kind,
			 link->name, qos_nl_said(nl));
		qos_diag_hint(diags,
			      "try 'modprobe sch_%s'; else a kernel with CONFIG_NET_SCH_%s "
			      "is needed",
			      qdisc->kind, upper(qdisc->kind, config));
		return error;
	}
	if (qdisc->parent == TC_H_ROOT)
		return qos_nl_fail(nl, diags, error, "cannot create %s on %s", qdisc->kind,
				   link->name);
	return qos_nl_fail(nl, diags, error, "cannot create %s at %s of %s", qdisc->kind,
			   qos_tc_handle_text(qdisc->parent, parent), link->name);
}

int qos_qdisc_put(struct qos_nl *nl, const struct qos_link_info *link,
		  const struct qos_qdisc *qdisc, struct qos_diags *diags)
{
	struct nlmsghdr *msg;
	int r;

	msg = new_message(nl, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, link, qdisc);
	r = qos_nl_request(nl, msg);
	if (r < 0)
		return put_failed(nl, link, qdisc, diags, r);
	return 0;
}

int qos_class_put(struct qos_nl *nl, const struct qos_link_info *link,
		  const struct qos_qdisc *class, struct qos_diags *diags)
{
	char handle[QOS_TC_HANDLE_LEN];
	struct nlmsghdr *msg;
	int r;

	msg = new_message(nl, RTM_NEWTCLASS, NLM_F_CREATE, link, class);
	r = qos_nl_request(nl, msg);
	if (r < 0)
		return qos_nl_fail(nl, diags, r, "cannot create class %s of %s on %s",
				   qos_tc_handle_text(class->handle, handle), class->kind,
				   link->name);
	return 0;
}

int qos_qdisc_delete(struct qos_nl *nl, const struct qos_link_info *link, uint32_t parent,
		     struct qos_diags *diags)
{
	struct nlmsghdr *msg = qos_nl_message(nl, RTM_DELQDISC, 0, sizeof(struct tcmsg));
	struct tcmsg *tcm = mnl_nlmsg_get_payload(msg);
	char text[QOS_TC_HANDLE_LEN];
	int r;

	tcm->tcm_ifindex = link->ifindex;
	tcm->tcm_parent = parent;
	/* -ENOENT: none, or "Cannot delete qdisc with handle of zero", which is the
	 * kernel's default (tc_get_qdisc() in net/sched/sch_api.c).
	 */
	r = qos_nl_request(nl, msg);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return qos_nl_fail(nl, diags, r, "cannot delete the %s qdisc of %s",
				   qos_tc_handle_text(parent, text), link->name);
	return 0;
}

char *qos_tc_handle_text(uint32_t handle, char *buf)
{
	uint32_t major = TC_H_MAJ(handle) >> 16, minor = TC_H_MIN(handle);

	if (handle == TC_H_ROOT)
		snprintf(buf, QOS_TC_HANDLE_LEN, "root");
	else if (handle == TC_H_CLSACT)
		snprintf(buf, QOS_TC_HANDLE_LEN, "clsact");
	else if (minor)
		snprintf(buf, QOS_TC_HANDLE_LEN, "%x:%x", major, minor);
	else
		snprintf(buf, QOS_TC_HANDLE_LEN, "%x:", major);
	return buf;
}
