/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/system.h"

#include <errno.h>
#include <netdb.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "model/draft.h"

#define ENTRY_LEN 16384 /* an entry of those databases, with all its texts */

int qos_system_service(const char *name, uint32_t *ret_port)
{
	struct servent entry, *found = NULL;
	char buf[ENTRY_LEN];
	int r = getservbyname_r(name, NULL, &entry, buf, sizeof(buf), &found);

	if (!found)
		return r ? -r : -ENOENT;
	*ret_port = ntohs((uint16_t)entry.s_port);
	return 0;
}

int qos_system_user(const char *name, uint32_t *ret_uid)
{
	struct passwd entry, *found = NULL;
	char buf[ENTRY_LEN];
	int r = getpwnam_r(name, &entry, buf, sizeof(buf), &found);

	if (!found)
		return r ? -r : -ENOENT;
	*ret_uid = entry.pw_uid;
	return 0;
}

typedef int ask_fn(const char *name, uint32_t *ret);

/* Each name is asked for once, and no more where nobody is told of it: each time is a walk
 * through a file, and a hostile policy could have a million of them.
 */
static int find(struct draft *draft, struct known_list *known, ask_fn *ask, const char *name,
		uint32_t *ret)
{
	_cleanup_(freep) char *copy = NULL;
	struct known *list;
	uint32_t value = 0;
	int r;

	for (size_t i = 0; i < known->count; i++) {
		if (strcmp(known->list[i].name, name) == 0) {
			*ret = known->list[i].value;
			return 0;
		}
	}
	r = draft->errors < QOS_DIAGS_MAX ? ask(name, &value) : -ENOENT;
	if (r < 0)
		return r;
	copy = strdup(name);
	list = draft_grow(draft, known->list, known->count, sizeof(*list));
	if (list)
		known->list = list;
	if (!copy || !list) {
		draft->no_memory = true;
		return -ENOMEM;
	}
	list[known->count++] = (struct known){ .name = TAKE_PTR(copy), .value = value };
	*ret = value;
	return 0;
}

int draft_find_service(struct draft *draft, const char *name, uint32_t *ret_port)
{
	return find(draft, &draft->services, qos_system_service, name, ret_port);
}

int draft_find_user(struct draft *draft, const char *name, uint32_t *ret_uid)
{
	return find(draft, &draft->users, qos_system_user, name, ret_uid);
}
