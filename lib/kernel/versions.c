/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/versions.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"

void qos_version_begin(struct qos_buffer *made)
{
	const struct qos_version none = { 0 };

	qos_buffer_put(made, (const char *)&none, sizeof(none));
}

char *qos_version_text(const struct qos_buffer *made)
{
	return made->text + sizeof(struct qos_version);
}

/* More than this the kernel may not be able to copy at once: KMALLOC_MAX_SIZE. */
#define SIZE_MAX_SPARE (4U << 20)

/* Room for the names and numbers of another policy of the shape; need: of this one. */
static uint32_t size_for(size_t need)
{
	size_t size = need + need / 4 + 4096;

	if (size > SIZE_MAX_SPARE)
		size = need > SIZE_MAX_SPARE ? need : SIZE_MAX_SPARE;
	/* the kernel copies values in multiples of 8 */
	return (uint32_t)(size + 7) & ~7U;
}

/* FNV-1a, eight bytes at a time; behind the text are as many. */
static uint64_t sum_of(uint64_t serial, const char *text)
{
	uint64_t sum = 0xcbf29ce484222325 ^ serial, word;

	for (size_t at = 0, len = strlen(text); at < len; at += sizeof(word)) {
		memcpy(&word, text + at, sizeof(word));
		sum = (sum ^ word) * 0x100000001b3;
		/* a product says nothing of a factor's high bits in its low ones */
		sum ^= sum >> 32;
	}
	return sum;
}

int qos_version_write(int fd, uint32_t size, uint64_t serial, struct qos_buffer *made)
{
	uint32_t key = serial & 1;
	struct qos_version *version;

	/* a zero ends it */
	if (made->len >= size)
		return -ENOSPC;
	version = (struct qos_version *)qos_buffer_padded(made, (size_t)size + sizeof(uint64_t));
	if (!version)
		return -ENOMEM;
	version->serial = serial;
	version->sum = sum_of(serial, version->text);
	return bpf_map_update_elem(fd, &key, version, BPF_ANY) ? -errno : 0;
}

int qos_versions_create(const char *name, struct qos_buffer *made, int *ret_fd)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	uint32_t size = size_for(made->len + 1);
	_cleanup_(closep) int fd =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(uint32_t), size, 2, &opts);
	int r;

	if (fd < 0)
		return -errno;
	r = qos_version_write(fd, size, 1, made);
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/*
 * Both entries, where they are in the kernel: a lookup of each would copy, of a thousand classes,
 * half a megabyte. Null: the map is of a qosctl that made one which cannot be mapped.
 */
struct entries {
	int fd;
	uint32_t size; /* of each */
	const char *at;
};

static void entries_done(struct entries *entries)
{
	if (entries->at)
		munmap((void *)entries->at, 2 * (size_t)entries->size);
}

static struct entries entries_map(int fd, uint32_t size)
{
	void *at = mmap(NULL, 2 * (size_t)size, PROT_READ, MAP_SHARED, fd, 0);

	return (struct entries){ .fd = fd, .size = size, .at = at == MAP_FAILED ? NULL : at };
}

/* Which to read first: the newer one, if both are whole. */
static uint32_t find_newer(const struct entries *entries)
{
	struct qos_version first, second;

	if (!entries->at)
		return 0;
	memcpy(&first, entries->at, sizeof(first));
	memcpy(&second, entries->at + entries->size, sizeof(second));
	return second.serial > first.serial;
}

/* version: all zero, of an entry's size and more; a text that is whole ends in it. */
static int copy_entry(const struct entries *entries, uint32_t key, struct qos_version *version)
{
	size_t head = sizeof(*version), room = entries->size - head;
	const char *entry;

	if (!entries->at)
		return bpf_map_lookup_elem(entries->fd, &key, version) ? -errno : 0;
	entry = entries->at + (size_t)key * entries->size;
	memcpy(version, entry, head + strnlen(entry + head, room));
	return 0;
}

/* *ret_version: what is in an entry; null where that is not whole. */
static int read_version(const struct entries *entries, uint32_t key,
			struct qos_version **ret_version)
{
	/* the text ends, whatever is there */
	_cleanup_(freep) struct qos_version *version =
		calloc(1, (size_t)entries->size + sizeof(uint64_t));
	int r;

	if (!version)
		return -ENOMEM;
	r = copy_entry(entries, key, version);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if ((version->serial & 1) != key || !version->serial ||
	    version->sum != sum_of(version->serial, version->text))
		return 0;
	*ret_version = TAKE_PTR(version);
	return 0;
}

/* The newest that is whole; null: none. */
static int read_newest(const struct entries *entries, struct qos_version **ret_version)
{
	_cleanup_(freep) struct qos_version *first = NULL, *second = NULL;
	uint32_t newer = find_newer(entries);
	int r = read_version(entries, newer, &first);

	if (r == 0 && !(entries->at && first))
		r = read_version(entries, !newer, &second);
	if (r < 0)
		return r;
	if (first && second)
		*ret_version = first->serial > second->serial ? TAKE_PTR(first) : TAKE_PTR(second);
	else
		*ret_version = first ? TAKE_PTR(first) : TAKE_PTR(second);
	return 0;
}

/* Both may be halfway only when each was read while it was written. */
#define READ_TRIES 3

int qos_version_read(int fd, uint32_t size, struct qos_version **ret_version)
{
	_cleanup_(entries_done) struct entries entries = entries_map(fd, size);
	struct qos_version *version = NULL;
	int r = 0;

	if (size <= sizeof(*version))
		return -EBADMSG;
	for (int i = 0; r == 0 && !version && i < READ_TRIES; i++)
		r = read_newest(&entries, &version);
	if (r < 0)
		return r;
	if (!version)
		return -EBADMSG;
	*ret_version = version;
	return 0;
}
