/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

#define LINKS_MAX 40 /* as the kernel's own */

void qos_trust_done(struct qos_trust *trust)
{
	free(trust->why);
	free(trust->hint);
	*trust = (struct qos_trust){ .why = NULL };
}

/* All users are mapped to themselves in the first user namespace only. */
static bool in_first_user_namespace(void)
{
	_cleanup_(fclosep) FILE *file = fopen("/proc/self/uid_map", "re");
	unsigned long inside, outside;
	char line[64], *at = line;

	/* where it cannot be told, it is taken for the first */
	if (!file || !fgets(line, sizeof(line), file))
		return true;
	inside = strtoul(at, &at, 10);
	outside = strtoul(at, &at, 10);
	return inside == 0 && outside == 0 && strtoul(at, NULL, 10) == UINT_MAX;
}

bool qos_trust_matters(void)
{
	return geteuid() == 0 && in_first_user_namespace();
}

/* Where others may have files of their own, nobody wants to change the folder for one. */
static bool is_shared(const struct stat *st)
{
	return S_ISDIR(st->st_mode) && (st->st_uid != 0 || st->st_mode & S_ISVTX);
}

static char *hint_for(const struct stat *st, const char *path)
{
	char *hint = NULL;
	int r;

	if (is_shared(st))
		r = asprintf(&hint, "keep it where only root can write, as in " QOS_POLICY_DIR);
	else if (st->st_uid != 0)
		r = asprintf(&hint, "look at what it says, then: chown root %s && chmod go-w %s",
			     path, path);
	else
		r = asprintf(&hint, "look at what it says, then: chmod go-w %s", path);
	return r < 0 ? NULL : hint;
}

/* way: a folder that something is looked up in. */
static int judge(const struct stat *st, const char *path, bool way, struct qos_trust *trust)
{
	const char *what = way ? "the folder " : "";
	int r;

	if (trust->why || (st->st_uid == 0 && !(st->st_mode & (S_IWGRP | S_IWOTH))))
		return 0;
	if (st->st_uid != 0)
		r = asprintf(&trust->why, "%s%s belongs to user %u, not to root", what, path,
			     st->st_uid);
	else
		r = asprintf(&trust->why, "others than root can write %s%s (mode %04o)", what, path,
			     st->st_mode & 07777U);
	if (r < 0) {
		trust->why = NULL;
		return -ENOMEM;
	}
	trust->hint = hint_for(st, path);
	return trust->hint ? 0 : -ENOMEM;
}

int qos_trust_judge(int fd, const char *path, struct qos_trust *ret_trust)
{
	_cleanup_(qos_trust_done) struct qos_trust trust = { .why = NULL };
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	r = judge(&st, path, false, &trust);
	if (r < 0)
		return r;
	*ret_trust = trust;
	trust = (struct qos_trust){ .why = NULL };
	return 0;
}

/* The way from the root to a file, a name at a time. */
struct walk {
	int fd;		      /* what was reached */
	struct stat st;	      /* of that */
	char where[PATH_MAX]; /* its path, without links; the root's is empty */
	char left[PATH_MAX];  /* names still to go, */
	size_t gone;	      /* after so many bytes */
	unsigned int links;
	struct qos_trust trust;
	struct qos_trust shared; /* what is to say of a sticky folder, but for a file of root's */
};

static void walk_done(struct walk *walk)
{
	closep(&walk->fd);
	qos_trust_done(&walk->trust);
	qos_trust_done(&walk->shared);
}

static int reach(struct walk *walk, int fd)
{
	closep(&walk->fd);
	walk->fd = fd;
	if (fd < 0 || fstat(fd, &walk->st) < 0)
		return -errno;
	return 0;
}

static int reach_root(struct walk *walk)
{
	walk->where[0] = '\0';
	return reach(walk, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/* text, and then what was left after it. */
static int put_before(struct walk *walk, const char *text)
{
	_cleanup_(freep) char *left = strdup(walk->left + walk->gone);
	int len;

	if (!left)
		return -ENOMEM;
	walk->gone = 0;
	len = snprintf(walk->left, sizeof(walk->left), "%s/%s", text, left);
	return len < (int)sizeof(walk->left) ? 0 : -ENAMETOOLONG;
}

static int follow_link(struct walk *walk, int link)
{
	char target[PATH_MAX];
	ssize_t len = readlinkat(link, "", target, sizeof(target) - 1);
	int r;

	if (len < 0)
		return -errno;
	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	target[len] = '\0';
	r = put_before(walk, target);
	return r == 0 && *target == '/' ? reach_root(walk) : r;
}

static int step_up(struct walk *walk)
{
	char *slash = strrchr(walk->where, '/');

	if (slash)
		*slash = '\0';
	return reach(walk, openat(walk->fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

static int step_to(struct walk *walk, const char *name)
{
	_cleanup_(closep) int fd = openat(walk->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	size_t len = strlen(walk->where);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return follow_link(walk, fd);
	if (snprintf(walk->where + len, sizeof(walk->where) - len, "/%s", name) >=
	    (int)(sizeof(walk->where) - len))
		return -ENAMETOOLONG;
	return reach(walk, TAKE_FD(fd));
}

/* Takes the next of the names that are left; false: there was none. */
static bool next_name(struct walk *walk, char name[NAME_MAX + 1])
{
	const char *left = walk->left + walk->gone;
	size_t skip = strspn(left, "/"), len = strcspn(left + skip, "/");

	if (!len)
		return false;
	snprintf(name, NAME_MAX + 1, "%.*s", (int)len, left + skip);
	walk->gone += skip + len;
	return true;
}

/*
 * One that only root could have put into a sticky folder, and only root can take away. Not
 * a folder, whose files are trusted by its name: it is reused when /tmp is cleaned. Nor one
 * of several names, as who can read a file may give it another, without fs.protected_hardlinks.
 */
static bool is_roots_alone(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_uid == 0 && st->st_nlink == 1 &&
	       !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/* The next after a sticky folder is known; after a link it is still the folder. */
static void settle_shared(struct walk *walk)
{
	if (!walk->trust.why && walk->shared.why && !is_roots_alone(&walk->st)) {
		walk->trust = walk->shared;
		walk->shared = (struct qos_trust){ .why = NULL };
	}
	qos_trust_done(&walk->shared);
}

static int judge_reached(struct walk *walk)
{
	bool folder = S_ISDIR(walk->st.st_mode);
	bool shared = folder && walk->st.st_uid == 0 && walk->st.st_mode & S_ISVTX;

	settle_shared(walk);
	return judge(&walk->st, walk->where[0] ? walk->where : "/", folder,
		     shared ? &walk->shared : &walk->trust);
}

static int walk_all(struct walk *walk)
{
	char name[NAME_MAX + 1];
	int r = reach_root(walk);

	if (r == 0)
		r = judge_reached(walk);
	while (r == 0 && next_name(walk, name)) {
		if (!strcmp(name, "."))
			continue;
		r = strcmp(name, "..") ? step_to(walk, name) : step_up(walk);
		if (r == 0)
			r = judge_reached(walk);
	}
	settle_shared(walk);
	return r;
}

/* From the root on: what a relative path begins with may be another's as well. */
static int begin(struct walk *walk, const char *path)
{
	char cwd[PATH_MAX];

	if (snprintf(walk->left, sizeof(walk->left), "%s", path) >= (int)sizeof(walk->left))
		return -ENAMETOOLONG;
	if (*path == '/')
		return 0;
	if (!getcwd(cwd, sizeof(cwd)))
		return -errno;
	return put_before(walk, cwd);
}

int qos_trust_judge_way(int fd, const char *path, struct qos_trust *ret_trust)
{
	_cleanup_(walk_done) struct walk walk = { .fd = -1 };
	struct stat opened;
	int r = begin(&walk, path);

	if (r == 0)
		r = walk_all(&walk);
	if (r < 0)
		return r;
	if (fstat(fd, &opened) < 0)
		return -errno;
	if (opened.st_dev != walk.st.st_dev || opened.st_ino != walk.st.st_ino)
		return -ESTALE;
	*ret_trust = walk.trust;
	walk.trust = (struct qos_trust){ .why = NULL };
	return 0;
}
