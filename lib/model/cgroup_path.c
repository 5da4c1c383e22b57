/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/cgroup_path.h"

#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"

/* What comes before a path, the longer first: where cgroup v2 is mounted beside v1, and alone. */
static const struct {
	const char *text, *what;
} before[] = {
	{ "/sys/fs/cgroup/unified", "where files are" },
	{ "/sys/fs/cgroup", "where files are" },
	{ "0::", "a line of /proc/PID/cgroup" },
};

const char *qos_cgroup_path_in(const char *text, const char **ret_what)
{
	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		size_t len = strlen(before[i].text);
		const char *path = text + len;

		if (strncmp(text, before[i].text, len) != 0 || (*path && *path != '/'))
			continue;
		*ret_what = before[i].what;
		path += strspn(path, "/");
		return *path ? path : "/";
	}
	return NULL;
}

unsigned int qos_cgroup_levels(const char *path, size_t len)
{
	unsigned int levels = 1;

	for (size_t i = 0; i < len; i++)
		levels += path[i] == '/';
	return levels;
}
