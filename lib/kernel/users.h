/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the program learns the user of a packet's socket: see kern/user.h. */
#ifndef QOS_KERNEL_USERS_H
#define QOS_KERNEL_USERS_H

#include <bpf/libbpf.h>

#include "compile/plan.h"

/*
 * Has a program that is not loaded yet read users from sockets, where this kernel lets it; else
 * all stays as it is and the program asks a helper. To *ret_layout goes what belongs into its
 * constants.
 */
void qos_users_read(const struct bpf_program *prog, struct qos_sock_layout *ret_layout);

#endif
