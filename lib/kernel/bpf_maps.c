/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/bpf_maps.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/bpf_state.h"

DEFINE_CLEANUP(DIR *, closedirp, closedir)

static int duplicate(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return copy < 0 ? -errno : copy;
}

int qos_bpf_maps_add(struct qos_bpf_maps *maps, int fd)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);
	int copy;

	if (maps->count == QOS_BPF_MAPS_MAX)
		return -E2BIG;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	copy = duplicate(fd);
	if (copy < 0)
		return copy;
	maps->of[maps->count++] = (struct qos_bpf_map){ .id = info.id, .fd = copy };
	return 0;
}

void qos_bpf_maps_add_pinned(struct qos_bpf_maps *maps, const char *dir)
{
	_cleanup_(closedirp) DIR *pins = opendir(dir);
	const struct dirent *entry;

	while (pins && (entry = readdir(pins))) {
		_cleanup_(freep) char *path = NULL;
		_cleanup_(closep) int fd = -1;

		if (entry->d_name[0] == '.' || !strcmp(entry->d_name, QOS_PROGRAM_PIN) ||
		    !strncmp(entry->d_name, QOS_LINK_PIN, strlen(QOS_LINK_PIN)))
			continue;
		if (asprintf(&path, "%s/%s", dir, entry->d_name) < 0)
			return;
		fd = bpf_obj_get(path);
		if (fd >= 0)
			(void)qos_bpf_maps_add(maps, fd);
	}
}

int qos_bpf_maps_get(const struct qos_bpf_maps *maps, uint32_t id)
{
	for (size_t i = 0; i < maps->count; i++)
		if (maps->of[i].id == id)
			return duplicate(maps->of[i].fd);
	return -ENOENT;
}

void qos_bpf_maps_done(struct qos_bpf_maps *maps)
{
	for (size_t i = 0; i < maps->count; i++)
		close(maps->of[i].fd);
	maps->count = 0;
}
