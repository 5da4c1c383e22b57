/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is in force and what it has done, as the documents of qos.h. */
#ifndef QOS_KERNEL_SHOW_H
#define QOS_KERNEL_SHOW_H

#include <jansson.h>

#include "base/diag.h"

/* ifname may be null: all that are shaped here. An array each; a new reference. */
int qos_kernel_show(const char *ifname, struct qos_diags *diags, json_t **ret_json);
int qos_kernel_stats(const char *ifname, struct qos_diags *diags, json_t **ret_json);
/* See hits.h. */
int qos_kernel_hits(const char *ifname, struct qos_diags *diags, json_t **ret_json);
/* Of one interface, an object; most: flows, 0: all. */
int qos_kernel_flows(const char *ifname, size_t most, struct qos_diags *diags, json_t **ret_json);
/* An object. ifname may be null: the machine only. */
int qos_kernel_doctor(const char *ifname, struct qos_diags *diags, json_t **ret_json);

#endif
