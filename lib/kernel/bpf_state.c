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
#include "kernel/json_text.h"

static int parse(const char *text, size_t len, json_t **ret_state)
{
	json_error_t error;
	json_t *state = json_loadb(text, len, 0, &error);

	if (!state)
		return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : -EBADMSG;
	*ret_state = state;
	return 0;
}

/*
 * The text of a document: a line of JSON, which is all that a change needs to read, then as
 * another what is only shown, then the plan's lines, and after a form feed, which those have
 * not, the policy as it was read. What is long is text, as JSON of it takes a change's time.
 */
#define SHOW   "show"
#define PLAN   "plan"
#define SOURCE "source"

/* What is none of them. Without memory json_copy() may leave out a part. */
static char *dump_head(const json_t *state)
{
	_cleanup_(json_decrefp) json_t *head = json_copy((json_t *)state);

	if (json_object_size(head) != json_object_size(state))
		return NULL;
	json_object_del(head, SHOW);
	json_object_del(head, PLAN);
	json_object_del(head, SOURCE);
	return qos_json_text(head);
}

static const char *text_or_none(const json_t *string)
{
	return json_is_string(string) ? json_string_value(string) : "";
}

static char *dump(const json_t *state)
{
	const json_t *show = json_object_get(state, SHOW);
	const char *plan = text_or_none(json_object_get(state, PLAN));
	const char *source = text_or_none(json_object_get(state, SOURCE));
	_cleanup_(freep) char *head = dump_head(state), *shown = NULL;
	char *text;

	shown = json_is_object(show) ? qos_json_text(show) : strdup(text_or_none(show));
	if (!head || !shown || asprintf(&text, "%s\n%s\n%s\f%s", head, shown, plan, source) < 0)
		return NULL;
	return text;
}

/* "show" remains text: see qos_bpf_state_unfold(). */
static int parse_document(const char *text, json_t **ret_state)
{
	_cleanup_(json_decrefp) json_t *state = NULL;
	size_t head = strcspn(text, "\n"), show, plan;
	int r = parse(text, head, &state);

	if (r < 0)
		return r;
	if (!text[head])
		return -EBADMSG;
	text += head + 1;
	show = strcspn(text, "\n");
	if (!text[show])
		return -EBADMSG;
	plan = strcspn(text + show + 1, "\f");
	if (!text[show + 1 + plan])
		return -EBADMSG;
	if (json_object_set_new(state, SHOW, json_stringn_nocheck(text, show)) ||
	    json_object_set_new(state, PLAN, json_stringn_nocheck(text + show + 1, plan)) ||
	    json_object_set_new(state, SOURCE, json_string_nocheck(text + show + 1 + plan + 1)))
		return -ENOMEM;
	*ret_state = TAKE_PTR(state);
	return 0;
}

int qos_bpf_state_unfold(json_t *state)
{
	const json_t *text = json_object_get(state, SHOW);
	json_t *show;
	int r;

	if (!json_is_string(text))
		return 0;
	r = parse(json_string_value(text), json_string_length(text), &show);
	if (r < 0)
		return r;
	return json_object_set_new(state, SHOW, show) ? -ENOMEM : 0;
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

static int write_version(int fd, uint32_t size, uint64_t serial, const char *text)
{
	_cleanup_(freep) struct version *version = calloc(1, (size_t)size + 8);
	size_t len = strlen(text) + 1;
	uint32_t key = serial & 1;

	if (!version)
		return -ENOMEM;
	if (sizeof(*version) + len > size)
		return -ENOSPC;
	version->serial = serial;
	memcpy(version->text, text, len);
	version->sum = sum_of(serial, version->text);
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

static int write_next(struct qos_bpf_document *document, const char *text)
{
	int r = write_version(document->fd, document->size, document->serial + 1, text);

	if (r == 0)
		document->serial++;
	return r;
}

int qos_bpf_state_write(struct qos_bpf_document *document, const json_t *state)
{
	_cleanup_(freep) char *text = dump(state);

	return text ? write_next(document, text) : -ENOMEM;
}

int qos_bpf_state_begin(struct qos_bpf_document *document, const json_t *state, char **ret_text)
{
	_cleanup_(freep) char *text = dump(state), *unfinished = NULL;
	int r;

	if (!text || asprintf(&unfinished, "{\"" QOS_STATE_UNFINISHED "\":true,%s", text + 1) < 0)
		return -ENOMEM;
	r = write_next(document, unfinished);
	if (r < 0)
		return r;
	*ret_text = TAKE_PTR(text);
	return 0;
}

int qos_bpf_state_end(struct qos_bpf_document *document, const char *text)
{
	return write_next(document, text);
}

/* *ret_version: what is in an entry; null where that is not whole. */
static int read_version(const struct qos_bpf_document *document, uint32_t key,
			struct version **ret_version)
{
	/* the text ends, whatever is there */
	_cleanup_(freep) struct version *version = calloc(1, (size_t)document->size + 8);

	if (!version)
		return -ENOMEM;
	if (bpf_map_lookup_elem(document->fd, &key, version))
		return errno == ENOENT ? 0 : -errno;
	if (document->size <= sizeof(*version) || (version->serial & 1) != key ||
	    !version->serial || version->sum != sum_of(version->serial, version->text))
		return 0;
	*ret_version = TAKE_PTR(version);
	return 0;
}

/* The newest that is whole; null: none. */
static int read_newest(const struct qos_bpf_document *document, struct version **ret_version)
{
	_cleanup_(freep) struct version *first = NULL, *second = NULL;
	int r = read_version(document, 0, &first);

	if (r == 0)
		r = read_version(document, 1, &second);
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

int qos_bpf_state_read(struct qos_bpf_document *document, json_t **ret_state)
{
	_cleanup_(freep) struct version *version = NULL;
	json_t *state;
	int r = 0;

	document->serial = 0;
	for (int i = 0; r == 0 && !version && i < READ_TRIES; i++)
		r = read_newest(document, &version);
	if (r < 0)
		return r;
	if (!version)
		return -EBADMSG;
	r = parse_document(version->text, &state);
	if (r < 0)
		return r;
	document->serial = version->serial;
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
