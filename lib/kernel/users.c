/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/users.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sys/types.h>
#include <unistd.h>

#include "kernel/btf.h"

#define CAST "bpf_rdonly_cast"

static const struct btf_type *find_struct(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);

	return id < 0 ? NULL : btf__type_by_id(btf, (uint32_t)id);
}

/* Of a member of a struct, or -1. */
static int offset(const struct btf *btf, const char *type, const char *name, uint32_t size)
{
	const struct btf_type *found = find_struct(btf, type);

	return found ? qos_btf_member(btf, found, name, size) : -1;
}

/* The sizes are checked too: a kernel that has something else there has moved on. */
static int find_layout(const struct btf *btf, struct qos_sock_layout *layout)
{
	const struct btf_type *common = find_struct(btf, "sock_common");
	int type = btf__find_by_name_kind(btf, "sock", BTF_KIND_STRUCT), uid, inside, net, ns,
	    level;

	if (type < 0 || !common)
		return -1;
	uid = offset(btf, "sock", "sk_uid", sizeof(uid_t));
	inside = offset(btf, "sock", "__sk_common", common->size);
	net = offset(btf, "sock_common", "skc_net", sizeof(void *));
	ns = offset(btf, "net", "user_ns", sizeof(void *));
	level = offset(btf, "user_namespace", "level", sizeof(int));
	if (uid < 0 || inside < 0 || net < 0 || ns < 0 || level < 0)
		return -1;
	*layout = (struct qos_sock_layout){
		.type = (uint32_t)type,
		.uid = (uint32_t)uid,
		.net = (uint32_t)(inside + net),
		.user_ns = (uint32_t)ns,
		.level = (uint32_t)level,
	};
	return 0;
}

static struct bpf_insn call(int cast)
{
	return (struct bpf_insn){ .code = BPF_JMP | BPF_CALL,
				  .src_reg = BPF_PSEUDO_KFUNC_CALL,
				  .imm = cast };
}

/* It takes a kernel with that function, a JIT, and one that can call functions of the kernel. */
static bool can_cast(int cast, uint32_t type)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = (int)type },
		call(cast),
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "qos_can_cast", "GPL", insns,
			       ARRAY_SIZE(insns), NULL);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* libbpf takes the instructions from where they are. */
static void put_call(const struct bpf_program *prog, int cast)
{
	struct bpf_insn *insns = (struct bpf_insn *)bpf_program__insns(prog);

	for (size_t i = 0; i < bpf_program__insn_cnt(prog); i++) {
		if (insns[i].code == (BPF_JMP | BPF_CALL) && !insns[i].src_reg &&
		    insns[i].imm == QOS_CALL_RDONLY_CAST)
			insns[i] = call(cast);
	}
}

void qos_users_read(const struct bpf_program *prog, struct qos_sock_layout *ret_layout)
{
	_cleanup_(btfp) struct btf *btf = btf__load_vmlinux_btf();
	struct qos_sock_layout layout;
	int cast;

	*ret_layout = (struct qos_sock_layout){ 0 };
	if (!btf || find_layout(btf, &layout) < 0)
		return;
	cast = btf__find_by_name_kind(btf, CAST, BTF_KIND_FUNC);
	if (cast < 0 || !can_cast(cast, layout.type))
		return;
	put_call(prog, cast);
	*ret_layout = layout;
}
