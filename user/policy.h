/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The policy that an operand names. */
#ifndef QOSCTL_POLICY_H
#define QOSCTL_POLICY_H

#include "opts.h"
#include "report.h"

/* The build says where, see CMAKE_INSTALL_SYSCONFDIR. */
#ifndef POLICY_DIR
#define POLICY_DIR "/etc/qosctl"
#endif

/* Where the policies are. */
const char *policy_dir(const struct args *args);
/* Null when it could not be read, which is reported. now: as its schedules have it now. */
struct qos_policy *policy_read(const char *path, bool now, struct report *report);
/* The policy FILE, or that of IFACE, which must be for no other interface. */
struct qos_policy *policy_read_operand(const struct args *args, const char *operand, bool now,
				       struct report *report);
/* Whether an operand names a policy's file, not an interface. */
bool policy_is_path(const char *operand);
/* Whether that in the folder is a policy. */
bool policy_is_file_name(const char *name);

#endif
