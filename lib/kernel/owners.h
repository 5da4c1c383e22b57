/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the program learns whose a packet's socket is: see kern/owner.h. */
#ifndef QOS_KERNEL_OWNERS_H
#define QOS_KERNEL_OWNERS_H

#include <bpf/libbpf.h>

#include "compile/plan.h"

/*
 * Where rules ask for users or cgroups: has a program that is not loaded yet read them from
 * sockets, and says so in what is to be its constants. Where this kernel does not let it both stay
 * as they are: it asks helpers. For an interface of the caller's network namespace.
 */
void qos_owners_read(const struct bpf_program *prog, struct qos_link_cfg *link);

#endif
