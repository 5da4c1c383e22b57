/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verbs and their options as tables, which the parser and the help read. */
#ifndef QOSCTL_OPTS_H
#define QOSCTL_OPTS_H

#include <stddef.h>

struct report;

enum opt_id {
	OPT_HELP,
	OPT_VERSION,
	OPT_JSON,
	OPT_OFFLINE,
	OPT_ALL,
	OPT_DIR,
	OPT_NUMBER,
	OPT_FOR,
	OPT_WATCH,
	OPT_OPENMETRICS,
	OPT_RULES,
	OPT_INTERVAL,
	OPT_PCAP,
	OPT_DROPS,
	OPT_MARKS,
	OPT_SAMPLE,
	OPT_CLASS,
	OPT_EVENTS,
	OPT_COUNT,
};

struct opt {
	enum opt_id id;
	char letter;
	const char *name;     /* null: the end of the table */
	const char *argument; /* null: takes none; "[SECONDS]": a number, if one follows */
	const char *help;
};

struct args {
	/* Its argument, "" where it takes none; null: not given. */
	const char *option[OPT_COUNT];
	char **operands;
	size_t operand_count;
};

struct verb {
	const char *name;
	const char *operands; /* for the help */
	size_t operands_min, operands_max;
	const struct opt *opts;
	/* What it has to say and its status go to report. */
	void (*run)(const struct args *args, struct report *report);
	const char *help;
	const char *const *forms; /* what operands is in full, to a null; or null: as it is */
};

/*
 * Sort argv (without the verb) into args; operands become a prefix of argv.
 * -1 after it has said on stderr what is wrong.
 */
int args_parse(const struct verb *verb, int argc, char **argv, struct args *ret_args);

/* The seconds that text says, fallback for null or ""; negative after it has said on stderr that it
 * says none. */
double args_seconds(const char *verb, const char *text, double fallback);

/* Say on stderr what is wrong with the command line and which help to read: "" or "VERB ". */
void usage_error(const char *verb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Of the kind ("verb") there is no such name, but perhaps (or null) a near one. */
void usage_unknown(const char *verb, const char *kind, const char *name, const char *nearest);

/* The name nearest to text so far, of all that were offered; begins with that text and {}. */
struct nearest {
	const char *name; /* null: none is at most a third of its letters away */
	size_t distance;
};

void nearest_offer(struct nearest *nearest, const char *text, const char *name);

void help_print(const struct verb *verb);
void help_print_options(const struct opt *opt);

#endif
