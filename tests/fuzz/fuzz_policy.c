/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes at all through all that needs no kernel: document, policy, plan,
 * diagnostics. Beside what the sanitizers see, what the later stages rely on.
 */
#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "compile/plan.h"
#include "model/policy.h"
#include "parse/doc.h"

DEFINE_CLEANUP(struct qos_diags *, diags_freep, qos_diags_free)
DEFINE_CLEANUP(struct qos_node *, node_freep, qos_node_free)
DEFINE_CLEANUP(struct qos_policy *, policy_freep, qos_policy_free)
DEFINE_CLEANUP(struct qos_plan *, plan_freep, qos_plan_free)

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* Its place in the tree, and what it promises against its parent. */
static void require_class(const struct qos_policy *policy, size_t index)
{
	const struct qos_class *class = &policy->classes[index];
	bool top = class->parent == QOS_PARENT_LINK;
	uint64_t above;

	require(top || (class->parent >= 0 && (size_t) class->parent < index));
	require(class->depth == (top ? 1 : policy->classes[class->parent].depth + 1));
	require(class->depth <= QOS_POLICY_DEPTH);
	require(top || policy->classes[class->parent].inner);
	require(class->inner || index + 1 == policy->class_count ||
		policy->classes[index + 1].depth <= class->depth);
	above = top ? policy->link.rate : policy->classes[class->parent].ceil;
	require(!above || (class->ceil && class->ceil <= above));
	require(class->ceil >= class->rate || (class->inner && !class->ceil));
	require(top || class->rate <= policy->classes[class->parent].rate);
}

static void require_ranges(const struct qos_range *ranges, size_t count, uint32_t max)
{
	for (size_t i = 0; i < count; i++)
		require(ranges[i].min <= ranges[i].max && ranges[i].max <= max);
}

static void require_masked(const struct qos_masked *list, size_t count, uint32_t most)
{
	for (size_t i = 0; i < count; i++)
		require(list[i].mask && list[i].mask <= most && !(list[i].value & ~list[i].mask));
}

/* Something is asked for, and what is a table's key is in its bounds. */
static void require_match(const struct qos_match *m)
{
	require(m->proto_count || m->src_count || m->dst_count || m->sport_count ||
		m->dport_count || m->dscp || m->family || m->mark_count || m->cgroup_count ||
		m->uid_count || m->vlan_count || m->length_count || m->tcp_flags_count ||
		m->icmp_type_count || m->excluded_count);
	for (size_t i = 0; i < m->dport_count; i++)
		require(m->dport[i].min <= m->dport[i].max);
	require_ranges(m->uid, m->uid_count, UINT32_MAX - 1);
	require_ranges(m->vlan, m->vlan_count, QOS_VLAN_NONE);
	require_ranges(m->length, m->length_count, 65575);
	require_masked(m->mark, m->mark_count, UINT32_MAX);
	require_masked(m->tcp_flags, m->tcp_flags_count, UINT8_MAX);
	for (size_t i = 0; i < m->cgroup_count; i++)
		require(m->cgroup[i][0] && strlen(m->cgroup[i]) < QOS_CGROUP_PATH);
	for (size_t i = 0; i < m->excluded_count; i++) {
		require(!m->excluded[i].excluded_count);
		require_match(&m->excluded[i]);
	}
}

static void require_good(const struct qos_policy *policy)
{
	require(qos_ifname_valid(policy->interface));
	require(policy->class_count > 0 && policy->default_class < policy->class_count);
	require(!policy->classes[policy->default_class].inner);
	require(policy->class_count <= QOS_POLICY_CLASSES);
	require((policy->link.gso == QOS_GSO_SIZE) == (policy->link.gso_size > 0));
	for (size_t i = 0; i < policy->class_count; i++) {
		const struct qos_class *class = &policy->classes[i];

		require_class(policy, i);
		require(class->weight > 0 && class->latency > 0);
		require(class->host6_len >= 1 && class->host6_len <= 128);
		require(class->fairness <= QOS_FAIR_NONE);
		require(!class->ceil || class->per_flow <= class->ceil);
		require(class->dscp >= -1 && class->dscp < 64);
		require(class->priority <= QOS_PRIORITY_LOW);
	}
	for (size_t i = 0; i < policy->rule_count; i++) {
		require(policy->rules[i].class_index < policy->class_count);
		require(policy->rules[i].drop ||
			!policy->classes[policy->rules[i].class_index].inner);
		require_match(&policy->rules[i].match);
	}
}

/* Each of them was tried: it fits, whatever is put together later. */
static void require_schedules(const struct qos_policy *policy, const struct qos_node *root)
{
	time_t since;

	require(policy->schedule_count <= QOS_POLICY_SCHEDULES);
	require(!qos_policy_schedule_at(policy, 1800000000, &since) == !policy->schedule_count);
	for (size_t i = 0; i < policy->schedule_count; i++) {
		const struct qos_schedule *schedule = &policy->schedules[i];
		_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
		_cleanup_(policy_freep) struct qos_policy *with = NULL;

		require(schedule->name && schedule->cron_text);
		require(!strpbrk(schedule->cron_text, "%\r\n"));
		require(qos_policy_build(root, policy->path, schedule->overrides,
					 schedule->override_count, diags, &with) == 0);
		require_good(with);
	}
}

/* What a range leads to is there; of a table's values it may be a set without saying so. */
static void require_way(const struct qos_tables *t, uint32_t to, bool in_table)
{
	size_t at = QOS_TO(to);

	require(to & QOS_TO_SET ? at < t->set_count :
				  at < t->node_count || (in_table && at < t->set_count));
}

/* Sets are there, and say classes that are. */
static void require_tables(const struct qos_plan *plan)
{
	const struct qos_tables *t = plan->tables;

	require(t->entries <= QOS_MAX_ENTRIES && plan->link.rules == t->entries);
	require(t->words <= QOS_MAX_ENTRIES / QOS_RULE_BLOCK);
	for (uint32_t i = 0; i < t->words * QOS_RULE_BLOCK; i++) {
		uint32_t slot = QOS_DECIDED_SLOT(t->decided[i]);

		require(slot <= plan->class_count || slot == QOS_DROP_SLOT);
		require(QOS_DECIDED_RULE(t->decided[i]) <= plan->policy->rule_count);
	}
	for (size_t i = 0; i < t->value_count; i++)
		require_way(t, t->values[i], true);
	for (size_t i = 0; i < t->node_count; i++)
		for (uint32_t k = 0; k < QOS_FANOUT; k++)
			require_way(t, t->nodes[i].to[k], false);
}

/* What the program would take as the index of an array, or divide by. */
static void require_plan(const struct qos_plan *plan)
{
	require(plan->class_count < QOS_MAX_CLASSES);
	for (size_t i = 0; i < plan->class_count; i++) {
		const struct qos_class_cfg *cfg = &plan->classes[i].cfg;

		/* slot 0 is the link, so class i is in slot i + 1, after all above it */
		require(cfg->parent == QOS_NO_SLOT || cfg->parent <= i);
		require(cfg->hard == QOS_NO_SLOT || cfg->hard <= i);
		require(cfg->level < QOS_LEVELS && cfg->weight > 0);
		require(!(cfg->flags & QOS_CLASS_RATE) || cfg->rate_cost > 0);
		require(!(cfg->flags & QOS_CLASS_CEIL) || cfg->ceil_cost > 0);
		require(cfg->period_shift < 64 && cfg->parent_shift < 64);
	}
	require_tables(plan);
}

/* Where it fits the kernel's tables: a plan that differs in nothing from itself. */
static bool require_compiled(const struct qos_policy *policy, struct qos_diags *diags)
{
	_cleanup_(plan_freep) struct qos_plan *plan = NULL;
	_cleanup_(freep) char *text = NULL, *changes = NULL;
	int r = qos_plan_compile(policy, diags, &plan);

	require(r == 0 || r == -E2BIG);
	if (r < 0)
		return false;
	require_plan(plan);
	require(qos_plan_print(plan, &text) == 0);
	require(qos_plan_same_shape(text, text));
	require(qos_plan_diff(text, text, &changes) == 0 && *changes == '\0');
	return true;
}

/* Warnings, whatever the rules: and the policy stays a good one. */
static void require_warned(const struct qos_policy *policy, const char *text, size_t size)
{
	_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
	_cleanup_(freep) char *said = NULL;

	require(qos_diags_set_source(diags, policy->path, text, size) == 0);
	require(qos_policy_warn(policy, diags) == 0);
	require(qos_diags_status(diags) == QOS_OK);
	require(qos_diags_text(diags, &said) == 0);
}

/* Safe for a terminal, and JSON for a program. */
static void require_shown(const struct qos_diags *diags, bool failed)
{
	_cleanup_(freep) char *text = NULL, *json_text = NULL;
	uint32_t code;
	json_t *json;

	require(qos_diags_text(diags, &text) == 0);
	require((*text != '\0') == failed);
	for (const char *p = text; *p;) {
		size_t size = qos_utf8_decode(p, strlen(p) < 4 ? strlen(p) : 4, &code);

		require(size > 0 && (qos_utf8_printable(code) || code == '\n' || code == '\t'));
		p += size;
	}
	require(qos_diags_json(diags, &json_text) == 0);
	json = json_loads(json_text, 0, NULL);
	require((json_array_size(json) > 0) == failed);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
	_cleanup_(policy_freep) struct qos_policy *policy = NULL;
	_cleanup_(node_freep) struct qos_node *root = NULL;
	const char *text = (const char *)data;
	int r;

	require(qos_diags_set_source(diags, "eth0.yaml", text, size) == 0);
	r = qos_doc_read(text, size, diags, &root);
	if (r == 0)
		r = qos_policy_build(root, "eth0.yaml", NULL, 0, diags, &policy);
	require(r == 0 || r == -EINVAL);
	require((qos_diags_status(diags) == QOS_INVALID) == (r < 0));
	if (policy) {
		require_good(policy);
		require_schedules(policy, root);
		require_warned(policy, text, size);
		r = require_compiled(policy, diags) ? 0 : -E2BIG;
	}
	require_shown(diags, r < 0);
	return 0;
}
