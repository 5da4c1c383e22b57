/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The network devices of this network namespace. */
#ifndef QOS_KERNEL_LINK_H
#define QOS_KERNEL_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <net/if.h>

#include "kernel/nl.h"

struct qos_link_info {
	int ifindex;
	char name[IFNAMSIZ];
	char kind[IFNAMSIZ]; /* "veth", "bond" …; empty: hardware */
	uint16_t type;	     /* ARPHRD_… */
	uint32_t flags;	     /* IFF_… */
	uint32_t mtu;
	uint32_t tx_queues;	    /* allocated, at least 1 */
	int master;		    /* ifindex, or 0 */
	char master_kind[IFNAMSIZ]; /* "bond", "bridge" …, or empty */
	uint32_t gso_max_size;	    /* bytes */
	uint32_t gso_ipv4_max_size; /* bytes; 0: the kernel (before 6.3) has none apart */
	uint32_t tso_max_size;	    /* bytes; the most that either can be */
	bool maps_priority;	    /* a VLAN's egress-qos-map has entries */
	bool hardware;		    /* on a bus: no packet comes back from it to this host */
};

/* By name. -ENODEV with the interfaces that exist as hint. */
int qos_link_get(struct qos_nl *nl, const char *ifname, struct qos_diags *diags,
		 struct qos_link_info *ret_link);
/* By number. -ENODEV, and no diagnostic, when there is none. */
int qos_link_get_index(struct qos_nl *nl, int ifindex, struct qos_diags *diags,
		       struct qos_link_info *ret_link);
/* All, in the kernel's order. The array is the caller's, for free(). */
int qos_link_list(struct qos_nl *nl, struct qos_diags *diags, struct qos_link_info **ret_links,
		  size_t *ret_count);
/* Largest GSO packets the stack builds for the device, in bytes; ipv4 0: leave that one. */
int qos_link_set_gso(struct qos_nl *nl, const struct qos_link_info *link, uint32_t max_size,
		     uint32_t ipv4_max_size, struct qos_diags *diags);

#endif
