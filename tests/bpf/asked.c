// SPDX-License-Identifier: LGPL-2.1-or-later
#include "asked.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "base/cleanup.h"
#include "egress.skel.h"
#include "kernel/bpf.h"
#include "kernel/bpf_tables.h"
#include "kernel/cgroup_tree.h"
#include "kernel/hits.h"
#include "kernel/owners.h"

#define FLOWS		64
#define PRIORITY	100 /* of class 0; the next one's is one more */
#define CGROUP_UNNAMED	UINT64_MAX
#define PRIORITY_EXEMPT 7

struct asked {
	struct egress_bpf *skel;
	const struct qos_plan *plan;
	uint64_t *cgroups; /* their ids, in the plan's order */
};

static void configure(const struct asked *asked, bool reads)
{
	const struct qos_plan *plan = asked->plan;
	const struct qos_tables_room room = qos_tables_room(plan->tables, plan->policy->rule_count);
	struct qos_link_cfg link = plan->link;
	const struct bpf_map *sized[] = { asked->skel->maps.qos_classes,
					  asked->skel->maps.qos_clocks,
					  asked->skel->maps.qos_counters };

	link.l2_len = 14;
	link.default_slot = (uint32_t)plan->policy->default_class + 1;
	link.flow_mask = FLOWS - 1;
	if (reads)
		qos_owners_read(asked->skel->progs.qos_egress, &link);
	memcpy((void *)&asked->skel->rodata->qos_link, &link, sizeof(link));
	for (size_t i = 0; i < ARRAY_SIZE(sized); i++)
		assert_int_equal(bpf_map__set_max_entries((struct bpf_map *)sized[i],
							  (uint32_t)plan->class_count + 1),
				 0);
	assert_int_equal(bpf_map__set_max_entries(asked->skel->maps.qos_flows, FLOWS), 0);
	assert_int_equal(bpf_map__set_max_entries(asked->skel->maps.qos_flow_names, FLOWS), 0);
	assert_int_equal(qos_tables_configure(asked->skel->obj, &room), 0);
	bpf_program__set_autoload(asked->skel->progs.qos_explain, true);
}

/* Told apart by their priority, and never too busy. */
static void fill_classes(const struct asked *asked)
{
	int fd = bpf_map__fd(asked->skel->maps.qos_classes);

	for (uint32_t slot = 0; slot <= asked->plan->class_count; slot++) {
		struct qos_class_cfg cfg =
			slot ? asked->plan->classes[slot - 1].cfg : asked->plan->link_class;

		cfg.priority = PRIORITY + slot - 1;
		assert_int_equal(bpf_map_update_elem(fd, &slot, &cfg, BPF_ANY), 0);
	}
}

static void fill_cgroups(struct asked *asked)
{
	const struct qos_tables *tables = asked->plan->tables;
	struct qos_cgroup_tree tree = { .fd = -1 };
	int fd = bpf_map__fd(asked->skel->maps.qos_cgroups);

	if (!tables->cgroup_count)
		return;
	asked->cgroups = calloc(tables->cgroup_count, sizeof(*asked->cgroups));
	assert_non_null(asked->cgroups);
	assert_int_equal(qos_cgroup_tree_open(&tree), 0);
	for (size_t i = 0; i < tables->cgroup_count; i++) {
		uint64_t *id = &asked->cgroups[i];

		assert_int_equal(qos_cgroup_id(&tree, tables->cgroups[i].path, id), 0);
		assert_int_equal(bpf_map_update_elem(fd, id, &tables->cgroups[i].set, BPF_ANY), 0);
	}
	qos_cgroup_tree_close(&tree);
}

struct asked *asked_open(const struct qos_plan *plan, bool reads)
{
	struct asked *asked = calloc(1, sizeof(*asked));
	_cleanup_(freep) uint32_t *slots = calloc(plan->class_count, sizeof(*slots));

	assert_true(asked && slots);
	for (uint32_t i = 0; i < plan->class_count; i++)
		slots[i] = i + 1;
	asked->plan = plan;
	asked->skel = egress_bpf__open();
	assert_non_null(asked->skel);
	configure(asked, reads);
	assert_int_equal(egress_bpf__load(asked->skel), 0);
	assert_int_equal(qos_tables_fill(asked->skel->obj, plan->tables, slots), 0);
	fill_classes(asked);
	fill_cgroups(asked);
	return asked;
}

void asked_close(struct asked *asked)
{
	if (!asked)
		return;
	egress_bpf__destroy(asked->skel);
	free(asked->cgroups);
	free(asked);
}

/* The deepest that is named, on the way to path. */
static uint64_t cgroup_id(const struct asked *asked, const char *path)
{
	const struct qos_tables *tables = asked->plan->tables;
	uint64_t id = CGROUP_UNNAMED;
	size_t deepest = 0;

	for (size_t i = 0; i < tables->cgroup_count; i++) {
		const char *name = tables->cgroups[i].path;
		size_t len = strlen(name);

		if (strncmp(path, name, len) == 0 && (!path[len] || path[len] == '/') &&
		    len > deepest) {
			deepest = len;
			id = asked->cgroups[i];
		}
	}
	return id;
}

static int run(const struct bpf_program *prog, const struct asked_packet *packet,
	       struct __sk_buff *in, struct __sk_buff *out)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet->data, .data_size_in = packet->len,
		    .ctx_in = in, .ctx_size_in = sizeof(*in), .ctx_out = out,
		    .ctx_size_out = sizeof(*out), .repeat = 1);

	in->mark = packet->mark;
	in->wire_len = packet->wire_len;
	in->gso_size = packet->gso_size;
	in->gso_segs = packet->gso_segs;
	if (bpf_prog_test_run_opts(bpf_program__fd(prog), &opts))
		fail_msg("the kernel does not run the packet: %s (%u bytes, wire %u, gso %u of %u)",
			 strerror(errno), packet->len, packet->wire_len, packet->gso_segs,
			 packet->gso_size);
	return (int)opts.retval;
}

struct asked_answer asked_explain(const struct asked *asked, const struct asked_packet *packet)
{
	struct __sk_buff in = { 0 }, out = { 0 };
	uint64_t id = packet->cgroup ? cgroup_id(asked, packet->cgroup) : 0;
	uint32_t decided;

	in.cb[0] = (packet->has_uid ? QOS_ASK_UID : 0U) | (packet->cgroup ? QOS_ASK_CGROUP : 0U) |
		   (packet->vlan >= 0 ? QOS_ASK_VLAN : 0U);
	in.cb[1] = packet->uid;
	in.cb[2] = (uint32_t)id;
	in.cb[3] = (uint32_t)(id >> 32);
	in.cb[4] = (uint32_t)packet->vlan;
	run(asked->skel->progs.qos_explain, packet, &in, &out);
	decided = out.cb[0];
	return (struct asked_answer){
		.class = QOS_DECIDED_SLOT(decided) == QOS_DROP_SLOT ? ASKED_DROP : out.cb[1] - 1,
		.rule = QOS_DECIDED_RULE(decided),
		.exempt = out.cb[4] & QOS_TOLD_EXEMPT,
	};
}

struct asked_answer asked_send(const struct asked *asked, const struct asked_packet *packet)
{
	struct __sk_buff in = { 0 }, out = { 0 };
	int action = run(asked->skel->progs.qos_egress, packet, &in, &out);

	if (action == TC_ACT_SHOT)
		return (struct asked_answer){ .class = ASKED_DROP };
	assert_int_equal(action, TC_ACT_UNSPEC);
	if (out.priority == PRIORITY_EXEMPT)
		return (struct asked_answer){
			.class = (uint32_t)asked->plan->policy->default_class,
			.exempt = true,
		};
	return (struct asked_answer){ .class = out.priority - PRIORITY };
}

struct qos_hits *asked_hits(const struct asked *asked)
{
	const struct qos_bpf bpf = {
		.hits_fd = bpf_map__fd(asked->skel->maps.qos_hits),
		.decisions_fd = bpf_map__fd(asked->skel->maps.qos_decisions),
		.rules = (uint32_t)asked->plan->policy->rule_count + 1,
	};
	struct qos_hits *hits = NULL;

	assert_int_equal(qos_hits_read(&bpf, &hits), 0);
	return hits;
}
