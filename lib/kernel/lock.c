/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "kernel/netns.h"
#include "kernel/trust.h"

#define LOCK_DIR QOS_LOCK_DIR
#define RETRY_MS 50
#define WAIT_MS	 5000

static int fail(struct qos_diags *diags, int error, const char *what, const char *path)
{
	bool denied = error == -EACCES || error == -EPERM;

	qos_diag(diags, denied ? QOS_UNSUPPORTED : QOS_FAILED, "cannot %s %s: %s", what, path,
		 strerror(-error));
	if (denied)
		qos_diag_hint(diags, "needs root (CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON)");
	return error;
}

/* Whoever can write there can keep us waiting, and choose what we write to. */
static int judge(int fd, const char *path, struct qos_diags *diags)
{
	_cleanup_(qos_trust_done) struct qos_trust trust = { .why = NULL };
	int r = qos_trust_matters() ? qos_trust_judge(fd, path, &trust) : 0;

	if (r < 0)
		return fail(diags, r, "look at", path);
	if (!trust.why)
		return 0;
	qos_diag(diags, QOS_FAILED, "%s: it is not used", trust.why);
	qos_diag_hint(diags, "nothing in it is needed while no qosctl runs: rm -r " LOCK_DIR);
	return -EPERM;
}

static int open_dir(struct qos_diags *diags, int *ret_fd)
{
	_cleanup_(closep) int fd = -1;
	int r;

	if (mkdir(LOCK_DIR, 0700) < 0 && errno != EEXIST)
		return fail(diags, -errno, "create", LOCK_DIR);
	fd = open(LOCK_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return fail(diags, -errno, "open", LOCK_DIR);
	r = judge(fd, LOCK_DIR, diags);
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int lock_open(const char *path, struct qos_diags *diags, int *ret_fd)
{
	_cleanup_(closep) int dir = -1, fd = -1;
	int r = open_dir(diags, &dir);

	if (r < 0)
		return r;
	/* O_NONBLOCK: a FIFO in its place is not waited for */
	fd = openat(dir, strrchr(path, '/') + 1,
		    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		return fail(diags, -errno, "open", path);
	r = judge(fd, path, diags);
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* 0, -EWOULDBLOCK after the wait, or another error. */
static int lock_wait(int fd)
{
	const struct timespec retry = { .tv_nsec = RETRY_MS * 1000000L };

	for (int waited = 0;; waited += RETRY_MS) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if ((errno != EWOULDBLOCK && errno != EINTR) || waited >= WAIT_MS)
			return -errno;
		nanosleep(&retry, NULL);
	}
}

/* The file says who holds it: "qosctl apply (pid 123)". */
static int write_holder(int fd, const char *what)
{
	char text[128];
	int len = snprintf(text, sizeof(text), "%s (pid %d)", what, (int)getpid());

	if (len >= (int)sizeof(text))
		len = (int)sizeof(text) - 1;
	if (ftruncate(fd, 0) < 0)
		return -errno;
	return pwrite(fd, text, (size_t)len, 0) < 0 ? -errno : 0;
}

static int fail_busy(int fd, const char *ifname, struct qos_diags *diags)
{
	char holder[128];
	ssize_t n = pread(fd, holder, sizeof(holder) - 1, 0);

	holder[n > 0 ? n : 0] = '\0';
	qos_diag(diags, QOS_FAILED, "%s is being changed by %s", ifname,
		 n > 0 ? holder : "another qosctl");
	qos_diag_hint(diags, "try again when it is done");
	return -EBUSY;
}

bool qos_lock_remove(const char *path)
{
	_cleanup_(closep) int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && unlink(path) == 0;
}

/* Or whether it was taken away before it was locked: then the next one takes another. */
static bool is_in_place(int fd, const char *path)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_ino == there.st_ino &&
	       ours.st_dev == there.st_dev;
}

int qos_lock_take(const char *ifname, const char *what, struct qos_diags *diags, int *ret_fd)
{
	char name[QOS_NETNS_NAME_LEN], path[sizeof(LOCK_DIR) + sizeof(name) + sizeof("/.lock")];
	_cleanup_(closep) int fd = -1;
	int r;

	r = qos_netns_name(ifname, diags, name);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), LOCK_DIR "/%s.lock", name);

	do {
		closep(&fd);
		fd = -1;
		r = lock_open(path, diags, &fd);
		if (r < 0)
			return r;
		r = lock_wait(fd);
	} while (r == 0 && !is_in_place(fd, path));
	if (r == -EWOULDBLOCK)
		return fail_busy(fd, ifname, diags);
	if (r < 0)
		return fail(diags, r, "lock", path);
	r = write_holder(fd, what);
	if (r < 0)
		return fail(diags, r, "write", path);

	*ret_fd = TAKE_FD(fd);
	return 0;
}
