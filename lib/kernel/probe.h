/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What this kernel and an interface can do. Each check is a JSON object
 * {"name", "state": "ok"|"warn"|"fail", "text", "hint"?}.
 */
#ifndef QOS_KERNEL_PROBE_H
#define QOS_KERNEL_PROBE_H

#include <stdbool.h>

#include <jansson.h>

#include "kernel/device.h"

/*
 * Append the machine's checks: kernel, capabilities, bpf, jit, bpffs, clsact,
 * fq, bands. Touches no interface that exists. -ENOMEM.
 */
int qos_probe_system(json_t *checks);

/* What the caller knows of an interface that it asks about. */
struct qos_probe_known {
	bool shaped;			 /* a policy is in force: what follows has to be so */
	bool fq;			 /* in mode fq */
	bool filter;			 /* our filter is there, with the right program */
	const struct qos_device *device; /* null: it looks at the interface alone */
};

/*
 * Append the interface's: link, qdisc (of a bond one for each slave), filter,
 * others and, where a policy is in force, gso.
 */
int qos_probe_link(struct qos_nl *nl, const struct qos_link_info *link,
		   const struct qos_probe_known *known, struct qos_diags *diags, json_t *checks);

/* Append gso: whether the classes in force can wait for the packets that the stack builds. */
int qos_probe_gso(const struct qos_link_info *link, const json_t *state, json_t *checks);

#endif
