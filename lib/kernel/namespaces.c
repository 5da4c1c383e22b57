/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/namespaces.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "kernel/netns.h"
#include "kernel/privileges.h"

DEFINE_CLEANUP(DIR *, closedirp, closedir)

/* What has been seen: a namespace is found once for each of its processes. */
struct search {
	ino_t *inodes;
	struct qos_namespaces found;
};

static void search_done(struct search *search)
{
	free(search->inodes);
	qos_namespaces_done(&search->found);
}

static bool is_seen(const struct search *search, ino_t inode)
{
	for (size_t i = 0; i < search->found.count; i++)
		if (search->inodes[i] == inode)
			return true;
	return false;
}

static int add(struct search *search, ino_t inode, uint64_t cookie)
{
	size_t count = search->found.count + 1;
	uint64_t *cookies = realloc(search->found.cookies, count * sizeof(*cookies));
	ino_t *inodes;

	if (!cookies)
		return -ENOMEM;
	search->found.cookies = cookies;
	inodes = realloc(search->inodes, count * sizeof(*inodes));
	if (!inodes)
		return -ENOMEM;
	search->inodes = inodes;
	cookies[count - 1] = cookie;
	inodes[count - 1] = inode;
	search->found.count = count;
	return 0;
}

/* Go there, for the cookie; what is gone by now is none. */
static int visit(struct search *search, const char *path)
{
	_cleanup_(closep) int fd = -1;
	struct stat st;
	uint64_t cookie;
	int r;

	if (stat(path, &st) == 0 && is_seen(search, st.st_ino))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == EACCES || errno == EPERM ? -EPERM : 0;
	if (fstat(fd, &st) || setns(fd, CLONE_NEWNET))
		return -errno;
	r = qos_netns_cookie(&cookie);
	return r < 0 ? r : add(search, st.st_ino, cookie);
}

static int visit_processes(struct search *search)
{
	_cleanup_(closedirp) DIR *dir = opendir("/proc");
	const struct dirent *entry;
	int r = 0;

	if (!dir)
		return -errno;
	while (r == 0 && (entry = readdir(dir))) {
		char path[sizeof("/proc//ns/net") + NAME_MAX];

		if (!isdigit((unsigned char)*entry->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/ns/net", entry->d_name);
		r = visit(search, path);
	}
	return r;
}

/* "\040" and the like, as /proc/PID/mountinfo has what would end a word. */
static void unescape(char *text)
{
	char *out = text;

	while (*text) {
		if (*text == '\\' && strlen(text) > 3) {
			const char digits[] = { text[1], text[2], text[3], '\0' };

			*out++ = (char)strtoul(digits, NULL, 8);
			text += 4;
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
}

/* Of a line: "ID PARENT MAJOR:MINOR net:[INODE] WHERE …". */
static int visit_mounts(struct search *search, const char *process)
{
	_cleanup_(freep) char *list = NULL, *line = NULL;
	_cleanup_(fclosep) FILE *file = NULL;
	size_t size = 0;
	int r = 0;

	if (asprintf(&list, "%s/mountinfo", process) < 0)
		return -ENOMEM;
	file = fopen(list, "re");
	if (!file)
		return -errno;
	while (r == 0 && getline(&line, &size, file) > 0) {
		_cleanup_(freep) char *where = NULL, *path = NULL;

		if (sscanf(line, "%*s %*s %*s net:[%*u] %ms", &where) != 1)
			continue;
		unescape(where);
		if (asprintf(&path, "%s/root%s", process, where) < 0)
			return -ENOMEM;
		r = visit(search, path);
	}
	return r;
}

struct job {
	struct search *search;
	int error;
};

static void *run(void *data)
{
	struct job *job = data;

	job->error = visit_processes(job->search);
	if (job->error == 0)
		job->error = visit_mounts(job->search, "/proc/self");
	if (job->error == 0)
		job->error = visit_mounts(job->search, "/proc/1");
	return NULL;
}

/* By a thread of its own, as in qos_nl_open_scratch(). */
int qos_namespaces_find(struct qos_namespaces *ret)
{
	_cleanup_(search_done) struct search search = { .inodes = NULL };
	_raised_ uint64_t raised = qos_kernel_raise(
		QOS_CAP(CAP_SYS_ADMIN) | QOS_CAP(CAP_SYS_PTRACE) | QOS_CAP(CAP_DAC_READ_SEARCH));
	struct job job = { .search = &search };
	pthread_t thread;
	int r = pthread_create(&thread, NULL, run, &job);

	if (r == 0)
		r = pthread_join(thread, NULL);
	if (r != 0)
		return -r;
	if (job.error < 0)
		return job.error;
	ret->count = search.found.count;
	ret->cookies = TAKE_PTR(search.found.cookies);
	return 0;
}

void qos_namespaces_done(struct qos_namespaces *namespaces)
{
	free(namespaces->cookies);
}

bool qos_namespaces_have(const struct qos_namespaces *namespaces, uint64_t cookie)
{
	for (size_t i = 0; i < namespaces->count; i++)
		if (namespaces->cookies[i] == cookie)
			return true;
	return false;
}
