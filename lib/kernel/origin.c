/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/origin.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "kernel/gso.h"
#include "kernel/ports.h"
#include "kernel/state.h"

void qos_found_done(struct qos_found *found)
{
	for (size_t i = 0; found->ports && i < found->count; i++)
		qos_snapshot_free(found->ports[i]);
	free(found->ports);
	qos_snapshot_free(found->self);
	*found = (struct qos_found){ .ports = NULL };
}

int qos_found_take(const struct qos_device *device, struct qos_diags *diags,
		   struct qos_found *ret_found)
{
	_cleanup_(qos_found_done) struct qos_found found = { .ports = NULL };
	int r = 0;

	found.ports = calloc(device->port_count + 1, sizeof(struct qos_snapshot *));
	if (!found.ports)
		return -ENOMEM;
	if (qos_link_is_bond(&device->link))
		r = qos_snapshot_take(device->nl, &device->link, diags, &found.self);
	for (size_t i = 0; r == 0 && i < device->port_count; i++, found.count++)
		r = qos_snapshot_take(device->nl, &device->ports[i].link, diags, &found.ports[i]);
	if (r < 0)
		return r;
	*ret_found = (struct qos_found){ .count = found.count };
	ret_found->self = TAKE_PTR(found.self);
	ret_found->ports = TAKE_PTR(found.ports);
	return 0;
}

/* Of a slave by its number, or null. */
static json_t *slave_origin(const json_t *origin, int ifindex)
{
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(origin, "ports"), i, entry)
		if (json_integer_value(json_object_get(entry, "ifindex")) == ifindex)
			return json_object_get(entry, "origin");
	return NULL;
}

static const json_t *port_origin(const struct qos_device *device, const json_t *origin, size_t i)
{
	if (!qos_link_is_bond(&device->link))
		return origin;
	return slave_origin(origin, device->ports[i].link.ifindex);
}

/* Where somebody put a qdisc of his own since: that one. */
static int renew(const json_t *known, const struct qos_snapshot *now, json_t **ret_origin)
{
	_cleanup_(json_decrefp) json_t *origin = NULL;
	int r = qos_snapshot_to_json(now, &origin);

	if (r < 0)
		return r;
	if (json_object_set(origin, "clsact", json_object_get(known, "clsact")))
		return -ENOMEM;
	*ret_origin = TAKE_PTR(origin);
	return 0;
}

static int find_one(const struct qos_link_info *link, const json_t *known,
		    const struct qos_snapshot *now, struct qos_diags *diags, json_t **ret_origin)
{
	if (known && qos_qdisc_foreign(&now->qdiscs))
		return renew(known, now, ret_origin);
	if (known) {
		*ret_origin = json_copy((json_t *)known);
		return *ret_origin ? 0 : -ENOMEM;
	}
	if (qos_qdisc_is_ours(&now->qdiscs)) {
		/* program and pins were taken away, fq was not */
		qos_diag_warn(diags,
			      "what %s had before qosctl is not known any more; remove "
			      "will put back the kernel's default",
			      link->name);
		return qos_snapshot_to_json(&(struct qos_snapshot){ 0 }, ret_origin);
	}
	return qos_snapshot_to_json(now, ret_origin);
}

static int find_slaves(const struct qos_device *device, const json_t *known,
		       const struct qos_found *found, struct qos_diags *diags, json_t *ports)
{
	for (size_t i = 0; i < device->port_count; i++) {
		const struct qos_link_info *link = &device->ports[i].link;
		json_t *one = NULL;
		int r = find_one(link, slave_origin(known, link->ifindex), found->ports[i], diags,
				 &one);

		if (r < 0)
			return r;
		if (json_array_append_new(ports, json_pack("{s:i, s:o}", "ifindex", link->ifindex,
							   "origin", one)))
			return -ENOMEM;
	}
	return 0;
}

int qos_origin_find(const struct qos_device *device, const struct qos_found *found,
		    struct qos_diags *diags, json_t **ret_origin)
{
	_cleanup_(json_decrefp) json_t *origin = NULL, *ports = json_array();
	const struct qos_bpf *program = qos_device_known(device);
	const json_t *known = program ? qos_state_origin(program->state) : NULL;
	struct qos_gso_sizes gso = qos_gso_theirs(device);
	bool bond = qos_link_is_bond(&device->link);
	int r = find_one(&device->link, known, bond ? found->self : found->ports[0], diags,
			 &origin);

	if (r == 0 && bond)
		r = find_slaves(device, known, found, diags, ports);
	if (r < 0)
		return r;
	if (json_object_set_new(origin, "gso_max_size", json_integer(gso.size)) ||
	    json_object_set_new(origin, "gso_ipv4_max_size", json_integer(gso.ipv4)) ||
	    (bond && json_object_set(origin, "ports", ports)))
		return -ENOMEM;
	*ret_origin = TAKE_PTR(origin);
	return 0;
}

/* A root that somebody else put there since is theirs. */
static int restore_one(struct qos_nl *nl, const struct qos_link_info *link, const json_t *origin,
		       struct qos_diags *diags)
{
	_cleanup_(qos_snapshot_freep) struct qos_snapshot *snapshot = NULL;
	_cleanup_(qos_qdiscs_done) struct qos_qdiscs now = { 0 };
	int r = qos_qdiscs_get(nl, link, diags, &now);

	if (r < 0 || !qos_qdisc_is_ours(&now))
		return r;
	if (!origin)
		return qos_qdisc_delete(nl, link, TC_H_ROOT, diags);
	r = qos_snapshot_from_json(origin, &snapshot);
	return r < 0 ? r : qos_snapshot_restore(nl, link, snapshot, diags);
}

static bool is_port(const struct qos_device *device, int ifindex)
{
	for (size_t i = 0; i < device->port_count; i++)
		if (device->ports[i].link.ifindex == ifindex)
			return true;
	return false;
}

/* One that left the bond, unless our fq serves another policy there by now. */
static int release_one(const struct qos_device *device, int ifindex, const json_t *origin,
		       struct qos_diags *diags)
{
	struct qos_link_info link, master;
	int r = qos_link_get_index(device->nl, ifindex, diags, &link);

	if (r < 0)
		return r == -ENODEV ? 0 : r;
	r = qos_device_has_filter(device->nl, &link, diags);
	if (r == 0 && link.master &&
	    qos_link_get_index(device->nl, link.master, NULL, &master) == 0)
		r = qos_device_has_filter(device->nl, &master, diags);
	if (r != 0)
		return r < 0 ? r : 0;
	return restore_one(device->nl, &link, origin, diags);
}

int qos_origin_release(const struct qos_device *device, const json_t *origin,
		       struct qos_diags *diags)
{
	int error = 0;
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(origin, "ports"), i, entry) {
		int ifindex = (int)json_integer_value(json_object_get(entry, "ifindex")), r;

		if (is_port(device, ifindex))
			continue;
		r = release_one(device, ifindex, json_object_get(entry, "origin"), diags);
		if (error == 0)
			error = r;
	}
	return error;
}

int qos_origin_restore(const struct qos_device *device, const json_t *origin,
		       struct qos_diags *diags)
{
	int error = qos_origin_release(device, origin, diags);

	/* of a slave of a shaped bond the bond's */
	for (size_t i = 0; i < device->port_count && !device->master_shaped; i++) {
		int r;

		if (device->ports[i].shaped)
			continue;
		r = restore_one(device->nl, &device->ports[i].link, port_origin(device, origin, i),
				diags);
		if (error == 0)
			error = r;
	}
	return error;
}
