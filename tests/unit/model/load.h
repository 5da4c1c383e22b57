/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A policy from its text, as the tests of model/ want it. */
#ifndef QOS_TESTS_MODEL_LOAD_H
#define QOS_TESTS_MODEL_LOAD_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/policy.h"
#include "parse/doc.h"
#include "unit.h"

DEFINE_CLEANUP(struct qos_diags *, diags_freep, qos_diags_free)
DEFINE_CLEANUP(struct qos_node *, node_freep, qos_node_free)
DEFINE_CLEANUP(struct qos_policy *, policy_freep, qos_policy_free)

#define MINIMAL "default: a\nclasses: { a: {} }\n"

/* With path as the file's name, and overrides; null, and *ret_said what was wrong. */
static inline struct qos_policy *load_with(const char *path, const char *text,
					   const struct qos_override *overrides, size_t count,
					   char **ret_said)
{
	_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
	_cleanup_(node_freep) struct qos_node *root = NULL;
	struct qos_policy *policy = NULL;
	int r;

	assert_int_equal(qos_doc_read(text, strlen(text), diags, &root), 0);
	r = qos_policy_build(root, path, overrides, count, diags, &policy);
	assert_int_equal(r, policy ? 0 : -EINVAL);
	assert_int_equal(qos_diags_status(diags), policy ? QOS_OK : QOS_INVALID);
	assert_int_equal(qos_diags_text(diags, ret_said), 0);
	return policy;
}

static inline struct qos_policy *load_from(const char *path, const char *text, char **ret_said)
{
	return load_with(path, text, NULL, 0, ret_said);
}

static inline struct qos_policy *load_good(const char *text)
{
	_cleanup_(freep) char *said = NULL;
	struct qos_policy *policy = load_from("eth0.yaml", text, &said);

	if (!policy)
		fail_msg("%s", said);
	return policy;
}

/* The class of that name. */
static inline const struct qos_class *find_class(const struct qos_policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->class_count; i++) {
		if (strcmp(policy->classes[i].name, name) == 0)
			return &policy->classes[i];
	}
	fail_msg("no class %s", name);
	return NULL;
}

static inline void expect_said(const char *text, const char *expected)
{
	_cleanup_(freep) char *said = NULL;
	_cleanup_(policy_freep) struct qos_policy *policy = load_from("eth0.yaml", text, &said);

	assert_string_equal(said, expected);
	assert_null(policy);
}

/* A policy with one rule, whose match is given. */
static inline char *with_match(const char *match)
{
	char *text = NULL;

	assert_true(asprintf(&text, MINIMAL "rules: [{ class: a, match: %s }]\n", match) > 0);
	return text;
}

static inline struct qos_policy *load_match(const char *match)
{
	_cleanup_(freep) char *text = with_match(match);

	return load_good(text);
}

static inline void expect_match_said(const char *match, const char *expected)
{
	_cleanup_(freep) char *text = with_match(match);

	expect_said(text, expected);
}

#endif
