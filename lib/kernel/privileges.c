/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/privileges.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cap-ng.h>

#include "base/cleanup.h"

/* Reading a policy that is another user's, as check does for root. */
static const unsigned int reading[] = { CAP_DAC_READ_SEARCH };

/* Measured on Linux 6.1, 6.12 and 6.18 by leaving out one at a time. */
static const unsigned int shaping[] = {
	CAP_NET_ADMIN, /* qdiscs, filters, GSO */
	CAP_BPF,       /* programs and maps … */
	CAP_PERFMON,   /* … with pointers, for the verifier */
	/* programs and maps by their number (bpf_prog_get_fd_by_id() in
	 * kernel/bpf/syscall.c), mounting a bpffs, the doctor's network namespace */
	CAP_SYS_ADMIN,
	/* finding the bpffs that ip-netns(8) exec hides, by /proc, and mounting one there */
	CAP_SYS_PTRACE,
	CAP_SYS_CHROOT,
	CAP_DAC_READ_SEARCH,
};

/* Of those, what there is; nothing else, and no way back by starting a program. */
static int reduce(const unsigned int *caps, size_t count)
{
	bool have[CAP_LAST_CAP + 1] = { false };

	if (capng_get_caps_process() < 0)
		return -EIO;
	for (size_t i = 0; i < count; i++)
		have[caps[i]] = capng_have_capability(CAPNG_PERMITTED, caps[i]);
	/* root owns what it works with; whom file capabilities raise does not */
	have[CAP_DAC_OVERRIDE] =
		count && geteuid() != 0 && capng_have_capability(CAPNG_PERMITTED, CAP_DAC_OVERRIDE);
	capng_clear(CAPNG_SELECT_CAPS);
	for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (have[cap])
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, cap);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		return -EPERM;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int qos_kernel_keep(enum qos_privileges keep, struct qos_diags *diags)
{
	int r = -EINVAL;

	switch (keep) {
	case QOS_PRIVILEGES_NONE:
		r = reduce(NULL, 0);
		break;
	case QOS_PRIVILEGES_READ:
		r = reduce(reading, ARRAY_SIZE(reading));
		break;
	case QOS_PRIVILEGES_SHAPE:
		r = reduce(shaping, ARRAY_SIZE(shaping));
		break;
	}
	if (r < 0)
		qos_diag(diags, QOS_FAILED, "cannot give up capabilities: %s", strerror(-r));
	return r;
}
