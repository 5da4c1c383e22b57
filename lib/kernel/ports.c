/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/ports.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/lock.h"

bool qos_link_is_bond(const struct qos_link_info *link)
{
	return strcmp(link->kind, "bond") == 0;
}

void qos_ports_close(struct qos_device *device)
{
	for (size_t i = 0; i < device->port_count; i++)
		closep(&device->ports[i].lock_fd);
	free(device->ports);
	device->ports = NULL;
	device->port_count = 0;
}

/* Who applies to a slave locks it and then looks at its bond, so the bond's
 * apply, which locks them all, and that one do not miss each other.
 */
static int add_slave(struct qos_device *device, const struct qos_link_info *link, const char *lock,
		     struct qos_diags *diags)
{
	struct qos_port *port = &device->ports[device->port_count];
	int r;

	*port = (struct qos_port){ .link = *link, .lock_fd = -1 };
	if (lock) {
		r = qos_lock_take(link->name, lock, diags, &port->lock_fd);
		if (r < 0)
			return r;
	}
	device->port_count++;
	r = qos_device_has_filter(device->nl, link, diags);
	port->shaped = r > 0;
	return r < 0 ? r : 0;
}

static int find_slaves(struct qos_device *device, const char *lock, struct qos_diags *diags)
{
	_cleanup_(freep) struct qos_link_info *links = NULL;
	size_t count = 0;
	int r = qos_link_list(device->nl, diags, &links, &count);

	if (r < 0)
		return r;
	device->ports = calloc(count + 1, sizeof(*device->ports));
	if (!device->ports)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (links[i].master != device->link.ifindex)
			continue;
		r = add_slave(device, &links[i], lock, diags);
		if (r < 0)
			return r;
	}
	return 0;
}

static int find_master(struct qos_device *device, struct qos_diags *diags)
{
	struct qos_link_info master;
	int r;

	if (!device->link.master || strcmp(device->link.master_kind, "bond") != 0)
		return 0;
	r = qos_link_get_index(device->nl, device->link.master, diags, &master);
	if (r == 0)
		r = qos_device_has_filter(device->nl, &master, diags);
	device->master_shaped = r > 0;
	return r < 0 && r != -ENODEV ? r : 0;
}

int qos_ports_find(struct qos_device *device, const char *lock, struct qos_diags *diags)
{
	if (qos_link_is_bond(&device->link))
		return find_slaves(device, lock, diags);
	device->ports = calloc(1, sizeof(*device->ports));
	if (!device->ports)
		return -ENOMEM;
	device->ports[0] = (struct qos_port){ .link = device->link, .lock_fd = -1 };
	device->port_count = 1;
	return find_master(device, diags);
}

static int judge_slave(const struct qos_device *device, const struct qos_port *port,
		       struct qos_diags *diags)
{
	const char *bond = device->link.name, *slave = port->link.name;

	if (port->shaped) {
		qos_diag(diags, QOS_FAILED,
			 "%s is a slave of %s and has a policy of its own in force: its packets "
			 "would be counted twice",
			 slave, bond);
		qos_diag_hint(diags, "qosctl remove %s, then apply %s again", slave, bond);
		return -EBUSY;
	}
	if (qos_link_is_bond(&port->link)) {
		qos_diag(diags, QOS_FAILED, "%s, a slave of %s, is a bond itself", slave, bond);
		qos_diag_hint(diags, "write the policy for %s, the one with the real slaves",
			      slave);
		return -EBUSY;
	}
	return 0;
}

int qos_ports_judge(const struct qos_device *device, struct qos_diags *diags)
{
	char bond[IFNAMSIZ] = "its bond";

	if (device->master_shaped) {
		if_indextoname((unsigned int)device->link.master, bond);
		qos_diag(diags, QOS_FAILED,
			 "%s is a slave of %s, whose policy shapes what all of its slaves send",
			 device->link.name, bond);
		qos_diag_hint(diags,
			      "put it into the policy of %s; or, to shape the slaves one by one: "
			      "qosctl remove %s",
			      bond, bond);
		return -EBUSY;
	}
	for (size_t i = 0; qos_link_is_bond(&device->link) && i < device->port_count; i++) {
		int r = judge_slave(device, &device->ports[i], diags);

		if (r < 0)
			return r;
	}
	return 0;
}

int qos_ports_verify(const struct qos_device *device, const struct qos_fq_params *params,
		     struct qos_diags *diags, char **ret_why)
{
	for (size_t i = 0; i < device->port_count; i++) {
		const struct qos_link_info *link = &device->ports[i].link;
		_cleanup_(freep) char *why = NULL;
		int r = qos_qdisc_verify(device->nl, link, params, diags, &why);

		if (r < 0)
			return r;
		if (!why)
			continue;
		if (link->ifindex == device->link.ifindex)
			*ret_why = TAKE_PTR(why);
		else if (asprintf(ret_why, "%s: %s", link->name, why) < 0)
			return -ENOMEM;
		return 0;
	}
	*ret_why = NULL;
	return 0;
}

int qos_ports_hold(const struct qos_device *device, struct qos_diags *diags)
{
	for (size_t i = 0; i < device->port_count && !device->master_shaped; i++) {
		_cleanup_(qos_qdiscs_done) struct qos_qdiscs qdiscs = { 0 };
		int r;

		if (device->ports[i].shaped)
			continue;
		r = qos_qdiscs_get(device->nl, &device->ports[i].link, diags, &qdiscs);
		if (r < 0)
			return r;
		if (qos_qdisc_is_ours(&qdiscs))
			return 1;
	}
	return 0;
}

static void add_stats(const struct qos_fq_stats *one, struct qos_fq_stats *sum)
{
	sum->drops += one->drops;
	sum->drops_flow_limit += one->drops_flow_limit;
	sum->drops_horizon += one->drops_horizon;
	for (size_t i = 0; i < ARRAY_SIZE(sum->drops_band); i++)
		sum->drops_band[i] += one->drops_band[i];
	sum->throttled += one->throttled;
	sum->flows += one->flows;
	sum->throttled_flows += one->throttled_flows;
	sum->qlen += one->qlen;
	sum->backlog += one->backlog;
}

int qos_ports_stats(const struct qos_device *device, struct qos_diags *diags,
		    struct qos_fq_stats *ret_stats)
{
	struct qos_fq_stats sum = { 0 };

	for (size_t i = 0; i < device->port_count; i++) {
		struct qos_fq_stats one;
		int r = qos_qdisc_stats(device->nl, &device->ports[i].link, diags, &one);

		if (r < 0)
			return r;
		add_stats(&one, &sum);
	}
	*ret_stats = sum;
	return 0;
}
