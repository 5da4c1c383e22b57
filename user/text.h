/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text for terminals: what is safe to show, colours, units, memory for it. */
#ifndef QOSCTL_TEXT_H
#define QOSCTL_TEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define _cleanup_(fn) __attribute__((cleanup(fn)))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline void freep(void *p)
{
	free(*(void **)p);
}

/* A command that has no memory left can only say so and exit with 1. */
_Noreturn void out_of_memory(void);

/* As asprintf() and vasprintf(), never null. The caller's. */
char *text_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *text_vformat(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

/*
 * A copy in which everything that could move the cursor, reorder the line or
 * is not UTF-8 is written \xNN. The caller's. Needs LC_CTYPE to be UTF-8,
 * otherwise nothing but ASCII passes.
 */
char *text_safe(const char *text);
/* Print such a copy, but with its newlines and tabs. */
void print_safe(FILE *f, const char *text);

/* The columns of a terminal that a safe text takes. */
int text_width(const char *text);

enum colour { COLOUR_NONE, COLOUR_RED, COLOUR_GREEN, COLOUR_YELLOW };

/* The sequence that begins a colour on f, or ends it (COLOUR_NONE); empty
 * where colours are not wanted: no terminal, NO_COLOR (no-color.org), TERM=dumb. */
const char *colour(FILE *f, enum colour which);

/* As a policy writes them: "1500kbit", "3028b", "5ms". The caller's. */
char *text_rate(long long bits_per_second);
char *text_size(long long bytes);
char *text_time(long long ns);

/* What is measured, to three digits: "87.2mbit", "1.05ms", "12.3k"; ms without their unit: "0.512".
 */
char *text_rate_now(long long bits_per_second);
char *text_time_now(long long ns);
char *text_count_now(long long count);
char *text_ms(long long ns);

#endif
