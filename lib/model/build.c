/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From tree to policy: the order of things, and the top level's own keys. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/draft.h"

void *draft_grow(struct draft *draft, void *array, size_t count, size_t size)
{
	void *grown;

	if (count & (count - 1))
		return array;
	grown = reallocarray(array, count ? count * 2 : 1, size);
	if (!grown)
		draft->no_memory = true;
	return grown;
}

static void set_interface(struct draft *draft, const char *name, size_t len)
{
	draft->policy->interface = strndup(name, len);
	if (!draft->policy->interface)
		draft->no_memory = true;
}

void read_interface(struct draft *draft, const struct key *key, const struct qos_node *value,
		    void *object)
{
	(void)object;
	if (!value_expect(draft, key->name, value, QOS_NODE_SCALAR))
		return;
	if (qos_ifname_valid(value->text))
		set_interface(draft, value->text, strlen(value->text));
	else
		draft_error(draft, value_place(value),
			    "`%s` is not an interface's name: at most 15 bytes, without `/`, `:` "
			    "and spaces",
			    QOS_BRIEF(value->text));
}

void read_default(struct draft *draft, const struct key *key, const struct qos_node *value,
		  void *object)
{
	(void)object;
	if (value_expect(draft, key->name, value, QOS_NODE_SCALAR))
		draft_find_class(draft, value, &draft->policy->default_class);
}

static size_t without_suffix(const char *name)
{
	static const char *const suffixes[] = { ".yaml", ".yml" };
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t suffix = strlen(suffixes[i]);

		if (len > suffix && strcmp(name + len - suffix, suffixes[i]) == 0)
			return len - suffix;
	}
	return len;
}

/* The file's name says it where the file does not. */
static void default_interface(struct draft *draft, const struct qos_node *root)
{
	const char *slash = strrchr(draft->policy->path, '/');
	const char *base = slash ? slash + 1 : draft->policy->path;

	set_interface(draft, base, without_suffix(base));
	if (draft->policy->interface && !qos_ifname_valid(draft->policy->interface))
		draft_error(draft, root->loc,
			    "`interface` is missing, and the file's name, `%s`, is not an "
			    "interface's",
			    QOS_BRIEF(draft->policy->interface));
}

static void read_policy(struct draft *draft, const struct qos_node *root)
{
	if (root->kind != QOS_NODE_MAP) {
		draft_error(draft, root->loc,
			    "a policy is a mapping with `classes` and `default`, not %s",
			    qos_node_kind_text(root));
		return;
	}
	/* else each name in it would be an error that follows from this one */
	draft->classes_bad = !qos_node_get(root, "classes");
	keys_read(draft, &keys_policy, root, draft);
	if (!keys_given(&keys_policy, root, "interface"))
		default_interface(draft, root);
	if (!keys_given(&keys_policy, root, "classes"))
		draft_error(draft, root->loc,
			    "`classes` is missing: a policy needs at least one class");
	if (!keys_given(&keys_policy, root, "default"))
		draft_error(draft, root->loc,
			    "`default` is missing: it names the class of whatever no rule takes");
	policy_check(draft);
}

/* The classes move from the draft into its policy. */
static int finish(struct draft *draft)
{
	struct qos_policy *policy = draft->policy;

	if (draft->no_memory)
		return -ENOMEM;
	/* a policy without classes is an error that is in diags */
	if (qos_diags_status(draft->diags) != QOS_OK || !draft->class_count)
		return -EINVAL;
	policy->classes = calloc(draft->class_count, sizeof(*policy->classes));
	if (!policy->classes)
		return -ENOMEM;
	for (size_t i = 0; i < draft->class_count; i++) {
		policy->classes[i] = draft->classes[i].c;
		draft->classes[i].c.name = NULL;
	}
	policy->class_count = draft->class_count;
	return 0;
}

static void draft_done(struct draft *draft)
{
	for (size_t i = 0; i < draft->class_count; i++)
		free(draft->classes[i].c.name);
	free(draft->classes);
	free(draft->by_name);
	qos_policy_free(draft->policy);
}

int qos_policy_build(const struct qos_node *root, const char *path, struct qos_diags *diags,
		     struct qos_policy **ret_policy)
{
	_cleanup_(draft_done) struct draft draft = {
		.diags = diags,
		.link_rate = { .key = "rate", .owner = QOS_PARENT_LINK },
	};
	int r;

	draft.policy = calloc(1, sizeof(*draft.policy));
	if (!draft.policy)
		return -ENOMEM;
	draft.policy->path = strdup(path);
	if (!draft.policy->path)
		return -ENOMEM;
	read_policy(&draft, root);
	r = finish(&draft);
	if (r < 0)
		return r;
	*ret_policy = TAKE_PTR(draft.policy);
	return 0;
}
