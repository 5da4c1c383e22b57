/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The document that a program carries. */
#include "kernel/bpf_state.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

int qos_bpf_state_bind(int prog_fd, const json_t *state, int *ret_fd)
{
	_cleanup_(freep) char *text = json_dumps(state, JSON_COMPACT);
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

	if (!text)
		return -ENOMEM;
	if (bpf_map_lookup_elem(map_fd, &key, text))
		return -errno;
	state = json_loads(text, 0, NULL);
	if (!state)
		return -EBADMSG;
	json_decref(*ret_state);
	*ret_state = state;
	return 0;
}

int qos_bpf_fail(struct qos_diags *diags, int error, const char *fmt, ...)
{
	_cleanup_(freep) char *what = NULL;
	va_list args;
	int len;

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
