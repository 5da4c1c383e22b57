/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/crontab.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/link.h"

#define CRON_DIR "/etc/cron.d"
#define TEXT_MAX (1U << 20)

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-';
}

int qos_crontab_path(const char *ifname, struct qos_diags *diags, char **ret_path)
{
	char name[3 * IFNAMSIZ] = "", *out = name;

	for (const char *c = ifname; *c; c++) {
		if (c - ifname >= IFNAMSIZ - 1 || (!is_plain(*c) && !strchr("_.@+", *c))) {
			qos_diag(diags, QOS_INVALID, "interface `%s` cannot be named to cron",
				 QOS_BRIEF(ifname));
			qos_diag_hint(diags, "letters, digits and -_.@+ can be");
			return -EINVAL;
		}
		out += sprintf(out, is_plain(*c) ? "%c" : "_%02x", (unsigned char)*c);
	}
	return asprintf(ret_path, CRON_DIR "/qosctl-%s", name) < 0 ? -ENOMEM : 0;
}

static int fail(struct qos_diags *diags, int error, const char *what, const char *path)
{
	bool denied = error == -EACCES || error == -EPERM;

	qos_diag(diags, denied ? QOS_UNSUPPORTED : QOS_FAILED, "cannot %s %s: %s", what, path,
		 strerror(-error));
	if (denied)
		qos_diag_hint(diags, "this needs root");
	return error;
}

int qos_crontab_get(const char *ifname, struct qos_diags *diags, char **ret_text)
{
	_cleanup_(freep) char *path = NULL, *text = calloc(1, TEXT_MAX + 1);
	_cleanup_(closep) int fd = -1;
	ssize_t len;
	int r = qos_crontab_path(ifname, diags, &path);

	if (r < 0)
		return r;
	if (!text)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT : fail(diags, -errno, "read", path);
	len = read(fd, text, TEXT_MAX);
	if (len < 0)
		return fail(diags, -errno, "read", path);
	*ret_text = TAKE_PTR(text);
	return 0;
}

static int write_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t done = write(fd, text, len);

		if (done < 0)
			return -errno;
		text += done;
		len -= (size_t)done;
	}
	return 0;
}

/* A new file beside it, whose name cron does not read, in its place when it is on the disk. */
static int replace(const char *path, const char *text)
{
	_cleanup_(freep) char *fresh = NULL;
	_cleanup_(closep) int fd = -1;
	int r;

	if (asprintf(&fresh, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	fd = mkostemp(fresh, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text);
	if (r == 0 && (fchmod(fd, 0644) || fsync(fd) || rename(fresh, path)))
		r = -errno;
	if (r < 0)
		unlink(fresh);
	return r;
}

int qos_crontab_put(const char *ifname, const char *text, struct qos_diags *diags)
{
	_cleanup_(freep) char *path = NULL;
	int r = qos_crontab_path(ifname, diags, &path);

	if (r < 0)
		return r;
	r = replace(path, text);
	if (r == -ENOENT) {
		fail(diags, r, "write", path);
		qos_diag_hint(diags, "is cron installed?");
		return r;
	}
	return r < 0 ? fail(diags, r, "write", path) : 0;
}

int qos_crontab_remove(const char *ifname, struct qos_diags *diags)
{
	_cleanup_(freep) char *path = NULL;
	int r = qos_crontab_path(ifname, diags, &path);

	if (r < 0)
		return r;
	return unlink(path) ? fail(diags, -errno, "remove", path) : 0;
}
