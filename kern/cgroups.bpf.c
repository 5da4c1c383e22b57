// SPDX-License-Identifier: GPL-2.0-only
/*
 * cgroups that are made after a policy was applied. Not on the path of packets: these two are on
 * the kernel's tracepoints and write what the program that shapes reads, so that a socket that
 * is the first in its cgroup is already known.
 */
#include "cgroups.h"

/* Parts of the kernel's own; where in them these are, its BTF says when it is loaded. */
struct kernfs_node {
	__u64 id;
} __attribute__((preserve_access_index));

struct cgroup_root {
	int hierarchy_id;
} __attribute__((preserve_access_index));

struct cgroup {
	struct kernfs_node *kn;
	struct cgroup_root *root;
} __attribute__((preserve_access_index));

/* The others are cgroup v1's. */
#define HIERARCHY_V2 0

/* Longer than a path that is in the map, to tell one that is longer. In words, for the stack. */
#define PATH_ROOM (QOS_CGROUP_NAME + 8)

/*
 * Sockets outlive their cgroup: its id stays until QOS_CGROUPS_GONE later ones have been removed,
 * and no longer, so that there is always room for those that exist.
 */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, QOS_CGROUPS_GONE);
	__type(value, __u64);
} qos_cgroups_gone SEC(".maps");

/* The set of a path, "/" before it, that the policy has; else null. */
static __u32 *find_set(const struct cgroup *cgroup, const char *path)
{
	char key[PATH_ROOM] = { 0 };
	long len;

	if (cgroup->root->hierarchy_id != HIERARCHY_V2)
		return NULL;
	len = bpf_probe_read_kernel_str(key, QOS_CGROUP_NAME + 1, path + 1);
	if (len <= 0 || len > QOS_CGROUP_NAME)
		return NULL;
	return bpf_map_lookup_elem(&qos_cgroup_path, key);
}

/* struct cgroup *, const char *path; called under the kernel's lock of cgroups, as the other. */
SEC("tp_btf/cgroup_mkdir")
int qos_cgroup_mkdir(__u64 *ctx)
{
	struct cgroup *cgroup = (struct cgroup *)ctx[0];
	__u32 *set = find_set(cgroup, (const char *)ctx[1]);
	__u64 id = cgroup->kn->id;

	if (set)
		bpf_map_update_elem(&qos_cgroups, &id, set, BPF_ANY);
	return 0;
}

SEC("tp_btf/cgroup_rmdir")
int qos_cgroup_rmdir(__u64 *ctx)
{
	struct cgroup *cgroup = (struct cgroup *)ctx[0];
	__u32 *set = find_set(cgroup, (const char *)ctx[1]);
	__u64 id = cgroup->kn->id, oldest;

	if (!set || !bpf_map_push_elem(&qos_cgroups_gone, &id, BPF_ANY))
		return 0;
	if (!bpf_map_pop_elem(&qos_cgroups_gone, &oldest))
		bpf_map_delete_elem(&qos_cgroups, &oldest);
	bpf_map_push_elem(&qos_cgroups_gone, &id, BPF_ANY);
	return 0;
}

char _license[] SEC("license") = "GPL";
