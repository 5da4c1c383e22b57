/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "model/policy.h"
#include "parse/doc.h"

static void match_done(struct qos_match *match)
{
	free(match->proto);
	free(match->src);
	free(match->dst);
	free(match->sport);
	free(match->dport);
	free(match->mark);
	for (size_t i = 0; i < match->cgroup_count; i++)
		free(match->cgroup[i]);
	free(match->cgroup);
	free(match->uid);
	free(match->vlan);
	free(match->length);
	free(match->tcp_flags);
	free(match->icmp_type);
	/* these have none in them */
	for (size_t i = 0; i < match->excluded_count; i++)
		match_done(&match->excluded[i]);
	free(match->excluded);
}

static void schedule_done(struct qos_schedule *schedule)
{
	free(schedule->name);
	free(schedule->cron_text);
	free(schedule->overrides);
	qos_node_free(schedule->set);
}

void qos_policy_free(struct qos_policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < policy->class_count; i++)
		free(policy->classes[i].name);
	for (size_t i = 0; i < policy->rule_count; i++)
		match_done(&policy->rules[i].match);
	for (size_t i = 0; i < policy->schedule_count; i++)
		schedule_done(&policy->schedules[i]);
	free(policy->schedules);
	free(policy->classes);
	free(policy->rules);
	free(policy->interface);
	free(policy->path);
	free(policy->writers);
	free(policy->writers_hint);
	free(policy->source);
	free(policy);
}
