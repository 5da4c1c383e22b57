/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one place outside kernel/ that asks the system for something: the file. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "parse/load.h"

static const char byte_order_mark[] = "\xef\xbb\xbf";

static int open_error(const char *path, int err, struct qos_diags *diags)
{
	enum qos_status status = QOS_FAILED;

	if (err == ENOENT || err == ENOTDIR || err == ELOOP || err == ENAMETOOLONG)
		status = QOS_INVALID;
	else if (err == EACCES || err == EPERM)
		status = QOS_UNSUPPORTED;
	qos_diag(diags, status, "cannot open %s: %s", path, strerror(err));
	return -err;
}

static int check_kind(const char *path, int fd, struct qos_diags *diags)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return open_error(path, errno, diags);
	if (S_ISREG(st.st_mode))
		return 0;
	if (S_ISDIR(st.st_mode))
		qos_diag(diags, QOS_INVALID, "%s is a directory; name a policy file in it", path);
	else
		qos_diag(diags, QOS_INVALID, "%s is not a regular file; name a policy file", path);
	return -EINVAL;
}

static int read_error(const char *path, int err, struct qos_diags *diags)
{
	qos_diag(diags, QOS_FAILED, "cannot read %s: %s", path, strerror(err));
	return -err;
}

/* One byte more than allowed is asked for, to see that there is more. */
static int read_all(const char *path, int fd, struct qos_diags *diags, char *buf, size_t *ret_len)
{
	size_t len = 0;

	while (len <= QOS_DOC_MAX) {
		ssize_t got = read(fd, buf + len, QOS_DOC_MAX + 1 - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return read_error(path, errno, diags);
		if (got == 0) {
			*ret_len = len;
			return 0;
		}
		len += (size_t)got;
	}
	qos_diag(diags, QOS_INVALID, "%s is larger than %u MiB, the most a policy may be", path,
		 QOS_DOC_MAX >> 20);
	return -EFBIG;
}

int qos_file_open(const char *path, struct qos_diags *diags, int *ret_fd)
{
	/* O_NONBLOCK: a FIFO shall be refused, not waited for */
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r;

	if (fd < 0)
		return open_error(path, errno, diags);
	r = check_kind(path, fd, diags);
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int qos_file_read(int fd, const char *path, struct qos_diags *diags, char **ret_text,
		  size_t *ret_len)
{
	_cleanup_(freep) char *text = NULL;
	size_t len = 0, mark;
	int r;

	text = malloc(QOS_DOC_MAX + 1);
	if (!text)
		return -ENOMEM;
	r = read_all(path, fd, diags, text, &len);
	if (r < 0)
		return r;

	mark = strlen(byte_order_mark);
	if (len >= mark && memcmp(text, byte_order_mark, mark) == 0) {
		len -= mark;
		memmove(text, text + mark, len);
	}
	text[len] = '\0';
	r = qos_diags_set_source(diags, path, text, len);
	if (r < 0)
		return r;
	*ret_text = TAKE_PTR(text);
	*ret_len = len;
	return 0;
}
