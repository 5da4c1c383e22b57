/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file of an interface in /etc/cron.d, with which cron(8) runs its schedules. */
#ifndef QOS_KERNEL_CRONTAB_H
#define QOS_KERNEL_CRONTAB_H

#include <stdbool.h>

#include "base/diag.h"
#include "kernel/trust.h"

/*
 * Its path, the caller's. cron reads only files whose names are of letters, digits, '-' and '_', so
 * any other byte of an interface's name, and '_', is written as _XX. A shell will read the name,
 * too: -EINVAL with a diagnostic where it has bytes that mean something there.
 */
int qos_crontab_path(const char *ifname, struct qos_diags *diags, char **ret_path);

/* Its text, the caller's; -ENOENT, and no diagnostic, when there is none. */
int qos_crontab_get(const char *ifname, struct qos_diags *diags, char **ret_text);
/* Who else can write it, where there is one, or the folder: cron runs as root what it says. */
int qos_crontab_judge(const char *ifname, struct qos_diags *diags, struct qos_trust *ret_trust);
/*
 * What it runs, the caller's, and who else can write that or a folder on its way. -ENOENT, and no
 * diagnostic, when that is gone or there is no file.
 */
int qos_crontab_judge_program(const char *ifname, struct qos_diags *diags, char **ret_program,
			      struct qos_trust *ret_trust);
/* Whether that is gone; where it cannot be told, it is not. */
bool qos_crontab_is_gone(const char *program);
/*
 * Put it there whole, for root to write and all to read. -EPERM, and nothing written, where others
 * can write the folder. One there that others could write is told and goes.
 */
int qos_crontab_put(const char *ifname, const char *text, struct qos_diags *diags);
/* -ENOENT with a diagnostic when there is none; else as that. */
int qos_crontab_remove(const char *ifname, struct qos_diags *diags);

#endif
