/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The document that a program carries: in an array of two, the version in force and
 * the one being written, or the one before. Each has a serial number and a sum, so a
 * reader takes the newest that is whole, whenever it comes, and a writer that is
 * killed leaves the other.
 */
#include "kernel/bpf_state.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static int parse(const char *text, json_t **ret_state)
{
	json_error_t error;
	json_t *state = json_loads(text, 0, &error);

	if (!state)
		return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : -EBADMSG;
	*ret_state = state;
	return 0;
}

/* Without memory jansson may leave out a part of a text and not say so. */
static char *dump(const json_t *state)
{
	_cleanup_(freep) char *text = json_dumps(state, JSON_COMPACT);
	_cleanup_(json_decrefp) json_t *again = NULL;

	if (!text || parse(text, &again) < 0 || !json_equal(state, again))
		return NULL;
	return TAKE_PTR(text);
}

/* A value of the map; the text ends with a zero. */
struct version {
	uint64_t serial; /* 0: none was written; else it is in the entry of its lowest bit */
	uint64_t sum;
	char text[];
};

/* More than this the kernel may not be able to copy at once: KMALLOC_MAX_SIZE. */
#define SIZE_MAX_SPARE (4U << 20)

/* Room for the names and numbers of another policy of the shape. */
static uint32_t size_for(size_t text_len)
{
	size_t need = sizeof(struct version) + text_len + 1;
	size_t size = need + need / 4 + 4096;

	if (size > SIZE_MAX_SPARE)
		size = need > SIZE_MAX_SPARE ? need : SIZE_MAX_SPARE;
	/* the kernel copies values in multiples of 8 */
	return (uint32_t)(size + 7) & ~7U;
}

/* FNV-1a */
static uint64_t sum_of(uint64_t serial, const char *text)
{
	uint64_t sum = 0xcbf29ce484222325 ^ serial;

	for (const char *at = text; *at; at++)
		sum = (sum ^ (uint8_t)*at) * 0x100000001b3;
	return sum;
}

static int write_version(int fd, uint32_t size, uint64_t serial, const char *text)
{
	_cleanup_(freep) struct version *version = calloc(1, size);
	size_t len = strlen(text) + 1;
	uint32_t key = serial & 1;

	if (!version)
		return -ENOMEM;
	if (sizeof(*version) + len > size)
		return -ENOSPC;
	version->serial = serial;
	version->sum = sum_of(serial, text);
	memcpy(version->text, text, len);
	return bpf_map_update_elem(fd, &key, version, BPF_ANY) ? -errno : 0;
}

int qos_bpf_state_bind(int prog_fd, const json_t *state, int *ret_fd)
{
	_cleanup_(freep) char *text = dump(state);
	_cleanup_(closep) int fd = -1;
	uint32_t size;
	int r;

	if (!text)
		return -ENOMEM;
	size = size_for(strlen(text));
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, QOS_STATE_MAP, sizeof(uint32_t), size, 2, NULL);
	if (fd < 0)
		return -errno;
	r = write_version(fd, size, 1, text);
	if (r < 0)
		return r;
	if (bpf_prog_bind_map(prog_fd, fd, NULL))
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int qos_bpf_state_write(struct qos_bpf_document *document, const json_t *state)
{
	_cleanup_(freep) char *text = dump(state);
	int r;

	if (!text)
		return -ENOMEM;
	r = write_version(document->fd, document->size, document->serial + 1, text);
	if (r == 0)
		document->serial++;
	return r;
}

/* Take what is in an entry where it is whole and newer than what was found before. */
static int read_version(struct qos_bpf_document *document, uint32_t key, json_t **state)
{
	/* the text ends, whatever is there */
	_cleanup_(freep) struct version *version = calloc(1, (size_t)document->size + 8);
	json_t *found;
	int r;

	if (!version)
		return -ENOMEM;
	if (bpf_map_lookup_elem(document->fd, &key, version))
		return errno == ENOENT ? 0 : -errno;
	if (document->size <= sizeof(*version) || (version->serial & 1) != key ||
	    version->serial <= document->serial ||
	    version->sum != sum_of(version->serial, version->text))
		return 0;
	r = parse(version->text, &found);
	if (r < 0)
		return r == -EBADMSG ? 0 : r;
	json_decref(*state);
	*state = found;
	document->serial = version->serial;
	return 0;
}

/* Both may be halfway only when each was read while it was written. */
#define READ_TRIES 3

int qos_bpf_state_read(struct qos_bpf_document *document, json_t **ret_state)
{
	_cleanup_(json_decrefp) json_t *state = NULL;
	int r = 0;

	document->serial = 0;
	for (int i = 0; r == 0 && !state && i < READ_TRIES; i++) {
		for (uint32_t key = 0; r == 0 && key < 2; key++)
			r = read_version(document, key, &state);
	}
	if (r < 0)
		return r;
	if (!state)
		return -EBADMSG;
	json_decref(*ret_state);
	*ret_state = TAKE_PTR(state);
	return 0;
}

int qos_bpf_fail(struct qos_diags *diags, int error, const char *fmt, ...)
{
	_cleanup_(freep) char *what = NULL;
	va_list args;
	int len;

	/* libbpf has errors of its own besides the kernel's */
	if (error <= -__LIBBPF_ERRNO__START)
		error = -EIO;
	if (!diags)
		return error;
	va_start(args, fmt);
	len = vasprintf(&what, fmt, args);
	va_end(args);
	if (len < 0)
		return error;
	if (error == -EPERM) {
		qos_diag(diags, QOS_UNSUPPORTED, "%s: %s", what, strerror(-error));
		qos_diag_hint(diags, "this needs root (CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON)");
	} else {
		qos_diag(diags, QOS_FAILED, "%s: %s", what, strerror(-error));
	}
	return error;
}
