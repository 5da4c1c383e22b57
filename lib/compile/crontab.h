/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A policy's schedules as a file of /etc/cron.d, crontab(5). */
#ifndef QOS_COMPILE_CRONTAB_H
#define QOS_COMPILE_CRONTAB_H

#include <stdbool.h>

#include "model/policy.h"

/*
 * program: absolute path of qosctl. The text is the caller's. -EINVAL with a diagnostic where a
 * shell would read the path otherwise; -ENOMEM.
 */
int qos_crontab_print(const struct qos_policy *policy, const char *program, struct qos_diags *diags,
		      char **ret_text);

/* What a command line has before the name of an interface, so that it is not read as an option. */
const char *qos_crontab_before(const char *ifname);

/* What such a text runs, the caller's. -ENOENT where it is none; -ENOMEM. */
int qos_crontab_program(const char *text, char **ret_program);

/* Whether a text is what that would print, for whatever program. -ENOMEM; else 0 or 1. */
int qos_crontab_is_of(const struct qos_policy *policy, const char *text);

#endif
