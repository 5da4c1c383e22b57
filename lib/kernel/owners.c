/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/owners.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <stddef.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/btf.h"

#define CAST  "bpf_cast_to_kern_ctx"

#define FIRST QOS_MEMBERS_BEGIN
#define COUNT (QOS_MEMBERS_END - FIRST)

/* Of each member where it is, and what the load of it is. A member of a struct within is named. */
static const struct {
	const char *type, *inside, *name;
	uint32_t size;
	uint8_t load;
} members[COUNT] = {
	[QOS_SKB_SOCK - FIRST] = { "sk_buff", NULL, "sk", 8, BPF_DW },
	[QOS_SOCK_STATE - FIRST] = { "sock_common", "__sk_common", "skc_state", 1, BPF_B },
	[QOS_SOCK_UID - FIRST] = { "sock", NULL, "sk_uid", sizeof(uid_t), BPF_W },
	[QOS_SOCK_NET - FIRST] = { "sock_common", "__sk_common", "skc_net", 8, BPF_DW },
	[QOS_NET_USER_NS - FIRST] = { "net", NULL, "user_ns", 8, BPF_DW },
	[QOS_USER_NS_LEVEL - FIRST] = { "user_namespace", NULL, "level", 4, BPF_W },
	[QOS_SOCK_CGROUP - FIRST] = { "sock_cgroup_data", "sk_cgrp_data", "cgroup", 8, BPF_DW },
	[QOS_CGROUP_NODE - FIRST] = { "cgroup", NULL, "kn", 8, BPF_DW },
	[QOS_NODE_ID - FIRST] = { "kernfs_node", NULL, "id", 8, BPF_DW },
};

static const struct btf_type *find_struct(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);

	return id < 0 ? NULL : btf__type_by_id(btf, (uint32_t)id);
}

/* -1: none such. The sizes are checked too: a kernel that has something else there has moved on. */
static int find_member(const struct btf *btf, size_t i)
{
	const struct btf_type *type = find_struct(btf, members[i].type);
	const struct btf_type *sock = members[i].inside ? find_struct(btf, "sock") : NULL;
	int offset, outer = 0;

	if (!type || (members[i].inside && !sock))
		return -1;
	offset = qos_btf_member(btf, type, members[i].name, members[i].size);
	if (sock)
		outer = qos_btf_member(btf, sock, members[i].inside, type->size);
	return offset < 0 || outer < 0 || outer + offset > INT16_MAX ? -1 : outer + offset;
}

static bool find_members(const struct btf *btf, int16_t *offsets)
{
	for (size_t i = 0; i < COUNT; i++) {
		int offset = find_member(btf, i);

		if (offset < 0)
			return false;
		offsets[i] = (int16_t)offset;
	}
	return true;
}

static struct bpf_insn call(int cast)
{
	return (struct bpf_insn){ .code = BPF_JMP | BPF_CALL,
				  .src_reg = BPF_PSEUDO_KFUNC_CALL,
				  .imm = cast };
}

static struct bpf_insn load(uint8_t dst, uint8_t src, enum qos_member which, const int16_t *offsets)
{
	return (struct bpf_insn){ .code = BPF_LDX | BPF_MEM | members[which - FIRST].load,
				  .dst_reg = dst,
				  .src_reg = src,
				  .off = offsets[which - FIRST] };
}

#define MOVE(dst, src)                                                                  \
	{                                                                               \
		.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = (dst), .src_reg = (src) \
	}
#define STORE(size, dst, offset, src)                                                   \
	{                                                                               \
		.code = BPF_STX | BPF_MEM | (size), .dst_reg = (dst), .src_reg = (src), \
		.off = (offset)                                                         \
	}
#define CB(i) ((int16_t)offsetof(struct __sk_buff, cb[i]))

/*
 * A program that reads all of it, and leaves the address of the socket's network namespace and the
 * level of its user namespace in skb->cb. It takes a kernel with that function, a JIT, and a
 * verifier that follows the same way; else -1.
 */
static int load_reader(int cast, const int16_t *offsets)
{
	const struct bpf_insn insns[] = {
		MOVE(BPF_REG_6, BPF_REG_1),
		call(cast),
		load(BPF_REG_1, BPF_REG_0, QOS_SKB_SOCK, offsets),
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = BPF_REG_1, .off = 10 },
		load(BPF_REG_2, BPF_REG_1, QOS_SOCK_STATE, offsets),
		load(BPF_REG_2, BPF_REG_1, QOS_SOCK_UID, offsets),
		load(BPF_REG_2, BPF_REG_1, QOS_SOCK_CGROUP, offsets),
		load(BPF_REG_2, BPF_REG_2, QOS_CGROUP_NODE, offsets),
		load(BPF_REG_2, BPF_REG_2, QOS_NODE_ID, offsets),
		load(BPF_REG_2, BPF_REG_1, QOS_SOCK_NET, offsets),
		STORE(BPF_DW, BPF_REG_6, CB(0), BPF_REG_2),
		load(BPF_REG_2, BPF_REG_2, QOS_NET_USER_NS, offsets),
		load(BPF_REG_2, BPF_REG_2, QOS_USER_NS_LEVEL, offsets),
		STORE(BPF_W, BPF_REG_6, CB(2), BPF_REG_2),
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "qos_reader", "GPL", insns, ARRAY_SIZE(insns),
			     NULL);
}

/* Of the caller's network namespace, which a test run's socket is in; 0: not the first user's. */
static uint64_t find_net(int reader)
{
	uint8_t frame[ETH_HLEN + 20] = { 0 };
	struct __sk_buff skb = { .cb = { 0, 0, UINT32_MAX } };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .ctx_in = &skb, .ctx_size_in = sizeof(skb), .ctx_out = &skb,
		    .ctx_size_out = sizeof(skb));
	uint64_t net;

	if (bpf_prog_test_run_opts(reader, &opts) || skb.cb[2])
		return 0;
	memcpy(&net, skb.cb, sizeof(net));
	return net;
}

/* libbpf takes the instructions from where they are. */
static void put(const struct bpf_program *prog, int cast, const int16_t *offsets)
{
	struct bpf_insn *insns = (struct bpf_insn *)bpf_program__insns(prog);

	for (size_t i = 0; i < bpf_program__insn_cnt(prog); i++) {
		struct bpf_insn *insn = &insns[i];

		if (insn->code == (BPF_JMP | BPF_CALL) && !insn->src_reg &&
		    insn->imm == QOS_CALL_KERNEL_SKB)
			*insn = call(cast);
		else if (BPF_CLASS(insn->code) == BPF_LDX && insn->off >= FIRST &&
			 insn->off < QOS_MEMBERS_END)
			insn->off = offsets[insn->off - FIRST];
	}
}

void qos_owners_read(const struct bpf_program *prog, struct qos_link_cfg *link)
{
	_cleanup_(btfp) struct btf *btf = NULL;
	_cleanup_(closep) int reader = -1;
	int16_t offsets[COUNT];
	int cast;

	if (!(link->used & (QOS_USED(QOS_PIECE_UID) | QOS_USED(QOS_PIECE_CGROUP))))
		return;
	btf = btf__load_vmlinux_btf();
	if (!btf || !find_members(btf, offsets))
		return;
	cast = btf__find_by_name_kind(btf, CAST, BTF_KIND_FUNC);
	if (cast < 0)
		return;
	reader = load_reader(cast, offsets);
	if (reader < 0)
		return;
	put(prog, cast, offsets);
	link->reads_sockets = 1;
	link->net = find_net(reader);
}
