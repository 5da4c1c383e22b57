/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the library's outside share. */
#ifndef QOS_API_H
#define QOS_API_H

#include <jansson.h>
#include <qos/qos.h>

#include "kernel/in_force.h"
#include "model/policy.h"
#include "parse/doc.h"

/* -ENOMEM has nobody else to say it. Returns r. */
int api_finish(int r, struct qos_diags *diags);

/* -EPERM with a diagnostic: root does nothing that somebody else may have written. */
int api_refuse_writers(const struct qos_policy *policy, struct qos_diags *diags);

/* Hand the changes of an interface over as text or as JSON. Takes text over. */
int api_give_changes(const char *ifname, char *text, int json, char **ret_text);

/* The document of a call that returned r. Takes json over. */
int api_give_json(int r, json_t *json, struct qos_diags *diags, char **ret_json);

/*
 * The policy of a document, with the values of a schedule (null: none), one of base's, and of sets
 * over it. sets are to outlive it.
 */
int api_build(const struct qos_node *root, const struct qos_policy *base,
	      const struct qos_schedule *schedule, time_t since, const struct qos_set *sets,
	      size_t set_count, struct qos_diags *diags, struct qos_policy **ret_policy);

/* A policy file's text, as it is. Both are the caller's. */
int api_read_base(const char *path, const char *text, size_t len, struct qos_diags *diags,
		  struct qos_node **ret_root, struct qos_policy **ret_policy);

/* What was applied, without what is put over it. Both are the caller's. */
int api_read_in_force(const struct qos_in_force *in_force, struct qos_diags *diags,
		      struct qos_node **ret_root, struct qos_policy **ret_policy);

/* What cron knows of a policy's schedules: "installed", "not installed", or "out of date". */
int api_find_installed(const struct qos_policy *policy, struct qos_diags *diags,
		       const char **ret_state);

#endif
