// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fixture.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "egress.skel.h"
#include "egress_fake.skel.h"
#include "kernel/bpf_tables.h"
#include "kernel/owners.h"
#include "new_class.skel.h"
#include "new_flow.skel.h"
#include "shaper.h"

static void set_entries(struct bpf_object *obj, const char *map, uint32_t entries)
{
	assert_int_equal(bpf_map__set_max_entries(bpf_object__find_map_by_name(obj, map),
						  entries ? entries : 1),
			 0);
}

/* Where tables are, of rules that come later and look at what link.used says. */
static void put_tables(struct qos_link_cfg *link)
{
	struct qos_tables *tables = tables_compile(NULL, 0, link);

	link->words = tables->words;
	memcpy(link->tables, tables->begin, sizeof(link->tables));
	qos_tables_free(tables);
}

/* Like random, and the same each time. */
static void put_salt(struct qos_link_cfg *link)
{
	for (size_t i = 0; i < ARRAY_SIZE(link->salt); i++)
		link->salt[i] = (i + 1) * 0x9e3779b97f4a7c15ULL;
}

/* The constants that setup asks for. */
static struct qos_link_cfg link_of(const struct setup *setup)
{
	struct qos_link_cfg link = setup->link;

	/* unless told: rules that come later may look at anything */
	if (!link.used)
		link.used = QOS_USED(QOS_PIECES) - 1;
	put_tables(&link);
	if (!link.flow_mask)
		link.flow_mask = FLOWS - 1;
	if (!link.salt[0])
		put_salt(&link);
	return link;
}

/* Room for any rules that come. */
static void configure_tables(const struct shaper *s, const struct bpf_object *obj)
{
	struct qos_tables *none = tables_compile(NULL, 0, &s->link);
	struct qos_tables_room room = qos_tables_room(none, s->link.rules);

	room.entries = s->link.words * QOS_RULE_BLOCK;
	room.sets = SETS_ROOM + 2 * s->link.rules;
	room.nodes = VALUES_ROOM + s->link.rules;
	assert_int_equal(qos_tables_configure(obj, &room), 0);
	qos_tables_free(none);
}

/* Before it is loaded. */
static void configure(const struct shaper *s, struct bpf_object *obj, void *link_cfg)
{
	struct qos_link_cfg link = s->link;

	qos_owners_read(bpf_object__find_program_by_name(obj, "qos_egress"), &link);
	memcpy(link_cfg, &link, sizeof(link));
	set_entries(obj, "qos_classes", s->capacity);
	set_entries(obj, "qos_clocks", s->capacity);
	set_entries(obj, "qos_counters", s->capacity);
	set_entries(obj, "qos_before", s->capacity);
	set_entries(obj, "qos_flows", s->flow_count);
	set_entries(obj, "qos_flow_names", s->flow_count);
	configure_tables(s, obj);
	if (bpf_object__find_map_by_name(obj, "new_flow_places"))
		set_entries(obj, "new_flow_places", s->place_count);
}

static void map_flows(struct shaper *s, const struct bpf_object *obj)
{
	int fd = bpf_object__find_map_fd_by_name(obj, "qos_flows");

	s->flows = mmap(NULL, s->flow_count * sizeof(*s->flows), PROT_READ | PROT_WRITE, MAP_SHARED,
			fd, 0);
	assert_true(s->flows != MAP_FAILED);
}

static void take_fds(struct shaper *s, const struct bpf_object *obj, const struct bpf_program *prog)
{
	s->prog_fd = bpf_program__fd(prog);
	s->classes_fd = bpf_object__find_map_fd_by_name(obj, "qos_classes");
	s->clocks_fd = bpf_object__find_map_fd_by_name(obj, "qos_clocks");
	s->counters_fd = bpf_object__find_map_fd_by_name(obj, "qos_counters");
	s->object = obj;
	s->decisions_fd = bpf_object__find_map_fd_by_name(obj, "qos_decisions");
	s->before_fd = bpf_object__find_map_fd_by_name(obj, "qos_before");
	s->frags_fd = bpf_object__find_map_fd_by_name(obj, "qos_frags");
	map_flows(s, obj);
}

static void put_next(const struct bpf_map *map, const struct bpf_program *prog)
{
	int fd = bpf_program__fd(prog), zero = 0;

	assert_int_equal(bpf_map_update_elem(bpf_map__fd(map), &zero, &fd, BPF_ANY), 0);
}

/* link_cfg: its constants, until it is loaded. */
static void load_skeleton(struct shaper *s, struct bpf_object *obj,
			  struct bpf_object_skeleton *skeleton, void *link_cfg,
			  const struct bpf_program *prog)
{
	configure(s, obj, link_cfg);
	assert_int_equal(bpf_object__load_skeleton(skeleton), 0);
	take_fds(s, obj, prog);
}

/* Each skeleton is a type of its own, with members of the same names. */
#define OPEN(s, member, skeleton_type, prog)                                                    \
	do {                                                                                    \
		(s)->member = skeleton_type##__open();                                          \
		assert_non_null((s)->member);                                                   \
		load_skeleton(s, (s)->member->obj, (s)->member->skeleton,                       \
			      (void *)&(s)->member->rodata->qos_link, (s)->member->progs.prog); \
		(s)->began = &(s)->member->bss->qos_began;                                      \
		(s)->left = (s)->member->bss->qos_left;                                         \
	} while (0)

static void open_program(struct shaper *s)
{
	switch (s->program) {
	case PROGRAM_FAKE:
		OPEN(s, fake, egress_fake_bpf, qos_egress);
		put_next(s->fake->maps.fake_next, s->fake->progs.qos_egress);
		break;
	case PROGRAM_REAL:
		OPEN(s, real, egress_bpf, qos_egress);
		break;
	case PROGRAM_NEW_FLOW:
		OPEN(s, new_flow, new_flow_bpf, new_flow);
		put_next(s->new_flow->maps.new_flow_next, s->new_flow->progs.qos_egress);
		break;
	case PROGRAM_NEW_CLASS:
		OPEN(s, new_class, new_class_bpf, qos_egress);
	}
}

static struct shaper *load(const struct setup *setup, enum program program,
			   const struct qos_link_cfg *link, uint32_t capacity)
{
	struct shaper *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->cpus = libbpf_num_possible_cpus();
	assert_true(s->cpus > 0);
	s->program = program;
	s->link = *link;
	s->capacity = capacity;
	s->flow_count = link->flow_mask + 1;
	s->place_count = setup->place_count;
	open_program(s);
	return s;
}

static void unload(struct shaper *s)
{
	if (!s)
		return;
	munmap(s->flows, s->flow_count * sizeof(*s->flows));
	egress_fake_bpf__destroy(s->fake);
	egress_bpf__destroy(s->real);
	new_flow_bpf__destroy(s->new_flow);
	new_class_bpf__destroy(s->new_class);
	free(s);
}

/*
 * The one closed last: most tests of a file ask for the same program, which takes the
 * verifier half a second each time.
 */
static struct shaper *kept;

static struct shaper *take_kept(enum program program, const struct qos_link_cfg *link,
				uint32_t capacity)
{
	if (!kept || kept->program != program || kept->capacity != capacity ||
	    memcmp(&kept->link, link, sizeof(*link)) != 0)
		return NULL;
	shaper_forget_all(kept);
	return TAKE_PTR(kept);
}

static void put_places(const struct shaper *s, const struct setup *setup)
{
	if (!s->new_flow)
		return;
	for (uint32_t i = 0; i < setup->place_count; i++)
		assert_int_equal(bpf_map_update_elem(bpf_map__fd(s->new_flow->maps.new_flow_places),
						     &i, setup->places[i], BPF_ANY),
				 0);
	s->new_flow->bss->new_flow_ports = setup->ports ? setup->ports - 1 : 0;
	s->new_flow->bss->new_flow_mask = setup->place_count ? setup->place_count - 1 : 0;
}

struct shaper *shaper_open(enum program program, const struct setup *setup)
{
	const struct qos_link_cfg link = link_of(setup);
	uint32_t capacity = setup->capacity ? setup->capacity : CLASSES_MAX;
	struct shaper *s = take_kept(program, &link, capacity);

	if (!s)
		s = load(setup, program, &link, capacity);
	s->tree = setup->tree;
	if (s->new_class)
		s->new_class->bss->new_class_mask = setup->random_classes - 1;
	for (uint32_t slot = 0; slot < CLASSES_MAX; slot++)
		shaper_set_class(s, slot, &setup->classes[slot]);
	shaper_set_rules(s, setup->rules, link.rules);
	put_places(s, setup);
	return s;
}

void shaper_close(struct shaper *s)
{
	if (!s)
		return;
	unload(kept);
	kept = s;
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
