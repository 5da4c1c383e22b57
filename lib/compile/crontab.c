/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compile/crontab.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* cron's file may outlive the command */
#define USER " root test ! -x "
#define VERB " schedule run "

static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+-";

/* The expression on one line, whatever blanks it has. */
static void print_cron(FILE *out, const char *cron)
{
	for (bool blank = false; *cron; cron++) {
		blank = strchr(" \t\n", *cron);
		fputc(blank ? ' ' : *cron, out);
	}
}

static void print(FILE *out, const struct qos_policy *policy, const char *program)
{
	fprintf(out,
		"# Written by `qosctl schedule install %s`, from the policy's schedules, and not "
		"to be\n"
		"# edited: `qosctl schedule install` writes it anew, `remove` takes it away.\n"
		"SHELL=/bin/sh\n"
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin\n",
		policy->interface);
	for (size_t i = 0; i < policy->schedule_count; i++) {
		print_cron(out, policy->schedules[i].cron_text);
		fprintf(out, USER "%s || %s" VERB "%s %s\n", program, program, policy->interface,
			policy->schedules[i].name);
	}
}

int qos_crontab_print(const struct qos_policy *policy, const char *program, struct qos_diags *diags,
		      char **ret_text)
{
	_cleanup_(freep) char *text = NULL;
	size_t len = 0;
	FILE *out;

	if (*program != '/' || strspn(program, plain) != strlen(program)) {
		qos_diag(diags, QOS_INVALID, "cron's shell cannot be given the path `%s`",
			 QOS_BRIEF(program));
		qos_diag_hint(diags, "install qosctl where letters, digits and /._+- name it");
		return -EINVAL;
	}
	out = open_memstream(&text, &len);
	if (!out)
		return -ENOMEM;
	print(out, policy, program);
	if (fclose(out) || !text)
		return -ENOMEM;
	*ret_text = TAKE_PTR(text);
	return 0;
}

int qos_crontab_is_of(const struct qos_policy *policy, const char *text)
{
	_cleanup_(freep) char *program = NULL, *expected = NULL;
	const char *user = strstr(text, USER "/"), *end = user ? strstr(user, " || ") : NULL;
	int r;

	if (!end)
		return 0;
	user += strlen(USER);
	program = strndup(user, (size_t)(end - user));
	if (!program)
		return -ENOMEM;
	r = qos_crontab_print(policy, program, NULL, &expected);
	if (r < 0)
		return r == -EINVAL ? 0 : r;
	return strcmp(expected, text) == 0;
}
