// SPDX-License-Identifier: LGPL-2.1-or-later
/* The verbs that change what is in force, without a policy file: set, unset. */
#include "report.h"
#include "verbs.h"

void run_set(const struct args *args, struct report *report)
{
	_cleanup_(diags_freep) struct qos_diags *diags = diags_new();
	char **operands = args->operands;
	_cleanup_(freep) char *text = NULL;
	int r;

	r = qos_set(operands[0], operands[1], (const char *const *)operands + 2,
		    args->operand_count - 2, args->option[OPT_FOR], report->json, diags, &text);
	report_diags(report, diags, operands[0], r);
	if (r == 0)
		report_changes(report, operands[0], text, true, NULL);
}

void run_unset(const struct args *args, struct report *report)
{
	_cleanup_(diags_freep) struct qos_diags *diags = diags_new();
	size_t keys = args->operand_count > 2 ? args->operand_count - 2 : 0;
	char **operands = args->operands;
	_cleanup_(freep) char *text = NULL;
	int r;

	r = qos_unset(operands[0], args->operand_count > 1 ? operands[1] : NULL,
		      (const char *const *)operands + 2, keys, report->json, diags, &text);
	report_diags(report, diags, operands[0], r);
	if (r == 0)
		report_changes(report, operands[0], text, true, NULL);
}
