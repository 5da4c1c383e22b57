/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/pins.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/bpffs.h"

/* ':' is in no interface's name, and a namespace's cookie is a number. */
static int new_dir(const char *dir, char **ret)
{
	return asprintf(ret, "%s:new", dir) < 0 ? -ENOMEM : 0;
}

int qos_pins_prepare(struct qos_bpf *bpf, const char *dir, struct qos_diags *diags)
{
	_cleanup_(freep) char *fresh = NULL;
	int r = new_dir(dir, &fresh);

	/* one that was killed may have left some */
	if (r == 0)
		r = qos_bpffs_remove(fresh, diags);
	if (r == 0)
		r = qos_bpffs_make(fresh, diags);
	if (r == 0)
		r = qos_bpf_pin(bpf, fresh, diags);
	return r;
}

int qos_pins_commit(const char *dir, struct qos_diags *diags)
{
	_cleanup_(freep) char *fresh = NULL;
	int r = new_dir(dir, &fresh);

	if (r == 0)
		r = qos_bpffs_remove(dir, diags);
	if (r < 0)
		return r;
	if (rename(fresh, dir)) {
		r = -errno;
		qos_diag(diags, QOS_FAILED, "cannot rename %s: %s", fresh, strerror(-r));
	}
	return r;
}

void qos_pins_abandon(const char *dir)
{
	_cleanup_(freep) char *fresh = NULL;

	if (new_dir(dir, &fresh) == 0)
		qos_bpffs_remove(fresh, NULL);
}
