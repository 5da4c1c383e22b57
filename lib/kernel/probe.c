/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the machine can do. Things are tried where they harm nobody: in a
 * network namespace of their own.
 */
#include "kernel/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/pkt_cls.h>

#include "kernel/bpffs.h"
#include "kernel/check.h"
#include "kernel/clsact.h"
#include "kernel/qdisc.h"

/* The oldest kernel that is tested. */
#define KERNEL_MAJOR 6
#define KERNEL_MINOR 1

static int probe_kernel(json_t *checks)
{
	unsigned long major, minor;
	struct utsname name;
	char *dot;

	if (uname(&name) < 0)
		return qos_check_add(checks, "kernel", QOS_CHECK_WARN, NULL, "of unknown release");
	major = strtoul(name.release, &dot, 10);
	minor = *dot == '.' ? strtoul(dot + 1, NULL, 10) : 0;
	if (major < KERNEL_MAJOR || (major == KERNEL_MAJOR && minor < KERNEL_MINOR))
		return qos_check_add(checks, "kernel", QOS_CHECK_FAIL,
				     "install Linux 6.1 or later (Debian 12 has it)",
				     "Linux %s is too old", name.release);
	return qos_check_add(checks, "kernel", QOS_CHECK_OK, NULL, "Linux %s", name.release);
}

static uint64_t effective_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { .effective = 0 } };

	if (syscall(SYS_capget, &header, data) < 0)
		return 0;
	return (uint64_t)data[1].effective << 32 | data[0].effective;
}

/* CAP_SYS_ADMIN includes the two that were split off it (capabilities(7)). */
static int probe_privileges(json_t *checks)
{
	static const struct {
		const char *name;
		uint64_t any_of;
	} needed[] = {
		{ "CAP_NET_ADMIN", 1ULL << CAP_NET_ADMIN },
		{ "CAP_BPF", 1ULL << CAP_BPF | 1ULL << CAP_SYS_ADMIN },
		{ "CAP_PERFMON", 1ULL << CAP_PERFMON | 1ULL << CAP_SYS_ADMIN },
	};
	uint64_t have = effective_capabilities();
	char missing[64] = "";
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!(have & needed[i].any_of))
			len += (size_t)snprintf(missing + len, sizeof(missing) - len, "%s%s",
						len ? ", " : "", needed[i].name);
	if (len)
		return qos_check_add(checks, "privileges", QOS_CHECK_FAIL, "run it as root",
				     "missing: %s", missing);
	return qos_check_add(checks, "privileges", QOS_CHECK_OK, NULL,
			     "CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON");
}

/* return TC_ACT_OK; */
static int load_nothing(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = TC_ACT_OK },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "qos_probe", "GPL", insns,
			       ARRAY_SIZE(insns), NULL);

	return fd < 0 ? -errno : fd;
}

static int probe_jit(json_t *checks, int prog_fd)
{
	struct bpf_prog_info info = { .id = 0 };
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(prog_fd, &info, &len) < 0)
		return qos_check_add(checks, "jit", QOS_CHECK_WARN, NULL, "unknown: %s",
				     strerror(errno));
	if (!info.jited_prog_len)
		return qos_check_add(checks, "jit", QOS_CHECK_WARN,
				     "sysctl net.core.bpf_jit_enable=1, then apply again",
				     "off: the classifier is interpreted, several times slower");
	return qos_check_add(checks, "jit", QOS_CHECK_OK, NULL, "BPF programs are compiled");
}

static int probe_bpf(json_t *checks, int prog_fd)
{
	int r;

	if (prog_fd == -EPERM || prog_fd == -EACCES)
		return qos_check_add(checks, "bpf", QOS_CHECK_FAIL, "run it as root",
				     "not allowed to load a program");
	if (prog_fd < 0)
		return qos_check_add(checks, "bpf", QOS_CHECK_FAIL,
				     "a kernel with CONFIG_BPF_SYSCALL is needed",
				     "cannot load a sched_cls program: %s", strerror(-prog_fd));

	r = qos_check_add(checks, "bpf", QOS_CHECK_OK, NULL, "sched_cls programs load");
	if (r < 0)
		return r;
	return probe_jit(checks, prog_fd);
}

static int probe_bpffs(json_t *checks)
{
	_cleanup_(freep) char *path = NULL;
	int r = qos_bpffs_find(&path);

	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return qos_check_add(checks, "bpffs", QOS_CHECK_WARN,
				     "qosctl apply mounts one, or: mount -t bpf bpf /sys/fs/bpf",
				     "no bpf file system is mounted");
	return qos_check_add(checks, "bpffs", QOS_CHECK_OK, NULL, "%s", path);
}

static const char *reason(const struct qos_nl *nl, int error)
{
	return qos_nl_said(nl)[0] ? qos_nl_said(nl) : strerror(-error);
}

static int probe_clsact(json_t *checks, struct qos_nl *nl, const struct qos_link_info *lo,
			int prog_fd)
{
	const struct qos_qdisc clsact = {
		.handle = TC_H_MAKE(TC_H_CLSACT, 0),
		.parent = TC_H_CLSACT,
		.kind = "clsact",
	};
	int r;

	r = qos_qdisc_put(nl, lo, &clsact, NULL);
	if (r < 0)
		return qos_check_add(checks, "clsact", QOS_CHECK_FAIL,
				     "try 'modprobe sch_ingress'; else a kernel with "
				     "CONFIG_NET_SCH_INGRESS is needed",
				     "cannot be attached: %s", reason(nl, r));
	if (prog_fd < 0)
		return qos_check_add(checks, "clsact", QOS_CHECK_OK, NULL, "available");

	r = qos_filter_put(nl, lo, prog_fd, NULL);
	if (r < 0)
		return qos_check_add(
			checks, "clsact", QOS_CHECK_FAIL,
			"try 'modprobe cls_bpf'; else a kernel with CONFIG_NET_CLS_BPF "
			"is needed",
			"takes no BPF filter: %s", reason(nl, r));
	return qos_check_add(checks, "clsact", QOS_CHECK_OK, NULL, "available, with BPF filters");
}

static int probe_bands(json_t *checks, struct qos_nl *nl, const struct qos_link_info *lo)
{
	_cleanup_(qos_qdiscs_done) struct qos_qdiscs qdiscs = { .items = NULL };
	const struct qos_qdisc *root;
	int r;

	r = qos_qdiscs_get(nl, lo, NULL, &qdiscs);
	root = r < 0 ? NULL : qos_qdiscs_find(&qdiscs, TC_H_ROOT);
	if (!root)
		return qos_check_add(checks, "bands", QOS_CHECK_WARN, NULL, "unknown");
	if (!qos_fq_has_bands(&root->options))
		return qos_check_add(checks, "bands", QOS_CHECK_WARN, NULL,
				     "fq has none before Linux 6.7: priorities do not count where "
				     "the device itself is the bottleneck");
	return qos_check_add(checks, "bands", QOS_CHECK_OK, NULL, "fq has three");
}

static int probe_fq(json_t *checks, struct qos_nl *nl, const struct qos_link_info *lo, bool police)
{
	const struct qos_qdisc fq = { .parent = TC_H_ROOT, .kind = "fq" };
	int r;

	r = qos_qdisc_put(nl, lo, &fq, NULL);
	if (r < 0 && police)
		return qos_check_add(checks, "fq", QOS_CHECK_WARN,
				     "try 'modprobe sch_fq', or a kernel with CONFIG_NET_SCH_FQ, "
				     "before 'mode: fq'",
				     "cannot be attached: %s; the policy in force does without it",
				     reason(nl, r));
	if (r < 0)
		return qos_check_add(checks, "fq", QOS_CHECK_FAIL,
				     "try 'modprobe sch_fq'; else a kernel with CONFIG_NET_SCH_FQ "
				     "is needed, or 'mode: police' under 'link:' of the policy",
				     "cannot be attached: %s", reason(nl, r));

	r = qos_check_add(checks, "fq", QOS_CHECK_OK, NULL, "available");
	if (r < 0)
		return r;
	return probe_bands(checks, nl, lo);
}

static int probe_tc(json_t *checks, int prog_fd, bool police)
{
	_cleanup_(qos_nl_closep) struct qos_nl *nl = NULL;
	struct qos_link_info lo;
	int r;

	r = qos_nl_open_scratch(&nl);
	if (r == 0)
		r = qos_link_get(nl, "lo", NULL, &lo);
	if (r < 0)
		return qos_check_add(checks, "fq", QOS_CHECK_WARN, "run it as root",
				     "fq and clsact cannot be tried: %s", strerror(-r));

	r = probe_clsact(checks, nl, &lo, prog_fd);
	if (r < 0)
		return r;
	return probe_fq(checks, nl, &lo, police);
}

int qos_probe_system(bool police, json_t *checks)
{
	_cleanup_(closep) int prog_fd = load_nothing();
	int r;

	r = probe_kernel(checks);
	if (r < 0)
		return r;
	r = probe_privileges(checks);
	if (r < 0)
		return r;
	r = probe_bpf(checks, prog_fd);
	if (r < 0)
		return r;
	r = probe_bpffs(checks);
	if (r < 0)
		return r;
	return probe_tc(checks, prog_fd, police);
}
