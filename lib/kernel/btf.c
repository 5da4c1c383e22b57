/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/btf.h"

#include <errno.h>
#include <string.h>

int qos_btf_member(const struct btf *btf, const struct btf_type *type, const char *name,
		   uint32_t size)
{
	const struct btf_member *member = btf_members(type);

	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const struct btf_type *inner = btf__type_by_id(btf, member[i].type);
		const char *own = btf__name_by_offset(btf, member[i].name_off);
		int at = -ENOENT;

		if (!*own && btf_is_composite(inner))
			at = qos_btf_member(btf, inner, name, size);
		else if (!strcmp(own, name) && btf__resolve_size(btf, member[i].type) == size)
			at = 0;
		if (at >= 0)
			return at + (int)(btf_member_bit_offset(type, i) / 8);
	}
	return -ENOENT;
}
