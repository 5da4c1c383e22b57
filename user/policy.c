// SPDX-License-Identifier: LGPL-2.1-or-later
#include "policy.h"

#include <string.h>
#include <time.h>

static bool has_suffix(const char *text, const char *suffix)
{
	size_t len = strlen(text), suffix_len = strlen(suffix);

	return len >= suffix_len && !strcmp(text + len - suffix_len, suffix);
}

bool policy_is_file_name(const char *name)
{
	return has_suffix(name, ".yaml");
}

bool policy_is_path(const char *operand)
{
	return strchr(operand, '/') || has_suffix(operand, ".yaml") || has_suffix(operand, ".yml");
}

const char *policy_dir(const struct args *args)
{
	return args->option[OPT_DIR] ? args->option[OPT_DIR] : POLICY_DIR;
}

struct qos_policy *policy_read(const char *path, bool now, struct report *report)
{
	_cleanup_(diags_freep) struct qos_diags *diags = diags_new();
	struct qos_policy *policy = NULL;
	int r;

	r = now ? qos_policy_read_at(path, time(NULL), diags, &policy) :
		  qos_policy_read(path, diags, &policy);
	report_diags(report, diags, path, r);
	return r < 0 ? NULL : policy;
}

struct qos_policy *policy_read_operand(const struct args *args, const char *operand, bool now,
				       struct report *report)
{
	_cleanup_(freep) char *path = NULL;
	struct qos_policy *policy;

	if (policy_is_path(operand))
		return policy_read(operand, now, report);
	path = text_format("%s/%s.yaml", policy_dir(args), operand);
	policy = policy_read(path, now, report);
	if (!policy || !strcmp(qos_policy_interface(policy), operand))
		return policy;
	report_error(report, QOS_INVALID, "name the file itself if that is meant",
		     "%s is for interface %s, not %s", path, qos_policy_interface(policy), operand);
	qos_policy_free(policy);
	return NULL;
}
