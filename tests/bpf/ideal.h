/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What each class ought to get, as arithmetic on the policy alone: guarantees first, then
 * by priority, then by weight, below each ceiling (weighted max-min).
 */
#ifndef QOS_TESTS_BPF_IDEAL_H
#define QOS_TESTS_BPF_IDEAL_H

#include "model/policy.h"

#define IDEAL_GREEDY 1e15

/* By the policy's classes, bit/s: demand, of the leaves; ret_share: of all. link.rate is set. */
void ideal_shares(const struct qos_policy *policy, const double *demand, double *ret_share);

#endif
