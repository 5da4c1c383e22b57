// SPDX-License-Identifier: LGPL-2.1-or-later
#include "senders.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/unit.h"
#include "base/cleanup.h"

#define NOBODY 65534 /* kernel.overflowuid, as it is everywhere */

struct senders {
	int tree;	     /* cgroup v2 */
	char home[PATH_MAX]; /* where the caller was, without a slash at either end */
	int net, nobody_net; /* namespaces; nobody_net -1: cannot be made here */
	struct sender now;
};

/* At no place: it is gone with the descriptor. */
static int mount_tree(void)
{
	char place[] = "/tmp/senders-XXXXXX";
	int tree;

	assert_non_null(mkdtemp(place));
	assert_int_equal(mount("cgroup2", place, "cgroup2", 0, NULL), 0);
	tree = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(umount2(place, MNT_DETACH), 0);
	assert_int_equal(rmdir(place), 0);
	assert_true(tree >= 0);
	return tree;
}

/* "0::/a/b", the line of cgroup v2 */
static void find_home(struct senders *s)
{
	_cleanup_(fclosep) FILE *f = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "0::/", 4) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(s->home, sizeof(s->home), "%s", line + 4);
		return;
	}
	fail_msg("the caller is of no cgroup");
}

static void enter_cgroup(const struct senders *s, const char *path)
{
	char procs[PATH_MAX + 16];
	int fd;

	snprintf(procs, sizeof(procs), "%s%scgroup.procs", path, *path ? "/" : "");
	fd = openat(s->tree, procs, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		fail_msg("cannot be of the cgroup /%s: %s", path, strerror(errno));
	close(fd);
}

/* Its namespace while it lives; -1: it is not let. */
static int open_nobody_net(void)
{
	char path[64], done = 0;
	int pipes[2], net = -1;
	pid_t child;

	assert_int_equal(pipe(pipes), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		done = unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
		if (write(pipes[1], &done, 1) == 1)
			pause();
		_exit(0);
	}
	if (read(pipes[0], &done, 1) == 1 && done) {
		snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)child);
		net = open(path, O_RDONLY | O_CLOEXEC);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(pipes[0]);
	close(pipes[1]);
	return net;
}

struct senders *senders_open(void)
{
	struct senders *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->tree = mount_tree();
	s->net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_true(s->net >= 0);
	s->nobody_net = open_nobody_net();
	find_home(s);
	s->now.cgroup = s->home;
	for (size_t i = 0; i < RANDOM_CGROUPS; i++)
		assert_int_equal(mkdirat(s->tree, random_cgroup_at(i), 0755), 0);
	return s;
}

void senders_close(struct senders *s)
{
	senders_return(s);
	for (size_t i = RANDOM_CGROUPS; i > 0; i--)
		assert_int_equal(unlinkat(s->tree, random_cgroup_at(i - 1), AT_REMOVEDIR), 0);
	close(s->tree);
	close(s->net);
	if (s->nobody_net >= 0)
		close(s->nobody_net);
	free(s);
}

static struct sender become(struct senders *s, struct sender sender)
{
	int net = sender.uid ? s->nobody_net : s->net;

	if (strcmp(s->now.cgroup, sender.cgroup) != 0)
		enter_cgroup(s, sender.cgroup);
	if (s->now.uid != sender.uid)
		assert_int_equal(setns(net, CLONE_NEWNET), 0);
	s->now = sender;
	return sender;
}

struct sender senders_become(struct senders *s, struct random *r)
{
	bool nobody = random_one_in(r, 2), home = random_one_in(r, RANDOM_CGROUPS + 1);
	struct sender sender = { .cgroup = random_cgroup(r) };

	sender.uid = nobody && s->nobody_net >= 0 ? NOBODY : 0;
	if (home)
		sender.cgroup = s->home;
	return become(s, sender);
}

struct sender senders_return(struct senders *s)
{
	return become(s, (struct sender){ .cgroup = s->home });
}
