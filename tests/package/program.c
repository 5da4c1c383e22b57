/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A user of libqos, in the C and the C++ of anybody: what a policy would set up, to
 * standard output; what is wrong with it, to standard error.
 */
#include <stdio.h>
#include <stdlib.h>

#include <qos/qos.h>

static int print_plan(const char *path, struct qos_diags *diags)
{
	struct qos_policy *policy = NULL;
	char *text = NULL;
	int r = qos_policy_read(path, diags, &policy);

	if (r < 0)
		return r;
	r = qos_plan_full(policy, diags, &text);
	if (r == 0)
		printf("libqos %s, %s\n%s", qos_version(), qos_policy_interface(policy), text);
	free(text);
	qos_policy_free(policy);
	return r;
}

int main(int argc, char **argv)
{
	struct qos_diags *diags = qos_diags_new();
	enum qos_status status;
	char *text = NULL;

	if (argc != 2 || !diags)
		return QOS_FAILED;
	print_plan(argv[1], diags);
	if (qos_diags_text(diags, &text) == 0)
		fputs(text, stderr);
	free(text);
	status = qos_diags_status(diags);
	qos_diags_free(diags);
	return (int)status;
}
