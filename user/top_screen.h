/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The terminal that top runs on. */
#ifndef QOSCTL_TOP_SCREEN_H
#define QOSCTL_TOP_SCREEN_H

#include <stdbool.h>

#include "top_model.h"

struct report;

/* Take the terminal; false, reported, when it cannot be had. It is given back at exit too. */
bool screen_open(struct report *report);
/* Give it back; then a signal that ended screen_wait() does what it does. */
void screen_close(void);

/* title: of the first line; message: in place of the help in the last, or null. */
void screen_draw(const struct top *top, const char *title, const char *message);

enum screen_event {
	SCREEN_TIME, /* the seconds are over */
	SCREEN_KEY,  /* *ret_key is pressed, or the size has changed */
	SCREEN_END,  /* a signal, or the terminal went away */
};

enum screen_event screen_wait(double seconds, int *ret_key);

/* What a key does to the rows; false: it is to end. */
bool screen_key(struct top *top, int key);

#endif
