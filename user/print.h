/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library's documents as text for people, on stdout; their keys are in qosctl(8). */
#ifndef QOSCTL_PRINT_H
#define QOSCTL_PRINT_H

#include <jansson.h>

/* A text of a document, safe to print; "-" for null. The caller's. */
char *json_text(const json_t *json);
/* The same of a number, as format makes it: text_rate() and the like; null: plainly. */
char *json_number(const json_t *json, char *(*format)(long long value));

/* The name of a class, indented as deep as it is in the tree. */
char *json_class(const json_t *class);

/* What makes a packet a flow's: its ends, a host, or that it is the class's. */
char *json_flow(const json_t *flow);

/* Say so when there is no interface in a document. */
void print_none(const json_t *interfaces);
/* Interfaces of qos_show() and of qos_stats(), doctor's and qos_flows()'s object. */
void print_show(const json_t *interfaces);
void print_stats(const json_t *interfaces);
/* Interfaces of qos_rules(). */
void print_rules(const json_t *interfaces);
void print_flows(const json_t *flows);
/* A line for what qos_monitor_wait() handed over. */
void print_event(const json_t *event);
/* Interfaces of qos_stats(), compared: what happened between two looks. */
void print_interval(const json_t *interfaces);
/* Interfaces of look_at_all(), as OpenMetrics has them. */
void print_metrics(const json_t *interfaces);
/* qos_explain()'s object; those of a capture, a line each; and its sums. */
void print_explain(const json_t *fate);
void print_fate(const json_t *fate);
void print_fates(const json_t *sums);
void print_doctor(const json_t *doctor);
/* qos_schedules()'s object. */
void print_schedules(const json_t *document);

#endif
