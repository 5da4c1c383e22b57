/* SPDX-License-Identifier: GPL-2.0-only */
/* The cgroups that rules ask for: what classifies reads and what follows their making writes. */
#ifndef QOS_CGROUPS_H
#define QOS_CGROUPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"

/* Ids of cgroups that rules name → set. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, __u32);
} qos_cgroups SEC(".maps");

/* The same by path, as the policy has it: no slash before, zeros behind. Those that do not exist
 * are here as well. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, char[QOS_CGROUP_NAME]);
	__type(value, __u32);
} qos_cgroup_path SEC(".maps");

#endif
