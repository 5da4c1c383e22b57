/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the fixture share: see fixture.h. */
#ifndef QOS_TESTS_BPF_SHAPER_H
#define QOS_TESTS_BPF_SHAPER_H

#include "compile/tables.h"
#include "fixture.h"

struct bpf_object;
struct egress_bpf;
struct egress_fake_bpf;
struct new_flow_bpf;
struct new_class_bpf;

struct shaper {
	struct egress_bpf *real;
	struct egress_fake_bpf *fake;
	struct new_flow_bpf *new_flow;
	struct new_class_bpf *new_class;
	const struct bpf_object *object; /* of one of those */
	int prog_fd, classes_fd, clocks_fd, counters_fd, decisions_fd;
	int frags_fd, before_fd;
	int cpus;
	bool tree;
	struct qos_flow *flows; /* the map's */
	__u64 *began, *left;	/* the program's own */
	uint32_t capacity, flow_count, place_count;
	/* what it was loaded with */
	enum program program;
	struct qos_link_cfg link;
};

/* Room in the maps for rules that come later. */
#define SETS_ROOM   4096
#define VALUES_ROOM 4096

/* Tables of rules for a program of these constants; the caller's. */
struct qos_tables *tables_compile(const struct qos_rule_def *defs, size_t count,
				  const struct qos_link_cfg *link);

/* Clocks, counters, flows and fragments: as a program just loaded has them. */
void shaper_forget_all(const struct shaper *shaper);

#endif
