/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Namespaces to test in, and iproute2 as the other opinion. */
#ifndef QOS_TEST_ENV_H
#define QOS_TEST_ENV_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "kernel/link.h"
#include "kernel/nl.h"

/* Interfaces of the tests: a veth pair of 4 transmit queues, both up. */
#define DEV  "qk0"
#define PEER "qk1"

struct env {
	struct qos_nl *nl;
	struct qos_diags *diags;
	struct qos_link_info link; /* DEV */
};

/* cmocka's setup and teardown: a network namespace with the pair, state struct env. */
int env_setup(void **state);
int env_teardown(void **state);
/* Skips the test, saying so, unless run by root. */
void env_need_root(void);

/* Run a shell command; fails the test if the command does. */
void run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Whether it succeeds; what it says is not shown. */
bool try_run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* What it prints, the caller's. */
char *output_of(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* All diagnostics, as the user sees them, the caller's. */
char *diags_text(const struct qos_diags *diags);
void assert_contains(const char *text, const char *part);

/* A program of type sched_cls that returns a verdict; an fd. */
int load_program(int verdict);
uint32_t program_id(int fd);

/* Run fn in a child; its return value, 0…255 (or fails the test when it dies). */
int in_child(int (*fn)(void *data), void *data);

#endif
