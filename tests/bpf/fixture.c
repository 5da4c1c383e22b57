// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fixture.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "compile/plan.h"
#include "egress.skel.h"
#include "egress_fake.skel.h"
#include "new_flow.skel.h"

struct shaper {
	struct egress_bpf *real;
	struct egress_fake_bpf *fake;
	struct new_flow_bpf *new_flow;
	int prog_fd, classes_fd, clocks_fd, counters_fd, rules_fd, index_fd, decisions_fd;
	int cpus;
};

static uint32_t block_count(const struct setup *setup)
{
	return (setup->link.rules + QOS_RULE_BLOCK - 1) / QOS_RULE_BLOCK;
}

static void set_entries(struct bpf_object *obj, const char *map, uint32_t entries)
{
	assert_int_equal(bpf_map__set_max_entries(bpf_object__find_map_by_name(obj, map),
						  entries ? entries : 1),
			 0);
}

/* Before it is loaded. */
static void configure(struct bpf_object *obj, void *link_cfg, const struct setup *setup)
{
	struct qos_link_cfg link = setup->link;

	/* unless told: rules that come later may look at anything */
	if (!link.used)
		link.used = UINT32_MAX;
	memcpy(link_cfg, &link, sizeof(link));
	set_entries(obj, "qos_classes", CLASSES_MAX);
	set_entries(obj, "qos_clocks", CLASSES_MAX);
	set_entries(obj, "qos_counters", CLASSES_MAX);
	set_entries(obj, "qos_rules", setup->link.rules);
	set_entries(obj, "qos_index", block_count(setup));
}

static void fill(struct shaper *s, const struct setup *setup)
{
	for (uint32_t slot = 0; slot < CLASSES_MAX; slot++)
		shaper_set_class(s, slot, &setup->classes[slot]);
	shaper_set_rules(s, setup->rules, setup->link.rules);
}

static void take_fds(struct shaper *s, const struct bpf_object *obj, const struct bpf_program *prog)
{
	s->prog_fd = bpf_program__fd(prog);
	s->classes_fd = bpf_object__find_map_fd_by_name(obj, "qos_classes");
	s->clocks_fd = bpf_object__find_map_fd_by_name(obj, "qos_clocks");
	s->counters_fd = bpf_object__find_map_fd_by_name(obj, "qos_counters");
	s->rules_fd = bpf_object__find_map_fd_by_name(obj, "qos_rules");
	s->index_fd = bpf_object__find_map_fd_by_name(obj, "qos_index");
	s->decisions_fd = bpf_object__find_map_fd_by_name(obj, "qos_decisions");
}

static void put_next(const struct bpf_map *map, const struct bpf_program *prog)
{
	int fd = bpf_program__fd(prog), zero = 0;

	assert_int_equal(bpf_map_update_elem(bpf_map__fd(map), &zero, &fd, BPF_ANY), 0);
}

static void open_fake(struct shaper *s, const struct setup *setup)
{
	s->fake = egress_fake_bpf__open();
	assert_non_null(s->fake);
	configure(s->fake->obj, (void *)&s->fake->rodata->qos_link, setup);
	assert_int_equal(egress_fake_bpf__load(s->fake), 0);
	take_fds(s, s->fake->obj, s->fake->progs.qos_egress);
	put_next(s->fake->maps.fake_next, s->fake->progs.qos_egress);
}

static void open_real(struct shaper *s, const struct setup *setup)
{
	s->real = egress_bpf__open();
	assert_non_null(s->real);
	configure(s->real->obj, (void *)&s->real->rodata->qos_link, setup);
	assert_int_equal(egress_bpf__load(s->real), 0);
	take_fds(s, s->real->obj, s->real->progs.qos_egress);
}

static void open_new_flow(struct shaper *s, const struct setup *setup)
{
	s->new_flow = new_flow_bpf__open();
	assert_non_null(s->new_flow);
	configure(s->new_flow->obj, (void *)&s->new_flow->rodata->qos_link, setup);
	assert_int_equal(new_flow_bpf__load(s->new_flow), 0);
	take_fds(s, s->new_flow->obj, s->new_flow->progs.new_flow);
	put_next(s->new_flow->maps.new_flow_next, s->new_flow->progs.qos_egress);
}

struct shaper *shaper_open(enum program program, const struct setup *setup)
{
	struct shaper *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->cpus = libbpf_num_possible_cpus();
	assert_true(s->cpus > 0);
	switch (program) {
	case PROGRAM_FAKE:
		open_fake(s, setup);
		break;
	case PROGRAM_REAL:
		open_real(s, setup);
		break;
	case PROGRAM_NEW_FLOW:
		open_new_flow(s, setup);
	}
	fill(s, setup);
	return s;
}

void shaper_close(struct shaper *s)
{
	if (!s)
		return;
	egress_fake_bpf__destroy(s->fake);
	egress_bpf__destroy(s->real);
	new_flow_bpf__destroy(s->new_flow);
	free(s);
}

static int entry_fd(const struct shaper *s, enum entry entry)
{
	switch (entry) {
	case ENTRY_DELIVERY:
		return bpf_program__fd(s->fake->progs.fake_delivery);
	case ENTRY_OFFLOADED_TAG:
		return bpf_program__fd(s->fake->progs.fake_offloaded_tag);
	default:
		return s->prog_fd;
	}
}

int shaper_run(struct shaper *s, const struct packet *packet, const struct input *input,
	       struct outcome *outcome)
{
	struct __sk_buff in = {
		.tstamp = input->tstamp,
		.wire_len = input->wire_len,
		.gso_size = input->gso_size,
		.gso_segs = input->gso_segs,
		.priority = input->priority,
		.mark = input->mark,
	}, out = {0};
	uint8_t data[PACKET_MAX + 64]; /* an offloaded tag is never in it, but be sure */
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet->data,
		    .data_size_in = (__u32)packet->len, .data_out = data,
		    .data_size_out = sizeof(data), .ctx_in = &in, .ctx_size_in = sizeof(in),
		    .ctx_out = &out, .ctx_size_out = sizeof(out), .repeat = 1);

	if (s->fake)
		s->fake->bss->fake_now = input->now ? input->now : NOW;
	if (bpf_prog_test_run_opts(entry_fd(s, input->entry), &opts))
		fail_msg("the kernel does not run the packet: %s", strerror(errno));
	if (outcome) {
		*outcome = (struct outcome){
			.action = (int)opts.retval,
			.tstamp = out.tstamp,
			.priority = out.priority,
			.mark = out.mark,
			.len = opts.data_size_out,
		};
		assert_true(outcome->len <= PACKET_MAX);
		memcpy(outcome->data, data, outcome->len);
	}
	return (int)opts.retval;
}

uint32_t shaper_repeat(struct shaper *s, const struct packet *packet, uint32_t times)
{
	struct __sk_buff in = { 0 }; /* without it wire_len would be 0 */
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet->data,
		    .data_size_in = (__u32)packet->len, .ctx_in = &in, .ctx_size_in = sizeof(in),
		    .repeat = (int)times);

	assert_int_equal(bpf_prog_test_run_opts(s->prog_fd, &opts), 0);
	return opts.duration;
}

struct qos_clocks shaper_clocks(const struct shaper *s, uint32_t slot)
{
	struct qos_clocks clocks;

	assert_int_equal(bpf_map_lookup_elem(s->clocks_fd, &slot, &clocks), 0);
	return clocks;
}

void shaper_set_clocks(const struct shaper *s, uint32_t slot, const struct qos_clocks *clocks)
{
	assert_int_equal(bpf_map_update_elem(s->clocks_fd, &slot, clocks, BPF_ANY), 0);
}

void shaper_set_class(const struct shaper *s, uint32_t slot, const struct qos_class_cfg *cls)
{
	assert_int_equal(bpf_map_update_elem(s->classes_fd, &slot, cls, BPF_ANY), 0);
}

/* What earlier rules said; the controller never changes rules under a program. */
static void forget_decisions(const struct shaper *s)
{
	_cleanup_(freep) struct qos_decision *none = calloc((size_t)s->cpus, sizeof(*none));

	assert_non_null(none);
	for (uint32_t i = 0; i < QOS_DECISIONS; i++)
		assert_int_equal(bpf_map_update_elem(s->decisions_fd, &i, none, BPF_ANY), 0);
}

void shaper_set_rules(const struct shaper *s, const struct qos_rule *rules, uint32_t count)
{
	_cleanup_(freep) struct qos_rule_index *index = malloc(sizeof(*index));

	assert_non_null(index);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(bpf_map_update_elem(s->rules_fd, &i, &rules[i], BPF_ANY), 0);
	for (uint32_t block = 0; block * QOS_RULE_BLOCK < count; block++) {
		uint32_t first = block * QOS_RULE_BLOCK;

		qos_rules_index(rules + first, count - first, index);
		assert_int_equal(bpf_map_update_elem(s->index_fd, &block, index, BPF_ANY), 0);
	}
	forget_decisions(s);
}

void shaper_forget_rules(const struct shaper *s)
{
	_cleanup_(freep) struct qos_rule_index *none = calloc(1, sizeof(*none));
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);

	assert_non_null(none);
	assert_int_equal(bpf_obj_get_info_by_fd(s->index_fd, &info, &len), 0);
	for (uint32_t block = 0; block < info.max_entries; block++)
		assert_int_equal(bpf_map_update_elem(s->index_fd, &block, none, BPF_ANY), 0);
}

/* The only entry in use, by any CPU. */
static struct qos_decision find_decision(const struct shaper *s, struct qos_decision *each)
{
	struct qos_decision found = { 0 };
	int count = 0;

	for (uint32_t i = 0; i < QOS_DECISIONS; i++) {
		assert_int_equal(bpf_map_lookup_elem(s->decisions_fd, &i, each), 0);
		for (int cpu = 0; cpu < s->cpus; cpu++) {
			if (!each[cpu].rest)
				continue;
			found = each[cpu];
			count++;
		}
	}
	assert_int_equal(count, 1);
	return found;
}

void shaper_spread_decision(const struct shaper *s)
{
	_cleanup_(freep) struct qos_decision *each = calloc((size_t)s->cpus, sizeof(*each));
	struct qos_decision found;

	assert_non_null(each);
	found = find_decision(s, each);
	for (int cpu = 0; cpu < s->cpus; cpu++)
		each[cpu] = found;
	for (uint32_t i = 0; i < QOS_DECISIONS; i++)
		assert_int_equal(bpf_map_update_elem(s->decisions_fd, &i, each, BPF_ANY), 0);
}

struct qos_counters shaper_counters(const struct shaper *s, uint32_t slot)
{
	_cleanup_(freep) struct qos_counters *each = calloc((size_t)s->cpus, sizeof(*each));
	struct qos_counters sum = { 0 };

	assert_non_null(each);
	assert_int_equal(bpf_map_lookup_elem(s->counters_fd, &slot, each), 0);
	for (int cpu = 0; cpu < s->cpus; cpu++) {
		for (int v = 0; v < QOS_VERDICTS; v++) {
			sum.packets[v] += each[cpu].packets[v];
			sum.bytes[v] += each[cpu].bytes[v];
		}
	}
	return sum;
}

void shaper_clear_counters(const struct shaper *s)
{
	_cleanup_(freep) struct qos_counters *zero = calloc((size_t)s->cpus, sizeof(*zero));

	assert_non_null(zero);
	for (uint32_t slot = 0; slot < CLASSES_MAX; slot++)
		assert_int_equal(bpf_map_update_elem(s->counters_fd, &slot, zero, BPF_ANY), 0);
}

void shaper_expect(const struct shaper *s, const char *what, uint32_t slot,
		   enum qos_verdict verdict)
{
	for (uint32_t i = 0; i < CLASSES_MAX; i++) {
		struct qos_counters c = shaper_counters(s, i);

		for (unsigned int v = 0; v < QOS_VERDICTS; v++) {
			uint64_t want = i == slot && v == verdict;

			if (c.packets[v] != want)
				fail_msg("%s: slot %u has %llu packets of verdict %u, not %llu",
					 what, i, (unsigned long long)c.packets[v], v,
					 (unsigned long long)want);
		}
	}
}

void shaper_two_cpus(struct shaper *s, uint64_t now, uint32_t slot, uint32_t bytes, uint64_t at[2])
{
	static const uint8_t frame[64];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame));

	s->fake->bss->fake_now = now;
	s->fake->bss->fake_slot = slot;
	s->fake->bss->fake_bytes = bytes;
	assert_int_equal(
		bpf_prog_test_run_opts(bpf_program__fd(s->fake->progs.fake_two_cpus), &opts), 0);
	assert_int_equal(opts.retval, 0);
	at[0] = s->fake->bss->fake_at[0];
	at[1] = s->fake->bss->fake_at[1];
}

int shaper_prog_fd(const struct shaper *s)
{
	return s->prog_fd;
}

void stay_on_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
}

int need_root(void **state __attribute__((unused)))
{
	if (geteuid() == 0)
		return 0;
	print_error("bpf tests load programs into the kernel: run them as root\n");
	return -1;
}
