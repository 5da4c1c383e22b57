/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One change of an interface at a time. */
#ifndef QOS_KERNEL_LOCK_H
#define QOS_KERNEL_LOCK_H

#include "base/diag.h"

/*
 * Take the lock of an interface of this network namespace, in /run/qosctl.
 * what: who holds it, for the others ("qosctl apply"). Waits up to 5 s, then
 * -EBUSY and who it is. Held until *ret_fd is closed or the process ends.
 */
int qos_lock_take(const char *ifname, const char *what, struct qos_diags *diags, int *ret_fd);

/* Where the locks are, "IF.lock" and "IF:COOKIE.lock" (see netns.h). */
#define QOS_LOCK_DIR "/run/qosctl"
/* Take away the file of a lock that nobody will take any more, unless somebody holds it: false. */
bool qos_lock_remove(const char *path);

#endif
