/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Diagnostics: collected, located, rendered at the end. A stage reports all
 * that it finds and goes on; the caller asks for the status. A null collector
 * takes them and forgets them, for what is tried and may fail.
 */
#ifndef QOS_BASE_DIAG_H
#define QOS_BASE_DIAG_H

#include <stdbool.h>
#include <stddef.h>

#include <qos/qos.h>

/* A place in the policy's text; line 0: no place. Both count from 1, columns
 * in characters (a UTF-8 sequence is one). */
struct qos_loc {
	unsigned int line;
	unsigned int column;
};

/*
 * What is said twice at one place is kept once (an aliased node is read as
 * often as it is used), and of more than QOS_DIAGS_MAX errors only the number
 * is kept. Control characters in a message become '?', so a hostile file cannot
 * write to the terminal. Without memory for a message its status still holds.
 */
#define QOS_DIAGS_MAX 1000

/* The text that locations refer to, in place of an earlier one. Copied. -ENOMEM. */
int qos_diags_set_source(struct qos_diags *diags, const char *path, const char *text, size_t len);

/* An error of the policy, at its place (QOS_INVALID). */
void qos_diag_at(struct qos_diags *diags, struct qos_loc loc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A note to the diagnostic before it, with a place of its own ("… note: first defined here"). */
void qos_diag_note(struct qos_diags *diags, struct qos_loc loc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* An error without a place. */
void qos_diag(struct qos_diags *diags, enum qos_status status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* What to do about the diagnostic before it. */
void qos_diag_hint(struct qos_diags *diags, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Something to know that is no error: does not change the status. */
void qos_diag_warn(struct qos_diags *diags, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The same, of the policy's file as a whole. */
void qos_diag_warn_file(struct qos_diags *diags, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The same, of a place in the policy. */
void qos_diag_warn_at(struct qos_diags *diags, struct qos_loc loc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* text, or where it is long its beginning with "..." in buf: for messages. */
#define QOS_BRIEF_LEN 68
const char *qos_brief(const char *text, char *buf);
#define QOS_BRIEF(text) qos_brief((text), (char[QOS_BRIEF_LEN]){ 0 })

#endif
