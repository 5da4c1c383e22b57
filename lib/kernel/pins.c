/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/pins.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/bpffs.h"
#include "kernel/lock.h"
#include "kernel/netns.h"

DEFINE_CLEANUP(DIR *, closedirp, closedir)

/* ':' is in no interface's name, and a namespace's cookie is a number. */
static int new_dir(const char *dir, char **ret)
{
	return asprintf(ret, "%s:new", dir) < 0 ? -ENOMEM : 0;
}

int qos_pins_open(const char *dir, struct qos_diags *diags, struct qos_bpf **ret_bpf)
{
	_cleanup_(freep) char *fresh = NULL;
	int r = qos_bpf_open_pinned(dir, diags, ret_bpf);

	if (r == -ENOENT)
		r = new_dir(dir, &fresh);
	return fresh ? qos_bpf_open_pinned(fresh, diags, ret_bpf) : r;
}

int qos_pins_prepare(struct qos_bpf *bpf, const char *dir, struct qos_diags *diags)
{
	_cleanup_(freep) char *fresh = NULL;
	int r = new_dir(dir, &fresh);

	/* one that was killed may have left some */
	if (r == 0)
		r = qos_bpffs_remove(fresh, diags);
	if (r == 0)
		r = qos_bpffs_make(fresh, diags);
	if (r == 0)
		r = qos_bpf_pin(bpf, fresh, diags);
	return r;
}

static int exchange(const char *a, const char *b)
{
	return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
}

int qos_pins_commit(const char *dir, struct qos_diags *diags)
{
	_cleanup_(freep) char *fresh = NULL;
	int r = new_dir(dir, &fresh);

	if (r < 0)
		return r;
	/* bpffs exchanges since Linux 5.17 (simple_rename()): one of them is there at any time */
	if (exchange(fresh, dir) == 0) {
		r = qos_bpffs_remove(fresh, diags);
		if (r < 0)
			exchange(fresh, dir);
		return r;
	}
	if (errno != ENOENT || rename(fresh, dir)) {
		r = -errno;
		qos_diag(diags, QOS_FAILED, "cannot rename %s: %s", fresh, strerror(-r));
	}
	return r;
}

void qos_pins_abandon(const char *dir)
{
	_cleanup_(freep) char *fresh = NULL;

	if (new_dir(dir, &fresh) == 0)
		qos_bpffs_remove(fresh, NULL);
}

bool qos_pins_are_there(const char *dir)
{
	_cleanup_(freep) char *fresh = NULL;

	return access(dir, F_OK) == 0 || (new_dir(dir, &fresh) == 0 && access(fresh, F_OK) == 0);
}

/* The interface that an entry is of, where that is in the namespace of suffix. */
static bool interface_of(const char *entry, const char *suffix, char ifname[IFNAMSIZ])
{
	size_t len = strlen(entry), tail = strlen(suffix), out = 0;

	if (len < tail || strcmp(entry + len - tail, suffix) != 0)
		return false;
	for (size_t i = 0; i < len - tail; i++) {
		char c = entry[i];

		/* "::" is a dot (qos_bpffs_path()), ':' the begin of another suffix */
		if (c == ':' && (++i == len - tail || entry[i] != ':'))
			return false;
		if (out == IFNAMSIZ - 1)
			return false;
		ifname[out++] = c == ':' ? '.' : c;
	}
	ifname[out] = '\0';
	return true;
}

bool qos_pins_are_anothers(const struct qos_link_info *link, const char *dir)
{
	_cleanup_(qos_bpf_freep) struct qos_bpf *bpf = NULL;

	if (qos_pins_open(dir, NULL, &bpf) < 0)
		return false;
	return json_integer_value(json_object_get(bpf->state, "ifindex")) != link->ifindex;
}

static bool is_gone(struct qos_nl *nl, const char *ifname)
{
	struct qos_link_info link;

	return qos_link_get(nl, ifname, NULL, &link) == -ENODEV;
}

static bool remove_gone(struct qos_nl *nl, const char *ifname, const char *path)
{
	return is_gone(nl, ifname) && qos_bpffs_remove(path, NULL) == 0;
}

/* And where another one has the name by now. */
static bool remove_left(struct qos_nl *nl, const char *ifname, const char *path)
{
	struct qos_link_info link;

	if (qos_link_get(nl, ifname, NULL, &link) < 0)
		return remove_gone(nl, ifname, path);
	return qos_pins_are_anothers(&link, path) && qos_bpffs_remove(path, NULL) == 0;
}

/* Who has the name has the lock too. */
static bool remove_lock(struct qos_nl *nl, const char *ifname, const char *path)
{
	return is_gone(nl, ifname) && qos_lock_remove(path);
}

/* Returns of how many fn() said that it took them away. */
static size_t sweep(struct qos_nl *nl, const char *parent, const char *suffix,
		    bool (*fn)(struct qos_nl *nl, const char *ifname, const char *path))
{
	_cleanup_(closedirp) DIR *dir = opendir(parent);
	const struct dirent *entry;
	size_t count = 0;

	while (dir && (entry = readdir(dir))) {
		_cleanup_(freep) char *path = NULL;
		char ifname[IFNAMSIZ];

		if (entry->d_name[0] == '.' || !interface_of(entry->d_name, suffix, ifname))
			continue;
		if (asprintf(&path, "%s/%s", parent, entry->d_name) >= 0)
			count += fn(nl, ifname, path);
	}
	return count;
}

size_t qos_pins_sweep(struct qos_nl *nl, const char *dir, bool look)
{
	_cleanup_(freep) char *parent = strdup(dir), *fresh = NULL, *lock = NULL;
	char name[QOS_NETNS_NAME_LEN];
	const char *suffix;
	size_t count;

	/* of any interface here: what comes after its name is the namespace's */
	if (!parent || qos_netns_name("x", NULL, name) < 0)
		return 0;
	suffix = name + strlen("x");
	*strrchr(parent, '/') = '\0';
	count = sweep(nl, parent, suffix, look ? remove_left : remove_gone);
	if (new_dir(suffix, &fresh) == 0)
		count += sweep(nl, parent, fresh, look ? remove_left : remove_gone);
	if (asprintf(&lock, "%s.lock", suffix) < 0)
		lock = NULL;
	else
		sweep(nl, QOS_LOCK_DIR, lock, remove_lock);
	return count;
}
