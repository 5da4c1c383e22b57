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
#include "compile/crontab.h"
#include "kernel/link.h"
#include "kernel/privileges.h"

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

/* None where it does not matter; of what is not there nothing can be said. */
static int judge_folder(struct qos_trust *ret_trust)
{
	_cleanup_(closep) int fd = -1;

	if (!qos_trust_matters())
		return 0;
	fd = open(CRON_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	return qos_trust_judge_way(fd, CRON_DIR, ret_trust);
}

static int judge_file(const char *path, struct qos_trust *ret_trust)
{
	_cleanup_(closep) int fd = -1;

	if (!qos_trust_matters())
		return 0;
	/* cron follows no link */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT || errno == ELOOP ? 0 : -errno;
	return qos_trust_judge(fd, path, ret_trust);
}

int qos_crontab_judge(const char *ifname, struct qos_diags *diags, struct qos_trust *ret_trust)
{
	_cleanup_(freep) char *path = NULL;
	_cleanup_(qos_trust_done) struct qos_trust trust = { .why = NULL };
	int r = qos_crontab_path(ifname, diags, &path);

	if (r < 0)
		return r;
	r = judge_folder(&trust);
	if (r == 0 && !trust.why)
		r = judge_file(path, &trust);
	if (r < 0)
		return fail(diags, r, "look at", path);
	*ret_trust = trust;
	trust = (struct qos_trust){ .why = NULL };
	return 0;
}

static int judge_program(const char *program, struct qos_trust *ret_trust)
{
	_raised_ uint64_t raised = qos_kernel_raise_to_read(program);
	_cleanup_(closep) int fd = open(program, O_PATH | O_CLOEXEC);

	_cleanup_(qos_trust_done) struct qos_trust trust = { .why = NULL };
	int r = fd < 0 ? -errno : qos_trust_judge_way(fd, program, &trust);

	if (r < 0)
		return r;
	if (trust.why) {
		free(trust.hint);
		trust.hint = strdup("install qosctl where only root can write, then 'qosctl "
				    "schedule install' anew");
		if (!trust.hint)
			return -ENOMEM;
	}
	*ret_trust = trust;
	trust = (struct qos_trust){ .why = NULL };
	return 0;
}

/* Others could put back, or change, what is done to a file in a folder of theirs. */
static int expect_trusted(const char *path, struct qos_diags *diags)
{
	_cleanup_(qos_trust_done) struct qos_trust folder = { .why = NULL };
	_cleanup_(qos_trust_done) struct qos_trust file = { .why = NULL };
	int r = judge_folder(&folder);

	if (r < 0)
		return fail(diags, r, "look at", CRON_DIR);
	if (folder.why) {
		qos_diag(diags, QOS_FAILED, "%s: cron's jobs are not safe there", folder.why);
		qos_diag_hint(diags, "%s", folder.hint);
		return -EPERM;
	}
	r = judge_file(path, &file);
	if (r < 0)
		return fail(diags, r, "look at", path);
	if (file.why)
		qos_diag_warn(diags, "%s: cron ran as root what it said", file.why);
	return 0;
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

int qos_crontab_judge_program(const char *ifname, struct qos_diags *diags, char **ret_program,
			      struct qos_trust *ret_trust)
{
	_cleanup_(freep) char *text = NULL;
	int r = qos_crontab_get(ifname, diags, &text);

	if (r == 0)
		r = qos_crontab_program(text, ret_program);
	if (r < 0)
		return r;
	return judge_program(*ret_program, ret_trust);
}

bool qos_crontab_is_gone(const char *program)
{
	_raised_ uint64_t raised = qos_kernel_raise_to_read(program);
	struct stat st;

	return stat(program, &st) < 0 && (errno == ENOENT || errno == ENOTDIR);
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
	r = expect_trusted(path, diags);
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

	if (r == 0)
		r = expect_trusted(path, diags);
	if (r < 0)
		return r;
	return unlink(path) ? fail(diags, -errno, "remove", path) : 0;
}
