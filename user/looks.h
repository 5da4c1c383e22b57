/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks at what is shaped: the library's documents, put together and compared. */
#ifndef QOSCTL_LOOKS_H
#define QOSCTL_LOOKS_H

#include <jansson.h>

struct qos_diags;
struct report;

typedef int (*look_fn)(const char *ifname, struct qos_diags *diags, char **ret_json);

/* The document of a call of the library; null, reported, when there is none. */
json_t *look_at(look_fn get, const char *ifname, struct report *report);
/* qos_stats(), with what qos_show() says of the same interfaces merged in. */
json_t *look_at_all(const char *ifname, struct report *report);

/* Add to interfaces, their links and classes what show has of them and they have not. */
void looks_merge(json_t *interfaces, const json_t *show);

/*
 * Say what happened since the look before (or null): "interval_ns" in each interface and
 * "interval" in its link and classes, of these keys: "rate_now" and "borrowed_now" in bits/s,
 * "packets", "marks", "drops", and of what passed "p50_ns" and "p99_ns". Null where there is
 * nothing to compare with.
 */
void looks_compare(json_t *interfaces, const json_t *before);

#endif
