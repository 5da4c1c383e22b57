/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where structs have what, as BTF says. */
#ifndef QOS_KERNEL_BTF_H
#define QOS_KERNEL_BTF_H

#include <bpf/btf.h>
#include <stdint.h>

#include "base/cleanup.h"

DEFINE_CLEANUP(struct btf *, btfp, btf__free)

/*
 * The offset of a struct's member of that size, also in what has no name of its own, in bytes;
 * -ENOENT where there is none.
 */
int qos_btf_member(const struct btf *btf, const struct btf_type *type, const char *name,
		   uint32_t size);

#endif
