/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A cron expression: when it fires, in the time zone of the system. */
#ifndef QOS_MODEL_CRON_H
#define QOS_MODEL_CRON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Sets of numbers: bit n for n. */
struct qos_cron {
	uint64_t minutes;
	uint32_t hours;
	uint32_t days;	  /* of the month, from bit 1 */
	uint16_t months;  /* from bit 1 */
	uint8_t weekdays; /* bit 0: Sunday */
	bool either;	  /* the day of the month or that of the week, not both */
	bool wildcard;	  /* goes by the clock, whatever it was set to: see cron.c */
};

/* What is wrong with a text, and at which of its characters, from 0. */
struct qos_cron_error {
	size_t at;
	char text[200];
};

/*
 * Five fields as crontab(5) has them, or one of its words (@daily, …); what is taken
 * means the same to Debian's cron. -EINVAL, then error says why.
 */
int qos_cron_read(const char *text, struct qos_cron *ret, struct qos_cron_error *error);

/* When it first fires after a time. -ENOENT: never (February 30). */
int qos_cron_next(const struct qos_cron *cron, time_t after, time_t *ret);
/* When it last fired, up to and with a time. -ENOENT: never. */
int qos_cron_last(const struct qos_cron *cron, time_t upto, time_t *ret);

/* The same, and the minute of the wall clock (since 1970) that it was for: where the clock
 * leaps ahead what is skipped fires all at once, but in the order of those. */
struct qos_firing {
	time_t when;
	int64_t minute;
};
int qos_cron_last_firing(const struct qos_cron *cron, time_t upto, struct qos_firing *ret);

#endif
