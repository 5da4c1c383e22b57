/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A policy with what is put over its values. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "base/cleanup.h"

DEFINE_CLEANUP(struct qos_policy *, policyp, qos_policy_free)
DEFINE_CLEANUP(struct qos_node *, nodep, qos_node_free)

/* Values of sets as they would be in a file; they have no place there. */
static void override(const struct qos_set *set, struct qos_node *node, struct qos_override *ret)
{
	*node = (struct qos_node){ .kind = QOS_NODE_SCALAR, .text = set->value };
	*ret = (struct qos_override){ .class = set->class, .key = set->key, .value = node };
}

int api_build(const struct qos_node *root, const struct qos_policy *base,
	      const struct qos_schedule *schedule, time_t since, const struct qos_set *sets,
	      size_t set_count, struct qos_diags *diags, struct qos_policy **ret_policy)
{
	size_t count = schedule ? schedule->override_count : 0;
	_cleanup_(freep) struct qos_override *overrides =
		calloc(count + set_count + 1, sizeof(*overrides));
	_cleanup_(freep) struct qos_node *nodes = calloc(set_count + 1, sizeof(*nodes));
	_cleanup_(policyp) struct qos_policy *policy = NULL;
	int r;

	if (!overrides || !nodes)
		return -ENOMEM;
	/* the last of a key is what counts */
	if (count)
		memcpy(overrides, schedule->overrides, count * sizeof(*overrides));
	for (size_t i = 0; i < set_count; i++)
		override(&sets[i], &nodes[i], &overrides[count + i]);
	r = qos_policy_build(root, base->path, overrides, count + set_count, diags, &policy);
	if (r)
		return r;
	policy->source = strdup(base->source);
	if (!policy->source)
		return -ENOMEM;
	if (schedule)
		policy->schedule = &policy->schedules[schedule - base->schedules];
	policy->schedule_since = since;
	policy->applied = base->applied;
	policy->sets = sets;
	policy->set_count = set_count;
	*ret_policy = TAKE_PTR(policy);
	return 0;
}

int api_read_base(const char *path, const char *text, size_t len, struct qos_diags *diags,
		  struct qos_node **ret_root, struct qos_policy **ret_policy)
{
	_cleanup_(nodep) struct qos_node *root = NULL;
	_cleanup_(policyp) struct qos_policy *policy = NULL;
	int r = qos_doc_read(text, len, diags, &root);

	if (r == 0)
		r = qos_policy_build(root, path, NULL, 0, diags, &policy);
	if (r)
		return r;
	policy->source = strdup(text);
	if (!policy->source)
		return -ENOMEM;
	*ret_root = TAKE_PTR(root);
	*ret_policy = TAKE_PTR(policy);
	return 0;
}

int api_read_in_force(const struct qos_in_force *in_force, struct qos_diags *diags,
		      struct qos_node **ret_root, struct qos_policy **ret_policy)
{
	size_t len = strlen(in_force->source);
	int r = qos_diags_set_source(diags, in_force->path, in_force->source, len);

	if (r == 0)
		r = api_read_base(in_force->path, in_force->source, len, diags, ret_root,
				  ret_policy);
	if (r == 0)
		(*ret_policy)->applied = in_force->applied;
	return r;
}
