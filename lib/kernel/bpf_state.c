/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The document that a program carries. */
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

int qos_bpf_state_bind(int prog_fd, const json_t *state, int *ret_fd)
{
	_cleanup_(freep) char *text = dump(state);
	_cleanup_(closep) int fd = -1;
	uint32_t key = 0;

	if (!text)
		return -ENOMEM;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, QOS_STATE_MAP, sizeof(key),
			    (uint32_t)strlen(text) + 1, 1, NULL);
	if (fd < 0)
		return -errno;
	if (bpf_map_update_elem(fd, &key, text, BPF_ANY) || bpf_map_freeze(fd) ||
	    bpf_prog_bind_map(prog_fd, fd, NULL))
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int qos_bpf_state_read(int map_fd, uint32_t value_size, json_t **ret_state)
{
	/* the kernel copies values in multiples of 8 */
	_cleanup_(freep) char *text = calloc(1, (size_t)value_size + 8);
	uint32_t key = 0;
	json_t *state;
	int r;

	if (!text)
		return -ENOMEM;
	if (bpf_map_lookup_elem(map_fd, &key, text))
		return -errno;
	r = parse(text, &state);
	if (r < 0)
		return r;
	json_decref(*ret_state);
	*ret_state = state;
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
