/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the path of a cgroup is written: from the root of cgroup v2. */
#ifndef QOS_MODEL_CGROUP_PATH_H
#define QOS_MODEL_CGROUP_PATH_H

#include <stddef.h>

/* The path in a text that is from elsewhere and has more than that, with what such a text is; or
 * null. */
const char *qos_cgroup_path_in(const char *text, const char **ret_what);

/* How many names it has, of a path of len bytes from the root. */
unsigned int qos_cgroup_levels(const char *path, size_t len);

#endif
