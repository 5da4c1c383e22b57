/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "model/policy.h"

static void match_done(struct qos_match *match)
{
	free(match->proto);
	free(match->src);
	free(match->dst);
	free(match->sport);
	free(match->dport);
}

void qos_policy_free(struct qos_policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < policy->class_count; i++)
		free(policy->classes[i].name);
	for (size_t i = 0; i < policy->rule_count; i++)
		match_done(&policy->rules[i].match);
	free(policy->classes);
	free(policy->rules);
	free(policy->interface);
	free(policy->path);
	free(policy);
}

/* The kernel's isspace(): ASCII's, and Latin 1's no-break space (lib/ctype.c). */
static bool is_kernel_space(unsigned char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xa0;
}

bool qos_ifname_valid(const char *name)
{
	size_t len = strnlen(name, IFNAMSIZ);

	if (len == 0 || len == IFNAMSIZ)
		return false;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (name[i] == '/' || name[i] == ':' || is_kernel_space((unsigned char)name[i]))
			return false;
	}
	return true;
}
