/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A text in the kernel that is replaced as a whole: an array of two, the version in force and the
 * one being written, or the one before. Each has a serial number and a sum, so a reader takes the
 * newest that is whole, whenever it comes, and a writer that is killed leaves the other.
 */
#ifndef QOS_KERNEL_VERSIONS_H
#define QOS_KERNEL_VERSIONS_H

#include <stdint.h>

#include "base/buffer.h"

/* A value of the map; the text ends with a zero. */
struct qos_version {
	uint64_t serial; /* 0: none was written; else it is in the entry of its lowest bit */
	uint64_t sum;
	char text[];
};

/* Begins a version in an empty buffer, in which its text is put then. */
void qos_version_begin(struct qos_buffer *made);
char *qos_version_text(const struct qos_buffer *made);

/* A map with room for this one, the first, and somewhat more. -errno. */
int qos_versions_create(const char *name, struct qos_buffer *made, int *ret_fd);
/* As number serial, one after that in force; size: of the map's values. It can be changed and
 * written again. -ENOSPC when there is no room, or -errno. */
int qos_version_write(int fd, uint32_t size, uint64_t serial, struct qos_buffer *made);
/* The newest that is whole; the caller frees it. -EBADMSG when there is none, or -errno. */
int qos_version_read(int fd, uint32_t size, struct qos_version **ret_version);

#endif
