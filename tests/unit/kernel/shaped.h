/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Interfaces with a policy: what apply does to them, and what is then there. */
#ifndef QOS_TEST_SHAPED_H
#define QOS_TEST_SHAPED_H

#include "env.h"

#include "base/cleanup.h"
#include "kernel/device.h"
#include "model/policy.h"

DEFINE_CLEANUP(struct qos_policy *, policy_freep, qos_policy_free)

#define POLICE(classes) "link: { rate: 10mbit, mode: police }\ndefault: c0\nclasses: " classes "\n"
#define ONE		POLICE("{ c0: {} }")
#define TWO		POLICE("{ c0: {}, c1: { ceil: 1mbit } }")

/* cmocka's setup of a group: a bpffs that nobody else sees, and that is gone with the program. */
int shaped_setup(void **state);

/* The policy of that text for an interface, from a file of that name. */
struct qos_policy *policy_at(const char *path, const char *ifname, const char *text);
int apply(struct env *env, const char *ifname, const char *text, char **ret_changes);
/* Apply, and expect changes, or none. */
void apply_changes(struct env *env, const char *ifname, const char *text, bool changes);
/* What somebody did is found by plan, and put right by apply. */
void apply_heals(struct env *env, const char *ifname, const char *text);
/* Apply on DEV, which has to fail, and find the program that was attached before. */
void apply_fails(struct env *env, const char *text, const char *why, uint32_t program);
void remove_from(struct env *env, const char *ifname);

/* Makes the last step of apply on DEV fail: a directory among the pins is not ours to remove. */
void block_pins(bool block);

/* What runs on DEV; to be closed. */
struct qos_device *running_device(struct env *env);
uint32_t running_program(struct env *env);
/* A class in the table of the program; "" is the link. */
struct qos_class_cfg running_class(struct env *env, const char *name);

/* How many programs are in its egress. */
int filters_of(const char *ifname);
/* That of our filter on DEV, or 0. */
uint32_t attached_program(struct env *env);
bool has_pins(const char *ifname);
/* The qdiscs of DEV but clsact, as text. */
char *root_qdisc(void);

#endif
