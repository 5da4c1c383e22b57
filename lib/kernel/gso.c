/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/gso.h"

#include "kernel/state.h"

static uint32_t origin_of(const json_t *state, const char *key)
{
	return (uint32_t)json_integer_value(json_object_get(qos_state_origin(state), key));
}

struct qos_gso_sizes qos_gso_theirs(const struct qos_device *device)
{
	const struct qos_bpf *known = qos_device_known(device);
	struct qos_gso_sizes gso = { device->link.gso_max_size, device->link.gso_ipv4_max_size };

	if (known && qos_state_set_gso(known->state, gso.size))
		gso.size = origin_of(known->state, "gso_max_size");
	if (known && qos_state_set_gso(known->state, gso.ipv4))
		gso.ipv4 = origin_of(known->state, "gso_ipv4_max_size");
	return gso;
}

/* IPv4's may be less, where it was before. */
bool qos_gso_in_force(const struct qos_device *device)
{
	const struct qos_bpf *known = qos_device_known(device);
	uint32_t ours = known ? qos_state_gso(known->state) : 0;

	return !ours ||
	       (device->link.gso_max_size == ours && device->link.gso_ipv4_max_size <= ours);
}

struct qos_gso_sizes qos_gso_wanted(const struct qos_device *device, const struct qos_plan *plan)
{
	struct qos_gso_sizes gso = qos_gso_theirs(device);
	bool lower = plan->policy->link.gso == QOS_GSO_AUTO;

	if (!plan->gso_max_size)
		return gso;
	gso.size = plan->gso_max_size;
	if (gso.ipv4 && (!lower || gso.ipv4 > gso.size))
		gso.ipv4 = gso.size;
	return gso;
}

int qos_gso_put(const struct qos_device *device, const struct qos_gso_sizes *gso,
		struct qos_diags *diags)
{
	if (device->link.gso_max_size == gso->size && device->link.gso_ipv4_max_size == gso->ipv4)
		return 0;
	return qos_link_set_gso(device->nl, &device->link, gso->size, gso->ipv4, diags);
}

void qos_gso_roll_back(const struct qos_device *device)
{
	qos_link_set_gso(device->nl, &device->link, device->link.gso_max_size,
			 device->link.gso_ipv4_max_size, NULL);
}
