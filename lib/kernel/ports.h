/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where packets wait. An interface's own root qdisc holds them; a bond's do in
 * those of its slaves: one program on the bond, one tree and one set of clocks,
 * and an fq behind it wherever a packet may go. The time that the program wrote
 * arrives there: bond_dev_queue_xmit() (drivers/net/bonding/bond_main.c) changes
 * the packet's device and puts its queue_mapping back, and nothing between
 * sch_handle_egress() of the bond and the slave's enqueue() touches skb->tstamp.
 * So a slave is chosen before a packet waits, as without us, and a bond needs no
 * lock of its own (it has no queue: IFF_NO_QUEUE, lltx). What bonding itself
 * sends by a slave (LACP, ARP probes) has no time and goes at once.
 */
#ifndef QOS_KERNEL_PORTS_H
#define QOS_KERNEL_PORTS_H

#include "kernel/device.h"
#include "kernel/qdisc.h"

/* Of qos_device_open(): those of device->link. The slaves are locked with lock. */
int qos_ports_find(struct qos_device *device, const char *lock, struct qos_diags *diags);
void qos_ports_close(struct qos_device *device);

bool qos_link_is_bond(const struct qos_link_info *link);

/* -EBUSY with a diagnostic when two policies would count the same packets. */
int qos_ports_judge(const struct qos_device *device, struct qos_diags *diags);

/* As qos_qdisc_verify(), of all; *ret_why names the slave. */
int qos_ports_verify(const struct qos_device *device, const struct qos_fq_params *params,
		     struct qos_diags *diags, char **ret_why);
/* 1 when one of them has a qdisc of ours that is there for this device, else 0. */
int qos_ports_hold(const struct qos_device *device, struct qos_diags *diags);
/* The sum of qos_qdisc_stats(). */
int qos_ports_stats(const struct qos_device *device, struct qos_diags *diags,
		    struct qos_fq_stats *ret_stats);

#endif
