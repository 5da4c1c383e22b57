// SPDX-License-Identifier: LGPL-2.1-or-later
/* explain: by a policy's file, or by the program that an interface has. */
#include <errno.h>

#include "policy.h"
#include "print.h"
#include "privileges.h"
#include "verbs.h"

/* One packet of a capture; a reader that went away ends it. */
static int print_one(void *arg, const char *text)
{
	struct report *report = arg;
	_cleanup_(json_decrefp) json_t *fate = report_load(report, text);

	if (fate && report->json)
		print_json(stdout, fate);
	else if (fate)
		print_fate(fate);
	return fate && report_flush(report) ? 0 : -ECANCELED;
}

/* The interface, where policy is null. */
static int explain(const struct qos_policy *policy, const struct args *args,
		   struct qos_diags *diags, struct report *report, char **ret_text)
{
	const char *operand = args->operands[0], *capture = args->option[OPT_PCAP];

	if (capture)
		return policy ? qos_explain_policy_capture(policy, capture, print_one, report,
							   diags, ret_text) :
				qos_explain_capture(operand, capture, print_one, report, diags,
						    ret_text);
	return policy ? qos_explain_policy(policy, args->operands[1], diags, ret_text) :
			qos_explain(operand, args->operands[1], diags, ret_text);
}

static void print_answer(const struct args *args, const char *text, struct report *report)
{
	_cleanup_(json_decrefp) json_t *json = report_load(report, text);

	if (json && report->json)
		print_json(stdout, json);
	else if (json && args->option[OPT_PCAP])
		print_fates(json);
	else if (json)
		print_explain(json);
}

static void explain_by(const struct qos_policy *policy, const struct args *args,
		       struct report *report)
{
	_cleanup_(diags_freep) struct qos_diags *diags = diags_new();
	_cleanup_(freep) char *text = NULL;
	int r = explain(policy, args, diags, report, &text);

	privileges_drop(report);
	if (r == -ECANCELED)
		return;
	/* the sums of a capture that was cut off come before what is wrong with it */
	if (text)
		print_answer(args, text, report);
	report_diags(report, diags, args->operands[0], r);
}

static void explain_file(const struct args *args, struct report *report)
{
	_cleanup_(policy_freep) struct qos_policy *policy = NULL;

	if (!privileges_keep(QOS_PRIVILEGES_READ, report))
		return;
	policy = policy_read(args->operands[0], true, report);
	if (policy)
		explain_by(policy, args, report);
}

void run_explain(const struct args *args, struct report *report)
{
	if (!args->option[OPT_PCAP] == (args->operand_count == 1)) {
		usage_error("explain ", "explain needs either a PACKET or --pcap CAPTURE");
		report_status(report, QOS_INVALID);
	} else if (args->operand_count > 2) {
		/* to the shell a packet without quotes is words, and a redirection */
		usage_error("explain ",
			    "put the packet in quotes: 'udp 10.0.0.2:5000 > 1.1.1.1:53'");
		report_status(report, QOS_INVALID);
	} else if (policy_is_path(args->operands[0])) {
		explain_file(args, report);
	} else {
		explain_by(NULL, args, report);
	}
}
