/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why a process's packets may not be those of its cgroup. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/cgroups.h"
#include "kernel/check.h"
#include "kernel/probe.h"

/* "NAME" or "NAME and N more". */
static int name_all(size_t count, const char *first, char **ret_text)
{
	int r = count > 1 ? asprintf(ret_text, "/%s and %zu more", first, count - 1) :
			    asprintf(ret_text, "/%s", first);

	if (r < 0)
		*ret_text = NULL;
	return r < 0 ? -ENOMEM : 0;
}

static int say_unmatched(const struct qos_cgroups_found *found, json_t *checks)
{
	_cleanup_(freep) char *names = NULL;
	int r = name_all(found->unmatched, found->first_unmatched, &names);

	return r < 0 ? r :
		       qos_check_add(checks, "cgroups", QOS_CHECK_WARN,
				     "'qosctl apply' finds what was made since",
				     "%s: made after apply, and not matched", names);
}

static int say_missing(const struct qos_cgroups_found *found, json_t *checks)
{
	_cleanup_(freep) char *names = NULL;
	int r = name_all(found->missing, found->first_missing, &names);

	return r < 0 ? r :
		       qos_check_add(checks, "cgroups", QOS_CHECK_WARN,
				     found->followed ?
					     "matched as soon as made; if it should be there, "
					     "'systemd-cgls' shows what there is" :
					     "'qosctl apply' once it is made",
				     "no such cgroup: %s", names);
}

static int say_unfollowed(json_t *checks)
{
	return qos_check_add(checks, "cgroups", QOS_CHECK_WARN,
			     "'qosctl apply' follows them, or says why it cannot",
			     "those made after apply are not matched");
}

static int say_fine(const struct qos_cgroups_found *found, json_t *checks)
{
	return qos_check_add(checks, "cgroups", QOS_CHECK_OK, NULL,
			     "all %zu that rules ask for exist; made anew they are matched at once",
			     found->count);
}

int qos_probe_cgroups(const struct qos_bpf *bpf, json_t *checks)
{
	_cleanup_(qos_cgroups_found_done) struct qos_cgroups_found found = { 0 };
	size_t before = json_array_size(checks);
	int r = qos_cgroups_look(bpf, &found);

	if (r < 0 || !found.count)
		return r;
	if (found.error)
		return qos_check_add(checks, "cgroups", QOS_CHECK_WARN,
				     "mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified",
				     "there is no cgroup v2 to be seen: %s",
				     strerror(-found.error));
	if (found.unmatched)
		r = say_unmatched(&found, checks);
	if (r == 0 && found.missing)
		r = say_missing(&found, checks);
	if (r == 0 && !found.followed)
		r = say_unfollowed(checks);
	return r < 0 || json_array_size(checks) > before ? r : say_fine(&found, checks);
}
