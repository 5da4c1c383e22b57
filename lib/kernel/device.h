/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An interface and what of ours is on it. */
#ifndef QOS_KERNEL_DEVICE_H
#define QOS_KERNEL_DEVICE_H

#include "kernel/bpf.h"
#include "kernel/clsact.h"

/* Whose root qdisc holds what the interface sends: itself or, of a bond, each slave. */
struct qos_port {
	struct qos_link_info link;
	int lock_fd; /* of a slave, while it is locked; else -1 */
	bool shaped; /* a slave that has a filter of ours of its own */
};

struct qos_device {
	struct qos_nl *nl;
	struct qos_link_info link;
	int lock_fd;
	struct qos_port *ports; /* see ports.h */
	size_t port_count;
	bool master_shaped; /* it is a slave of a bond that has our filter */
	char *pin_dir;	    /* null: no bpffs */
	bool attached;	    /* our filter is on it … */
	int prog_fd;	    /* … with a program, whatever its ABI; else -1 */
	uint16_t pref;
	struct qos_bpf *running; /* that, or null when its ABI is not ours */
	struct qos_bpf *pinned;	 /* without a filter: the last program, from its pin */
};

/*
 * Look at an interface and its ports. lock: who is going to change it ("qosctl
 * apply"), or null to look only; the locks are held until qos_device_close(). To look
 * only is to see "show" of the document too (see state.h).
 */
int qos_device_open(const char *ifname, const char *lock, struct qos_diags *diags,
		    struct qos_device **ret_device);
void qos_device_close(struct qos_device *device);
DEFINE_CLEANUP(struct qos_device *, qos_device_closep, qos_device_close)

/* The program that is, or last was, in force: running, pinned, or null. */
const struct qos_bpf *qos_device_known(const struct qos_device *device);

/* -ENOENT with a diagnostic when no program of ours is there that we can read. */
int qos_device_expect_running(const struct qos_device *device, struct qos_diags *diags);

/* 1 when a filter of ours is on an interface, else 0. */
int qos_device_has_filter(struct qos_nl *nl, const struct qos_link_info *link,
			  struct qos_diags *diags);
/*
 * Names of the interfaces here that have our filter; lost: and of those that lost it, but
 * not the pins of its program. The array's end is null.
 */
int qos_device_list(bool lost, struct qos_diags *diags, char ***ret_names);
void qos_device_list_free(char **names);

#endif
