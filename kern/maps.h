/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps, and the program's constants. Sizes marked 1 are set by the
 * controller before loading.
 */
#ifndef QOS_MAPS_H
#define QOS_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "cgroups.h"

/* By slot; slot 0 is the link. Mappable because that aligns the entries to cache lines. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct qos_class_cfg);
} qos_classes SEC(".maps");

/* By slot. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct qos_clocks);
} qos_clocks SEC(".maps");

/* By slot. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct qos_counters);
} qos_counters SEC(".maps");

/* By bit of the sets. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct qos_entry);
} qos_rules SEC(".maps");

/* Sets of entries: a summary, of words that are not 0, where there are several; then the words. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u64)); /* set by the controller */
} qos_sets SEC(".maps");

/* Tables of the pieces of packets, one after the other: value → set. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct qos_values);
} qos_values SEC(".maps");

/* Ranges of numbers → set. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct qos_ranges);
} qos_ranges SEC(".maps");

/* By a rule's number; 0: none. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct qos_hits);
} qos_hits SEC(".maps");

/* What the first fragment of a datagram was given: QOS_DECIDED. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, QOS_FRAGMENTS);
	__type(key, struct qos_frag_key);
	__type(value, __u32);
} qos_frags SEC(".maps");

/*
 * What the rules said of packets lately, by a hash of all facts that rules read.
 * Per CPU, and egress runs with bottom halves off: no entry is seen half written. Rules never
 * change under a program, so neither does what is remembered of them: another has a map of its own.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, QOS_DECISIONS);
	__type(key, __u32);
	__type(value, struct qos_decision);
} qos_decisions SEC(".maps");

/* By a hash of flow and class. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct qos_flow);
} qos_flows SEC(".maps");

/* By slot, of the program before. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct qos_before);
} qos_before SEC(".maps");

/* The same entries. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct qos_flow_name);
} qos_flow_names SEC(".maps");

const volatile struct qos_link_cfg qos_link = { .default_slot = 1, .l2_len = 14 };

#endif
