/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the program learns whose a packet's socket is: see kern/owner.h. */
#ifndef QOS_KERNEL_OWNERS_H
#define QOS_KERNEL_OWNERS_H

#include <bpf/libbpf.h>
#include <stdbool.h>

/*
 * Has a program that is not loaded yet read users and cgroups from sockets. False where this kernel
 * does not let it: the program stays as it is and asks helpers.
 */
bool qos_owners_read(const struct bpf_program *prog);

#endif
