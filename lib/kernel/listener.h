/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One who listens to a program that shapes: kern/monitor.bpf.c at the exit of its qos_shape(),
 * for as long as this is there. The kernel takes it off when the process ends.
 */
#ifndef QOS_KERNEL_LISTENER_H
#define QOS_KERNEL_LISTENER_H

#include "kernel/device.h"

/* What reading the program's own BTF takes, and is enough for a ring and a program too. */
#define QOS_LISTENER_NEEDS "this needs root (CAP_SYS_ADMIN, which includes CAP_BPF and CAP_PERFMON)"

/* Where struct facts of the program has what; its own BTF says so, whatever version made it. */
struct qos_facts_layout {
	uint32_t size;
	uint32_t key, sport, dport, dscp, ecn, src, dst;
	uint32_t verdict; /* and of a drop or a mark: */
	uint32_t lead;	  /* ns that it waits, or would */
	uint32_t sample;  /* segments and bytes, two words */
};

struct qos_listener {
	uint32_t id, prog_id;
	char ifname[IFNAMSIZ];
	bool police;
	struct qos_facts_layout layout;
	json_t *state;		/* of the program */
	const json_t **classes; /* its, by slot */
	uint32_t capacity;
	struct monitor_bpf *skel; /* null: not any more */
	uint64_t lost;		  /* events, of which was told */
};

/*
 * Listen to what runs on a device, events going to a ring with id in them. expect_class: that the
 * filter's class is there. -EOPNOTSUPP where the kernel cannot.
 */
int qos_listener_new(const struct qos_device *device, const struct qos_monitor_filter *filter,
		     bool expect_class, int ring_fd, uint32_t id, struct qos_diags *diags,
		     struct qos_listener **ret_listener);
/* Off the program; what came before can still be read. */
void qos_listener_stop(struct qos_listener *listener);
/* Events that found no room, since the last call. */
uint64_t qos_listener_take_lost(struct qos_listener *listener);
void qos_listener_free(struct qos_listener *listener);
DEFINE_CLEANUP(struct qos_listener *, qos_listener_freep, qos_listener_free)

/* An event as qos_monitor_wait() hands it over. Null when out of memory. */
json_t *qos_listener_event(const struct qos_listener *listener, const struct qos_event *event);
/* Something else that is to be told of an interface. */
json_t *qos_listener_news(const char *ifname, const char *what, const char *key, uint64_t value);

#endif
