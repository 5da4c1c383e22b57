/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/orphans.h"

#include <bpf/bpf.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "kernel/bpf.h"
#include "kernel/bpf_state.h"
#include "kernel/bpffs.h"
#include "kernel/cgroups.h"
#include "kernel/lock.h"
#include "kernel/namespaces.h"
#include "kernel/netns.h"

DEFINE_CLEANUP(DIR *, closedirp, closedir)

/* Until the kernel has freed what nobody holds: a grace period of RCU. */
#define FREE_TRIES  20
#define FREE_NAP_NS 5000000L

/*
 * The cookie in "IF:COOKIE", with ":new" or ".lock" after it; 0: there is none. ':' after
 * another one is half of a dot (see bpffs.c), and cookies of others than the first
 * namespace are not 0.
 */
static uint64_t cookie_of(const char *entry)
{
	for (const char *at = entry; (at = strchr(at, ':')); at++) {
		char *end;
		uint64_t cookie;

		if (at == entry || !isdigit((unsigned char)at[1]) || at[-1] == ':')
			continue;
		cookie = strtoull(at + 1, &end, 10);
		if (!*end || !strcmp(end, ":new") || !strcmp(end, ".lock"))
			return cookie;
	}
	return 0;
}

/* 0: there is none. */
static uint32_t pinned_program(const char *path)
{
	_cleanup_(freep) char *pin = NULL;
	_cleanup_(closep) int fd = -1;
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	if (asprintf(&pin, "%s/%s", path, QOS_PROGRAM_PIN) < 0)
		return 0;
	fd = bpf_obj_get(pin);
	return fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) ? 0 : info.id;
}

static bool is_freed(uint32_t program)
{
	const struct timespec nap = { .tv_nsec = FREE_NAP_NS };

	for (int i = 0; i < FREE_TRIES; i++) {
		_cleanup_(closep) int fd = qos_bpf_hold(program, NULL);

		if (fd == -ENOENT)
			return true;
		closep(&fd);
		nanosleep(&nap, NULL);
	}
	return false;
}

/*
 * Whether anything but a pin holds a program nobody tells: without the pin it is gone, or not.
 * True: so were they, and are no more.
 */
static bool remove_pins(const char *path)
{
	_cleanup_(qos_cgroup_links_close) struct qos_cgroup_links links = { -1, -1 };
	_cleanup_(qos_bpf_freep) struct qos_bpf *bpf = NULL;
	uint32_t program = pinned_program(path);

	qos_cgroup_links_open(path, &links);

	if (qos_bpffs_remove(path, NULL) < 0)
		return false;
	if (!program || is_freed(program))
		return true;
	if (qos_bpf_open(program, NULL, NULL, &bpf) == 0 && qos_bpffs_make(path, NULL) == 0 &&
	    qos_bpf_pin(bpf, path, NULL) == 0)
		qos_cgroup_links_pin(&links, path);
	return false;
}

struct orphans {
	const char *parent;
	struct qos_namespaces living; /* none, where they are not known */
	bool searched;
	uint64_t own;
};

/* The namespaces are looked for when there is an entry of another one than ours. */
static bool is_orphan(struct orphans *orphans, const char *entry)
{
	uint64_t cookie = cookie_of(entry);

	if (!cookie || cookie == orphans->own)
		return false;
	if (!orphans->searched)
		qos_namespaces_find(&orphans->living);
	orphans->searched = true;
	return orphans->living.count && !qos_namespaces_have(&orphans->living, cookie);
}

/* Returns of how many fn() said that it took them away. */
static size_t each_orphan(struct orphans *orphans, bool (*fn)(const char *path))
{
	_cleanup_(closedirp) DIR *dir = opendir(orphans->parent);
	const struct dirent *entry;
	size_t count = 0;

	while (dir && (entry = readdir(dir))) {
		_cleanup_(freep) char *path = NULL;

		if (is_orphan(orphans, entry->d_name) &&
		    asprintf(&path, "%s/%s", orphans->parent, entry->d_name) >= 0)
			count += fn(path);
	}
	return count;
}

static void orphans_done(struct orphans *orphans)
{
	qos_namespaces_done(&orphans->living);
}

size_t qos_orphans_sweep(const char *dir)
{
	_cleanup_(freep) char *parent = strdup(dir);
	_cleanup_(orphans_done) struct orphans orphans = { .parent = parent };
	size_t count;

	if (!parent || qos_netns_cookie(&orphans.own) < 0)
		return 0;
	*strrchr(parent, '/') = '\0';
	count = each_orphan(&orphans, remove_pins);
	orphans.parent = QOS_LOCK_DIR;
	each_orphan(&orphans, qos_lock_remove);
	return count;
}
