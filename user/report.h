/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What went wrong, and so the exit status. */
#ifndef QOSCTL_REPORT_H
#define QOSCTL_REPORT_H

#include <stdbool.h>

#include <jansson.h>
#include <qos/qos.h>

#include "text.h"

struct report {
	bool json;
	enum qos_status status; /* of the worst so far */
	json_t *diags;		/* under json: all of them, printed at the end */
	int write_error;	/* errno of the first failed write to stdout */
	bool asks_again;	/* the kernel, after something was printed: see privileges.h */
};

static inline void diags_freep(struct qos_diags **diags)
{
	qos_diags_free(*diags);
}

static inline void policy_freep(struct qos_policy **policy)
{
	qos_policy_free(*policy);
}

/* Print what was kept, and judge standard output: what could not be written is a failure. */
void report_finish(struct report *report);
/* The exit status. Where nobody read the output to its end it ends here, of SIGPIPE, without a
 * word. */
int report_exit(const struct report *report);

/* Write what is buffered of standard output; false when that failed, now or before. */
bool report_flush(struct report *report);
/* False when nobody reads standard output any more, which a write would only find later. */
bool report_is_read(struct report *report);

void report_status(struct report *report, enum qos_status status);
/* Whatever a call of the library that returned r had to say; the subject is
 * what it was about, for one that failed without a word. */
void report_diags(struct report *report, const struct qos_diags *diags, const char *subject, int r);
/* An error of the command's own; the hint may be null. */
void report_error(struct report *report, enum qos_status status, const char *hint, const char *fmt,
		  ...) __attribute__((format(printf, 4, 5)));

/* qos_diags_new(), never null. */
struct qos_diags *diags_new(void);

/* A document of the library as JSON; null, reported, when it is none. */
json_t *report_load(struct report *report, const char *text);

/* The document that a call of the library gave that returned r; null when there is none. The rest
 * as for report_diags(). */
json_t *report_document(struct report *report, int r, const struct qos_diags *diags,
			const char *subject, const char *text);

/* Put an item that is not null at the end of a list; jansson fails only without memory. */
void list_append(json_t *list, json_t *item);

/*
 * What plan, apply or remove changes on an interface: as text or, under json, as a
 * document that goes to the list. With a null list the interface is the only one.
 */
void report_changes(struct report *report, const char *interface, const char *text, bool applied,
		    json_t *list);

/* On a line of its own, all of it ASCII. */
void print_json(FILE *f, const json_t *json);

#endif
