/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef QOS_KERNEL_RATES_H
#define QOS_KERNEL_RATES_H

#include "kernel/bpf.h"

/*
 * Add to the classes of qos_show()'s document "rate_now" and "borrowed_now", and
 * to its link "rate_now", bits/s: of a class with packets of its own as the program
 * has it (qos_live_rate()); of an inner class the sum of those in it, which is
 * borrowed from its lender as far as it is above the class's own rate.
 */
int qos_rates_add(const struct qos_bpf *bpf, json_t *show);

#endif
