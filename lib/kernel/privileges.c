/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cap-ng.h>

#include "base/cleanup.h"

/* For these verbs on an interface whose pins are there nothing else is needed. */
#define USUAL (QOS_CAP(CAP_NET_ADMIN) | QOS_CAP(CAP_BPF) | QOS_CAP(CAP_PERFMON))

/* Reading a policy that is another user's, as check does for root. */
#define READING QOS_CAP(CAP_DAC_READ_SEARCH)

/*
 * Only permitted, for qos_kernel_raise(): programs and maps by their number
 * (bpf_prog_get_fd_by_id() in kernel/bpf/syscall.c), mounting a bpffs, network
 * namespaces, and what ip-netns(8) exec hides.
 */
#define RARE (QOS_CAP(CAP_SYS_ADMIN) | QOS_CAP(CAP_SYS_PTRACE) | QOS_CAP(CAP_SYS_CHROOT) | READING)

static bool is_permitted(unsigned int cap)
{
	return capng_have_capability(CAPNG_PERMITTED, cap);
}

/* What is effective at all times, of what there is. */
static uint64_t find_effective(uint64_t keep)
{
	uint64_t caps = keep & USUAL;

	/* CAP_SYS_ADMIN includes those that were split off it (capabilities(7)) */
	if (caps && (!is_permitted(CAP_BPF) || !is_permitted(CAP_PERFMON)))
		caps |= QOS_CAP(CAP_SYS_ADMIN);
	/* root owns what it works with; whom file capabilities raise does not */
	if (keep && geteuid() != 0)
		caps |= QOS_CAP(CAP_DAC_OVERRIDE);
	return caps;
}

/* Of those, what there is; nothing else, and no way back by starting a program. */
static int reduce(uint64_t keep)
{
	uint64_t permitted = 0, effective;

	if (capng_get_caps_process() < 0)
		return -EIO;
	effective = find_effective(keep);
	for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if ((keep | effective) & QOS_CAP(cap) && is_permitted(cap))
			permitted |= QOS_CAP(cap);
	capng_clear(CAPNG_SELECT_CAPS);
	for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++) {
		if (permitted & QOS_CAP(cap))
			capng_update(CAPNG_ADD, CAPNG_PERMITTED, cap);
		if (permitted & effective & QOS_CAP(cap))
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE, cap);
	}
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		return -EPERM;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int qos_kernel_keep(enum qos_privileges keep, struct qos_diags *diags)
{
	static const uint64_t kept[] = {
		[QOS_PRIVILEGES_NONE] = 0,
		[QOS_PRIVILEGES_READ] = READING,
		[QOS_PRIVILEGES_SHAPE] = USUAL | RARE,
	};
	int r = keep < ARRAY_SIZE(kept) ? reduce(kept[keep]) : -EINVAL;

	if (r < 0)
		qos_diag(diags, QOS_FAILED, "cannot give up capabilities: %s", strerror(-r));
	return r;
}

uint64_t qos_kernel_raise(uint64_t caps)
{
	uint64_t raised = 0;

	if (capng_get_caps_process() < 0)
		return 0;
	for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++) {
		if (!(caps & QOS_CAP(cap)) || !is_permitted(cap) ||
		    capng_have_capability(CAPNG_EFFECTIVE, cap))
			continue;
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE, cap);
		raised |= QOS_CAP(cap);
	}
	/* what they are needed for fails and says so */
	return raised && capng_apply(CAPNG_SELECT_CAPS) == 0 ? raised : 0;
}

uint64_t qos_kernel_raise_to_read(const char *path)
{
	/* access() asks for the real user, who has at once all that is permitted */
	if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0 || errno != EACCES)
		return 0;
	return qos_kernel_raise(READING);
}

void qos_kernel_lower(uint64_t raised)
{
	if (capng_get_caps_process() < 0)
		return;
	for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (raised & QOS_CAP(cap))
			capng_update(CAPNG_DROP, CAPNG_EFFECTIVE, cap);
	(void)capng_apply(CAPNG_SELECT_CAPS);
}
