/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each rule of a policy in force took. */
#include <qos/qos.h>

#include <errno.h>

#include "api.h"
#include "base/cleanup.h"
#include "kernel/show.h"

DEFINE_CLEANUP(struct qos_node *, nodep, qos_node_free)
DEFINE_CLEANUP(struct qos_policy *, policyp, qos_policy_free)

/* {"class", "packets", "bytes"}; class null: dropped. */
static json_t *counted(const char *class, const json_t *counts, size_t number)
{
	const json_t *count = json_array_get(counts, number);

	if (!count)
		return json_pack("{s:s?, s:n, s:n}", "class", class, "packets", "bytes");
	return json_pack("{s:s?, s:O, s:O}", "class", class, "packets",
			 json_object_get(count, "packets"), "bytes",
			 json_object_get(count, "bytes"));
}

static json_t *rules_json(const struct qos_policy *policy, const json_t *counts)
{
	_cleanup_(json_decrefp) json_t *rules = json_array();

	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct qos_rule_def *def = &policy->rules[i];
		const char *class = def->drop ? NULL : policy->classes[def->class_index].name;
		json_t *rule = counted(class, counts, i + 1);

		if (json_object_set_new(rule, "line", json_integer(def->loc.line)) ||
		    json_array_append_new(rules, rule))
			return NULL;
	}
	return TAKE_PTR(rules);
}

/* What the kernel says of an interface (see kernel/hits.h), in the policy's words. */
static int describe(json_t *interface, struct qos_diags *diags)
{
	const json_t *counts = json_object_get(interface, "counts");
	const struct qos_in_force in_force = {
		.path = (char *)json_string_value(json_object_get(interface, "policy")),
		.source = (char *)json_string_value(json_object_get(interface, "source")),
	};
	_cleanup_(policyp) struct qos_policy *policy = NULL;
	_cleanup_(nodep) struct qos_node *root = NULL;
	int r = in_force.path && in_force.source ?
			api_read_in_force(&in_force, diags, &root, &policy) :
			-EBADMSG;

	if (r < 0)
		return r;
	if (policy->rule_count && json_array_size(counts) != policy->rule_count + 1)
		return -EBADMSG;
	if (json_object_set_new(interface, "default",
				counted(policy->classes[policy->default_class].name, counts, 0)) ||
	    json_object_set_new(interface, "rules", rules_json(policy, counts)))
		return -ENOMEM;
	json_object_del(interface, "source");
	json_object_del(interface, "counts");
	return 0;
}

int qos_rules(const char *ifname, struct qos_diags *diags, char **ret_json)
{
	json_t *json = NULL, *interface;
	size_t i;
	int r = qos_kernel_hits(ifname, diags, &json);

	json_array_foreach(json, i, interface)
		if (r == 0)
			r = describe(interface, diags);
	return api_give_json(r, json, diags, ret_json);
}
