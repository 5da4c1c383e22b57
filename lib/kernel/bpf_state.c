/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The document that a program carries, as text. */
#include "kernel/bpf_state.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "kernel/json_text.h"
#include "kernel/versions.h"

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

static void put_text(struct qos_buffer *out, const json_t *string)
{
	if (json_is_string(string))
		qos_buffer_put(out, json_string_value(string), json_string_length(string));
}

/* In the first line of a document that is not in force yet. */
#define MARK "\"" QOS_STATE_UNFINISHED "\":true,"

static int put_document(struct qos_buffer *out, const json_t *state, bool unfinished)
{
	const json_t *show = json_object_get(state, SHOW);
	_cleanup_(freep) char *head = dump_head(state), *shown = NULL;

	if (json_is_object(show))
		shown = qos_json_text(show);
	if (!head || (json_is_object(show) && !shown))
		return -ENOMEM;
	qos_buffer_puts(out, unfinished ? "{" MARK : "{");
	qos_buffer_puts(out, head + 1);
	qos_buffer_puts(out, "\n");
	if (shown)
		qos_buffer_puts(out, shown);
	else
		put_text(out, show);
	qos_buffer_puts(out, "\n");
	put_text(out, json_object_get(state, PLAN));
	qos_buffer_puts(out, "\f");
	put_text(out, json_object_get(state, SOURCE));
	return out->failed ? -ENOMEM : 0;
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

static int make_version(struct qos_buffer *out, const json_t *state, bool unfinished)
{
	qos_version_begin(out);
	return put_document(out, state, unfinished);
}

int qos_bpf_state_bind(int prog_fd, const json_t *state, int *ret_fd)
{
	_cleanup_(qos_buffer_done) struct qos_buffer made = { 0 };
	_cleanup_(closep) int fd = -1;
	int r = make_version(&made, state, false);

	if (r == 0)
		r = qos_versions_create(QOS_STATE_MAP, &made, &fd);
	if (r < 0)
		return r;
	if (bpf_prog_bind_map(prog_fd, fd, NULL))
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int write_next(struct qos_bpf_document *document, struct qos_buffer *made)
{
	int r = qos_version_write(document->fd, document->size, document->serial + 1, made);

	if (r == 0)
		document->serial++;
	return r;
}

int qos_bpf_state_write(struct qos_bpf_document *document, const json_t *state)
{
	_cleanup_(qos_buffer_done) struct qos_buffer made = { 0 };
	int r = make_version(&made, state, false);

	return r < 0 ? r : write_next(document, &made);
}

int qos_bpf_state_begin(struct qos_bpf_document *document, const json_t *state,
			struct qos_buffer *made)
{
	int r = make_version(made, state, true);

	return r < 0 ? r : write_next(document, made);
}

int qos_bpf_state_end(struct qos_bpf_document *document, struct qos_buffer *made)
{
	/* what it was marked with is blank to JSON, and nothing moves */
	memset(qos_version_text(made) + 1, ' ', strlen(MARK));
	return write_next(document, made);
}

int qos_bpf_state_read(struct qos_bpf_document *document, json_t **ret_state)
{
	_cleanup_(freep) struct qos_version *version = NULL;
	json_t *state = NULL;
	int r = qos_version_read(document->fd, document->size, &version);

	document->serial = 0;
	if (r == 0)
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
