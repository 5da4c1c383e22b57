/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One line of the doctor's. */
#ifndef QOS_KERNEL_CHECK_H
#define QOS_KERNEL_CHECK_H

#include <jansson.h>

#define QOS_CHECK_OK   "ok"
#define QOS_CHECK_WARN "warn"
#define QOS_CHECK_FAIL "fail"

/* Append {"name", "state", "text", "hint"?}; hint may be null. -ENOMEM. */
int qos_check_add(json_t *checks, const char *name, const char *state, const char *hint,
		  const char *fmt, ...) __attribute__((format(printf, 5, 6)));

#endif
