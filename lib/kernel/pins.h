/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The pins of an interface: for bpftool(8), and for us where somebody took our
 * filter away. Changed whole: the new ones are made beside the old ones.
 */
#ifndef QOS_KERNEL_PINS_H
#define QOS_KERNEL_PINS_H

#include "kernel/bpf.h"

/*
 * The program that is pinned in dir; else the one beside it, of an apply that was killed:
 * what it changed and what was there before is in it. -ENOENT: see qos_bpf_open_pinned().
 */
int qos_pins_open(const char *dir, struct qos_diags *diags, struct qos_bpf **ret_bpf);
/* Pin a program, and its maps, beside what is pinned in dir. */
int qos_pins_prepare(struct qos_bpf *bpf, const char *dir, struct qos_diags *diags);
/* Those take the place of what is pinned in dir. */
int qos_pins_commit(const char *dir, struct qos_diags *diags);
/* Those are not wanted after all. */
void qos_pins_abandon(const char *dir);
/* Whether there are any, in dir or beside it. */
bool qos_pins_are_there(const char *dir);
/* Whether those in dir are of an interface that link, which has its name now, is not. */
bool qos_pins_are_anothers(const struct qos_link_info *link, const char *dir);
/*
 * Take away, beside dir, those of interfaces of this namespace that are gone, and
 * their locks: nothing else would. Those of namespaces that are gone: see orphans.h.
 * look: also where another one has the name by now; that reads all that is pinned.
 * Returns how many there were, without the locks.
 */
size_t qos_pins_sweep(struct qos_nl *nl, const char *dir, bool look);

#endif
