/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the verbs do: struct verb's run. */
#ifndef QOSCTL_VERBS_H
#define QOSCTL_VERBS_H

#include "opts.h"

/* cmd_policy.c: these take a policy */
void run_check(const struct args *args, struct report *report);
void run_plan(const struct args *args, struct report *report);
void run_apply(const struct args *args, struct report *report);

/* cmd_state.c: these take an interface */
void run_show(const struct args *args, struct report *report);
void run_flows(const struct args *args, struct report *report);
void run_remove(const struct args *args, struct report *report);
void run_doctor(const struct args *args, struct report *report);

/* cmd_live.c: these change what is in force */
void run_set(const struct args *args, struct report *report);
void run_unset(const struct args *args, struct report *report);

/* cmd_schedule.c */
void run_schedule(const struct args *args, struct report *report);

/* cmd_explain.c */
void run_explain(const struct args *args, struct report *report);

/* cmd_stats.c, cmd_top.c */
void run_stats(const struct args *args, struct report *report);
void run_top(const struct args *args, struct report *report);

/* cmd_monitor.c */
void run_monitor(const struct args *args, struct report *report);

#endif
