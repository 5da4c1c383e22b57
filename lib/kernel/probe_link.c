/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every reason why traffic of an interface could pass unshaped. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/rtnetlink.h>

#include "compile/plan.h"
#include "kernel/check.h"
#include "kernel/clsact.h"
#include "kernel/ports.h"
#include "kernel/probe.h"

/* Linux 6.6 ("bpf: Add fd-based tcx multi-prog infra with link support"), newer
 * than Debian 12's headers.
 */
#define BPF_TCX_EGRESS_ 47

static int probe_ports(const struct qos_link_info *link, const struct qos_probe_known *known,
		       json_t *checks)
{
	char slaves[256] = "";
	size_t len = 0;

	if (!strcmp(link->kind, "team"))
		return qos_check_add(checks, "link", QOS_CHECK_WARN,
				     "write a policy for each of its ports instead",
				     "%s is a team: its ports have queues of their own behind it",
				     link->name);
	for (size_t i = 0; i < known->device->port_count && len < sizeof(slaves); i++)
		len += (size_t)snprintf(slaves + len, sizeof(slaves) - len, "%s%s", i ? ", " : "",
					known->device->ports[i].link.name);
	if (!len)
		return qos_check_add(checks, "link", QOS_CHECK_WARN,
				     "apply again when it has: packets wait in their queues",
				     "bond, up, without a slave");
	return qos_check_add(checks, "link", QOS_CHECK_OK, NULL,
			     "bond, up: one policy for all that its slaves send: %s", slaves);
}

/* As compiled: skb_priority(). */
#define MAPPED ", its egress-qos-map goes by the class's priority (high 6, normal 0, low 2)"

static int probe_device(const struct qos_link_info *link, const struct qos_probe_known *known,
			json_t *checks)
{
	char master[IFNAMSIZ] = "", of[2 * IFNAMSIZ + 64] = "";

	if (link->master && if_indextoname((unsigned int)link->master, master))
		snprintf(of, sizeof(of), ", port of %s %s%s", link->master_kind, master,
			 known->device && known->device->master_shaped ? ", which is shaped" : "");

	if (!(link->flags & IFF_UP))
		return qos_check_add(checks, "link", QOS_CHECK_WARN, NULL,
				     "%s is down: the kernel sends nothing through it", link->name);
	if (!strcmp(link->kind, "team") || (qos_link_is_bond(link) && known->device))
		return probe_ports(link, known, checks);
	return qos_check_add(checks, "link", QOS_CHECK_OK, NULL, "%s%sup, %u transmit queue%s%s%s",
			     link->kind, link->kind[0] ? ", " : "", link->tx_queues,
			     link->tx_queues == 1 ? "" : "s", of,
			     link->maps_priority && known->shaped ? MAPPED : "");
}

/* of: the slave of a bond, "s0: "; else empty. */
static int probe_root(struct qos_nl *nl, const struct qos_link_info *link, const char *of,
		      struct qos_diags *diags, json_t *checks)
{
	_cleanup_(qos_qdiscs_done) struct qos_qdiscs qdiscs = { .items = NULL };
	_cleanup_(freep) char *other = NULL, *changed = NULL;
	struct qos_fq_params params;
	int r = qos_qdiscs_get(nl, link, diags, &qdiscs);

	qos_plan_fq(&params);
	if (r == 0)
		r = qos_qdiscs_verify(&qdiscs, link, NULL, &other);
	if (r == 0)
		r = qos_qdiscs_verify(&qdiscs, link, &params, &changed);
	if (r < 0)
		return r;
	if (other)
		return qos_check_add(checks, "qdisc", QOS_CHECK_FAIL,
				     *of ? "the slave is new, or somebody changed it: 'qosctl "
					   "apply' to the bond puts ours there" :
					   "somebody changed it: 'qosctl apply' puts ours back",
				     "%s%s: packets do not wait for their time", of, other);
	if (changed)
		return qos_check_add(checks, "qdisc", QOS_CHECK_WARN,
				     "somebody changed them: 'qosctl apply' puts ours back",
				     "%s%s: it may drop what classes let pass", of, changed);
	return qos_check_add(checks, "qdisc", QOS_CHECK_OK, NULL, "%s%s 7105: is in place", of,
			     link->tx_queues > 1 ? "mq" : "fq");
}

static int probe_slave(struct qos_nl *nl, const struct qos_port *port, struct qos_diags *diags,
		       json_t *checks)
{
	char of[IFNAMSIZ + 2];

	if (port->shaped)
		return qos_check_add(checks, "qdisc", QOS_CHECK_FAIL,
				     "remove one of the two policies",
				     "%s: the slave has a policy of its own: its packets are "
				     "counted twice",
				     port->link.name);
	snprintf(of, sizeof(of), "%s: ", port->link.name);
	return probe_root(nl, &port->link, of, diags, checks);
}

/* The kernel's own, where no driver wants another. */
#define GSO_DEFAULT 65536

/* Filter and pins were taken away by hand; apply and remove know ours by its handle. */
static int probe_left(const struct qos_link_info *link, const struct qos_device *device,
		      struct qos_diags *diags, json_t *checks)
{
	char nor[96] = "",
	     hint[160] = "'qosctl remove' takes it away, 'qosctl apply' takes it over";
	size_t len = strlen(hint);
	int r = device && !device->attached ? qos_ports_hold(device, diags) : 0;

	if (r <= 0)
		return r;
	if (link->gso_max_size && link->gso_max_size < GSO_DEFAULT) {
		snprintf(nor, sizeof(nor),
			 ", nor whether the largest packets were larger than %u bytes",
			 link->gso_max_size);
		snprintf(hint + len, sizeof(hint) - len,
			 "; ip link set %s gso_max_size %u, if they were", link->name, GSO_DEFAULT);
	}
	return qos_check_add(checks, "qdisc", QOS_CHECK_WARN, hint,
			     "ours is left of a policy whose filter and pins were removed: "
			     "what was there before is not known any more%s",
			     nor);
}

static int probe_qdisc(struct qos_nl *nl, const struct qos_link_info *link,
		       const struct qos_probe_known *known, struct qos_diags *diags, json_t *checks)
{
	const struct qos_device *device = known->device;
	int r = 0;

	if (!known->shaped)
		return probe_left(link, device, diags, checks);
	if (!known->fq)
		return 0;
	if (!device || !qos_link_is_bond(link))
		return probe_root(nl, link, "", diags, checks);
	for (size_t i = 0; r == 0 && i < device->port_count; i++)
		r = probe_slave(nl, &device->ports[i], diags, checks);
	return r;
}

static int probe_lost_filter(struct qos_nl *nl, const struct qos_link_info *link,
			     struct qos_diags *diags, json_t *checks)
{
	int r = qos_clsact_is_there(nl, link, diags);

	if (r < 0)
		return r;
	return qos_check_add(checks, "filter", QOS_CHECK_FAIL,
			     r ? "somebody removed it: 'qosctl apply' puts it back" :
				 "somebody removed clsact: 'qosctl apply' puts both back",
			     r ? "ours is gone: nothing is shaped" :
				 "ours is gone, and clsact with it: nothing is shaped");
}

static int probe_filter(struct qos_nl *nl, const struct qos_link_info *link,
			const struct qos_probe_known *known, struct qos_diags *diags,
			json_t *checks)
{
	const struct qos_device *device = known->device;

	if (device && device->attached && !device->running)
		return qos_check_add(checks, "filter", QOS_CHECK_WARN,
				     "'qosctl apply' puts that of this version in its place",
				     "ours is in place, from another version of qosctl");
	if (!known->shaped && known->device && known->device->master_shaped)
		return qos_check_add(checks, "filter", QOS_CHECK_OK, NULL,
				     "that of its bond shapes what it sends");
	if (!known->shaped)
		return qos_check_add(checks, "filter", QOS_CHECK_OK, NULL,
				     "no policy is in force: nothing is shaped");
	if (!known->filter)
		return probe_lost_filter(nl, link, diags, checks);
	return qos_check_add(checks, "filter", QOS_CHECK_OK, NULL, "ours is in place");
}

static int probe_filter_before(const struct qos_filter *filter, json_t *checks)
{
	return qos_check_add(checks, "others", QOS_CHECK_WARN, NULL,
			     "%s filter %s%sat pref %u runs before ours: what it decides "
			     "passes unshaped",
			     filter->kind, filter->name, filter->name[0] ? " " : "", filter->pref);
}

/* A u32 filter is in the dump with its hash table, and one of several rules with each. */
static bool is_same(const struct qos_filter *filter, const struct qos_filter *before)
{
	return before && filter->pref == before->pref && !strcmp(filter->kind, before->kind) &&
	       !strcmp(filter->name, before->name);
}

/* What stands before us ends the run of filters with any verdict but "unspec". */
static int probe_filters_before(const struct qos_filters *filters, json_t *checks)
{
	const struct qos_filter *ours = qos_filters_ours(filters), *before = NULL;
	const struct qos_filter *other = qos_filters_in_the_way(filters);

	for (size_t i = 0; i < filters->count; i++) {
		const struct qos_filter *filter = &filters->items[i];
		int r;

		if (filter == ours)
			break;
		if (filter->chain || filter->pref > QOS_FILTER_PREF || is_same(filter, before) ||
		    is_same(filter, other))
			continue;
		before = filter;
		r = probe_filter_before(filter, checks);
		if (r < 0)
			return r;
	}
	if (!other)
		return 0;
	return qos_check_add(checks, "others", QOS_CHECK_FAIL, QOS_FILTER_MOVE,
			     "pref %d is taken by a %s filter: apply cannot put ours there",
			     QOS_FILTER_PREF, other->kind);
}

/* These run before all of clsact (sch_handle_egress() in net/core/dev.c).
 * Older kernels have none, and say EINVAL.
 */
static int probe_tcx(const struct qos_link_info *link, json_t *checks)
{
	__u32 count = 0, flags = 0;

	if (bpf_prog_query(link->ifindex, (enum bpf_attach_type)BPF_TCX_EGRESS_, 0, &flags, NULL,
			   &count) < 0 ||
	    !count)
		return 0;
	return qos_check_add(checks, "others", QOS_CHECK_WARN, "bpftool net show",
			     "%u tcx program%s on egress run before ours: what they decide passes "
			     "unshaped",
			     count, count == 1 ? "" : "s");
}

/* Kinds that hold packets back by a rate of their own. */
static int probe_foreign_root(struct qos_nl *nl, const struct qos_link_info *link,
			      const struct qos_probe_known *known, struct qos_diags *diags,
			      json_t *checks)
{
	static const char *const shapers[] = { "htb", "hfsc", "tbf", "cake", "cbq", "netem" };
	_cleanup_(qos_qdiscs_done) struct qos_qdiscs qdiscs = { .items = NULL };
	int r;

	r = qos_qdiscs_get(nl, link, diags, &qdiscs);
	if (r < 0)
		return r;

	for (size_t i = 0; i < qdiscs.count; i++) {
		const struct qos_qdisc *qdisc = &qdiscs.items[i];

		for (size_t k = 0; k < ARRAY_SIZE(shapers); k++) {
			if (strcmp(qdisc->kind, shapers[k]) != 0)
				continue;
			return qos_check_add(checks, "others", QOS_CHECK_WARN, NULL,
					     "%s shapes it too%s", qdisc->kind,
					     known->shaped || qos_link_is_bond(link) ?
						     "" :
						     ": apply would replace it");
		}
	}
	return 0;
}

static int probe_others(struct qos_nl *nl, const struct qos_link_info *link,
			const struct qos_probe_known *known, struct qos_diags *diags,
			json_t *checks)
{
	_cleanup_(qos_filters_done) struct qos_filters filters = { .items = NULL };
	size_t before = json_array_size(checks);
	int r;

	r = qos_filters_get(nl, link, diags, &filters);
	if (r < 0)
		return r;
	r = probe_filters_before(&filters, checks);
	if (r < 0)
		return r;
	r = probe_tcx(link, checks);
	if (r < 0)
		return r;
	r = probe_foreign_root(nl, link, known, diags, checks);
	if (r < 0)
		return r;

	if (json_array_size(checks) == before)
		return qos_check_add(checks, "others", QOS_CHECK_OK, NULL,
				     "nobody else shapes what it sends");
	return 0;
}

int qos_probe_link(struct qos_nl *nl, const struct qos_link_info *link,
		   const struct qos_probe_known *known, struct qos_diags *diags, json_t *checks)
{
	int r;

	r = probe_device(link, known, checks);
	if (r < 0)
		return r;
	r = probe_qdisc(nl, link, known, diags, checks);
	if (r < 0)
		return r;
	r = probe_filter(nl, link, known, diags, checks);
	if (r < 0)
		return r;
	r = probe_others(nl, link, known, diags, checks);
	if (r < 0)
		return r;
	r = qos_probe_offloads(link, checks);
	if (r < 0 || !known->filter || !known->device)
		return r;
	return qos_probe_running(known->device, known->fq, diags, checks);
}
