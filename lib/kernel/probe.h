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
 * fq, bands. police: fq is not needed. Touches no interface that exists. -ENOMEM.
 */
int qos_probe_system(bool police, json_t *checks);

/* What the caller knows of an interface that it asks about. */
struct qos_probe_known {
	bool shaped;			 /* a policy is in force: what follows has to be so */
	bool fq;			 /* in mode fq */
	bool filter;			 /* our filter is there, with the right program */
	const struct qos_device *device; /* null: it looks at the interface alone */
};

/*
 * Append the interface's: link, qdisc (of a bond one for each slave), filter,
 * others, offloads and, where a policy is in force, gso, clocks and fq.
 */
int qos_probe_link(struct qos_nl *nl, const struct qos_link_info *link,
		   const struct qos_probe_known *known, struct qos_diags *diags, json_t *checks);

/* Append gso: whether the classes in force can wait for the packets that the stack builds. */
int qos_probe_gso(const struct qos_link_info *link, const json_t *state, json_t *checks);

/* Append gso, clocks, cgroups and, in mode fq, fq: of what runs on the device. */
int qos_probe_running(const struct qos_device *device, bool fq, struct qos_diags *diags,
		      json_t *checks);
/* Append clocks: whether a class has to wait longer than it can have queued. */
int qos_probe_clocks(const struct qos_bpf *bpf, json_t *checks);
/* Append fq: what it dropped itself. */
int qos_probe_fq_drops(const struct qos_device *device, struct qos_diags *diags, json_t *checks);

/* Append cgroups, where rules ask for some: which are not there, or not matched. */
int qos_probe_cgroups(const struct qos_bpf *bpf, json_t *checks);

/* Append offloads: what can leave and is never seen. */
int qos_probe_offloads(const struct qos_link_info *link, json_t *checks);
/* The same of what was found: hw-tc-offload, a program of XDP. */
int qos_probe_say_offloads(bool hardware, bool xdp, json_t *checks);
/* Whether a feature of a device (ethtool -k, its own name) is on: 1 or 0. -ENOENT, -errno. */
int qos_probe_feature(const char *ifname, const char *name);

/* The policy that was applied, read again. */
struct qos_probe_file {
	const char *path, *applied;	    /* when: "2026-11-22T11:02:27Z" */
	const char *ifname;		    /* where it is in force */
	const char *other;		    /* which interface it names, where not that one */
	int error;			    /* of reading or planning it, else 0 and */
	const char *changes;		    /* what apply would change, a line each */
	bool read;			    /* its text is the one that was applied */
	bool judged;			    /* it is known who can write it: */
	const char *writers, *writers_hint; /* null: only root */
};

/* Append policy and, where it was judged, writers. */
int qos_probe_file(const struct qos_probe_file *file, json_t *checks);
/* Append schedules; state: "installed", "not installed" or "out of date". */
int qos_probe_schedules(const char *ifname, const char *state, json_t *checks);
/* The same where cron begins schedules that there are not; why: "the policy has none". */
int qos_probe_stray_jobs(const char *ifname, const char *why, json_t *checks);
/* Whether others could write what cron runs for it. */
int qos_probe_crontab(const char *ifname, struct qos_diags *diags, json_t *checks);

#endif
