/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/bpffs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include <linux/magic.h>

#include "base/cleanup.h"
#include "kernel/netns.h"
#include "kernel/privileges.h"
#include "kernel/trust.h"

#define BPFFS "/sys/fs/bpf"

/* "/proc/4194304/root" BPFFS */
#define PATH_LEN 64

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

static int mount_bpffs(void)
{
	_raised_ uint64_t raised = qos_kernel_raise(QOS_CAP(CAP_SYS_ADMIN));

	return mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=700") < 0 ?
		       -errno :
		       0;
}

/* The parent's, from /proc/PID/stat: "PID (NAME) STATE PARENT …". 0: there is none. */
static pid_t parent_of(pid_t pid)
{
	char path[PATH_LEN], text[512];
	_cleanup_(fclosep) FILE *file = NULL;
	const char *name_end;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	name_end = strrchr(text, ')');
	/* ") S PARENT" */
	return name_end && strlen(name_end) > 4 ? (pid_t)strtol(name_end + 4, NULL, 10) : 0;
}

/*
 * The ancestor nearest to the first process whose mount namespace we may see,
 * where that is not our own; else 0. Usually the first process, but that may be
 * closed even to root.
 */
static pid_t outer_process(void)
{
	struct stat own, seen, outer = { .st_ino = 0 };
	char path[PATH_LEN];
	pid_t found = 0;

	if (stat("/proc/self/ns/mnt", &own) < 0)
		return 0;
	for (pid_t pid = getppid(); pid > 0; pid = parent_of(pid)) {
		snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
		if (stat(path, &seen) < 0)
			continue;
		found = pid;
		outer = seen;
	}
	return outer.st_ino == own.st_ino && outer.st_dev == own.st_dev ? 0 : found;
}

/* A mount in a namespace of ip-netns(8) exec would be gone, and the pins with
 * it, as soon as the command ends: mount in the outer process's, by a child
 * that goes there.
 */
static int mount_outside(pid_t outer)
{
	_raised_ uint64_t raised =
		qos_kernel_raise(QOS_CAP(CAP_SYS_ADMIN) | QOS_CAP(CAP_SYS_CHROOT));
	_cleanup_(closep) int ns = -1;
	char path[PATH_LEN];
	int status;
	pid_t pid;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)outer);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0)
		return -errno;

	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(setns(ns, CLONE_NEWNS) < 0 ? errno : -mount_bpffs());

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

static int fail(struct qos_diags *diags, int error)
{
	bool denied = error == -EPERM || error == -EACCES;

	qos_diag(diags, denied ? QOS_UNSUPPORTED : QOS_FAILED,
		 "there is no bpf file system, and none can be mounted at " BPFFS ": %s",
		 strerror(-error));
	qos_diag_hint(diags, "as root, outside of any container: mount -t bpf bpf " BPFFS);
	return error;
}

/*
 * ret_outer: the process outside where ours has none, or 0. To see that one, and from then on all
 * that is found through it, takes CAP_SYS_PTRACE.
 */
static int find_mounted(char *ret_path, pid_t *ret_outer)
{
	char path[PATH_LEN];
	uint64_t raised;

	*ret_outer = 0;
	snprintf(ret_path, PATH_LEN, BPFFS);
	if (is_bpffs(BPFFS))
		return 0;
	raised = qos_kernel_raise(QOS_CAP(CAP_SYS_PTRACE));
	*ret_outer = outer_process();
	if (!*ret_outer) {
		qos_kernel_lower(raised);
		return -ENOENT;
	}
	snprintf(path, sizeof(path), "/proc/%d/root" BPFFS, (int)*ret_outer);
	if (!is_bpffs(path))
		return -ENOENT;
	snprintf(ret_path, PATH_LEN, "%s", path);
	return 0;
}

int qos_bpffs_find(char **ret_path)
{
	char path[PATH_LEN], *copy;
	pid_t outer;
	int r;

	r = find_mounted(path, &outer);
	if (r < 0)
		return r;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;

	*ret_path = copy;
	return 0;
}

static int find_or_mount(struct qos_diags *diags, char *ret_path)
{
	pid_t outer;
	int r;

	if (find_mounted(ret_path, &outer) == 0)
		return 0;
	r = outer ? mount_outside(outer) : mount_bpffs();
	if (r == 0)
		r = find_mounted(ret_path, &outer);
	return r < 0 ? fail(diags, r) : 0;
}

/* A bpffs takes no dots in names (bpf_lookup(), kernel/bpf/inode.c), but "eth0.100" has
 * one. "::" stands for it: the ':' before a namespace's cookie comes before a digit.
 */
static void escape_dots(const char *name, char *buf)
{
	for (; *name; name++) {
		if (*name == '.')
			*buf++ = ':';
		*buf++ = *name == '.' ? ':' : *name;
	}
	*buf = '\0';
}

/* A bpffs that somebody mounted without a mode lets all make folders, one of our name as well. */
static int judge_top(const char *top, struct qos_diags *diags)
{
	_cleanup_(qos_trust_done) struct qos_trust trust = { .why = NULL };
	_cleanup_(closep) int fd = -1;
	int r = 0;

	if (!qos_trust_matters())
		return 0;
	fd = open(top, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	r = fd < 0 ? -errno : qos_trust_judge(fd, top, &trust);
	if (r < 0) {
		qos_diag(diags, QOS_FAILED, "cannot look at %s: %s", top, strerror(-r));
		return r;
	}
	if (!trust.why)
		return 0;
	qos_diag(diags, QOS_FAILED, "%s: it is not used", trust.why);
	qos_diag_hint(diags, "apply makes it anew, and what is in force stays: rm -r %s", top);
	return -EPERM;
}

int qos_bpffs_path(const char *ifname, struct qos_diags *diags, char **ret_dir)
{
	char name[QOS_NETNS_NAME_LEN], escaped[2 * QOS_NETNS_NAME_LEN], bpffs[PATH_LEN], *dir;
	char top[PATH_LEN + sizeof("/qosctl")];
	int r;

	r = qos_netns_name(ifname, diags, name);
	if (r < 0)
		return r;
	r = find_or_mount(diags, bpffs);
	if (r < 0)
		return r;
	snprintf(top, sizeof(top), "%s/qosctl", bpffs);
	r = judge_top(top, diags);
	if (r < 0)
		return r;
	escape_dots(name, escaped);
	if (asprintf(&dir, "%s/%s", top, escaped) < 0)
		return -ENOMEM;

	*ret_dir = dir;
	return 0;
}

static int make_dir(const char *dir, struct qos_diags *diags)
{
	int error;

	if (mkdir(dir, 0700) == 0 || errno == EEXIST)
		return 0;

	error = -errno;
	qos_diag(diags, error == -EACCES || error == -EPERM ? QOS_UNSUPPORTED : QOS_FAILED,
		 "cannot create %s: %s", dir, strerror(-error));
	return error;
}

int qos_bpffs_make(const char *dir, struct qos_diags *diags)
{
	_cleanup_(freep) char *parent = strdup(dir);
	int r;

	if (!parent)
		return -ENOMEM;

	*strrchr(parent, '/') = '\0';
	r = make_dir(parent, diags);
	if (r < 0)
		return r;
	return make_dir(dir, diags);
}

static void closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int remove_pins(const char *path)
{
	_cleanup_(closedirp) DIR *dir = opendir(path);
	const struct dirent *entry;

	if (!dir)
		return -errno;

	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (unlinkat(dirfd(dir), entry->d_name, 0) < 0 && errno != ENOENT)
			return -errno;
	}
	return rmdir(path) < 0 ? -errno : 0;
}

int qos_bpffs_remove(const char *dir, struct qos_diags *diags)
{
	int r = remove_pins(dir);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		qos_diag(diags, QOS_FAILED, "cannot remove %s: %s", dir, strerror(-r));
	return r;
}
