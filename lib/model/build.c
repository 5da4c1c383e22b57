/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From tree to policy: the order of things, and the top level's own keys. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "model/draft.h"

/* What is wrong with an override is at its place or, where it has none, with its name. With a
 * schedule the file's own values may be wrong that are right without. */
void draft_error(struct draft *draft, struct qos_loc loc, const char *fmt, ...)
{
	const struct qos_override *reading = draft->reading;
	_cleanup_(freep) char *text = NULL;
	va_list args;
	int len;

	draft->errors++;
	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0) {
		text = NULL;
		draft->no_memory = true;
	} else if (reading && !loc.line) {
		qos_diag_at(draft->diags, loc, "`%s` of `%s`: %s", reading->key,
			    QOS_BRIEF(reading->class), text);
	} else if (!reading && draft->trying) {
		qos_diag_at(draft->diags, loc, "with schedule `%s`: %s", draft->trying->name, text);
	} else {
		qos_diag_at(draft->diags, loc, "%s", text);
	}
}

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

void *draft_add(struct draft *draft, const struct key *key, void *object, size_t size)
{
	size_t *count = (size_t *)((char *)object + key->count);
	void *list;

	/* a pointer to some type: not to be read as one to void */
	memcpy(&list, key_field(key, object), sizeof(list));
	list = draft_grow(draft, list, *count, size);
	if (!list)
		return NULL;
	memcpy(key_field(key, object), &list, sizeof(list));
	return memset((char *)list + (*count)++ * size, 0, size);
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

static void read_policy(struct draft *draft)
{
	const struct qos_node *root = draft->root;

	if (root->kind != QOS_NODE_MAP) {
		draft_error(draft, root->loc,
			    "a policy is a mapping with `classes` and `default`, not %s",
			    qos_node_kind_text(root));
		return;
	}
	/* else each name in it would be an error that follows from this one */
	draft->classes_bad = !qos_node_get(root, "classes");
	keys_read(draft, &keys_policy, root, draft);
	overlay_check(draft);
	if (!keys_given(&keys_policy, root, "interface"))
		default_interface(draft, root);
	if (!keys_given(&keys_policy, root, "classes"))
		draft_error(draft, root->loc,
			    "`classes` is missing: a policy needs at least one class");
	if (!keys_given(&keys_policy, root, "default"))
		draft_error(draft, root->loc,
			    "`default` is missing: it names the class of whatever no rule takes");
	policy_check(draft);
	if (!draft->override_count)
		schedules_try(draft);
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

int draft_init(struct draft *draft, const struct qos_node *root, struct qos_diags *diags)
{
	*draft = (struct draft){
		.root = root,
		.diags = diags,
		.override_diags = diags,
		.text_bad = diags && qos_diags_status(diags) != QOS_OK,
		.link_rate = { .key = "rate", .owner = QOS_PARENT_LINK },
		.policy = calloc(1, sizeof(*draft->policy)),
	};
	return draft->policy ? 0 : -ENOMEM;
}

static void known_done(struct known_list *known)
{
	for (size_t i = 0; i < known->count; i++)
		free(known->list[i].name);
	free(known->list);
}

void draft_done(struct draft *draft)
{
	free(draft->overrides);
	known_done(&draft->services);
	known_done(&draft->users);
	for (size_t i = 0; i < draft->class_count; i++)
		free(draft->classes[i].c.name);
	free(draft->classes);
	free(draft->by_name);
	qos_policy_free(draft->policy);
}

int qos_policy_build(const struct qos_node *root, const char *path,
		     const struct qos_override *overrides, size_t count, struct qos_diags *diags,
		     struct qos_policy **ret_policy)
{
	_cleanup_(draft_done) struct draft draft = { 0 };
	int r = draft_init(&draft, root, diags);

	if (r < 0)
		return r;
	draft.policy->path = strdup(path);
	if (!draft.policy->path)
		return -ENOMEM;
	overlay_set(&draft, overrides, count);
	read_policy(&draft);
	r = finish(&draft);
	if (r < 0)
		return r;
	*ret_policy = TAKE_PTR(draft.policy);
	return 0;
}
