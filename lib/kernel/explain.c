/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/explain.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "egress.skel.h"
#include "kernel/bpf_state.h"
#include "kernel/cgroup_tree.h"
#include "kernel/device.h"

#define L2_LEN	     14	   /* test runs have an Ethernet header, whatever the device */
#define FRAME_MAX    2048  /* they take a page, less head and tail room */
#define WIRE_LEN_MAX 65536 /* and no more than GSO_LEGACY_MAX_SIZE */

struct qos_asker {
	struct egress_bpf *skel;
	const struct qos_device *device;
	int prog_fd, cgroups_fd;
};

DEFINE_CLEANUP(struct qos_asker *, askerp, qos_asker_close)

/* The one of ours of this name, or null. */
static struct bpf_map *find_map(const struct qos_asker *asker, const char *name)
{
	struct bpf_map *map = NULL;

	bpf_object__for_each_map(map, asker->skel->obj)
	{
		if (!bpf_map__is_internal(map) && strcmp(bpf_map__name(map), name) == 0)
			return map;
	}
	return NULL;
}

/*
 * Those that the running program has read; of a device without Ethernet headers, the packets
 * of test runs have one nevertheless.
 */
static int read_constants(struct qos_asker *asker, int fd, uint32_t size)
{
	const uint32_t zero = 0;

	if (size != sizeof(*asker->skel->rodata))
		return -EBADMSG;
	if (bpf_map_lookup_elem(fd, &zero, (void *)asker->skel->rodata))
		return -errno;
	asker->skel->rodata->qos_link.l2_len = L2_LEN;
	return 0;
}

static int share_map(struct qos_bpf *bpf __attribute__((unused)), int fd, void *arg)
{
	_cleanup_(closep) int owned = fd;
	struct qos_asker *asker = arg;
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);
	struct bpf_map *map;

	if (bpf_obj_get_info_by_fd(owned, &info, &len))
		return -errno;
	if (strstr(info.name, ".rodata"))
		return read_constants(asker, owned, info.value_size);
	map = find_map(asker, info.name);
	return map ? bpf_map__reuse_fd(map, owned) : 0;
}

static int load(struct qos_asker *asker)
{
	struct bpf_program *prog = NULL;
	int r = qos_bpf_for_each_map(asker->device->running, share_map, asker);

	bpf_object__for_each_program(prog, asker->skel->obj)
		bpf_program__set_autoload(prog, prog == asker->skel->progs.qos_explain);
	if (r == 0)
		r = egress_bpf__load(asker->skel);
	if (r < 0)
		return r;
	asker->prog_fd = bpf_program__fd(asker->skel->progs.qos_explain);
	asker->cgroups_fd = bpf_map__fd(asker->skel->maps.qos_cgroups);
	return 0;
}

int qos_asker_open(const struct qos_device *device, struct qos_diags *diags,
		   struct qos_asker **ret_asker)
{
	_cleanup_(askerp) struct qos_asker *asker = calloc(1, sizeof(*asker));
	int r = qos_device_expect_running(device, diags);

	if (r < 0)
		return r;
	if (!asker)
		return -ENOMEM;
	libbpf_set_print(NULL); /* a library does not print, not even through another */
	asker->device = device;
	asker->skel = qos_bpf_programs(NULL);
	r = asker->skel ? load(asker) : -errno;
	if (r < 0)
		return qos_bpf_fail(diags, r, "cannot ask the program of %s", device->link.name);
	*ret_asker = TAKE_PTR(asker);
	return 0;
}

void qos_asker_close(struct qos_asker *asker)
{
	if (!asker)
		return;
	egress_bpf__destroy(asker->skel);
	free(asker);
}

/* The nearest cgroup, from this one upwards, that rules name: its id, or 0. Shortens path. */
static uint64_t find_cgroup(const struct qos_asker *asker, const struct qos_cgroup_tree *tree,
			    char *path)
{
	uint64_t id;
	uint32_t set;

	for (;;) {
		char *slash = strrchr(path, '/');

		if (qos_cgroup_id(tree, path, &id) == 0 &&
		    bpf_map_lookup_elem(asker->cgroups_fd, &id, &set) == 0)
			return id;
		if (!*path)
			return 0;
		*(slash ? slash : path) = '\0';
	}
}

/* Without a tree there is no cgroup that the program could know. */
static int put_cgroup(const struct qos_asker *asker, const char *name, struct __sk_buff *skb)
{
	_cleanup_(freep) char *path = strdup(name + strspn(name, "/"));
	struct qos_cgroup_tree tree;
	uint64_t id = 0;

	if (!path)
		return -ENOMEM;
	if (qos_cgroup_tree_open(&tree) == 0) {
		id = find_cgroup(asker, &tree, path);
		qos_cgroup_tree_close(&tree);
	}
	skb->cb[0] |= QOS_ASK_CGROUP;
	skb->cb[2] = (uint32_t)id;
	skb->cb[3] = (uint32_t)(id >> 32);
	return 0;
}

/*
 * A frame that is not all there is asked about as a segment of a larger packet, of its length:
 * gso_size and what two segments are longer on the wire than the packet, see ip_length() in
 * more.h. Each of the two alone is too small for the longest packets, and the largest gso_size
 * says that segments have sizes of their own (GSO_BY_FRAGS, include/linux/skbuff.h).
 */
#define GSO_SIZE_MAX (UINT16_MAX - 1)

static void put_length(const struct qos_question *question, size_t len, struct __sk_buff *skb)
{
	size_t more;

	skb->wire_len = (uint32_t)len;
	if (question->wire_len <= len)
		return;
	skb->gso_segs = 2;
	skb->gso_size =
		question->wire_len < GSO_SIZE_MAX ? (uint32_t)question->wire_len : GSO_SIZE_MAX;
	more = question->wire_len - skb->gso_size;
	skb->wire_len = len + more < WIRE_LEN_MAX ? (uint32_t)(len + more) : WIRE_LEN_MAX;
}

static int put_question(const struct qos_asker *asker, const struct qos_question *question,
			struct __sk_buff *skb)
{
	skb->mark = question->mark;
	if (question->has_uid) {
		skb->cb[0] |= QOS_ASK_UID;
		skb->cb[1] = question->uid;
	}
	if (question->vlan >= 0) {
		skb->cb[0] |= QOS_ASK_VLAN;
		skb->cb[4] = (uint32_t)question->vlan;
	}
	return question->cgroup ? put_cgroup(asker, question->cgroup, skb) : 0;
}

/* What a rule drops is not the class's. */
static const char *drop_of(uint8_t verdict)
{
	if (verdict == QOS_DROP_LIMIT)
		return "limit";
	return verdict == QOS_DROP_POLICE ? "police" : NULL;
}

static struct qos_answer read_answer(const struct __sk_buff *skb)
{
	return (struct qos_answer){
		.slot = QOS_DECIDED_SLOT(skb->cb[0]) == QOS_DROP_SLOT ? QOS_NO_SLOT : skb->cb[1],
		.rule = QOS_DECIDED_RULE(skb->cb[0]),
		.wait_ns = (uint64_t)skb->cb[3] << 32 | skb->cb[2],
		.drop = drop_of((uint8_t)skb->cb[4]),
		.exempt = skb->cb[4] & QOS_TOLD_EXEMPT,
	};
}

int qos_asker_ask(const struct qos_asker *asker, const struct qos_question *question,
		  struct qos_diags *diags, struct qos_answer *ret_answer)
{
	size_t len = question->len < FRAME_MAX ? question->len : FRAME_MAX;
	struct __sk_buff in = { 0 }, out = { 0 };
	uint8_t back[FRAME_MAX]; /* the frame, which the kernel gives back */
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = question->frame, .data_size_in = (__u32)len,
		    .data_out = back, .data_size_out = sizeof(back), .ctx_in = &in,
		    .ctx_size_in = sizeof(in), .ctx_out = &out, .ctx_size_out = sizeof(out),
		    .repeat = 1);
	int r = put_question(asker, question, &in);

	if (r < 0)
		return r;
	put_length(question, len, &in);
	r = bpf_prog_test_run_opts(asker->prog_fd, &opts);
	if (r == -EINVAL)
		return r;
	if (r < 0)
		return qos_bpf_fail(diags, r, "cannot ask the program of %s",
				    asker->device->link.name);
	*ret_answer = read_answer(&out);
	return 0;
}

int qos_asker_rates(const struct qos_asker *asker, const char *class_name, uint64_t *ret_rate,
		    uint64_t *ret_ceil)
{
	const json_t *show = json_object_get(asker->device->running->state, "show"), *class;
	size_t i;

	json_array_foreach(json_object_get(show, "classes"), i, class) {
		const char *name = json_string_value(json_object_get(class, "name"));

		if (!name || strcmp(name, class_name) != 0)
			continue;
		*ret_rate = (uint64_t)json_integer_value(json_object_get(class, "rate"));
		*ret_ceil = (uint64_t)json_integer_value(json_object_get(class, "ceil"));
		return 0;
	}
	return -EBADMSG;
}
