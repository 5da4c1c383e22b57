/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "base/names.h"

/* Linux 6.3 ("net: add gso_ipv4_max_size and gro_ipv4_max_size per device"),
 * newer than Debian 12's headers.
 */
#define IFLA_GSO_IPV4_MAX_SIZE_ 63
#define IFLA_LAST		IFLA_GSO_IPV4_MAX_SIZE_

struct attrs {
	const struct nlattr *tb[IFLA_LAST + 1];
};

static int take_attr(const struct nlattr *attr, void *data)
{
	struct attrs *attrs = data;
	uint16_t type = mnl_attr_get_type(attr);

	if (type <= IFLA_LAST)
		attrs->tb[type] = attr;
	return MNL_CB_OK;
}

static uint32_t attr_u32(const struct nlattr *attr)
{
	return attr && mnl_attr_validate(attr, MNL_TYPE_U32) >= 0 ? mnl_attr_get_u32(attr) : 0;
}

static void attr_name(const struct nlattr *attr, char *ret_name)
{
	if (attr && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
		snprintf(ret_name, IFNAMSIZ, "%.*s", IFNAMSIZ - 1, mnl_attr_get_str(attr));
}

static bool has_egress_map(const struct nlattr *data)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, data) {
		if (mnl_attr_get_type(attr) == IFLA_VLAN_EGRESS_QOS)
			return mnl_attr_get_payload_len(attr) > 0;
	}
	return false;
}

static void parse_kinds(const struct nlattr *linkinfo, struct qos_link_info *link)
{
	const struct nlattr *attr;

	if (!linkinfo)
		return;
	mnl_attr_for_each_nested(attr, linkinfo) {
		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
			attr_name(attr, link->kind);
		else if (mnl_attr_get_type(attr) == IFLA_INFO_DATA && !strcmp(link->kind, "vlan"))
			link->maps_priority = has_egress_map(attr);
		else if (mnl_attr_get_type(attr) == IFLA_INFO_SLAVE_KIND)
			attr_name(attr, link->master_kind);
	}
}

static int parse_link(const struct nlmsghdr *msg, struct qos_link_info *ret_link)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(msg);
	struct qos_link_info link = { .ifindex = 0 };
	struct attrs attrs = { .tb = { NULL } };

	if (msg->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(msg) < sizeof(*info))
		return -EBADMSG;
	mnl_attr_parse(msg, sizeof(*info), take_attr, &attrs);

	link.ifindex = info->ifi_index;
	link.type = info->ifi_type;
	link.flags = info->ifi_flags;
	attr_name(attrs.tb[IFLA_IFNAME], link.name);
	parse_kinds(attrs.tb[IFLA_LINKINFO], &link);
	link.mtu = attr_u32(attrs.tb[IFLA_MTU]);
	link.tx_queues = attr_u32(attrs.tb[IFLA_NUM_TX_QUEUES]);
	if (!link.tx_queues)
		link.tx_queues = 1;
	link.hardware = attrs.tb[IFLA_PARENT_DEV_NAME];
	link.master = (int)attr_u32(attrs.tb[IFLA_MASTER]);
	link.gso_max_size = attr_u32(attrs.tb[IFLA_GSO_MAX_SIZE]);
	link.tso_max_size = attr_u32(attrs.tb[IFLA_TSO_MAX_SIZE]);
	link.gso_ipv4_max_size = attr_u32(attrs.tb[IFLA_GSO_IPV4_MAX_SIZE_]);

	*ret_link = link;
	return 0;
}

int qos_link_list(struct qos_nl *nl, struct qos_diags *diags, struct qos_link_info **ret_links,
		  size_t *ret_count)
{
	struct nlmsghdr *msg = qos_nl_message(nl, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	_cleanup_(qos_nl_dump_done) struct qos_nl_dump dump = { .data = NULL };
	_cleanup_(freep) struct qos_link_info *links = NULL;
	const struct nlmsghdr *answer;
	size_t count = 0;
	int left, r;

	r = qos_nl_dump(nl, msg, &dump);
	if (r < 0)
		return qos_nl_fail(nl, diags, r, "cannot list the network interfaces");

	qos_nl_dump_for_each(answer, left, &dump)
		count++;
	links = calloc(count + 1, sizeof(*links));
	if (!links)
		return -ENOMEM;

	count = 0;
	qos_nl_dump_for_each(answer, left, &dump)
		if (parse_link(answer, &links[count]) == 0)
			count++;

	*ret_links = TAKE_PTR(links);
	*ret_count = count;
	return 0;
}

/* The nearest name if there is one, else all that fit a line. */
static void hint_links(struct qos_nl *nl, const char *ifname, struct qos_diags *diags)
{
	_cleanup_(freep) struct qos_link_info *links = NULL;
	_cleanup_(freep) const char **names = NULL;
	char text[256] = "";
	const char *nearest;
	size_t count = 0, len = 0;

	if (qos_link_list(nl, NULL, &links, &count) < 0)
		return;
	names = calloc(count + 1, sizeof(*names));
	if (!names)
		return;

	for (size_t i = 0; i < count; i++) {
		names[i] = links[i].name;
		if (len < sizeof(text))
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
						i ? ", " : "", names[i]);
	}

	nearest = qos_nearest(ifname, names, count);
	if (nearest)
		qos_diag_hint(diags, "did you mean %s?", nearest);
	else if (len >= sizeof(text))
		qos_diag_hint(diags, "there are %zu interfaces here: see 'ip link'", count);
	else
		qos_diag_hint(diags, "the interfaces here are: %s", text);
}

int qos_link_get(struct qos_nl *nl, const char *ifname, struct qos_diags *diags,
		 struct qos_link_info *ret_link)
{
	struct qos_link_info link;
	const struct nlmsghdr *answer;
	struct nlmsghdr *msg;
	int r;

	if (!qos_ifname_valid(ifname)) {
		qos_diag(diags, QOS_INVALID, "'%s' cannot be the name of an interface", ifname);
		return -EINVAL;
	}

	msg = qos_nl_message(nl, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(msg, IFLA_IFNAME, ifname);
	r = qos_nl_get(nl, msg, &answer);
	if (r == -ENODEV) {
		qos_diag(diags, QOS_FAILED, "there is no interface %s", ifname);
		hint_links(nl, ifname, diags);
		return r;
	}
	if (r < 0)
		return qos_nl_fail(nl, diags, r, "cannot look up %s", ifname);

	r = parse_link(answer, &link);
	if (r < 0)
		return qos_nl_fail(nl, diags, r, "cannot look up %s", ifname);
	/* The kernel finds alternative names too (ip-link(8) property altname); what
	 * we call things after must be the one name.
	 */
	if (strcmp(link.name, ifname) != 0) {
		qos_diag(diags, QOS_INVALID, "%s is another name of %s", ifname, link.name);
		qos_diag_hint(diags, "use %s", link.name);
		return -EINVAL;
	}

	*ret_link = link;
	return 0;
}

int qos_link_get_index(struct qos_nl *nl, int ifindex, struct qos_diags *diags,
		       struct qos_link_info *ret_link)
{
	struct nlmsghdr *msg = qos_nl_message(nl, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	struct ifinfomsg *info = mnl_nlmsg_get_payload(msg);
	const struct nlmsghdr *answer;
	int r;

	info->ifi_index = ifindex;
	r = qos_nl_get(nl, msg, &answer);
	if (r == 0)
		r = parse_link(answer, ret_link);
	if (r < 0 && r != -ENODEV)
		return qos_nl_fail(nl, diags, r, "cannot look up interface %d", ifindex);
	return r;
}

static int set_gso_failed(const struct qos_nl *nl, const struct qos_link_info *link,
			  uint32_t max_size, struct qos_diags *diags, int error)
{
	qos_nl_fail(nl, diags, error, "cannot set gso_max_size %u on %s", max_size, link->name);
	if (link->tso_max_size && max_size > link->tso_max_size)
		qos_diag_hint(diags, "%s takes %u bytes at most", link->name, link->tso_max_size);
	return error;
}

int qos_link_set_gso(struct qos_nl *nl, const struct qos_link_info *link, uint32_t max_size,
		     uint32_t ipv4_max_size, struct qos_diags *diags)
{
	struct nlmsghdr *msg = qos_nl_message(nl, RTM_SETLINK, 0, sizeof(struct ifinfomsg));
	struct ifinfomsg *info = mnl_nlmsg_get_payload(msg);
	int r;

	info->ifi_index = link->ifindex;
	mnl_attr_put_u32(msg, IFLA_GSO_MAX_SIZE, max_size);
	/* Setting the first sets the second too (netif_set_gso_max_size(), Linux
	 * 6.3), and this one after it (do_setlink()): one message does for both.
	 */
	if (ipv4_max_size)
		mnl_attr_put_u32(msg, IFLA_GSO_IPV4_MAX_SIZE_, ipv4_max_size);

	r = qos_nl_request(nl, msg);
	return r < 0 ? set_gso_failed(nl, link, max_size, diags, r) : 0;
}
