/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compile/crontab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"

/* cron's file may outlive the command */
#define USER " root test ! -x "
#define VERB " schedule run "

static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+-";

/* The expression on one line, whatever blanks it has. */
static void print_cron(struct qos_buffer *out, const char *cron)
{
	for (; *cron; cron++)
		qos_buffer_put(out, strchr(" \t\n", *cron) ? " " : cron, 1);
}

const char *qos_crontab_before(const char *ifname)
{
	return *ifname == '-' ? "-- " : "";
}

static void print(struct qos_buffer *out, const struct qos_policy *policy, const char *program)
{
	qos_buffer_printf(out,
			  "# Written by `qosctl schedule install %s`, from the policy's "
			  "schedules, and not to be\n"
			  "# edited: `qosctl schedule install` writes it anew, `remove` takes it "
			  "away.\n"
			  "SHELL=/bin/sh\n"
			  "PATH=/usr/sbin:/usr/bin:/sbin:/bin\n",
			  policy->interface);
	for (size_t i = 0; i < policy->schedule_count; i++) {
		print_cron(out, policy->schedules[i].cron_text);
		qos_buffer_printf(out, USER "%s || %s" VERB "%s%s %s\n", program, program,
				  qos_crontab_before(policy->interface), policy->interface,
				  policy->schedules[i].name);
	}
}

int qos_crontab_print(const struct qos_policy *policy, const char *program, struct qos_diags *diags,
		      char **ret_text)
{
	_cleanup_(qos_buffer_done) struct qos_buffer out = { 0 };

	if (*program != '/' || strspn(program, plain) != strlen(program)) {
		qos_diag(diags, QOS_INVALID, "cron's shell cannot be given the path `%s`",
			 QOS_BRIEF(program));
		qos_diag_hint(diags, "install qosctl where letters, digits and /._+- name it");
		return -EINVAL;
	}
	print(&out, policy, program);
	return qos_buffer_take(&out, ret_text);
}

int qos_crontab_program(const char *text, char **ret_program)
{
	const char *user = strstr(text, USER "/"), *end = user ? strstr(user, " || ") : NULL;

	if (!end)
		return -ENOENT;
	user += strlen(USER);
	*ret_program = strndup(user, (size_t)(end - user));
	return *ret_program ? 0 : -ENOMEM;
}

int qos_crontab_is_of(const struct qos_policy *policy, const char *text)
{
	_cleanup_(freep) char *program = NULL, *expected = NULL;
	int r = qos_crontab_program(text, &program);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = qos_crontab_print(policy, program, NULL, &expected);
	if (r < 0)
		return r == -EINVAL ? 0 : r;
	return strcmp(expected, text) == 0;
}
