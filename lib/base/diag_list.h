/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to diag.c, which collects, and diag_print.c, which renders. */
#ifndef QOS_BASE_DIAG_LIST_H
#define QOS_BASE_DIAG_LIST_H

#include "base/diag.h"

enum severity {
	SEVERITY_ERROR,
	SEVERITY_WARNING,
	SEVERITY_NOTE,
};

struct diag {
	enum severity severity;
	struct qos_loc loc;
	struct qos_loc group; /* where to list it: a note goes with its diagnostic */
	size_t order;	      /* as reported, among those of one place */
	bool whole;	      /* of the source as a whole: it has no place */
	char *message;
	char *hint;
};

struct qos_diags {
	enum qos_status status;
	char *path; /* of the source; null: there is none */
	char *text;
	size_t len;
	struct diag *list;
	size_t count;
	bool open;     /* the last of the list is what notes and hints go to */
	size_t unkept; /* over QOS_DIAGS_MAX, or no memory for them */
};

#endif
