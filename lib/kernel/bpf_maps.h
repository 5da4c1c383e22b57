/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The maps of a program by their ids. The kernel opens a map by its id only for
 * who has CAP_SYS_ADMIN; those that we made or that are pinned need no more than CAP_BPF.
 */
#ifndef QOS_KERNEL_BPF_MAPS_H
#define QOS_KERNEL_BPF_MAPS_H

#include <stddef.h>
#include <stdint.h>

#define QOS_BPF_MAPS_MAX 64 /* more than a program of ours has */

/* All zero: none. */
struct qos_bpf_maps {
	struct qos_bpf_map {
		uint32_t id;
		int fd;
	} of[QOS_BPF_MAPS_MAX];
	size_t count;
};

/* Know a map, by a descriptor of its own. -errno. */
int qos_bpf_maps_add(struct qos_bpf_maps *maps, int fd);
/* All that are pinned in dir; what cannot be opened is not known. */
void qos_bpf_maps_add_pinned(struct qos_bpf_maps *maps, const char *dir);
/* A descriptor, the caller's, of one that is known; else -ENOENT. */
int qos_bpf_maps_get(const struct qos_bpf_maps *maps, uint32_t id);
void qos_bpf_maps_done(struct qos_bpf_maps *maps);

#endif
